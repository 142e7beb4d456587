"""The days of one measure: readings that can be compared with each other, put together by the person's own calendar."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.common import Engine
from ferce_agent.report.session import Entry, EntryKind, Measure, Measured

SUMMED: Final[frozenset[Measure]] = frozenset({"words_per_day"})
"""Measures of a whole day, whose readings are added up; of the others the mean counts."""

OF_WORDS: Final[frozenset[Measure]] = frozenset({"word_valence", "words_per_day"})
OF_PROSODY: Final[frozenset[Measure]] = frozenset(
    {"pitch_st", "pitch_spread_st", "level_db", "syllables_per_s", "pause_share"}
)
OF_VOICE: Final[frozenset[Measure]] = frozenset({"voice_arousal"})
OF_EYES: Final[frozenset[Measure]] = frozenset({"blinks_per_minute"})
FACE: Final = "specialist"
"""Name of the engine that reads faces; see `Provenance`."""
EYES: Final = "eyes-"
"""What the names of engines that measure eyes begin with in an entry."""


@dataclass(frozen=True, slots=True)
class DaySeries:
    """The days with readings of one measure, in order; all arrays have the shape (days,).

    Attributes:
        measure: Which.
        kind: What the readings were taken from: photos are not compared with films.
        ordinals: Days as `date.toordinal` has them.
        values: Weighted mean of the readings of each day, or their sum for `SUMMED` measures.
        amounts: How many readings of equal weight would be as certain as those of the day, at least 1.
        readings: How many readings.
        within: Variance of single readings within a day; 0 where no day has two.
        error: Variance of what a single reading may be wrong by.
    """

    measure: Measure
    kind: EntryKind
    ordinals: NDArray[np.int64]
    values: NDArray[np.float64]
    amounts: NDArray[np.float64]
    readings: NDArray[np.int64]
    within: float
    error: float

    def __len__(self) -> int:
        """Return the number of days."""
        return len(self.ordinals)

    def part(self, chosen: NDArray[np.bool_]) -> DaySeries:
        """Return some of the days."""
        return DaySeries(
            self.measure,
            self.kind,
            self.ordinals[chosen],
            self.values[chosen],
            self.amounts[chosen],
            self.readings[chosen],
            self.within,
            self.error,
        )


@dataclass(frozen=True, slots=True)
class Comparable:
    """The readings of a measure that can be compared with the newest one.

    Attributes:
        entries: Those, by time.
        other_kinds: How many were left out as they come from something else, e.g. photos among films.
        other_engines: How many were left out as other models read them.
        other_baselines: How many were left out as they were read against another baseline.
    """

    entries: tuple[Entry, ...]
    other_kinds: int
    other_engines: int
    other_baselines: int


def comparable(entries: Iterable[Entry], measure: Measure) -> Comparable:
    """Return the readings of a measure that mean the same.

    They come from what most days have (film or photo), and were read by the models and against the baseline of the
    newest of them.
    """
    having = sorted((one for one in entries if measure in one.measures), key=lambda one: one.at)
    days: dict[EntryKind, set[date]] = defaultdict(set)
    for one in having:
        days[one.kind].add(one.at.date())
    if not days:
        return Comparable((), 0, 0, 0)
    kind = max(days, key=lambda name: (len(days[name]), name))
    alike = [one for one in having if one.kind == kind]
    same_engines = [one for one in alike if _readers(one, measure) == _readers(alike[-1], measure)]
    follows = measure not in OF_WORDS | OF_PROSODY  # which are measured alike with and without a baseline
    same = [one for one in same_engines if not follows or one.baseline == alike[-1].baseline]
    return Comparable(
        tuple(same), len(having) - len(alike), len(alike) - len(same_engines), len(same_engines) - len(same)
    )


def _readers(entry: Entry, measure: Measure) -> frozenset[Engine]:
    """Return the models that a measure of a reading hangs on."""
    if measure in OF_WORDS or measure in OF_PROSODY:
        return frozenset()
    if measure in OF_EYES:
        return frozenset(one for one in entry.engines if one.name.startswith(EYES))
    if measure in OF_VOICE:
        return frozenset(one for one in entry.engines if one.name != FACE and not one.name.startswith(EYES))
    return frozenset(one for one in entry.engines if one.name == FACE)


def day_series(entries: Sequence[Entry], measure: Measure) -> DaySeries:
    """Return readings by day; there is at least one, and they can be compared (see `comparable`)."""
    days: dict[int, list[Measured]] = defaultdict(list)
    for one in entries:
        days[one.at.date().toordinal()].append(one.measures[measure])
    ordinals = sorted(days)
    joined = [_joined(days[day], summed=measure in SUMMED) for day in ordinals]
    return DaySeries(
        measure,
        Counter(one.kind for one in entries).most_common(1)[0][0],
        np.array(ordinals, np.int64),
        np.array([value for value, _ in joined]),
        np.array([amount for _, amount in joined]),
        np.array([len(days[day]) for day in ordinals], np.int64),
        0.0 if measure in SUMMED else _within(list(days.values())),
        float(np.mean([one.error**2 for day in days.values() for one in day])),
    )


def _joined(readings: Sequence[Measured], *, summed: bool) -> tuple[float, float]:
    """Return the value of a day, and how many readings of equal weight are as certain."""
    values = np.array([one.value for one in readings])
    if summed:
        return float(values.sum()), 1.0
    weights = np.array([one.weight for one in readings])
    if not weights.sum() > 0:
        weights = np.ones(len(readings))
    weights = weights / weights.sum()
    return float(weights @ values), float(1.0 / (weights @ weights))


def _within(days: Sequence[Sequence[Measured]]) -> float:
    """Return the variance of single readings around the mean of their day."""
    several = [np.array([one.value for one in day]) for day in days if len(day) > 1]
    freedom = sum(len(one) - 1 for one in several)
    return float(sum(((one - one.mean()) ** 2).sum() for one in several) / freedom) if freedom else 0.0
