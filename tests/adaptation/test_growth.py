from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ferce_agent.adaptation.growth import Once, _row, draw, growth_rows, main
from ferce_agent.errors import DataError
from tests.adaptation.makers import START, make_faces
from tests.evaluation.gates.pictures import portrait

BEFORE = {"accuracy": 0.5, "log_loss": 1.0, "ece": 0.1, "abstained": 0.3, "named_and_wrong": 0.2}
BETTER = {"accuracy": 0.7, "log_loss": 0.8, "ece": 0.1, "abstained": 0.4, "named_and_wrong": 0.1}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=60, max_size=120), st.integers(0, 1000))
def test_drawn_pictures_are_what_an_adapter_can_be_made_of(labels: list[int], seed: int) -> None:
    gold = np.array(labels)
    drawn = draw(gold, 20, np.random.default_rng(seed))
    assume(drawn is not None)
    assert drawn is not None
    assert len(np.unique(drawn)) == 20
    counts = np.bincount(gold[drawn])
    assert counts[counts > 0].min() >= 5 and (counts > 0).sum() >= 2


def test_a_rare_label_is_left_out_and_made_up_for() -> None:
    gold = np.repeat([0, 1, 2], [40, 40, 3])
    for seed in range(5):
        drawn = draw(gold, 30, np.random.default_rng(seed))
        assert drawn is not None and len(drawn) == 30 and 2 not in gold[drawn]
    assert draw(np.repeat([0, 1], [40, 3]), 20, np.random.default_rng(0)) is None


def test_where_nothing_is_written_the_shipped_answer_is_what_there_is() -> None:
    worse = {**BEFORE, "accuracy": 0.1, "log_loss": 2.0}
    found = [Once(BETTER, True, 4), Once(worse, False, 3), Once(worse, True, 5)]
    row = _row(50, found, BEFORE)
    assert (row["draws"], row["written"], row["written_and_worse"], row["labels"]) == (3, 2, 1, [3, 5])
    assert row["accuracy"] == pytest.approx([(0.7 + 0.5 + 0.1) / 3, 0.1, 0.7])
    assert _row(0, [], BEFORE)["accuracy"] == 0.5
    assert _row(20, [], BEFORE)["accuracy"] is None


def test_faces_that_the_model_confuses_are_read_better_after_some_pictures() -> None:
    """Half of the faces are judged by adapters of the other half; a size that it does not have is left out."""
    faces = make_faces(98, 1, kinds=2, swapped=0.9)
    none, some = growth_rows(faces, START, 0.9, draws=1, seed=3)
    assert (none["pictures"], some["pictures"]) == (0, 20)
    assert some["written"] == 1 and some["written_and_worse"] == 0
    assert some["log_loss"][0] < none["log_loss"]
    with pytest.raises(DataError, match="39 faces are too few"):
        growth_rows(faces.take(np.arange(39)), START, 0.9, draws=1, seed=3)


def test_a_folder_without_the_faces_is_refused_with_what_is_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert "validation.parquet" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_of_a_table_are_read_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One smiling face with noise, called neutral half of the time, so that there is nothing to learn."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, rows = np.random.default_rng(1), []
    for number in range(44):
        noisy = np.clip(portrait() + rng.normal(0, 5, portrait().shape), 0, 255).astype(np.uint8)
        picture = {"bytes": cv2.imencode(".png", noisy)[1].tobytes(), "path": None}
        rows.append({"file_name": f"{number}.png", "image": picture, "label": ["happiness", "neutral"][number % 2]})
    (tmp_path / "wildfaces").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "wildfaces" / "validation.parquet")
    assert main(["--data", str(tmp_path), "--draws", "1", "--json"]) == 0
    none, some = json.loads(capsys.readouterr().out)
    assert (none["pictures"], some["pictures"], some["draws"]) == (0, 20, 1)
    assert 0.2 < none["accuracy"] < 0.8  # it is taken for a smile, and half of them are called so
