from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.fusion import SHARED_WEIGHTS, WEIGHTS
from ferce_agent.reasoning.modal_reliability import ModalReliability, installed_tables
from tests.reasoning.test_modalities import VOICE_TERMS, make_table

KNOWN = [place for place, name in enumerate(CANONICAL) if name in VOICE_TERMS]


def answers(right: float, count: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(KNOWN, count)
    named = np.array([VOICE_TERMS.index(CANONICAL[one]) for one in truth])
    named = np.where(rng.random(count) < right, named, rng.integers(0, len(VOICE_TERMS), count))
    return np.eye(len(VOICE_TERMS))[named], truth


def measured(right: float, note: str = "") -> ModalReliability:
    shares, truth = answers(right)
    return ModalReliability.measure(
        "voice", engine="1", columns=VOICE_TERMS, shares=shares, truth=truth, discount=0.5, note=note
    )


def test_what_answers_well_gets_a_large_exponent_and_what_guesses_none() -> None:
    good, guess = measured(0.8), measured(0.0)
    assert good.weight >= 0.9 and good.exponent == pytest.approx(good.weight / 2)
    assert guess.weight <= 0.1
    assert good.accuracy > 0.75
    assert guess.accuracy < 0.3
    assert good.array.shape == (8, 7)
    np.testing.assert_allclose(good.array.sum(1), 1, atol=1e-5)
    for name in set(VOICE_TERMS) & set(CANONICAL):
        row = good.array[CANONICAL.index(name)]
        assert VOICE_TERMS[int(row.argmax())] == name and row.max() > 0.6


def test_an_expression_that_never_occurred_is_neither_favoured_nor_excluded() -> None:
    shares, truth = answers(0.8)
    table = measured(0.8).array
    habit = shares.mean(0)
    for name in ("surprise", "contempt"):
        np.testing.assert_allclose(table[CANONICAL.index(name)], habit, atol=0.02)
    assert len(truth)


def test_it_is_kept_as_json(tmp_path: Path) -> None:
    made = measured(0.8, note="acted").with_errors(0.4, None)
    made.save(tmp_path / "a" / "voice.json")
    assert ModalReliability.load(tmp_path / "a" / "voice.json", "voice") == made


def test_too_few_answers_are_a_typed_error() -> None:
    shares, truth = answers(0.8, 29)
    with pytest.raises(DataError, match="29 items"):
        ModalReliability.measure("voice", engine="1", columns=VOICE_TERMS, shares=shares, truth=truth)


@pytest.mark.parametrize(
    "change",
    [
        {"table": [[1.0, 0.0]]},
        {"table": [[0.5] * 7] * 8},
        {"table": [[0.1] * 7, [0.2]]},
        {"table": "none"},
        {"table": [[float("nan")] * 7] * 8},
        {"weight": 2.5},
        {"weight": "high"},
        {"discount": -0.1},
        {"columns": ["glee", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"]},
        {"columns": ["anger"] * 7},
        {"columns": 7},
        {"arousal_error": 0.0},
        {"arousal_error": float("inf")},
        {"stranger": 1},
        {"source": "words"},
    ],
)
def test_damaged_files_are_typed_errors(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "voice.json"
    make_table().save(path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(DataError, match=r"voice\.json"):
        ModalReliability.load(path, "voice")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"table": []}'])
def test_what_is_no_table_is_a_typed_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.json"
    with pytest.raises(DataError, match=r"voice\.json"):
        ModalReliability.load(path, "voice")
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"voice\.json"):
        ModalReliability.load(path, "voice")


def test_the_installed_tables_can_be_used() -> None:
    for source in ("voice", "words"):
        table = getattr(installed_tables(), source)
        assert table is None or (table.source == source and 0 <= table.exponent <= 1)


def test_the_installed_exponents_are_among_those_that_are_tried() -> None:
    tables = installed_tables()
    assert tables.voice is not None and tables.voice.weight in SHARED_WEIGHTS
    assert tables.words is not None and tables.words.weight in WEIGHTS
