from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.long_films import AnnotatedMicro, read_cas_me2, read_samm_lv
from tests.evaluation.workbooks import Cells, write_workbook

ANNOTATIONS: Cells = [
    [1, "anger1_1", 557, 572, 608, "4+10+14+15", "negative", "macro-expression", "anger"],
    [1, "anger1_2", 3, 5, 9, "38", "others", "micro-expression", "sadness"],
    [2, "disgust1_1", 2, 4, 0, "12", "positive", "micro-expression", "happiness"],
]
SUBJECTS: Cells = [["1", "s15", 1], ["2", "s16", 2]]
NAMES: Cells = [["0401", "anger1"], ["0101", "disgust1"]]
SAMM: Cells = [
    ["SAMM Long Videos", None, None],
    [],
    ["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes"],
    [6, "006_1_2", 1, 2, 5, 8, 7, "Micro - 1/2", "4", ""],
    [6, "006_1_3", 1, 20, 25, 90, 71, "Macro", "12", ""],
]


def film(folder: Path, names: list[str]) -> None:
    """Write a film of tiny pictures."""
    folder.mkdir(parents=True)
    for level, name in enumerate(names):
        data = cv2.imencode(".jpg", np.full((8, 8, 3), 20 * level, np.uint8))[1]
        (folder / name).write_bytes(data.tobytes())


@pytest.fixture
def cas(tmp_path: Path) -> Path:
    write_workbook(tmp_path / "CAS(ME)^2code_final.xlsx", [ANNOTATIONS, SUBJECTS, NAMES])
    film(tmp_path / "rawpic/s15/15_0401girlcrashing", [f"img{number:03d}.jpg" for number in range(1, 11)])
    film(tmp_path / "rawpic/s16/16_0101disgustingteeth", [f"img{number}.jpg" for number in (2, 10, 1)])
    film(tmp_path / "rawpic/s16/16_0401girlcrashing", ["img001.jpg"])
    return tmp_path


@pytest.fixture
def samm(tmp_path: Path) -> Path:
    write_workbook(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", [SAMM])
    film(tmp_path / "SAMM_longvideos/006_1", [f"006_1_{number:04d}.jpg" for number in range(1, 4)])
    film(tmp_path / "SAMM_longvideos/006_2", ["006_2_00001.jpg"])
    return tmp_path


def test_cas_me2_is_read_with_the_names_of_its_three_sheets(cas: Path) -> None:
    first, second, third = read_cas_me2(cas)
    assert first.name == "15_0401girlcrashing"
    assert first.micro == (AnnotatedMicro(3, 5, 9, "others"),)
    assert second.micro == (AnnotatedMicro(2, 4, 4, "positive"),)
    assert third.micro == ()
    assert [number for number, _ in second.pictures] == [1, 2, 10]
    frames = list(second.frames())
    assert [frame.time for frame in frames] == pytest.approx([1 / 30, 2 / 30, 10 / 30])
    assert frames[0].pixels.shape == (8, 8, 3)


def test_csv_exports_do_as_well(cas: Path) -> None:
    expected = read_cas_me2(cas)
    (cas / "CAS(ME)^2code_final.xlsx").unlink()
    for number, table in enumerate((ANNOTATIONS, SUBJECTS, NAMES), 1):
        with (cas / f"code_final-{number}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(table)
    assert read_cas_me2(cas) == expected


def test_samm_long_videos_are_read_whatever_stands_above_the_header(samm: Path) -> None:
    first, second = read_samm_lv(samm)
    assert (first.name, first.frame_rate, first.micro) == ("006_1", 200.0, (AnnotatedMicro(2, 5, 8),))
    assert [number for number, _ in first.pictures] == [1, 2, 3]
    assert second.micro == ()


def test_what_is_missing_is_named_with_what_was_expected(cas: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for read, name in ((read_cas_me2, "rawpic"), (read_samm_lv, "SAMM_longvideos")):
        with pytest.raises(DataError) as caught:
            read(empty)
        assert name in str(caught.value.hint)
    write_workbook(
        cas / "CAS(ME)^2code_final.xlsx",
        [[*ANNOTATIONS, [9, "x_1", 1, 2, 3, "", "", "micro-expression"]], SUBJECTS, NAMES],
    )
    with pytest.raises(DataError, match="subject '9'"):
        read_cas_me2(cas)


def test_annotated_films_that_are_not_there_are_told(samm: Path) -> None:
    table: Cells = [*SAMM, [7, "007_3_1", 1, 2, 5, 8, 7, "Micro - 1/2", "4", ""]]
    write_workbook(samm / "SAMM_LongVideos_V3_Release.xlsx", [table])
    with pytest.raises(DataError, match="007_3"):
        read_samm_lv(samm)


@pytest.mark.parametrize("times", [("a", 2, 3), (9, 5, 4), (0, 0, 0), ("", 3, 5)])
def test_times_that_make_no_sense_are_told_with_their_row(samm: Path, times: tuple[str | int, ...]) -> None:
    table: Cells = [SAMM[2], [6, "006_1_2", 1, *times, 1, "Micro - 1/2"]]
    write_workbook(samm / "SAMM_LongVideos_V3_Release.xlsx", [table])
    with pytest.raises(DataError, match="row 2"):
        read_samm_lv(samm)


def test_a_damaged_picture_and_an_empty_film_are_told(samm: Path) -> None:
    (samm / "SAMM_longvideos/006_2/006_2_00001.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="006_2"):
        list(read_samm_lv(samm)[1].frames())
    (samm / "SAMM_longvideos/006_2/006_2_00001.jpg").unlink()
    with pytest.raises(DataError, match="No numbered pictures"):
        read_samm_lv(samm)
