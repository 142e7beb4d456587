"""Parts of reports that are kept as JSON: a stretch of a film or of a recording."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter, ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport, VoiceReport
from ferce_agent.tools.clip_parts import HOW, part_of
from ferce_agent.tools.voice_parts import part_of_voice
from ferce_agent.validation.refusal import printed

TIMED: Final[TypeAdapter[ClipReport | VoiceReport]] = TypeAdapter(ClipReport | VoiceReport)
"""Reports that have times."""


def part_kept(text: str, from_s: str, to_s: str) -> str:
    """Return a part of a report that is kept as JSON; see `part_of` and `part_of_voice`.

    Args:
        text: The whole report.
        from_s: Beginning of the stretch, in seconds of the film or the recording.
        to_s: Its end.

    Raises:
        SettingsError: The report is about neither, or the times are no stretch.
    """
    try:
        report = TIMED.validate_json(text)
    except ValidationError as error:
        raise SettingsError("Only reports on films and voices have parts.", hint="Read it without times.") from error
    try:
        stretch = float(from_s), float(to_s)
    except ValueError as error:
        raise SettingsError(f"'{printed(from_s)}' and '{printed(to_s)}' are no times.", hint=HOW) from error
    part = part_of(report, *stretch) if isinstance(report, ClipReport) else part_of_voice(report, *stretch)
    return part.model_dump_json()
