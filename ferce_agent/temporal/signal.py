"""A signal over time: which number of a face it follows, and how much it is smoothed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ferce_agent.temporal.samples import Sample, in_order
from ferce_agent.temporal.smoothing import smooth


class Timed(Protocol):
    """Anything that was read at a time, such as a `ferce_agent.pipeline.FaceReading`."""

    @property
    def time(self) -> float:
        """Seconds from any fixed moment."""
        ...


Read = TypeVar("Read", bound=Timed)


@dataclass(frozen=True)
class Signal(Generic[Read]):
    """One number of a face, followed over time.

    Attributes:
        name: Name for tables and plots, such as ``valence``.
        value: Takes the number from a reading; None where it is not known.
        seconds: Time constant of the smoothing (see `smooth`); 0 leaves the values as they are.
    """

    name: str
    value: Callable[[Read], float | None]
    seconds: float = 0.0

    def __call__(self, readings: Iterable[Read]) -> Iterator[Sample]:
        """Yield a sample for each reading of one face, as soon as it comes.

        Args:
            readings: Of one face, in the order of their times.

        Raises:
            SettingsError: The time constant is below 0.
            InputError: Times do not grow, or a value is no number.
        """
        samples = (Sample(reading.time, self.value(reading)) for reading in readings)
        return smooth(samples, self.seconds) if self.seconds else in_order(samples)
