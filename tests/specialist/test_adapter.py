from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limited
from hypothesis import strategies as st

from ferce_agent.api import analyze_expression
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.pipeline import Pipeline
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings
from ferce_agent.specialist.adapter import (
    Adapter,
    Confusion,
    Head,
    Prior,
    Thresholds,
    confusion_term,
    load_adapter,
    scaled_naming,
    scaled_set,
)
from ferce_agent.specialist.runner import Specialist
from tests.adaptation.makers import EVEN, SHIPPED, make_adapter_file, shares_of

CROP = (np.add.outer(np.arange(44), np.arange(44)) * 2).astype(np.uint8)


def written(folder: Path, adapter: Adapter) -> Path:
    path = folder / "adapter.json"
    path.write_text(adapter.to_json(), "utf-8")
    return path


def test_a_file_says_again_what_was_written(tmp_path: Path) -> None:
    adapter = make_adapter_file()
    loaded = load_adapter(written(tmp_path, adapter))
    assert loaded.adapter == adapter and "says nothing about any group" in loaded.adapter.note


def test_an_adapter_that_changes_nothing_changes_nothing(tmp_path: Path) -> None:
    plain = Specialist()
    adapted = Specialist(adapter=written(tmp_path, make_adapter_file()))
    (first,), (second,) = plain.perceive(CROP[None], 0.5), adapted.perceive(CROP[None], 0.5)
    assert np.allclose(first.probabilities, second.probabilities)
    assert first.units == second.units
    assert plain.card.thresholds(0.5, 0.3) == pytest.approx(adapted.card.thresholds(0.5, 0.3))


def test_every_part_moves_the_answer_its_way(tmp_path: Path) -> None:
    plain = Specialist().perceive(CROP[None], 0.5)[0].probabilities
    prior = Prior(shipped=EVEN, strength=30, posterior=shares_of(disgust=30), exponent=1)
    table = [list(row) for row in SHIPPED.tolist()]
    table[5] = [0.02] * 8
    table[5][int(plain.argmax())] = 0.86
    confusion = Confusion(
        shipped=tuple(map(tuple, SHIPPED.tolist())), strength=8, posterior=tuple(map(tuple, table)), exponent=1
    )
    bias = (0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0)
    for changes in (
        {"prior": prior}, {"confusion": confusion}, {"head": Head(penalty=None, bias=bias, odds=(), features=())},
    ):  # fmt: skip
        path = written(tmp_path, make_adapter_file(**changes))
        found = Specialist(adapter=path).perceive(CROP[None], 0.5)[0].probabilities
        assert found.sum() == pytest.approx(1) and found[5] > 1.5 * plain[5]


def test_thresholds_are_scaled(tmp_path: Path) -> None:
    shipped = Specialist().card.thresholds(0.5, 0.3)
    path = written(tmp_path, make_adapter_file(thresholds=Thresholds(coverage=0.9, sets=3, naming=1.2)))
    found = Specialist(adapter=path).card.thresholds(0.5, 0.3)
    assert found == pytest.approx((3 * shipped[0], 1.2 * shipped[1]))


@limited(max_examples=30)
@given(st.floats(0, 1), st.floats(0.02, 50))
def test_scaled_thresholds_stay_probabilities(threshold: float, factor: float) -> None:
    assert 0 <= scaled_set(threshold, factor) <= 1
    assert 0.5 <= scaled_naming(threshold, factor) <= 0.98


def test_the_same_tables_move_nothing() -> None:
    logs = np.log(np.random.default_rng(0).dirichlet(np.ones(8), 10))
    assert np.allclose(confusion_term(logs, SHIPPED, SHIPPED), 0)


def test_other_weights_are_refused_before_a_picture_is_read(tmp_path: Path, photo: Path) -> None:
    path = written(tmp_path, make_adapter_file(weights_sha256="a" * 64))
    with pytest.raises(DataError, match="belongs to weights aaaaaaaaaaaa"):
        analyze_expression(photo, engines=Engines(Settings(adapter=path)))


def test_another_flattening_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, make_adapter_file(flatten=0.25))
    with pytest.raises(DataError, match=r"flatten=0\.25, not 0\.5"):
        Engines(Settings(adapter=path)).prepare_asking()


def test_a_baseline_and_an_adapter_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be used together"):
        _ = Pipeline(Settings(adapter=written(tmp_path, make_adapter_file()))).taken_off
    assert Pipeline(Settings()).taken_off.shape == (8,)


def test_features_of_another_network_are_refused(tmp_path: Path) -> None:
    row = (0.0,) * 8
    head = Head(penalty=3, bias=row, odds=(row,) * 8, features=(row,) * 7)
    path = written(tmp_path, make_adapter_file(head=head))
    with pytest.raises(DataError, match="7 features, not 256"):
        Specialist(adapter=path).perceive(CROP[None], 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", "\x00\xff", '{"format": "ferce-adapter/2"}',
        json.dumps({**json.loads(make_adapter_file().to_json()), "sharpness": 0}),
        json.dumps({**json.loads(make_adapter_file().to_json()), "more": 1}),
        make_adapter_file().to_json().replace('"sharpness": 1.0', '"sharpness": NaN'),
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_adapter_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "adapter.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match="no adapter file"):
        load_adapter(path)


def test_a_missing_or_huge_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_adapter(tmp_path / "none.json")
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * ((1 << 22) + 1))
    with pytest.raises(DataError, match="too large"):
        load_adapter(huge)


def test_the_report_names_the_adapter(tmp_path: Path, photo: Path, report: EmotionReport) -> None:
    path = written(tmp_path, make_adapter_file(name="clinic"))
    found = analyze_expression(
        photo, "An official portrait. She was promoted last week.", engines=Engines(Settings(adapter=path))
    )
    assert report.provenance.adapter is None
    assert found.provenance.adapter is not None and found.provenance.adapter.version == "clinic:2026-01-02"
    assert found.provenance.adapter.sha256 == load_adapter(path).sha256
    before, after = report.people[0].expression, found.people[0].expression
    assert before is not None and after is not None and before.distribution == after.distribution
