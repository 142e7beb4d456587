"""What a preset says: how faces are read, for what use, against which limits with which sources, and what it is not."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import resources
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ferce_agent.concurrency.lazy import once_each
from ferce_agent.errors import SettingsError
from ferce_agent.policy.use import UseContext, read_use
from ferce_agent.report.common import Text, Token
from ferce_agent.report.scenario import Limit, ScenarioName
from ferce_agent.settings import Settings
from ferce_agent.validation.fields import did_you_mean
from ferce_agent.validation.refusal import printed

Takes = Literal["photo", "clip", "camera", "session"]
"""What a scenario reads: photos, films, a camera, or a person's session."""
NAMES: Final[tuple[ScenarioName, ...]] = ("driver", "wellbeing", "engagement", "audience", "moderation")
"""The scenarios that have a preset, in the order in which they are listed."""


class Entry(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class LimitEntry(Entry):
    """A threshold of the preset."""

    value: float
    """The number."""
    unit: Token
    """Its unit."""
    source: Text
    """A rule, a study, or `Own choice` with the reason."""


class Reading(Entry):
    """How films are read."""

    landmarks: bool = False
    """Whether MediaPipe's landmark model measures the eyes, where it is installed."""
    sound: bool = False
    """Whether the sound track is listened to."""
    fps: float | None = None
    """Read at most so many frames a second; null for all."""
    expressions: bool = True
    """Whether expressions are read where the rules allow it; else movements alone."""
    body: bool = True
    """Whether MediaPipe's pose model looks for hands before faces, where it is installed."""


class Preset(Entry):
    """A scenario's file; see `presets/`."""

    name: ScenarioName
    """Name of the scenario."""
    title: Text
    """What it is called."""
    about: Text
    """What it does, in a sentence or two."""
    is_not: tuple[Text, ...] = Field(min_length=1)
    """What its report must not be used as."""
    takes: tuple[Takes, ...] = Field(min_length=1)
    """What it reads."""
    many: bool
    """Whether it reads several sources together."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Fields of `Settings` that differ from the usual ones."""
    reading: Reading = Reading()
    """How films are read."""
    use: UseContext
    """What it is used for, where the caller does not say otherwise."""
    limits: dict[Token, LimitEntry]
    """Every threshold that its module uses, by name."""

    def limit(self, name: str) -> Limit:
        """Return a threshold with its source, as a report holds it."""
        one = self.limits[name]
        return Limit(value=one.value, source=one.source)

    def value(self, name: str) -> float:
        """Return a threshold."""
        return self.limits[name].value

    def used_for(self, said: UseContext) -> UseContext:
        """Return what a run is used for: what the caller says, and the preset's own use where nothing is said."""
        given = said.model_dump(exclude_unset=True)
        return read_use({**self.use.told(), **{name: one for name, one in given.items() if one not in (None, "")}})

    def settings_over(self, settings: Settings) -> Settings:
        """Return settings with those of the preset on top."""
        return replace(settings, **self.settings)


def preset(name: str) -> Preset:
    """Return the preset of a scenario.

    Raises:
        SettingsError: There is no such scenario.
    """
    if name not in NAMES:
        raise SettingsError(f"There is no scenario '{printed(name)}'.", hint=did_you_mean(name, NAMES))
    return _preset(name)


def presets() -> tuple[Preset, ...]:
    """Return all presets."""
    return tuple(_preset(name) for name in NAMES)


def parse_preset(text: str) -> Preset:
    """Return the preset of a TOML text.

    Raises:
        SettingsError: The text is not TOML, or does not hold together.
    """
    try:
        return Preset.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError("The preset is damaged.", hint=str(error)) from error


@once_each
def _preset(name: str) -> Preset:
    file = resources.files("ferce_agent.scenarios") / "presets" / f"{name}.toml"
    return parse_preset(file.read_text("utf-8"))
