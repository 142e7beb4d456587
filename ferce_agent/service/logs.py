"""Logs: a line of JSON for each answer; never what was sent, names of files, words told, or tokens."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO

from ferce_agent.web.edge import without_words

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

    What other packages report is written by its place and the kind of its error: their words, as those of the MCP
    library on a message that it cannot read, could repeat what a client sent.

    Args:
        out: Where to.
        name: The logger whose reports, and those of the loggers below it, are written with their words.
    """
    from structlog.processors import format_exc_info

    own = logging.getLogger(name)
    own.addHandler(_handler(out, format_exc_info))
    own.propagate = False
    # The root has a handler before the MCP library looks for one, and else adds its own, which writes for people.
    logging.getLogger().addHandler(_handler(out, _only_place))


def _handler(out: TextIO, processor: Any) -> logging.Handler:
    from structlog import stdlib

    handler = logging.StreamHandler(out)
    handler.setFormatter(
        stdlib.ProcessorFormatter(
            foreign_pre_chain=[stdlib.add_log_level, stdlib.add_logger_name, _now()],
            processors=[processor, stdlib.ProcessorFormatter.remove_processors_meta, _as_json()],
        )
    )
    return handler


def _only_place(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put where a report came from in place of what it says."""
    record: logging.LogRecord = fields["_record"]
    told = fields.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else None
    fields["event"] = without_words(error) if error else f"reported at {record.filename}:{record.lineno}"
    return fields


def _now() -> Any:
    from structlog.processors import TimeStamper

    return TimeStamper(fmt="iso", utc=True)


def _as_json() -> Any:
    from structlog.processors import JSONRenderer

    return JSONRenderer()
