from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.inputs.transcript import Segment, TimedWord, Transcript
from ferce_agent.voice.transcriber import MARGIN_S, PIECE_S, KeptSound, together, transcribe_turns, with_margins


class Counter:
    """Says how long each stretch is; a stretch shorter than 0.4 s is too much for it."""

    name, version, remote = "counter", "1", False

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[tuple[float, float]] = []
        self.error = error

    def transcribe(self, sound: Sound) -> Transcript:
        self.heard.append((round(sound.first_s, 2), round(sound.end_s, 2)))
        if self.error is not None and sound.duration_s < 0.8:
            raise self.error
        words = (TimedWord("too", sound.first_s - 1, sound.first_s + 0.1, 0.5), TimedWord("late", 1e6, 1e6, 0.5))
        return Transcript((Segment("too late", None, None, None, words),), "transcribed", "en", 1)


def kept(seconds: float = 60.0, first_s: float = 0.0, most_s: float = 3600.0) -> KeptSound:
    ramp = np.linspace(-1, 1, round(seconds * SOUND_RATE), dtype=np.float32)
    sound = KeptSound(most_s)
    for start in range(0, len(ramp), SOUND_RATE // 2):
        sound.add(Sound(ramp[start : start + SOUND_RATE // 2], SOUND_RATE, first_s + start / SOUND_RATE))
    return sound


@given(st.floats(-1, 6), st.floats(0, 6))
def test_what_was_kept_can_be_cut_anywhere(start: float, length: float) -> None:
    sound = kept(5.0, 1.0)
    piece = sound.cut(start, start + length)
    assert piece.first_s >= 1.0 or not len(piece.samples)
    assert piece.end_s <= 6.0 + 1e-6 or not len(piece.samples)
    expected = (piece.first_s - 1.0) * 2 / 5 - 1 + np.arange(len(piece.samples)) * 2 / (5 * SOUND_RATE - 1)
    assert np.allclose(piece.samples, expected, atol=1e-3)


def test_no_more_is_kept_than_allowed() -> None:
    sound = kept(10.0, most_s=3.0)
    assert sound.end_s == 3.0
    assert len(sound.cut(2.0, 8.0).samples) == SOUND_RATE
    assert len(KeptSound().cut(0.0, 1.0).samples) == 0


def test_a_short_block_behind_the_end_is_not_taken_for_an_earlier_one() -> None:
    sound, at = KeptSound(most_s=3.0), 0
    for count, level in ((40_000, 0.1), (16_000, 0.2), (4_000, 0.3)):
        sound.add(Sound(np.full(count, level, np.float32), SOUND_RATE, at / SOUND_RATE))
        at += count
    assert sound.end_s == 3.0
    assert np.allclose(sound.cut(2.5, 4.0).samples, 0.2, atol=1e-3)


def test_near_turns_are_recognised_together_and_no_silence_is() -> None:
    spans = [(0.5, 1.0), (1.5, 2.0), (5.0, 6.0), (6.2, 33.5), (34.0, 35.0)]
    assert list(together(spans)) == [(0.5, 2.0), (5.0, 6.0), (6.2, 33.5), (34.0, 35.0)]
    engine = Counter()
    transcribe_turns(engine, kept(), spans)
    assert engine.heard[0] == (0.35, 2.15)
    assert len(engine.heard) == 4


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 40)), max_size=12))
def test_stretches_hold_all_turns_and_are_short_where_that_is_possible(steps: list[tuple[float, float]]) -> None:
    spans, at = [], 0.0
    for pause, length in steps:
        spans.append((at + pause, at + pause + length))
        at = spans[-1][1]
    found = list(together(spans))
    for start, end in spans:
        assert sum(first <= start and end <= last for first, last in found) == 1
    for first, last in found:
        assert last - first <= PIECE_S or (first, last) in spans
    wide = list(with_margins(found))
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(wide))
    for (start, end), (first, last) in zip(wide, found, strict=True):
        assert first - MARGIN_S <= start <= first
        assert last <= end <= last + MARGIN_S


def test_times_lie_within_the_stretch_and_what_was_dropped_is_counted() -> None:
    found = transcribe_turns(Counter(), kept(), [(1.0, 2.0), (10.0, 11.0)])
    times = [time for one in found.transcript.segments for time in (one.start_s, one.end_s)]
    assert times == pytest.approx([0.85, 2.15, 9.85, 11.15], abs=1e-3)
    for segment in found.transcript.segments:
        for word in segment.words:
            assert segment.start_s is not None
            assert segment.end_s is not None
            assert segment.start_s <= word.start_s <= word.end_s <= segment.end_s
    assert (found.transcript.language, found.transcript.origin, found.transcript.dropped) == ("en", "transcribed", 2)


@pytest.mark.parametrize("error", [EngineError("It is broken."), ZeroDivisionError("my dog died")])
def test_a_stretch_that_fails_costs_only_itself(error: Exception) -> None:
    found = transcribe_turns(Counter(error), kept(), [(1.0, 2.0), (10.0, 10.2)])
    assert (found.failed, found.stretches, len(found.transcript.segments)) == (1, 2, 1)
    assert found.reason in {"It is broken.", "It raised ZeroDivisionError."}


def test_a_language_becomes_a_code_and_no_time_is_missing() -> None:
    class Named(Counter):
        def transcribe(self, sound: Sound) -> Transcript:
            return Transcript((Segment("Guten Tag"),), "transcribed", "german")

    class Foreign(Counter):
        def transcribe(self, sound: Sound) -> Transcript:
            return Transcript((Segment("Guten Tag", float("nan"), float("nan")),), "transcribed", "de-AT")

    found = transcribe_turns(Foreign(), kept(), [(2.0, 4.0)]).transcript
    assert found.language == "de"
    assert [(one.start_s, one.end_s) for one in found.segments] == [(1.85, 4.15)]
    named = transcribe_turns(Named(), kept(), [(2.0, 4.0)]).transcript
    assert named.language is None


def test_a_transcriber_without_its_files_is_an_error() -> None:
    with pytest.raises(WeightsError):
        transcribe_turns(Counter(WeightsError("There is no model.")), kept(), [(1.0, 1.1)])


def test_it_can_be_stopped_between_two_stretches() -> None:
    cancel = threading.Event()
    cancel.set()
    found = transcribe_turns(Counter(), kept(), [(1.0, 2.0)], cancel)
    assert (found.stopped, found.transcript.segments) == (True, ())
