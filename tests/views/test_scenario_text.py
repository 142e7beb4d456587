"""A scenario's report as text, brief and file: everything told with its interval, limit and what it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ferce_agent.errors import SettingsError
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_wording import number_words, span_words
from ferce_agent.views.scenario_brief import MOST, scenario_brief, scenario_brief_text, size
from ferce_agent.views.scenario_text import scenario_text
from tests.scenario_reports import EVERY, audience, distress, drive, few_viewers, moderation, restricted, weeks

NAMES = tuple(EVERY)


def plain(text: str) -> str:
    """Return a text without line breaks and indents."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [40, 88])
@pytest.mark.parametrize("full", [True, False])
def test_text_keeps_its_width_and_tells_the_limits_of_use(name: str, width: int, full: bool) -> None:
    report = EVERY[name]()
    text = scenario_text(report, width, full=full)
    assert max(map(cell_len, text.splitlines())) <= width
    told = plain(text)
    assert all(plain(one) in told for one in (report.summary, report.policy.notice, *report.is_not))


def test_warnings_are_told_with_times_limit_and_source() -> None:
    told = plain(scenario_text(drive()))
    assert "Urgent, 0:38.4 to 0:43.0, told at 0:38.9: The eyes have been closed for 3.0 s" in told
    assert "4.7 s, limit 3.0 s: Euro NCAP" in told
    assert "Longest closure of the eyes: 4.8 s (4.7 to 4.9); beyond its limit, 3.0 s" in told
    assert "As there are too few frames a second: Length of blinks, median; Blinks a minute" in told


def test_every_caution_is_told_once() -> None:
    told = plain(scenario_text(drive()))
    for caution in {one.is_not for one in drive().indicators}:
        assert f"{caution} (" in told


def test_peaks_are_told_with_what_is_shown_there() -> None:
    told = plain(scenario_text(audience(), full=False))
    assert "Viewers who show a smile (a): 100% at 0:17.5 during “First joke” (p = 0.002)" in told
    assert "Read: films; 12 faces; readable for 11 min 57 s of 11 min 57 s." in told


def test_what_is_withheld_is_told_with_its_reason() -> None:
    told = plain(scenario_text(few_viewers(), full=False))
    assert "As too few people were seen for anything to be told: Viewers who show a smile;" in told
    assert "and 4 more" in told
    assert "Signals of shown distress" in plain(scenario_text(restricted()))
    assert "Use restricted." in plain(scenario_text(restricted()))


def test_days_of_a_session_are_told_as_days() -> None:
    told = plain(scenario_text(distress()))
    assert "Read: 1 session of 96 days." in told
    assert "Warning, day 5: Words of distress on 11 January 2026." in told
    assert "Warning day 5: words of distress" in scenario_brief_text(scenario_brief(distress()))
    told = plain(scenario_text(weeks()))
    assert "Notice, day 90: The week of 6 Apr differs" in told
    assert "How pleasant the face looks: −1.5 SD (−2.5 to −0.6)" in told
    assert "highest at day 69" in told


def test_sources_are_named_where_there_are_several() -> None:
    told = plain(scenario_text(moderation()))
    assert "Warning, source 1: The face person-1 shows sadness or fear" in told
    assert "Source 4: It could not be read" in told


def test_too_few_columns_are_refused() -> None:
    with pytest.raises(SettingsError, match="39"):
        scenario_text(drive(), 39)


@settings(max_examples=8)
@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_no_text_of_a_report_steers_the_terminal(hostile: str) -> None:
    report = drive().model_copy(update={"summary": f"\x1b[31m{hostile}\u202e"})
    text = scenario_text(report)
    assert "\x1b" not in text and "\u202e" not in text
    assert max(map(cell_len, text.splitlines())) <= 88


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0004, "share", "<0.1%"),
        (1.0, "share", "100%"),
        (-0.0056, "share", "−0.6%"),
        (75.2, "seconds", "1 min 15 s"),
        (0.0, "seconds", "0 s"),
        (3.0, "count", "3"),
        (0.002, "probability", "0.002"),
        (7.5177, "per_minute", "7.5 a minute"),
        (-1.25, "sd", "−1.2 SD"),
        (-0.01, "sd", "0.0 SD"),
        (1e-7, "probability", "<0.001"),
        (1.0, "days", "1 day"),
        (12.0, "light_years", "12 light years"),
    ],
)
def test_numbers_have_their_units(value: float, unit: str, words: str) -> None:
    assert number_words(value, unit) == words


def test_the_unit_of_an_interval_is_told_once() -> None:
    assert span_words(3.4, 8.6, "per_minute") == "3.4 to 8.6 a minute"
    assert span_words(50, 75, "seconds") == "50.0 s to 1 min 15 s"
    assert span_words(0.125, 0.132, "share") == "12.5% to 13.2%"


@pytest.mark.parametrize("name", NAMES)
def test_a_brief_is_short_and_complete_in_counts(name: str) -> None:
    report = EVERY[name]()
    brief = scenario_brief(report, "ferce://report/1")
    assert size(brief) <= MOST
    assert len(brief.alerts) + brief.more_alerts == len(report.alerts)
    assert len(brief.indicators) + brief.more_indicators == len(report.indicators)
    assert len(brief.peaks) + brief.more_peaks == len(report.peaks)
    assert brief.is_not[0][:20] == report.is_not[0][:20]


def test_a_brief_tells_the_most_urgent_first_and_no_words_of_the_caller() -> None:
    text = scenario_brief_text(scenario_brief(drive()))
    assert "Urgent 38.4-43: sleep (4.66 seconds, limit 3; confidence 0.80)" in text
    assert "longest_closure_s: 4.82 (4.72 to 4.92) seconds, beyond its limit" in text
    brief = scenario_brief(audience())
    assert "joke" not in json.dumps(brief.told()) + scenario_brief_text(brief)


def test_a_report_is_saved_and_read_again(tmp_path: Path) -> None:
    report = drive()
    saved = report.save(tmp_path / "drive.json")
    assert ScenarioReport.model_validate_json(saved.read_text("utf-8")) == report
    assert report.save(tmp_path / "drive.txt").read_text("utf-8") == scenario_text(report)
    with pytest.raises(SettingsError, match=r"drive\.doc"):
        report.save(tmp_path / "drive.doc")
