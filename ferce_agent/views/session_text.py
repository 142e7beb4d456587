"""The report of a session as plain text for a terminal: what is there, what changed, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import session_wording as words_of
from ferce_agent.report.session import SessionReport, Trend
from ferce_agent.report.session_wording import MEASURE_WORDS
from ferce_agent.views.text import MIN_WIDTH, Paper, Row, grid, indented, new_console, words

if TYPE_CHECKING:
    from rich.console import RenderableType

NOT_ILLNESS: Final = (
    "What somebody shows over weeks is an observation of faces, voices and words. It is no measure of an illness, and "
    "none of health either; it is compared with the person's own past only."
)
"""What a session is not."""
MOST: Final = 6
"""How many changes or days with words of distress are listed where not everything is told, the newest."""


def session_text(
    report: SessionReport, width: int = 88, colour: bool = False, *, full: bool = True, encoding: str = "utf-8"
) -> str:
    """Return the report of a session as text whose lines have at most `width` columns.

    Control characters in the report are dropped, so that no text of it can steer the terminal.

    Args:
        report: The report.
        width: Columns, at least `MIN_WIDTH`.
        colour: Whether to add ANSI colours.
        full: Whether to tell every measure with all its weeks; else what changed.
        encoding: Encoding of the stream it goes to; characters that it cannot show are replaced by look-alikes.

    Raises:
        SettingsError: `width` is below `MIN_WIDTH`.
    """
    if width < MIN_WIDTH:
        raise SettingsError(f"A width of {width} columns is too narrow.", hint=f"Give at least {MIN_WIDTH} columns.")
    console = new_console(width, colour)
    paper = Paper(console, encoding)
    for block in _blocks(report, paper, full):
        console.print(block)
    lines = console.export_text(styles=colour).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _blocks(report: SessionReport, paper: Paper, full: bool) -> Iterator[RenderableType]:
    yield paper.fit(words(f"Session of {report.person}, {words_of.period_words(report)}", "bold"))
    yield paper.fit(words(report.summary))
    yield paper.fit(words(words_of.missing_words(report), "dim"))
    yield ""
    for rows in (_distress(report, full), _trends(report, full), _changes(report, full), _undone(report)):
        if found := list(rows):
            yield grid(found, paper)
            yield ""
    yield grid(_around(report), paper)
    if not full:
        yield paper.fit(words("Every measure with all its weeks: --full.", "dim"))


def _distress(report: SessionReport, full: bool) -> Iterator[Row]:
    chosen = report.distress_days if full else report.distress_days[-MOST:]
    if chosen:
        rest = len(report.distress_days) - len(chosen)
        earlier = f" and {rest} earlier" if rest else ""
        days = ", ".join(words_of.day_words(day) for day in reversed(chosen))
        yield "Distress", words(f"Words of distress on {days}{earlier}. {words_of.HELP}", "bold red")


def _trends(report: SessionReport, full: bool) -> Iterator[Row]:
    if report.together is not None and full:
        yield "Last week", words(f"{report.together.text} (p = {report.together.p_value:.2g})")
    changed = [one for one in report.trends if one.changed]
    chosen = report.trends if full else changed
    for index, one in enumerate(chosen):
        line = words(one.text, "yellow" if one.changed else "")
        if full:
            line.append_text(indented(_weeks(one)))
        yield "Measures" if index == 0 else "", line
    same = [MEASURE_WORDS[one.measure].name for one in report.trends if one.changed is False]
    if same and not full:
        yield "As usual", words("; ".join(same))
    unknown = [MEASURE_WORDS[one.measure].name for one in report.trends if one.changed is None]
    if unknown and not full:
        yield "Not told", words(f"As there are too few days: {'; '.join(unknown)}", "yellow")


def _weeks(trend: Trend) -> str:
    """Return a measure in a line: what is usual, and every week."""
    usual = words_of.usual_words(trend)
    weeks = "; ".join(
        f"{words_of.short_day(one.week)} {words_of.week_words(trend.measure, one)}" for one in trend.points
    )
    unit = MEASURE_WORDS[trend.measure].unit
    return f"{unit}{f'; {usual}' if usual else ''}. Weeks from: {weeks}"


def _changes(report: SessionReport, full: bool) -> Iterator[Row]:
    newest = tuple(reversed(report.changes))
    chosen = newest if full else newest[:MOST]
    for index, change in enumerate(chosen):
        yield "Changes" if index == 0 else "", words(change.text)
    if rest := len(newest) - len(chosen):
        yield "", words(f"{rest} earlier", "dim")
    for index, rhythm in enumerate(words_of.rhythm_words(report.rhythms)):
        yield "Rhythm" if index == 0 else "", words(rhythm)


def _undone(report: SessionReport) -> Iterator[Row]:
    for index, entry in enumerate(words_of.own_notes(report)):
        yield "Not done" if index == 0 else "", words(entry.message, "yellow")


def _around(report: SessionReport) -> Iterator[Row]:
    for index, text in enumerate(words_of.consent_words(report.consent)):
        yield "Consent" if index == 0 else "", words(text)
    yield "Is not", words(NOT_ILLNESS)
    decision = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    yield "Note", words(decision + report.policy.notice, "bold" if decision else "")
