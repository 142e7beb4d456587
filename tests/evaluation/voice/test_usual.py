from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.evaluation.voice.usual import Said, compared, lines, scatter, separation
from ferce_agent.voice.activity import SpeechSpan
from tests.voice_reports import make_prosody


def said(speaker: str, emotion: str, hertz: float) -> Said:
    return Said(speaker, emotion, SpeechSpan(0.0, 2.0, 1.0), make_prosody(pitch_hz=hertz))


LOW = [said("a", "neutral", 100.0 * 2 ** (step / 24)) for step in range(7)]
HIGH = [said("b", "neutral", 200.0 * 2 ** (step / 24)) for step in range(7)]
RAISED = [said("a", "anger", 150.0), said("b", "fear", 300.0)]


def test_between_speakers_lies_more_than_within() -> None:
    within, between = scatter([*LOW, *HIGH])["pitch_st"]
    assert within == pytest.approx(np.std(np.arange(7) / 2, ddof=1))
    assert between == pytest.approx(12 / 2**0.5)


def test_the_baseline_tells_apart_what_the_pitch_alone_does_not() -> None:
    rows = compared([*LOW, *HIGH, *RAISED, said("c", "neutral", 90.0)])["pitch_st"]
    calm, raised = rows[rows[:, 0] == 0], rows[rows[:, 0] == 1]
    assert (len(calm), len(raised)) == (14, 2)  # the third speaker has too little for a baseline
    assert separation(raised[:, 2], calm[:, 2]) == pytest.approx(0.75)
    assert separation(raised[:, 1], calm[:, 1]) == 1.0
    assert (np.abs(calm[:, 1]) <= 1.96).all()
    (row,) = [line for line in lines([*LOW, *HIGH, *RAISED]) if line.startswith("| pitch_st") and "%" in line]
    assert row == "| pitch_st | 100.0% | 0.750 | 1.000 |"
