"""Logs: a line of JSON for each answer; never what was sent, names of files, words told, or tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ferce_agent.service.service import LogLine


def json_log(out: TextIO) -> LogLine:
    """Return what writes lines of JSON to a stream: time, id, client, route, status, milliseconds, bytes, faces."""
    import structlog

    logger = structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.BoundLogger,
    )

    def write(fields: Mapping[str, object]) -> None:
        logger.info("answered", **fields)

    return write
