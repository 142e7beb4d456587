"""Stretches of speech out of scores, and the detector by energy on sounds made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.errors import SoundShapeError, WeightsError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.voice.activity import FRAME, FRAME_S, PAD_S, SHORTEST_S, SpeechDetector, SpeechSpan, speech_spans
from ferce_agent.voice.activity_energy import EnergyScorer
from ferce_agent.voice.activity_network import NetworkScorer, read_detector, shipped


class Loudness:
    """A scorer whose score is the largest sample, so that a test writes the scores as samples."""

    def score(self, frames: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(frames).max(axis=1))

    def reset(self) -> None:
        pass


def spans(scores: list[float], first_s: float = 0.0) -> list[SpeechSpan]:
    samples = np.repeat(np.array(scores, np.float32), FRAME)
    return speech_spans(Sound(samples, SOUND_RATE, first_s), Loudness())


def test_one_stretch() -> None:
    (span,) = spans([0.0] * 20 + [0.9] * 30 + [0.0] * 20, first_s=3.0)
    assert span.from_s == pytest.approx(3.0 + 20 * FRAME_S - PAD_S)
    assert span.to_s == pytest.approx(3.0 + 50 * FRAME_S + PAD_S)
    assert span.confidence == pytest.approx(0.9)


def test_short_pauses_belong_to_it_and_clicks_do_not() -> None:
    assert len(spans([0.9] * 20 + [0.0] * 8 + [0.9] * 20)) == 1
    assert len(spans([0.9] * 20 + [0.0] * 12 + [0.9] * 20)) == 2
    assert spans([0.0] * 10 + [0.9] * 5 + [0.0] * 20) == []


def test_between_the_thresholds_it_goes_on_but_does_not_begin() -> None:
    assert spans([0.4] * 60) == []
    (span,) = spans([0.9] * 10 + [0.4] * 40)
    assert span.to_s == pytest.approx(50 * FRAME_S)


def test_an_end_within_a_frame() -> None:
    sound = Sound(np.full(FRAME * 20 + 100, 0.9, np.float32), SOUND_RATE, 1.0)
    (span,) = speech_spans(sound, Loudness())
    assert [span.from_s, span.to_s] == pytest.approx([1.0, sound.end_s])


def test_another_rate_is_refused() -> None:
    with pytest.raises(SoundShapeError, match="open_sound"):
        SpeechDetector(Loudness()).push(Sound(np.zeros(800, np.float32), 8000))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 40)), max_size=12),
    st.lists(st.integers(1, 9000), max_size=6),
)
def test_stretches_lie_in_the_sound_and_do_not_depend_on_how_it_is_cut(
    runs: list[tuple[float, int]], cuts: list[int]
) -> None:
    samples = np.repeat(np.array([one for one, count in runs for _ in range(count)], np.float32), FRAME)
    whole = speech_spans(Sound(samples, SOUND_RATE), Loudness())
    places = sorted({min(int(cut), len(samples)) for cut in np.cumsum(cuts)})
    detector, found = SpeechDetector(Loudness()), []
    for begin, part in zip([0, *places], np.split(samples, places), strict=True):
        found += detector.push(Sound(part, SOUND_RATE, begin / SOUND_RATE))
    assert found + detector.finish() == pytest.approx(whole)
    end = 0.0
    for span in whole:
        assert end <= span.from_s < span.to_s <= len(samples) / SOUND_RATE + 1e-9
        assert span.to_s - span.from_s >= SHORTEST_S - 1e-9
        assert 0 <= span.confidence <= 1
        end = span.to_s


def voiced(seconds: float) -> np.ndarray:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    wave = np.sum([np.sin(2 * np.pi * 140 * k * times) / k for k in range(1, 20)], axis=0)
    return np.asarray(0.1 * wave * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times)), np.float32)


def test_energy_finds_a_voice_in_noise() -> None:
    noise = np.random.default_rng(2).normal(0, 0.003, 4 * SOUND_RATE).astype(np.float32)
    noise[2 * SOUND_RATE : 3 * SOUND_RATE] += voiced(1.0)
    (span,) = speech_spans(Sound(noise, SOUND_RATE), EnergyScorer())
    assert [span.from_s, span.to_s] == pytest.approx([2.0, 3.0], abs=0.1)


def test_energy_finds_none_in_silence_or_steady_noise() -> None:
    assert speech_spans(Sound(np.zeros(3 * SOUND_RATE, np.float32), SOUND_RATE), EnergyScorer()) == []
    noise = np.random.default_rng(2).normal(0, 0.05, 5 * SOUND_RATE).astype(np.float32)
    assert speech_spans(Sound(noise, SOUND_RATE), EnergyScorer()) == []


def test_without_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"ferce_agent\.training\.speech"):
        read_detector(tmp_path / "speech.onnx")


@pytest.mark.skipif(not shipped().exists(), reason="the speech detector's weights are not installed")
def test_the_network_hears_no_speech_in_noise_and_does_not_depend_on_how_it_is_cut() -> None:
    scorer = NetworkScorer(read_detector())
    noise = np.random.default_rng(2).normal(0, 0.05, 200 * FRAME).astype(np.float32).reshape(-1, FRAME)
    whole = scorer.score(noise)
    scorer.reset()
    parts = np.concatenate([scorer.score(part) for part in np.split(noise, [3, 50, 51])])
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    assert whole.max() < 0.5


def test_speech_that_does_not_end_is_cut_where_it_is_least_likely() -> None:
    class Steady:
        """Speech throughout, with a dip at 18 s."""

        def __init__(self) -> None:
            self.at = 0

        def reset(self) -> None:
            self.at = 0

        def score(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
            times = (self.at + np.arange(len(frames))) * FRAME_S
            self.at += len(frames)
            return np.where(np.abs(times - 18.0) < FRAME_S / 2, 0.6, 0.9).astype(np.float32)

    detector = SpeechDetector(Steady())
    found = [span for _ in range(30) for span in detector.push(Sound(np.zeros(SOUND_RATE, np.float32), SOUND_RATE))]
    assert detector.open_since_s == pytest.approx(18.0, abs=0.04)
    found += detector.finish()
    assert [round(span.from_s, 1) for span in found] == [0.0, 18.0]
    assert found[0].to_s == found[1].from_s and found[1].to_s == pytest.approx(30.0, abs=0.05)
    assert detector.open_since_s is None
