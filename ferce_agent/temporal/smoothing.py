"""Exponential smoothing of samples that come at irregular times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import exp, isfinite

from ferce_agent.errors import SettingsError
from ferce_agent.temporal.samples import Sample, in_order


def smooth(samples: Iterable[Sample], seconds: float) -> Iterator[Sample]:
    """Yield the samples smoothed, each as soon as it comes; only the last one is kept in memory.

    What was known before counts for ``exp(-gap / seconds)`` after a gap of so many seconds. So the result follows
    time and not the number of frames: a signal that jumps from 0 to 1 has reached ``1 - exp(-t / seconds)`` after `t`
    seconds at any frame rate, and after a long gap nearly only the new value counts.

    Args:
        samples: In the order of their times. One whose value is None stays None; the gap around it is what counts.
        seconds: Time constant, above 0.

    Raises:
        SettingsError: The time constant is not above 0.
        InputError: Times do not grow, or a value is no number.
    """
    if not (isfinite(seconds) and seconds > 0):
        raise SettingsError(f"A time constant of {seconds:g} s is not usable.", hint="Give seconds above 0.")
    return _smoothed(samples, seconds)


def _smoothed(samples: Iterable[Sample], seconds: float) -> Iterator[Sample]:
    kept: Sample | None = None
    for sample in in_order(samples):
        if sample.value is None:
            yield sample
            continue
        value = sample.value
        if kept is not None and kept.value is not None:
            value += exp(-(sample.time - kept.time) / seconds) * (kept.value - value)
        kept = Sample(sample.time, value)
        yield kept
