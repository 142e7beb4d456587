"""A part of a voice's report for readers with little room: what is said in a stretch of the recording."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from ferce_agent.errors import SettingsError
from ferce_agent.report.speech import SoundDegradation, VoiceReport
from ferce_agent.tools.clip_parts import HOW


def part_of_voice(report: VoiceReport, from_s: float, to_s: float) -> VoiceReport:
    """Return a valid report with the turns that lie, at least partly, within a stretch of the recording.

    What does not belong to one of them is left out, but for the summary and the advice, which are on the whole.

    Args:
        report: The whole report.
        from_s: Beginning of the stretch, in seconds of the recording.
        to_s: Its end.

    Raises:
        SettingsError: The end is not after the beginning, or one of them is below 0 or no number.
    """
    if not 0 <= from_s < to_s or not isfinite(to_s):
        raise SettingsError(f"There is no part of a recording from {from_s:g} to {to_s:g}.", hint=HOW)
    speech = tuple(turn for turn in report.speech if turn.start_s <= to_s and turn.end_s >= from_s)
    kept = {turn.id for turn in speech}
    part = {
        "speech": speech,
        "fused": tuple(one for one in report.fused if one.turn in kept),
        "conflicts": tuple(one for one in report.conflicts if one.turn in kept),
        "causes": tuple(one for one in report.causes if one.person in kept),
        "degraded": tuple(_degraded(report, kept, from_s, to_s)),
    }
    made = report.model_copy(update=part)
    used = set(made.references())
    return made.model_copy(update={"evidence": tuple(entry for entry in report.evidence if entry.id in used)})


def _degraded(report: VoiceReport, kept: set[str], from_s: float, to_s: float) -> Iterator[SoundDegradation]:
    found = [entry for entry in report.degraded if entry.turn is None or entry.turn in kept]
    yield from found
    if not kept and not any(entry.code == "no_speech" for entry in found):
        message = f"Nobody was heard to speak between {from_s:g} and {to_s:g} s."
        yield SoundDegradation(stage="part", code="no_speech", message=message)
