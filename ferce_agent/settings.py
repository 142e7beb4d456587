"""Settings of the engines, with defaults that suit a laptop; the environment can override them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ferce_agent.errors import SettingsError

PREFIX: Final = "FERCE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a caller can choose. Each field can be set by an environment variable, e.g. ``FERCE_MAX_FACES=4``.

    Attributes:
        weights: Weight file of the specialist; None for the shipped one.
        threads: Threads of the specialist.
        face_threshold: Least detector score of a face, 0..1.
        max_faces: Only so many faces are read, the largest first.
        small_faces: Also search tiles at full resolution for small faces.
        vlm_seconds: How long to wait for one answer of a vision-language model.
        flatten: How much of the training data's class prior is taken off the specialist's answer, 0..1. Its training pictures are
            mostly neutral or happy; on photos a flatter prior is nearer to the truth and less overconfident.
        precision: Which of the shipped specialist's files to use; ``auto``: the faster one on this machine.
    """

    weights: Path | None = None
    threads: int = 2
    face_threshold: float = 0.7
    max_faces: int = 16
    small_faces: bool = False
    vlm_seconds: float = 60.0
    flatten: float = 0.5
    precision: Literal["auto", "full", "int8"] = "auto"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            SettingsError: A value is out of range.
        """
        if not 1 <= self.threads <= 64 or not 1 <= self.max_faces <= 256:
            raise SettingsError("threads must be 1..64 and max_faces 1..256.")
        if not 0 < self.face_threshold < 1 or not 0 < self.vlm_seconds <= 3600:
            raise SettingsError("face_threshold must be between 0 and 1, vlm_seconds between 0 and 3600.")
        if not 0 <= self.flatten <= 1:
            raise SettingsError("flatten must be between 0 and 1.")
        if self.precision not in {"auto", "full", "int8"}:
            raise SettingsError("precision must be auto, full or int8.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the defaults, overridden by ``FERCE_*`` variables.

        Raises:
            SettingsError: A variable has a value that cannot be read.
        """
        values = os.environ if environment is None else environment
        settings = cls()
        for name, read in _READERS.items():
            text = values.get(PREFIX + name.upper())
            if text:
                try:
                    settings = replace(settings, **{name: read(text)})
                except ValueError as error:
                    raise SettingsError(f"{PREFIX}{name.upper()}={text} is not usable.", hint=str(error)) from error
        return settings


def _read_switch(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError("use 1 or 0")
    return text.lower() in {"1", "true", "yes"}


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "weights": Path,
    "threads": int,
    "face_threshold": float,
    "max_faces": int,
    "small_faces": _read_switch,
    "vlm_seconds": float,
    "flatten": float,
    "precision": str,
}
