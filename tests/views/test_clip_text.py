from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport
from ferce_agent.report.clip import Gap
from ferce_agent.report.clip_wording import clock, lasting, unread_s
from ferce_agent.views.clip_text import eye_words, strip, to_clip_text
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)

REPORTS = (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)


@pytest.mark.parametrize("make", REPORTS)
@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("full", [True, False])
def test_lines_fit_and_the_summary_comes_first(make: Callable[[], ClipReport], width: int, full: bool) -> None:
    report = make()
    lines = to_clip_text(report, width, full=full).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(lines[:4]).startswith(report.summary[:30])
    assert report.policy.notice.split()[0] in " ".join(lines)


def test_blinks_that_could_not_be_counted_are_not_told_as_none() -> None:
    eyes = make_clip_report().tracks[0].eyes
    assert eyes is not None
    assert eye_words(eyes).startswith("4 blinks")
    unknown = eyes.model_copy(update={"blinks": None, "blinks_per_minute": None})
    assert eye_words(unknown).startswith("blinks could not be counted; 1 longer closure")


def test_what_is_told_of_a_face() -> None:
    text = " ".join(to_clip_text(make_clip_report(), 100).split())
    assert "Face 1, seen 0:00.0 to 0:12.0" in text
    assert "happiness 0:00.7 to 0:04.0, strongest at 0:01.6 (likely, 74%)" in text
    assert "sadness 0:08.0 to 0:12.0 or later" in text, "the end was not seen"
    assert "0:05.0 to 0:06.4: the mouth is covered" in text
    assert "possible micro-expression (brows)" in text
    assert "Face 2 shows happiness 1.4 s after face 1." in text
    assert "Micro-expressions were not looked for" in text


def test_the_strip_shows_when() -> None:
    report = make_clip_report()
    first, second = (strip(track, report, 48).plain.splitlines()[0] for track in report.tracks)
    assert len(first) == len(second) == 48
    assert first[:2] == "··" and first[4:15] == "H" * 11 and first[21:25] == "////" and first[33:] == "S" * 15
    assert second[:5] == "     " and second[-4:] == "    ", "nobody is seen before and after"
    hour = make_long_clip_report(1)
    assert set("HSUA") & set(strip(hour.tracks[0], hour, 60).plain.splitlines()[0]), "short ones are not lost"


def test_the_strip_names_no_expression_outside_of_its_episodes() -> None:
    report = make_clip_report()
    track = report.tracks[0].model_copy(update={"episodes": ()})
    line = strip(track, report, 48).plain.splitlines()[0]
    assert set(line) == {"·", "?", "/"} and line[5:12] == "?" * 7


def test_a_single_frame_has_no_strip() -> None:
    report = make_clip_report()
    still = report.source.model_copy(update={"last_s": report.source.first_s})
    assert "Over time" not in to_clip_text(report.model_copy(update={"source": still}))


def test_control_characters_do_not_reach_the_terminal() -> None:
    report = make_clip_report(summary="A \x1b[2Jfilm\x07.")
    assert not set(to_clip_text(report)) & {"\x1b", "\x07"}
    assert "\x1b[" in to_clip_text(report, colour=True)
    assert to_clip_text(report, encoding="ascii").isascii()


def test_too_narrow() -> None:
    with pytest.raises(SettingsError):
        to_clip_text(make_empty_clip_report(), 39)


@given(st.floats(0, 1e5))
def test_a_clock_never_shows_sixty(seconds: float) -> None:
    shown = clock(seconds)
    parts = [float(part) for part in shown.split(":")]
    assert all(part < 60 for part in parts[1:]) and (len(parts) == 2 or parts[0] >= 1)
    assert abs(sum(part * 60**place for place, part in enumerate(reversed(parts))) - seconds) < 0.051


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.351, "0.35 s"), (12.44, "12.4 s"), (59.97, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (3720, "1 h 2 min")],
)
def test_durations(seconds: float, told: str) -> None:
    assert lasting(seconds) == told


def test_gaps_that_overlap_count_once() -> None:
    spans = [(0, 2), (1, 3), (5, 6), (5.2, 5.4)]
    assert unread_s(Gap(from_s=since, to_s=to, reason="blurred") for since, to in spans) == 4


def test_where_a_rule_allows_movements_only_there_is_no_strip() -> None:
    text = to_clip_text(make_restricted_clip_report())
    assert "Over time" not in text and "lip corner puller" in text and "Use restricted." in text


def test_a_single_picture_has_no_frames_a_second() -> None:
    report = make_empty_clip_report()
    source = report.source.model_copy(update={"frames": 1, "frame_rate": None, "last_s": 0.0, "first_s": 0.0})
    text = to_clip_text(report.model_copy(update={"source": source}), 80)
    assert "1 frame, " in text
    assert "a second" not in text
