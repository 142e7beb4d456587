from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ferce_agent.batch.items import Cell, Chunk, Held, Item, PartOfFile, Place, WholeFile
from ferce_agent.batch.journal import (
    JOURNAL,
    MANIFEST,
    DoneShard,
    WrittenFile,
    check_same,
    digest_of,
    done_shards,
    opened,
)
from ferce_agent.errors import BatchError, SettingsError

MINE = {"format": "ferce-batch/1", "sources": ["photos"], "limit": None}


def shard(folder: Path, number: int) -> DoneShard:
    """A shard that is done, with its file."""
    file = folder / "faces" / f"part-{number}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"rows")
    written = WrittenFile(f"faces/part-{number}", hashlib.sha256(b"rows").hexdigest(), 1)
    return DoneShard(number, 4, 1, f"inputs {number}", (written,))


def test_what_was_said_to_be_done_is_done_after_any_end(tmp_path: Path) -> None:
    with opened(tmp_path / "out", MINE) as journal:
        journal.add(first := shard(tmp_path / "out", 0))
    with (tmp_path / "out" / JOURNAL).open("ab") as file:
        file.write(b'{"shard":1,"items":')  # killed while it wrote
    (tmp_path / "out" / "faces" / ".0123456789abcdef.tmp").touch()
    (tmp_path / "out" / "faces" / ".mine.tmp").touch()
    assert done_shards(tmp_path / "out") == {0: first}
    with opened(tmp_path / "out", MINE) as journal:
        assert journal.done == {0: first}
        assert journal.has(0, "inputs 0")
        assert not journal.has(1, "inputs 1")
        journal.add(second := shard(tmp_path / "out", 1))
    assert done_shards(tmp_path / "out") == {0: first, 1: second}
    assert sorted(file.name for file in (tmp_path / "out" / "faces").iterdir()) == [".mine.tmp", "part-0", "part-1"]


def test_a_damaged_file_or_line_is_read_again(tmp_path: Path) -> None:
    with opened(tmp_path, MINE) as journal:
        for number in range(3):
            journal.add(shard(tmp_path, number))
    (tmp_path / "faces" / "part-0").write_bytes(b"row")
    (tmp_path / "faces" / "part-1").unlink()
    with opened(tmp_path, MINE) as journal:
        assert [journal.has(number, f"inputs {number}") for number in range(3)] == [False, False, True]
    lines = (tmp_path / JOURNAL).read_bytes().splitlines()
    (tmp_path / JOURNAL).write_bytes(b"\n".join([b"damaged", b"[]", b'{"files": 3}', lines[2], b""]))
    with opened(tmp_path, MINE) as journal:
        assert list(journal.done) == [2]


def test_inputs_that_changed_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path, MINE) as journal:
        journal.add(shard(tmp_path, 0))
        with pytest.raises(BatchError, match="shard 0"):
            journal.has(0, "others")
        journal.check_end(1)
        with pytest.raises(BatchError, match="removed"):
            journal.check_end(0)


def test_another_batch_and_another_process_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path, MINE):
        with pytest.raises(BatchError, match="Another process"), opened(tmp_path, MINE):
            pass
        with pytest.raises(BatchError, match=r"its 'limit' is null, not 3"):
            check_same(tmp_path, {**MINE, "limit": 3})
    assert check_same(tmp_path, MINE)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    assert not check_same(tmp_path / "new", MINE)
    makers: dict[str, Callable[[Path], object]] = {
        "something else": lambda path: (path / "notes.txt").touch(),
        "cannot be read": lambda path: (path / MANIFEST).write_text("{", "utf-8"),
        "of this version": lambda path: (path / MANIFEST).write_text('{"format": "x"}', "utf-8"),
    }
    for number, (words, make) in enumerate(makers.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder)
        with pytest.raises(BatchError, match=words), opened(folder, MINE):
            pass
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError), opened(tmp_path / "file", MINE):
        pass


def test_a_digest_tells_what_a_shard_is_read_from(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a")

    def digest(place: Place, name: str = "a") -> str:
        return digest_of([Chunk(0, 0, 1, (Item(name, "photo", place),))])

    path = str(file)
    places: list[Place] = [WholeFile(path), WholeFile("none"), PartOfFile(path, 0, 1), PartOfFile(path, 1, 1)]
    places += [Held(b"a"), Held(b"b"), Cell(path, 0, 0, "jpg"), Cell(path, 0, 1, "jpg")]
    digests = {digest(place) for place in places} | {digest(places[0], "b")}
    assert len(digests) == len(places) + 1
    moved = tmp_path / "b"
    before = digest(WholeFile(path))
    file.rename(moved)
    assert digest(WholeFile(str(moved))) == before
    moved.write_bytes(b"longer")
    assert digest(WholeFile(str(moved))) != before
