"""The arguments of the tool `run_scenario`, the same for LangChain and MCP."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ferce_agent.errors import ClipTooLargeError, SettingsError
from ferce_agent.inputs.photo import DEFAULT_LIMITS
from ferce_agent.policy.use import UseContext, read_use
from ferce_agent.report.schemas import SchemaOf
from ferce_agent.tools.arguments import (
    REFUSED,
    Detail,
    json_object,
    read_use_context,
    reader,
    use_schema,
)
from ferce_agent.tools.clip_arguments import MOST_TEXT, number_reader
from ferce_agent.validation.refusal import printed, value_of

Offered = Literal["driver", "engagement", "audience", "moderation"]
"""Scenarios that agents may run. What somebody keeps of their own weeks is not an agent's to name."""
MOST_SOURCES: Final = 200
"""Sources of one call."""
MOST_GROUPS: Final = 20
HOW: Final = "Give paths of files in an allowed folder, or data URLs (data:video/mp4;base64,…)."
OPTIONS: Final = (
    "What the scenario lets you choose. driver: speed_kmh, or speeds as [seconds, km/h] pairs. engagement: markers as "
    "[seconds, name] pairs, length_s. audience: timeline as [seconds, title] pairs, length_s, step_s."
)


def read_sources(sources: object) -> list[str] | None:
    """Return paths and data URLs; a single one is a list of one.

    Raises:
        SettingsError: They are no texts, or too many.
        ClipTooLargeError: One is a data URL of more bytes than a request may have.
    """
    if sources is None:
        return None
    given = sources if isinstance(sources, list | tuple) else [sources]
    if len(given) > MOST_SOURCES:
        raise SettingsError(
            f"There are {len(given):,} sources; at most {MOST_SOURCES} are taken.", hint="Run it in parts."
        )
    found = [os.fspath(one) if isinstance(one, os.PathLike) else one for one in given]
    return [_text(one) for one in found]


def _text(source: object) -> str:
    if not isinstance(source, str):
        raise SettingsError(f"A source must be text, not {value_of(source)}.", hint=HOW)
    if len(source) > MOST_TEXT:
        raise ClipTooLargeError(
            f"A source sent as text may have at most {DEFAULT_LIMITS.max_bytes:,} bytes.",
            hint="Give the path of a file in an allowed folder.",
        )
    return source


def read_groups(groups: object) -> dict[str, list[str]] | None:
    """Return sources by the name of their group, which may be sent as JSON text too.

    Raises:
        SettingsError: They are not such fields, or too many.
    """
    if groups is None:
        return None
    found = json_object(groups) or groups
    if not isinstance(found, dict):
        raise SettingsError(f"groups must be sources by name, not {value_of(groups)}.", hint='{"a": […], "b": […]}')
    if len(found) > MOST_GROUPS:
        raise SettingsError(f"There are {len(found)} groups; at most {MOST_GROUPS} are taken.")
    return {str(name): read_sources(those) or [] for name, those in found.items()}


def read_fields(options: object) -> dict[str, Any] | None:
    """Return options by name, which may be sent as JSON text too.

    Raises:
        SettingsError: They are no fields.
    """
    found = json_object(options) or options
    if found is None or isinstance(found, dict):
        return found
    raise SettingsError(f"options must be fields by name, not {value_of(options)}.")


def read_use_unobserved(use: object) -> object:
    """Return the use; who reads the report is said by whoever set the tool up, never by the agent.

    Raises:
        SettingsError: It is not usable, or says who reads.
    """
    found = read_use_context(use)
    if found is not None and read_use(found).observer is not None:  # type: ignore[arg-type]  # it was just read
        raise SettingsError(
            "observer is not yours to say.", hint="Leave it out; whoever set this tool up says who reads its answers."
        )
    return found


class RunScenarioInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    scenario: Offered = Field(
        description="driver: one film of a driver. engagement: films of people before a screen. audience: films of "
        "viewers of the same content, one each. moderation: photos and films for a human reviewer."
    )
    sources: Annotated[list[str] | None, reader(read_sources)] = Field(
        default=None, description="Paths of files in an allowed folder, or data URLs."
    )
    groups: Annotated[dict[str, list[str]] | None, reader(read_groups)] = Field(
        default=None,
        description="Instead of sources, to compare versions of the content: sources by version. Audience.",
    )
    options: Annotated[dict[str, Any] | None, reader(read_fields)] = Field(default=None, description=OPTIONS)
    end_s: Annotated[float | None, reader(number_reader("end_s", "seconds", above_zero=True))] = Field(
        default=None, description="Read films up to there, in seconds."
    )
    use_context: Annotated[UseContext | None, reader(read_use_unobserved), SchemaOf(use_schema)] = Field(
        default=None,
        description="What the answer is used for; some uses are restricted or refused. audience needs consent.",
    )
    detail: Detail = Field(default="brief", description="full: the whole report, which is long.")

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if self.sources or self.groups:
            return self
        message = f"There is nothing to read for {printed(self.scenario)}. {HOW}"
        raise PydanticCustomError(REFUSED, "{message}", {"message": message})
