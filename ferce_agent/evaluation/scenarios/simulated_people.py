"""Simulated people over days: readings with known variance within and between days, inertia, gaps and rhythms.

The structure is the three-level model of intensive longitudinal data (de Haan-Rietdijk, Kuppens and Hamaker 2016,
"What's in a day?", Frontiers in Psychology 7:891): readings within days within a person, with a day-to-day
autoregression. The sizes are own choices and fields of `SimulatedPerson`, so that a benchmark can show what hangs on
them. One standard deviation is that of single readings of the person without a shift, unless a `Shift` says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report.session import ConsentRecord, Entry, Measure, Measured

MONDAY: Final = date(2026, 1, 5)
"""First day of simulated lives."""
USUAL: Final[Mapping[Measure, tuple[float, float]]] = {
    "valence": (0.15, 0.20),
    "arousal": (0.10, 0.15),
    "expressivity": (0.08, 0.03),
    "pitch_st": (14.0, 1.5),
    "level_db": (-28.0, 3.0),
    "syllables_per_s": (4.0, 0.6),
    "pause_share": (0.18, 0.06),
    "word_valence": (0.05, 0.25),
}
"""Mean and standard deviation of single readings of each measure. Own choice: magnitudes as in readings of films."""
FIRST_HOUR: Final = 8
LAST_HOUR: Final = 22
"""Readings are made from `FIRST_HOUR` to before `LAST_HOUR`, all hours alike."""
ERROR_SHARE: Final = 0.2
"""Share of the variance within a day that is error of the measurement. Own choice."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A lasting change that is planted.

    Attributes:
        day: Number of the first day with it, from 0.
        sizes: By how many standard deviations each measure moves; others do not.
        of: Whether these are standard deviations of single readings, or of the means of days.
        ramp_days: Over how many days it grows to its full size; 0 for at once.
    """

    day: int
    sizes: Mapping[Measure, float]
    of: Literal["readings", "days"] = "readings"
    ramp_days: int = 0


@dataclass(frozen=True, slots=True)
class SimulatedPerson:
    """How somebody's readings vary. Shares are shares of the variance of single readings.

    Attributes:
        days: How many days.
        readings_a_day: Mean number of readings on a day with any (1 and a Poisson number more).
        missing: Share of the days without a reading.
        missing_run: Mean length of a run of such days.
        day_share: What differs from day to day. Own choice: a quarter, so that moments differ more than days.
        inertia: Correlation of one day with the next, of what differs from day to day. Own choice: 0.3.
        weekday_share: What depends on the weekday.
        hour_share: What depends on the hour: one wave a day.
        common: Correlation of the measures with each other, within and between days.
        usual: Mean and standard deviation of single readings of each measure.
        first: First day; a Monday, so that weeks are whole.
        offset_hours: Offset of the person's clock from UTC.
    """

    days: int = 120
    readings_a_day: float = 4.0
    missing: float = 0.15
    missing_run: float = 2.0
    day_share: float = 0.25
    inertia: float = 0.3
    weekday_share: float = 0.03
    hour_share: float = 0.03
    common: float = 0.3
    usual: Mapping[Measure, tuple[float, float]] = field(default_factory=lambda: dict(USUAL))
    first: date = MONDAY
    offset_hours: float = 1.0

    @property
    def day_spread(self) -> float:
        """Standard deviation of the means of days, in standard deviations of single readings, without weekdays."""
        more = self.readings_a_day - 1.0  # mean of a Poisson number; the mean of 1 / (1 + it) is known
        inverse = (1.0 - math.exp(-more)) / more if more > 0 else 1.0
        return math.sqrt(self.day_share + self.moment_share * inverse)

    @property
    def moment_share(self) -> float:
        """Share of the variance that differs from moment to moment within a day."""
        return max(1.0 - self.day_share - self.weekday_share - self.hour_share, 0.0)


def simulated_entries(person: SimulatedPerson, seed: int, shift: Shift | None = None) -> tuple[Entry, ...]:
    """Return the readings of a simulated life by time; the same for the same arguments.

    Args:
        person: How the readings vary.
        seed: Seed of all that is random.
        shift: A change that is planted; it changes nothing else, so that lives with and without it can be compared.
    """
    source = np.random.default_rng(seed)
    names = tuple(person.usual)
    counts = _counts(person, source)
    day_of = np.repeat(np.arange(person.days), counts)
    hours = source.uniform(FIRST_HOUR, LAST_HOUR, len(day_of))
    hours = hours[np.lexsort((hours, day_of))]
    values = _standard(person, day_of, hours, source) + _planted(person, names, day_of, shift)
    return tuple(
        _entry(person, f"simulated-{seed}-{number}", (int(day_of[number]), float(hours[number])), values[number])
        for number in range(len(day_of))
    )


def simulated_consent(person: SimulatedPerson) -> ConsentRecord:
    """Return a consent to the readings of a simulated person."""
    return ConsentRecord(
        given_at=datetime.combine(person.first, time(), UTC),
        purpose="see whether something changes",
        readers=("self", "clinician"),
        kinds=("photo", "clip", "voice", "chat"),
        keep_days=3660,
    )


def _counts(person: SimulatedPerson, source: np.random.Generator) -> NDArray[np.int64]:
    """Return how many readings each day has: gaps come in runs (a Markov chain of two states)."""
    more = source.poisson(max(person.readings_a_day - 1.0, 0.0), person.days) + 1
    draws = source.uniform(size=person.days)
    ends = 1.0 / max(person.missing_run, 1.0)
    begins = min(ends * person.missing / max(1.0 - person.missing, 1e-9), 1.0)
    away = False
    for day in range(person.days):
        chance = person.missing if day == 0 else (1.0 - ends if away else begins)
        away = bool(draws[day] < chance)
        if away:
            more[day] = 0
    return more


def _standard(
    person: SimulatedPerson, day_of: NDArray[np.int64], hours: NDArray[np.float64], source: np.random.Generator
) -> NDArray[np.float64]:
    """Return readings with mean 0 and variance 1, shape (readings, measures)."""
    width = len(person.usual)
    steps = _together(source, person.days, width, person.common)
    days = np.empty_like(steps)
    keep = math.sqrt(1.0 - person.inertia**2)
    for day in range(person.days):
        days[day] = steps[day] if day == 0 else person.inertia * days[day - 1] + keep * steps[day]
    weekdays = source.standard_normal((7, width))
    weekdays = (weekdays - weekdays.mean(0)) / weekdays.std(0)
    phase = source.uniform(0, 2 * math.pi, width)
    wave = math.sqrt(2) * np.sin(2 * math.pi * (hours[:, None] - FIRST_HOUR) / (LAST_HOUR - FIRST_HOUR) + phase)
    weekday_of = (day_of + person.first.weekday()) % 7
    moments = _together(source, len(day_of), width, person.common)
    standard: NDArray[np.float64] = (
        math.sqrt(person.day_share) * days[day_of]
        + math.sqrt(person.weekday_share) * weekdays[weekday_of]
        + math.sqrt(person.hour_share) * wave
        + math.sqrt(person.moment_share) * moments
    )
    return standard


def _together(source: np.random.Generator, rows: int, width: int, common: float) -> NDArray[np.float64]:
    """Return normal numbers of variance 1 whose columns are correlated by `common`."""
    shared = source.standard_normal((rows, 1))
    own = source.standard_normal((rows, width))
    return math.sqrt(common) * shared + math.sqrt(1.0 - common) * own


def _planted(
    person: SimulatedPerson, names: tuple[Measure, ...], day_of: NDArray[np.int64], shift: Shift | None
) -> NDArray[np.float64]:
    if shift is None:
        return np.zeros((len(day_of), len(names)))
    unit = person.day_spread if shift.of == "days" else 1.0
    sizes = np.array([shift.sizes.get(name, 0.0) for name in names]) * unit
    grown = np.clip((day_of - shift.day + 1) / max(shift.ramp_days, 1), 0.0, 1.0)
    return np.outer(grown, sizes)


def _entry(person: SimulatedPerson, id_: str, when: tuple[int, float], values: NDArray[np.float64]) -> Entry:
    day, hour = when
    zone = timezone(timedelta(hours=person.offset_hours))
    at = datetime.combine(person.first + timedelta(days=day), time(), zone)
    error = math.sqrt(ERROR_SHARE * person.moment_share)
    measures: dict[Measure, Measured] = {
        name: Measured(value=mean + spread * float(value), error=spread * error, weight=20.0)
        for (name, (mean, spread)), value in zip(person.usual.items(), values, strict=True)
    }
    return Entry(id=id_, at=at + timedelta(seconds=round(3600 * hour)), kind="clip", seconds=20.0, measures=measures)
