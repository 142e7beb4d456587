from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.voice import features
from ferce_agent.voice.features import BANDS, COLUMNS, HOP, RATE, WINDOW


def tone(hertz: float, seconds: float = 1.0, level: float = 0.3) -> features.Samples:
    """A sound with harmonics, as of a voice."""
    times = np.arange(int(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 8)]
    return np.asarray(level * np.sum(parts, axis=0), np.float32)


def test_the_mel_spectrum_is_that_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    sound = np.random.default_rng(3).standard_normal(RATE).astype(np.float32) * 0.1 + tone(140)
    power = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=WINDOW, hop_length=HOP, window="hann", center=False, power=2.0, n_mels=BANDS,
        fmin=features.LOWEST_HZ, fmax=features.HIGHEST_HZ, htk=True, norm=None,
    )  # fmt: skip
    theirs = librosa.power_to_db(power, ref=1.0, amin=features.FLOOR, top_db=None).T
    ours = features.log_mel(sound)
    assert ours.shape == theirs.shape == (1 + (RATE - WINDOW) // HOP, BANDS)
    assert np.abs(ours - theirs).max() < 0.01


@pytest.mark.parametrize("hertz", [75.0, 118.0, 220.0, 430.0])
def test_the_pitch_of_a_tone_is_found(hertz: float) -> None:
    pitch, periodic = features.pitch_track(tone(hertz))
    inner = slice(3, -3)
    assert np.abs(np.log2(pitch[inner] / hertz)).max() < 0.05
    assert periodic[inner].min() > 0.9


def test_noise_is_not_periodic() -> None:
    noise = np.random.default_rng(5).standard_normal(RATE).astype(np.float32)
    _, periodic = features.pitch_track(noise)
    assert np.mean(periodic >= features.VOICED) < 0.02


def test_pitch_and_spectrum_have_as_many_frames() -> None:
    for count in (0, 1, 400, WINDOW, WINDOW + HOP, 9999):
        sound = np.ones(count, np.float32) * 0.1
        assert len(features.log_mel(sound)) == len(features.pitch_track(sound)[0]) >= 1


def test_silence_before_and_after_is_not_read() -> None:
    spoken = tone(150)
    padded = np.concatenate([np.zeros(9600, np.float32), spoken, np.zeros(16000, np.float32)])
    read = features.voice_frames(padded)
    assert abs(len(read) - RATE // HOP) <= 2 * features.MARGIN + 4
    assert np.allclose(np.median(read, 0)[64:], np.median(features.voice_frames(spoken), 0)[64:], atol=0.5)


def test_silence_alone_gives_frames() -> None:
    read = features.voice_frames(np.zeros(RATE, np.float32))
    assert read.shape[1] == COLUMNS
    assert np.isfinite(read).all()
