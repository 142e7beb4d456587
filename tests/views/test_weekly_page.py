"""The page of a person's last full week."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError
from ferce_agent.report.session import SessionReport
from ferce_agent.report.session_wording import HELP
from ferce_agent.scenarios import preset
from ferce_agent.sessions.trends import last_monday
from ferce_agent.views.weekly_page import RECENT, save_week, week_of, weekly_html
from tests.session_reports import EVERY, changed, report_of, sparse
from tests.sessions.lives import after, make_entry


class Plain(HTMLParser):
    """Texts of a page by the nearest element with a class or a heading's id."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unread += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.texts.append(data)


def plain(page: str) -> str:
    parser = Plain()
    parser.feed(page)
    return " ".join(" ".join(parser.texts).split())


@pytest.mark.parametrize("name", EVERY)
def test_every_report_has_a_page_that_says_what_it_is_not(name: str) -> None:
    page = weekly_html(EVERY[name]())
    told = plain(page)
    assert "No diagnosis, no score of an illness" in told and "What is missing" in told
    assert "<script" not in page and "default-src 'none'" in page
    assert not re.search(r"\b(feels|depress|mania|anxiety)", told)


def test_a_changed_week_is_marked_with_its_interval() -> None:
    report = changed()
    page, told = weekly_html(report), plain(weekly_html(report))
    marked = [one for one in report.trends if one.changed]
    assert report.together is not None and report.together.text in told
    assert page.count('class="differs"') == page.count("stands out</span>") == len(marked) > 1
    one = marked[0]
    assert one.change is not None and one.change_low is not None and one.change_high is not None
    ends = [f"{value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in (one.change, one.change_low, one.change_high)]
    assert f"{ends[0]} ({ends[1]} to {ends[2]})" in told
    assert page.count('<g class="last">') == len(report.trends)
    assert page.count("<g") == 13 * len(report.trends)


def test_the_seven_days_tell_their_readings_and_those_without() -> None:
    report = report_of([make_entry(7), make_entry(7, 15), make_entry(9)], to_day=after(13))
    counts = re.findall(r"<b>(.*?)</b>", weekly_html(report))
    assert counts == ["2", "0", "1", "0", "0", "0", "0"]
    early = report_of([make_entry(9)], to_day=after(13))  # of the days before the session nothing is known
    assert re.findall(r"<b>(.*?)</b>", weekly_html(early)) == ["–", "–", "1", "0", "0", "0", "0"]


def test_words_of_distress_stand_first_and_older_ones_are_told_too() -> None:
    told = plain(weekly_html(report_of([make_entry(0), make_entry(5, distress="possible")])))
    assert f"There were words of distress on 10 January 2026. {HELP}" in told
    assert told.index(HELP) < told.index("What was read this week")
    old = plain(weekly_html(sparse()))
    assert "There were words of distress" not in old
    assert re.search(r"Earlier words of distress On \d+ January 2026 and \d+ January 2026\. Whoever", old)
    assert preset("wellbeing").value("recent") == RECENT


def test_hours_are_drawn_where_they_stand_out() -> None:
    entries = [make_entry(day, hour, hour / 30 + 0.01 * (day % 5)) for day in range(30) for hour in (8, 12, 16, 20)]
    page = weekly_html(report_of(entries))
    assert page.count('class="hour"') == 24 and page.count('class="unknown"') == 20
    assert "highest from 20:00 to 21:00" in page


def test_what_cannot_be_compared_is_not_drawn() -> None:
    told = plain(weekly_html(sparse()))
    assert "cannot be compared with the weeks before it" in told
    assert "Nothing was read that could be compared" in plain(weekly_html(EVERY["empty"]()))


@given(st.text(max_size=80), st.integers(0, 30))
@settings(max_examples=15)
def test_no_text_of_a_report_becomes_markup_and_the_week_is_one_that_is_over(text: str, days: int) -> None:
    report = report_of([make_entry(0)], to_day=after(days))
    assert week_of(report) == last_monday(report.to_day)
    assert week_of(report) + timedelta(days=6) <= report.to_day
    ugly = f"</style><script>alert(1)</script>{text}x"
    consent = report.consent.model_copy(update={"purpose": ugly})
    page = weekly_html(report.model_copy(update={"consent": consent}))
    assert "<script" not in page and "&lt;script&gt;" in page


def test_it_is_written_as_a_page_only(tmp_path: Path) -> None:
    report: SessionReport = EVERY["single"]()
    assert save_week(report, tmp_path / "week.html").read_text("utf-8") == weekly_html(report)
    with pytest.raises(SettingsError, match=r"week\.pdf"):
        save_week(report, tmp_path / "week.pdf")
