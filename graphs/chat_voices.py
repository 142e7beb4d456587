"""How a voice message sounds, in short, as a thread of the chatbot remembers it; and its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ferce_agent.graphs.chat_state import Remembered, made_at
from ferce_agent.report.speech import SpeechTurn, TurnWords, VoiceDoubt, VoiceReport
from ferce_agent.report.voice_wording import DOUBT
from ferce_agent.report.wording import confidence_word, term_label
from ferce_agent.views.voice_text import voice_text

MOST: Final = 0.5
"""Share of the speech, by time, that has to sound like one expression for the message to sound like it."""
LONGEST: Final = 8000
"""Characters of what was said in one voice message that count as the user's words."""
QUOTED: Final = re.compile(r"(?: They are:)? \(?“.*”\)?", re.DOTALL)
"""Where a sentence of a report quotes what is said, up to the last mark: the words may hold such marks, too."""
VoiceCase = Literal["sounds", "unlike", "unclear", "unread"]
"""What a voice message says.

It sounds like an expression; it is unlike the voice model's training; nothing is clear; nothing was inferred, by a rule
or because nobody speaks.
"""


@dataclass(frozen=True, slots=True)
class VoiceSays:
    """What a voice message sounds like as a whole.

    Attributes:
        case: See `VoiceCase`.
        expression: What it sounds like; None where nothing is named.
        confidence: Mean probability of it, by time; 0 where nothing is named.
        valence: Mean pleasantness, -1 to 1; 0 where it is not known.
        doubt: The reason that holds for most of the speech, where nothing is named.
    """

    case: VoiceCase
    expression: str | None = None
    confidence: float = 0.0
    valence: float = 0.0
    doubt: VoiceDoubt | None = None


def reading_of_voice(report: VoiceReport) -> Remembered:
    """Return a voice's report in short; person-1 is whoever sent the message.

    It has more than a photo's: ``kind`` and ``case`` (`VoiceCase`). The words are not in it.
    """
    says = says_of(report)
    person = {
        "id": "person-1",
        "primary": says.expression,
        "valence": says.valence,
        "confidence": says.confidence,
        "abstained": says.expression is None,
    }
    return {
        "time": made_at(report),
        "kind": "voice",
        "inferred": any(turn.voice is not None and turn.voice.probabilities for turn in report.speech),
        "summary": summary_of_voice(report, says),
        "people": [person] if says.case != "unread" else [],
        "guidance": report.guidance.model_dump(mode="json"),
        "case": says.case,
    }


def reading_heard(report: VoiceReport) -> Remembered:
    """Return a voice's report in short, with the whole of it in words as ``text``; the words are in neither."""
    return {**reading_of_voice(report), "text": voice_text(without_words(report))}


def says_of(report: VoiceReport) -> VoiceSays:
    """Return what a voice message sounds like: what most of its speech does, by time."""
    heard = [turn for turn in report.speech if turn.voice is not None]
    if not heard:
        return VoiceSays("unread")
    named: dict[str, list[SpeechTurn]] = {}
    for turn in heard:
        if turn.voice is not None and turn.voice.expression is not None and not _contradicted(turn, report):
            named.setdefault(turn.voice.expression, []).append(turn)
    longest = max(named, key=lambda term: _seconds(named[term]), default=None)
    if longest is None or _seconds(named[longest]) < MOST * _seconds(heard):
        return _unnamed(heard)
    turns = named[longest]
    sure = _mean([(turn, turn.voice.confidence) for turn in turns if turn.voice])
    pleasant = _mean([(turn, turn.valence) for turn in turns if turn.valence is not None])
    return VoiceSays("sounds", longest, sure, pleasant)


def _contradicted(turn: SpeechTurn, report: VoiceReport) -> bool:
    """Return whether the words of a turn go against its voice."""
    return any(one.turn == turn.id for one in report.conflicts)


def _unnamed(heard: Sequence[SpeechTurn]) -> VoiceSays:
    seconds: dict[VoiceDoubt, float] = {}
    for turn in heard:
        for doubt in turn.voice.doubt if turn.voice else ():
            seconds[doubt] = seconds.get(doubt, 0.0) + _seconds([turn])
    if not seconds:
        return VoiceSays("unclear")
    doubt = max(seconds, key=lambda one: seconds[one])
    if seconds[doubt] < MOST * _seconds(heard):
        return VoiceSays("unclear")
    return VoiceSays("unlike" if doubt == "unlike_training" else "unclear", doubt=doubt)


def _seconds(turns: Sequence[SpeechTurn]) -> float:
    return sum(turn.end_s - turn.start_s for turn in turns)


def _mean(values: Sequence[tuple[SpeechTurn, float]]) -> float:
    """Return the mean of a number over turns, each by how long it lasts; 0 without any."""
    weight = _seconds([turn for turn, _ in values])
    return sum(value * _seconds([turn]) for turn, value in values) / weight if weight else 0.0


def summary_of_voice(report: VoiceReport, says: VoiceSays | None = None) -> str:
    """Return in a sentence or two how a voice message sounds, in our own words only, without what was said."""
    says = says or says_of(report)
    begin = f"In the voice message of {max(report.source.last_s - report.source.first_s, 0.0):.1f} s"
    if not report.speech:
        return f"{begin} nobody was heard to speak."
    if says.case == "unread":
        return f"{begin} nothing was inferred from how it sounds."
    conflict = " Voice and words do not go together." if report.conflicts else ""
    if says.expression is not None:
        sounds = f"the voice sounds like {term_label(says.expression)} ({confidence_word(says.confidence)})"
        return f"{begin} {sounds}.{conflict}"
    why = DOUBT[says.doubt] if says.doubt else "it changes, or several expressions are possible"
    return f"{begin} no expression is clear from the voice: {why}.{conflict}"


def words_said(report: VoiceReport) -> str:
    """Return what is said in a voice message, as far as it was kept; empty without a transcript."""
    said = " ".join(turn.words.text for turn in report.speech if turn.words is not None and turn.words.text)
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def without_words(report: VoiceReport) -> VoiceReport:
    """Return the report as it is without `keep_words`: the words are in the conversation, and nowhere else."""
    turns = (turn.model_copy(update={"words": _counted(turn.words), "told_speaker": None}) for turn in report.speech)
    causes = (cause.model_copy(update={"text": _unquoted(cause.text)}) for cause in report.causes)
    evidence = (
        entry.model_copy(update={"text": _unquoted(entry.text)}) if entry.kind == "words" else entry
        for entry in report.evidence
    )
    return report.model_copy(update={"speech": tuple(turns), "causes": tuple(causes), "evidence": tuple(evidence)})


def _counted(words: TurnWords | None) -> TurnWords | None:
    return words and words.model_copy(update={"text": None})


def _unquoted(text: str) -> str:
    return QUOTED.sub("", text)
