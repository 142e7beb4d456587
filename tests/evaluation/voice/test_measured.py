from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ferce_agent.evaluation.voice.folds import CLEAN, NOT_SPEECH, Answers
from ferce_agent.evaluation.voice.measured import (
    DISCOUNT,
    LEAST,
    against_raters,
    arousal_of,
    calibration_table,
    cross_fitted,
    fit_calibration,
    reliability,
)
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.modal_reliability import ModalReliability
from ferce_agent.specialist.calibration import expected_calibration_error, softmax

EMOTIONS = ("anger", "boredom", "neutral", "sadness")
SPEAKERS = np.repeat(["a", "b", "c", "d"], 60)


def overconfident(condition: str = CLEAN) -> Answers:
    """Answers of a known calibration, made three times as sure as they should be."""
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 1.2, (len(SPEAKERS), len(EMOTIONS)))
    gold = np.array([rng.choice(len(EMOTIONS), p=row) for row in softmax(logits)])
    return Answers("m", condition, softmax(3 * logits), gold, EMOTIONS, np.arange(len(SPEAKERS)) % 20 == 0)


def test_the_temperature_is_found() -> None:
    answers = overconfident()
    fitted = fit_calibration(answers.probabilities, answers.gold)
    assert fitted.temperature == pytest.approx(3.0, rel=0.25)
    assert fitted.least >= LEAST
    calm = expected_calibration_error(fitted.probabilities(answers.probabilities), answers.gold)
    assert calm < 0.5 * expected_calibration_error(answers.probabilities, answers.gold)


def test_nobody_is_calibrated_by_own_answers() -> None:
    answers = overconfident()
    turned = Answers("m", CLEAN, answers.probabilities, answers.gold.copy(), EMOTIONS)
    turned.gold[SPEAKERS == "a"] = 0
    least, told = cross_fitted(answers, answers, SPEAKERS)
    other_least, other = cross_fitted(turned, turned, SPEAKERS)
    assert np.array_equal(told.probabilities[SPEAKERS == "a"], other.probabilities[SPEAKERS == "a"])
    assert not np.array_equal(told.probabilities[SPEAKERS == "b"], other.probabilities[SPEAKERS == "b"])
    assert least.shape == other_least.shape == SPEAKERS.shape


def test_the_reliability_table_can_be_read_by_the_fusion(tmp_path: Path) -> None:
    made = reliability(overconfident(), SPEAKERS, "1", "Made up.")
    made.save(tmp_path / "voice.json")
    read = ModalReliability.load(tmp_path / "voice.json", "voice")
    assert (read.columns, read.discount, read.valence_error) == (EMOTIONS, DISCOUNT, None)
    assert read.arousal_error is not None
    row = read.array[CANONICAL.index("anger")]
    assert row.argmax() == EMOTIONS.index("anger")
    assert np.ptp(read.array[CANONICAL.index("contempt")]) < np.ptp(row)


def test_the_table_has_every_sound_with_speech() -> None:
    table = calibration_table({CLEAN: overconfident(), NOT_SPEECH: overconfident(NOT_SPEECH)}, SPEAKERS)
    assert "| as recorded |" in table
    assert NOT_SPEECH not in table


def test_arousal_is_the_expected_value() -> None:
    calm, angry = arousal_of(np.eye(4)[[3, 0]], EMOTIONS)
    assert calm < 0 < angry


def test_arousal_is_compared_with_raters_where_there_are_some() -> None:
    answers = overconfident()
    rated = np.full((len(SPEAKERS), 2), np.nan)
    assert "no ratings" in against_raters(answers, rated)
    rated[:, 0] = arousal_of(answers.probabilities, EMOTIONS) * 0.5 + 0.1
    assert "arousal against raters r = 1.000 (240 utterances)" in against_raters(answers, rated)
    assert "valence" not in against_raters(answers, rated)
