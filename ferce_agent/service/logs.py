"""Logs: a line of JSON for each answer; never what was sent, names of files, words told, or tokens."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ferce_agent.service.service import LogLine


def json_log(out: TextIO) -> LogLine:
    """Return what writes lines of JSON to a stream: time, id, client, route, status, milliseconds, bytes, faces."""
    import structlog

    logger = structlog.wrap_logger(
        structlog.WriteLogger(out), processors=[_now(), _as_json()], wrapper_class=structlog.BoundLogger
    )

    def write(fields: Mapping[str, object]) -> None:
        with contextlib.suppress(OSError):  # a full disk costs lines of the log, and no answers
            logger.info("answered", **fields)

    return write


def log_failures(out: TextIO, name: str = "ferce_agent") -> None:
    """Write what this process itself reports, such as a reader that died, as lines of JSON too, with level and logger.

    Args:
        out: Where to.
        name: The logger whose reports, and those of the loggers below it, are written.
    """
    from structlog import stdlib
    from structlog.processors import format_exc_info

    handler = logging.StreamHandler(out)
    handler.setFormatter(
        stdlib.ProcessorFormatter(
            foreign_pre_chain=[stdlib.add_log_level, stdlib.add_logger_name, _now()],
            processors=[stdlib.ProcessorFormatter.remove_processors_meta, format_exc_info, _as_json()],
        )
    )
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.propagate = False  # else the MCP library writes them once more, for people


def _now() -> Any:
    from structlog.processors import TimeStamper

    return TimeStamper(fmt="iso", utc=True)


def _as_json() -> Any:
    from structlog.processors import JSONRenderer

    return JSONRenderer()
