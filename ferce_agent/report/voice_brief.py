"""The contract of a voice report's brief: the report as an agent reads it, short, bounded, and in our own words only.

Everything in it is an ontology id, an enumerated code, a number, an id of the report, or a sentence of this package's
own tables. What was said, and who is said to speak, are left out: they could address the agent that reads the brief.
Times are seconds of the recording.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from ferce_agent.report.brief import BriefGuidance, BriefPart, BriefPolicy, Share, Term, Words
from ferce_agent.report.clip_brief import Level, Many, Time
from ferce_agent.report.schemas import slim
from ferce_agent.report.speech import ConflictKind, SoundDegradedCode, TurnId, VoiceDoubt

VOICE_BRIEF_VERSION: Final = "1.0"
"""Version of this contract."""

Turn = Annotated[TurnId, WithJsonSchema({"type": "string"})]


class BriefTurn(BriefPart):
    """Somebody speaks without a longer pause."""

    id: Turn
    start: Time
    end: Time
    sounds: Term | None = None
    """Expression that the voice sounds like; left out if none is named."""
    confidence: Share | None = None
    """Calibrated probability of `sounds`; very likely from 0.9, likely from 0.66."""
    doubts: tuple[VoiceDoubt, ...] = ()
    """Why no expression is named."""
    arousal: Level | None = None
    """Activation of the voice, -1 to 1."""
    valence: Level | None = None
    """Pleasantness of the voice, -1 to 1."""
    flat: bool = False
    """The pitch hardly moves from one moment to the next, as in synthetic speech."""
    pitch: Annotated[int, Field(gt=0)] | None = None
    """Median pitch in hertz."""
    rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Syllables a second, about."""
    pauses: Many = 0
    """Silences of at least 0.3 s within the turn."""
    words: Many = 0
    """How many words the transcript has for it."""
    words_express: Term | None = None
    """Expression that the words fit by themselves."""
    together: Term | None = None
    """Expression of voice and words together; left out where they conflict or are unclear."""


class BriefVoiceConflict(BriefPart):
    """Voice and words do not go together."""

    turn: Turn
    kind: ConflictKind
    pattern: Words


class VoiceBrief(BriefPart):
    """Who speaks when in a recording and how it sounds, in short. How somebody sounds is not what they feel."""

    first: Time
    last: Time
    """Seconds of the recording that were listened to."""
    speech: Time
    """How long somebody speaks."""
    turns: tuple[BriefTurn, ...] = ()
    """By their beginning; the longest where there are many."""
    more_turns: Many = 0
    """Further turns in the whole report."""
    conflicts: tuple[BriefVoiceConflict, ...] = ()
    more_conflicts: Many = 0
    guidance: BriefGuidance
    policy: BriefPolicy
    not_done: tuple[SoundDegradedCode, ...] = ()
    """What could not be done."""
    more: Words | None = None
    """Address of the whole report, kept for a while."""
    report: dict[str, Any] | None = None
    """The whole report, with detail=full only."""

    def told(self) -> dict[str, Any]:
        """Return the brief as plain data, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def voice_brief_schema() -> dict[str, Any]:
    """Return the JSON Schema of a brief as `VoiceBrief.told` writes it."""
    return {"$id": f"urn:ferce-agent:voice-brief:{VOICE_BRIEF_VERSION}", **slim(VoiceBrief.model_json_schema())}
