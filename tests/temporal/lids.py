"""Films of lids, mouths and heads as numbers, with known times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from ferce_agent.temporal.eye_events import EyeEvent, EyeSample
from ferce_agent.temporal.eyes import EyeWatch
from ferce_agent.temporal.glances import Direction

OPEN, SHUT = 0.1, 0.95


@dataclass(frozen=True)
class Lids:
    """A closure: lids fall from `onset` for a third of the time that is not `held`, and rise for two thirds."""

    onset: float
    seconds: float
    held: float = 0.0
    depth: float = 1.0

    def at(self, time: float) -> float:
        moving = self.seconds - self.held
        corners = np.cumsum([self.onset, moving / 3, self.held, moving * 2 / 3])
        return float(np.interp(time, corners, [0, self.depth, self.depth, 0]))


def film(
    fps: float, seconds: float, closures: Sequence[Lids] = (), *, noise: float = 0.0, begin: float = 0.0
) -> list[EyeSample]:
    """Return the samples of a face that looks ahead with its mouth shut and closes its eyes at known times."""
    random = np.random.default_rng(1)
    samples = []
    for time in np.arange(0, seconds, 1 / fps):
        lids = OPEN + (SHUT - OPEN) * max((one.at(time) for one in closures), default=0.0)
        left, right = np.clip(lids + random.normal(0, noise, 2), 0, 1).tolist() if noise else (lids, lids)
        samples.append(EyeSample(begin + float(time), left, right, 0.05, Direction(3.0, -5.0, nan, nan)))
    return samples


def watched(samples: Sequence[EyeSample]) -> tuple[EyeWatch, list[EyeEvent]]:
    """Return a watch that has seen the samples, and all it found."""
    watch = EyeWatch()
    found = [event for sample in samples for event in watch.push(sample)]
    return watch, [*found, *watch.finish()]
