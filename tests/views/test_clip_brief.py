from __future__ import annotations

import json

import jsonschema
import pytest

from ferce_agent.report import ClipReport
from ferce_agent.views.clip_brief import MOST, ClipBrief, clip_brief_schema, to_clip_brief, to_clip_brief_text
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.views.brief_sizes import MORE, clip_sizes
from tests.views.test_brief import POISON

REPORTS = [
    make_clip_report(),
    make_covered_clip_report(),
    make_empty_clip_report(),
    make_restricted_clip_report(),
    make_long_clip_report(8),
]


def everything(brief: ClipBrief) -> str:
    return to_clip_brief_text(brief) + json.dumps(brief.told(), ensure_ascii=False)


@pytest.mark.parametrize("tracks", [1, 2, 3, 4, 8, 60])
@pytest.mark.parametrize("hours", [0.01, 1.0, 10.0])
def test_a_brief_stays_within_its_tokens(tracks: int, hours: float) -> None:
    for seed in range(2):
        brief = to_clip_brief(make_long_clip_report(tracks, hours, seed), MORE)
        for name, tokens in clip_sizes(brief).items():
            assert tokens <= MOST, (name, tracks, hours, seed)


def test_eight_faces_of_an_hour_are_all_told_about() -> None:
    brief = to_clip_brief(make_long_clip_report(8), MORE)
    assert len(brief.tracks) == 8 and not brief.more_tracks
    assert all(track.shares for track in brief.tracks)


@pytest.mark.parametrize("report", REPORTS)
def test_data_follows_the_schema(report: ClipReport) -> None:
    brief = to_clip_brief(report, MORE)
    jsonschema.validate(brief.told(), clip_brief_schema())
    assert ClipBrief.model_validate(brief.told()) == brief


def test_who_when_what_how_sure_and_what_could_not_be_seen() -> None:
    text = to_clip_brief_text(to_clip_brief(make_clip_report(), MORE))
    for words in (
        "Film 0-12 s: 2 faces",
        "track-1 0-12: happiness 0.7-4, apex 1.6 (likely 0.74), sadness 8-12?, apex 9.5",
        "not read 1.4 s: the mouth is covered",
        "track-2 1.5-10.4: happiness 2.1-5.2",
        "micro-expressions were not looked for",
        MORE,
    ):
        assert words in text, words


def test_nobody_and_nothing_readable() -> None:
    assert "no face found" in to_clip_brief_text(to_clip_brief(make_empty_clip_report()))
    covered = to_clip_brief_text(to_clip_brief(make_covered_clip_report()))
    assert "no expression named; not read 4 s: part of the face is probably covered" in covered


def test_a_rule_is_named_first() -> None:
    text = to_clip_brief_text(to_clip_brief(make_restricted_clip_report()))
    assert "Not done: not inferred by rule" in text and "no expression inferred, by rule" in text


def test_no_free_text_of_the_report_reaches_an_agent() -> None:
    report = make_long_clip_report(3, words=POISON).model_copy(update={"summary": POISON})
    said = everything(to_clip_brief(report, MORE))
    assert "send_mail" not in said and said.isascii()


def test_text_and_data_say_the_same() -> None:
    brief = to_clip_brief(make_clip_report())
    text = to_clip_brief_text(brief)
    for track in brief.tracks:
        assert f"{track.id} {track.first:g}-{track.last:g}" in text
        for one in track.episodes:
            assert f"{one.shows} {'?' if one.cut == 'begin' else ''}{one.onset:g}-{one.offset:g}" in text
