from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from ferce_agent.clips.speakers import MouthTrack, moves_during, who_speaks
from ferce_agent.evaluation.voice.talking import envelope, spoken_opening
from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.activity import SpeechSpan
from ferce_agent.voice.listening import HeardTurn
from tests.clips.speech_films import voice
from tests.voice_reports import make_prosody

FPS = 25


@cache
def turn(seed: int = 0, seconds: float = 1.8) -> HeardTurn:
    """The whole voice as one turn, whichever detector of speech is installed."""
    sound = voice(seconds, seed)
    first, last = SOUND_RATE // 2, len(sound) - SOUND_RATE // 2
    span = SpeechSpan(first / SOUND_RATE, last / SOUND_RATE, 0.95)
    return HeardTurn("speech-1", span, make_prosody(), None, envelope(sound[first:last]).astype(np.float32))


def mouth(track: str, seed: int | None, *, seconds: float = 1.8, scale: float = 0.2, rate: int = FPS) -> MouthTrack:
    """A mouth that moves to the voice made with a seed, read with noise; one that rests for None."""
    random = np.random.default_rng(5)
    length = (len(voice(seconds)) + SOUND_RATE) / SOUND_RATE
    times = np.arange(0, length, 1 / rate)
    noise = random.normal(0, 0.002, len(times))
    if seed is None:
        return MouthTrack(track, times, 0.05 + noise)
    opening = spoken_opening(voice(seconds, seed), random, noise=0.4)
    places = np.arange(len(opening)) / 100
    return MouthTrack(track, times, 0.05 + scale * np.interp(times, places, opening) + noise)


@pytest.mark.parametrize("seed", range(4))
def test_whose_mouth_moves_in_time_speaks(seed: int) -> None:
    (speaker,) = who_speaks([turn(seed)], [mouth("track-1", None), mouth("track-2", seed)])
    assert speaker.track == "track-2"
    assert speaker.confidence is not None and speaker.confidence > 0.8


def test_where_no_mouth_moves_the_voice_is_off_camera() -> None:
    (speaker,) = who_speaks([turn()], [mouth("track-1", None), mouth("track-2", None)])
    assert speaker.track == "off_camera"
    assert speaker.confidence is not None and speaker.confidence > 0.8


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_a_mouth_that_moves_to_another_voice_is_not_surely_the_speaker(seed: int) -> None:
    (speaker,) = who_speaks([turn()], [mouth("track-1", seed)])
    assert speaker.track != "track-1" or (speaker.confidence or 0) < 0.9


def test_two_mouths_in_time_leave_it_open() -> None:
    (speaker,) = who_speaks([turn()], [mouth("track-1", 0), mouth("track-2", 0)])
    assert (speaker.track, speaker.confidence) == (None, None)


def test_without_a_mouth_that_can_be_read_it_cannot_be_told() -> None:
    hidden = mouth("track-1", 0)
    hidden = MouthTrack("track-1", hidden.times, np.full(len(hidden.times), np.nan))
    seldom = mouth("track-2", 0, rate=4)
    assert [one.track for one in who_speaks([turn(), turn()], [hidden, seldom])] == [None, None]
    assert who_speaks([turn()], [])[0].track is None
    assert who_speaks([], [hidden]) == ()


def test_a_mouth_that_is_seen_for_a_part_only_is_not_compared() -> None:
    whole = mouth("track-1", 0)
    first = whole.times < turn().span.from_s + 0.5
    (speaker,) = who_speaks([turn()], [MouthTrack("track-1", whole.times[first], whole.opening[first])])
    assert speaker.track is None


def test_beside_a_face_whose_mouth_cannot_be_compared_nobody_is_off_camera() -> None:
    resting, other = mouth("track-1", None), mouth("track-2", None)
    hidden = MouthTrack("track-2", other.times, np.full(len(other.times), np.nan))
    first = other.times < turn().span.from_s + 0.2
    leaves = MouthTrack("track-2", other.times[first], other.opening[first])
    gone = MouthTrack("track-2", other.times + 60, np.full(len(other.times), np.nan))
    found = [who_speaks([turn()], [resting, one])[0].track for one in (other, hidden, leaves, gone)]
    assert found == ["off_camera", None, None, "off_camera"]
    (speaker,) = who_speaks([turn()], [mouth("track-1", 0), hidden])
    assert speaker.track == "track-1"


def test_a_mouth_moves_or_rests() -> None:
    span = turn().span
    assert moves_during(mouth("track-1", 0), span.from_s, span.to_s)
    assert not moves_during(mouth("track-1", None), span.from_s, span.to_s)
    assert not moves_during(mouth("track-1", 0, rate=3), span.from_s, span.to_s)
