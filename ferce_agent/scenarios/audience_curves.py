"""Which shares of viewers may be told, and the curves of them: at least five viewers in every step and every group.

Where viewers are parted into groups, a step is told only if each of them has five viewers there or none: else the
values of a small group could be had by subtracting the others from all. A step that is not told counts in no mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.scenario import Curve, CurvePoint
from ferce_agent.scenarios.intervals import wilson

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """Viewers whose shares are told together: all, or those of one group.

    Attributes:
        key: Beginning of the ids of its numbers after the measure's; empty for all.
        name: Name of the group; empty for all.
        rows: Where of all viewers they stand.
    """

    key: str
    name: str
    rows: NDArray[np.intp]

    @property
    def of(self) -> str:
        """What is added to a name."""
        return f" ({self.name})" if self.name else ""


def parts_of(
    groups: Sequence[str | None], keys: Mapping[str, str], least: int
) -> tuple[Part, list[Part], list[NDArray[np.intp]]]:
    """Return all viewers, the groups that are told, and the rows of all that must not be told apart by subtraction.

    There are no groups where one of them, or who is in none, is too few.

    Args:
        groups: The group of each viewer.
        keys: What the groups are called in ids.
        least: Least viewers.
    """
    everybody = Part("", "", np.arange(len(groups)))
    names = sorted({one for one in groups if one is not None})
    places = {one: np.flatnonzero([group == one for group in groups]) for one in (None, *names)}
    if len(names) < 2 or any(0 < len(one) < least for one in places.values()):
        return everybody, [], [everybody.rows]
    return everybody, [Part(f".{keys[name]}", name, places[name]) for name in names], list(places.values())


def told_steps(known: NDArray[np.bool_], groups: Sequence[NDArray[np.intp]], least: int) -> NDArray[np.bool_]:
    """Return in which steps shares may be told of every group.

    Args:
        known: Which viewers were read in which step, shape (viewers, steps).
        groups: Who is in which part, everybody in one.
        least: Least viewers.
    """
    counts = np.array([known[rows].sum(0) for rows in groups])
    return np.asarray(((counts == 0) | (counts >= least)).all(0) & (counts >= least).any(0), np.bool_)


def hidden(rows: Array, told: NDArray[np.bool_]) -> Array:
    """Return records with what is not told left out as not known."""
    return np.where(told[None, :], rows, np.nan)


def curve_of(id_: str, name: str, rows: Array, least: int, step_s: float) -> Curve:
    """Return the share of viewers in each step, with Wilson's interval.

    Args:
        id_: Of the curve.
        name: Of the curve.
        rows: Records of the viewers, `hidden` where nothing may be told, shape (viewers, steps).
        least: Least viewers.
        step_s: Length of a step.
    """
    counts, showing = (~np.isnan(rows)).sum(0).tolist(), np.nansum(rows, axis=0).tolist()
    points = []
    for place, (count, shown) in enumerate(zip(counts, showing, strict=True)):
        at = round(place * step_s, 3)
        if count < least:
            points.append(CurvePoint(at=at, value=None, low=None, high=None, people=0))
            continue
        low, high = wilson(shown / count, count)
        value = round(shown / count, 4)
        points.append(
            CurvePoint(at=at, value=value, low=min(round(low, 4), value), high=max(round(high, 4), value), people=count)
        )
    return Curve(id=id_, name=name, unit="share", axis="seconds", points=tuple(points))


def means_of(rows: Array) -> tuple[list[float], list[float]]:
    """Return of each viewer who was read in a step that is told the share of such steps with it, and their number."""
    known = (~np.isnan(rows)).sum(1)
    seen = known > 0
    shares = np.nansum(rows[seen], axis=1) / known[seen]
    return shares.tolist(), known[seen].astype(float).tolist()
