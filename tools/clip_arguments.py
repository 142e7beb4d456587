"""The arguments of the clip tool, the same for LangChain and MCP."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ferce_agent.errors import ClipTooLargeError, SettingsError
from ferce_agent.inputs.photo import DEFAULT_LIMITS
from ferce_agent.policy.use import UseContext
from ferce_agent.report.schemas import SchemaOf
from ferce_agent.tools.arguments import (
    REFUSED,
    Detail,
    read_baseline_name,
    read_use_context,
    read_words,
    reader,
    use_schema,
)
from ferce_agent.validation.refusal import value_of

MOST_TEXT: Final = DEFAULT_LIMITS.max_bytes * 4 // 3 + 200
"""Longest data URL of a film: as many bytes as a photo may have, as base64."""
LONGEST_S: Final = 86_400.0 * 365
"""Latest time of a film that is understood, in seconds."""
HOW: Final = "Give the path of a file or folder in an allowed folder, or a data URL (data:video/mp4;base64,…)."


def read_clip(clip: object) -> str:
    """Return the film's path or data URL as text.

    Raises:
        SettingsError: It is no text.
        ClipTooLargeError: It is a data URL of more bytes than a request may have.
    """
    if isinstance(clip, os.PathLike):
        clip = os.fspath(clip)
    if not isinstance(clip, str):
        raise SettingsError(f"clip must be text, not {value_of(clip)}.", hint=HOW)
    if len(clip) > MOST_TEXT:
        raise ClipTooLargeError(
            f"A film sent as text may have at most {DEFAULT_LIMITS.max_bytes:,} bytes.",
            hint="Give the path of a file in an allowed folder.",
        )
    return clip


def number_reader(name: str, unit: str, *, above_zero: bool = False) -> Callable[[Any], float | None]:
    """Return a reader of an argument that is a number, or is left out.

    Args:
        name: The argument.
        unit: What it counts, for the message.
        above_zero: Whether 0 is refused.
    """

    def read(value: Any) -> float | None:
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise SettingsError(f"{name} must be a number of {unit}, not {value_of(value)}.")
        if number < 0 or number > LONGEST_S or (above_zero and not number):
            least = "more than 0" if above_zero else "at least 0"
            raise SettingsError(f"{name} must be {least} and at most {LONGEST_S:.0f}, not {value_of(value)}.")
        return number

    return read


def check_order(start_s: float | None, end_s: float | None) -> None:
    """Refuse a part that ends before it begins, as a validator of arguments does.

    Raises:
        PydanticCustomError: It does; `argument_error` passes the message on.
    """
    if end_s is not None and end_s <= (start_s or 0.0):
        message = f"end_s ({end_s:g}) must be after start_s ({start_s or 0.0:g}). Times are seconds."
        raise PydanticCustomError(REFUSED, "{message}", {"message": message})


class AnalyzeClipInput(BaseModel):
    """Arguments of the tool."""

    model_config = ConfigDict(extra="forbid")

    clip: Annotated[str, reader(read_clip)] = Field(
        description=(
            "The film: the path of a file, or of a folder of pictures, in an allowed folder; or a data URL "
            "(data:video/mp4;base64,…)."
        )
    )
    start_s: Annotated[float | None, reader(number_reader("start_s", "seconds"))] = Field(
        default=None, description="Where to begin, in seconds of the film."
    )
    end_s: Annotated[float | None, reader(number_reader("end_s", "seconds"))] = Field(
        default=None, description="Where to end, in seconds of the film."
    )
    fps: Annotated[float | None, reader(number_reader("fps", "frames a second", above_zero=True))] = Field(
        default=None, description="Read only so many frames a second: faster, coarser."
    )
    micro: bool = Field(
        default=False,
        description="Also look for possible micro-expressions; needs 25 frames a second, and proves nothing.",
    )
    sound: bool = Field(default=True, description="Whether the sound track is listened to.")
    transcript: Annotated[str | None, reader(read_words)] = Field(
        default=None, description="What is said: plain text, SRT or WebVTT."
    )
    keep_words: bool = Field(default=False, description="Whether the answer may hold the words themselves.")
    baseline: Annotated[str | None, reader(read_baseline_name)] = Field(
        default=None, description="Name of the person's kept baseline."
    )
    use_context: Annotated[UseContext | None, reader(read_use_context), SchemaOf(use_schema)] = Field(
        default=None, description="What the answer is used for; some uses are restricted or refused. Optional."
    )
    detail: Detail = Field(default="brief", description="full: the whole report, which is long.")

    def chosen(self) -> dict[str, Any]:
        """Return what `analyze_clip` of Python is told besides the film, by its argument's names."""
        names = ("start_s", "end_s", "fps", "micro", "sound", "transcript", "keep_words", "baseline", "use_context")
        return {name: getattr(self, name) for name in names}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.start_s, self.end_s)
        return self
