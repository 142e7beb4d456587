"""Which part of a film or sound is wanted."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from ferce_agent.errors import SettingsError

LATEST_S: Final = 1e12
"""Later times are taken for this one, behind the end of everything: no count of frames or samples can be too large."""


def is_number(value: Any) -> bool:
    """Return whether something is a finite number, and not true or false."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and (isinstance(value, int) or isfinite(value))
    )


def wanted_part(start: float | None, end: float | None) -> tuple[float, float | None]:
    """Return beginning and end of what is wanted, in seconds; no end for None.

    Raises:
        SettingsError: They are no times, or in the wrong order.
    """
    for name, value in (("start_s", start), ("end_s", end)):
        if value is not None and not (is_number(value) and value >= 0):
            raise SettingsError(f"{name} must be seconds from 0 on, not {value!r:.40}.", hint="For example 12.5.")
    first, last = (None if time is None else float(min(time, LATEST_S)) for time in (start, end))
    begin = first or 0.0
    if last is not None and last <= begin:
        hint = "Swap them?" if last < begin else "For example 12.5 seconds later."
        raise SettingsError(f"end_s ({last:g}) must be after start_s ({begin:g}).", hint=hint)
    return begin, last
