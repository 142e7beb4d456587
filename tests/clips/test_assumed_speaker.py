"""A voice whose speaker is not known beside the only face that is seen: taken together, and told as an assumption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speech_evidence import assumptions
from ferce_agent.clips.spoken_stretches import ASSUMED, _as_assumed, only_face
from ferce_agent.report.speech import SpeechTurn
from tests.voice_reports import make_conflict, make_fused, make_turn


@dataclass
class Seen:
    """When a face is seen; all that is asked of a track here."""

    id: str
    first_s: float
    last_s: float


def chosen(turn: SpeechTurn, *faces: Seen) -> str | None:
    found = only_face(turn, cast("list[FinishedTrack]", list(faces)))
    return None if found is None else found.id


ONE = Seen("track-1", 0.0, 5.0)


def test_the_only_face_is_assumed() -> None:
    assert chosen(make_turn(start=1.0, end=3.0), ONE) == "track-1"
    assert chosen(make_turn(start=1.0, end=3.0), ONE, Seen("track-2", 4.0, 5.0)) == "track-1"


@pytest.mark.parametrize("other", [Seen("track-2", 2.0, 2.5), Seen("track-2", 0.0, 9.0)])
def test_of_two_faces_none_is(other: Seen) -> None:
    assert chosen(make_turn(start=1.0, end=3.0), ONE, other) is None


def test_a_face_that_is_seen_for_a_small_part_is_not() -> None:
    assert chosen(make_turn(start=1.0, end=3.0), Seen("track-1", 0.0, 1.9)) is None
    assert chosen(make_turn(start=1.0, end=3.0)) is None


@pytest.mark.parametrize("speaker", ["track-1", "off_camera"])
def test_where_the_speaker_is_known_nothing_is_assumed(speaker: Any) -> None:
    assert chosen(make_turn(start=1.0, end=3.0, speaker=speaker, speaker_confidence=0.8), ONE) is None


def test_an_assumption_is_told_and_less_sure() -> None:
    turn = make_turn()
    conflict = make_conflict(turn, "track-1")
    fused, told = _as_assumed(make_fused(turn, "track-1", "anger"), conflict, "happiness")
    assert fused is not None and told is not None
    assert fused.expression is None, "the face by itself says something else"
    assert told.text.startswith("If Face 1, the only face that is seen, is who speaks: ")
    assert told.confidence == pytest.approx(conflict.confidence * ASSUMED, abs=1e-4)
    (entry,) = assumptions([fused])
    assert entry.id in fused.evidence and entry.id in told.evidence and "assumed" in entry.text


def test_what_the_face_says_by_itself_may_be_named() -> None:
    fused, _ = _as_assumed(make_fused(make_turn(), "track-1", "anger"), None, "anger")
    assert fused is not None and fused.expression == "anger"
