from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from ferce_agent.chat.memory import default_memory_file, forget, guarded, keep_latest, open_memory, settle
from ferce_agent.errors import SettingsError, SetupError


class Trap:
    """Notes that it was made."""

    sprung: ClassVar[list[str]] = []

    def __init__(self, value: str = "") -> None:
        self.sprung.append(value)

    def model_dump(self) -> dict[str, str]:
        return {"value": "x"}


def put(saver: Any, thread: str, value: object) -> None:
    config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    checkpoint = {**empty_checkpoint(), "channel_values": {"messages": value}}
    saver.put(config, checkpoint, {"source": "input", "step": 0}, {})


def test_only_absolute_data_directories_count() -> None:
    assert default_memory_file({"XDG_DATA_HOME": "/data"}) == Path("/data/ferce/chat.sqlite")
    for environment in ({}, {"XDG_DATA_HOME": "here"}, {"XDG_DATA_HOME": ""}):
        assert default_memory_file(environment) == Path.home() / ".local/share/ferce/chat.sqlite"


def test_a_file_of_somebody_else_brings_no_code_with_it(tmp_path: Path) -> None:
    with open_memory(tmp_path / "m.sqlite") as saver:
        put(saver, "t", Trap("made here"))
        Trap.sprung.clear()
        found = saver.get_tuple({"configurable": {"thread_id": "t"}})
    assert found is not None
    assert Trap.sprung == []


def test_other_threads_stay_when_one_is_pruned(tmp_path: Path) -> None:
    with open_memory(tmp_path / "m.sqlite") as saver:
        for thread in ("a", "b", "a", "b"):
            put(saver, thread, [thread])
        keep_latest(saver, "a")
        counts = [len(list(saver.list({"configurable": {"thread_id": name}}))) for name in ("a", "b")]
    assert counts == [1, 2]


def test_a_closed_memory_is_a_typed_error(tmp_path: Path) -> None:
    with open_memory(tmp_path / "m.sqlite") as saver:
        pass
    with pytest.raises(SetupError, match="cannot be used"), guarded():
        saver.delete_thread("t")


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN")
print(connection.execute("SELECT COUNT(*) FROM checkpoints").fetchone()[0], flush=True)
sys.stdin.readline()
"""
WRITER = READER.replace('"BEGIN"', '"BEGIN IMMEDIATE"')


@contextmanager
def another_program(file: Path, script: str = READER) -> Iterator[None]:
    """Keep a transaction open in another process."""
    command = [sys.executable, "-c", script, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        try:
            yield
        finally:
            process.stdin.close()


def bytes_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(folder.iterdir()))


def write_thread(saver: Any, thread: str, secret: str) -> None:
    """Leave a thread as a long conversation does: many checkpoints of growing size, writes beside them, and pruning."""
    for turn in range(12):
        put(saver, thread, [f"{secret} {turn}", "x" * 700 * turn])
        latest = saver.get_tuple({"configurable": {"thread_id": thread}})
        saver.put_writes(latest.config, [("messages", f"{secret} of a write {turn}")], f"task-{turn}")
        keep_latest(saver, thread)


def test_forgotten_bytes_are_gone_while_the_memory_is_open(tmp_path: Path) -> None:
    with open_memory(tmp_path / "m.sqlite") as saver:
        write_thread(saver, "mine", "Gooseberries")
        write_thread(saver, "other", "Blackberries")
        assert b"Gooseberries" in bytes_of(tmp_path)
        assert forget(saver, "mine")
        stored = bytes_of(tmp_path)
        assert b"Gooseberries" not in stored
        assert b"mine" not in stored
        assert b"Blackberries" in stored
        assert saver.get_tuple({"configurable": {"thread_id": "other"}}) is not None


def test_with_a_reader_nothing_is_claimed_and_it_is_finished_later(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    with open_memory(file) as saver:
        write_thread(saver, "t", "Gooseberries")
        with another_program(file):
            assert not forget(saver, "t")
            assert saver.get_tuple({"configurable": {"thread_id": "t"}}) is None
            assert b"Gooseberries" in bytes_of(tmp_path)
            assert not settle(saver)
        assert settle(saver)
        assert b"Gooseberries" not in bytes_of(tmp_path)


def test_what_remained_is_removed_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    with another_program_after(file) as reader:
        with open_memory(file) as saver:
            write_thread(saver, "t", "Gooseberries")
            reader()
            assert not forget(saver, "t")
        assert b"Gooseberries" in bytes_of(tmp_path)
    with open_memory(file):
        assert b"Gooseberries" not in bytes_of(tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


@contextmanager
def another_program_after(file: Path) -> Iterator[Any]:
    """Give a function that starts the reader, which then outlives the chat."""
    running: list[Any] = []

    def start() -> None:
        reader = another_program(file)
        reader.__enter__()
        running.append(reader)

    try:
        yield start
    finally:
        for reader in running:
            reader.__exit__(None, None, None)


def test_pruned_checkpoints_leave_no_bytes(tmp_path: Path) -> None:
    with open_memory(tmp_path / "m.sqlite") as saver:
        write_thread(saver, "t", "Gooseberries")
        put(saver, "t", ["Blackberries"])
        keep_latest(saver, "t")
        stored = bytes_of(tmp_path)
    assert b"Blackberries" in stored
    assert b"Gooseberries" not in stored


def test_a_memory_made_before_bytes_were_overwritten_is_cleaned_too(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    with open_memory(file) as saver:
        write_thread(saver, "t", "Gooseberries")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM checkpoints")
        connection.commit()
    assert b"Gooseberries" in bytes_of(tmp_path)
    with open_memory(file) as saver:
        assert forget(saver, "t")
        assert b"Gooseberries" not in bytes_of(tmp_path)


def test_another_chat_that_writes_is_waited_for_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferce_agent.chat.memory.WAIT", 0.2)
    file = tmp_path / "m.sqlite"
    with open_memory(file) as saver:
        put(saver, "t", ["Gooseberries"])
        with another_program(file, WRITER):
            for action in (lambda: put(saver, "t", ["x"]), lambda: forget(saver, "t")):
                with pytest.raises(SetupError, match="in use by another program"), guarded():
                    action()
        put(saver, "t", ["x"])
        assert forget(saver, "t")


def test_two_chats_share_one_memory(tmp_path: Path) -> None:
    file = tmp_path / "m.sqlite"
    with open_memory(file) as one, open_memory(file) as two:
        for turn in range(4):
            put(one, "one", [f"one {turn}"])
            keep_latest(one, "one")
            put(two, "two", [f"two {turn}"])
            keep_latest(two, "two")
        assert forget(one, "one")
        assert two.get_tuple({"configurable": {"thread_id": "two"}}) is not None
        assert b"one 3" not in bytes_of(tmp_path)


def test_the_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE places (url TEXT)")
    before = file.read_bytes()
    with pytest.raises(SettingsError, match="another program"), open_memory(file):
        pass
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["places.sqlite"]


@pytest.mark.parametrize("damage", [b"\0", b"\xff"])
def test_a_damaged_memory_is_a_typed_error(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "m.sqlite"
    with open_memory(file) as saver:
        write_thread(saver, "t", "Gooseberries")
    data = file.read_bytes()
    for start in (0, 20, 100, 1000, 4096, 5000, len(data) // 2):
        file.write_bytes(data[:start] + damage * (len(data) - start))
        with pytest.raises((SettingsError, SetupError)), open_memory(file) as saver, guarded():
            put(saver, "t", ["x"])
            keep_latest(saver, "t")
            list(saver.list({"configurable": {"thread_id": "t"}}))
            forget(saver, "t")
            raise SetupError("nothing was wrong with it")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 300, "folder", "pipe"])
def test_what_can_be_no_memory_is_a_typed_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match="cannot be written"), open_memory(tmp_path / name):
        pass
