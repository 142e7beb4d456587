"""What a scenario is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import tee

from ferce_agent.policy.use import UseContext
from ferce_agent.report import Person
from ferce_agent.settings import Settings
from ferce_agent.temporal import Sample, Signal


@dataclass(frozen=True, slots=True)
class Scenario:
    """A preset: ``Engines(scenario.settings, use=scenario.use)`` reads photos under it.

    Attributes:
        name: Name of the scenario.
        settings: How photos are read.
        use: What the reports are used for; the rules that follow from it apply, and no caller can loosen them.
        signals: Which numbers of a person to follow over time.
    """

    name: str
    settings: Settings
    use: UseContext
    signals: tuple[Signal[Person], ...] = ()

    def follow(self, people: Iterable[tuple[float, Person | None]]) -> dict[str, tuple[Sample, ...]]:
        """Return the samples of each signal, by its name.

        Args:
            people: Pairs of time in seconds and one person as read then, None where the person was not seen.

        Raises:
            InputError: Times do not grow.
        """
        copies = tee(people, len(self.signals))
        return {signal.name: tuple(signal(copy)) for signal, copy in zip(self.signals, copies, strict=True)}
