"""Files as they come out of broken disks, half downloads and spiteful hands."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st


def damaged(data: st.DataObject, original: bytes) -> bytes:
    """Return the bytes cut short, with some of them changed, with some inserted, or other bytes altogether."""
    place = data.draw(st.integers(0, len(original) - 1))
    kind = data.draw(st.sampled_from(["cut", "changed", "end", "inserted", "other"]))
    some = data.draw(st.binary(min_size=1, max_size=8))
    if kind == "cut":
        return original[:place]
    if kind == "changed":
        return original[:place] + some + original[place + len(some) :]
    if kind == "end":  # the directory of a zip file, where the names and sizes are
        place = max(len(original) - 1 - place % 600, 0)
        return original[:place] + some + original[place + len(some) :]
    return original[:place] + some + original[place:] if kind == "inserted" else some


@contextmanager
def written(content: bytes) -> Iterator[Path]:
    """Write bytes to a file that is gone afterwards."""
    handle, name = tempfile.mkstemp(suffix=".npz")
    os.close(handle)
    path = Path(name)
    try:
        path.write_bytes(content)
        yield path
    finally:
        path.unlink()
