"""The commands that time listening and count what is flat, on little sound."""

from __future__ import annotations

import shutil
from itertools import islice

import numpy as np
import pytest

from ferce_agent.evaluation.voice.flatness import flat_share, noisy, synthetic
from ferce_agent.evaluation.voice.speed import measure
from ferce_agent.evaluation.voice.vowels import Voice, syllables, vowel


def test_listening_is_timed_with_its_report() -> None:
    seconds, report = measure(syllables(3.0), runs=1)
    assert seconds > 0
    assert len(report.speech) == 1
    assert {"read", "activity", "prosody", "voice", "compose"} <= set(report.provenance.timings_ms)


def test_an_even_vowel_is_flat_and_a_trembling_one_is_not() -> None:
    sounds = [vowel("a", 1.0, Voice(150)), vowel("a", 1.0, Voice(150, jitter=0.03)), np.zeros(16_000, np.float32)]
    assert flat_share(sounds, None) == (0.5, 2)


def test_noise_has_the_level_that_is_asked_for() -> None:
    sound = vowel("a", 2.0)
    added = noisy(sound, 20.0, np.random.default_rng(0)) - sound
    assert 10 * np.log10((sound**2).mean() / (added**2).mean()) == pytest.approx(20, abs=0.2)
    assert noisy(sound, None, np.random.default_rng(0)) is sound


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_synthetic_speech_is_flat() -> None:
    assert flat_share(list(islice(synthetic(), 3)), None) == (1.0, 3)
