"""A signal over time: which number of a face it follows, and how much it is smoothed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ferce_agent.temporal.samples import Sample, in_order
from ferce_agent.temporal.smoothing import smooth

Read = TypeVar("Read")
"""What a face was read as: anything that the signal's function can take a number from, such as a report's `Person`."""


@dataclass(frozen=True)
class Signal(Generic[Read]):
    """One number of a face, followed over time.

    Attributes:
        name: Name for tables and plots, such as ``valence``.
        value: Takes the number from what was read; None where it is not known.
        seconds: Time constant of the smoothing (see `smooth`); 0 leaves the values as they are.
    """

    name: str
    value: Callable[[Read], float | None]
    seconds: float = 0.0

    def __call__(self, readings: Iterable[tuple[float, Read | None]]) -> Iterator[Sample]:
        """Yield a sample for each reading of one face, as soon as it comes.

        Args:
            readings: Pairs of time in seconds and what was read, None for a face that could not be; times grow.

        Raises:
            SettingsError: The time constant is below 0.
            InputError: Times do not grow, or a value is no number.
        """
        samples = (Sample(time, None if read is None else self.value(read)) for time, read in readings)
        return smooth(samples, self.seconds) if self.seconds else in_order(samples)
