"""A voice message that came with a picture: its turns taken together with the face in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ferce_agent.context.voice_evidence import fusion_evidence
from ferce_agent.context.voice_guidance import guide_voice
from ferce_agent.context.voice_summary import voice_summary
from ferce_agent.reasoning.modalities import FaceStretch, fuse_turn
from ferce_agent.report import Person, TimeSpan, wording
from ferce_agent.report.speech import Fused, ModalityConflict, SoundEvidence, SpeechTurn, VoiceReport

FACE_ID: Final = "picture.face"
"""Id of the evidence that the face in the picture is."""


def beside_picture(report: VoiceReport, people: Sequence[Person]) -> VoiceReport:
    """Return the report of a voice with the face of the picture that it came with taken into account.

    Only where the picture shows one person, whose face could be read: whose voice it is cannot be told otherwise.
    That the voice is this person's is taken for granted then, as a message with a picture of oneself is. Where nothing
    may be inferred there is no reading of a face, and the report stays as it is.

    Args:
        report: Of the voice.
        people: Everybody in the picture.

    Raises:
        DataError: A table of measured reliability is damaged.
    """
    person = people[0] if len(people) == 1 else None
    if person is None or person.expression is None or not any(_tells(turn) for turn in report.speech):
        return report
    entry = _evidence(report, person)
    found = [_together(turn, person) for turn in report.speech]
    fused = tuple(one for one, _ in found if one is not None)
    conflicts = tuple(one for _, one in found if one is not None)
    replaced = {f"{one.turn}.fusion" for one in fused}
    kept = [one for one in report.evidence if one.id not in replaced]
    crisis = report.guidance.evidence if report.guidance.distress else ()
    made = {
        "summary": voice_summary(report.source, report.speech, report.degraded, fused=fused, conflicts=conflicts),
        "fused": fused,
        "conflicts": conflicts,
        "guidance": guide_voice(report.speech, fused=fused, conflicts=conflicts, causes=report.causes, crisis=crisis),
        "evidence": (*kept, entry, *(fusion_evidence(one) for one in fused)),
    }
    return VoiceReport.model_validate({name: getattr(report, name) for name in VoiceReport.model_fields} | made)


def _tells(turn: SpeechTurn) -> bool:
    return turn.voice is not None or (turn.words is not None and turn.words.valence is not None)


def _evidence(report: VoiceReport, person: Person) -> SoundEvidence:
    assert person.expression is not None
    term, share = person.expression.distribution.ranked()[0]
    text = f"The face in the picture {wording.shows(term)} ({wording.percent(share)})."
    whole = TimeSpan(from_s=report.source.first_s, to_s=max(report.source.first_s, report.source.last_s))
    return SoundEvidence(id=FACE_ID, kind="fusion", text=text, span=whole, value=round(float(share), 4))


def _together(turn: SpeechTurn, person: Person) -> tuple[Fused | None, ModalityConflict | None]:
    shown = person.expression
    assert shown is not None
    face = FaceStretch(
        probabilities=np.array([share for _, share in shown.distribution.items()], np.float64),
        expression=shown.primary,
        arousal=shown.arousal.value,
        valence=shown.valence.value,
        readable_s=turn.end_s - turn.start_s,
        quality=person.face.quality.score,
    )
    basis = (FACE_ID, *(name for name in turn.evidence if not name.endswith(".prosody")))
    fused, conflict = fuse_turn(
        TimeSpan(from_s=turn.start_s, to_s=turn.end_s),
        face=face,
        voice=turn.voice,
        words=turn.words,
        prosody=turn.prosody,
        track=None,
        turn=turn.id,
        evidence=basis,
    )
    if fused is not None:
        fused = fused.model_copy(update={"evidence": (*fused.evidence, f"{turn.id}.fusion")})
    return fused, conflict
