"""What became of one item of a batch: its rows and its whole report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferce_agent.batch.columns import row_of_error
from ferce_agent.batch.executor import Row
from ferce_agent.batch.items import Item
from ferce_agent.errors import FerceError
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.report.speech import VoiceReport


@dataclass(frozen=True, slots=True)
class ReadItem:
    """What became of one item.

    Attributes:
        rows: Its rows in the table of its kind, at least one.
        report: Its report as a line of JSON; empty if it failed or reports are not wanted.
        failed: Whether it could not be read.
        more: Its rows in other tables, by name of the table.
        packed: Its rows in others that are too many to be objects, as a Parquet file by name of the table.
    """

    rows: tuple[Row, ...]
    report: str = ""
    failed: bool = False
    more: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    packed: Mapping[str, bytes] = field(default_factory=dict)


def failed(item: Item, error: FerceError) -> ReadItem:
    """Return what became of an item that met an error."""
    return ReadItem((row_of_error(item.source, error),), failed=True)


def report_line(source: str, report: EmotionReport | ClipReport | VoiceReport, stamp: str) -> str:
    """Return a report as a line; how long its stages took is left out, so that files do not differ by it.

    Args:
        source: Name of the item.
        report: Its report.
        stamp: The time that it says it was made at (ISO 8601); empty if none is wanted, which gives no line.
    """
    if not stamp:
        return ""
    plain = report.model_dump(mode="json")
    plain["provenance"] |= {"timings_ms": {}, "created_at": stamp}
    return json.dumps({"source": source, "report": plain}, ensure_ascii=False, separators=(",", ":"))
