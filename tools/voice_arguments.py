"""The arguments of the voice tool, the same for LangChain and MCP."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ferce_agent.errors import SettingsError, SoundTooLargeError
from ferce_agent.inputs.photo import DEFAULT_LIMITS
from ferce_agent.policy.use import UseContext
from ferce_agent.report.schemas import SchemaOf
from ferce_agent.tools.arguments import Detail, read_baseline_name, read_use_context, read_words, reader, use_schema
from ferce_agent.tools.clip_arguments import MOST_TEXT, check_order, number_reader
from ferce_agent.validation.refusal import value_of

HOW: Final = "Give the path of a file in an allowed folder, or a data URL (data:audio/ogg;base64,…)."


def read_voice(voice: object) -> str:
    """Return the recording's path or data URL as text.

    Raises:
        SettingsError: It is no text.
        SoundTooLargeError: It is a data URL of more bytes than a request may have.
    """
    if isinstance(voice, os.PathLike):
        voice = os.fspath(voice)
    if not isinstance(voice, str):
        raise SettingsError(f"voice must be text, not {value_of(voice)}.", hint=HOW)
    if len(voice) > MOST_TEXT:
        raise SoundTooLargeError(
            f"A recording sent as text may have at most {DEFAULT_LIMITS.max_bytes:,} bytes.",
            hint="Give the path of a file in an allowed folder.",
        )
    return voice


class AnalyzeVoiceInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    voice: Annotated[str, reader(read_voice)] = Field(
        description=(
            "The recording: a data URL (data:audio/ogg;base64,…) or the path of a file in an allowed folder; a film's "
            "sound track will do."
        )
    )
    transcript: Annotated[str | None, reader(read_words)] = Field(
        default=None, description="What is said: plain text, SRT or WebVTT. Optional."
    )
    keep_words: bool = Field(default=False, description="Whether the answer may hold the words themselves.")
    start_s: Annotated[float | None, reader(number_reader("start_s", "seconds"))] = Field(
        default=None, description="Where to begin, in seconds. Optional."
    )
    end_s: Annotated[float | None, reader(number_reader("end_s", "seconds"))] = Field(
        default=None, description="Where to end, in seconds. Optional."
    )
    baseline: Annotated[str | None, reader(read_baseline_name)] = Field(
        default=None, description="Name of the kept baseline of the one who speaks. Optional."
    )
    use_context: Annotated[UseContext | None, reader(read_use_context), SchemaOf(use_schema)] = Field(
        default=None, description="What the answer is used for; some uses are restricted or refused. Optional."
    )
    detail: Detail = Field(default="brief", description="full: the whole report, which is long.")

    def chosen(self) -> dict[str, Any]:
        """Return what `analyze_voice` of Python is told besides the sound, by its argument's names."""
        return {
            "transcript": self.transcript,
            "keep_words": self.keep_words,
            "baseline": self.baseline,
            "use": self.use_context,
        }

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.start_s, self.end_s)
        return self
