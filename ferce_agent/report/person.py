"""One person of a photo: the face, what it shows, with and without the person's baseline, and why."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from ferce_agent.report.baseline import AgainstRest
from ferce_agent.report.common import Claim, Part
from ferce_agent.report.face import (
    UNKNOWN_POSTURE,
    ActionUnitReading,
    Description,
    Expression,
    Face,
    Posture,
    RankedLabel,
    VlmReading,
)


class Person(Part):
    """One face and what it shows."""

    id: Annotated[str, StringConstraints(pattern=r"^person-[0-9]+$")]
    """Stable within the report: `person-1` is the largest face."""
    face: Face
    """Where and how."""
    expression: Expression | None
    """What the face shows; null if it could not be read (`degraded` says why)."""
    action_units: tuple[ActionUnitReading, ...]
    """Facial movements; empty if nothing measured them."""
    labels: tuple[RankedLabel, ...] = ()
    """The words the caller asked about, best first; empty if none were given."""
    vlm: VlmReading | None = None
    """What a vision-language model says about the face; null if none was asked."""
    posture: Posture = UNKNOWN_POSTURE
    """Body language."""
    description: Description
    """The face in words."""
    rationale: tuple[Claim, ...]
    """Why the expression was named."""
    rest: AgainstRest | None = None
    """What is read with and without the person's baseline; null where none was given or used. Since version 1.7."""
