"""Long films with annotated micro-expressions, as folders of numbered pictures: CAS(ME)² and SAMM Long Videos.

Neither set is part of this repository; both are given on request by their makers. The layouts are those that the makers
hand out and that public code of the spotting challenges reads (the MEGC 2020 baseline among others):

CAS(ME)² (Qu et al. 2018; 30 frames a second)::

    DIR/CAS(ME)^2code_final.xlsx     three sheets, none with a header:
                                     1. subject's number, film's name and expression's number (anger1_1), onset, apex,
                                        offset, action units, emotion, micro-expression or macro-expression, own report
                                     2. ..., subject's folder (s15), subject's number
                                     3. film's code (0101), film's name (disgust1)
    DIR/rawpic/s15/15_0101disgustingteeth/img001.jpg

SAMM Long Videos (Yap et al. 2020; 200 frames a second)::

    DIR/SAMM_LongVideos_V3_Release.xlsx   (any version) a header somewhere in the first sheet with the columns Filename,
                                          Onset, Apex, Offset and Type; Filename 006_1_2 is in film 006_1, and types
                                          that begin with "Micro" are micro-expressions
    DIR/SAMM_longvideos/006_1/006_1_0001.jpg

Frame numbers are those of the picture files. In the place of a workbook its sheets may lie there as csv files:
``code_final-1.csv``, ``code_final-2.csv`` and ``code_final-3.csv``, or ``SAMM_LongVideos_V3_Release.csv``.
An offset of 0 means that it was not annotated; as in the challenges the apex is taken then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.sheets import Table, csv_table, workbook
from ferce_agent.inputs.frames import Frame

PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
CAS_ME2_LAYOUT: Final = (
    "DIR/CAS(ME)^2code_final.xlsx (or code_final-1.csv, -2, -3) and DIR/rawpic/s15/15_0101*/img001.jpg"
)
SAMM_LV_LAYOUT: Final = "DIR/SAMM_LongVideos_V3_Release.xlsx (or .csv) and DIR/SAMM_longvideos/006_1/006_1_0001.jpg"


@dataclass(frozen=True, slots=True)
class AnnotatedMicro:
    """One annotated micro-expression.

    Attributes:
        onset: Number of its first frame, as in the picture files.
        apex: Number of the frame in which it is strongest.
        offset: Number of its last frame.
        word: The emotion's word in the annotations; empty where there is none.
    """

    onset: int
    apex: int
    offset: int
    word: str = ""


@dataclass(frozen=True, slots=True)
class LongFilm:
    """One film.

    Attributes:
        name: Its folder's name.
        frame_rate: Frames a second.
        pictures: Numbers and paths of its pictures, by number.
        micro: Its annotated micro-expressions.
    """

    name: str
    frame_rate: float
    pictures: tuple[tuple[int, Path], ...]
    micro: tuple[AnnotatedMicro, ...]

    def frames(self) -> Iterator[Frame]:
        """Yield the frames; the time of a picture is its number over the frame rate.

        Raises:
            DataError: A picture cannot be read.
        """
        for number, path in self.pictures:
            pixels = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
            if pixels is None:
                raise DataError(f"{self.name}: {path.name} cannot be read as a picture.")
            yield Frame(np.asarray(pixels, np.uint8), number / self.frame_rate)


def read_cas_me2(folder: Path) -> list[LongFilm]:
    """Read CAS(ME)², by name; see the module for the layout.

    Raises:
        DataError: Something is missing, damaged or does not fit together.
    """
    annotations, subjects, names = _cas_sheets(folder)
    folders = {row[2]: row[1] for row in subjects if len(row) > 2}
    codes = {row[1]: row[0].zfill(4) for row in names if len(row) > 1}
    micro: dict[tuple[str, str], list[AnnotatedMicro]] = {}
    for place, row in enumerate(annotations, 1):
        if len(row) < 8 or row[7].strip().lower() != "micro-expression":
            continue
        where = f"{CAS_ME2_LAYOUT.split()[0].removeprefix('DIR/')}, first sheet, row {place}"
        name = row[1].split("_")[0]
        if row[0] not in folders or name not in codes:
            raise DataError(f"{where}: subject {row[0]!r} or film {name!r} is not in the other two sheets.")
        micro.setdefault((folders[row[0]], codes[name]), []).append(_annotated(row[2:5], where, row[6]))
    films = [
        _film(place, 30.0, micro.pop((place.parent.name, _code(place.name)), []))
        for place in _film_folders(folder / "rawpic", "*/*", CAS_ME2_LAYOUT)
    ]
    _all_used(micro, "rawpic")
    return films


def read_samm_lv(folder: Path) -> list[LongFilm]:
    """Read SAMM Long Videos, by name; see the module for the layout.

    Raises:
        DataError: Something is missing, damaged or does not fit together.
    """
    path, table = _samm_sheet(folder)
    columns, begin = _header(path, table, ("filename", "onset", "apex", "offset", "type"))
    micro: dict[str, list[AnnotatedMicro]] = {}
    for place, row in enumerate(table[begin:], begin + 1):
        cells = {name: row[column] if column < len(row) else "" for name, column in columns.items()}
        if not cells["type"].lower().startswith("micro"):
            continue
        times = [cells[name] for name in ("onset", "apex", "offset")]
        name = "_".join(cells["filename"].split("_")[:2])
        micro.setdefault(name, []).append(_annotated(times, f"{path.name}, row {place}"))
    films = [
        _film(place, 200.0, micro.pop(place.name, []))
        for place in _film_folders(folder / "SAMM_longvideos", "*", SAMM_LV_LAYOUT)
    ]
    _all_used(micro, "SAMM_longvideos")
    return films


READERS: Final[dict[str, Callable[[Path], list[LongFilm]]]] = {"cas-me2": read_cas_me2, "samm-lv": read_samm_lv}
"""Readers by the name of their data set."""


def _cas_sheets(folder: Path) -> tuple[Table, Table, Table]:
    books = sorted(folder.glob("*code_final*.xlsx"))
    if books:
        sheets = workbook(books[0])
        if len(sheets) < 3:
            raise DataError(f"{books[0].name} has {len(sheets)} sheets, not 3.", hint=f"Expected: {CAS_ME2_LAYOUT}")
        return sheets[0], sheets[1], sheets[2]
    paths = [folder / f"code_final-{number}.csv" for number in (1, 2, 3)]
    if not all(path.is_file() for path in paths):
        raise DataError(f"No annotations of CAS(ME)² in {folder}.", hint=f"Expected: {CAS_ME2_LAYOUT}")
    one, two, three = (csv_table(path) for path in paths)
    return one, two, three


def _samm_sheet(folder: Path) -> tuple[Path, Table]:
    for ending, read in ((".xlsx", lambda path: (workbook(path) or [[]])[0]), (".csv", csv_table)):
        found = sorted(folder.glob(f"SAMM_LongVideos*{ending}"))
        if found:
            return found[-1], read(found[-1])
    raise DataError(f"No annotations of SAMM Long Videos in {folder}.", hint=f"Expected: {SAMM_LV_LAYOUT}")


def _header(path: Path, table: Table, names: tuple[str, ...]) -> tuple[dict[str, int], int]:
    """Return the places of named columns, and the row after the header; remarks may stand above it."""
    for place, row in enumerate(table):
        words = [cell.strip().lower() for cell in row]
        columns = {name: next((n for n, word in enumerate(words) if word.startswith(name)), -1) for name in names}
        if min(columns.values()) >= 0:
            return columns, place + 1
    raise DataError(f"{path.name} has no row with the columns {', '.join(names)}.", hint=f"Expected: {SAMM_LV_LAYOUT}")


def _annotated(times: list[str], where: str, word: str = "") -> AnnotatedMicro:
    try:
        onset, apex, offset = (round(float(cell)) for cell in times)
    except ValueError as error:
        raise DataError(f"{where}: onset, apex and offset are {times}, not numbers of frames.") from error
    offset = offset or apex
    onset = onset or apex
    if not 0 < onset <= offset:
        raise DataError(f"{where}: onset {onset} and offset {offset} are not in order.")
    return AnnotatedMicro(onset, apex, offset, word.strip().lower())


def _film_folders(folder: Path, pattern: str, layout: str) -> list[Path]:
    found = sorted(place for place in folder.glob(pattern) if place.is_dir())
    if not found:
        raise DataError(f"No folders of films in {folder}.", hint=f"Expected: {layout}")
    return found


def _film(folder: Path, frame_rate: float, micro: list[AnnotatedMicro]) -> LongFilm:
    pictures = []
    for path in folder.iterdir():
        digits = re.search(r"(\d+)$", path.stem)
        if digits and path.suffix.lower() in PICTURES:
            pictures.append((int(digits.group(1)), path))
    if not pictures:
        raise DataError(f"No numbered pictures in {folder}.", hint="A film is a folder of its frames.")
    return LongFilm(folder.name, frame_rate, tuple(sorted(pictures)), tuple(micro))


def _code(name: str) -> str:
    """Return the code of a film from its folder's name: 0101 from 15_0101disgustingteeth."""
    return name.partition("_")[2][:4]


def _all_used(left: dict[tuple[str, str], list[AnnotatedMicro]] | dict[str, list[AnnotatedMicro]], name: str) -> None:
    if left:
        missing = ", ".join(sorted(str(key) for key in left)[:3])
        raise DataError(f"{name} lacks annotated films: {missing}.", hint="Unpack all films before measuring.")
