"""How right answers are for each value of a column of the user's own data, and how far the values are apart.

Nothing is inferred about anybody: the groups are the values of the columns that the user gives. A value with few faces
is named and not told, since a number on so few says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation import gaps
from ferce_agent.adaptation.faces import Faces, ReadFaces, read_faces, units_of
from ferce_agent.adaptation.gaps import RESAMPLES, Calibration, Drawing, Side, Told
from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.labelled import LabelledPictures, read_labelled
from ferce_agent.evaluation.scenarios.row_tables import row_tables
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings

LEAST_FACES: Final = 20
"""Faces that a value needs to be told."""
LEAST_UNITS: Final = 5
"""How many that do not belong together it needs."""
LEAST_EACH: Final = 5
"""Faces of an expression that both sides need for it to be compared."""
LEVEL: Final = 0.95
"""Confidence of the intervals of one value; those of a measure's gaps hold together with it (Bonferroni)."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        by: Columns whose values are compared; at least one.
        together: Column whose equal values belong together, such as the person; empty: each picture stands alone.
        seed: Of resampling.
        resamples: For the intervals of the calibration error.
    """

    by: tuple[str, ...]
    together: str = ""
    seed: int = 7
    resamples: int = RESAMPLES


@dataclass(frozen=True, slots=True)
class Part:
    """The pictures with one value, or with one of several.

    Attributes:
        faces: Their faces.
        found: Whether a face was found, of each picture that can be read.
        units: Which of these pictures belong together.
    """

    faces: Faces
    found: NDArray[np.bool_]
    units: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the likeliest expression is the labelled one."""
        return np.asarray(self.faces.logs.argmax(1) == self.faces.gold)

    @property
    def sure(self) -> NDArray[np.float64]:
        """Probability of the likeliest expression."""
        return np.asarray(np.exp(self.faces.logs.max(1)), np.float64)

    @property
    def named(self) -> NDArray[np.bool_]:
        """Whether it is named."""
        return np.asarray(self.sure >= self.faces.limits[:, 1])

    @property
    def calibration(self) -> Calibration:
        """What the calibration error is computed from."""
        return Calibration(np.exp(self.faces.logs), self.faces.gold, self.faces.units)

    def shares(self, level: float) -> dict[str, Told]:
        """Return what is a share of pictures or faces, by name."""
        units, right, named = self.faces.units, self.right, self.named
        return {
            "no_face": gaps.share(~self.found, self.units, level),
            "accuracy": gaps.share(right, units, level),
            "abstained": gaps.share(~named, units, level),
            "named_and_wrong": gaps.share(named & ~right, units, level),
        }

    def overconfidence(self, level: float) -> Told:
        """Return the mean confidence less the accuracy."""
        return gaps.mean(self.sure - self.right, self.faces.units, level)


@dataclass(frozen=True, slots=True)
class Column:
    """What was found for one column.

    Attributes:
        name: The column.
        groups: A row for each value with enough faces.
        gaps: A row for each of them, against all others together; one for two values.
        level: Confidence of each gap's interval.
        too_few: Faces of the values that have too few.
        not_given: Pictures without a value.
    """

    name: str
    groups: list[Row]
    gaps: list[Row]
    level: float
    too_few: Mapping[str, int]
    not_given: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """What was found.

    Attributes:
        columns: Each column that was asked for.
        pictures: Labelled pictures.
        faces: How many have a face that was read.
        notes: What a reader must know.
    """

    columns: tuple[Column, ...]
    pictures: int
    faces: int
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        columns = [{name: getattr(one, name) for name in Column.__dataclass_fields__} for one in self.columns]
        return {"pictures": self.pictures, "faces": self.faces, "columns": columns, "notes": list(self.notes)}

    def to_markdown(self) -> str:
        """Return tables, each with what it says."""
        parts = [f"{self.pictures:,} labelled pictures, {self.faces:,} faces read."]
        for one in self.columns:
            parts += [
                f"### {one.name}",
                row_tables(one.groups),
                _gaps_title(one),
                row_tables(one.gaps),
                *_left_out(one),
            ]
        return "\n\n".join([*parts, *(f"*{note}*" for note in self.notes)])


def measure_fairness(folder: Path, settings: Settings, asked: Asked, labels: Path | None = None) -> Fairness:
    """Read labelled pictures and compare the values of columns.

    Args:
        folder: The pictures with a csv file that has the columns; see `read_labelled`.
        settings: Weights, flattening, detection; an adapter of theirs is used.
        asked: Which columns.
        labels: Map from labels to expressions.

    Raises:
        DataError: The pictures, labels or columns cannot be used, or fewer than two values have enough faces.
        SetupError: A model is missing.
    """
    labelled = read_labelled(folder, labels)
    check_columns(labelled, asked)
    read = read_faces(labelled, Pipeline(settings), asked.together)
    return compare(labelled, read, asked)


def check_columns(labelled: LabelledPictures, asked: Asked) -> None:
    """Refuse columns that the pictures do not have.

    Raises:
        DataError: One is missing.
    """
    for name in (*asked.by, *filter(None, [asked.together])):
        if name not in labelled.columns:
            there = ", ".join(labelled.columns) or "none; they stand in a csv file beside the pictures"
            raise DataError(f"There is no column '{name[:80]}'.", hint=f"There are: {there}.")


def compare(labelled: LabelledPictures, read: ReadFaces, asked: Asked) -> Fairness:
    """Return what is found in faces that are read.

    Raises:
        DataError: Fewer than two values of a column have enough faces.
    """
    draw = Drawing(np.random.default_rng(asked.seed), asked.resamples)
    columns = tuple(_column(name, labelled, read, asked, draw) for name in dict.fromkeys(asked.by))
    return Fairness(columns, len(labelled.pictures), len(read.faces), tuple(_notes(read, asked)))


def _column(name: str, labelled: LabelledPictures, read: ReadFaces, asked: Asked, draw: Drawing) -> Column:
    values = np.array([one.columns.get(name, "") for one in labelled.pictures], dtype=object)
    units, parts = units_of(labelled, asked.together), {}
    too_few: dict[str, int] = {}
    for value in sorted(set(values) - {""}):
        part = _part(read, units, values == value)
        if len(part.faces) < LEAST_FACES or len(np.unique(part.faces.units)) < LEAST_UNITS:
            too_few[value] = len(part.faces)
        else:
            parts[value] = part
    if len(parts) < 2:
        told = ", ".join(f"{value} ({count})" for value, count in too_few.items())
        raise DataError(
            f"Fewer than two values of '{name[:80]}' have {LEAST_FACES} faces or more, so that there is nothing to "
            f"compare{f'; too few have {told[:300]}' if told else ''}.",
            hint="Give more pictures, or a column with fewer values.",
        )
    first = list(parts)[:1] if len(parts) == 2 else list(parts)
    level = 1 - (1 - LEVEL) / len(first)
    found = [_gap_row(value, parts[value], _others(value, parts), level, draw) for value in first]
    groups = [_group_row(value, part, draw) for value, part in parts.items()]
    return Column(name, groups, found, level, too_few, int((values == "").sum()))


def _part(read: ReadFaces, units: NDArray[np.int64], wanted: NDArray[np.bool_]) -> Part:
    """Return the pictures of some numbers that can be read."""
    seen, empty = np.array(read.places, np.intp), np.array(read.empty, np.intp)
    inside, without = wanted[seen], empty[wanted[empty]]
    places = np.concatenate([seen[inside], without])
    found = np.arange(len(places)) < inside.sum()
    return Part(read.faces.take(inside), found, units[places])


def _others(value: str, parts: Mapping[str, Part]) -> Part:
    rest = [part for name, part in parts.items() if name != value]
    fields = Faces.__dataclass_fields__
    faces = Faces(**{name: np.concatenate([getattr(one.faces, name) for one in rest]) for name in fields})
    return Part(faces, np.concatenate([one.found for one in rest]), np.concatenate([one.units for one in rest]))


def _group_row(value: str, part: Part, draw: Drawing) -> Row:
    shares = part.shares(LEVEL)
    return {
        "value": value,
        "faces": len(part.faces),
        "no_face": shares.pop("no_face"),
        "accuracy": shares.pop("accuracy"),
        "ece": gaps.calibration_error(part.calibration, draw),
        "ece_by_chance": gaps.error_by_chance(part.calibration, draw),
        "overconfidence": part.overconfidence(LEVEL),
        **shares,
    }


def _gap_row(value: str, here: Part, there: Part, level: float, draw: Drawing) -> Row:
    mine, theirs = here.shares(level), there.shares(level)
    row: dict[str, Told | None] = {name: gaps.gap([Side(*mine[name])], [Side(*theirs[name])]) for name in mine}
    row["accuracy_same_expressions"] = _same_expressions(here, there, level)
    row["ece"] = gaps.calibration_gap(here.calibration, there.calibration, draw, level)
    row["overconfidence"] = gaps.gap([Side(*here.overconfidence(level))], [Side(*there.overconfidence(level))])
    beyond = [name for name, told in row.items() if told is not None and not told[1] <= 0 <= told[2]]
    return {"value": value, **row, "beyond_chance": ", ".join(one.replace("_", " ") for one in beyond) or "none"}


def _same_expressions(here: Part, there: Part, level: float) -> Told | None:
    """Return the gap in accuracy as it were if both sides showed the same expressions equally often; None if none."""
    mine, theirs = (np.bincount(one.faces.gold, minlength=len(CANONICAL)) for one in (here, there))
    common = np.flatnonzero((mine >= LEAST_EACH) & (theirs >= LEAST_EACH))
    if not len(common):
        return None
    weights = (mine + theirs)[common] / (mine + theirs)[common].sum()
    sides: Sequence[list[Side]] = [[], []]
    for side, part in zip(sides, (here, there), strict=True):
        for kind, weight in zip(common, weights, strict=True):
            of = part.faces.gold == kind
            side.append(Side(*gaps.share(part.right[of], part.faces.units[of], level), float(weight)))
    return gaps.gap(*sides)


def _gaps_title(column: Column) -> str:
    those = "the first value less the other" if len(column.gaps) == 1 else "each value less all others together"
    return (
        f"Gaps: {those}; with intervals of {100 * column.level:.4g} % each, one of a measure's "
        f"excludes zero by chance in {100 * (1 - LEVEL):.0f} % of cases; of several measures more often."
    )


def _left_out(column: Column) -> list[str]:
    found = []
    if column.too_few:
        names = ", ".join(f"{value} ({count} faces)" for value, count in column.too_few.items())
        found.append(f"*Too few to be told, and not among the others: {names}.*")
    if column.not_given:
        found.append(f"*{column.not_given:,} pictures have no value.*")
    return found


def _notes(read: ReadFaces, asked: Asked) -> list[str]:
    notes = [
        "The values are those of your own columns; nothing was inferred. A gap says that answers differ, not why: "
        "light, cameras, and which expressions are shown may differ, too. accuracy same expressions compares those "
        "that both sides show, equally often. ece by chance is what as many answers have whose confidence is right."
    ]
    if read.unreadable:
        notes.append(f"{len(read.unreadable)} files could not be read and are not counted.")
    if not asked.together:
        notes.append(
            "Intervals are too narrow if several pictures show one person: --together names the column that says so."
        )
    return notes
