"""What a batch passes over, counted: files by their endings, hidden ones, and what lies in the batch's own folder."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

HIDDEN: Final = "hidden"
LINKED: Final = "behind links"
OWN: Final = "in the batch's own folder"
NO_ENDING: Final = "without an ending"
MOST_TOLD: Final = 8
"""So many kinds are named in words; others are told as one number."""
LONGEST: Final = 12
"""Characters of the longest ending that is taken as one."""


@dataclass(slots=True)
class LeftOut:
    """Counts what is passed over.

    Attributes:
        counts: How often, by what it is: an ending such as ``.txt``, or words.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, what: str) -> None:
        """Count something by what it is."""
        self.counts[what] += 1

    def add_file(self, name: str) -> None:
        """Count a file by its ending, or as hidden where it or a folder of it is."""
        path = PurePosixPath(name)
        ending = path.suffix.lower()
        if any(part.startswith(".") for part in path.parts):
            self.add(HIDDEN)
        else:
            self.add(ending if 1 < len(ending) <= LONGEST and ending.isprintable() else NO_ENDING)

    def plain(self) -> dict[str, int]:
        """Return the counts, the largest first."""
        return dict(sorted(self.counts.items(), key=lambda one: (-one[1], one[0])))

    def told(self) -> str:
        """Return the counts in words, as ``12 .txt, 3 .mp4, 4 hidden``; empty if nothing was passed over."""
        counts = list(self.plain().items())
        parts = [f"{count:,} {what}" for what, count in counts[:MOST_TOLD]]
        others = sum(count for _, count in counts[MOST_TOLD:])
        return ", ".join([*parts, *([f"{others:,} others"] if others else [])])


class OwnFolder:
    """The folder that a batch writes to, none of whose files it reads."""

    def __init__(self, folder: Path | None) -> None:
        """Take the folder; None if there is none."""
        self._real = None if folder is None else os.path.realpath(folder.expanduser())
        self._last: tuple[Path, bool] | None = None

    def has_folder(self, folder: Path) -> bool:
        """Return whether a folder is this one or lies in it."""
        if self._real is None:
            return False
        if self._last is None or self._last[0] != folder:  # files of a folder follow each other
            real = os.path.realpath(folder)
            self._last = folder, real == self._real or real.startswith(os.path.join(self._real, ""))  # noqa: PTH118
        return self._last[1]

    def has_file(self, path: Path) -> bool:
        """Return whether a file lies in this folder."""
        return self.has_folder(path.parent)
