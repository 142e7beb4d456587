"""What a batch reads: the items that files and folders hold, in the same order each time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ferce_agent.batch.items import Item, Kind, WholeFile
from ferce_agent.errors import ImageNotFoundError
from ferce_agent.inputs.files import PHOTO_ENDINGS


def items_of(sources: Sequence[str], kind: Kind | None = None) -> Iterator[Item]:
    """Yield the items of files and folders; folders give the photos below them, sorted by name, without hidden ones.

    Args:
        sources: Paths. Names of items are relative to their source; where there are several sources, with its name in
            front.
        kind: What all of them are read as; None for what they are by their names.

    Raises:
        ImageNotFoundError: A source is not there.
    """
    paths = [Path(source).expanduser() for source in sources]
    for path, source in zip(paths, sources, strict=True):
        if not path.exists():
            raise ImageNotFoundError(f"{source} is not there.", hint="Name a photo, or a folder with photos.")
    fronts = _fronts(paths)
    for path, front in zip(paths, fronts, strict=True):
        if not path.is_dir():
            yield Item(front or path.name, kind or "photo", WholeFile(str(path)))
            continue
        for file in _files(path):
            yield Item("/".join(filter(None, (front, file))), kind or "photo", WholeFile(str(path / file)))


def _fronts(paths: Sequence[Path]) -> list[str]:
    """Return what stands before the names of each source's items, so that no two are the same."""
    if len(paths) == 1:
        return [""]
    names = [path.resolve().name for path in paths]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{number}-{name}" for number, name in enumerate(names, 1)]


def _files(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inner = Path(place).relative_to(folder)
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_ENDINGS:
                yield (inner / name).as_posix()
