"""Time lines: lists, lines and files give the same markers; what cannot be read is said without telling what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError
from ferce_agent.scenarios.engagement import EngagementOptions, EngagementStudy
from ferce_agent.scenarios.study import read_options

NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20)


def markers(value: Any, *, files: bool = True) -> list[tuple[float, str]]:
    """Return the times and names of markers as options hold them."""
    options = read_options(EngagementStudy, {"markers": value}, files=files)
    assert isinstance(options, EngagementOptions)
    return [(one.at_s, one.name) for one in options.markers]


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.integers(0, 7200), NAMES, min_size=1, max_size=8))
def test_pairs_objects_and_lines_give_the_same(entries: dict[int, str]) -> None:
    wanted = sorted((float(time), name) for time, name in entries.items())
    lines = "".join(f"{time // 3600}:{time // 60 % 60:02}:{time % 60:02}\t{name}\n" for time, name in entries.items())
    assert markers([list(pair) for pair in entries.items()]) == wanted
    assert markers([{"at_s": time, "name": name} for time, name in entries.items()]) == wanted
    assert markers(lines) == wanted


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.one_of(st.none(), st.floats(), st.text(max_size=5)), max_size=3)))
def test_whatever_is_given_is_read_or_refused_in_words(value: Any) -> None:
    try:
        found = markers(value, files=False)
    except SettingsError as error:
        assert "markers" in str(error)
    else:
        assert found == sorted(found)


def test_a_file_with_a_heading_is_read(tmp_path: Path) -> None:
    file = tmp_path / "slides.csv"
    file.write_text('time,title\n0,Title\n1:05.5,"Graphs, and trees"\n', "utf-8-sig")
    assert markers(str(file)) == [(0.0, "Title"), (65.5, "Graphs, and trees")]


def test_a_file_is_not_read_for_an_agent(tmp_path: Path) -> None:
    file = tmp_path / "slides.csv"
    file.write_text("0,Title\n")
    with pytest.raises(SettingsError, match="not read here"):
        markers(str(file), files=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [("slides.csv", b"secret\nmore\n"), ("slides.csv", b"\xff\xfe\x00"), ("slides.key", b"0,secret\n")],
)
def test_what_a_file_holds_is_never_told(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        markers(str(file))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        [[0, "a"], [0, "b"]],
        [[-1, "a"]],
        "x,Title\ny,Other",
        [[1]],
        5,
        [["1:2:3:4", "a"]],
        "0," + "x" * 200_000,
        "~nobody-of-this-name/slides.csv",
        ".csv",
    ],
)
def test_what_is_no_time_line_is_refused(value: Any) -> None:
    with pytest.raises(SettingsError):
        markers(value)
