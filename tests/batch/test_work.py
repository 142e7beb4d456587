from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from ferce_agent.batch.columns import face_rows
from ferce_agent.batch.items import Cell, Chunk, Held, Item, PartOfFile, Place, WholeFile
from ferce_agent.batch.places import read_bytes
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import DataError, ImageNotFoundError, ImageTooLargeError
from ferce_agent.inputs.limits import ImageLimits
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings


def test_every_item_has_its_rows_in_order(photo: Path, report: EmotionReport) -> None:
    work = BatchWork(Settings(sentences=False), stamp="2026-01-02T03:04:05Z")()
    items = (
        Item("missing.jpg", "photo", WholeFile("missing.jpg")),
        Item("a.jpg", "photo", WholeFile(str(photo))),
        Item("listed.jpg", "photo", Held(b""), trouble=("image_not_found", "There is no such file.")),
        Item("text.jpg", "photo", Held(b"no picture")),
        Item("b.jpg", "photo", Held(photo.read_bytes())),
    )
    read = work(Chunk(3, 1, 4, items))
    rows = read.tables["faces"]
    assert (read.shard, read.number, read.of, read.items, read.failed) == (3, 1, 4, 5, 3)
    assert [row["source"] for row in rows] == [item.source for item in items]
    codes = [row.get("code") for row in rows]
    assert codes == ["image_not_found", None, "image_not_found", "image_format", None]
    assert dict(rows[1]) == dict(face_rows(report, "a.jpg")[0]) | {"degraded": rows[1]["degraded"]}
    assert [line[:30] for line in read.reports] == ['{"source":"a.jpg","report":{"s', '{"source":"b.jpg","report":{"s']


def test_bytes_come_from_every_place(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    whole, table = tmp_path / "whole", tmp_path / "table.parquet"
    whole.write_bytes(b"0123456789")
    structs = [{"bytes": b"six", "path": "6"}, {"bytes": None, "path": "7"}]
    pq.write_table(pa.table({"image": structs, "jpg": [b"one", b"two"]}), table, row_group_size=1)
    places: list[Place] = [WholeFile(str(whole)), PartOfFile(str(whole), 2, 3), Held(b"held")]
    places += [Cell(str(table), 0, 0, "image"), Cell(str(table), 1, 0, "jpg"), Cell(str(table), 0, 0, "jpg")]
    assert [read_bytes(place) for place in places] == [b"0123456789", b"234", b"held", b"six", b"two", b"one"]
    for place in places:
        with pytest.raises(ImageTooLargeError):
            read_bytes(place, ImageLimits(max_bytes=2))
    with pytest.raises(ImageNotFoundError, match="ends early"):
        read_bytes(PartOfFile(str(whole), 8, 3))
    with pytest.raises(ImageNotFoundError):
        read_bytes(PartOfFile(str(tmp_path / "none"), 0, 1))
    for bad in (Cell(str(table), 1, 0, "image"), Cell(str(table), 9, 0, "jpg"), Cell(str(whole), 0, 0, "jpg")):
        with pytest.raises(DataError):
            read_bytes(bad)
