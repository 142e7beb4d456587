from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.batch.items import Cell, Held, Item, Kind, PartOfFile, WholeFile
from ferce_agent.batch.kinds import KINDS
from ferce_agent.batch.left_out import LeftOut
from ferce_agent.batch.places import read_bytes
from ferce_agent.batch.source_tar import tar_items
from ferce_agent.batch.sources import items_of, range_names, unique
from ferce_agent.errors import DataError, ImageNotFoundError

MEMBERS = {"0.jpg": b"a" * 700, "0.json": b"{}", "inner/1.PNG": b"b" * 512, ".hidden/2.jpg": b"c", "3.webp": b"d" * 9}


def archive(path: Path, members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix in {".gz", ".tgz"} else "w", format=form) as file:
        for name, data in members.items():
            told = tarfile.TarInfo(name)
            told.size = len(data)
            file.addfile(told, io.BytesIO(data))
    return path


def photos(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def names(*sources: Path | str) -> list[str]:
    return [item.source for item in items_of([str(source) for source in sources])]


def contents(path: Path | str) -> dict[str, bytes]:
    return {item.source: read_bytes(item.place) for item in items_of([str(path)]) if item.trouble is None}


def test_folders_are_sorted_and_links_do_not_loop(tmp_path: Path) -> None:
    photos(tmp_path, ["b.jpg", "a/z.png", "a/.x.png", ".h/c.jpg", "note.txt", "a.JPG"])
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["a.JPG", "b.jpg", "a/z.png"]
    assert names(tmp_path / "b.jpg", tmp_path / "a") == ["b.jpg/b.jpg", "a/z.png"]


def test_what_a_folder_leaves_out_is_counted(tmp_path: Path) -> None:
    photos(tmp_path, ["a.jpg", "b.MP4", "c.mp4", "in/n.txt", "in/.x.jpg", ".h/c.jpg", "README"])
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    left = LeftOut()
    assert [item.source for item in items_of([str(tmp_path)], ["photo"], left=left)] == ["a.jpg"]
    assert left.plain() == {".mp4": 2, "hidden": 2, ".txt": 1, "behind links": 1, "without an ending": 1}
    assert left.told() == "2 .mp4, 2 hidden, 1 .txt, 1 behind links, 1 without an ending"
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(ImageNotFoundError, match=r"holds nothing to read; it holds 2 \.mp4, 2 hidden") as refused:
        list(items_of([str(tmp_path)], ["photo", "voice"]))
    assert "photos end in .apng" in str(refused.value.hint) and "voices end in .aac" in str(refused.value.hint)
    assert "clips" not in str(refused.value.hint)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageNotFoundError, match="it holds nothing"):
        names(tmp_path / "empty")


def test_kinds_are_known_by_endings_and_else_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos(tmp_path, ["a.jpg", "b.MOV", "c.opus", "d.txt", "deep/e.mkv"]))
    Path("film").write_bytes(b"\x1aE\xdf\xa3" + bytes(20))
    Path("heard").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    Path("list.txt").write_text("film\nheard\nd.txt\nnone.mp4\nnone.wav\nnone\n", encoding="utf-8")
    assert kinds_in(".") == {"a.jpg": "photo", "b.MOV": "clip", "c.opus": "voice", "deep/e.mkv": "clip"}
    assert kinds_in("@list.txt") == {
        "film": "clip", "heard": "voice", "d.txt": "photo", "none.mp4": "clip", "none.wav": "voice", "none": "photo",
    }  # fmt: skip
    troubles = [item.trouble[0] for item in items_of(["@list.txt"]) if item.trouble]
    assert troubles == ["clip_not_found", "sound_not_found", "image_not_found"]
    left = LeftOut()
    assert kinds_in("@list.txt", "voice", left=left) == {
        "heard": "voice",
        "d.txt": "voice",
        "none.wav": "voice",
        "none": "voice",
    }
    assert left.plain() == {".mp4": 1, "without an ending": 1}
    assert kinds_in(".", "clip", "voice") == {"b.MOV": "clip", "c.opus": "voice", "deep/e.mkv": "clip"}
    with pytest.raises(ImageNotFoundError, match=r"nothing to read\. Left out: 1 \.jpg"):
        kinds_in("a.jpg", "clip")


def test_archives_hold_every_kind(tmp_path: Path) -> None:
    members = {"0.jpg": b"p", "0.mp4": b"c" * 600, "0.wav": b"v" * 9, "0.txt": b"", ".h.wav": b"h"}
    for ending, place in ((".tar", PartOfFile), (".tgz", Held)):
        path = archive(tmp_path / f"s{ending}", members)
        assert kinds_in(str(path)) == {"0.jpg": "photo", "0.mp4": "clip", "0.wav": "voice"}
        left = LeftOut()
        assert kinds_in(str(path), "voice", left=left) == {"0.wav": "voice"}
        assert left.plain() == {".jpg": 1, ".mp4": 1, ".txt": 1, "hidden": 1}
        assert {type(item.place) for item in items_of([str(path)])} == {place}
        assert contents(path)["0.mp4"] == b"c" * 600


def test_clips_and_voices_in_compressed_archives_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferce_agent.batch.source_tar.MOST_HELD", 500)
    found = list(
        tar_items(archive(tmp_path / "s.tgz", {"0.mp4": bytes(600), "1.mp4": bytes(400), "2.jpg": bytes(600)}))
    )
    assert [(item.kind, item.trouble and item.trouble[0]) for item in found] == [
        ("clip", "data"), ("clip", None), ("photo", None),
    ]  # fmt: skip
    assert not any(item.trouble for item in tar_items(archive(tmp_path / "s.tar", {"0.mp4": bytes(600)})))


def kinds_in(source: str, *kinds: Kind, left: LeftOut | None = None) -> dict[str, Kind]:
    return {item.source: item.kind for item in items_of([source], kinds or KINDS, left=left)}


def test_many_kinds_are_told_as_one_number() -> None:
    left = LeftOut()
    for number in range(12):
        left.add_file(f"a.{number}")
    left.add_file("b." + "x" * 50)
    assert left.told().endswith(" .5, 5 others")
    assert sum(left.plain().values()) == 13


def test_members_that_are_left_out_are_counted(tmp_path: Path) -> None:
    left = LeftOut()
    assert len(list(tar_items(archive(tmp_path / "s.tar", MEMBERS), left))) == 3
    assert left.plain() == {".json": 1, "hidden": 1}
    with pytest.raises(ImageNotFoundError, match=r"nothing to read\. Left out: 1 \.json"):
        names(archive(tmp_path / "t.tar", {"a.json": b"{}"}))


def test_a_batch_does_not_read_what_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos(tmp_path, ["a.jpg", "out/faces/b.jpg", "out/c.jpg", "outer/d.jpg"]))
    pq.write_table(pa.table({"source": ["a.jpg"]}), "out/faces/part-00000.parquet")
    Path("list.txt").write_text("a.jpg\nout/c.jpg\n", encoding="utf-8")
    Path("linked").symlink_to("out")
    for source, wanted, count in (
        (".", ["a.jpg", "outer/d.jpg"], 0),  # a folder below what is named goes without saying
        ("out", [], 1),
        ("**/*.jpg", ["a.jpg", "outer/d.jpg"], 4),
        ("**/*.parquet", [], 2),
        ("@list.txt", ["a.jpg"], 1),
        ("linked/c.jpg", [], 1),
    ):
        left, found = LeftOut(), list[str]()
        with suppress(ImageNotFoundError):
            found.extend(item.source for item in items_of([source], out=Path("out"), left=left))
        assert (found, left.counts["in the batch's own folder"]) == (wanted, count), source
    assert [item.source for item in items_of(["out/c.jpg", "a.jpg"], out=Path("out"))] == ["a.jpg/a.jpg"]


def test_a_name_that_is_no_unicode_can_stand_in_a_table(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).write_bytes(b"x")
    assert contents(tmp_path) == {"\\udcff.jpg": b"x"}


def test_patterns(tmp_path: Path) -> None:
    photos(tmp_path, ["p/a.jpg", "p/b/c.jpg", "p/b/.d.jpg", "p/e.png"])
    assert names(f"{tmp_path}/p/**/*.jpg") == ["a.jpg", "b/c.jpg"]
    assert names(f"{tmp_path}/p/*.png", tmp_path / "p" / "a.jpg") == ["p/e.png", "a.jpg/a.jpg"]
    with pytest.raises(ImageNotFoundError, match="Nothing is named"):
        names(f"{tmp_path}/*.tiff")


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    photos(tmp_path, ["[a].jpg", "a.jpg"])
    assert names(tmp_path / "[a].jpg") == ["[a].jpg"]


def test_lists_give_rows_for_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos(tmp_path, ["a.jpg", "b.jpg"]))
    text = "\ufeffb.jpg\r\n\nnone.jpg\na.jpg\nb.jpg\n"
    Path("list.txt").write_text(text, encoding="utf-8", newline="")
    items = list(items_of(["@list.txt"]))
    assert [item.source for item in items] == ["b.jpg", "none.jpg", "a.jpg", "b.jpg#2"]
    assert [item.trouble and item.trouble[0] for item in items] == [None, "image_not_found", None, None]
    monkeypatch.setattr("sys.stdin", io.StringIO(text.removeprefix("\ufeff")))
    assert list(items_of(["@-"])) == items
    with pytest.raises(ImageNotFoundError):
        names("@none.txt")


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tgz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_archives(tmp_path: Path, ending: str, form: int) -> None:
    long = "ä" * 120 + "/" + "n" * 150 + ".jpg"
    path = archive(tmp_path / f"s{ending}", {**MEMBERS, long: b"e"}, form)
    wanted = {"0.jpg": b"a" * 700, "inner/1.PNG": b"b" * 512, "3.webp": b"d" * 9, long: b"e"}
    assert contents(path) == wanted
    assert {type(item.place) for item in items_of([str(path)])} == {PartOfFile if ending == ".tar" else Held}


def test_shards_of_a_webdataset(tmp_path: Path) -> None:
    for number in range(3):
        with webdataset.TarWriter(str(tmp_path / f"s-{number:03}.tar")) as writer:
            writer.write({"__key__": f"k{number}", "left.jpg": b"l", "right.jpg": b"r", "cls": 1})
    (tmp_path / "s-001.tar").unlink()
    items = list(items_of([f"{tmp_path}/s-{{000..002}}.tar"]))
    one = ["s-000.tar/k0.left.jpg", "s-000.tar/k0.right.jpg"]
    assert [item.source for item in items] == [*one, "s-001.tar", "s-002.tar/k2.left.jpg", "s-002.tar/k2.right.jpg"]
    assert [item.source for item in items if item.trouble] == ["s-001.tar"]


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 10_239))
def test_an_archive_that_is_cut_off_gives_what_came_before(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = archive(folder / "whole.tar", MEMBERS)
    data, items = whole.read_bytes(), list(tar_items(whole))
    path = folder / "cut.tar"
    path.write_bytes(data[:cut])
    ends = [item.place.offset + item.place.size for item in items if isinstance(item.place, PartOfFile)]
    found = list(tar_items(path))
    good = [item.source for item in found if item.trouble is None]
    assert good == [item.source for item, end in zip(items, ends, strict=True) if end <= cut]
    # Archives end in at least two blocks of zeros, of which one tells the end.
    assert [item.trouble is not None for item in found].count(True) == (cut < _end(data) + 512)


def _end(data: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        last = file.getmembers()[-1]
    return last.offset_data + -(-last.size // 512) * 512


def test_a_damaged_header_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "s.tar", MEMBERS)
    second = list(tar_items(path))[1].place
    assert isinstance(second, PartOfFile)
    data = bytearray(path.read_bytes())
    data[second.offset - 512 : second.offset - 412] = b"x" * 100
    path.write_bytes(data)
    assert [(item.source, item.trouble is None) for item in tar_items(path)] == [("0.jpg", True), ("(damaged)", False)]


def test_a_damaged_gzip_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "s.tar.gz", {"a.jpg": os.urandom(3000), "b.jpg": os.urandom(3000)})
    path.write_bytes(path.read_bytes()[:5000])
    assert [(item.source, item.trouble is None) for item in tar_items(path)] == [("a.jpg", True), ("(damaged)", False)]


def test_parquet(tmp_path: Path) -> None:
    structs = [{"bytes": bytes([at]), "path": f"{at}.jpg"} for at in range(5)]
    table = pa.table({"image": structs, "other": [b"x"] * 5, "label": [1] * 5})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"face": [b"y", b"z"]}), tmp_path / "b.parquet")
    assert contents(tmp_path / "a.parquet") == {str(at): bytes([at]) for at in range(5)}
    assert contents(f"{tmp_path}/*.parquet")["b.parquet/1"] == b"z"
    assert next(items_of([str(tmp_path / "b.parquet")])).place == Cell(str(tmp_path / "b.parquet"), 0, 0, "face")


def test_parquet_without_pictures(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": [b"1"], "y": [b"2"]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"no Parquet")
    for name, why in (("a", "no column"), ("b", "several columns")):
        with pytest.raises(DataError, match=why):
            names(tmp_path / f"{name}.parquet")
    assert [item.trouble and item.trouble[0] for item in items_of([str(tmp_path / "c.parquet")])] == ["data"]


def test_a_column_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [b"1"], "y": [{"bytes": b"2"}], "label": [7]}), path)
    items = items_of([str(path)], column="y")
    assert [read_bytes(item.place) for item in items] == [b"2"]
    told = r"Its columns: x \(binary\), y \(struct<bytes: binary>\), label \(int64\)"
    for column, why in ((None, "several columns"), ("label", "holds no bytes"), ("z", "no column 'z'")):
        with pytest.raises(DataError, match=f"{why}.*{told}") as refused:
            list(items_of([str(path)], column=column))
        assert refused.value.hint == "Choose one: --column x"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 5))
def test_ranges(first: int, last: int, digits: int) -> None:
    begin = f"{first:0{digits}}"
    found = list(range_names("a{" + f"{begin}..{last}" + "}b{0..1}.tar"))
    assert len(found) == 2 * (abs(last - first) + 1) == len(set(found))
    assert found[0] == f"a{begin}b0.tar"
    assert found[-1] == f"a{last:0{len(begin)}}b1.tar"


def test_ranges_are_bounded() -> None:
    with pytest.raises(DataError, match="more than"):
        list(range_names("{0..9999}{0..9999}{0..99999999999}.tar"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "b"]), max_size=12))
def test_names_are_made_unique_and_firsts_stay(given_names: list[str]) -> None:
    items = [Item(name, "photo", WholeFile(name)) for name in given_names]
    found = [item.source for item in unique(items)]
    assert len(set(found)) == len(found)
    assert found == [item.source for item in unique(items)]
    assert found[:1] == given_names[:1]
