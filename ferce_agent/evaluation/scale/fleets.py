"""Machines that read shards until none is left: slow ones, ones that fail, and the wait for the last.

A machine takes several shards at a time, fewer as fewer are left, as a scheduler would; so a simulation of billions of
photos takes a second. When a machine fails, the shards under way (one a core) are read again from their beginning, as
in `batch.running`; finished ones are not.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ferce_agent.errors import SettingsError

HANDED: Final = 3.0
"""A machine is handed the shards that are left, divided by this and by the number of machines."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines of one kind.

    Attributes:
        machines: How many.
        cores: Cores of each; each reads a shard.
        rate: Items a second of a machine, over all its cores.
        shard: Items in a shard.
        spread: Standard deviation of a shard's time, as a share of its mean.
        slowness: Standard deviation of the logarithm of the machines' speeds; 0: all are alike.
        hours_to_failure: Mean hours until a machine fails or is taken away; the times are exponential.
        start_seconds: Until a new machine reads: starting, loading the models.
    """

    machines: int
    cores: int
    rate: float
    shard: int
    spread: float = 0.0
    slowness: float = 0.0
    hours_to_failure: float = math.inf
    start_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FleetRun:
    """How a run went.

    Attributes:
        hours: From the first start to the last shard.
        machine_hours: Hours of all machines, each until the end of the run.
        failures: How many machines failed.
        read_again: Items whose reading was lost and that were read again.
    """

    hours: float
    machine_hours: float
    failures: int
    read_again: float


class _Run:
    def __init__(self, items: int, fleet: Fleet, rng: Generator) -> None:
        self.fleet, self.rng = fleet, rng
        self.left = math.ceil(items / fleet.shard)
        self.speeds = np.exp(rng.normal(0.0, fleet.slowness, fleet.machines) - fleet.slowness**2 / 2)
        self.fails_at = [self._life(fleet.start_seconds) for _ in range(fleet.machines)]
        # What happens when: a machine, shards that it has read, shards that it gives back because it failed.
        self.events = [(fleet.start_seconds, machine, 0, 0) for machine in range(fleet.machines)]
        self.idle: list[int] = []
        self.ended = 0.0
        self.failures = 0
        self.lost = 0.0

    def go(self) -> FleetRun:
        """Hand out shards until all are read."""
        while self.events:
            now, machine, read, back = heapq.heappop(self.events)
            self.ended = now if read else self.ended
            if back:
                self._give_back(now, machine, back)
            else:
                self._hand(now, machine)
        hours = self.ended / 3600
        return FleetRun(hours, hours * self.fleet.machines, self.failures, self.lost * self.fleet.shard)

    def _life(self, now: float) -> float:
        mean = self.fleet.hours_to_failure
        return math.inf if math.isinf(mean) else now + float(self.rng.exponential(mean * 3600))

    def _hand(self, now: float, machine: int) -> None:
        fleet = self.fleet
        if self.fails_at[machine] <= now:  # it failed while it had nothing to do
            self.fails_at[machine] = self._life(now)
        if not self.left:
            self.idle.append(machine)
            return
        taken = min(self.left, max(1, int(self.left / (HANDED * fleet.machines))))
        self.left -= taken
        seconds = self._seconds(taken, machine)
        if now + seconds <= self.fails_at[machine]:
            heapq.heappush(self.events, (now + seconds, machine, taken, 0))
        else:
            self._fail(now, machine, taken, seconds)

    def _seconds(self, shards: int, machine: int) -> float:
        """Return how long a machine takes for shards; fewer than it has cores take as long as one on one core."""
        noise = max(1 + self.fleet.spread / math.sqrt(shards) * float(self.rng.normal()), 0.1)
        rounds = max(shards, self.fleet.cores) * self.fleet.shard / self.fleet.rate
        return rounds * noise / float(self.speeds[machine])

    def _fail(self, now: float, machine: int, taken: int, seconds: float) -> None:
        at = self.fails_at[machine]
        progress = (at - now) / seconds * taken
        # Each core is, on average, half through a shard.
        done = min(max(0, int(progress - min(taken, self.fleet.cores) / 2)), taken - 1)
        self.lost += progress - done
        self.failures += 1
        heapq.heappush(self.events, (at, machine, done, taken - done))

    def _give_back(self, now: float, machine: int, shards: int) -> None:
        self.left += shards
        again = now + self.fleet.start_seconds
        self.fails_at[machine] = self._life(again)
        heapq.heappush(self.events, (again, machine, 0, 0))
        for other in self.idle:
            heapq.heappush(self.events, (now, other, 0, 0))
        self.idle.clear()


def run_fleet(items: int, fleet: Fleet, rng: Generator) -> FleetRun:
    """Let machines read items.

    Raises:
        SettingsError: A number is not above 0.
    """
    if min(items, fleet.machines, fleet.cores, fleet.rate, fleet.shard, fleet.hours_to_failure) <= 0:
        raise SettingsError("Items, machines, cores, rate, shard and lifetime must be above 0.", hint="Check the plan.")
    return _Run(items, fleet, rng).go()
