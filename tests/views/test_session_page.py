"""The report of a session as a page: complete, escaped, honest about what is missing, with all it needs within."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.report.session import DayCount, SessionDegradedCode, SessionReport
from ferce_agent.report.session_wording import HELP, SESSION_DEGRADED, own_notes
from ferce_agent.views.session_page import MOST_WEEKS, against, days_chart, rhythm_chart, session_html, trend_chart
from ferce_agent.views.session_text import NOT_ILLNESS
from tests.session_reports import EVERY, changed, empty, sparse, steady
from tests.views.test_html import HOSTILE, Page


@pytest.mark.parametrize("name", tuple(EVERY))
def test_page_is_well_formed_and_needs_nothing_else(name: str) -> None:
    source = session_html(EVERY[name]())
    page = Page(source)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    labelled = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert page.named("html") == [{"lang": "en"}] and source.count("<h1") == 1
    assert len(set(ids)) == len(ids) and labelled <= set(ids)
    assert not page.named("script") and not page.named("img")
    assert not re.search(r"https?:|@import|url\(", source)
    assert all(one.get("aria-label") for _, one in page.tags if one.get("role") == "img")


@pytest.mark.parametrize("name", tuple(EVERY))
def test_page_tells_changes_gaps_consent_and_what_it_is_not(name: str) -> None:
    report = EVERY[name]()
    told = Page(session_html(report)).text
    texts = [report.summary, report.policy.notice, NOT_ILLNESS, report.consent.purpose]
    texts += [one.text for one in report.changes] + [one.message for one in own_notes(report)]
    texts += [one.text for one in report.trends if one.changed]
    texts += [one.text for one in report.rhythms if one.clear]
    assert [text for text in texts if " ".join(text.split()) not in told] == []


def test_words_for_every_code() -> None:
    assert set(SESSION_DEGRADED) == set(get_args(SessionDegradedCode))


def test_the_last_week_lies_where_it_differs() -> None:
    shapes = {one.measure: against(one) for one in changed().trends}
    less, more = shapes["valence"], shapes["pause_share"]
    assert less.changed and less.interval is not None and less.interval.left + less.interval.width < 0.5
    assert more.changed and more.interval is not None and more.interval.left > 0.5
    assert not shapes["level_db"].changed
    assert all(against(one).interval is None for one in sparse().trends)


def test_weeks_without_readings_are_marked_and_not_drawn() -> None:
    drawn = trend_chart(sparse().trends[0], sparse())
    assert drawn.line == "" and drawn.dots.count("h0") == 1
    assert drawn.gaps[-1].left + drawn.gaps[-1].width == 1.0
    assert [words for _, words in trend_chart(changed().trends[0], changed()).levels] == ["usual"]
    pauses = next(one for one in changed().trends if one.measure == "pause_share")
    assert [one.words for one in trend_chart(pauses, changed()).stretches] == ["6 Apr"]


def test_every_day_with_readings_has_a_column() -> None:
    drawn = days_chart(changed())
    assert drawn.columns.count("M") == sum(bool(one.readings) for one in changed().days)
    assert sum(one.width for one in drawn.gaps) > 0
    assert "Readings a day" not in Page(session_html(empty())).text


def test_rhythms_that_stand_out_are_drawn() -> None:
    clear = [one for one in changed().rhythms if one.clear]
    assert [(one.measure, one.by) for one in clear] == [("arousal", "hour")]
    drawn = rhythm_chart(clear[0])
    assert drawn.gaps[0].left == 0.0 and drawn.line.count("M") == 1
    assert "too few readings for" in Page(session_html(sparse())).text


def test_words_of_distress_are_told_at_the_top() -> None:
    source = session_html(sparse())
    assert source.index("Words of distress</h2>") < source.index("What this is not")
    assert HELP in Page(source).text and HELP not in Page(session_html(steady())).text
    assert "Words of distress</h2>" not in session_html(steady())


def test_page_stays_small_however_long_the_session_is() -> None:
    report = changed()
    trend = report.trends[0]
    weeks = tuple(
        trend.points[0].model_copy(update={"week": trend.points[0].week + timedelta(7 * at)}) for at in range(520)
    )
    days = tuple(DayCount(day=report.from_day + timedelta(at), readings=at % 3) for at in range(3640))
    changes = {
        "trends": tuple(one.model_copy(update={"points": weeks}) for one in report.trends),
        "days": days,
        "to_day": days[-1].day,
    }
    source = session_html(report.model_copy(update=changes))
    assert len(source) < 300_000
    assert f"{520 - MOST_WEEKS} earlier weeks are in the report" in source


def hostile(report: SessionReport, text: str) -> SessionReport:
    """Return a report in which a text stands wherever a person, a file or a model may put one."""
    changes = {
        "person": text,
        "summary": text,
        "consent": report.consent.model_copy(update={"purpose": text}),
        "trends": tuple(one.model_copy(update={"text": text}) for one in report.trends),
        "changes": tuple(one.model_copy(update={"text": text}) for one in report.changes),
        "rhythms": tuple(one.model_copy(update={"text": text}) for one in report.rhythms),
        "degraded": tuple(one.model_copy(update={"message": text + "."}) for one in report.degraded),
        "policy": report.policy.model_copy(update={"notice": text}),
    }
    return report.model_copy(update=changes)


@settings(max_examples=8)
@given(st.one_of(st.text(min_size=1, max_size=40), st.sampled_from(HOSTILE)))
def test_whatever_is_written_no_tag_comes_of_it(text: str) -> None:
    plain = [name for name, _ in Page(session_html(hostile(changed(), "plain"))).tags]
    assert [name for name, _ in Page(session_html(hostile(changed(), f"{text}<i>"))).tags] == plain


def test_pages_are_saved_by_their_ending(tmp_path: Path) -> None:
    assert changed().save(tmp_path / "session.htm").read_text("utf-8") == session_html(changed())
