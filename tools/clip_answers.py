"""What a tool answers about a clip, within the room that an agent has for an answer."""

from __future__ import annotations

from typing import Any, Final

from ferce_agent.report import ClipReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.clip_parts import fitting
from ferce_agent.views.brief import rough_tokens
from ferce_agent.views.clip_brief import to_clip_brief, to_clip_brief_text
from ferce_agent.views.clip_text import to_clip_text

MOST: Final = 24_000
"""Most tokens of an answer, by `rough_tokens`; common clients refuse or cut answers of more than 25,000."""
WORDS: Final = 6_000
"""Most of them for the report in words, where the report as data is in the answer, too."""
BRIEF: Final = 1_000
"""Kept free for the brief and a note that go with it."""
WIDTH: Final = 120
"""Columns of the report in words."""
CUT: Final = "… The rest is left out here. Ask for a part with start_s and end_s."


def words(report: ClipReport, detail: Detail) -> str:
    """Return the answer where only words are answered: the brief, or the whole report, within `MOST` tokens."""
    return full_words(report, MOST) if detail == "full" else to_clip_brief_text(to_clip_brief(report))


def words_and_data(report: ClipReport, detail: Detail, more: str | None) -> tuple[str, dict[str, Any]]:
    """Return the answer as words and as data, which together stay within `MOST` tokens.

    Args:
        report: The report.
        detail: The brief, or the whole report beside it in the field ``report``.
        more: Address at which the whole report is kept, if it is.
    """
    brief = to_clip_brief(report, more)
    if detail == "brief":
        return to_clip_brief_text(brief), brief.told()
    fitted = fitting(report, MOST - WORDS - BRIEF)
    text = full_words(report, MOST - BRIEF if fitted is None else WORDS) + note_on(report, fitted, more)
    return text, brief.told() | ({} if fitted is None else {"report": fitted.model_dump(mode="json")})


def full_words(report: ClipReport, tokens: int) -> str:
    """Return the whole report in words, cut after a line where there is no room for more, which is said then."""
    return cut_words(to_clip_text(report, width=WIDTH), tokens)


def cut_words(text: str, tokens: int, cut: str = CUT) -> str:
    """Return a text, cut after a line where so many tokens have no room for more; the last line says so then."""
    kept: list[str] = []
    room = tokens - rough_tokens(cut)
    for line in text.splitlines():
        room -= rough_tokens(line) + 1
        if room < 0:
            return "\n".join([*kept, cut]) + "\n"
        kept.append(line)
    return "\n".join(kept) + "\n"


def note_on(report: ClipReport, fitted: ClipReport | None, more: str | None) -> str:
    """Return a line on what is missing in the report as it was fitted into the answer; empty if nothing is."""
    if fitted == report:
        return ""
    missing = "The report is too long to be sent with this answer" if fitted is None else "Some samples are left out"
    where = f": {more}; a part of the film: {more}/FROM/TO in seconds" if more else "; ask with start_s and end_s"
    return f"{missing}{where}.\n"
