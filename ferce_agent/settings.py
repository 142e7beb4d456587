"""Settings of the engines, with defaults that suit a laptop; a file, the environment and options can override them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError
from ferce_agent.validation.fields import did_you_mean, first_problem, shown, taken_by

PREFIX: Final = "FERCE_"
OTHER_VARIABLES: Final = frozenset(
    {"FERCE_SETTINGS", "FERCE_API_KEY", "FERCE_TOKEN", "FERCE_DEBUG", "FERCE_KEPT", "FERCE_PASSPHRASE"}
)
"""Variables of this package that are no settings of the engines: the settings file, keys, what commands show, and where
things are kept of people, sealed with which passphrase."""


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


@dataclass(frozen=True, slots=True)
class Option:
    """How the command line offers a setting, where its name and type do not say it already.

    Attributes:
        name: The option; empty for the setting's name with hyphens.
        metavar: What stands for its value in the help; empty for the type.
        flags: Options without a value instead of one with: option, the value that it stands for, and its help.
        offered: False for a setting that is set in the environment or a file only.
    """

    name: str = ""
    metavar: str = ""
    flags: tuple[tuple[str, str, str], ...] = ()
    offered: bool = True


NO_OPTION: Final = Option(offered=False)
SMALL_FACES: Final = Option(
    flags=(
        ("--small-faces", "always", "Look for small faces in every photo. Slower."),
        (
            "--no-small-faces",
            "never",
            "Look for them in none.  [default: where the first look finds few or the photo is large]",
        ),
    )
)
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


CONFIG: Final = ConfigDict(
    extra="forbid", allow_inf_nan=False, str_strip_whitespace=True, use_attribute_docstrings=True
)


@dataclass(frozen=True, slots=True, config=CONFIG)
class Settings(metaclass=_InPlainWords):
    """What a caller can choose; `Settings(max_faces=4)` reads nothing but its arguments.

    Every setting is written here once: its type and limits, its default, and below it what it means. From that are
    made the environment variable (``FERCE_MAX_FACES=4``), the name in a settings file (``max_faces = 4``), the command
    line's option with its help (the first paragraph; no option where the type says `NO_OPTION`) and
    ``docs/settings.md``.

    An object never changes; `dataclasses.replace` makes another one. A value that cannot be used raises
    `SettingsError`.
    """

    weights: File = None
    """Weight file of the expression model instead of the shipped one."""
    adapter: File = None
    """File of `ferce adapt`: what labelled pictures of your own deployment change in the expression model's answer.

    It holds for that deployment, and is no truth about any group of people. It is refused with other weights.
    """
    threads: Annotated[int, Field(ge=1, le=64), NOT_A_SWITCH, NO_OPTION] = 2
    """Threads of the detector and the expression model, and of local vision-language models given none of their own."""
    face_threshold: Annotated[float, Field(gt=0, lt=1), NOT_A_SWITCH, NO_OPTION] = 0.7
    """Least score of the detector at which something counts as a face."""
    max_faces: Annotated[int, Field(ge=1, le=256), NOT_A_SWITCH] = 16
    """Read only so many faces, the largest first."""
    small_faces: Annotated[Literal["auto", "always", "never"], BeforeValidator(_when), SMALL_FACES] = "auto"
    """When to search tiles at full resolution for small faces.

    auto: where the first look finds none or only small ones, or the picture is large. True and False mean always and
    never.
    """
    urls: Annotated[bool, NO_OPTION] = False
    """Fetch https:// addresses given to the Python API or the command line, from the public internet only.

    Tools and servers never do.
    """
    flatten: Annotated[float, Field(ge=0, le=1), NOT_A_SWITCH, NO_OPTION] = 0.5
    """How much of the training data's class prior is taken off the expression model's answer.

    Its training pictures are mostly neutral or happy; on photos a flatter prior is nearer to the truth and less
    overconfident.
    """
    vlm: Annotated[Words, Option(metavar="SPEC")] = ""
    """Vision-language model: own (in the package), own:FOLDER, llamacpp:MODEL.gguf+MMPROJ.gguf, hf:ORG/NAME,
    openai:URL#MODEL, python:MODULE:FUNCTION, NAME:… of an installed plugin, or test (says the same always); empty for
    none.
    """
    vlm_when: Literal["always", "unsure"] = "always"
    """Ask the model about every face, or only about those whose expression is unsure without it."""
    vlm_seconds: Annotated[float, Field(gt=0, le=3600), NOT_A_SWITCH] = 60.0
    """Longest wait for one answer of the model."""
    vlm_prompt: Annotated[Words, Option("--prompt")] = ""
    """Prompt by name (perceive, label, regions, …) or file (mine.md); empty for the one that suits the model."""
    vlm_tokens: Annotated[int, Field(ge=1, le=8192), NOT_A_SWITCH, NO_OPTION] = 512
    """Longest answer of the model, in tokens."""
    vlm_repairs: Annotated[int, Field(ge=0, le=10), NOT_A_SWITCH, NO_OPTION] = 2
    """How often an answer that cannot be used is asked for again."""
    vlm_reliability: File = None
    """File of `ferce vlm calibrate`: lets the model's label count in the probabilities."""
    bank: File = None
    """Bank of examples for the prompt, made by `ferce bank build`."""
    shots: Annotated[int, Field(ge=0, le=20), NOT_A_SWITCH, NO_OPTION] = 3
    """How many examples of the bank go into a prompt."""
    scene: bool = False
    """Also show the model the whole picture, downscaled."""
    choose_cause: bool = False
    """Let the model choose among the causes found; it cannot add one."""
    sentences: Annotated[bool, NO_OPTION] = True
    """Compare the caller's sentences with examples of situations; without, only cue words count."""
    transcriber: Annotated[File, NO_OPTION] = None
    """Folder with a Whisper model in CTranslate2's format, which writes down what is said in sounds and films.

    Needs the extra whisper. Nothing is downloaded; without it words are only known where a transcript is given.
    """
    baseline: Annotated[Words, NO_OPTION] = ""
    """Personal baseline that faces and voices are read against: its name (`ferce baseline build`), or a file (me.json).

    `ferce analyze`, `watch`, `listen`, `chat` and `mcp` take it as --baseline. It is read once. Nobody is recognised:
    whoever is alone is taken to be the person. Not together with an adapter.
    """
    budget_ms: Annotated[float, Field(gt=0, le=3_600_000), NOT_A_SWITCH] | None = None
    """Time for one picture, in milliseconds; the vision-language model is left out where it would not fit."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the defaults, overridden by the settings file and then by ``FERCE_*`` variables.

        An empty one counts as not set.

        The file is the one that ``FERCE_SETTINGS`` names; no other place is searched, so that no folder can redirect
        pictures.

        Args:
            environment: Variables to read instead of those of the process.

        Raises:
            SettingsError: The file or a variable has a value that cannot be read, or a ``FERCE_*`` variable is not
                known.
        """
        values = os.environ if environment is None else environment
        given = {name: text.strip() for name, text in values.items() if text.strip() and is_ours(name)}
        variables = {PREFIX + one.name.upper() for one in fields(cls)}
        for name in given:
            if name not in variables and name not in OTHER_VARIABLES:
                known = sorted({*variables, *OTHER_VARIABLES})
                hint = did_you_mean(name[len(PREFIX) :], [one.removeprefix(PREFIX) for one in known], PREFIX)
                raise SettingsError(f"The environment variable {name} is no setting, and would be ignored.", hint=hint)
        file = given.get(f"{PREFIX}SETTINGS")
        return cls._read(given, Path(file) if file else None)

    @classmethod
    def from_file(cls, path: Path | str) -> Settings:
        """Return the defaults, overridden by a TOML file of ``name = value`` lines; no environment is read.

        Raises:
            SettingsError: The file cannot be read, or names an unknown setting or a value of the wrong type.
        """
        return cls._read({}, Path(path))

    @classmethod
    def _read(cls, variables: Mapping[str, str], file: Path | None) -> Settings:
        from ferce_agent.validation.sources import read_sources

        place = file.expanduser() if file else None
        try:
            return cls(**read_sources(cls, CONFIG, PREFIX, variables, place))
        except ValidationError as error:
            raise _misplaced(error, variables, place.name if place else "") from error


def is_ours(name: str) -> bool:
    """Return whether a variable of the environment claims to belong to this package, however it is spelt."""
    return name.upper().startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as options and documentation are made of it.

    Attributes:
        name: Its name in Python and in a settings file.
        schema: JSON schema of its values, without null.
        default: Its default.
        description: What it means, in paragraphs.
        option: How the command line offers it.
    """

    name: str
    schema: Mapping[str, Any]
    default: Any
    description: str
    option: Option

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    @property
    def summary(self) -> str:
        """The first paragraph of the description, on one line."""
        return " ".join(self.description.partition("\n\n")[0].split())

    @property
    def options(self) -> tuple[str, ...]:
        """Its options on the command line."""
        if not self.option.offered:
            return ()
        name = self.option.name or "--" + self.name.replace("_", "-")
        return tuple(flag for flag, *_ in self.option.flags) or (name,)


def shown_value(value: object) -> str:
    """Return a value in words: numbers without useless digits, true and false, and none for nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return str(value or "none")


def settings_table() -> tuple[Setting, ...]:
    """Return all settings in the order in which they are written."""
    declared = Settings.__pydantic_fields__  # type: ignore[attr-defined]
    return tuple(_setting(name, field, _schema()[name]) for name, field in declared.items())


def _setting(name: str, field: FieldInfo, schema: Mapping[str, Any]) -> Setting:
    option = next((mark for mark in field.metadata if isinstance(mark, Option)), Option())
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    return Setting(name, kinds[0], field.default, (field.description or "").strip(), option)


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


def _misplaced(error: ValidationError, variables: Mapping[str, str], file: str) -> SettingsError:
    """Return what is wrong with a value of the environment or a file, by the name that it has there."""
    (name, *_), value, unknown, _ = first_problem(error)
    if unknown:
        hint = "Write name = value, without a [section]." if isinstance(value, dict) else did_you_mean(name, _schema())
        return SettingsError(f"{file} names the unknown setting {shown(name)}.", hint=hint)
    variable = PREFIX + name.upper()
    place = f"{variable}={shown(value)}" if variable in variables else f"{file}: {name} = {shown(value)}"
    return SettingsError(f"{place} is not usable.", hint=_refused(error).hint)
