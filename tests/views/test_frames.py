"""Data frames of reports: the rows of the tables, types that do not depend on what a report holds, missing values."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest

from ferce_agent.errors import MissingExtraError, SettingsError
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.report.clip import FrameKind
from ferce_agent.views import clip_tables, frames, tables
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
    make_restricted_clip_report,
)
from tests.factories import (
    make_abstained_report,
    make_empty_report,
    make_pair_report,
    make_report,
    make_unread_report,
)

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

KINDS = get_args(FrameKind)
PHOTOS = (make_report, make_pair_report, make_abstained_report, make_unread_report, make_empty_report)
CLIPS = (make_clip_report, make_covered_clip_report, make_restricted_clip_report, make_empty_clip_report)


def same(frame: Any, other: Any) -> bool:
    """Whether a frame of pandas and one of polars hold the same."""
    left = frame.astype(object).where(frame.notna(), None).to_dict("list")
    return bool(left == other.to_dict(as_series=False))


@pytest.mark.parametrize("make", PHOTOS)
def test_a_row_a_face_in_both_libraries(make: Callable[[], EmotionReport]) -> None:
    report = make()
    frame, other = report.to_frame(), report.to_frame(library="polars")
    assert len(frame) == len(other) == len(report.people)
    assert list(frame.columns) == other.columns == [n for n in tables.columns() if n not in frames.OF_THE_FILE]
    assert same(frame, other)


def test_a_face_is_told_as_in_the_csv_file() -> None:
    report = make_pair_report()
    frame = report.to_frame()
    for row, line in zip(frame.to_dict("records"), csv.DictReader(io.StringIO(tables.to_csv(report))), strict=True):
        for name, value in row.items():
            if pd.isna(value):
                assert line[name] == "", name
            elif isinstance(value, float):
                assert math.isclose(value, float(line[name])), name
            else:
                assert str(value).lower() == line[name].lower(), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", CLIPS)
def test_types_do_not_depend_on_what_a_report_holds(make: Callable[[], ClipReport], kind: FrameKind) -> None:
    report, full = make(), make_long_clip_report(3, hours=0.05)
    frame, other = report.to_frame(kind), report.to_frame(kind, "polars")
    assert same(frame, other)
    assert dict(frame.dtypes) == dict(full.to_frame(kind).dtypes)
    assert other.schema == full.to_frame(kind, library="polars").schema
    assert not (pl.Null in other.dtypes or pl.Object in other.dtypes or "object" in set(map(str, frame.dtypes)))


def test_an_empty_report_gives_all_columns() -> None:
    for kind in KINDS:
        frame = make_empty_clip_report().to_frame(kind)
        assert len(frame) == 0 and len(frame.columns) >= 8, kind
    assert len(make_empty_report().to_frame()) == 0
    assert dict(make_empty_report().to_frame().dtypes) == dict(make_report().to_frame().dtypes)


def test_samples_hold_what_each_face_shows_and_nothing_in_gaps() -> None:
    report = make_clip_report()
    frame = report.to_frame()
    points = [point for track in report.tracks for point in track.samples]
    assert len(frame) == len(points) and tuple(frame.columns) == clip_tables.sample_columns()
    assert frame["time_s"].tolist() == [point.time_s for point in points]
    gap = frame[(frame["track"] == "track-1") & frame["time_s"].between(5.1, 6.3)]
    assert len(gap) and gap[["happiness", "valence", "AU12"]].isna().all().all()
    read = frame.dropna(subset=["happiness"])
    assert (
        read[["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]].sum(1) - 1
    ).abs().max() < 0.01
    assert math.isclose(frame["Yaw"].iloc[0], math.radians(points[0].yaw))
    assert not {"frame", "FaceRectX", "carried"} & set(frame.columns), "a sample has no frame of its own"


def test_episodes_are_those_of_the_csv_file() -> None:
    report = make_clip_report()
    frame = report.to_frame("episodes")
    lines = list(csv.DictReader(io.StringIO(clip_tables.episodes_csv(report))))
    assert list(frame.columns) == list(lines[0])
    assert frame["kind"].tolist() == [line["kind"] for line in lines]
    assert frame["onset_s"].tolist() == pytest.approx([float(line["onset_s"]) for line in lines], abs=1e-6)
    gaps = frame[frame["kind"] == "gap"]
    assert gaps["reason"].tolist() == ["mouth_covered", "unsure"]
    assert gaps["peak"].isna().all() and gaps["onset_seen"].isna().all() and gaps["side"].isna().all()


def test_tracks_and_moments() -> None:
    report = make_clip_report()
    frame = report.to_frame("tracks")
    assert frame["track"].tolist() == ["track-1", "track-2"] and frame["gaps"].tolist() == [1, 1]
    first = report.tracks[0]
    assert frame["share_happiness"][0] == first.summary.shares.get("happiness", 0.0)
    assert frame["readable_s"][0] == first.summary.readable_s and frame["unread_s"][0] == pytest.approx(1.4)
    assert first.eyes is not None and frame["yawns"][0] == first.eyes.yawns
    covered = make_covered_clip_report().to_frame("tracks")
    assert covered[["share_happiness", "blinks", "valence"]].isna().all().all(), "not read is not zero"
    moments = report.to_frame("moments")
    assert moments["moment"].tolist() == [moment.id for moment in report.moments]
    assert moments["time_s"].dtype == "float64"


def test_every_column_that_is_no_number_is_known() -> None:
    """A new text column that nobody declared would fail here, not at a user."""
    for make in (*PHOTOS, *CLIPS, lambda: make_long_clip_report(3, hours=0.05)):
        report = make()
        tabled = (
            [tables.report_rows(report, "")]
            if isinstance(report, EmotionReport)
            else [list(rows(report)) for _, rows in frames.CLIP.values()]
        )
        for row in (row for rows in tabled for row in rows):
            for name, value in row.items():
                kind = "text" if name in frames.OF_THE_FILE else frames.column_type(name)
                assert (
                    value is None or value == "" or isinstance(value, str) == (kind == "text") or name == "vlm_agrees"
                )


def test_another_kind_or_library_is_refused() -> None:
    with pytest.raises(SettingsError, match="samples, episodes, tracks, moments"):
        make_clip_report().to_frame("faces")  # type: ignore[call-overload]
    with pytest.raises(SettingsError, match="pandas or polars"):
        make_report().to_frame("dask")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("library", "install"), [("pandas", r"ferce-agent\[notebook\]"), ("polars", "pip install polars")]
)
def test_a_missing_library_says_what_to_install(library: Any, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=install):
        make_report().to_frame(library)
    with pytest.raises(MissingExtraError, match=install):
        make_clip_report().to_frame("samples", library)
