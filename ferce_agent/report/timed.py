"""Times, stretches and names of tracks, shared by the contracts of clips and of sounds."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from ferce_agent.report.common import Part

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A time of the film or sound, or a duration, in seconds."""
Count = Annotated[int, Field(ge=0)]
"""How many."""
TrackId = Annotated[str, StringConstraints(pattern=r"^track-[0-9]+$")]
"""Name of a track, ``track-1`` for the first face that was seen."""


class TimeSpan(Part):
    """A stretch of the film or sound."""

    from_s: Seconds
    """Its beginning."""
    to_s: Seconds
    """Its end; not before the beginning."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_s < self.from_s:
            raise ValueError("a span ends before it begins")
        return self
