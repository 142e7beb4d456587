"""Answers of the server as they are sent: status, media type, bytes; plain data that can cross to another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from starlette.responses import Response

from ferce_agent.errors import FerceError
from ferce_agent.report import EmotionReport
from ferce_agent.views.brief import to_brief, to_brief_text
from ferce_agent.web.answers import error_body, error_headers, status_of

JSON: Final = "application/json"
"""Media type of reports and errors."""
TEXT: Final = "text/plain; charset=utf-8"
"""Media type of briefs in words."""
WHOLE: Final = "view=full"
"""What a client sets to get the whole report."""
View = Literal["full", "brief", "text"]
"""What a client wants: the whole report, the brief as data, or the brief in words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, ready to be sent. It can be pickled.

    Attributes:
        status: HTTP status.
        body: The body.
        media_type: Its type.
        headers: Headers beyond the usual ones.
        faces: Faces in the report.
        code: Code of the error; empty if it is none.
        stages: Wall-clock milliseconds by stage of the work.
    """

    status: int
    body: bytes = field(repr=False)
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    faces: int = 0
    code: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it as a response."""
        return Response(self.body, self.status, dict(self.headers), self.media_type)


def photo_answer(report: EmotionReport, view: View, milliseconds: float) -> Answer:
    """Return a photo's report in the view that the client wants.

    Args:
        report: The report.
        view: The view.
        milliseconds: What reading it took, without decoding.
    """
    body, media_type = _body(report, view)
    stages = {**report.provenance.timings_ms, "read": milliseconds}
    return Answer(200, body, media_type, faces=len(report.people), stages=stages)


def _body(report: EmotionReport, view: View) -> tuple[bytes, str]:
    if view == "full":
        return report.model_dump_json().encode(), JSON
    brief = to_brief(report)
    if view == "text":
        return to_brief_text(brief, WHOLE).encode(), TEXT
    return encoded(brief.told()), JSON


def error_answer(error: FerceError, status: int | None = None) -> Answer:
    """Return an error as an answer.

    Args:
        error: The error.
        status: Its status, if it is not that of `status_of`.
    """
    headers = error_headers(error, status)
    return Answer(status or status_of(error), encoded(error_body(error)), headers=headers, code=error.code)


def encoded(data: Mapping[str, object]) -> bytes:
    """Return data as JSON."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
