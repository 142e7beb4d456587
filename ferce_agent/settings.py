"""Settings of the engines, with defaults that suit a laptop; a file and the environment can override them."""

from __future__ import annotations

import os
import tomllib
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
        vlm: Vision-language model, as in ``llamacpp:model.gguf+mmproj.gguf``, ``hf:ORG/NAME`` or
            ``openai:URL#model``; empty for none.
        vlm_when: ``always``: every face; ``unsure``: only faces whose expression the specialist does not name.
        vlm_prompt: Name of a prompt, or a file; empty for the one that suits the model.
        vlm_tokens: Longest answer of the model.
        vlm_repairs: How often an answer that cannot be used is asked for again.
        vlm_reliability: File made by ``ferce vlm calibrate``; without it the model's label does not move the probabilities.
        bank: File of examples made by ``ferce bank build``.
        shots: How many examples of the bank go into a prompt.
        scene: Let the model also look at the whole picture, downscaled.
        choose_cause: Let the model choose among the causes found, where there are several.
        sentences: Compare the caller's sentences with examples of situations, where the sentence encoder is installed.
        budget_ms: Time for one picture; the model is left out where it would not fit. None for no limit.
    """

    weights: Path | None = None
    threads: int = 2
    face_threshold: float = 0.7
    max_faces: int = 16
    small_faces: bool = False
    vlm_seconds: float = 60.0
    flatten: float = 0.5
    precision: Literal["auto", "full", "int8"] = "auto"
    vlm: str = ""
    vlm_when: Literal["always", "unsure"] = "always"
    vlm_prompt: str = ""
    vlm_tokens: int = 512
    vlm_repairs: int = 2
    vlm_reliability: Path | None = None
    bank: Path | None = None
    shots: int = 3
    scene: bool = False
    choose_cause: bool = False
    sentences: bool = True
    budget_ms: float | None = None

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
        if self.vlm_when not in {"always", "unsure"}:
            raise SettingsError("vlm_when must be always or unsure.")
        if not 1 <= self.vlm_tokens <= 8192 or not 0 <= self.vlm_repairs <= 10 or not 0 <= self.shots <= 20:
            raise SettingsError("vlm_tokens must be 1..8192, vlm_repairs 0..10 and shots 0..20.")
        if self.budget_ms is not None and not 0 < self.budget_ms <= 3_600_000:
            raise SettingsError("budget_ms must be above 0 and at most an hour.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the defaults, overridden by the settings file and then by ``FERCE_*`` variables.

        The file is the one that ``FERCE_SETTINGS`` names; no other place is searched, so that no folder can redirect pictures.

        Raises:
            SettingsError: The file or a variable has a value that cannot be read.
        """
        values = os.environ if environment is None else environment
        file = values.get(PREFIX + "SETTINGS")
        settings = cls.from_file(Path(file)) if file else cls()
        for name, read in _READERS.items():
            text = values.get(PREFIX + name.upper())
            if text:
                try:
                    settings = replace(settings, **{name: read(text)})
                except ValueError as error:
                    raise SettingsError(f"{PREFIX}{name.upper()}={text} is not usable.", hint=str(error)) from error
        return settings

    @classmethod
    def from_file(cls, path: Path) -> Settings:
        """Return the defaults, overridden by a TOML file of ``name = value`` lines.

        Raises:
            SettingsError: The file cannot be read, or names an unknown setting or a value of the wrong type.
        """
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"The settings file {path.name} cannot be read: {error}.") from error
        unknown = sorted(set(table) - set(_READERS))
        if unknown:
            raise SettingsError(f"{path.name} names unknown settings: {', '.join(unknown)}.", hint="See the README.")
        settings = cls()
        for name, value in table.items():
            try:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                settings = replace(settings, **{name: _READERS[name](text)})
            except ValueError as error:
                raise SettingsError(f"{path.name}: {name} = {value} is not usable.", hint=str(error)) from error
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
    "vlm": str,
    "vlm_when": str,
    "vlm_prompt": str,
    "vlm_tokens": int,
    "vlm_repairs": int,
    "vlm_reliability": Path,
    "bank": Path,
    "shots": int,
    "scene": _read_switch,
    "choose_cause": _read_switch,
    "sentences": _read_switch,
    "budget_ms": float,
}
