"""The contract of a clip's brief: the report as an agent reads it, short, bounded, and in our own words only.

Everything in it is an ontology id, an enumerated code, a number, or an id of the report. What a vision-language model
wrote is left out: it could address the agent that reads the brief. Times are seconds of the film.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainSerializer, WithJsonSchema

from ferce_agent.report.brief import BriefPart, BriefPolicy, Share, Term, Words
from ferce_agent.report.clip import BodyKind, ClipDegradedCode, GapReason, MomentReason
from ferce_agent.report.schemas import slim
from ferce_agent.report.speech import ConflictKind, TurnId, VoiceDoubt
from ferce_agent.report.timed import TrackId

CLIP_BRIEF_VERSION: Final = "1.1"
"""Version of this contract."""


def _short(seconds: float) -> int | float:
    """Return a whole number where it is one: it is written with fewer characters."""
    return int(seconds) if seconds == int(seconds) else seconds


Time = Annotated[float, Field(ge=0, allow_inf_nan=False), PlainSerializer(_short, return_type=int | float)]
"""Seconds of the film; in tenths, of a long film in whole seconds."""
Many = Annotated[int, Field(ge=0)]
Level = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Track = Annotated[TrackId, WithJsonSchema({"type": "string"})]


Speaker = Annotated[str, Field(pattern=r"^(track-[0-9]+|off_camera)$"), WithJsonSchema({"type": "string"})]


class BriefEpisode(BriefPart):
    """An expression from its onset to its offset."""

    shows: Term
    onset: Time
    apex: Time
    offset: Time
    confidence: Share
    """Mean probability; very likely from 0.9, likely from 0.66."""
    cut: Literal["begin", "end", "both"] | None = None
    """Which end was not seen: it was under way when the face came or went."""


class BriefGap(BriefPart):
    """Why a face could not be read, and for how many seconds in all."""

    reason: GapReason
    seconds: Time


class BriefTrack(BriefPart):
    """One face from when it appears to when it is gone; whoever comes back later has a new id.

    Only the first few are told about with episodes and what was in the way.
    """

    id: Track
    first: Time
    last: Time
    readable: Time | None = None
    """Seconds in which its expression could be read; told where that is less than it was seen."""
    shares: dict[str, Share] = Field(default_factory=dict)
    """Share of the readable time in which an expression was the one shown, calm left out."""
    episodes: tuple[BriefEpisode, ...] = ()
    """The weightiest, by onset."""
    more_episodes: Many = 0
    """Further ones in the whole report."""
    valence: Level | None = None
    """Mean, -1 to 1."""
    liveliness: Literal["calm", "moderate", "lively"] | None = None
    movements: tuple[Words, ...] = ()
    """Made most often."""
    blinks_per_minute: Annotated[float, Field(ge=0)] | None = None
    perclos: Share | None = None
    """Highest share of a minute with the eyes closed."""
    micro: Many = 0
    """Possible micro-expressions; never proof of an emotion."""
    unread: tuple[BriefGap, ...] = ()
    """What was in the way, longest first."""
    alone: dict[Term, Share] | None = None
    """If read against a personal baseline: `shares` without it."""
    doubtful: bool = False
    """Whether that baseline has doubts."""


class BriefBetween(BriefPart):
    """What two people did together."""

    kind: Literal["followed", "synchrony"]
    """The second showed an expression soon after the first; or their valence moved together."""
    tracks: tuple[Track, Track]
    shows: Term | None = None
    lag: Annotated[float, Field(allow_inf_nan=False)]
    """Seconds the second is behind the first."""
    by_chance: Share | None = None
    """Share of curves shuffled in time that agree as well."""


class BriefSpeech(BriefPart):
    """Somebody speaks without a longer pause; without what is said."""

    id: Annotated[TurnId, WithJsonSchema({"type": "string"})]
    start: Time
    end: Time
    speaker: Speaker | None = None
    """Whose mouth moves in time with it."""
    sounds: Term | None = None
    """Expression that the voice sounds like; left out if none is named."""
    confidence: Share | None = None
    doubts: tuple[VoiceDoubt, ...] = ()
    """Why none is named."""
    arousal: Level | None = None
    together: Term | None = None
    """Expression of face, voice and words together; left out where they conflict or are unclear."""


class BriefClipConflict(BriefPart):
    """Face, voice or words do not go together."""

    turn: Annotated[TurnId, WithJsonSchema({"type": "string"})]
    track: Track | None = None
    kind: ConflictKind
    pattern: Words


class BriefBody(BriefPart):
    """A posture or gesture; never an expression by itself."""

    track: Track
    kind: BodyKind
    start: Time
    end: Time


class BriefMoment(BriefPart):
    """A frame worth looking at."""

    at: Time
    track: Track | None = None
    why: MomentReason


class ClipBrief(BriefPart):
    """What faces in a clip show and when, in short. Shown is not felt."""

    first: Time
    last: Time
    """Seconds of the film that were read."""
    frames: Many
    faces: Many
    tracks: tuple[BriefTrack, ...] = ()
    """Seen longest first."""
    more_tracks: Many = 0
    """Further faces in the whole report."""
    between: tuple[BriefBetween, ...] = ()
    speech: tuple[BriefSpeech, ...] = ()
    """Turns of speech; the clearest where there are many."""
    more_speech: Many = 0
    """Further turns in the whole report."""
    conflicts: tuple[BriefClipConflict, ...] = ()
    body: tuple[BriefBody, ...] = ()
    moments: tuple[BriefMoment, ...] = ()
    cuts: Many = 0
    """Changes of scene; each ends all tracks."""
    policy: BriefPolicy
    not_done: tuple[ClipDegradedCode, ...] = ()
    """What could not be done."""
    more: Words | None = None
    """Address of the whole report, kept for a while."""
    report: dict[str, Any] | None = None
    """The whole report, with detail=full only."""

    def told(self) -> dict[str, Any]:
        """Return the brief as plain data, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def clip_brief_schema() -> dict[str, Any]:
    """Return the JSON Schema of a brief as `ClipBrief.told` writes it."""
    return {"$id": f"urn:ferce-agent:clip-brief:{CLIP_BRIEF_VERSION}", **slim(ClipBrief.model_json_schema())}
