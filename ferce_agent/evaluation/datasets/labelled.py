"""Labelled pictures of the user's own: one folder a label, or a csv file with columns of the user's data.

What the labels mean is a map to the eight expressions: a TOML file (``happy = "happiness"``), a csv file with the
columns label and expression, or the ontology's own words. Columns are the user's data; nothing is inferred from them or
from pictures.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.base import pictures_below, rows
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.normalise import normalise
from ferce_agent.ontology.store import ontology

LAYOUT: Final = "DIR/<label>/*.jpg, one folder per label, or DIR/*.csv with the columns file and label"
MAP_NAME: Final = "labels.toml"
"""File beside the pictures with the meaning of the labels."""
MAP_HINT: Final = f'Write what it stands for into {MAP_NAME}: "label" = "happiness", or "" to leave its pictures out.'


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled picture.

    Attributes:
        name: Its path below the folder.
        path: The file.
        label: As the user wrote it.
        columns: The other columns of its row; empty where the folders are the labels.
    """

    name: str
    path: Path
    label: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """Labelled pictures with what their labels stand for.

    Attributes:
        pictures: Those whose label stands for an expression, in the order of their names.
        meaning: The expression of each label.
        left_out: How many pictures have a label that the map leaves out.
        columns: Names of the other columns.
    """

    pictures: tuple[Labelled, ...]
    meaning: Mapping[str, Canonical]
    left_out: int
    columns: tuple[str, ...]

    @property
    def gold(self) -> list[int]:
        """The labelled expression of each picture, as its place in FER+ order."""
        return [CANONICAL.index(self.meaning[one.label]) for one in self.pictures]

    def digest(self) -> str:
        """Return the SHA-256 over names, expressions and pictures; a file that cannot be read counts as empty."""
        digest = hashlib.sha256()
        for one in self.pictures:
            digest.update(f"{one.name}\0{self.meaning[one.label]}\0{_file_digest(one.path)}\n".encode())
        return digest.hexdigest()


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def read_labelled(folder: Path, labels: Path | None = None) -> LabelledPictures:
    """Read the labelled pictures below a folder.

    Args:
        folder: One folder a label, or a csv file with the columns file (a path below the folder) and label.
        labels: Map from labels to expressions; None: labels.toml in the folder, or the ontology's words.

    Raises:
        DataError: There are no pictures, two tables, a label that stands for none of the eight expressions, or a file
            cannot be read.
    """
    found = sorted(_listed(folder), key=lambda one: one.name)
    if not found:
        raise DataError(f"{folder.name} has no labelled pictures.", hint=f"Expected: {LAYOUT}")
    repeated = [name for name, count in Counter(one.name for one in found).items() if count > 1]
    if repeated:
        raise DataError(f"'{repeated[0][:80]}' is listed more than once.", hint="Leave it in the table once.")
    beside = folder / MAP_NAME
    given = read_map(labels) if labels else read_map(beside) if beside.is_file() else {}
    names = sorted({one.label for one in found})
    meaning = {name: expression for name in names if (expression := _expression(name, given)) is not None}
    kept = tuple(one for one in found if one.label in meaning)
    if not kept:
        raise DataError("The map leaves all labels out.", hint=MAP_HINT)
    return LabelledPictures(kept, meaning, len(found) - len(kept), tuple(kept[0].columns))


def _listed(folder: Path) -> Iterable[Labelled]:
    tables = [path for path in sorted(folder.glob("*.csv")) if path.is_file()]
    if len(tables) > 1:
        raise DataError(
            f"{folder.name} has several tables: {', '.join(path.name for path in tables[:3])}.", hint="Leave one."
        )
    if tables:
        return [
            Labelled(
                row["file"], folder / row["file"], row["label"].strip(),
                {name: value.strip() for name, value in row.items() if name not in {"file", "label"}},
            )
            for row in rows(tables[0], ("file", "label"))
        ]  # fmt: skip
    return [
        Labelled(path.relative_to(folder).as_posix(), path, one.name)
        for one in sorted(folder.iterdir())
        if one.is_dir() and not one.name.startswith(".")
        for path in pictures_below(one)
    ]


def read_map(path: Path) -> dict[str, str]:
    """Return what labels stand for, as written: a TOML file, or a csv file with the columns label and expression.

    Raises:
        DataError: It cannot be read, or holds something else than texts.
    """
    if path.suffix.lower() == ".csv":
        return {row["label"].strip(): row["expression"].strip() for row in rows(path, ("label", "expression"))}
    try:
        known = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(
            f"{path.name} cannot be read as TOML.", hint='Write lines such as "happy" = "happiness".'
        ) from (error)
    wrong = [name for name, value in known.items() if not isinstance(value, str)]
    if wrong:
        raise DataError(f"{path.name}: {wrong[0]} is no text.", hint='Write lines such as "happy" = "happiness".')
    return known


def _expression(label: str, given: Mapping[str, str]) -> Canonical | None:
    """Return the expression that a label stands for; None where the map leaves it out.

    Raises:
        DataError: It stands for none of the eight.
    """
    words = given.get(label, label.replace("_", " ").replace("-", " "))
    if not words and label in given:
        return None
    found = normalise(words)
    family = ontology().canonical_of(found.term) if found.term is not None else ()
    if len(family) != 1:
        told = f"'{words[:60]}'" if words == label else f"'{label[:60]}' ('{words[:60]}')"
        raise DataError(
            f"The label {told} stands for none of the eight expressions: {', '.join(CANONICAL)}.", hint=MAP_HINT
        )
    return family[0]
