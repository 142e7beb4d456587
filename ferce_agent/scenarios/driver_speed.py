"""The speed of a car as the caller knows it: one number, or numbers over time."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from ferce_agent.scenarios.study import Options

FASTEST: Final = 400.0
"""Speeds beyond this, in km/h, are taken for mistakes."""
STALE_S: Final = 5.0
"""A speed is known for so long after it was measured."""
MOST_SPEEDS: Final = 200_000
"""Speeds of a series: over two days, one a second."""


class DriverOptions(Options):
    """What a caller may choose."""

    speed_kmh: float | None = Field(default=None, ge=0, le=FASTEST, allow_inf_nan=False)
    """Speed of the car all the time, in km/h; null: not known, then the stricter limit holds."""
    speeds: tuple[tuple[float, float], ...] | None = Field(default=None, max_length=MOST_SPEEDS)
    """Speed over time: pairs of seconds of the film and km/h, or CSV text with such lines; known for 5 s each."""

    @field_validator("speeds", mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return parse_speeds(given) if isinstance(given, str) else given

    @field_validator("speeds")
    @classmethod
    def _in_order(cls, given: tuple[tuple[float, float], ...] | None) -> tuple[tuple[float, float], ...] | None:
        if given is not None:
            _check(given)
        return given

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.speed_kmh is not None and self.speeds is not None:
            raise ValueError("give speed_kmh or speeds, not both")
        return self


def parse_speeds(text: str) -> tuple[tuple[float, float], ...]:
    """Return the speeds of a CSV text: a line each with seconds and km/h, with or without a heading.

    Raises:
        ValueError: A line is no such pair; its number is named.
    """
    if "\n" not in text and "," not in text:
        raise ValueError("speeds must be CSV text, such as '0,50' with more lines; a file is not opened")
    try:
        rows = list(csv.reader(text.splitlines()))
    except csv.Error as error:  # e.g. a line of more than a hundred thousand letters
        raise ValueError("speeds must be lines of seconds and km/h, such as '0,50'") from error
    found: list[tuple[float, float]] = []
    for number, row in enumerate(rows, 1):
        if not row or not any(cell.strip() for cell in row):
            continue
        try:
            time, speed = (float(cell) for cell in row)
        except ValueError as error:
            if number == 1:  # a heading
                continue
            raise ValueError(f"line {number} of the speeds is not two numbers, seconds and km/h") from error
        found.append((time, speed))
    return tuple(found)


def _check(speeds: Sequence[tuple[float, float]]) -> None:
    if not speeds:
        raise ValueError("there is no speed in it")
    last = -1.0
    for number, (time, speed) in enumerate(speeds):
        if not isfinite(time) or time < 0 or time <= last:
            raise ValueError(f"time {number} of the speeds does not follow the one before it")
        if not 0 <= speed <= FASTEST:
            raise ValueError(f"speed {number} is not between 0 and {FASTEST:g} km/h")
        last = time


class Speed:
    """The speed at any time of the film."""

    def __init__(self, options: DriverOptions) -> None:
        """Take what the caller said."""
        self._always = options.speed_kmh
        self._times: list[float] = []
        self._speeds: list[float] = []
        self._fill(options.speeds or ())

    def _fill(self, speeds: Iterable[tuple[float, float]]) -> None:
        for time, speed in speeds:
            self._times.append(time)
            self._speeds.append(speed)

    def at(self, time: float) -> float | None:
        """Return the speed in km/h that was measured last; None where none is known."""
        if self._always is not None:
            return self._always
        place = bisect_right(self._times, time) - 1
        if place < 0 or time - self._times[place] > STALE_S:
            return None
        return self._speeds[place]
