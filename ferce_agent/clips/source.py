"""What is known of the film that is analysed, and the times of its frames, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote
from ferce_agent.report import ClipDegradation, ClipSource, TimeSpan

STEPS: Final = 2000
"""Distances between frames that are kept for their median, evenly spaced over the film."""
UNEVEN: Final = 0.25
"""Frames come at a variable rate where more than a twentieth of their distances are off the median by this share."""


@dataclass(slots=True)
class FilmClock:
    """Counts frames and the distances between them.

    Attributes:
        frames: Frames that were read.
        first_s: Time of the first; None before it.
        last_s: Time of the last.
    """

    frames: int = 0
    first_s: float | None = None
    last_s: float | None = None
    _steps: list[float] = field(default_factory=list)
    _stride: int = 1

    def push(self, times: Iterable[float]) -> None:
        """Take the times of the next frames, in order."""
        for time in times:
            if self.last_s is not None and self.frames % self._stride == 0:
                self._steps.append(round(time - self.last_s, 5))
                if len(self._steps) >= 2 * STEPS:
                    self._steps, self._stride = self._steps[::2], self._stride * 2
            self.first_s = time if self.first_s is None else self.first_s
            self.last_s = time
            self.frames += 1

    @property
    def frame_rate(self) -> float | None:
        """Frames a second by the median distance; None for a single frame."""
        middle = float(np.median(self._steps)) if self._steps else 0.0
        return round(1 / middle, 3) if middle > 0 else None

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "frames": self.frames,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "_steps": list(self._steps),
            "_stride": self._stride,
        }


@dataclass(slots=True)
class Film:
    """What is said of the film in the report.

    Attributes:
        clock: Its frames.
        info: What is known of it.
        variable: Whether the distances between its frames differ.
        notes: What could not be read as it should be, in earlier parts of the reading and in this one.
    """

    clock: FilmClock = field(default_factory=FilmClock)
    info: ClipInfo | None = None
    variable: bool = False
    notes: list[ClipDegradation] = field(default_factory=list)
    _earlier: tuple[ClipDegradation, ...] = ()

    def note(self, notes: Iterable[ClipNote], *, variable: bool) -> None:
        """Take what a clip says of itself by now, in place of what it said before."""
        self.variable |= variable
        self.notes = [*self._earlier, *(degradation_of(one) for one in notes)]

    def source(self) -> ClipSource:
        """Return what the report says of the film."""
        assert self.info is not None
        info, clock = self.info, self.clock
        return ClipSource(
            kind=info.kind,
            media_type=info.media_type,
            sha256=info.sha256,
            width=info.width,
            height=info.height,
            first_s=round(max(clock.first_s or 0.0, 0.0), 4),
            last_s=round(max(clock.last_s or 0.0, 0.0), 4),
            duration_s=None if info.duration_s is None else round(max(info.duration_s, 0.0), 4),
            frames=clock.frames,
            frame_rate=clock.frame_rate,
            variable_rate=self.variable,
            audio=info.audio,
        )

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        info = self.info
        return {
            "clock": self.clock.dump(),
            "info": None if info is None else {name: getattr(info, name) for name in info.__dataclass_fields__},
            "variable": self.variable,
            "notes": [one.model_dump(mode="json") for one in self.notes],
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Film:
        """Return what a dump was made of."""
        notes = [ClipDegradation.model_validate(one) for one in dump["notes"]]
        info = None if dump["info"] is None else ClipInfo(**dump["info"])
        return cls(FilmClock(**dump["clock"]), info, dump["variable"], notes, tuple(notes))


def degradation_of(note: ClipNote) -> ClipDegradation:
    """Return a clip's note as an entry of the report."""
    known = note.from_s is not None and note.to_s is not None and note.to_s >= note.from_s >= 0
    span = TimeSpan(from_s=round(note.from_s or 0, 3), to_s=round(note.to_s or 0, 3)) if known else None
    return ClipDegradation(stage="open", code=note.code, message=note.message[:2000], span=span, count=note.count)
