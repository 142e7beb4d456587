"""A face over the whole clip in a few numbers: what was named how long, mean valence and arousal, how much it moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.points import CLASSES, weights
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.temporal.filtering import from_plain, plain

LONGEST_STEP_S: Final = 1.5
"""Two readings that are further apart say nothing about the time between them; folders may have a picture a second."""
MOVED_S: Final = 0.2
"""Movements are compared over this time, so that the rate does not follow the number of frames a second."""
LEAST_S: Final = 1.0
"""Seconds for which a face must be read before it is called calm or lively."""
CALM: Final = 0.06
"""Below this `Totals.movement_rate` a face is calm; a still portrait that is moved about has less than 0.05."""
LIVELY: Final = 0.2
"""From this `Totals.movement_rate` on a face is lively. Both bounds are our own convention."""

Array = NDArray[np.float64]
Liveliness = Literal["calm", "moderate", "lively"]


@dataclass(slots=True)
class Totals:
    """Sums over the smoothed readings of one face.

    Attributes:
        readable_s: How long its expression could be read; where none may be, how long its movements could.
        moved_s: How long its movements could be read.
        moved: Sum over time of the mean change of the movements that could be seen.
        named_s: Seconds in which each expression was the one named, in FER+ order.
        valence: Sum of valence times seconds.
        arousal: The same.
    """

    readable_s: float = 0.0
    moved_s: float = 0.0
    moved: float = 0.0
    named_s: list[float] = field(default_factory=lambda: [0.0] * CLASSES)
    valence: float = 0.0
    arousal: float = 0.0
    _last: Array | None = None
    _compared: Array | None = None

    def push(self, times: Array, shares: Array, units: Array, named: NDArray[np.intp]) -> None:
        """Take the next smoothed readings.

        Args:
            times: Seconds of the film, growing, shape (N,).
            shares: Probabilities in FER+ order, shape (N, 8); NaN where they could not be read.
            units: Intensities of the action units, shape (N, U); NaN where they could not be seen.
            named: Place of the expression that is named, -1 for none, shape (N,).
        """
        self._move(np.column_stack([times, units]))
        rows = np.column_stack([times, shares])
        if self._last is not None:
            rows = np.vstack([self._last, rows])
        self._last = rows[-1]
        if len(rows) < 2:
            return
        steps = np.diff(rows[:, 0])
        steps = np.where((steps > 0) & (steps <= LONGEST_STEP_S), steps, 0.0)
        self._express(steps, rows[:, 1:], named[len(named) - len(steps) :])

    def _express(self, steps: Array, shares: Array, named: NDArray[np.intp]) -> None:
        read = np.asarray(~np.isnan(shares).any(1), np.bool_)
        seconds = np.where(read[1:] & read[:-1], steps, 0.0)
        self.readable_s += float(seconds.sum())
        now = np.nan_to_num(shares[1:])
        self.valence += float(seconds @ (now @ weights("valence")))
        self.arousal += float(seconds @ (now @ weights("arousal")))
        for place in set(named[seconds > 0].tolist()) - {-1}:
            self.named_s[place] += float(seconds[named == place].sum())

    def _move(self, rows: Array) -> None:
        """Compare the movements with those of `MOVED_S` before; rows are (time, units)."""
        before = rows[0] if self._compared is None else self._compared
        while (place := int(np.searchsorted(rows[:, 0], before[0] + MOVED_S - 1e-6))) < len(rows):
            now = rows[place]
            change, step = np.abs(now[1:] - before[1:]), float(now[0] - before[0])
            seen = ~np.isnan(change)
            if seen.any() and step <= LONGEST_STEP_S:
                self.moved += float(change[seen].mean())
                self.moved_s += step
            before = now
        self._compared = before

    @property
    def movement_rate(self) -> float:
        """Mean change of the movements a second, in intensities; 0 where nothing was read."""
        return self.moved / self.moved_s if self.moved_s > 0 else 0.0

    @property
    def liveliness(self) -> Liveliness | None:
        """How much the face moves, in a word; None where it was read for under a second."""
        if self.moved_s < LEAST_S:
            return None
        return "calm" if self.movement_rate < CALM else "lively" if self.movement_rate >= LIVELY else "moderate"

    @property
    def shares(self) -> dict[str, float]:
        """Share of the readable time in which each expression was the one named, largest first."""
        if self.readable_s <= 0:
            return {}
        found = {name: min(s / self.readable_s, 1.0) for name, s in zip(CANONICAL, self.named_s, strict=True) if s > 0}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "readable_s": self.readable_s,
            "moved_s": self.moved_s,
            "moved": self.moved,
            "named_s": list(self.named_s),
            "valence": self.valence,
            "arousal": self.arousal,
            "_last": None if self._last is None else plain(self._last),
            "_compared": None if self._compared is None else plain(self._compared),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Totals:
        """Return the sums that a dump was made of."""
        rows = {name: dump[name] for name in ("_last", "_compared")}
        return cls(**{**dump, **{name: None if row is None else from_plain(row) for name, row in rows.items()}})
