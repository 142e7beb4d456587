from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from ferce_agent.errors import SetupError
from ferce_agent.memory import default_memory_file, guarded, keep_latest, open_memory


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
