"""A person's calm face in numbers: estimated from readings in which most are calm, and what is read against it.

Nothing here reads a picture. Readings come as logarithms of probabilities, intensities and angles; a `Baseline` holds
robust means of them with their errors, and `Rest` corrects later readings by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report.baseline import (
    VOICE_DOUBTS,
    Baseline,
    BaselineSource,
    BaselineUse,
    Change,
    HeadMeasure,
    Level,
)
from ferce_agent.temporal.typical_rest import FLOOR, TypicalRest, typical_rest

FAR: Final = 3.5
"""A reading with a number further than so many robust standard deviations from the median is not of the calm face."""
BENDS: Final = 1.5
"""Beyond so many standard deviations a reading counts no more for the mean than one that lies there (Huber 1964)."""
ROUNDS: Final = 3
"""How often readings that are not of the calm face are left out and the middle is looked for anew."""
LEAST_SPREAD: Final = {"odds": 0.3, "movements": 0.03, "head": 2.0}
"""Smallest standard deviation of single readings: of log-probabilities, intensities, degrees. An assumption."""
SITTING: Final = {"odds": 0.3, "movements": 0.03, "head": 3.0}
"""How far the calm face of one sitting lies from that of other days: standard deviation. An assumption."""
UNTOLD: Final = "It was made with doubts of its own."
"""What is told of doubts where they may not be told, since they may name expressions."""
CALM_SHARE: Final = 0.7
"""Where a smaller share of the readings is calm, that is told as a doubt."""
SHOWN: Final = 0.5
"""From this probability on a calm face may be a shown expression."""
SURELY_SHOWN: Final = 0.9
"""The same for anger and sadness, which a calm face with low brows or mouth corners is often read as."""
LEAST_FILM: Final = 10
"""Readable frames that a film needs."""
LEAST_FILM_S: Final = 1.0
"""Shortest length of film that can be asked for, in seconds."""
LEAST_PHOTOS: Final = 3
"""Fewer photos are told as a doubt."""
ODD: Final = 1.5
"""A rest further from the usual one than so many standard deviations between people is followed only up to there: what
was taken as calm is then rather a shown expression. An assumption."""
LEAST: Final = 3e-4
"""No expression is told as less probable; as `ferce_agent.reasoning.expression.LEAST_SHARE`."""
ROOM: Final = 4.0
"""How far, in log-odds, what a person shows lies above the calm face: evenly up to this. An assumption."""
AT_REST: Final = (0.5, 0.06)
"""Root mean square of the movements' distances from rest, in standard deviations of a reading and of the baseline
together, at which a face is as probably calm as not; and how soon that changes around it.

Chosen on generated people of FER+'s validation split (`ferce_agent.evaluation.scenarios.baselines`): calm pictures lie
below 0.57 in 95 of 100 cases, acted anger above 0.49 with three photos, 0.65 with eight."""
LEAST_MOVEMENTS: Final = 6
"""With fewer movements than this, what is shown beyond the rest is judged by the probabilities alone."""
CALM_BEFORE: Final = 0.5
"""Probability, before anything is read, that a face is calm. An assumption."""

Array = NDArray[np.float64]
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class CalmReading:
    """One reading of a face that is to be calm.

    Attributes:
        odds: Logarithms of the probabilities in FER+ order, without a flattened prior, shape (8,); None where no
            expression may be read.
        movements: Intensities of the action units that could be seen, 0..1, by id.
        head: Yaw, pitch and roll in degrees; how wide the eyes are open.
    """

    odds: Array | None
    movements: Mapping[str, float]
    head: Mapping[HeadMeasure, float]


@dataclass(frozen=True, slots=True)
class Origin:
    """What readings were made of, for `estimate`.

    Attributes:
        id: Of the baseline; random.
        made_at: When, in UTC.
        sources: What they were made of.
        seconds: How much film they come from; 0 for photos, whose readings do not follow one another.
        specialist: Digest of the weights that read the face.
    """

    id: str
    made_at: datetime
    sources: tuple[BaselineSource, ...]
    seconds: float
    specialist: str


def without_flattening(shares: Array, taken_off: Array) -> Array:
    """Return logarithms of probabilities as they would be without a flattened prior, none below `FLOOR`, shape (8,).

    Args:
        shares: Probabilities in FER+ order, shape (8,).
        taken_off: What was taken off their logarithms: the setting `flatten` times the logarithm of the prior, (8,).
    """
    odds = np.log(np.maximum(shares, 1e-9)) + taken_off
    odds -= np.logaddexp.reduce(odds)
    return np.asarray(np.maximum(odds, FLOOR), np.float64)


def estimate(readings: Sequence[CalmReading], origin: Origin) -> Baseline:
    """Return the baseline of a person from readings of which most are calm, in the order of their times.

    Readings far from the middle (a smile, a blink) are left out. Neighbouring frames of a film are alike, so they count
    as fewer readings: n (1 - r) / (1 + r) with their autocorrelation r.

    Raises:
        DataError: There are too few readings.
    """
    _check_enough(len(readings), origin)
    odds = [one.odds for one in readings if one.odds is not None]
    inferred = np.array(odds) if len(odds) == len(readings) else None
    units = _table([one.movements for one in readings])
    judged = inferred if inferred is not None else np.array(list(units.values())).T
    calm = _calm(judged, LEAST_SPREAD["odds" if inferred is not None else "movements"])
    count = _effective(judged[calm]) if origin.seconds > 0 else float(calm.sum())
    known = None
    if inferred is not None:
        known = {name: _level(inferred[calm, at], count, "odds") for at, name in enumerate(CANONICAL)}
    heads = _table([one.head for one in readings])
    return Baseline(
        id=origin.id,
        made_at=origin.made_at,
        sources=origin.sources,
        readings=int(calm.sum()),
        seconds=round(origin.seconds, 3),
        specialist=origin.specialist,
        odds=known,
        movements={unit: _level(seen[calm], count, "movements") for unit, seen in units.items() if _seen(seen[calm])},
        head={
            name: _level(seen[calm], count, "movements" if name == "eyes_open" else "head")
            for name, seen in heads.items()
            if _seen(seen[calm])
        },
        voice={},
        doubts=tuple(_doubts(known, calm, origin)),
    )


def _check_enough(count: int, origin: Origin) -> None:
    if not count:
        raise DataError(
            "No face that can be read was found.", hint="Give photos or a clip of one face, seen from the front."
        )
    if origin.seconds > 0 and count < LEAST_FILM:
        raise DataError(
            f"The face could be read in {count} frames only; a baseline needs {LEAST_FILM}.",
            hint="Give a longer clip, or a few photos, with the face calm and nothing before it.",
        )


def _table(rows: Sequence[Mapping[Name, float]]) -> dict[Name, Array]:
    """Return the values of each name over all rows, shape (N,); NaN where one is missing."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, np.nan) for row in rows], np.float64) for name in names}


def _seen(values: Array) -> bool:
    return bool(np.isfinite(values).any())


def _middle(values: Array, least: float) -> tuple[Array, Array]:
    """Return the medians of columns and their robust standard deviations."""
    middle = np.nanmedian(values, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(values - middle), axis=0)
    return middle, np.maximum(np.nan_to_num(spread), least)


def _calm(values: Array, least: float) -> NDArray[np.bool_]:
    """Return which rows belong to the majority that is alike, shape (N,); columns that were never seen do not count."""
    seen = values[:, np.isfinite(values).any(0)] if values.ndim == 2 else np.zeros((len(values), 0))
    calm = np.ones(len(values), np.bool_)
    for _ in range(ROUNDS if seen.shape[1] else 0):
        middle, spread = _middle(seen[calm], least)
        far = np.nan_to_num(np.abs(seen - middle) / spread).max(1)
        # A column without a single value left in the calm rows has no middle: those rows stay.
        found = np.asarray(far <= FAR, np.bool_)
        if not found.any() or (found == calm).all():
            break
        calm = found
    return calm


def _effective(values: Array) -> float:
    """Return as how many independent readings rows count, by the mean autocorrelation of neighbouring ones."""
    whole = values[:, np.isfinite(values).all(0)]
    moved = whole - whole.mean(0)
    power = (moved**2).sum()
    if len(whole) < 3 or power <= 0:
        return 1.0
    alike = float(np.clip((moved[1:] * moved[:-1]).sum() / power, 0.0, 0.999))
    return max(len(whole) * (1 - alike) / (1 + alike), 1.0)


def _level(values: Array, count: float, kind: str) -> Level:
    """Return the level of the values that were seen: a Huber mean after one step from the median."""
    seen = values[np.isfinite(values)]
    middle, spread = _middle(seen[:, None], LEAST_SPREAD[kind])
    bent = np.clip(seen, middle - BENDS * spread, middle + BENDS * spread)
    single = max(float(seen.std(ddof=1)) if len(seen) > 1 else 0.0, LEAST_SPREAD[kind])
    if len(seen) < LEAST_PHOTOS:
        single *= 2  # one or two readings do not show how far single ones lie apart
    error = float(np.hypot(single / np.sqrt(max(min(count, len(seen)), 1.0)), SITTING[kind]))
    return Level(value=round(float(bent.mean()), 4), spread=round(single, 4), error=round(error, 4))


def _doubts(odds: Mapping[Canonical, Level] | None, calm: NDArray[np.bool_], origin: Origin) -> list[str]:
    found = []
    if origin.seconds == 0 and calm.sum() < LEAST_PHOTOS:
        found.append("It rests on one or two photos: how the calm face varies is not known.")
    if calm.mean() < CALM_SHARE:
        found.append(f"Only {calm.mean():.0%} of the readings are alike: the face was not calm most of the time.")
    for name, level in (odds or {}).items():
        least = SURELY_SHOWN if name in ("anger", "sadness") else SHOWN
        if name != "neutral" and np.exp(level.value) >= least:
            found.append(
                f"The face that was taken as calm is read as {name}: whether it rests like that or shows {name} "
                "cannot be told from these pictures."
            )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """A baseline, ready to correct readings that were made with one setting of `flatten`.

    Attributes:
        baseline: The person's.
        weight: How far it is followed, 0..1: the share of the variance between people in that variance and its error.
        shift: How far the logarithm of each probability at rest is above that of a usual calm face, times `weight`.
        level: Log-odds at rest, with the flattened prior, shape (8,).
        spread: Standard deviation of single calm readings around them, shape (8,).
        error: Standard deviation of what is wrong with `shift`.
    """

    baseline: Baseline
    weight: float
    shift: Array
    level: Array
    spread: Array
    error: float

    @classmethod
    def of(cls, baseline: Baseline, taken_off: Array, typical: TypicalRest | None = None) -> Rest:
        """Return it for a baseline.

        Args:
            baseline: The person's.
            taken_off: What is taken off the logarithms of the probabilities that come; see `without_flattening`.
            typical: How calm faces usually are; what comes with the package, if left out.
        """
        usual = typical or typical_rest()
        if baseline.odds is None:
            known = [
                (level.error, usual.movements.get(unit, (0.0, 0.1))[1]) for unit, level in baseline.movements.items()
            ]
            weight = _weight(np.array([one[0] for one in known]), np.array([one[1] for one in known]))
            nothing = np.zeros(len(CANONICAL))
            return cls(baseline, weight, nothing, nothing, nothing + 1, 0.0)
        levels = [baseline.odds[name] for name in CANONICAL if name in baseline.odds]
        if len(levels) != len(CANONICAL):
            raise DataError("This baseline lacks expressions.", hint="Make it again.")
        odds = np.array([level.value for level in levels])
        errors, spreads = np.array([level.error for level in levels]), np.array([level.spread for level in levels])
        weight = _weight(errors, usual.odds_spread)
        flattened = odds - taken_off
        shares = np.exp(flattened - np.logaddexp.reduce(flattened))
        return cls(
            baseline,
            weight,
            weight * np.clip(odds - usual.odds, -ODD * usual.odds_spread, ODD * usual.odds_spread),
            log_odds(shares),
            spreads,
            weight * float(np.sqrt((errors**2).mean())),
        )

    def correct(self, shares: Array, movements: Mapping[str, float] = MappingProxyType({})) -> Array:
        """Return probabilities read against the person's rest, shape (8,); never surer than they were.

        An expression that the calm face shows, too, loses what it has at rest more than usual calm faces: its
        logarithm is lowered by `shift`, as far as the calm face explains what is read: as far as its movements are
        those of the rest (`at_rest`), or without them by the probabilities (`explained`). What the face shows beyond
        its rest is left as it is. The error of the baseline widens the result; and where its largest
        probability would be larger than before, it is flattened until it is not: a baseline is no new evidence.

        Args:
            shares: Calibrated probabilities in FER+ order, summing to one, shape (8,).
            movements: Intensities of the action units of the same face, as far as they can be seen.
        """
        at_rest = self.at_rest(movements)
        explained = self.explained(shares) if at_rest is None else at_rest
        # As a report tells them: nothing is impossible there.
        told = np.maximum(shares, LEAST) / np.maximum(shares, LEAST).sum()
        odds = np.log(told) - explained * self.shift
        # A mean over a logistic curve whose place is uncertain is that of a flatter one (MacKay 1992).
        odds = odds / np.sqrt(1 + np.pi / 8 * self.error**2)
        return not_surer(odds, float(told.max()))

    def at_rest(self, movements: Mapping[str, float]) -> float | None:
        """Return how probable it is that the face is calm by its movements; None where too few of them are known."""
        levels = self.baseline.movements
        far = [
            (value - levels[unit].value) / np.hypot(levels[unit].spread, levels[unit].error)
            for unit, value in movements.items()
            if unit in levels and np.isfinite(value)
        ]
        if len(far) < LEAST_MOVEMENTS:
            return None
        middle, width = AT_REST
        beyond = (float(np.sqrt(np.mean(np.square(far)))) - middle) / width
        return float(1 / (1 + np.exp(min(beyond, 50.0))))

    def explained(self, shares: Array) -> Array:
        """Return how probable it is that each expression is read as it is because the person rests so, shape (8,).

        Calm readings are distributed normally around the rest; shown ones evenly over `ROOM` beyond it. Scaled to be 1
        for what does not go beyond the rest.
        """
        beyond = np.sign(self.shift) * (log_odds(shares) - self.level)
        far = np.maximum(beyond, 0.0) / self.spread
        least = CALM_BEFORE / (self.spread * np.sqrt(2 * np.pi))
        calm, shown = least * np.exp(-(far**2) / 2), (1 - CALM_BEFORE) / ROOM
        return np.asarray(calm / (calm + shown) * (least + shown) / least, np.float64)

    def use(self) -> BaselineUse:
        """Return the report's account of the baseline."""
        made = self.baseline
        return BaselineUse(
            id=made.id,
            sources=made.sources,
            readings=made.readings,
            seconds=made.seconds,
            weight=round(self.weight, 4),
            doubts=tuple(one for one in made.doubts if one not in VOICE_DOUBTS),
        )


def without_expressions(use: BaselineUse) -> BaselineUse:
    """Return the account as it may be told where no expression may be inferred: doubts may name what a face shows."""
    return use.model_copy(update={"doubts": (UNTOLD,) if use.doubts else ()})


def usual_shares(rest: Rest) -> Array | None:
    """Return the probabilities of the calm face without the baseline, shape (8,); None where none may be read."""
    if rest.baseline.odds is None:
        return None
    shares = 1 / (1 + np.exp(-rest.level))
    return np.asarray(shares / shares.sum(), np.float64)


def log_odds(shares: Array) -> Array:
    """Return log-odds of probabilities that are first kept 0.0003 away from 0 and 1."""
    kept = np.clip(shares, LEAST, 1 - LEAST)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)


def _weight(errors: Array, spreads: Array) -> float:
    own, between = (
        float((errors**2).mean()) if len(errors) else 1.0,
        float((spreads**2).mean()) if len(spreads) else 0.0,
    )
    return between / (between + own) if between + own > 0 else 0.0


def not_surer(odds: Array, most: float) -> Array:
    """Return the probabilities of logarithms, flattened as far as needed for the largest to be `most` at most.

    Args:
        odds: Not normalised, shape (8,).
        most: At least an eighth.
    """

    def flattened(exponent: float) -> Array:
        scaled = exponent * (odds - odds.max())
        return np.asarray(np.exp(scaled - np.logaddexp.reduce(scaled)), np.float64)

    low, high = 0.0, 1.0
    if flattened(1.0).max() <= most:
        return flattened(1.0)
    for _ in range(40):
        half = (low + high) / 2
        low, high = (low, half) if flattened(half).max() > most else (half, high)
    return flattened(low)


def change(value: float, level: Level, readings: float = 1.0) -> Change:
    """Return how far a number is from what is usual for the person.

    Args:
        value: The number.
        level: The usual one.
        readings: As how many independent readings the number counts.
    """
    error = float(np.hypot(level.spread / np.sqrt(max(readings, 1.0)), level.error))
    return Change(value=round(value - level.value, 4), error=round(error, 4), usual=level.value)


def changes(values: Mapping[Name, float], levels: Mapping[Name, Level], readings: float = 1.0) -> dict[Name, Change]:
    """Return the change of each number that is known here and in the baseline; see `change`."""
    return {name: change(value, levels[name], readings) for name, value in values.items() if name in levels}
