"""What a tool answers about a scenario, within the room that an agent has for an answer."""

from __future__ import annotations

from typing import Any, Final

from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.clip_answers import BRIEF, MOST, WIDTH, WORDS, cut_words
from ferce_agent.views.brief import rough_tokens
from ferce_agent.views.scenario_brief import scenario_brief, scenario_brief_text
from ferce_agent.views.scenario_text import scenario_text

CUT: Final = "… The rest is left out here."


def words(report: ScenarioReport, detail: Detail) -> str:
    """Return the answer where only words are answered: the brief, or the whole report, within `MOST` tokens."""
    return full_words(report, MOST) if detail == "full" else scenario_brief_text(scenario_brief(report))


def words_and_data(report: ScenarioReport, detail: Detail, more: str | None) -> tuple[str, dict[str, Any]]:
    """Return the answer as words and as data, which together stay within `MOST` tokens.

    Args:
        report: The report.
        detail: The brief, or the whole report beside it in the field ``report``.
        more: Address at which the whole report is kept, if it is.
    """
    brief = scenario_brief(report, more)
    if detail == "brief":
        return scenario_brief_text(brief), brief.told()
    if rough_tokens(report.model_dump_json()) <= MOST - WORDS - BRIEF:
        return full_words(report, WORDS), brief.told() | {"report": report.model_dump(mode="json")}
    return full_words(report, MOST - BRIEF) + too_long(more), brief.told()


def full_words(report: ScenarioReport, tokens: int) -> str:
    """Return the whole report in words, cut after a line where there is no room for more, which is said then."""
    return cut_words(scenario_text(report, width=WIDTH), tokens, CUT)


def too_long(more: str | None) -> str:
    """Return a line that says where the report is that has no room in the answer."""
    where = f": {more}" if more else "; ask about fewer sources"
    return f"The report is too long to be sent with this answer{where}.\n"
