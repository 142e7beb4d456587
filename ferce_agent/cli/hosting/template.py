"""A small LangGraph project with an agent that has our tools, written into an empty folder."""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Final

from ferce_agent.cli.hosting.metadata import about
from ferce_agent.errors import SettingsError

FILES: Final = {
    "README.md": "readme.in",
    ".env.example": "env.in",
    "langgraph.json": "langgraph.json.in",
    "pyproject.toml": "pyproject.toml.in",
    "agent.py": "agent.py.in",
    "offline.py": "offline.py.in",
    "talk.py": "talk.py.in",
}
"""The files of a project, and what each is made from."""


def write_project(folder: Path) -> list[str]:
    """Write the project, whole or not at all.

    Returns:
        The names of its files.

    Raises:
        SettingsError: The folder holds something, or cannot be written.
    """
    told, source = about(), files("ferce_agent.cli.hosting") / "project"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingsError(f"{folder} is there and not empty.", hint="Name a new folder.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".ferce-", dir=folder.absolute().parent) as made:
            whole = Path(made) / "project"
            whole.mkdir()
            for name, template in FILES.items():
                text = (source / template).read_text("utf-8")
                if name == "pyproject.toml":
                    text = text.replace("{version}", told.version).replace("{python}", told.python)
                (whole / name).write_text(text, "utf-8", newline="\n")
            if folder.exists():
                folder.rmdir()  # it is empty; only POSIX would replace it
            whole.replace(folder)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}."
        raise SettingsError(message, hint="Choose another place.") from error
    return list(FILES)
