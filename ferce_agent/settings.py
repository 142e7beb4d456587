"""Settings of the engines, with defaults that suit a laptop; a file and the environment can override them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError
from ferce_agent.validation.fields import did_you_mean, first_problem, shown, taken_by

PREFIX: Final = "FERCE_"
OTHER_VARIABLES: Final = frozenset({"FERCE_SETTINGS", "FERCE_API_KEY", "FERCE_TOKEN", "FERCE_DEBUG"})
"""Variables of this package that are no settings of the engines: the settings file, keys, and what commands show."""
MAX_FILE: Final = 1_000_000
"""Bytes of a settings file."""


def _number(value: object) -> object:
    """Refuse true and false where a number is meant; pydantic takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number is expected")  # pydantic collects ValueErrors only
    return value


def _file(value: object) -> object:
    """Take an empty path for none, and ``~`` for the home directory."""
    if not isinstance(value, str | Path) or not str(value).strip():
        return None if isinstance(value, str) else value
    try:
        return Path(value).expanduser()
    except RuntimeError:  # no such user
        return value


def _words(value: object) -> object:
    return "" if value is None else value


def _when(value: object) -> object:
    """Take yes and no for always and never, in the words that pydantic takes for true and false."""
    word = str(value).lower() if isinstance(value, bool | int | str) else ""
    if word in {"true", "1", "yes", "on", "y", "t"}:
        return "always"
    return "never" if word in {"false", "0", "no", "off", "n", "f"} else word


NOT_A_SWITCH: Final = BeforeValidator(_number)
File = Annotated[Path | None, BeforeValidator(_file)]
Words = Annotated[str, BeforeValidator(_words)]


class _InPlainWords(type):
    """Makes a typed error of what the constructor of a class cannot use.

    `dataclasses.replace` comes through here too.
    """

    def __call__(cls, *given: Any, **named: Any) -> Any:
        try:
            return super().__call__(*given, **named)
        except ValidationError as error:
            raise _refused(error) from error


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", allow_inf_nan=False, str_strip_whitespace=True))
class Settings(metaclass=_InPlainWords):
    """What a caller can choose. Each field can be set by an environment variable, e.g. ``FERCE_MAX_FACES=4``.

    An object never changes; `dataclasses.replace` makes another one. A value that cannot be used raises
    `SettingsError`.

    Attributes:
        weights: Weight file of the specialist; None for the shipped one.
        threads: Threads of the specialist.
        face_threshold: Least detector score of a face, 0..1.
        max_faces: Only so many faces are read, the largest first.
        small_faces: When to search tiles at full resolution for small faces: ``auto`` (where the first look finds none
            or only small ones, or the picture is large), ``always`` or ``never``; True and False mean the last two.
        urls: Fetch ``https://`` addresses given to the Python API or the command line, from the public internet only.
            Tools and servers never do.
        vlm_seconds: How long to wait for one answer of a vision-language model.
        flatten: How much of the training data's class prior is taken off the specialist's answer, 0..1. Its training
            pictures are mostly neutral or happy; on photos a flatter prior is nearer to the truth and less
            overconfident.
        precision: Which of the shipped specialist's files to use: ``int8`` (``auto`` is the same), or ``full``.
        vlm: Vision-language model, as in ``llamacpp:model.gguf+mmproj.gguf``, ``hf:ORG/NAME`` or
            ``openai:URL#model``; empty for none.
        vlm_when: ``always``: every face; ``unsure``: only faces whose expression the specialist does not name.
        vlm_prompt: Name of a prompt, or a file; empty for the one that suits the model.
        vlm_tokens: Longest answer of the model.
        vlm_repairs: How often an answer that cannot be used is asked for again.
        vlm_reliability: File made by ``ferce vlm calibrate``; without it the model's label does not move the
            probabilities.
        bank: File of examples made by ``ferce bank build``.
        shots: How many examples of the bank go into a prompt.
        scene: Let the model also look at the whole picture, downscaled.
        choose_cause: Let the model choose among the causes found, where there are several.
        sentences: Compare the caller's sentences with examples of situations; without, only cue words count.
        budget_ms: Time for one picture; the model is left out where it would not fit. None for no limit.
    """

    weights: File = None
    threads: Annotated[int, Field(ge=1, le=64), NOT_A_SWITCH] = 2
    face_threshold: Annotated[float, Field(gt=0, lt=1), NOT_A_SWITCH] = 0.7
    max_faces: Annotated[int, Field(ge=1, le=256), NOT_A_SWITCH] = 16
    small_faces: Annotated[Literal["auto", "always", "never"], BeforeValidator(_when)] = "auto"
    urls: bool = False
    vlm_seconds: Annotated[float, Field(gt=0, le=3600), NOT_A_SWITCH] = 60.0
    flatten: Annotated[float, Field(ge=0, le=1), NOT_A_SWITCH] = 0.5
    precision: Literal["auto", "full", "int8"] = "auto"
    vlm: Words = ""
    vlm_when: Literal["always", "unsure"] = "always"
    vlm_prompt: Words = ""
    vlm_tokens: Annotated[int, Field(ge=1, le=8192), NOT_A_SWITCH] = 512
    vlm_repairs: Annotated[int, Field(ge=0, le=10), NOT_A_SWITCH] = 2
    vlm_reliability: File = None
    bank: File = None
    shots: Annotated[int, Field(ge=0, le=20), NOT_A_SWITCH] = 3
    scene: bool = False
    choose_cause: bool = False
    sentences: bool = True
    budget_ms: Annotated[float, Field(gt=0, le=3_600_000), NOT_A_SWITCH] | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the defaults, overridden by the settings file and then by ``FERCE_*`` variables.

        An empty one counts as not set.

        The file is the one that ``FERCE_SETTINGS`` names; no other place is searched, so that no folder can redirect
        pictures.

        Raises:
            SettingsError: The file or a variable has a value that cannot be read, or a ``FERCE_*`` variable is not
                known.
        """
        values = os.environ if environment is None else environment
        given = {name: text.strip() for name, text in values.items() if text.strip() and is_ours(name)}
        variables = {PREFIX + one.name.upper(): one.name for one in fields(cls)}
        for name in given:
            if name not in variables and name not in OTHER_VARIABLES:
                known = sorted({*variables, *OTHER_VARIABLES})
                hint = did_you_mean(name[len(PREFIX) :], [one.removeprefix(PREFIX) for one in known], PREFIX)
                raise SettingsError(f"The environment variable {name} is no setting, and would be ignored.", hint=hint)
        file = given.get(f"{PREFIX}SETTINGS")
        settings = cls.from_file(Path(file)) if file else cls()
        return settings._with({field: given[name] for name, field in variables.items() if name in given}, _variable)

    @classmethod
    def from_file(cls, path: Path | str) -> Settings:
        """Return the defaults, overridden by a TOML file of ``name = value`` lines.

        Raises:
            SettingsError: The file cannot be read, or names an unknown setting or a value of the wrong type.
        """
        place = Path(path).expanduser()
        table = _table(place)
        known = [one.name for one in fields(cls)]
        for name, value in table.items():
            if name not in known:
                hint = (
                    "Write name = value, without a [section]." if isinstance(value, dict) else did_you_mean(name, known)
                )
                raise SettingsError(f"{place.name} names the unknown setting {shown(name)}.", hint=hint)
        return cls()._with(table, lambda name, value: f"{place.name}: {name} = {shown(value)}")

    def _with(self, values: Mapping[str, Any], named: Callable[[str, Any], str]) -> Settings:
        """Return these settings with other values; `named` says how an error calls one of them.

        Raises:
            SettingsError: A value cannot be used.
        """
        settings = self
        for name, value in values.items():
            try:
                settings = replace(settings, **{name: value})
            except SettingsError as error:
                raise SettingsError(f"{named(name, value)} is not usable.", hint=error.hint) from error
        return settings


def is_ours(name: str) -> bool:
    """Return whether a variable of the environment claims to belong to this package, however it is spelt."""
    return name.upper().startswith(PREFIX)


def _variable(name: str, value: object) -> str:
    return f"{PREFIX}{name.upper()}={shown(value)}"


def _table(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        SettingsError: It is no plain file, too large, or no TOML.
    """
    if not path.is_file():
        raise SettingsError(
            f"The settings file {shown(path.name)} cannot be read: there is no such file.", hint="Name a TOML file."
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise SettingsError(f"The settings file {path.name} is too large.", hint="Is it a TOML file?")
        return tomllib.loads(data.decode("utf-8-sig"))  # Windows editors put a mark at the beginning
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(
            f"The settings file {path.name} cannot be read: {shown(error)}.", hint="It must be TOML in UTF-8."
        ) from error


@once
def _schema() -> dict[str, Any]:
    return TypeAdapter(Settings).json_schema()["properties"]  # type: ignore[no-any-return]


def _refused(error: ValidationError) -> SettingsError:
    place, value, unknown, words = first_problem(error)
    name = place[0] if place else ""
    if unknown:
        return SettingsError(f"There is no setting {shown(name)}.", hint=did_you_mean(name, _schema()))
    if name not in _schema():
        return SettingsError(f"The settings cannot be used: {words}.", hint="Give them by name: Settings(max_faces=4).")
    hint = f"It takes {taken_by(_schema()[name])}."
    if name == "vlm" and not isinstance(value, str):
        hint += " A model that is an object goes to Engines(vlm=…)."
    return SettingsError(f"The setting {name}={shown(value)} is not usable.", hint=hint)
