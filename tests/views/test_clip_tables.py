from __future__ import annotations

import csv
import io
import math
import tracemalloc
from contextlib import ExitStack
from pathlib import Path

import pytest

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.views import clip_tables
from ferce_agent.views.clip_tables import (
    approx_time,
    csv_file,
    episodes_csv,
    parquet_file,
    reading_columns,
    reading_row,
)
from ferce_agent.views.saving import writing
from tests.clip_reports import make_clip_report, make_covered_clip_report, make_long_clip_report, make_readings

FEAT = (
    "frame approx_time FaceRectX FaceRectY FaceRectWidth FaceRectHeight FaceScore Pitch Roll Yaw "
    "AU01 AU02 AU04 AU05 AU06 AU07 AU09 AU10 AU11 AU12 AU14 AU15 AU17 AU20 AU23 AU24 AU25 AU26 AU28 AU43 "
    "anger disgust fear happiness sadness surprise neutral"
)
"""What an analysis written for py-feat reads."""


def written(path: Path, kind: str = "csv", **readings: float) -> int:
    make = csv_file if kind == "csv" else parquet_file
    count = 0
    with writing(path) as file, make(file, "a,b=c.mp4") as write:
        for event in make_readings(**readings):  # type: ignore[arg-type]
            write(event)
            count += 1
    return count


def lines_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


def test_columns_of_py_feat_come_first_and_in_its_order() -> None:
    columns = reading_columns()
    assert len(set(columns)) == len(columns)
    assert columns[0] == "input" and " ".join(columns[1:]).startswith(FEAT)
    assert {"track", "time_s", "contempt", "valence", "arousal", "quality", "reasons"} <= set(columns)


def test_a_row_a_face_and_frame(tmp_path: Path) -> None:
    count = written(tmp_path / "t.csv", seconds=2.0, faces=2)
    rows = lines_of(tmp_path / "t.csv")
    assert len(rows) == count == 100
    assert {row["track"] for row in rows} == {"track-1", "track-2"}
    assert [int(row["frame"]) for row in rows[::2]] == list(range(50))
    assert all(math.isclose(float(row["time_s"]), int(row["frame"]) / 25, abs_tol=1e-6) for row in rows)
    shown = [row for row in rows if row["happiness"]]
    assert all(math.isclose(sum(float(row[name]) for name in CANONICAL), 1, abs_tol=1e-4) for row in shown)
    assert len(shown) < len(rows), "a stretch that could not be read has no probabilities"
    assert all(row["AU12"] == row["AU01"] == row["valence"] == "" for row in rows if not row["happiness"])
    assert max(float(row["AU12"]) for row in shown) > 0.8
    assert rows[18]["reasons"] == "blurred" and rows[0]["carried"] == "0" and rows[2]["carried"] == "1"
    assert rows[0]["input"] == "a,b=c.mp4"


def test_angles_are_in_radians_as_in_py_feat() -> None:
    event = next(iter(make_readings()))
    event = event.model_copy(update={"point": event.point.model_copy(update={"yaw": 90.0, "pitch": -45.0})})
    row = reading_row(event)
    assert math.isclose(row["Yaw"], math.pi / 2) and math.isclose(row["Pitch"], -math.pi / 4)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "00:00"), (59.99, "00:59"), (61, "01:01"), (3725, "62:05")])
def test_approximate_time(seconds: float, shown: str) -> None:
    assert approx_time(seconds) == shown


def test_parquet_holds_the_same_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(clip_tables, "ROW_GROUP", 16)
    count = written(tmp_path / "t.parquet", "parquet")
    written(tmp_path / "t.csv")
    with parquet.ParquetFile(tmp_path / "t.parquet") as file:
        assert file.metadata.num_rows == count == 50 and file.metadata.num_row_groups == 4
        rows = file.read().to_pylist()
    lines = lines_of(tmp_path / "t.csv")
    assert tuple(rows[0]) == reading_columns()
    for row, line in zip(rows, lines, strict=True):
        assert row["track"] == line["track"] and ";".join(row["reasons"]) == line["reasons"]
        for column in ("FaceRectX", "happiness", "AU12", "time_s", "Yaw"):
            assert (row[column] is None and line[column] == "") or math.isclose(
                row[column], float(line[column]), abs_tol=1e-4
            )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_nothing_is_left_when_writing_is_broken_off(kind: str, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "t").write_text("before")
    with pytest.raises(RuntimeError), ExitStack() as stack:
        file = stack.enter_context(writing(tmp_path / "t"))
        write = stack.enter_context((csv_file if kind == "csv" else parquet_file)(file))
        write(next(iter(make_readings())))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["t"] and (tmp_path / "t").read_text() == "before"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    readings = list(make_readings(seconds=clip_tables.ROW_GROUP / 100, rate=25.0))
    held = []
    with ExitStack() as stack:
        makers = (parquet_file, csv_file)
        writers = [stack.enter_context(make(stack.enter_context(writing(tmp_path / make.__name__)))) for make in makers]
        tracemalloc.start()
        for _ in range(6):
            for _ in range(4):
                for event in readings:
                    for write in writers:
                        write(event)
            held.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())
        tracemalloc.stop()
    assert len(readings) * 4 == clip_tables.ROW_GROUP, "it is measured each time a group was written"
    assert held[-1] - held[1] < 1_000_000, held


def test_a_row_an_episode() -> None:
    report = make_clip_report()
    rows = list(csv.DictReader(io.StringIO(episodes_csv(report))))
    expected = sum(len(track.episodes) + len(track.micro) + len(track.gaps) for track in report.tracks)
    assert len(rows) == expected
    smile = next(row for row in rows if row["label"] == "happiness")
    assert (smile["track"], smile["kind"], float(smile["onset_s"])) == ("track-1", "expression", 0.7)
    assert (smile["onset_seen"], smile["offset_seen"]) == ("1", "1")
    assert [row["reason"] for row in rows if row["kind"] == "gap"] == ["mouth_covered", "unsure"]
    assert all(float(row["onset_s"]) <= float(row["offset_s"]) for row in rows)
    assert len(episodes_csv(make_covered_clip_report()).splitlines()) == 2
    assert len(episodes_csv(make_long_clip_report(2)).splitlines()) > 100
