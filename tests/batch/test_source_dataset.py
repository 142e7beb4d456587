from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ferce_agent.batch.items import ArrowRow, Held
from ferce_agent.batch.places import read_bytes
from ferce_agent.batch.running import BatchPlan, count_of, pinned
from ferce_agent.batch.source_dataset import Streamed, import_datasets, is_saved, streamed
from ferce_agent.batch.source_parquet import column_kind
from ferce_agent.batch.sources import items_of
from ferce_agent.cli import main
from ferce_agent.errors import DataError


@pytest.fixture(scope="module")
def datasets() -> Any:
    return import_datasets()


def rows(datasets: Any, pictures: list[bytes | None], **more: list[Any]) -> Any:
    made = datasets.Dataset.from_dict({"face": pictures, "label": list(range(len(pictures))), **more})
    return made.cast_column("face", datasets.Image())


@pytest.fixture(scope="module")
def saved(datasets: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    train, test = rows(datasets, [b"a", b"b", None, b"d"]), rows(datasets, [b"t"])
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(str(folder / "both"), num_shards={"train": 2})
    train.save_to_disk(str(folder / "one"))
    return folder


@pytest.fixture(scope="module")
def tables(datasets: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as repositories of data sets are."""
    folder = tmp_path_factory.mktemp("tables") / "faces"
    folder.mkdir()
    rows(datasets, [b"a", None, b"c"]).to_parquet(str(folder / "train-00000-of-00001.parquet"))
    rows(datasets, [b"t"]).to_parquet(str(folder / "test-00000-of-00001.parquet"))
    return folder


def contents(source: Path | str, **chosen: Any) -> dict[str, bytes]:
    items = list(items_of([str(source)], **chosen))
    return {item.source: read_bytes(item.place) for item in items if not item.trouble}


def test_saved_splits_are_read_by_row(saved: Path) -> None:
    items = list(items_of([str(saved / "both")]))
    assert [item.source for item in items] == ["train/0", "train/1", "train/2", "train/3", "test/0"]
    assert [type(item.place) for item in items] == [ArrowRow] * 5
    assert [read_bytes(items[at].place) for at in (3, 0, 1, 4)] == [b"d", b"a", b"b", b"t"]
    with pytest.raises(DataError, match="holds no bytes in 'face'"):
        read_bytes(items[2].place)
    assert contents(saved / "both", split="test") == {"0": b"t"}
    assert [item.source for item in items_of([str(saved / "one")])] == ["0", "1", "2", "3"]
    assert not is_saved(saved)
    for name, why in (("both", "no split 'valid'"), ("one", "has no splits")):
        with pytest.raises(DataError, match=why):
            contents(saved / name, split="valid")
    with pytest.raises(DataError, match=r"no column 'x'. Its columns: face .*, label \(int64\)"):
        contents(saved / "one", column="x")


def test_what_is_missing_or_damaged_in_a_saved_set_is_told(saved: Path, datasets: Any) -> None:
    folder = saved / "damaged"
    rows(datasets, [b"a", b"b", b"c"]).save_to_disk(str(folder), num_shards=3)
    (folder / "data-00000-of-00003.arrow").unlink()
    (folder / "data-00001-of-00003.arrow").write_bytes(b"no stream")
    items = list(items_of([str(folder)]))
    assert [item.trouble and item.trouble[0] for item in items] == ["data", "data", None]
    assert read_bytes(items[2].place) == b"c"
    state = json.loads((folder / "state.json").read_bytes())
    state["_data_files"] = [{"filename": "../elsewhere.arrow"}]
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(DataError, match="outside of it"):
        contents(folder)
    (folder / "state.json").write_bytes(b"{")
    with pytest.raises(DataError, match=r"'state.json' .* cannot be read"):
        contents(folder)


def test_a_folder_of_tables_is_streamed(tables: Path) -> None:
    items = list(items_of([f"hf:{tables}:train"]))
    assert [(item.source, item.place) for item in items if not item.trouble] == [("0", Held(b"a")), ("2", Held(b"c"))]
    assert items[1].trouble == ("data", "The row holds no picture.")
    whole = [item.source for item in items_of([f"hf:{tables}"])]
    assert sorted(whole) == ["test/0", "train/0", "train/1", "train/2"]
    assert contents(f"hf:{tables}", split="test") == {"0": b"t"}
    assert count_of(BatchPlan([f"hf:{tables}"])) is None
    for chosen, why in (({"split": "valid"}, "cannot be opened"), ({"column": "label"}, "holds no bytes")):
        with pytest.raises(DataError, match=why):
            contents(f"hf:{tables}", **chosen)


def test_sounds_and_films_are_known_by_their_features_or_names(datasets: Any, tmp_path: Path) -> None:
    made = datasets.Dataset.from_dict({"heard": [b"a", b"b"], "seen": [b"c", b"d"]})
    made = made.cast_column("heard", datasets.Audio()).cast_column("seen", datasets.Video())
    made.save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "tables").mkdir()
    file = tmp_path / "tables" / "train.parquet"
    made.to_parquet(str(file))
    for column, kind, data in (("heard", "voice", b"a"), ("seen", "clip", b"c")):
        for source in (str(tmp_path / "saved"), str(file), f"hf:{tmp_path / 'tables'}:train"):
            items = list(items_of([source], column=column))
            assert [item.kind for item in items] == [kind, kind], source
            assert read_bytes(items[0].place) == data
    assert {item.kind for item in items_of([f"hf:{tmp_path / 'tables'}:train"])} == {"voice"}
    bare = pa.table({"Audio": [b"a"], "mp4": [b"b"], "photo": [b"c"]})
    assert [column_kind(bare.schema, name) for name in bare.column_names] == ["voice", "clip", "photo"]


def test_pictures_that_lie_beside_are_streamed(photo: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "pictures" / "train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "pictures" / "train" / name).write_bytes(photo.read_bytes())
    found = contents(f"hf:{tmp_path / 'pictures'}:train")
    assert found == {"0": photo.read_bytes(), "1": photo.read_bytes()}


def test_a_stream_that_breaks_off_is_an_error(tables: Path, tmp_path: Path) -> None:
    table = pq.read_table(tables / "train-00000-of-00001.parquet")
    path = tmp_path / "train.parquet"
    pq.write_table(table, path, row_group_size=1)
    data = bytearray(path.read_bytes())
    with pq.ParquetFile(path) as file:
        place = file.metadata.row_group(2).column(0).dictionary_page_offset
    data[place : place + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(DataError, match="broke off after"):
        list(items_of([f"hf:{tmp_path}:train"]))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("hf:a/b", Streamed("a/b", None, None, None, local=False)),
        ("hf:a/b/c@main:train[:5%]", None),
        ("hf:a/b/c@v1:train", Streamed("a/b", "c", "v1", "train", local=False)),
        ("hf:mnist:test", Streamed("mnist", None, None, "test", local=False)),
        ("hf:", None),
        ("hf:../none", None),
        ("hf:a/b/c/d", None),
    ],
)
def test_names_of_streams(source: str, wanted: Streamed | None) -> None:
    if wanted is not None:
        assert streamed(source) == wanted
        return
    with pytest.raises(DataError):
        streamed(source)


def test_a_batch_that_was_begun_keeps_its_commit() -> None:
    plan = BatchPlan(["hf:a/b", "photos"])
    assert pinned(plan, {"sources": ["hf:a/b", "photos"], "revisions": {"hf:a/b": "abc"}}).revisions == {
        "hf:a/b": "abc"
    }
    assert pinned(BatchPlan(["photos"]), None).revisions == {}


@pytest.mark.slow
def test_a_streamed_set_becomes_a_table(datasets: Any, photo: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    folder.mkdir()
    rows(datasets, [photo.read_bytes(), b"no picture"]).to_parquet(str(folder / "train.parquet"))
    words = ["batch", f"hf:{folder}", "--split", "train", "--out", str(out), "--workers", "1"]
    ahead = CliRunner().invoke(main, [*words, "--dry-run"])
    assert (ahead.exit_code, ahead.output) == (0, "Can be opened; how many there are is known when all was streamed.\n")
    for again in (False, True):
        ended = CliRunner().invoke(main, words)
        assert ended.exit_code == 0, ended.output
        assert ("2 of them were there already." in ended.output) == again
    assert pq.read_table(out / "faces")["status"].to_pylist() == ["read", "failed"]


@pytest.mark.slow
def test_a_machine_without_the_network_says_so_in_words(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "ferce_agent.cli", "batch", "hf:nobody/nothing", "--out", str(tmp_path / "out")]
    # Nobody listens at this address, as on a machine without the network.
    nowhere = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"}
    told = subprocess.run(words, check=False, env=nowhere, capture_output=True, text=True, timeout=300)
    assert told.returncode == 1
    assert "hf:nobody/nothing cannot be opened (ConnectError" in told.stderr
    assert len(told.stderr.splitlines()) <= 2
    assert not (tmp_path / "out").exists()
