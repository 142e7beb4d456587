"""Made audiences: viewers who smile now and then, and some of them at planted moments of the content.

Own choices, all of them, after what studies of viewers' faces tell: people differ much in how often they smile; most do
so seldom; a smile lasts some seconds; not everybody reacts to a joke, and nobody at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.scenarios.made_viewers import MadeFace, still_face
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.scenarios.viewer_records import Record

RATE: Final = 4
"""Readings a second."""
STAY_S: Final = 4.0
"""How long a smile without a planted moment lasts on average."""
DELAY_S: Final = (0.3, 1.5)
"""How long after a planted moment a viewer begins to smile."""
LASTS_S: Final = (2.0, 5.0)
"""How long a viewer smiles at a planted moment."""
CONCENTRATION: Final = 16.0
"""Of the beta distribution of the viewers' own shares of smiling: the larger, the more alike they are."""
LOST: Final = 0.1
"""Share of the time in which a viewer's face is not read, in runs of `LOST_S` on average."""
LOST_S: Final = 3.0

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MadeAudience:
    """How an audience reacts.

    Attributes:
        viewers: How many.
        seconds: How long the content is.
        moments: When something is shown that they smile at, in seconds.
        responding: Mean share of the viewers who smile at such a moment; each has a probability of his own.
        smiling: Mean share of the time in which they smile without it.
    """

    viewers: int
    seconds: int
    moments: tuple[float, ...] = ()
    responding: float = 0.5
    smiling: float = 0.09


def planted_smiles(audience: MadeAudience, source: np.random.Generator) -> Flags:
    """Return when each viewer smiles, shape (viewers, readings)."""
    mean = audience.smiling
    own = source.beta(CONCENTRATION * mean, CONCENTRATION * (1 - mean), audience.viewers)
    smiles = on_and_off(own, STAY_S, audience.seconds * RATE, source)
    likely = source.beta(4 * audience.responding, 4 * (1 - audience.responding), audience.viewers)
    times = np.arange(audience.seconds * RATE) / RATE
    for moment in audience.moments:
        begins = moment + source.uniform(*DELAY_S, audience.viewers)
        ends = begins + source.uniform(*LASTS_S, audience.viewers)
        reacts = source.uniform(size=audience.viewers) < likely
        smiles |= reacts[:, None] & (times >= begins[:, None]) & (times < ends[:, None])
    return smiles


def on_and_off(shares: Array, stay_s: float, readings: int, source: np.random.Generator) -> Flags:
    """Return a state that each viewer is in for a share of the time, in stays of random length.

    Args:
        shares: Of each viewer, 0..1.
        stay_s: Mean length of a stay in it.
        readings: How many readings.
        source: Draws.
    """
    ends = 1 / (stay_s * RATE)
    begins = np.minimum(ends * shares / np.maximum(1 - shares, 1e-9), 1.0)
    draws = source.uniform(size=(readings, len(shares)))
    states = np.empty((readings, len(shares)), np.bool_)
    now = draws[0] < shares
    for place in range(readings):
        now = np.where(now, draws[place] >= ends, draws[place] < begins) if place else now
        states[place] = now
    return states.T


def by_steps(smiles: Flags) -> Array:
    """Return in which seconds each viewer smiles for half of the time or more, shape (viewers, seconds)."""
    viewers, readings = smiles.shape
    parts = smiles.reshape(viewers, readings // RATE, RATE)
    return np.asarray(parts.mean(2) >= 0.5, np.float64)


def lost_readings(audience: MadeAudience, source: np.random.Generator) -> Flags:
    """Return when the face of each viewer is not read, shape (viewers, readings)."""
    return on_and_off(np.full(audience.viewers, LOST), LOST_S, audience.seconds * RATE, source)


def made_records(smiles: Flags, lost: Flags) -> list[Record]:
    """Return what was read of viewers, a value a second, without any error but that of lost faces."""
    steps, unknown = by_steps(smiles), by_steps(lost) > 0
    nothing = np.full((len(CANONICAL), steps.shape[1]), np.nan)
    return [Record(np.where(unknown[at], np.nan, steps[at]), nothing) for at in range(len(steps))]


def made_films(smiles: Flags, lost: Flags, source: np.random.Generator) -> Iterator[MadeFace]:
    """Yield the film of each viewer: faces that rest differently, smiles of different strength, noisy readings."""
    times = np.arange(smiles.shape[1]) / RATE
    for smile, away in zip(smiles, lost, strict=True):
        rest, strength = source.uniform(0.02, 0.2), source.uniform(0.4, 0.8)
        noise = np.convolve(source.normal(0, 0.05, len(times)), np.full(3, 0.6), "same")
        level = np.clip(rest + strength * smile + noise, 0, 1)
        happy = np.clip(0.05 + 0.75 * smile + source.normal(0, 0.05, len(times)), 0, 1)
        seen = ~away
        none = np.zeros(int(seen.sum()))
        units = {"AU4": none, "AU7": none, "AU12": level[seen]}
        yield still_face(times[seen], units=units, shares={"happiness": happy[seen]})
