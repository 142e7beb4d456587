"""Values for the fields of a dataclass from variables and a TOML file, read and checked by pydantic-settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict, create_model
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ferce_agent.errors import SettingsError
from ferce_agent.validation.fields import shown

MAX_FILE: Final = 1_000_000
"""Bytes of a settings file."""


def read_sources(
    declared: type[Any], config: ConfigDict, prefix: str, variables: Mapping[str, str], file: Path | None
) -> dict[str, Any]:
    """Return the checked values that variables and a file give, by field; a variable counts for more than the file.

    Args:
        declared: A pydantic dataclass; its fields say what can be set.
        config: How its values are checked.
        prefix: What the variables begin with; the field's name in capitals follows.
        variables: The variables to read; no others are.
        file: A TOML file of ``name = value`` lines; None for none.

    Raises:
        SettingsError: The file cannot be read.
        pydantic.ValidationError: A value cannot be used, or the file names something else.
    """

    class Sources(BaseSettings):
        # The fields bring their descriptions; looking for docstrings would touch files, which an event loop must not.
        model_config = SettingsConfigDict(**{**config, "use_attribute_docstrings": False}, env_prefix=prefix)  # type: ignore[typeddict-item]  # not all keys

        @classmethod
        def settings_customise_sources(  # its arguments are the usual sources, none of which is wanted
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            environment = _Variables(settings_cls, variables)
            return (environment,) if file is None else (environment, _File(settings_cls, file))

    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in declared.__pydantic_fields__.items()}
    read = create_model(declared.__name__, __base__=Sources, **fields)()
    return {name: getattr(read, name) for name in read.model_fields_set}


class _Variables(EnvSettingsSource):
    """Variables of a mapping instead of those of the process."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = {name.lower(): text for name, text in variables.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables


class _File(TomlConfigSettingsSource):
    """A file that must be there, of limited size, with or without a mark of its encoding."""

    def __init__(self, settings_cls: type[BaseSettings], file: Path) -> None:
        if not file.is_file():
            raise SettingsError(
                f"The settings file {shown(file.name)} cannot be read: there is no such file.", hint="Name a TOML file."
            )
        super().__init__(settings_cls, file)

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            with file_path.open("rb") as file:
                data = file.read(MAX_FILE + 1)
            if len(data) > MAX_FILE:
                raise SettingsError(f"The settings file {file_path.name} is too large.", hint="Is it a TOML file?")
            return tomllib.loads(data.decode("utf-8-sig"))  # Windows editors put a mark at the beginning
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise SettingsError(
                f"The settings file {file_path.name} cannot be read: {shown(error)}.", hint="It must be TOML in UTF-8."
            ) from error
