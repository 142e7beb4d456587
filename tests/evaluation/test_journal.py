from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.journal import open_journal


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "j.jsonl"
    with open_journal(path, {"seed": 1}) as journal:
        journal.write([{"item": "a"}, {"item": "b"}])
        assert len(journal.rows) == 2
    with open_journal(path, {"seed": 1}) as journal:
        assert [row["item"] for row in journal.rows] == ["a", "b"]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_cut_short_is_dropped_and_written_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path, {"seed": 1}) as journal:
        journal.write([{"item": "a"}, {"item": "böb"}])
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    with open_journal(path, {"seed": 1}) as journal:
        left = [row["item"] for row in journal.rows]
        assert left in (["a"], [])
        journal.write([{"item": name} for name in ("a", "böb") if name not in left])
    assert path.read_bytes() == data


def test_other_options_are_refused_by_name(tmp_path: Path) -> None:
    with open_journal(tmp_path / "j.jsonl", {"seed": 1, "limit": 0}):
        pass
    with (
        pytest.raises(SettingsError, match=r"\(seed\).*--fresh"),
        open_journal(tmp_path / "j.jsonl", {"seed": 2, "limit": 0}),
    ):
        pass


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    with (
        open_journal(tmp_path / "j.jsonl", {}),
        pytest.raises(SettingsError, match="Another run"),
        open_journal(tmp_path / "j.jsonl", {}),
    ):
        pass


def test_damage_in_the_middle_is_no_broken_tail(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with open_journal(path, {}) as journal:
        journal.write([{"item": "a"}, {"item": "b"}])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{nonsense\n" + lines[2])
    with pytest.raises(DataError, match="line 2"), open_journal(path, {}):
        pass
