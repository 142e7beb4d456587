from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ferce_agent.clips.eyes import EyeReader
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.summaries import track_text, unclear
from ferce_agent.clips.track_analysis import Signals, TrackAnalysis
from ferce_agent.graphs.engines import Engines
from tests.clips.moving import sample

NEUTRAL, HAPPINESS, SADNESS = 0, 1, 3
RATE = 25.0


@pytest.fixture(scope="module")
def signals(engines: Engines) -> Signals:
    card = engines.pipeline.specialist.card
    return Signals.of(card, 0.5, EyeReader(card.blendshapes), infer=True)


def course(time: float) -> Any:
    """Return what a face shows: calm, a smile from 2 s to 5 s, a hand over the mouth from 7 s to 11 s, sad to 14 s."""
    smile = float(np.clip(min((time - 2) / 0.4, (5 - time) / 0.4), 0, 1))
    if 7 <= time < 11:
        return sample(time, {SADNESS: 0.9}, ("mouth_covered",), 0.5)
    if time >= 11:
        return sample(time, {SADNESS: 0.93})
    return sample(time, {HAPPINESS: 0.02 + 0.95 * smile, NEUTRAL: 0.95 - 0.94 * smile})


def followed(signals: Signals, stop: int | None = None) -> tuple[TrackAnalysis, list[str]]:
    track, told = TrackAnalysis(1, signals), []
    for number in range(round(14 * RATE)):
        if number == stop:
            track = TrackAnalysis.load(signals, json.loads(json.dumps(track.dump())))
        ended, _ = track.push(course(number / RATE), None)
        told += [one.id for one in ended]
    ended, _ = track.finish()
    return track, [*told, *(one.id for one in ended)]


def test_a_smile_a_cover_and_a_sad_end(signals: Signals) -> None:
    track, told = followed(signals)
    episodes = {one.expression: one for one in track.book.episodes if one.expression}
    smile = episodes["happiness"]
    assert abs(smile.onset_s - 2.0) < 0.2
    assert abs(smile.offset_s - 5.0) < 0.2
    assert smile.onset_seen
    assert smile.offset_seen
    (gap,) = track.gaps.gaps
    assert gap.reason == "mouth_covered"
    assert abs(gap.from_s - 7) < 0.1
    assert abs(gap.to_s - 11) < 0.1
    assert episodes["sadness"].onset_s >= 10.9
    assert not episodes["sadness"].offset_seen
    assert sorted(told) == sorted(one.id for one in track.book.episodes)


def test_nothing_is_named_while_the_mouth_is_covered(signals: Signals) -> None:
    track, _ = followed(signals)
    assert not [one for one in track.book.episodes if one.expression and one.onset_s < 10.8 and one.offset_s > 7.3]


def test_the_text_says_when_and_why_not(signals: Signals) -> None:
    track, _ = followed(signals)
    text = track_text(FinishedTrack.of(track), infer=True)
    assert "it shows happiness (" in text
    assert "could not be read: the mouth is covered" in text
    assert "feels" not in text


def test_a_single_frame_is_too_short_and_not_unreadable(signals: Signals) -> None:
    track = TrackAnalysis(1, signals)
    track.push(sample(0.0, {HAPPINESS: 0.97}), None)
    track.finish()
    text = track_text(FinishedTrack.of(track), infer=True)
    assert text == "Face 1 is seen in a single frame, at 0.0 s. That is too short to follow what it shows."


def test_a_stretch_without_a_clear_expression_is_told(signals: Signals) -> None:
    track = TrackAnalysis(1, signals)
    for number in range(round(10 * RATE)):
        time = number / RATE
        mixed = {NEUTRAL: 0.4, SADNESS: 0.35, HAPPINESS: 0.2}
        track.push(sample(time, mixed if 3 <= time < 7 else {HAPPINESS: 0.97}), None)
    track.finish()
    ((begin, end),) = unclear(FinishedTrack.of(track))
    assert begin == pytest.approx(3, abs=0.3)
    assert end == pytest.approx(7, abs=0.3)
    assert "no expression is clear" in track_text(FinishedTrack.of(track), infer=True)


def test_a_calm_stretch_is_not_unclear(signals: Signals) -> None:
    assert unclear(FinishedTrack.of(followed(signals)[0])) == []


def test_no_expression_is_certain(signals: Signals) -> None:
    track = TrackAnalysis(1, signals)
    for number in range(round(4 * RATE)):
        track.push(sample(number / RATE, {HAPPINESS: 1.0}), None)
    track.finish()
    (smile,) = [one for one in track.book.episodes if one.expression]
    assert smile.peak < 1
    assert smile.confidence < 1
    assert ">99%" in track_text(FinishedTrack.of(track), infer=True)


def test_a_stretch_that_is_dark_again_and_again_is_not_told_as_unread(signals: Signals) -> None:
    track = TrackAnalysis(1, signals)
    for number in range(round(6 * RATE)):
        dark = 25 <= number < 125 and (number // 5) % 2 == 0
        reasons: Any = ("too_dark",) if dark else ()
        track.push(sample(number / RATE, {HAPPINESS: 0.97}, reasons, 0.05 if dark else 1.0), None)
    track.finish()
    text = track_text(FinishedTrack.of(track), infer=True)
    assert "could often not be read: the face is dark" in text
    assert "it could not be read" not in text


def test_sums_follow_what_was_shown(signals: Signals) -> None:
    track, _ = followed(signals)
    assert 9 < track.totals.readable_s < 10.5
    assert track.totals.shares["happiness"] == pytest.approx(3 / 10, abs=0.08)
    assert track.totals.shares["sadness"] == pytest.approx(3 / 10, abs=0.08)
    assert track.totals.liveliness == "calm"


@pytest.mark.parametrize("stop", [1, 60, 200])
def test_stopping_in_between_changes_nothing(signals: Signals, stop: int) -> None:
    whole, parts = followed(signals)[0], followed(signals, stop)[0]
    assert parts.book.episodes == whole.book.episodes
    assert parts.gaps.gaps == whole.gaps.gaps
    assert parts.totals.readable_s == pytest.approx(whole.totals.readable_s)
    finished = FinishedTrack.of(parts)
    again = FinishedTrack.load(json.loads(json.dumps(finished.dump())))
    assert again.book.episodes == whole.book.episodes
    assert np.allclose(again.points, FinishedTrack.of(whole).points, atol=1e-4, equal_nan=True)


def test_a_track_stays_small_however_long_it_is(signals: Signals) -> None:
    sizes = []
    track = TrackAnalysis(1, signals)
    for number in range(2000):
        share = 0.9 if number % 60 < 30 else 0.02
        track.push(sample(number / RATE, {HAPPINESS: share}), None)
        if number in {999, 1999}:
            sizes.append(len(json.dumps(track.dump())))
    assert sizes[1] < 1.6 * sizes[0]
