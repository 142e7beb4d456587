"""A value with its time, and the order in which such samples must come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from ferce_agent.errors import InputError


@dataclass(frozen=True, slots=True)
class Sample:
    """One value at one time.

    Attributes:
        time: Seconds from any fixed moment, such as the beginning of a clip.
        value: In the unit of its signal; None where it could not be read, as when the face was turned away.
    """

    time: float
    value: float | None


def in_order(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the samples as they come, checked: times are finite and grow, values are finite or None.

    Raises:
        InputError: A time does not grow or is not finite, or a value is no finite number. The distances between times
            may differ, as they do in clips of variable frame rate.
    """
    last: float | None = None
    for number, sample in enumerate(samples):
        if not isfinite(sample.time) or (last is not None and sample.time <= last):
            raise InputError(
                f"The time of sample {number} ({sample.time:g} s) does not follow the one before it.",
                hint="Give each face's samples in the order of their times, each time once.",
            )
        if sample.value is not None and not isfinite(sample.value):
            raise InputError(
                f"The value of sample {number} ({sample.value:g}) is no finite number.",
                hint="Give None where nothing could be read.",
            )
        last = sample.time
        yield sample
