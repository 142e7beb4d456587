"""The folder for what is kept of people: private to the user's account, made on first use, never elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ferce_agent.errors import SettingsError

FOLDER: Final = "FERCE_KEPT"
"""Environment variable that names another folder."""


def kept_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder as an absolute path, whether it is there or not.

    Args:
        folder: Another than the usual one: `FERCE_KEPT`, or the user's data folder of this program.

    Raises:
        SettingsError: Neither is set and the account has no home folder, or it names the home of nobody.
    """
    named = os.fspath(folder).strip() if folder is not None else ""
    named = named or os.environ.get(FOLDER, "").strip()
    try:
        if named:
            return Path(named).expanduser().absolute()
        from platformdirs import user_data_path

        usual = user_data_path("ferce-agent", appauthor=False) / "kept"
    except (RuntimeError, OSError) as error:  # ~nobody, or the current folder is gone
        raise SettingsError(
            f"The folder {named or 'for what is kept'} cannot be found: {error}.",
            hint=f"Name another one with {FOLDER}.",
        ) from error
    if not usual.is_absolute():  # without HOME and without an entry of the account, "~" stays as it is
        raise SettingsError(
            "This account has no home folder to keep anything in.", hint=f"Name a folder with {FOLDER}."
        )
    return usual


def private_folder(folder: Path) -> Path:
    """Make a folder that only the user's account may look into, and return it.

    One that is there already keeps its permissions: the files in it are private by their own. It must not be open to
    writing by other accounts, which could put their own key into it.

    Raises:
        SettingsError: It cannot be made, or others may write into it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        open_to_others = os.name == "posix" and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"The folder {folder} cannot be made: {reason}.", hint=f"Name another one with {FOLDER}."
        ) from error
    if open_to_others:
        raise SettingsError(
            f"Other accounts may write into the folder {folder}.",
            hint=f"chmod go-w {folder}, or name another one with {FOLDER}.",
        )
    return folder
