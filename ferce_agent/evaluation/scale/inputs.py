"""What a plan is worked out from beside measured times: prices, limits, failures, each with its source, from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, cast

from ferce_agent.errors import DataError, SettingsError

NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "machine": (
        "cores",
        "dollars_an_hour",
        "speed",
        "network_bits",
        "start_seconds",
        "hours_to_failure",
        "slowness",
    ),
    "spot": ("price_share", "hours_to_failure"),
    "storage": (
        "seconds_to_first_byte",
        "connections",
        "photos_in_an_object",
        "gets_a_second",
        "prefixes",
        "dollars_per_thousand_gets",
    ),
    "model": (
        "share_asked",
        "seconds_an_answer",
        "answers_under_way",
        "answers_a_second_of_a_gpu",
        "gpu_dollars_an_hour",
    ),
    "mix": ("640x480, one face", "12 megapixels, one face", "640x480, 30 faces"),
    "hours": ("1 M photos", "100 M photos", "10 B photos", "1 M hours of film"),
}
"""Tables of the file, and the numbers that each must have."""
MAY_BE_ZERO: Final = frozenset(
    {"slowness", "share_asked", "start_seconds", "dollars_per_thousand_gets"} | {*NUMBERS["mix"]}
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The numbers of a plan.

    Attributes:
        numbers: By table and name; see the comments of ``inputs.toml``.
        sources: Where they are from, by table and name.
    """

    numbers: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, Mapping[str, str]]

    def number(self, table: str, name: str) -> float:
        """Return a number."""
        return self.numbers[table][name]

    def count(self, table: str, name: str) -> int:
        """Return a number as a count, at least 1."""
        return max(1, round(self.number(table, name)))


def load_inputs(path: Path | None = None) -> Inputs:
    """Return the inputs of a file; without one those of the package.

    Raises:
        DataError: The file cannot be read as TOML.
        SettingsError: A number is missing, is none, or is below what it can be.
    """
    place = path or Path(str(resources.files("ferce_agent.evaluation.scale"))) / "inputs.toml"
    try:
        found = tomllib.loads(place.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{place.name} cannot be read ({type(error).__name__}).", hint="Is it TOML?") from error
    numbers = {table: {name: _number(found, table, name) for name in names} for table, names in NUMBERS.items()}
    if sum(numbers["mix"].values()) <= 0 or numbers["model"]["share_asked"] > 1:
        raise SettingsError("Shares must be from 0 to 1, and not all of a mix 0.", hint="See [mix] and share_asked.")
    sources = {table: {name: text for name, text in found[table].items() if isinstance(text, str)} for table in NUMBERS}
    return Inputs(numbers, sources)


def _number(found: Mapping[str, object], table: str, name: str) -> float:
    part = found.get(table)
    value = cast(Mapping[str, object], part).get(name) if isinstance(part, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"[{table}] has no number '{name}'.", hint="Copy the file of the package and change it.")
    if not (0 <= value < float("inf")) or (value == 0 and name not in MAY_BE_ZERO):
        raise SettingsError(f"[{table}] {name} = {value}: it must be above 0.", hint="Correct it.")
    return float(value)
