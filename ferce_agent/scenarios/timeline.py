"""What was shown when: slides or scenes with the times at which they begin, from a list, from text or from a file."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

from ferce_agent.errors import SettingsError
from ferce_agent.report.timed import Seconds

MOST_MARKERS: Final = 500
"""Markers of a time line."""
MOST_BYTES: Final = 1_000_000
"""Size of a file with markers."""
ENDINGS: Final = (".csv", ".tsv", ".txt")
"""Of files with markers."""


class Marker(BaseModel):
    """When something begins that is shown until the next marker."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    at_s: Seconds
    """When, in seconds of the content."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    """What is shown."""


def as_markers(value: Any, info: ValidationInfo) -> Any:
    """Return what a caller gives as a list of markers in the order of their times.

    Args:
        value: Pairs or objects of time and name; or lines ``time,name``, as text or as the path of a file of them.
        info: Its context says whether files may be read (``files``; yes where nothing is said).

    Raises:
        ValueError: It cannot be read; the message says why, and never what a file holds.
    """
    if isinstance(value, str):
        allowed = bool((info.context or {}).get("files", True))
        return _sorted(_rows(value if _is_text(value) else _file(value, allowed=allowed)))
    if not isinstance(value, list | tuple):
        raise ValueError("give a list of times and names, or a file with lines such as 12.5,Title")
    return _sorted([_entry(one) for one in value])


Markers = Annotated[tuple[Marker, ...], Field(max_length=MOST_MARKERS), BeforeValidator(as_markers)]
"""Markers in the order of their times, as a caller may give them; see `as_markers`."""


def _is_text(value: str) -> bool:
    return "\n" in value or (not value.lower().endswith(ENDINGS) and ("," in value or not value.strip()))


def _file(path: str, *, allowed: bool) -> str:
    if not allowed:
        raise ValueError("files are not read here; give the times and names themselves")
    if not path.lower().endswith(ENDINGS):
        raise ValueError(f"a file of times and names ends with {', '.join(ENDINGS)}")
    try:
        file = Path(path).expanduser()
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"the file is larger than {MOST_BYTES // 1_000_000} MB")
        return file.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise ValueError("there is no such file") from error
    except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last one: the home of nobody
        raise ValueError("the file cannot be read as text") from error


def _rows(text: str) -> list[dict[str, Any]]:
    """Return the markers of lines ``time,name``; a first line without a time is a heading."""
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((one for one in ("\t", ";") if lines and all(one in line for line in lines)), ",")
    try:
        rows = [row for row in csv.reader(StringIO("\n".join(lines)), delimiter=separator) if row]
    except csv.Error as error:  # e.g. a line of more than a hundred thousand letters
        raise ValueError("these are no lines of times and names") from error
    found = []
    for number, row in enumerate(rows, 1):
        time = _seconds(row[0])
        if time is None and number == 1 and len(rows) > 1:
            continue
        if time is None or len(row) < 2:
            raise ValueError(f"line {number} is not a time and a name, such as 12.5,Title or 1:05,Title")
        found.append({"at_s": time, "name": row[1]})
    return found


def _entry(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2:
        time = _seconds(value[0]) if isinstance(value[0], str) else value[0]
        return {"at_s": value[0] if time is None else time, "name": value[1]}
    if isinstance(value, dict) and set(value) == {"time", "title"}:
        return _entry((value["time"], value["title"]))
    return value


def _seconds(text: str) -> float | None:
    """Return the seconds of ``75``, ``1:15`` or ``0:01:15.5``; None for anything else."""
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) > 3 or any(not 0 <= one < float("inf") for one in numbers):
        return None
    return sum(one * 60.0**place for place, one in enumerate(reversed(numbers)))


def _sorted(entries: list[Any]) -> list[Any]:
    """Return markers in the order of their times; as they are where a time is unusable, which the caller is told of."""
    times: list[float] = []
    for entry in entries:
        time = entry.get("at_s") if isinstance(entry, dict) else getattr(entry, "at_s", None)
        if isinstance(time, bool) or not isinstance(time, int | float):
            return entries
        times.append(time)
    if len(set(times)) < len(times):
        raise ValueError("two markers have the same time")
    return [entries[place] for place in sorted(range(len(times)), key=times.__getitem__)]


Shift = Annotated[float, Field(ge=-86_400, le=86_400, allow_inf_nan=False)]
"""Where in a source the content begins, in seconds; below 0 where the source begins later than the content."""


def shift_of(shifts: float | tuple[float, ...], number: int) -> float:
    """Return where in a source the content begins.

    Args:
        shifts: One for all sources, or one for each.
        number: Which source, from 0.

    Raises:
        SettingsError: There is none for this source.
    """
    if not isinstance(shifts, tuple):
        return shifts
    if number >= len(shifts):
        raise SettingsError(
            f"There are {len(shifts)} values of offset_s for more sources.", hint="Give one for all, or one for each."
        )
    return shifts[number]
