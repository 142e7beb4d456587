"""The training command: progress display, recipe, export."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from ferce_agent.errors import MissingExtraError


def run_specialist(data: Path, out: Path, *, seed: int, limit: int, short: bool, threads: int) -> Path:  # noqa: PLR0913
    """Train, calibrate, export; return the path of the ONNX file.

    Raises:
        MissingExtraError: torch is not installed.
        DataError: The data folder or an existing checkpoint cannot be used.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    from ferce_agent.training.export import export
    from ferce_agent.training.specialist import Recipe, train

    torch.set_num_threads(threads or os.cpu_count() or 1)
    recipe = Recipe(seed=seed, limit=limit)
    if short:
        recipe = replace(recipe, schedule=((32, 2),), batch=32)
    with Display(recipe.epochs) as display:
        state = train(data, out, recipe, display.tick, display.report)
    click.echo("Calibrating and exporting…", err=True)
    export(state, recipe, data, out)
    return out / "specialist.onnx"


class Display:
    """A progress bar on a terminal; plain lines, one per epoch, elsewhere."""

    def __init__(self, epochs: int) -> None:
        """Prepare a bar of `epochs` steps."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.1f} %"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, disable=not sys.stderr.isatty())
        self._task = self._progress.add_task("Training", total=float(epochs))

    def __enter__(self) -> Display:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing."""
        self._progress.stop()

    def tick(self, epoch: int, share: float, loss: float) -> None:
        """Show how far the run is."""
        self._progress.update(self._task, completed=epoch + share, description=f"Epoch {epoch + 1}, loss {loss:.3f}")

    def report(self, log: object) -> None:
        """Keep one line per epoch."""
        self._progress.console.print(str(log)) if sys.stderr.isatty() else click.echo(str(log), err=True)
