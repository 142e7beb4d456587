"""A progress bar on the terminal's standard error; silent where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Display:
    """A bar that goes from 0 to `total`; use it as a context manager."""

    def __init__(self, total: float, text: str) -> None:
        """Prepare the bar; nothing is drawn yet, and never without a terminal."""
        self._total, self._text = total, text
        self._progress: Progress | None = None

    def __enter__(self) -> Display:
        """Start drawing."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.1f} %")
            console = Console(stderr=True)
            # Standard output belongs to the command's result and must not be redirected to the bar's console.
            self._progress = Progress(
                *columns,
                TimeRemainingColumn(),
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
            self._progress.update(self._progress.task_ids[0], completed=done, description=text)

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
