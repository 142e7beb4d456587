from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limited
from hypothesis import strategies as st

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.labelled import read_labelled, read_map
from tests.evaluation.sets import write_picture


def test_folders_are_labels(tmp_path: Path) -> None:
    for name in ("happy/a.png", "happy/deep/b.png", "sad/c.png", ".hidden/d.png"):
        write_picture(tmp_path / name)
    found = read_labelled(tmp_path)
    assert [one.name for one in found.pictures] == ["happy/a.png", "happy/deep/b.png", "sad/c.png"]
    assert found.gold == [1, 1, 3] and found.columns == () and found.left_out == 0


def test_a_table_brings_columns(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text("file,label,place\na.png, joy ,north\nb.png,angry,\n", "utf-8")
    found = read_labelled(tmp_path)
    assert found.columns == ("place",) and found.gold == [1, 4]
    assert [dict(one.columns) for one in found.pictures] == [{"place": "north"}, {"place": ""}]


def test_a_map_gives_meaning_and_leaves_out(tmp_path: Path) -> None:
    for name in ("froh/a.png", "egal/b.png", "x1/c.png"):
        write_picture(tmp_path / name)
    (tmp_path / "labels.toml").write_text('froh = "happiness"\negal = ""\nx1 = "fear"\n', "utf-8")
    found = read_labelled(tmp_path)
    assert found.meaning == {"froh": "happiness", "x1": "fear"} and found.left_out == 1
    other = tmp_path / "map.csv.txt"
    other = tmp_path.parent / f"{tmp_path.name}.csv"
    other.write_text("label,expression\nfroh,joy\negal,neutral\nx1,\n", "utf-8")
    assert read_labelled(tmp_path, other).meaning == {"froh": "happiness", "egal": "neutral"}


def test_the_digest_follows_pictures_and_labels(tmp_path: Path) -> None:
    write_picture(tmp_path / "happy" / "a.png")
    first = read_labelled(tmp_path).digest()
    assert read_labelled(tmp_path).digest() == first
    write_picture(tmp_path / "happy" / "a.png", 7)
    assert read_labelled(tmp_path).digest() != first


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no labelled pictures"),
        ({"happy/note.txt": "x"}, "no labelled pictures"),
        ({"a.csv": "file,label\n", "b.csv": "file,label\n"}, "several tables"),
        ({"a.csv": "file,emotion\nx.png,joy\n"}, "lacks the columns"),
        ({"a.csv": "file,label\nx.png,joy\nx.png,joy\n"}, "more than once"),
        ({"a.csv": "file,label\nx.png,cactus\n"}, "none of the eight"),
        ({"a.csv": "file,label\nx.png,happily surprised\n"}, "none of the eight"),
        ({"a.csv": "file,label\nx.png,x\n", "labels.toml": 'x = "cactus"\n'}, "none of the eight"),
        ({"a.csv": "file,label\nx.png,x\n", "labels.toml": 'x = ""\n'}, "leaves all labels out"),
        ({"a.csv": "file,label\nx.png,x\n", "labels.toml": "x = 3\n"}, "is no text"),
        ({"a.csv": "file,label\nx.png,x\n", "labels.toml": "x =\n"}, "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match=told):
        read_labelled(tmp_path)


@limited(max_examples=25)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_map_or_a_typed_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "map.toml"
    path.write_bytes(data)
    try:
        found = read_map(path)
    except DataError as error:
        assert error.hint
    else:
        assert all(isinstance(value, str) for value in found.values())
