"""A voice message beside a photo: whose voice it is taken to be, and where it does not go with the face.

Nobody is identified. The face's own expression stays as it was read; what does not go together is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ferce_agent.context.guidance import advice_table
from ferce_agent.context.photo_voice import beside_picture
from ferce_agent.errors import SettingsError
from ferce_agent.report import Conflict, EmotionReport, Evidence, Guidance, Person, wording
from ferce_agent.report.speech import ModalityConflict, SoundDegradation, SoundEvidence, SpeechTurn, VoiceReport
from ferce_agent.report.voice_wording import turn_name, voice_words
from ferce_agent.validation.refusal import printed

BETWEEN: Final[dict[str, Literal["face_and_voice", "face_and_words"]]] = {
    "face_and_voice": "face_and_voice",
    "face_and_words": "face_and_words",
}
"""Conflicts that concern the face, as the photo's report calls them."""
ASSUMED: Final = "That the voice is {name}'s is an assumption: nobody else is shown."
TOLD: Final = "The voice is said to be {name}'s."
UNKNOWN: Final = (
    "Several people are shown, and nobody said whose voice it is, so face and voice are not compared. Name one with "
    'voice_of, such as "person-1".'
)


def with_voice(report: EmotionReport, voice: VoiceReport, voice_of: str | None = None) -> EmotionReport:
    """Return the report of a photo with a voice message beside it.

    Where one person is shown, the voice is taken to be theirs, and a conflict says that this is an assumption; where
    several are, it belongs to nobody unless the caller says whose it is.

    Args:
        report: The photo's report.
        voice: The report of the voice.
        voice_of: Id of the person whose voice it is, such as ``person-1``.

    Raises:
        SettingsError: No such person is in the report.
        DataError: A table of measured reliability is damaged.
    """
    person = speaker(report, voice_of)
    if person is None:
        return _joined(report, _not_told(voice) if len(report.people) > 1 else voice)
    heard = beside_picture(voice, [person])
    measured = _face_evidence(report, person)
    found = [] if measured is None else _strongest(heard)
    whose = (ASSUMED if voice_of is None else TOLD).format(name=wording.person_name(person.id))
    conflicts = [
        Conflict(
            person=person.id,
            between=BETWEEN[one.kind],
            text=f"{one.text} {whose}",
            readings=one.readings,
            evidence=(str(measured), evidence_id(one.turn)),
            confidence=one.confidence,
        )
        for one in found
    ]
    return _joined(report, heard, conflicts)


def speaker(report: EmotionReport, voice_of: str | None) -> Person | None:
    """Return whose voice it is, or is taken to be; None where that is not known.

    Raises:
        SettingsError: No such person is in the report.
    """
    if voice_of is None:
        return report.people[0] if len(report.people) == 1 else None
    found = next((one for one in report.people if one.id == voice_of), None)
    if found is None:
        known = ", ".join(one.id for one in report.people) or "nobody"
        message = f"voice_of names '{printed(voice_of)}', who is not in this report."
        raise SettingsError(message, hint=f"Shown are: {known}.")
    return found


def _strongest(voice: VoiceReport) -> list[ModalityConflict]:
    """Return the surest conflict of the face with the voice, and with what is said: a photo is one moment."""
    kinds = ([one for one in voice.conflicts if one.kind == kind] for kind in BETWEEN)
    return [max(found, key=lambda one: one.confidence) for found in kinds if found]


def _face_evidence(report: EmotionReport, person: Person) -> str | None:
    """Return the id of the probability that the face's reading rests on."""
    if person.expression is None:
        return None
    leading, _ = person.expression.distribution.ranked()[0]
    name = f"{person.id}.probability.{leading}"
    return name if any(entry.id == name for entry in report.evidence) else None


def evidence_id(heard: str) -> str:
    """Return how the photo's report names what was heard in a turn, or another entry of evidence of the voice."""
    return f"voice.{heard}"


def _joined(report: EmotionReport, voice: VoiceReport, conflicts: Sequence[Conflict] = ()) -> EmotionReport:
    """Return the validated report with the voice, the conflicts, and advice that allows for both."""
    rests = {name for one in conflicts for name in one.evidence}
    calling = set(voice.guidance.evidence) if voice.guidance.distress else set()
    calls = [turn for turn in voice.speech if calling.intersection(turn.evidence)]
    used = [turn for turn in voice.speech if evidence_id(turn.id) in rests or turn in calls]
    of_turns = {name for turn in voice.speech for name in turn.evidence}
    beside = [entry for entry in voice.evidence if entry.id in calling - of_turns]
    rests_on = [*(evidence_id(turn.id) for turn in calls), *(evidence_id(entry.id) for entry in beside)]
    kept = {
        "voice": voice,
        "conflicts": (*report.conflicts, *conflicts),
        "evidence": (*report.evidence, *map(evidence_of, used), *map(beside_turns, beside)),
        "guidance": guidance_with(report.guidance, voice, conflicts, rests_on),
    }
    return EmotionReport(**(dict(report) | kept))


def evidence_of(turn: SpeechTurn) -> Evidence:
    """Return what was heard in a turn as evidence of the photo's report."""
    return Evidence(
        id=evidence_id(turn.id),
        kind="voice",
        text=f"{turn_name(turn.id)} of the voice message: {voice_words(turn.voice)}.",
        value=turn.voice.confidence if turn.voice else None,
        person=None,
    )


def beside_turns(entry: SoundEvidence) -> Evidence:
    """Return as the photo's report has it what belongs to no turn of the voice, such as words outside of all."""
    return Evidence(id=evidence_id(entry.id), kind="voice", text=entry.text, value=entry.value, person=None)


def guidance_with(
    guidance: Guidance, voice: VoiceReport, conflicts: Sequence[Conflict], calling: Sequence[str]
) -> Guidance:
    """Return the advice on the face, with care where what is said speaks of distress, and asking where it conflicts.

    Args:
        guidance: Advice on the face.
        voice: The report of the voice.
        conflicts: Where the face does not go with it.
        calling: Ids of the evidence of words of distress.
    """
    if guidance.distress:
        return guidance
    if voice.guidance.distress:
        return voice.guidance.model_copy(update={"evidence": tuple(calling)})
    if not conflicts:
        return guidance
    advice = advice_table()["conflict"]
    rests = (*guidance.evidence, *(name for one in conflicts for name in one.evidence))
    return guidance.model_copy(
        update={
            "tone": advice.tone,
            "suggestion": advice.suggestion,
            "step": advice.step,
            "acknowledge": False,
            "avoid": tuple(dict.fromkeys((*guidance.avoid, *advice.avoid))),
            "evidence": tuple(dict.fromkeys(rests)),
        }
    )


def _not_told(voice: VoiceReport) -> VoiceReport:
    """Return the report of the voice, which says that nobody said whose it is."""
    if not voice.speech:
        return voice
    note = SoundDegradation(stage="photo", code="speaker_not_known", message=UNKNOWN)
    return voice.model_copy(update={"degraded": (*voice.degraded, note)})
