"""How `ferce analyze` tells what it found: as text, JSON, JSON lines or a table, one photo after the other."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ferce_agent.cli.output import complain, echo_json, encoding_of, shown, terminal_width, wants_colour, write_text
from ferce_agent.errors import FerceError
from ferce_agent.views.characters import fitted

if TYPE_CHECKING:
    from ferce_agent.report import EmotionReport
    from ferce_agent.views.tables import Row

Form = Literal["text", "json", "lines", "csv"]
"""What goes to standard output: text, one report, one line of JSON a photo, or the rows of a table."""


@dataclass
class Results:
    """Prints each photo's result, and counts.

    Attributes:
        form: What is printed.
        total: How many photos there are.
        table: Also write a table to this file at the end.
        full: Tell everything about everyone in the text.
        colour: Whether to colour the text; None: where the terminal can show it.
        pause: Takes a progress bar away while something is printed.
    """

    form: Form
    total: int
    table: Path | None = None
    full: bool = False
    colour: bool | None = None
    pause: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    rows: list[Row] = field(default_factory=list)
    done: int = 0
    failed: int = 0

    def begin(self) -> None:
        """Print what comes before the first photo."""
        if self.form == "csv":
            from ferce_agent.views.tables import header

            click.echo(header(), nl=False)

    def add(self, photo: str, report: EmotionReport) -> None:
        """Print the report of one photo."""
        from ferce_agent.views.tables import csv_text, report_rows

        self.done += 1
        rows = report_rows(report, plain_name(photo))
        self.rows += rows if self.table else []
        with self.pause():
            if self.form == "text":
                self._text(photo, report)
            elif self.form == "json":
                echo_json(report.model_dump(mode="json"))
            elif self.form == "csv":
                click.echo(csv_text(rows), nl=False)
            else:
                echo_json({"photo": plain_name(photo), "report": report.model_dump(mode="json")}, indent=None)

    def fail(self, photo: str, error: FerceError) -> None:
        """Tell why one photo has no report."""
        from ferce_agent.views.tables import csv_text, error_row

        self.failed += 1
        rows = [error_row(plain_name(photo), error)]
        self.rows += rows if self.table else []
        with self.pause():
            complain(error, photo)
            if self.form == "lines":
                echo_json({"photo": plain_name(photo), "error": error.as_dict()}, indent=None)
            elif self.form == "csv":
                click.echo(csv_text(rows), nl=False)

    def warn(self, photo: str, error: FerceError) -> None:
        """Tell that a photo was read, but not all of what was asked could be written."""
        self.failed += 1
        self.done -= 1
        with self.pause():
            complain(error, photo)

    def finish(self) -> None:
        """Write the table, and say how many photos were read where there were several."""
        if self.table is not None:
            from ferce_agent.views.tables import csv_text, header

            write_text(self.table, header() + csv_text(self.rows))
        if self.total > 1:
            left = self.total - self.done - self.failed
            rest = f", {left} not reached" if left else ""
            click.echo(f"ferce: {self.total} photos: {self.done} read, {self.failed} failed{rest}.", err=True)

    def _text(self, photo: str, report: EmotionReport) -> None:
        from ferce_agent.views.text import to_text

        colour = wants_colour(sys.stdout) if self.colour is None else self.colour
        width, encoding = terminal_width(100), encoding_of(sys.stdout)
        heading = f"── {shown(photo)}\n" if self.total > 1 else ""
        text = to_text(report, width, colour, full=self.full, encoding=encoding)
        click.echo(heading + text, color=colour)


def plain_name(photo: str) -> str:
    """Return a photo's name as it was given, for JSON: bytes that are no UTF-8 are spelt, and a data URL is cut."""
    return fitted(f"{photo[:40]}...", "utf-8") if photo.startswith("data:") else fitted(photo, "utf-8")
