"""The arguments of the photo tool, the same for LangChain and MCP, and how the arguments of both tools are read.

What a model may send, how it is read, how it is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.inputs.situation import MAX_TEXT, Situation, read_situation
from ferce_agent.keeping.baselines import checked_name
from ferce_agent.policy.use import UseContext, read_use
from ferce_agent.report.schemas import SchemaOf, inlined, slim
from ferce_agent.specialist.labels import read_labels
from ferce_agent.validation.refusal import unusable, value_of

REFUSED = "ferce_argument"
"""How pydantic calls what one of our own readers refuses."""
Detail = Literal["brief", "full"]
"""How much to answer: a brief, or the whole report."""
MOST_WORDS: Final = 200_000
"""Longest transcript, in characters: some hours of speech."""
InputT = TypeVar("InputT", bound=BaseModel)


def reader(read: Callable[[Any], Any]) -> BeforeValidator:
    """Return a validator that reads a value by one of this package's readers and keeps its message."""

    def checked(value: Any) -> Any:
        try:
            return read(value)
        except FerceError as error:
            # Braces of the message are no fields to be filled in.
            raise PydanticCustomError(REFUSED, "{message}", {"message": str(error)}) from error

    return BeforeValidator(checked)


def read_image(image: object) -> str:
    """Return the photo's address as text.

    Raises:
        SettingsError: It is no text.
    """
    if isinstance(image, os.PathLike):
        image = os.fspath(image)
    if not isinstance(image, str):
        hint = "Give a data URL (data:image/jpeg;base64,…) or the path of a file in an allowed folder."
        raise SettingsError(f"image must be text, not {value_of(image)}.", hint=hint)
    return image


def read_context(context: object) -> object:
    """Return the caller's context: plain words as they are, anything else as a `Situation`.

    Some clients send objects as JSON text: a text that is a JSON object with a field of `Situation` is read as one.

    Raises:
        SettingsError: It is not usable.
    """
    fields = json_object(context)
    if fields is not None and set(fields) & set(Situation.model_fields):
        return read_situation(fields)
    situation = read_situation(context)  # type: ignore[arg-type]  # it refuses what it cannot read
    return context if context is None or isinstance(context, str) else situation


def read_use_context(use: object) -> object:
    """Return the use, which may be sent as JSON text too.

    Raises:
        SettingsError: It is not usable.
    """
    return None if use is None else read_use(json_object(use) or use)  # type: ignore[arg-type]  # as above


def json_object(value: object) -> dict[str, Any] | None:
    """Return what a JSON object written as text holds; None for anything else."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def context_schema() -> dict[str, Any]:
    """Return the JSON Schema of the context: words, or the fields of a situation."""
    fields = slim(inlined(Situation.model_json_schema()))
    return {"anyOf": [{"type": "string", "maxLength": MAX_TEXT}, fields]}


def use_schema() -> dict[str, Any]:
    """Return the JSON Schema of the use context, without who reads: only rules of scenarios ask for that."""
    found = observed_use_schema()
    del found["properties"]["observer"]
    return found


def observed_use_schema() -> dict[str, Any]:
    """Return the JSON Schema of the whole use context; what may be null is simply left out by a model."""
    found: dict[str, Any] = slim(inlined(UseContext.model_json_schema()))
    for field in found["properties"].values():
        field["description"] = field["description"].partition("; null")[0].removesuffix(".") + "."
    return found


class AnalyzeExpressionInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[str, reader(read_image)] = Field(
        description="The photo: a data URL (data:image/jpeg;base64,…) or the path of a file in an allowed folder."
    )
    context: Annotated[str | Situation | None, reader(read_context), SchemaOf(context_schema)] = Field(
        default=None, description="What is known about the situation, in plain words or as fields. Optional."
    )
    labels: Annotated[list[str], reader(lambda labels: list(read_labels(labels)))] = Field(
        default_factory=list,
        max_length=100,
        description="2 to 100 words of your own to rank for each face, such as bored, amused. Optional.",
    )
    baseline: Annotated[str | None, reader(read_baseline_name)] = Field(
        default=None, description="Name of the kept baseline of the one person shown. Optional."
    )
    use_context: Annotated[UseContext | None, reader(read_use_context), SchemaOf(use_schema)] = Field(
        default=None, description="What the answer is used for; some uses are restricted or refused. Optional."
    )
    detail: Detail = Field(default="brief", description="full: the whole report, which is long.")


def read_arguments(arguments: Mapping[str, Any], model: type[InputT]) -> InputT:
    """Return a client's arguments as the model of a tool's arguments.

    Raises:
        SettingsError: One is unknown, missing or not usable; the message names it.
    """
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        raise argument_error(error, model) from error


def argument_error(error: ValidationError, model: type[BaseModel]) -> SettingsError:
    """Return what is wrong with the arguments of a tool, in plain words.

    An unknown name first, since others may follow from it.
    """
    unknown = any(one["type"] == "extra_forbidden" for one in error.errors(include_url=False))
    own = next((one for one in error.errors(include_url=False) if one["type"] == REFUSED), None)
    if own is not None and not unknown:
        return SettingsError(str(own["ctx"]["message"]))
    return unusable(error, "The call", model)


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments, small enough for a model's prompt."""
    found: dict[str, Any] = slim(model.model_json_schema())
    return found


def read_baseline_name(name: object) -> str | None:
    """Return the name of a kept baseline as it is kept; never a path.

    Raises:
        SettingsError: It can be no name.
    """
    return None if name is None else checked_name(name)  # type: ignore[arg-type]  # it refuses what is no text


def read_words(transcript: object) -> str | None:
    """Return the transcript as it was sent: the words themselves, never the name of a file.

    Raises:
        SettingsError: It is no text, or too long.
    """
    if transcript is None:
        return None
    if not isinstance(transcript, str):
        raise SettingsError(
            f"transcript must be text, not {value_of(transcript)}.", hint="Give the words, or the text of an SRT file."
        )
    if len(transcript) > MOST_WORDS:
        raise SettingsError(
            f"The transcript has {len(transcript):,} characters; at most {MOST_WORDS:,} are taken.",
            hint="Give a part of the recording with start_s and end_s, and its words.",
        )
    return transcript if transcript.strip() else None
