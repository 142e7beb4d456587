"""Prosody on vowels whose pitch, jitter, shimmer, formants and pauses are known."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite, pi, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import SoundShapeError
from ferce_agent.evaluation.voice.prosody import milliseconds
from ferce_agent.evaluation.voice.vowels import FORMANTS, Voice, vowel
from ferce_agent.inputs.sound_parts import Sound
from ferce_agent.voice.pitch import pitch_track
from ferce_agent.voice.prosody import Prosody, prosody, prosody_track
from ferce_agent.voice.spectra import spectral_track

RATE = 16_000
NEIGHBOURS = 2 / sqrt(pi)


def measured(samples: Any) -> Prosody:
    return prosody(Sound(np.asarray(samples, np.float32), RATE))


def silence(seconds: float) -> Any:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.mark.parametrize("hertz", [75.0, 110.0, 200.0, 320.0, 500.0])
@pytest.mark.parametrize("name", ["a", "i"])
def test_pitch(name: str, hertz: float) -> None:
    track = pitch_track(vowel(name, 0.6, Voice(hertz)))
    assert track.voiced.mean() > 0.9
    assert np.median(track.hertz[track.voiced]) == pytest.approx(hertz, rel=0.005)


def test_pitch_in_semitones_follows_an_octave() -> None:
    low, high = (measured(vowel("a", 0.6, Voice(hertz))).pitch for hertz in (130.0, 260.0))
    assert low is not None and high is not None
    assert high.mean - low.mean == pytest.approx(12, abs=0.1)
    assert low.mean == pytest.approx(12 * np.log2(130 / 27.5), abs=0.1)
    assert low.low <= low.middle <= low.high


def test_a_rising_pitch_rises() -> None:
    times = np.arange(RATE) / RATE
    phase = 2 * np.pi * 120 * (2**times - 1) / np.log(2)  # an octave a second
    found = measured(0.1 * np.sum([np.sin(k * phase) / k for k in range(1, 20)], axis=0)).pitch
    assert found is not None and found.rising is not None
    assert found.rising == pytest.approx(12, rel=0.1)
    assert found.high - found.low == pytest.approx(0.6 * 12, rel=0.1)


@pytest.mark.parametrize("spread", [0.005, 0.01, 0.02])
def test_jitter(spread: float) -> None:
    """A fifth less than the truth: a cycle rings on into the next, which evens the lengths that can be measured."""
    assert measured(vowel("a", 3.0, Voice(jitter=spread))).jitter == pytest.approx(0.82 * spread * NEIGHBOURS, rel=0.15)


@pytest.mark.parametrize("spread", [0.2, 0.5, 1.0])
def test_shimmer(spread: float) -> None:
    found = measured(vowel("a", 3.0, Voice(shimmer_db=spread)))
    assert found.shimmer_db == pytest.approx(0.87 * spread * NEIGHBOURS, rel=0.15)
    assert found.jitter is not None and found.jitter < 0.0015


def test_a_regular_voice_has_hardly_any() -> None:
    found = measured(vowel("a", 2.0))
    assert found.jitter is not None and found.jitter < 0.001
    assert found.shimmer_db is not None and found.shimmer_db < 0.1


@pytest.mark.parametrize("name", FORMANTS)
def test_formants(name: str) -> None:
    found = measured(vowel(name, 1.0, Voice(110.0))).formants
    for one, true in zip(found, FORMANTS[name], strict=True):
        assert one is not None
        assert one.hertz == pytest.approx(true, abs=max(0.06 * true, 30))
        assert one.share > 0.8


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.3])
def test_harmonics_to_noise(noise: float) -> None:
    found = measured(vowel("a", 1.5, Voice(noise=noise))).hnr_db
    assert found == pytest.approx(-20 * np.log10(noise), abs=1.5)


def test_noise_has_no_voice() -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, 2 * RATE)
    found = measured(noise)
    assert found.timing is not None and found.timing.voiced_share < 0.05
    assert found.unvoiced is not None
    assert abs(found.unvoiced.slope_low) < 1
    assert found.unvoiced.alpha_db == pytest.approx(10 * np.log10(950 / 4000), abs=0.5)


def test_pauses() -> None:
    said = vowel("a", 0.8)
    found = measured(np.concatenate([silence(0.5), said, silence(0.6), said, silence(0.1), said, silence(1.0)])).timing
    assert found is not None
    assert found.pauses == 1
    assert found.pause_s == pytest.approx(0.6, abs=0.06)
    assert found.pause_share == pytest.approx(0.6 / 3.1, abs=0.03)
    assert found.voiced_s == pytest.approx(0.8, abs=0.05)


def test_loudness_peaks_are_counted() -> None:
    times = np.arange(4 * RATE) / RATE
    found = measured(vowel("a", 4.0) * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * times))).timing
    assert found is not None
    assert found.loudness_peaks == pytest.approx(4.0, abs=0.3)


def test_louder_changes_loudness_alone() -> None:
    quiet, loud = measured(0.1 * vowel("e", 1.0)), measured(vowel("e", 1.0))
    assert quiet.level_db is not None and loud.level_db is not None
    assert loud.level_db - quiet.level_db == pytest.approx(20, abs=0.1)
    assert quiet.loudness is not None and loud.loudness is not None
    assert loud.loudness.mean / quiet.loudness.mean == pytest.approx(100**0.33, rel=0.02)
    assert quiet.pitch is not None and loud.pitch is not None
    assert quiet.pitch.mean == pytest.approx(loud.pitch.mean, abs=0.01)
    assert quiet.voiced is not None and loud.voiced is not None
    assert quiet.voiced.alpha_db == pytest.approx(loud.voiced.alpha_db, abs=0.1)
    assert quiet.voiced.hammarberg_db == pytest.approx(loud.voiced.hammarberg_db, abs=0.5)


def test_a_pure_tone_has_the_level_of_a_tone() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert np.median(spectral_track(tone).level_db) == pytest.approx(-3.01, abs=0.02)


def test_nothing_is_measured_where_there_is_nothing() -> None:
    for samples in (silence(0.0), silence(1.0), silence(0.003)):
        found = measured(samples)
        assert (found.pitch, found.jitter, found.hnr_db, found.voiced) == (None, None, None, None)
        assert found.formants == (None, None, None)


def test_another_rate_is_refused() -> None:
    with pytest.raises(SoundShapeError):
        prosody(Sound(np.zeros(800, np.float32), 8000))


def test_times_of_the_track() -> None:
    track = prosody_track(Sound(vowel("a", 0.5), RATE, 2.0))
    assert len(track.times) == 50
    assert [track.times[0], track.times[-1]] == pytest.approx([2.005, 2.495])
    assert len(track.spectra.loudness) == len(track.pitch.hertz) == len(track.formants) == 50


def test_long_sounds_are_measured_like_short_ones() -> None:
    """Frames are worked on in groups; the borders of the groups change nothing."""
    sound = vowel("e", 12.0, Voice(150, 0.01, 0.2, 0.02))
    whole, part = prosody_track(Sound(sound, RATE)), prosody_track(Sound(sound[8 * RATE :], RATE, 8.0))
    np.testing.assert_allclose(whole.pitch.hertz[810:], part.pitch.hertz[10:], rtol=1e-6)
    np.testing.assert_allclose(whole.spectra.mfcc[810:], part.spectra.mfcc[10:], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 6000), st.integers(0, 10_000), st.sampled_from(["noise", "clicks", "constant", "square", "tiny"]))
def test_any_samples_give_finite_numbers_or_none(count: int, seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    samples = {
        "noise": random.uniform(-1, 1, count),
        "clicks": (random.random(count) > 0.99) * 1.0,
        "constant": np.full(count, 0.7),
        "square": np.sign(np.sin(np.arange(count) * random.uniform(0.01, 1))),
        "tiny": random.normal(0, 1e-7, count),
    }[kind]
    for number in numbers(asdict(measured(samples))):
        assert isfinite(number)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict | tuple | list):
        return [one for part in (value.values() if isinstance(value, dict) else value) for one in numbers(part)]
    return [] if value is None else [value]


def test_computing_time_is_measured() -> None:
    track, whole = milliseconds(2.0)
    assert 0 < track <= whole
