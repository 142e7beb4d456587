"""What many viewers show at the same time, tested: peaks that are none by chance, and two groups that differ.

A peak is tested against the same viewers shifted against each other: each one's record is moved circularly by its own
random time, which keeps how often and how long everybody shows something and removes only what the content aligns. The
largest value of each such shift gives the distribution of the largest by chance, so that a p-value holds for the whole
time at once (maximum statistic: Westfall and Young 1993, "Resampling-based multiple testing").

Two groups are compared by viewers, not by frames: what one viewer shows in one second says much about the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.scenarios.intervals import quantile

SMOOTHED: Final = 3
"""Steps over which records are averaged before peaks are looked for: a smile at something lasts 2 to 4 seconds."""
BRIDGE: Final = 2
"""Steps below the threshold that do not part a peak."""
SHIFTS: Final = (999, 1999)
"""Shifts that are tried: of many viewers or long content, and of less."""
MANY_POINTS: Final = 20_000
"""Viewers times steps from which on it is many."""
LABELLINGS: Final = 4999
"""Ways to part viewers into groups that are tried; all, where there are not more."""
LEAST_SHOWING: Final = 3
"""What fewer viewers ever show is not tested: it cannot peak."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FoundPeak:
    """A stretch in which more viewers show something than by chance.

    Attributes:
        begin: First step.
        end: Step after the last one.
        at: Step in which it is highest.
        p_value: Probability of as high a peak anywhere by chance.
    """

    begin: int
    end: int
    at: int
    p_value: float


def can_peak(rows: Array) -> bool:
    """Return whether enough viewers ever show something; does not depend on when they do.

    Args:
        rows: 1 where a viewer shows it, 0 where not, NaN where that is not known, shape (viewers, steps).
    """
    return int((np.nansum(rows, axis=1) > 0).sum()) >= LEAST_SHOWING


def peaks_of(rows: Array, least: int, *, tests: int = 1, alpha: float = 0.05, seed: int = 0) -> list[FoundPeak]:
    """Return the peaks of what viewers show, in order.

    Args:
        rows: 1 where a viewer shows it, 0 where not, NaN where that is not known, shape (viewers, steps).
        least: In steps with fewer viewers nothing is looked for.
        tests: How many curves are tested in all; p-values are multiplied by it (Bonferroni).
        alpha: Largest p-value of a peak.
        seed: Of the shifts.
    """
    known = ~np.isnan(rows)
    if not can_peak(rows):
        return []
    usual = (np.nansum(rows, axis=1) + 0.5) / (known.sum(axis=1) + 1)
    above = _smoothed(np.where(known, rows - usual[:, None], 0.0))
    doubt = np.where(known, (usual * (1 - usual))[:, None], 0.0)
    parts = np.stack([above, doubt, known.astype(np.float64)], axis=1)
    found = _standing_out(parts.sum(axis=0), least)
    chance = np.sort(_largest_by_chance(parts, least, seed))
    p_values = np.minimum(tests * (1 + len(chance) - np.searchsorted(chance, found - 1e-9)) / (1 + len(chance)), 1.0)
    return [
        FoundPeak(begin, end, at := begin + int(found[begin:end].argmax()), float(p_values[at]))
        for begin, end in _stretches(p_values <= alpha)
    ]


def _smoothed(values: Array) -> Array:
    """Return moving means over `SMOOTHED` steps, shape as given; beyond the ends nothing is above the usual."""
    half = SMOOTHED // 2
    wide = np.pad(values, ((0, 0), (half, half)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(wide, SMOOTHED, axis=1).mean(axis=-1), np.float64)


def _standing_out(sums: Array, least: int) -> Array:
    """Return by how many standard errors more viewers show something than usually, shape (steps,).

    Args:
        sums: Over viewers: how far they are above their usual share, its variance, and how many there are; shape
            (3, steps).
        least: With fewer viewers it is minus infinity.
    """
    above, doubt, count = sums
    values = above / np.sqrt(np.maximum(doubt, 1e-9))
    return np.where(count >= least, values, -np.inf)


def _largest_by_chance(parts: Array, least: int, seed: int) -> Array:
    """Return the largest value of each way to shift the viewers against each other.

    Args:
        parts: Of each viewer what `_standing_out` takes the sums of, shape (viewers, 3, steps).
        least: As there.
        seed: Of the shifts.
    """
    viewers, _, steps = parts.shape
    twice = np.concatenate([parts, parts], axis=2)
    source = np.random.default_rng(seed)
    tried = SHIFTS[0] if viewers * steps > MANY_POINTS else SHIFTS[1]
    tops = np.empty(tried)
    for number, shifts in enumerate(source.integers(0, steps, (tried, viewers)).tolist()):
        sums = np.zeros((3, steps))
        for viewer, shift in enumerate(shifts):
            sums += twice[viewer, :, shift : shift + steps]
        tops[number] = _standing_out(sums, least).max()
    return tops


def _stretches(inside: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the stretches that are inside; shorter breaks than `BRIDGE` do not part them."""
    places = np.flatnonzero(inside)
    if not len(places):
        return
    breaks = np.flatnonzero(np.diff(places) > BRIDGE)
    for begin, end in zip([0, *(breaks + 1)], [*breaks, len(places) - 1], strict=True):
        yield int(places[begin]), int(places[end]) + 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two groups differ in the mean of one share of each viewer.

    Attributes:
        difference: First less second.
        low: Lower end of its interval.
        high: Upper end.
        p_value: Share of the ways to part the viewers in which they differ as much.
    """

    difference: float
    low: float
    high: float
    p_value: float


def compare(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> Comparison:
    """Return how two groups of viewers differ.

    The p-value is that of a permutation test of Welch's t over viewers, which holds for groups of other sizes and
    spreads, too (Janssen 1997, "Studentized permutation tests for non-i.i.d. hypotheses").

    Args:
        first: A share of each viewer, 0..1; at least two.
        second: The same of the other group.
        seed: Of the ways that are tried, where there are too many for all.
    """
    both = np.array([*first, *second], np.float64)
    masks = np.array(list(_labellings(len(first), len(both), seed)), np.bool_)
    values = np.abs(_welch(both, masks))
    p_value = float((values >= values[0] - 1e-9).mean())
    difference, half = float(both[masks[0]].mean() - both[~masks[0]].mean()), _half_width(first, second)
    return Comparison(difference, max(difference - half, -1.0), min(difference + half, 1.0), p_value)


def _half_width(first: Sequence[float], second: Sequence[float]) -> float:
    """Return half of Welch's interval of the difference of two means."""
    parts = [max(float(np.var(one, ddof=1)), 1e-9) / len(one) for one in (first, second)]
    degrees = sum(parts) ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, (first, second), strict=True))
    return quantile(degrees) * sqrt(sum(parts))


def _labellings(count: int, of: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield ways to choose the first group, the real one first: all, or as many as are tried."""
    places = np.arange(of)
    if comb(of, count) <= LABELLINGS + 1:
        for chosen in combinations(range(of), count):  # the real one is the first of these
            yield np.isin(places, chosen)
        return
    yield places < count
    source = np.random.default_rng(seed)
    for _ in range(LABELLINGS):
        yield source.permutation(of) < count


def _welch(values: Array, masks: NDArray[np.bool_]) -> Array:
    """Return Welch's t of each way to part the values, shape as the first axis of `masks`."""
    of_first, of_second = masks.sum(1), (~masks).sum(1)
    means = masks @ values / of_first, ~masks @ values / of_second
    squares = masks @ values**2 / of_first, ~masks @ values**2 / of_second
    error = (squares[0] - means[0] ** 2) / (of_first - 1) + (squares[1] - means[1] ** 2) / (of_second - 1)
    return np.asarray((means[0] - means[1]) / np.sqrt(np.maximum(error, 1e-12)), np.float64)


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return p-values of several tests corrected for their number (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        found[place] = largest
    return found
