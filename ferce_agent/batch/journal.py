"""What a batch is and which of its shards are done: on the disk before it is said, so that a kill loses nothing.

The manifest (``manifest.json``) says what is read and how; a batch with the same manifest goes on where the journal
ends, any other is refused. The journal (``journal.jsonl``) has a line for each shard, written after the shard's files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from ferce_agent.batch.items import Chunk, Held, Item
from ferce_agent.errors import BatchError, SettingsError
from ferce_agent.views.saving import write_whole

MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal.jsonl"
FORMAT: Final = "ferce-batch/1"
HALF: Final = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""Names of files that were being written when a batch was killed."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a shard.

    Attributes:
        path: Its path within the batch's folder, with slashes.
        sha256: Its digest.
        rows: How many rows or lines it has.
    """

    path: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class DoneShard:
    """A shard that is done.

    Attributes:
        shard: Its number, from 0.
        items: How many items it has.
        failed: How many of them could not be read.
        read_from: Digest of its items: their names, places, sizes and times of change.
        files: What was written.
    """

    shard: int
    items: int
    failed: int
    read_from: str
    files: tuple[WrittenFile, ...]


class Journal:
    """The journal of a batch in a folder; one process at a time holds it."""

    def __init__(self, folder: Path, file: IO[bytes], done: dict[int, DoneShard]) -> None:
        """Hold an opened journal; see `opened`."""
        self.folder = folder
        self.done = done
        self._file = file

    def add(self, shard: DoneShard) -> None:
        """Say that a shard is done; its files are on the disk."""
        line = json.dumps(asdict(shard), ensure_ascii=False, separators=(",", ":"))
        self._file.write(f"{line}\n".encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done[shard.shard] = shard

    def tell_left_out(self, left_out: Mapping[str, int]) -> None:
        """Say in the manifest what the batch passed over; it has no part in what the batch is."""
        known = known_manifest(self.folder)
        if known is not None and known.get("left_out") != dict(left_out):
            write_whole(self.folder / MANIFEST, _as_text({**known, "left_out": dict(left_out)}))

    def has(self, shard: int, read_from: str) -> bool:
        """Return whether a shard is done and its files are there as they were written.

        Raises:
            BatchError: What it was read from has changed since.
        """
        known = self.done.get(shard)
        if known is None:
            return False
        if known.read_from != read_from:
            raise BatchError(
                f"The inputs are not those that shard {shard} of {self.folder} was read from: something was added, "
                "removed or changed since.",
                hint="Choose another folder for the changed inputs, or delete this one.",
            )
        return all(_intact(self.folder, file) for file in known.files)

    def check_end(self, count: int) -> None:
        """Check that no shard is done that is no longer there to be read.

        Args:
            count: How many shards there are.

        Raises:
            BatchError: There are more in the folder.
        """
        if any(number >= count for number in self.done):
            raise BatchError(
                f"{self.folder} holds more shards than there are inputs: some were removed since.",
                hint="Choose another folder for the changed inputs, or delete this one.",
            )


@contextmanager
def opened(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Journal]:
    """Give the journal of a new batch, or of the same batch that was begun in this folder.

    Args:
        folder: The batch's folder; made if there is none.
        manifest: What is read and how, as plain data.

    Raises:
        BatchError: The folder holds another batch or something else, or a process writes to it.
        SettingsError: The folder cannot be written to.
    """
    if not check_same(folder, manifest):
        write_whole(folder / MANIFEST, _as_text(manifest))
    with _appended(folder / JOURNAL) as file:
        _claim(file, folder)
        _remove_halves(folder)
        yield Journal(folder, file, _read(file))


def _as_text(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"


def check_same(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Return whether the same batch was begun in this folder; False if nothing is there.

    Raises:
        BatchError: The folder holds another batch, or something else.
        SettingsError: The folder cannot be written to.
    """
    known = known_manifest(folder)
    if known is None:
        if (found := _foreign(folder)) is not None:
            raise BatchError(f"{folder} holds something else ({found}).", hint="Choose a new or empty folder.")
        return False
    told = json.loads(json.dumps(manifest))
    for name in dict.fromkeys((*told, *known)):
        if told.get(name) != known.get(name):
            was, now = (json.dumps(of.get(name), ensure_ascii=False) for of in (known, told))
            raise BatchError(
                f"{folder} holds another batch: its '{name}' is {_short(was)}, not {_short(now)}.",
                hint="Choose another folder, or go on with the same inputs and options.",
            )
    return True


def known_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of the batch in a folder; None if there is none.

    Raises:
        BatchError: It cannot be read.
    """
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise SettingsError(f"{folder} is no folder.", hint="Choose another place.") from error
    except (OSError, ValueError) as error:
        raise BatchError(f"{folder / MANIFEST} cannot be read.", hint="Choose another folder.") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BatchError(f"{folder / MANIFEST} is none of a batch of this version.", hint="Choose another folder.")
    return told


def digest_of(chunks: list[Chunk]) -> str:
    """Return a digest of what a shard is read from: names and places, and files' sizes and times of change."""
    digest = hashlib.sha256()
    stats: dict[str, str] = {}
    for chunk in chunks:
        for item in chunk.items:
            digest.update(_told(item, stats).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _told(item: Item, stats: dict[str, str]) -> str:
    if isinstance(item.place, Held):
        return f"{item.source}\n{item.kind}\n{item.trouble}\n{hashlib.sha256(item.place.data).hexdigest()}\n"
    path = item.place.path
    if path not in stats:
        if len(stats) > 1000:  # members of an archive follow each other
            stats.clear()
        stats[path] = _state(path)
    place = {name: value for name, value in asdict(item.place).items() if name != "path"}
    return f"{item.source}\n{item.kind}\n{item.trouble}\n{place}\n{stats[path]}\n"


def _state(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116  # a hundred thousand times, and a path takes longer to make
    except (OSError, ValueError):
        return "none"
    return f"{found.st_size} {found.st_mtime_ns}"


def _intact(folder: Path, file: WrittenFile) -> bool:
    try:
        with (folder / file.path).open("rb") as opened_:
            return hashlib.file_digest(opened_, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


@contextmanager
def _appended(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("a+b")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.", hint="Choose another place.") from error
    with file:
        yield file


def _claim(file: IO[bytes], folder: Path) -> None:
    """Hold the journal until it is closed, by whatever end of the process."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BatchError(f"Another process writes to {folder}.", hint="Wait for it, or stop it.") from error
    except OSError:  # a file system without locks
        return


def _read(file: IO[bytes]) -> dict[int, DoneShard]:
    """Return the shards that are done; what a kill left of a last line is cut off."""
    file.seek(0)
    whole, end, rest = file.read().rpartition(b"\n")
    if rest:
        file.truncate(len(whole) + len(end))
    return _parsed(whole)


def done_shards(folder: Path) -> dict[int, DoneShard]:
    """Return the shards of which a folder's journal says that they are done; nothing is changed."""
    try:
        return _parsed((folder / JOURNAL).read_bytes().rpartition(b"\n")[0])
    except FileNotFoundError:
        return {}


def _parsed(lines: bytes) -> dict[int, DoneShard]:
    done = {}
    for line in lines.splitlines():
        with suppress(ValueError, TypeError, KeyError, AttributeError):  # a damaged line: its shard is read again
            told = json.loads(line)
            files = tuple(WrittenFile(**one) for one in told.pop("files"))
            done[told["shard"]] = DoneShard(**told, files=files)
    return done


def _remove_halves(folder: Path) -> None:
    for place in (folder, *(one for one in folder.iterdir() if one.is_dir())):
        for file in place.glob(".*.tmp"):
            if HALF.fullmatch(file.name):
                file.unlink(missing_ok=True)


def _foreign(folder: Path) -> str | None:
    """Return the name of something in a folder; None if it is empty, holds only a manifest's half, or is not there."""
    try:
        names = sorted(one.name for one in folder.iterdir() if not HALF.fullmatch(one.name))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{folder} cannot be read: {error.strerror}.", hint="Choose another place.") from error
    return names[0] if names else None


def _short(told: str) -> str:
    return told if len(told) <= 100 else f"{told[:100]}…"
