"""The contract of a personal baseline: how one person's face and voice are at rest, and what is read against that.

Every neutral face of some people is read as frustrated: their brows hang low, or the corners of their mouth do. A
baseline holds what the engines read in this person's calm face, with how sure that is, so that readings can be told
against it. It holds a few dozen means and errors, no picture, no embedding and no landmarks, and identifies nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from ferce_agent.ontology.ids import ActionUnitId
from ferce_agent.ontology.labels import Canonical
from ferce_agent.report.common import Finite, Part, Sha256, Text, Token, Unit
from ferce_agent.report.face import Distribution, Expression
from ferce_agent.report.timed import Count, Seconds

BASELINE_VERSION: Final = "1.0"
BaselineSource = Literal["photos", "clip", "camera", "voice"]
"""What a baseline, or a part of it, was made of."""
HeadMeasure = Literal["yaw", "pitch", "roll", "eyes_open"]
"""Head turn, nod and tilt in degrees; how wide the eyes are open, 1 = as wide as eyes usually are."""
VoiceMeasure = Literal["pitch_st", "pitch_spread_st", "level_db", "syllables_per_s", "pause_share"]
"""Median pitch in semitones above 55 Hz, its spread, level, rate of syllables, share of pauses."""
SEVERAL_VOICES: Final = "The pitch differs so much between the turns that several people may speak in the recording."
ASSUMED_VOICE: Final = "All speech in the clip is taken to be the person's."
VOICE_DOUBTS: Final = frozenset({SEVERAL_VOICES, ASSUMED_VOICE})
"""Doubts about the voice; all others are about the face."""


class Level(Part):
    """A number at rest."""

    value: Finite
    """What is usual: a robust mean."""
    spread: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard deviation of single readings around it."""
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard deviation of what `value` may be wrong by; larger for a short baseline, whose readings are alike."""


class Baseline(Part):
    """How one person is at rest, as the engines read it."""

    schema_version: Literal["1.0"] = BASELINE_VERSION
    """Version of this contract."""
    id: Token
    """Random; it says nothing about the person."""
    made_at: datetime
    """When, in UTC."""
    sources: Annotated[tuple[BaselineSource, ...], Field(min_length=1)]
    """What it was made of."""
    readings: Count
    """How many readings of the face it rests on."""
    seconds: Seconds
    """How much film, camera and speech it rests on; 0 for photos."""
    specialist: Sha256
    """Digest of the weights that read the face: with other weights the numbers mean something else."""
    odds: dict[Canonical, Level] | None
    """Logarithm of the probability of each expression in the calm face; null where no expression may be read."""
    movements: dict[ActionUnitId, Level]
    """Intensities of the movements in the calm face, 0..1."""
    head: dict[HeadMeasure, Level]
    """How the head is held, and the eyes."""
    voice: dict[VoiceMeasure, Level]
    """How the person usually speaks; empty where no voice was given."""
    doubts: tuple[Text, ...] = ()
    """What lessens its worth, e.g. that the calm face could not be told from a shown expression."""


class BaselineUse(Part):
    """Which baseline readings were told against."""

    id: Token
    """Of the baseline."""
    sources: tuple[BaselineSource, ...]
    """What it was made of."""
    readings: Count
    """How many readings of the face it rests on."""
    seconds: Seconds
    """How much film, camera and speech it rests on."""
    weight: Unit
    """How far it was followed: towards 0 for a short one, which says little; 1 for a certain one."""
    doubts: tuple[Text, ...] = ()
    """What lessens its worth, as the baseline itself says."""


class Change(Part):
    """How far a number is from what is usual for the person."""

    value: Finite
    """The number minus the usual one."""
    error: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard deviation of what the difference may be wrong by: of the reading and of the baseline together."""
    usual: Finite
    """The usual one."""


class AgainstRest(Part):
    """What is read with and without the person's baseline, side by side."""

    baseline: BaselineUse
    """Which baseline."""
    absolute: Expression | None
    """What the face shows as anybody would read it, without the baseline."""
    changes: dict[ActionUnitId, Change]
    """Movements against those of the calm face."""
    head: dict[HeadMeasure, Change]
    """Head and eyes against how they are usually held."""
    differs: bool
    """Whether another expression is named with the baseline than without, or one only with or without it."""


class TrackAgainstRest(Part):
    """The same for a face over a film."""

    baseline: BaselineUse
    """Which baseline."""
    absolute_shares: dict[Canonical, Unit]
    """Share of the readable time in which each expression would be the one named without the baseline."""
    changes: dict[ActionUnitId, Change]
    """Median movements against those of the calm face."""
    head: dict[HeadMeasure, Change]
    """Median of head and eyes against how they are usually held."""
    resting: Distribution | None
    """Probabilities that the calm face has without the baseline; null where no expression may be read."""
