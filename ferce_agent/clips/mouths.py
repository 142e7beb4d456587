"""How a face moves its mouth, and what it shows, finely enough to be laid beside a turn of speech.

The points of a track are thinned to a few hundred, whatever the length of the film; a turn of speech may last a second.
These series keep every frame of some twenty minutes, and of longer films every second or fourth one.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.readable import obstacle
from ferce_agent.clips.samples import TrackSample
from ferce_agent.ontology.labels import CANONICAL

Array = NDArray[np.float64]

MOST: Final = 36_000
"""Rows of a series: twenty minutes at thirty a second."""
MOUTH_STEP_S: Final = 1 / 31
"""Least distance of two rows of the mouth in seconds: syllables come at 2 to 8 a second."""
FACE_STEP_S: Final = 0.19
"""The same of what a face shows, which is smoothed over half a second."""
MISSING: Final = 65_535
"""What stands for a value that could not be read."""
SCALE: Final = 10_000
"""Steps into which values from 0 to 1 are rounded, for they are kept as whole numbers."""


OPENS: Final = ("jawOpen",)
"""Blendshapes whose mean is the opening of the mouth. On made films of talking faces (`ferce_agent.evaluation.voice`)
the falling jaw alone went with the voice best; with the lower lip, AU16 or AU26 added it was no better or worse."""
LEAST_EYES: Final = 14.0
"""Distance of the eyes in pixels below which the mouth is too small: the specialist sees them 18 pixels apart."""


@dataclass(slots=True)
class Series:
    """Rows of numbers from 0 to 1 at their times, in bounded memory.

    Where there are more rows than `MOST`, every other one is dropped and later ones come half as often.

    Attributes:
        width: Numbers in a row.
        step_s: Least distance of two rows in seconds.
    """

    width: int
    step_s: float
    _times: array[float] = field(default_factory=lambda: array("d"))
    _values: array[int] = field(default_factory=lambda: array("H"))

    def push(self, time: float, values: Array) -> None:
        """Take a row; one that is too near to the row before, or not after it, is left out.

        Args:
            time: Seconds of the film.
            values: Shape (width,), 0 to 1; NaN where something could not be read.
        """
        if self._times and time < self._times[-1] + self.step_s - 1e-6:
            return
        scaled = np.where(np.isnan(values), MISSING, np.rint(np.clip(values, 0, 1) * SCALE))
        self._times.append(round(float(time), 4))
        self._values.extend(scaled.astype(int).tolist())
        if len(self._times) > MOST:
            self._thin()

    def _thin(self) -> None:
        rows = np.frombuffer(self._values, np.uint16).reshape(-1, self.width)[::2].ravel().tolist()
        self._times, self._values = self._times[::2], array("H", rows)
        self.step_s *= 2

    @property
    def times(self) -> Array:
        """Times of the rows in seconds, shape (N,)."""
        return np.array(self._times, np.float64)

    @property
    def values(self) -> Array:
        """The rows, shape (N, width); NaN where something could not be read."""
        return self._rows(0, len(self._times))

    def _rows(self, first: int, last: int) -> Array:
        rows = np.array(self._values[first * self.width : last * self.width], np.float64).reshape(-1, self.width)
        return np.where(rows == MISSING, np.nan, rows / SCALE)

    def between(self, from_s: float, to_s: float) -> tuple[Array, Array]:
        """Return the times and the rows of a stretch, both ends included; shapes (N,) and (N, width)."""
        times = self.times
        first, last = np.searchsorted(times, [from_s - 1e-9, to_s + 1e-9]).tolist()
        return times[first:last], self._rows(first, last)

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        times = [round(time * SCALE) for time in self._times]
        return {"width": self.width, "step_s": self.step_s, "times": times, "values": self._values.tolist()}

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Series:
        """Return the series that a dump was made of."""
        times = array("d", (time / SCALE for time in dump["times"]))
        return cls(dump["width"], dump["step_s"], times, array("H", dump["values"]))


@dataclass(slots=True)
class Closely:
    """What is kept closely of one face.

    Attributes:
        mouth: How far the mouth is open, a column; missing where it could not be seen.
        shown: Smoothed probabilities of the eight expressions in FER+ order, and the quality of the face.
    """

    mouth: Series = field(default_factory=lambda: Series(1, MOUTH_STEP_S))
    shown: Series = field(default_factory=lambda: Series(len(CANONICAL) + 1, FACE_STEP_S))

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"mouth": self.mouth.dump(), "shown": self.shown.dump()}

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Closely:
        """Return what a dump was made of."""
        return cls(Series.load(dump["mouth"]), Series.load(dump["shown"]))


@dataclass(frozen=True, slots=True)
class MouthMeter:
    """Measures how far the mouth of a face is open, from what the specialist reads in every frame.

    Attributes:
        places: Where the blendshapes of `OPENS` stand among those of the specialist's card.
    """

    places: tuple[int, ...]

    @classmethod
    def of(cls, shapes: tuple[str, ...]) -> MouthMeter:
        """Return the meter for the blendshapes of a specialist's card."""
        return cls(tuple(place for place, name in enumerate(shapes) if name in OPENS))

    def opening(self, sample: TrackSample) -> float:
        """Return how far the mouth is open, 0 to 1; NaN where it cannot be seen well enough."""
        if not self.places or not sample.shapes.size or obstacle(sample, infer=False) is not None:
            return float("nan")
        if np.hypot(*(sample.landmarks[1] - sample.landmarks[0])) < LEAST_EYES:
            return float("nan")
        return float(sample.shapes[list(self.places)].mean())
