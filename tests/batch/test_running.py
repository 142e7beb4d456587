from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferce_agent.batch.items import Held, Item, Kind, WholeFile
from ferce_agent.batch.journal import done_shards
from ferce_agent.batch.running import BatchPlan, BatchProgress, count_of, run_batch, seen_ahead, shards_of
from ferce_agent.errors import BatchError, PolicyError, SettingsError
from tests.batch.here import QUICK, Here


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "inner").mkdir()
    for number in range(5):
        (folder / "inner" / f"{number}.jpg").symlink_to(photo)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def plan(photos: Path) -> BatchPlan:
    return BatchPlan([str(photos)], shard_size=3, chunk_size=2, settings=QUICK)


@pytest.fixture(scope="module")
def whole(plan: BatchPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch, read without a stop."""
    out = tmp_path_factory.mktemp("whole") / "out"
    run_batch(plan, out, Here())
    return out


def tables(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((out / "faces").iterdir())}


def test_every_photo_has_its_row(plan: BatchPlan, tmp_path: Path) -> None:
    seen: list[BatchProgress] = []
    ended = run_batch(replace(plan, reports=True), tmp_path, Here(), seen.append)
    assert (ended.items, ended.failed, ended.before, ended.shards) == (6, 1, 0, 2)
    assert [one.items for one in seen] == [2, 3, 5, 6]
    table = pq.read_table(tmp_path / "faces")
    assert table["source"].to_pylist() == ["broken.jpg", *(f"inner/{number}.jpg" for number in range(5))]
    assert table["status"].to_pylist() == ["failed", *["read"] * 5]
    assert table["code"].to_pylist() == ["image_format", *[None] * 5]
    assert table["expression"][1].as_py() == "happiness"
    assert len((tmp_path / "reports" / "part-00001.jsonl").read_bytes().splitlines()) == 3
    assert {file.rows for shard in done_shards(tmp_path).values() for file in shard.files} == {2, 3}


@settings(max_examples=8)
@given(stops=st.lists(st.integers(0, 4), max_size=4), window=st.integers(1, 4), chunk=st.integers(1, 3))
def test_stops_chunks_and_workers_do_not_change_a_byte(
    plan: BatchPlan, whole: Path, tmp_path_factory: pytest.TempPathFactory, stops: list[int], window: int, chunk: int
) -> None:
    out = tmp_path_factory.mktemp("stopped")
    chosen = replace(plan, chunk_size=chunk)
    done = 0
    for stop in stops:
        try:
            run_batch(chosen, out, Here(stop, window))
        except KeyboardInterrupt:
            assert len(done_shards(out)) >= done
            done = len(done_shards(out))
    ended = run_batch(chosen, out, Here(window=window))
    assert (ended.items, ended.failed) == (6, 1)
    assert ended.before >= 3 * done
    assert tables(out) == tables(whole)


def test_other_inputs_or_options_are_refused(plan: BatchPlan, photo: Path, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in "abc":
        (photos / f"{name}.jpg").write_bytes(photo.read_bytes())
    mine = replace(plan, sources=[str(photos)], shard_size=2)
    run_batch(mine, out, Here())
    for other, name in (
        (replace(mine, limit=2), "limit"),
        (replace(mine, reports=True), "reports"),
        (replace(mine, settings=replace(QUICK, max_faces=3)), "settings"),
        (replace(mine, use={"purpose": "another"}), "use"),
    ):
        with pytest.raises(BatchError, match=f"its '{name}' is"):
            run_batch(other, out, Here())
    assert run_batch(replace(mine, chunk_size=1, settings=replace(QUICK, threads=5)), out, Here()).before == 3
    (photos / "c.jpg").unlink()
    with pytest.raises(BatchError, match="removed"):
        run_batch(mine, out, Here())
    (photos / "a.jpg").unlink()
    with pytest.raises(BatchError, match="shard 0"):
        run_batch(mine, out, Here())


def test_the_rules_are_asked_before_anything_is_written(plan: BatchPlan, tmp_path: Path) -> None:
    refused = replace(plan, use={"domain": "identification"})
    with pytest.raises(PolicyError):
        run_batch(refused, tmp_path / "out", Here())
    assert not (tmp_path / "out").exists()


def test_what_would_be_read_is_told_without_writing(plan: BatchPlan, whole: Path, tmp_path: Path) -> None:
    seen = seen_ahead(plan, tmp_path / "out")
    assert (seen.items, seen.shards, seen.done) == (6, 2, 0)
    assert not (tmp_path / "out").exists()
    assert seen_ahead(plan, whole).done == 2
    assert count_of(replace(plan, limit=4)) == 4
    assert count_of(replace(plan, sources=["@-"])) is None


def test_what_is_left_out_is_told_and_has_no_part_in_what_a_batch_is(photo: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "photos" / "out"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photo.read_bytes())
    (folder / "a.txt").write_bytes(b"")
    mine = BatchPlan([str(folder)], settings=QUICK)
    assert seen_ahead(mine, out).left_out == "1 .txt"
    assert run_batch(mine, out, Here()).left_out == "1 .txt"
    assert json.loads((out / "manifest.json").read_bytes())["left_out"] == {".txt": 1}
    (folder / "b.txt").write_bytes(b"")
    again = run_batch(mine, out, Here())
    assert (again.before, again.left_out) == (1, "2 .txt")
    assert json.loads((out / "manifest.json").read_bytes())["left_out"][".txt"] == 2
    assert seen_ahead(mine, out).done == 1
    with pytest.raises(BatchError, match="its 'column' is null"):
        run_batch(replace(mine, column="x"), out, Here())


def test_shards_have_a_bound_of_items_and_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Item(f"{number}", "photo", Held(bytes(10))) for number in range(7)]
    shards = list(shards_of(items, 5, 2))
    assert [[len(chunk.items) for chunk in shard] for shard in shards] == [[2, 2, 1], [2]]
    assert [(chunk.shard, chunk.number, chunk.of) for chunk in shards[0]] == [(0, 0, 3), (0, 1, 3), (0, 2, 3)]
    monkeypatch.setattr("ferce_agent.batch.running.MOST_HELD", 25)
    assert [sum(len(chunk.items) for chunk in shard) for shard in shards_of(items, 5, 2)] == [3, 3, 1]


def test_clips_and_voices_count_for_more_than_photos() -> None:
    kinds: list[Kind] = [*["photo"] * 3, "clip", "clip", *["voice"] * 5, "photo"]  # type: ignore[list-item]
    items = [Item(f"{number}", kind, WholeFile("")) for number, kind in enumerate(kinds)]
    chunks = [[item.source for item in chunk.items] for shard in shards_of(items, 1024, 64) for chunk in shard]
    assert chunks == [["0", "1", "2"], ["3"], ["4"], ["5", "6", "7", "8"], ["9", "10"]]
    clips = [Item(f"{number}", "clip", WholeFile("")) for number in range(20)]
    assert [len(shard) for shard in shards_of(clips, 1024, 64)] == [16, 4]
    assert [len(shard) for shard in shards_of(clips[:3], 1, 1)] == [1, 1, 1]


def test_numbers_that_make_no_sense_are_refused() -> None:
    for wrong in (
        {"shard_size": 0},
        {"chunk_size": 0},
        {"limit": 0},
        {"together": 0},
        {"kinds": ()},
        {"kinds": ("film",)},
    ):
        with pytest.raises(SettingsError):
            BatchPlan(["photos"], **wrong)
    with pytest.raises(SettingsError):
        BatchPlan([])
