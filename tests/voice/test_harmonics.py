"""Levels of harmonics on voices with known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.evaluation.voice.vowels import FORMANTS, Voice, vowel
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.frames import frame_count
from ferce_agent.voice.harmonics import harmonics
from ferce_agent.voice.prosody import prosody
from ferce_agent.voice.spectra import spectral_track


def voice(hertz: float, levels_db: dict[int, float], seconds: float = 0.5) -> NDArray[np.float32]:
    """Return a sum of harmonics with given levels in dB of full scale."""
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    waves = [10 ** (level / 20) * np.cos(2 * np.pi * hertz * number * times) for number, level in levels_db.items()]
    return np.asarray(np.sum(waves, axis=0), np.float32)


def middle(values: NDArray[np.float64]) -> float:
    return float(np.nanmedian(values))


@settings(max_examples=30, deadline=None)
@given(
    hertz=st.floats(75, 400),
    first=st.floats(-30, -10),
    second=st.floats(-30, -10),
    third=st.floats(-50, -25),
)
def test_levels_are_those_of_the_harmonics(hertz: float, first: float, second: float, third: float) -> None:
    place = round(2600 / hertz)
    sound = voice(hertz, {1: first, 2: second, place: third})
    count = frame_count(len(sound), SOUND_RATE)
    formants = np.tile([np.nan, np.nan, place * hertz], (count, 1))
    found = harmonics(sound, np.full(count, hertz), formants)
    assert middle(found.h1_h2_db) == pytest.approx(first - second, abs=0.5)
    assert middle(found.h1_a3_db) == pytest.approx(first - third, abs=0.5)
    assert middle(found.formants_db[:, 2]) == pytest.approx(third - first, abs=0.5)
    assert np.isnan(found.formants_db[:, :2]).all()


def test_what_is_not_voiced_has_none() -> None:
    sound = voice(120, {1: -12, 2: -18})
    count = frame_count(len(sound), SOUND_RATE)
    pitch = np.where(np.arange(count) < 10, np.nan, 120.0)
    found = harmonics(sound, pitch, np.full((count, 3), np.nan))
    assert np.isnan(found.h1_h2_db[:10]).all() and np.isfinite(found.h1_h2_db[10:]).all()
    assert np.isnan(found.h1_a3_db).all()


def test_silence_and_nothing_are_no_error() -> None:
    silent = harmonics(np.zeros(1600, np.float32), np.full(10, 100.0), np.full((10, 3), 500.0))
    assert np.isfinite(silent.h1_h2_db).all() and abs(middle(silent.h1_h2_db)) < 1e-6
    assert harmonics(np.zeros(0, np.float32), np.zeros(0), np.zeros((0, 3))).h1_h2_db.shape == (0,)


@pytest.mark.parametrize("name", sorted(FORMANTS))
def test_a_vowel_has_its_formants_levels(name: str) -> None:
    found = prosody(Sound(vowel(name, 1.0, Voice(120)), SOUND_RATE))
    assert found.h1_h2_db is not None and found.formants[0] is not None
    # The first formant of these vowels lies above the first harmonic or on it, and its harmonic is no weaker.
    assert found.formants[0].level_db > -1.0
    assert found.voiced is not None and 0 < found.voiced.flux < 0.5
    if found.formants[2] is not None and found.h1_a3_db is not None:
        assert found.h1_a3_db == pytest.approx(-found.formants[2].level_db, abs=0.01)


def test_flux_tells_a_steady_sound_from_a_changing_one() -> None:
    steady = spectral_track(voice(150, {1: -12, 2: -18, 3: -20}, 1.0)).flux
    noise = np.asarray(np.random.default_rng(0).normal(size=SOUND_RATE) * 0.1, np.float32)
    changing = spectral_track(noise).flux
    assert steady[0] == 0 and changing.max() <= 2**0.5
    assert np.median(steady) < 0.15
    assert np.median(changing) > 0.3


def test_flux_does_not_depend_on_how_many_frames_are_worked_on_at_once() -> None:
    noise = np.asarray(np.random.default_rng(1).normal(size=12 * SOUND_RATE) * 0.1, np.float32)
    late = spectral_track(noise[: 11 * SOUND_RATE]).flux
    assert late[1000] == pytest.approx(spectral_track(noise[SOUND_RATE:]).flux[900], abs=1e-6)
