"""A voice report as an agent reads it: `voice_brief` makes the short form, `voice_brief_text` writes it in words.

A tool's answer holds both, so the limit of `MOST` tokens is for the two together, however long the recording is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ferce_agent.report import Fused, SpeechTurn, VoiceReport, wording
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.brief import BriefGuidance, BriefPolicy
from ferce_agent.report.speech import SoundDegradedCode
from ferce_agent.report.voice_brief import BriefTurn, BriefVoiceConflict, VoiceBrief, voice_brief_schema
from ferce_agent.views.brief import MARGIN, rough_tokens, sentence, two_decimals
from ferce_agent.views.turn_choice import worth_telling

__all__ = ["MOST", "VoiceBrief", "turns_in_short", "voice_brief", "voice_brief_schema", "voice_brief_text"]

MOST: Final = 700
"""Most tokens of text and data together."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a report goes into the brief.

    Attributes:
        turns: Turns.
        spoken: Whether pitch, rate and pauses are told.
        conflicts: Conflicts.
        avoid: What to avoid.
        codes: Rules, and what could not be done.
    """

    turns: int
    spoken: bool = False
    conflicts: int = 1
    avoid: int = 0
    codes: int = 2


STARTS: Final = (4, 3, 2, 1)
"""Turns that are told about, the most that have room."""
UPGRADES: Final[tuple[dict[str, Any], ...]] = (
    {"conflicts": 2},
    {"avoid": 1},
    {"turns": 6},
    {"spoken": True},
    {"codes": 6},
    {"avoid": 3},
    {"conflicts": 4},
    {"turns": 8},
    {"turns": 12},
    {"codes": 12},
)
"""What is added, in this order, as far as there is room; what does not fit is passed over."""


def voice_brief(report: VoiceReport, more: str | None = None) -> VoiceBrief:
    """Return a voice report in short, within `MOST` tokens together with its words.

    Args:
        report: The report.
        more: Address of the whole report, if there is one.
    """
    for turns in STARTS:
        detail = Detail(turns)
        best = _brief_with(report, detail, more)
        if size(best) <= MOST / MARGIN:
            break
    for upgrade in UPGRADES:
        richer = replace(detail, **upgrade)
        brief = _brief_with(report, richer, more)
        if size(brief) <= MOST / MARGIN:
            best, detail = brief, richer
    return best


def size(brief: VoiceBrief) -> int:
    """Return the tokens of text and data together, by a cautious estimate."""
    return rough_tokens(voice_brief_text(brief)) + rough_tokens(json.dumps(brief.told(), ensure_ascii=False))


def _brief_with(report: VoiceReport, detail: Detail, more: str | None) -> VoiceBrief:
    turns = turns_in_short(report.speech, report.fused, detail.turns, spoken=detail.spoken)
    surest = sorted(report.conflicts, key=lambda one: -one.confidence)[: detail.conflicts]
    return VoiceBrief(
        first=round(report.source.first_s, 1),
        last=round(report.source.last_s, 1),
        speech=round(report.source.speech_s, 1),
        turns=turns,
        more_turns=len(report.speech) - len(turns),
        conflicts=tuple(BriefVoiceConflict(turn=one.turn, kind=one.kind, pattern=one.pattern) for one in surest),
        more_conflicts=len(report.conflicts) - len(surest),
        guidance=_guidance(report, detail.avoid),
        policy=BriefPolicy(decision=report.policy.decision, rules=report.policy.rules[: detail.codes]),
        not_done=_undone(report)[: detail.codes],
        more=more,
    )


def _guidance(report: VoiceReport, avoid: int) -> BriefGuidance:
    told = report.guidance
    return BriefGuidance(
        suggestion=sentence(told.suggestion),
        tone=sentence(told.tone),
        avoid=tuple(sentence(one) for one in told.avoid[:avoid]),
        acknowledge=told.acknowledge,
        pace=told.pace,
        step=told.step,
        distress=told.distress,
    )


def _undone(report: VoiceReport) -> tuple[SoundDegradedCode, ...]:
    codes = dict.fromkeys(entry.code for entry in report.degraded)
    return tuple(sorted(codes, key=lambda code: code != "policy_restricted"))


def turns_in_short(
    turns: Sequence[SpeechTurn], fused: Sequence[Fused], most: int, *, spoken: bool = True
) -> tuple[BriefTurn, ...]:
    """Return the turns worth telling in short, by their beginning; without what was said, or by whom.

    Args:
        turns: The turns by their beginning.
        fused: What voice, words and face say together.
        most: How many turns.
        spoken: Whether pitch, rate and pauses are told.
    """
    together = {one.turn: one.expression for one in fused}
    return tuple(_turn(turn, together.get(turn.id), spoken=spoken) for turn in worth_telling(tuple(turns), most))


def _turn(turn: SpeechTurn, together: str | None, *, spoken: bool) -> BriefTurn:
    voice, prosody, words = turn.voice, turn.prosody, turn.words
    told: dict[str, Any] = {"id": turn.id, "start": round(turn.start_s, 1), "end": round(turn.end_s, 1)}
    if voice is not None:
        told |= {"sounds": voice.expression, "doubts": voice.doubt}
        told["confidence"] = two_decimals(voice.confidence) if voice.expression else None
    told |= {name: _level(value) for name, value in (("arousal", turn.arousal), ("valence", turn.valence))}
    if words is not None:
        told |= {"words": words.count, "words_express": words.expression}
    if spoken:
        told["pitch"] = None if prosody.pitch_hz is None else max(round(prosody.pitch_hz), 1)
        told |= {"rate": _level(prosody.syllables_per_s, 1), "pauses": prosody.pauses}
    return BriefTurn(**told, flat=bool(prosody.flat), together=together)


def _level(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def voice_brief_text(brief: VoiceBrief) -> str:
    """Return a brief in words: a line on the recording, one on each turn, conflicts, advice, and what is missing."""
    return "\n".join(line for line in _lines(brief) if line) + "\n"


def _lines(brief: VoiceBrief) -> Iterator[str]:
    count = len(brief.turns) + brief.more_turns
    turns = f"{count} turn{'s' * (count != 1)} of speech" if count else "nobody speaks"
    length = f"{brief.first:g}-{brief.last:g} s"
    yield f"Recording {length}: {turns}, {brief.speech:g} s. Times in s. How it sounds is not what is felt"
    yield from map(turn_line, brief.turns)
    if brief.more_turns:
        yield f"{brief.more_turns} more turns"
    for one in brief.conflicts:
        yield f"{one.turn}: {heard.CONFLICT[one.kind].lower()} ({wording.code_words(one.pattern)})"
    if brief.more_conflicts:
        yield f"{brief.more_conflicts} more conflicts"
    if brief.guidance.distress:
        yield "Voice and words together look like distress"
    yield f"Advice: {brief.guidance.suggestion} Tone: {brief.guidance.tone}"
    if brief.guidance.avoid:
        yield f"Avoid: {'; '.join(brief.guidance.avoid)}"
    if brief.not_done:
        yield "Not done: " + "; ".join(heard.SOUND_DEGRADED[code].lower() for code in brief.not_done)
    yield f"Use {brief.policy.decision} ({', '.join(brief.policy.rules)})".replace(" ()", "")
    if brief.more:
        yield f"Whole report: {brief.more}"


def turn_line(turn: BriefTurn) -> str:
    """Return a turn of a brief in a line."""
    parts = [_sound(turn)]
    parts += [f"arousal {turn.arousal:+g}"] if turn.arousal is not None else []
    parts += [f"valence {turn.valence:+g}"] if turn.valence is not None else []
    parts += ["flat"] if turn.flat else []
    parts += [f"pitch {turn.pitch} Hz"] if turn.pitch else []
    parts += [f"{turn.rate:g} syllables a second"] if turn.rate is not None else []
    parts += [f"{turn.pauses} pause{'s' * (turn.pauses > 1)}"] if turn.pauses else []
    fits = f", fit {wording.term_label(turn.words_express)}" if turn.words_express else ""
    parts += [f"{turn.words} words{fits}"] if turn.words else []
    parts += [f"together {wording.term_label(turn.together)}"] if turn.together else []
    return f"{turn.id} {turn.start:g}-{turn.end:g}: {', '.join(parts)}"


def _sound(turn: BriefTurn) -> str:
    if turn.sounds is not None:
        sure = f"{wording.confidence_word(turn.confidence or 0)} {turn.confidence or 0:.2f}"
        return f"sounds like {wording.term_label(turn.sounds)} ({sure})"
    if turn.doubts:
        return f"no expression named: {', '.join(heard.DOUBT[doubt] for doubt in turn.doubts)}"
    return "no expression inferred"
