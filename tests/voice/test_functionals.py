from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.voice.features import COLUMNS, RATE, Samples, voice_frames
from ferce_agent.voice.functionals import plain_functionals, rich_functionals

Functionals = Callable[[Samples], NDArray[np.float64]]


def gliding_tone(seconds: float = 1.0) -> Samples:
    times = np.arange(int(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(140 + 60 * np.sin(2 * np.pi * 3 * times)) / RATE
    tone = sum(np.sin(pitch * k) / k for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times))
    return np.asarray(0.1 * tone, np.float32)


@pytest.mark.parametrize(("functionals", "count"), [(plain_functionals, 258), (rich_functionals, 549)])
def test_the_level_changes_nothing(functionals: Functionals, count: int) -> None:
    frames = voice_frames(gliding_tone())
    louder = frames.copy()
    louder[:, :-2] += 12.0
    assert functionals(frames).shape == (count,)
    assert np.allclose(functionals(louder), functionals(frames), atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_of_a_few_silent_frames_they_are_finite(count: int) -> None:
    silent = np.zeros((count, COLUMNS), np.float32)
    silent[:, :-2] = -100
    assert np.isfinite(rich_functionals(silent)).all()


def test_modulation_is_strongest_at_the_rate_of_the_loudness() -> None:
    frames = voice_frames(gliding_tone(3.0))
    modulation = rich_functionals(frames)[-17 - 50 : -17].reshape(5, 10)
    assert modulation[:, 8].argmax() == 1  # the column of loudness, 3 to 5 Hz
