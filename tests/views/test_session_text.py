"""The report of a session as text and as a file: what changed, what is missing, what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ferce_agent.errors import SettingsError
from ferce_agent.report.session import SessionReport
from ferce_agent.report.session_wording import HELP, measure_number
from ferce_agent.views.session_text import NOT_ILLNESS, session_text
from tests.session_reports import EVERY, changed, empty, sparse, steady


def plain(text: str) -> str:
    """Return a text without line breaks and indents."""
    return " ".join(text.split())


@pytest.mark.parametrize("name", tuple(EVERY))
@pytest.mark.parametrize("width", [40, 88])
@pytest.mark.parametrize("full", [True, False])
def test_text_keeps_its_width_and_tells_what_it_is_not(name: str, width: int, full: bool) -> None:
    report = EVERY[name]()
    text = session_text(report, width, full=full)
    assert max(map(cell_len, text.splitlines())) <= width
    told = plain(text)
    assert all(plain(one) in told for one in (report.summary, report.policy.notice, NOT_ILLNESS))
    assert "see whether something changes" in told and "therapist" in told


def test_what_changed_is_told_and_what_is_as_usual_is_named() -> None:
    told = plain(session_text(changed(), full=False))
    assert "Pauses in speech: in the week of 6 Apr there were more pauses than in the weeks before" in told
    assert "As usual Loudness of the voice; Rate of speech; How pleasant the words are" in told
    assert "From about 6 April 2026 on there were more pauses than before" in told
    assert "No reading on 13 of 96 days (14%); the longest gap has 2 days." in told


def test_every_week_is_told_with_its_interval() -> None:
    told = plain(session_text(changed()))
    point = changed().trends[0].points[-1]
    assert point.low is not None and point.high is not None
    week = f"6 Apr −0.06 ({measure_number('valence', point.low)} to {measure_number('valence', point.high)})"
    assert week in told
    assert "usually 0.17, varying by 0.15 from day to day (of 72 days)" in told


def test_where_nothing_changed_nothing_is_said_to_have() -> None:
    told = plain(session_text(steady(), full=False))
    assert not any(one.changed for one in steady().trends)
    assert "Measures" not in told and "As usual How pleasant the face looks" in told


def test_missing_days_and_words_of_distress_are_told() -> None:
    told = plain(session_text(sparse(), full=False))
    days = sparse().distress_days
    assert len(days) == 2 and "Words of distress on" in told and HELP in told
    assert "No reading on 91 of 96 days" in told
    assert "As there are too few days: How pleasant the face looks" in told
    assert "no readings" in plain(session_text(sparse()))
    assert "There are no readings in these days." in plain(session_text(empty()))


def test_too_few_columns_are_refused() -> None:
    with pytest.raises(SettingsError, match="39"):
        session_text(steady(), 39)


@settings(max_examples=8)
@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_no_text_of_a_report_steers_the_terminal(hostile: str) -> None:
    report = sparse()
    consent = report.consent.model_copy(update={"purpose": f"\x1b[31m{hostile}\u202e"})
    text = session_text(report.model_copy(update={"consent": consent}))
    assert "\x1b" not in text and "\u202e" not in text
    assert max(map(cell_len, text.splitlines())) <= 88


def test_numbers_of_measures_have_their_decimals() -> None:
    assert measure_number("valence", -0.001) == "0.00"
    assert measure_number("level_db", -28.04) == "−28.0"
    assert measure_number("words_per_day", 1234.4) == "1,234"


def test_a_report_is_saved_and_read_again(tmp_path: Path) -> None:
    report = changed()
    saved = report.save(tmp_path / "session.json")
    assert SessionReport.model_validate_json(saved.read_text("utf-8")) == report
    assert report.save(tmp_path / "session.txt").read_text("utf-8") == session_text(report)
    with pytest.raises(SettingsError, match=r"session\.doc"):
        report.save(tmp_path / "session.doc")
