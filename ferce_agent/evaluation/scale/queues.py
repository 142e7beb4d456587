"""Queues in front of a machine's parts: an event-driven simulation of items that pass through stages in order."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of the items.

    Attributes:
        finished: When each left its last stage, in seconds; shape (items,).
        waited: How long each waited before each stage, in seconds; shape (items, stages).
        used: Share of the time in which the servers of each resource were busy, from 0 to 1, by its name.
    """

    finished: Seconds
    waited: Seconds
    used: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Items a second, from time 0 to the last departure."""
        return len(self.finished) / float(self.finished.max())

    @property
    def bottleneck(self) -> str:
        """The resource that is used most."""
        return max(self.used, key=lambda name: self.used[name])


class _Parts:
    """Servers by resource, and who waits for them: first come, first served."""

    def __init__(self, servers: Mapping[str, int]) -> None:
        self._free = dict(servers)
        self._waiting: dict[str, deque[tuple[float, int, int]]] = {name: deque() for name in servers}

    def wait(self, name: str, now: float, item: int, stage: int) -> None:
        self._waiting[name].append((now, item, stage))

    def next(self, name: str) -> tuple[float, int, int] | None:
        """Return since when, who and for which stage, and take a server for it; None if none is free or wanted."""
        if not self._free[name] or not self._waiting[name]:
            return None
        self._free[name] -= 1
        return self._waiting[name].popleft()

    def release(self, name: str) -> None:
        self._free[name] += 1


def simulate(
    times: Seconds, resources: Sequence[str], servers: Mapping[str, int], arrivals: Seconds, ahead: int = 0
) -> Passed:
    """Let items pass through stages in order.

    Args:
        times: Seconds that each item takes a server at each stage; shape (items, stages). 0 passes a stage without
            waiting for it.
        resources: The resource that each stage takes a server of; several stages may share one.
        servers: How many servers each resource has.
        arrivals: When each item comes, in seconds, ascending; shape (items,).
        ahead: So many items are within at most, and the next comes in when one leaves; 0: any number.

    Raises:
        SettingsError: There is nothing to simulate, or a resource has no server.
    """
    if not times.size or set(resources) - {name for name, count in servers.items() if count > 0}:
        raise SettingsError("A simulation needs items, and a server for each stage.", hint="Give at least one of each.")
    count, last = times.shape[0], times.shape[1]
    finished, waited = np.zeros(count), np.zeros(times.shape)
    parts = _Parts(servers)
    entered = min(ahead or count, count)
    # A heap of what ends when: an item's stage, or (stage -1) its way here.
    events = [(float(arrivals[item]), item, -1) for item in range(entered)]
    heapq.heapify(events)
    while events:
        now, item, stage = heapq.heappop(events)
        touched = []
        if stage >= 0:
            parts.release(resources[stage])
            touched.append(resources[stage])
        following = stage + 1
        while following < last and times[item, following] <= 0:
            following += 1
        if following < last:
            parts.wait(resources[following], now, item, following)
            touched.append(resources[following])
        else:
            finished[item] = now
            if entered < count:
                heapq.heappush(events, (max(now, float(arrivals[entered])), entered, -1))
                entered += 1
        for name in touched:
            while (begun := parts.next(name)) is not None:
                since, who, where = begun
                waited[who, where] = now - since
                heapq.heappush(events, (now + float(times[who, where]), who, where))
    return Passed(finished, waited, _used(times, resources, servers, float(finished.max())))


def _used(times: Seconds, resources: Sequence[str], servers: Mapping[str, int], span: float) -> dict[str, float]:
    busy = dict.fromkeys(servers, 0.0)
    for name, total in zip(resources, times.sum(0), strict=True):
        busy[name] += float(total)
    return {name: total / (servers[name] * span) if span else 0.0 for name, total in busy.items()}
