"""What a tool answers about a voice, within the room that an agent has for an answer."""

from __future__ import annotations

from typing import Any

from ferce_agent.report.speech import VoiceReport
from ferce_agent.tools.arguments import Detail
from ferce_agent.tools.clip_answers import BRIEF, MOST, WIDTH, WORDS, cut_words
from ferce_agent.views.brief import rough_tokens
from ferce_agent.views.voice_brief import voice_brief, voice_brief_text
from ferce_agent.views.voice_text import voice_text


def words(report: VoiceReport, detail: Detail) -> str:
    """Return the answer where only words are answered: the brief, or the whole report, within `MOST` tokens."""
    return full_words(report, MOST) if detail == "full" else voice_brief_text(voice_brief(report))


def words_and_data(report: VoiceReport, detail: Detail, more: str | None) -> tuple[str, dict[str, Any]]:
    """Return the answer as words and as data, which together stay within `MOST` tokens.

    Args:
        report: The report.
        detail: The brief, or the whole report beside it in the field ``report``.
        more: Address at which the whole report is kept, if it is.
    """
    brief = voice_brief(report, more)
    if detail == "brief":
        return voice_brief_text(brief), brief.told()
    if rough_tokens(report.model_dump_json()) <= MOST - WORDS - BRIEF:
        return full_words(report, WORDS), brief.told() | {"report": report.model_dump(mode="json")}
    return full_words(report, MOST - BRIEF) + too_long(more), brief.told()


def full_words(report: VoiceReport, tokens: int) -> str:
    """Return the whole report in words, cut after a line where there is no room for more, which is said then."""
    return cut_words(voice_text(report, width=WIDTH), tokens)


def too_long(more: str | None) -> str:
    """Return a line that says where the report is that has no room in the answer."""
    where = f": {more}; a part of the recording: {more}/FROM/TO in seconds" if more else "; ask with start_s and end_s"
    return f"The report is too long to be sent with this answer{where}.\n"
