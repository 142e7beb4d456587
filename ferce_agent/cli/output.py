"""What several commands of `ferce` write: errors, files, and how wide a line may be."""

from __future__ import annotations

from pathlib import Path

import click

from ferce_agent.errors import FerceError, SettingsError


def complain(error: FerceError, name: str = "") -> None:
    """Write an error to standard error."""
    click.echo(f"ferce: {name + ': ' if name else ''}{error} [{error.code}]", err=True)


def terminal_width() -> int:
    """Return the columns of the terminal, at least 60."""
    import shutil

    return max(shutil.get_terminal_size((88, 24)).columns, 60)


def write_text(path: Path, text: str) -> None:
    """Write a text file and its folder.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", hint="Choose another place.") from error
