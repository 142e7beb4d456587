"""A progress bar on the terminal's standard error; silent where there is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.progress import Progress


def can_move() -> bool:
    """Return whether standard error is a terminal that can take a line back.

    None in a pipe, in CI, or with TERM=dumb.
    """
    stream = sys.stderr
    terminal = stream is not None and not stream.closed and stream.isatty()
    return terminal and os.environ.get("TERM") not in {"dumb", "unknown"} and not os.environ.get("CI")


class Display:
    """A bar that goes from 0 to `total`; use it as a context manager."""

    def __init__(self, total: float | None, text: str) -> None:
        """Prepare the bar; nothing is drawn yet, and never without a terminal.

        Args:
            total: What is reached at the end; None where that is not known.
            text: What stands before the bar.
        """
        self._total, self._text = total, text
        self._progress: Progress | None = None

    def __enter__(self) -> Display:
        """Start drawing."""
        if can_move():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.table import Column

            name = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
            console = Console(stderr=True)
            # Standard output belongs to the command's result and must not be redirected to the bar's console.
            self._progress = Progress(
                name,
                BarColumn(bar_width=max(min(console.width // 4, 40), 8)),
                *([TextColumn("{task.percentage:.0f} %")] if self._total is not None else []),
                TimeElapsedColumn(),
                *(
                    [TextColumn("left:"), TimeRemainingColumn()]
                    if self._total is not None and console.width >= 80
                    else []
                ),
                expand=True,
                console=console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._progress.add_task(self._text, total=self._total)
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and leave no trace."""
        if self._progress is not None:
            self._progress.stop()

    def show(self, done: float, text: str) -> None:
        """Move the bar and change its text."""
        if self._progress is not None:
            task = self._progress.tasks[0]
            # A new text is shown at once: it may be gone before the next time the bar is drawn.
            self._progress.update(task.id, completed=done, description=text, refresh=text != task.description)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bar away while something else is printed."""
        if self._progress is not None:
            self._progress.stop()
        try:
            yield
        finally:
            if self._progress is not None:
                self._progress.start()

    def say(self, line: str) -> None:
        """Keep one line on standard error, above the bar."""
        if self._progress is not None:
            self._progress.console.print(line, highlight=False, markup=False)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


BEFORE: Final = {"load": 0.05, "detect": 0.10}
FACE: Final = {"quality": 0.05, "specialist": 0.35, "reconcile": 0.10}
MODEL: Final = {"vlm": 4.0, "extract": 0.2}
AFTER: Final = {"scene": 0.05, "context": 0.05, "choose": 0.05}
FACES: Final = 0.8
"""Shares of a photo's work by stage.

Those of `FACE` and `MODEL` are of one face, and all faces together make `FACES`.
"""


class Steps:
    """How far the work on one photo is, from the events of the workflow."""

    def __init__(self, with_model: bool = False) -> None:
        """Begin; `with_model` if a vision-language model is asked about each face."""
        self.text = "begun"
        self._parts = FACE | (MODEL if with_model else {})
        self._share = 0.0
        self._faces = self._read = 0

    def after(self, event: Mapping[str, Any]) -> float:
        """Take one event in and return the share of the work that is done, from 0 to 1; it never falls."""
        stage = str(event.get("stage", ""))
        if stage == "detect":
            self._faces = int(event.get("faces", 0))
        if event.get("status") == "begun":
            self.text = f"face {event.get('number')} of {event.get('of')}: asking the model"
            return self._share
        if event.get("status") == "ended":  # the stage tells the same once more, with its time
            return self._share
        if stage in self._parts and self._faces:
            self._share += FACES * self._parts[stage] / sum(self._parts.values()) / self._faces
        self._read += stage == "reconcile"
        self._share = min(self._share + BEFORE.get(stage, 0.0) + AFTER.get(stage, 0.0), 1.0)
        if stage:
            self.text = self._told(stage)
        return self._share

    def _told(self, stage: str) -> str:
        if stage in self._parts:
            return f"{self._read} of {self._faces} faces read"
        return f"{self._faces} face{'s' * (self._faces != 1)} found" if stage == "detect" else f"{stage} done"
