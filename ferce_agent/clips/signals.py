"""The channels of a face that are followed over time: log-odds of the expressions, and movements, with their errors.

Expressions are followed as log-odds: there a face that goes from calm to an expression changes evenly, where the
probability leaves 0 late and reaches 1 early, and the error of a reading is about the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isnan
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.readable import covering
from ferce_agent.clips.samples import TrackSample
from ferce_agent.faces.orientation import TILTED
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.pipeline import TURNED
from ferce_agent.reasoning.expression import CARRIED, COVERED_CERTAIN, LEAST_QUALITY, LEAST_SHARE
from ferce_agent.report import REGIONS, Region
from ferce_agent.specialist.runner import SpecialistCard
from ferce_agent.temporal.episodes import EpisodeRule, FoundEpisode

Array = NDArray[np.float64]
Kind = Literal["expression", "least", "movement"]

LEAST_ODDS: Final = 0.00003
"""Probabilities nearer to 0 or 1 than this are not told apart."""
DRIFT: Final[dict[Kind, float]] = {"expression": 1.0, "least": 0.3, "movement": 0.1}
"""How far a channel wanders in a second while the face does nothing: in log-odds or intensity."""
STRANGER: Final = 0.35
"""By how much the logarithm of a reading's error grows with the strangeness of the face."""
STRANGENESS: Final = (-3.0, 5.0)
"""Strangeness between which that was measured; beyond it counts as the nearer one."""
ODDS_ERROR: Final = 0.39
"""Standard deviation of log-odds read in noisy copies of a face of strangeness 0.

Measured by `python -m ferce_agent.evaluation.clips.reading_errors --data DIR --faces 12` on faces in several sizes with
noise, blur and landmarks a little off. At the same strangeness faces of low quality do not vary more."""
UNIT_ERROR: Final = (0.005, 0.1)
"""The same of intensities x: the first number, and what is added to it for each x (1 - x)."""
ODDS_SHARE: Final = 0.06
"""Share of the rise of log-odds at which an expression has begun.

Chosen, as `MOVEMENT_SHARE`, so that in acted clips the times are neither early nor late
(`ferce_agent.evaluation.clips.episodes`, the faces for choosing)."""
NAMED: Final = 0.5
"""Least probability with which an episode of an expression opens, whatever the least value of the face."""
DROPPED: Final = 0.35
"""Probability under which it closes."""
MOVEMENT_ON: Final = 0.25
"""Intensity from which on a movement has an episode; as `ferce_agent.reasoning.movements.PRESENT`."""
MOVEMENT_OFF: Final = 0.15
"""Intensity under which it closes."""
MOVEMENT_RISE: Final = 0.15
"""How far it rises over the lowest intensity of late."""
MOVEMENT_SHARE: Final = 0.025
"""Share of the rise of an intensity at which a movement has begun."""
MOVEMENT_DOUBT: Final = 0.1
"""Standard deviation of what is wrong with intensities in all readings of a face; an assumption."""
LONGEST_MOVEMENT_S: Final = 60.0
"""A movement that is held longer is told in pieces: after a minute it is how the face looks."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One number of a face that is followed.

    Attributes:
        name: Of the expression or the action unit; ``least`` for the least probability at which one is named.
        kind: What it is.
    """

    name: str
    kind: Kind


class Channels:
    """What is followed of each face, in a fixed order.

    Attributes:
        all: The channels: the eight expressions, the least log-odds at which one is named, and the action units.
        rules: Rules for the episodes of expressions and movements.
    """

    def __init__(self, card: SpecialistCard, flatten: float) -> None:
        """Prepare.

        Args:
            card: Of the specialist that reads the faces.
            flatten: By how much its class prior is flattened, 0..1; see `SpecialistCard.thresholds`.
        """
        self._card = card
        self._flatten = flatten
        self.all: tuple[Channel, ...] = (
            *(Channel(name, "expression") for name in CANONICAL),
            Channel("least", "least"),
            *(Channel(unit, "movement") for unit in card.units),
        )
        self.rules: tuple[EpisodeRule, ...] = (*self._expression_rules(), *self._movement_rules())

    def __len__(self) -> int:
        """Return how many channels there are."""
        return len(self.all)

    def place(self, name: str, kind: Kind) -> int:
        """Return the place of a channel.

        Raises:
            ValueError: There is none.
        """
        return self.all.index(Channel(name, kind))

    @property
    def units(self) -> tuple[str, ...]:
        """Ids of the action units, in the order of a sample's."""
        return self._card.units

    @property
    def drifts(self) -> Array:
        """How far each channel wanders in a second, shape (K,)."""
        return np.array([DRIFT[channel.kind] for channel in self.all])

    def _expression_rules(self) -> list[EpisodeRule]:
        least = self.place("least", "least")
        return [
            EpisodeRule(
                on=log_odds(NAMED), off=log_odds(DROPPED), channel=at, least=least, log_odds=True, share=ODDS_SHARE
            )
            for at, name in enumerate(CANONICAL)
            if name != "neutral"
        ]

    def _movement_rules(self) -> list[EpisodeRule]:
        return [
            EpisodeRule(
                on=MOVEMENT_ON,
                off=MOVEMENT_OFF,
                rise=MOVEMENT_RISE,
                channel=self.place(unit, "movement"),
                doubt=MOVEMENT_DOUBT,
                longest_s=LONGEST_MOVEMENT_S,
                share=MOVEMENT_SHARE,
            )
            for unit in self._card.units
            if unit != "AU45"
        ]

    def read(self, sample: TrackSample) -> tuple[Array, Array]:
        """Return the values of all channels and the standard deviations of their errors, shape (K,) each.

        A value is NaN where it could not be read: the expressions where the quality is too low for any to be named, or
        where what is covered of the face carries them (see `ferce_agent.reasoning.expression.CARRIED`). Where the rest
        of the face carries none, no expression is read: that a smile is not seen behind a hand does not end it.
        """
        values = [self._odds(sample), np.array([log_odds(self._least(sample))]), sample.units]
        unit_errors = UNIT_ERROR[0] + UNIT_ERROR[1] * np.clip(sample.units * (1 - sample.units), 0, 1)
        errors = [np.full(len(CANONICAL) + 1, ODDS_ERROR), unit_errors]
        return np.concatenate(values), np.concatenate(errors) * spread(sample)

    def _odds(self, sample: TrackSample) -> Array:
        if sample.probabilities is None or sample.quality < LEAST_QUALITY:
            return np.full(len(CANONICAL), np.nan)
        kept = np.clip(sample.probabilities, LEAST_ODDS, 1 - LEAST_ODDS)
        odds = np.log(kept / (1 - kept))
        hidden = covered(sample)
        if hidden:
            if covering(sample, int(sample.probabilities.argmax())) is not None:
                return np.full(len(CANONICAL), np.nan)
            lost = {"eyes", "mouth"} <= set(hidden)
            carried = [not lost and all(name in CARRIED[region] for region in hidden) for name in CANONICAL]
            odds[~np.array(carried)] = np.nan
        return np.asarray(odds, np.float64)

    def _least(self, sample: TrackSample) -> float:
        """Return the least probability at which an expression of the face is named, as in a photo."""
        least = self._card.thresholds(self._flatten, sample.strangeness)[1]
        least = max(least, TURNED) if abs(sample.pose[2]) > TILTED else least
        return max(least, COVERED_CERTAIN) if covered(sample) else least

    def distribution(self, values: Array) -> Array | None:
        """Return the probabilities of the eight expressions of a smoothed row, shape (8,); None where one is missing.

        Channels are smoothed apart, so what they give is scaled to sum to one.
        """
        odds = values[: len(CANONICAL)]
        if np.isnan(odds).any():
            return None
        shares = np.maximum(1 / (1 + np.exp(-odds)), LEAST_SHARE)
        return np.asarray(shares / shares.sum(), np.float64)

    def movements(self, values: Array) -> dict[str, float]:
        """Return the intensities, 0..1, of the action units of a smoothed row that could be seen."""
        first = len(CANONICAL) + 1
        known = zip(self._card.units, values[first : first + len(self._card.units)].tolist(), strict=True)
        return {unit: min(max(value, 0.0), 1.0) for unit, value in known if not np.isnan(value)}

    def of(self, episode: FoundEpisode) -> Channel:
        """Return which channel an episode is of."""
        place = self.rules[episode.channel].channel
        assert place is not None
        return self.all[place]


def affect(distribution: Array) -> tuple[float, float]:
    """Return valence and arousal, -1..1: the ontology's values of the eight expressions, weighted by probability."""
    terms = ontology().terms
    values = np.array([(terms[name].valence, terms[name].arousal) for name in CANONICAL], np.float64)
    valence, arousal = np.clip(distribution @ values, -1, 1).tolist()
    return valence, arousal


def covered(sample: TrackSample) -> tuple[Region, ...]:
    """Return which parts of the face are covered."""
    return tuple(region for region in REGIONS if f"{region}_covered" in sample.reasons)


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability that is first kept `LEAST_ODDS` away from 0 and 1."""
    kept = min(max(probability, LEAST_ODDS), 1 - LEAST_ODDS)
    return float(np.log(kept / (1 - kept)))


def spread(sample: TrackSample) -> float:
    """Return by how much the errors of a reading are larger than of a face of strangeness 0; 1 where it is unknown."""
    if isnan(sample.strangeness):
        return 1.0
    return exp(STRANGER * min(max(sample.strangeness, STRANGENESS[0]), STRANGENESS[1]))
