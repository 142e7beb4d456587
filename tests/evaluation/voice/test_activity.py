"""The measurement of speech detectors: its truth, its noises and its figures."""

from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.voice.activity import LEVELS, NOISES, Scene, auc, measure, mixed, run, scene, table
from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.activity import FRAME
from ferce_agent.voice.activity_energy import EnergyScorer


def shown() -> Scene:
    times = np.arange(SOUND_RATE) / SOUND_RATE
    voice = np.sum([np.sin(2 * np.pi * 150 * k * times) / k for k in range(1, 15)], axis=0).astype(np.float32) * 0.01
    return scene([voice, voice * 0.5])


def test_truth() -> None:
    made = shown()
    assert len(made.clean) == len(made.speech) * FRAME == len(made.known) * FRAME
    assert made.speech.sum() == pytest.approx(2 * SOUND_RATE / FRAME, abs=2)
    assert not np.abs(made.clean[np.repeat(made.known & ~made.speech, FRAME)]).max()


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_the_level_asked_for(noise: str) -> None:
    made = shown()
    loud = mixed(made, noise, 0.0)
    talks = np.repeat(made.speech, FRAME)
    added = loud - made.clean
    power = (made.clean[talks] ** 2).mean()
    assert (added**2).mean() / power == pytest.approx(1.0, rel=0.01)


def test_auc() -> None:
    truth = np.array([False, False, True, True])
    assert auc(np.array([0.1, 0.2, 0.3, 0.4]), truth) == 1.0
    assert auc(np.array([0.5, 0.5, 0.5, 0.5]), truth) == 0.5
    assert auc(np.array([0.4, 0.3, 0.2, 0.1]), truth) == 0.0


def test_a_table() -> None:
    result = measure("energy", EnergyScorer(), shown(), "white", LEVELS[1])
    assert result.auc > 0.9
    assert "| white | 20 dB | energy |" in table([result])


def test_without_data(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=r"emodb\.parquet"):
        next(run(tmp_path))
