"""What a clip says at its end, and how to answer then."""

from __future__ import annotations

import pytest

from ferce_agent.context.clip_guidance import ClipSays, clear_episodes, guide_clip, main_face, said_of
from ferce_agent.context.guidance import advice_table
from ferce_agent.report import ClipReport, Expression, Moment
from tests.clip_reports import (
    evidence,
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_restricted_clip_report,
    make_source,
    make_track,
)
from tests.factories import make_abstained_report, make_expression

Shown = list[tuple[str, float, float, float]]


def film(*episodes: tuple[str, float, float, float], last: float = 12.0) -> ClipReport:
    """One face that shows these expressions (term, onset, apex, offset)."""
    track = make_track(1, (0.0, last), episodes=list(episodes), gaps=[])
    return make_clip_report(
        source=make_source(last), tracks=(track,), moments=(), between=(), evidence=tuple(evidence((track,)))
    )


def says(report: ClipReport) -> ClipSays:
    (track,) = report.tracks
    return said_of(track, report)


@pytest.mark.parametrize(
    ("episodes", "case", "expression", "entry"),
    [
        ([("happiness", 8.0, 10.0, 12.0)], "shows", "happiness", "happiness"),
        ([("happiness", 1.0, 2.0, 3.0)], "calm", "neutral", "neutral"),
        ([("happiness", 1.0, 2.0, 3.0), ("sadness", 8.0, 9.0, 11.0)], "shows", "sadness", "sadness"),
        ([("sadness", 0.1, 3.0, 6.6)], "lasted", "sadness", "sadness"),
        ([("sadness", 1.0, 3.0, 5.0), ("happiness", 9.0, 10.0, 12.0)], "changed", "happiness", "changed"),
        ([("sadness", 1.0, 1.5, 2.0), ("happiness", 9.0, 10.0, 12.0)], "shows", "happiness", "happiness"),
        ([("anger", 1.0, 2.0, 5.0), ("surprise", 9.0, 10.0, 12.0)], "shows", "surprise", "surprise"),
        ([], "calm", "neutral", "neutral"),
    ],
)
def test_the_latest_what_lasted_and_a_change_decide(episodes: Shown, case: str, expression: str, entry: str) -> None:
    found = says(film(*episodes))
    assert (found.case, found.expression) == (case, expression)
    guidance = guide_clip(found)
    assert guidance.tone == advice_table()[entry].tone
    assert guidance.acknowledge == (case == "shows" and advice_table()[entry].acknowledge)
    assert not guidance.distress
    assert found.before == ("sadness" if case == "changed" else None)


@pytest.mark.parametrize(
    "report", [make_covered_clip_report(), make_restricted_clip_report(), make_empty_clip_report()]
)
def test_what_was_not_read_or_may_not_be_told_gives_the_safe_default(report: ClipReport) -> None:
    track = main_face(report)
    found = None if track is None else said_of(track, report)
    assert found is None or (found.case, found.expression) == ("unread", None)
    guidance = guide_clip(found)
    assert (guidance.tone, guidance.acknowledge, guidance.evidence) == (advice_table()["mixed"].tone, False, ())


def apex(expression: Expression) -> Moment:
    text = "The curve is highest here."
    return Moment(id="moment-1", time_s=10.1, track="track-1", why="apex", text=text, expression=expression, vlm=None)


def test_an_apex_that_a_photo_would_not_name_is_not_named() -> None:
    abstained = make_abstained_report().people[0].expression
    assert abstained is not None
    plain = film(("happiness", 8.0, 10.0, 12.0))
    for seen, named in ((abstained, False), (make_expression("sadness"), False), (make_expression("happiness"), True)):
        report = plain.model_copy(update={"moments": (apex(seen),)})
        assert bool(clear_episodes(report.tracks[0], report.moments)) is named
        assert (says(report).expression == "happiness") is named


def test_a_doubtful_episode_changes_the_tone_only_where_it_is_likely() -> None:
    plain = film(("sadness", 8.0, 10.0, 12.0))
    (track,) = plain.tracks
    for sure, case, named in ((0.5, "unclear", False), (0.65, "shows", False), (0.8, "shows", True)):
        episodes = tuple(one.model_copy(update={"confidence": sure}) for one in track.episodes)
        doubtful = plain.model_copy(update={"tracks": (track.model_copy(update={"episodes": episodes}),)})
        assert says(doubtful).case == case
        assert guide_clip(says(doubtful)).acknowledge is named


def test_the_largest_face_at_the_end_is_the_one_that_is_answered() -> None:
    gone = make_track(1, (0.0, 4.0), episodes=[], gaps=[])
    there = make_track(2, (0.0, 12.0), episodes=[], gaps=[])
    large = gone.model_copy(update={"box": gone.box.model_copy(update={"width": 300.0})})
    report = make_clip_report(tracks=(large, there), moments=(), between=(), evidence=tuple(evidence((large, there))))
    assert main_face(report) == there
    alone = report.model_copy(update={"tracks": (large,)})
    assert main_face(alone) == large
