"""Lines of JSON: of answers, of failures, and on a full disk."""

from __future__ import annotations

import io
import json
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from ferce_agent.service.logs import json_log, log_failures


def test_what_the_process_reports_is_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    out = io.StringIO()
    log_failures(out, "ferce_logs_test")
    logger = logging.getLogger("ferce_logs_test.readers")
    logger.error("A reader ended (%d times).", 2)
    try:
        raise OSError("no memory")
    except OSError:
        logger.exception("None could be started.")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["event"], first["level"]) == ("A reader ended (2 times).", "error")
    assert first["logger"] == "ferce_logs_test.readers"
    assert "timestamp" in first
    assert "OSError: no memory" in second["exception"]


def test_what_others_report_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    out = io.StringIO()
    log_failures(out, "ferce_logs_other_test")
    logger = logging.getLogger("somebody.else")
    logger.warning("Unknown method: %s", "what a client sent")
    try:
        raise ValueError("what a client sent")
    except ValueError:
        logger.exception("what a client sent")
    assert "what a client sent" not in out.getvalue()
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["level"], first["logger"]) == ("warning", "somebody.else")
    assert first["event"].startswith("reported at test_logs.py:")
    assert second["event"].startswith("ValueError at test_logs.py:")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_costs_lines_of_the_log_and_nothing_else() -> None:
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  # closing it fails as well
    json_log(full)({"id": "1", "status": 200})
    with suppress(OSError):
        full.close()
    out = io.StringIO()
    json_log(out)({"id": "1", "status": 200})
    assert json.loads(out.getvalue())["status"] == 200
