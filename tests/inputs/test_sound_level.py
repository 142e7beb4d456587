"""Loudness against the values of the standard and FFmpeg's own meter."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.inputs.sound_level import LevelMeter, SoundLevel, k_weighting
from tests.inputs.sounds import tone

RATE = 16_000
MONO_LU = 3.01
"""A tone in one channel is so much quieter than in two."""


def measured(*parts: np.ndarray) -> SoundLevel:
    meter = LevelMeter()
    for part in parts:
        meter.add(part)
    return meter.level()


def sine(dbfs: float, seconds: float) -> Any:
    return tone(seconds, RATE, 1000.0, level=10 ** (dbfs / 20))


def test_filters_at_48_khz_are_those_of_the_standard() -> None:
    shelf, low_cut = k_weighting(48_000)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585], abs=1e-8
    )
    assert low_cut == pytest.approx([1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-8)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((-23.0, 20),), -23.0),
        (((-33.0, 20),), -33.0),
        (((-36.0, 10), (-23.0, 60), (-36.0, 10)), -23.0),
        (((-72.0, 10), (-36.0, 10), (-23.0, 60), (-36.0, 10), (-72.0, 10)), -23.0),
        (((-26.0, 20), (-20.0, 20.1), (-26.0, 20)), -23.0),
    ],
    ids=["1", "2", "3", "4", "5"],
)
def test_signals_of_ebu_tech_3341(parts: tuple[tuple[float, float], ...], expected: float) -> None:
    """The numbers are those of the document's minimum requirements, for one channel instead of two."""
    level = measured(*(sine(dbfs, seconds) for dbfs, seconds in parts))
    assert level.loudness_lufs == pytest.approx(expected - MONO_LU, abs=0.1)


def test_agrees_with_ffmpeg_on_noise() -> None:
    noise = np.random.default_rng(3).normal(0, 0.05, 10 * RATE).astype(np.float32)
    noise[3 * RATE : 6 * RATE] *= 4
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(noise[None], format="flt", layout="mono")
    frame.sample_rate = RATE
    graph.push(frame)
    graph.push(None)
    told = None
    while True:
        try:
            pulled = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        told = pulled.metadata.get("lavfi.r128.I", told) if hasattr(pulled, "metadata") else told
    if told is None:
        pytest.skip("this PyAV does not give the metadata of sound")
    assert measured(noise).loudness_lufs == pytest.approx(float(told), abs=0.1)


def test_levels_of_a_sine() -> None:
    level = measured(sine(0.0, 2))
    assert level.rms_dbfs == pytest.approx(-3.01, abs=0.01)
    assert level.peak_dbfs == pytest.approx(0.0, abs=0.01)
    assert level.silent_share == 0.0
    assert level.seconds == 2.0


def test_silence_and_nothing() -> None:
    level = measured(np.zeros(RATE, np.float32))
    assert (level.loudness_lufs, level.rms_dbfs, level.peak_dbfs, level.silent_share) == (None, None, None, 1.0)
    assert measured().seconds == 0.0


def test_small_blocks_take_no_more_memory() -> None:
    meter = LevelMeter()
    for _ in range(100):
        meter.add(np.zeros(160, np.float32))
    assert len(meter._squares) == 10  # a number for each tenth of a second, not one for each block


def test_half_is_silent() -> None:
    assert measured(sine(-20, 1), np.zeros(RATE, np.float32)).silent_share == pytest.approx(0.5, abs=0.06)


def test_single_samples_at_full_scale_are_not_clipped() -> None:
    meter = LevelMeter()
    meter.source(np.array([[False, True, False, True, True, True, False]]))
    assert meter.level().clipped_share == pytest.approx(3 / 7)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=8), st.integers(0, 100))
def test_the_way_it_is_cut_changes_nothing(cuts: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).normal(0, 0.1, 12_000).astype(np.float32)
    parts = np.split(sound, sorted({min(cut, 12_000) for cut in np.cumsum(cuts)}))
    whole, pieces = measured(sound), measured(*parts)
    assert pieces.loudness_lufs == pytest.approx(whole.loudness_lufs, abs=1e-6)
    assert pieces.silent_share == whole.silent_share
