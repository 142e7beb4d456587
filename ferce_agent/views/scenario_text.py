"""A scenario's report as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import scenario_wording as words_of
from ferce_agent.report.scenario import Alert, Indicator, ScenarioReport
from ferce_agent.report.wording import percent
from ferce_agent.views.text import MIN_WIDTH, Paper, Row, grid, indented, new_console, words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MOST: Final = 8
"""How many alerts, numbers, peaks or curves are listed where not everything is told."""
STYLE: Final = {"notice": "", "warning": "yellow", "urgent": "bold red"}
"""Styles of alerts; the words alone say it too."""


def scenario_text(
    report: ScenarioReport, width: int = 88, colour: bool = False, *, full: bool = True, encoding: str = "utf-8"
) -> str:
    """Return a scenario's report as text whose lines have at most `width` columns.

    Control characters in the report are dropped, so that no text of it can steer the terminal.

    Args:
        report: The report.
        width: Columns, at least `MIN_WIDTH`.
        colour: Whether to add ANSI colours.
        full: Whether to tell every number with what it is not, and each limit's source; else the most important ones.
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


def alert_text(alert: Alert, sources: int = 1) -> str:
    """Return an alert in a line, as it is told while a scenario runs."""
    return f"{words_of.alert_head(alert, sources)}: {alert.text} ({_sure(alert)})"


def _blocks(report: ScenarioReport, paper: Paper, full: bool) -> Iterator[RenderableType]:
    yield paper.fit(words(report.title, "bold"))
    yield paper.fit(words(report.summary))
    yield paper.fit(words(words_of.source_words(report), "dim"))
    yield ""
    for rows in (_alerts(report, full), _numbers(report, full), _curves(report, full), _undone(report)):
        if found := list(rows):
            yield grid(found, paper)
            yield ""
    yield grid(_around(report, full), paper)
    if not full:
        yield paper.fit(words("More numbers, sources of limits and what each number is not: --full.", "dim"))


def _sure(alert: Alert) -> str:
    return f"{words_of.LOOK[alert.urgency]}; confidence {percent(alert.confidence)}"


def _alerts(report: ScenarioReport, full: bool) -> Iterator[Row]:
    chosen = report.alerts if full else words_of.most_urgent(report.alerts, MOST)
    for index, one in enumerate(chosen):
        line = words(alert_text(one, len(report.sources)), STYLE[one.urgency])
        if full:
            line.append_text(indented(f"{words_of.alert_limit(one)}: {one.limit.source}"))
        yield "To look at" if index == 0 else "", line
    if rest := len(report.alerts) - len(chosen):
        yield "", words(f"{rest} more, less urgent or less certain", "dim")


def worth_telling(indicators: Sequence[Indicator], most: int) -> list[Indicator]:
    """Return at most so many numbers that are known, in their order: those beyond a limit first, those of nothing last.

    Args:
        indicators: All of them.
        most: How many.
    """
    known = [(place, one) for place, one in enumerate(indicators) if one.value is not None]
    ranked = sorted(known, key=lambda one: (not one[1].exceeds, one[1].value == 0, one[0]))
    return [one for _, one in sorted(ranked[:most], key=lambda one: one[0])]


def cautions(indicators: Sequence[Indicator]) -> list[tuple[str, list[Indicator]]]:
    """Return what numbers are not, each text once with the numbers it is about."""
    found: dict[str, list[Indicator]] = {}
    for one in indicators:
        found.setdefault(one.is_not, []).append(one)
    return list(found.items())


def untold(indicators: Sequence[Indicator]) -> dict[str, list[Indicator]]:
    """Return the numbers that are not told, by the reason code why."""
    found: dict[str, list[Indicator]] = {}
    for one in indicators:
        if one.withheld is not None:
            found.setdefault(one.withheld, []).append(one)
    return found


def named(indicators: Sequence[Indicator], most: int = 4) -> str:
    """Return the names of some indicators, and how many more there are."""
    names = list(dict.fromkeys(one.name for one in indicators))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def _numbers(report: ScenarioReport, full: bool) -> Iterator[Row]:
    known = [one for one in report.indicators if one.value is not None]
    chosen = known if full else worth_telling(known, MOST)
    for index, one in enumerate(chosen):
        yield "Indicators" if index == 0 else "", _number(one, full)
    if rest := len(known) - len(chosen):
        yield "", words(f"{rest} more", "dim")
    for index, (code, missing) in enumerate(untold(report.indicators).items()):
        names = named(missing, len(missing) if full else 4)
        yield "Not told" if index == 0 else "", words(f"As {words_of.withheld_words(code)}: {names}", "yellow")


def _number(one: Indicator, full: bool) -> Text:
    limit = words_of.limit_words(one)
    line = words(
        f"{one.name}: {words_of.value_words(one)}{f'; {limit}' if limit else ''}", "yellow" * bool(one.exceeds)
    )
    if full:
        rests = words_of.rests_words(one)
        line.append_text(indented(one.text + (f" Rests on {rests}." if rests else "")))
        if one.limit is not None:
            line.append_text(indented(f"The limit: {one.limit.source}"))
    return line


def _curves(report: ScenarioReport, full: bool) -> Iterator[Row]:
    most = max(len(report.curves), len(report.peaks)) if full else MOST
    for index, peak in enumerate(report.peaks[:most]):
        yield "Peaks" if index == 0 else "", words(words_of.peak_words(peak, report))
    if (rest := len(report.peaks) - most) > 0:
        yield "", words(f"{rest} more peaks", "dim")
    for index, curve in enumerate(report.curves[:most]):
        yield "Over time" if index == 0 else "", words(f"{curve.name}: {words_of.curve_words(curve)}")
    if (rest := len(report.curves) - most) > 0:
        yield "", words(f"{rest} more curves", "dim")


def _undone(report: ScenarioReport) -> Iterator[Row]:
    for index, entry in enumerate(report.degraded):
        yield "Not done" if index == 0 else "", words(words_of.degraded_words(entry, len(report.sources)), "yellow")


def _around(report: ScenarioReport, full: bool) -> Iterator[Row]:
    for index, text in enumerate(report.is_not):
        yield "Is not" if index == 0 else "", words(text)
    for text, meant in cautions(report.indicators) if full else ():
        yield "", words(f"{text} ({named(meant)})")
    decision = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    yield "Note", words(decision + report.policy.notice, "bold" if decision else "")
    if full and report.policy.rules:
        yield "Rules", words(", ".join(report.policy.rules), "dim")
