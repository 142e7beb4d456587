"""Sets of photos and face cut-outs: wildfaces, RAF-DB, RAF-CE, AffectNet, SFEW 2.0, and plain class folders.

Their framing differs from FER+, so the product finds and aligns the face; where it finds none, the whole picture is
taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ferce_agent.errors import DataError
from ferce_agent.evaluation.datasets.base import pairs, pictures_below, require, rows, whole_number
from ferce_agent.evaluation.ferplus import FERBENCH_WORDS, read_columns
from ferce_agent.evaluation.items import Dataset, Item, LabelSpace
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology

RAF_WORDS: Final = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""RAF-DB's classes 1 to 7, which are also FERBench's words for it."""

RAF_PAIRS: Final = (
    "happily surprised", "happily disgusted", "sadly fearful", "sadly angry", "sadly surprised", "sadly disgusted",
    "fearfully angry", "fearfully surprised", "angrily surprised", "angrily disgusted", "disgustedly surprised",
)  # fmt: skip
"""RAF-DB's compound classes 1 to 11."""

RAFCE_PAIRS: Final = (
    "happily surprised", "happily disgusted", "sadly fearful", "sadly angry", "sadly surprised", "sadly disgusted",
    "fearfully angry", "fearfully surprised", "fearfully disgusted", "angrily surprised", "angrily disgusted",
    "disgustedly surprised", "happily fearful", "happily sad",
)  # fmt: skip
"""RAF-CE's classes 0 to 13."""

AFFECTNET_CODES: Final = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""AffectNet's classes 0 to 7 in FERBench's words; 8 (none), 9 (uncertain) and 10 (no face) are no expressions."""

SFEW_WORDS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def compound_space(names: tuple[str, ...]) -> LabelSpace:
    """Return the label space of compound names such as ``happily surprised``, found in the ontology by their parts."""
    roots = {"happ": "happiness", "surp": "surprise", "sadl": "sadness", "sad": "sadness", "angr": "anger",
             "disg": "disgust", "fear": "fear"}  # fmt: skip
    terms = []
    for name in names:
        term = ontology().compound_of(frozenset(roots[word[:4]] for word in name.split()))
        if term is None:
            raise DataError(f"The ontology has no compound '{name}'.")
        terms.append(term.id)
    return LabelSpace(names, tuple(terms))


class WildFaces:
    """`wildfaces`: validation.parquet with the columns file_name, image, label."""

    layout: ClassVar[str] = "DIR/validation.parquet with the columns image, label"

    def read(self, folder: Path, split: str) -> Dataset:
        """Read the set."""
        name = split or "validation"
        path = require(folder / f"{name}.parquet", self.layout)
        columns = read_columns(path, ("image", "label"))
        space = LabelSpace(CANONICAL, CANONICAL)
        names = columns.get("file_name") or [str(index) for index in range(len(columns["label"]))]
        items = []
        for item, image, label in zip(names, columns["image"], columns["label"], strict=True):
            data = image.get("bytes") if isinstance(image, dict) else None
            if not isinstance(data, bytes):
                raise DataError(f"{path.name}: {item} has no picture.")
            items.append(Item(str(item), space.index(str(label)), data))
        note = "One annotator per face: read differences between perceivers, not absolute numbers."
        return Dataset("wildfaces", f"wildfaces ({name})", space, tuple(items), "photo", f"wildfaces/{name}", note)


class RafDb:
    """`rafdb`: EmoLabel/list_patition_label.txt and Image/aligned of the basic set."""

    layout: ClassVar[str] = (
        "DIR/EmoLabel/list_patition_label.txt (the release spells it so) and DIR/Image/aligned/*.jpg"
    )

    def __init__(self, name: str = "rafdb", space: LabelSpace | None = None) -> None:
        """Choose the basic set, or the compound one by its label space."""
        self.name = name
        self.space = space or LabelSpace(RAF_WORDS, RAF_WORDS)

    def read(self, folder: Path, split: str) -> Dataset:
        """Read `test` (default) or `train`."""
        split = split or "test"
        labels = require(folder / "EmoLabel" / "list_patition_label.txt", self.layout)
        pictures = require(folder / "Image" / "aligned", self.layout)
        items = []
        for file, code in pairs(labels):
            if not file.startswith(f"{split}_"):
                continue
            place = whole_number(code, f"{labels.name}, {file}") - 1
            if not 0 <= place < len(self.space.words):
                raise DataError(f"{labels.name}: {file} has the class {code}, not 1 to {len(self.space.words)}.")
            items.append(Item(file, place, pictures / f"{Path(file).stem}_aligned.jpg"))
        title = f"RAF-DB {'compound' if 'compound' in self.name else 'basic'} ({split})"
        return Dataset(self.name, title, self.space, tuple(items), "photo", f"raf-db/{split}")


class RafCe:
    """`rafce`: RAFCE_emolabel.txt, RAFCE_partition.txt and the aligned pictures; the split is the partition's code."""

    layout: ClassVar[str] = "DIR/RAFCE_emolabel.txt, DIR/RAFCE_partition.txt and DIR/aligned/*.jpg"

    def read(self, folder: Path, split: str) -> Dataset:
        """Read the pictures of one partition code (default 2), as rafce:DIR#1 names it."""
        code = split or "2"
        labels = require(folder / "RAFCE_emolabel.txt", self.layout)
        parts = dict(pairs(require(folder / "RAFCE_partition.txt", self.layout)))
        pictures, space = require(folder / "aligned", self.layout), compound_space(RAFCE_PAIRS)
        items = []
        for file, label in pairs(labels):
            if parts.get(file) != code:
                continue
            gold = whole_number(label, f"{labels.name}, {file}")
            if not 0 <= gold < len(space.words):
                raise DataError(f"{labels.name}: {file} has the class {gold}, not 0 to {len(space.words) - 1}.")
            aligned = pictures / f"{Path(file).stem}_aligned.jpg"
            items.append(Item(file, gold, aligned if aligned.exists() else pictures / file))
        note = "The release does not say in its files what the partition codes mean; this is one of them."
        return Dataset("rafce", f"RAF-CE (partition {code})", space, tuple(items), "photo", f"raf-ce/{code}", note)


class AffectNet:
    """`affectnet`: validation.csv with pictures, or val_set/images with val_set/annotations/*_exp.npy."""

    layout: ClassVar[str] = (
        "DIR/validation.csv with subDirectory_filePath, expression and DIR/Manually_Annotated_Images, "
        "or DIR/val_set/images/*.jpg with DIR/val_set/annotations/*_exp.npy"
    )

    def read(self, folder: Path, split: str) -> Dataset:
        """Read `val` (default) or `train`; pictures without one of the eight expressions are left out."""
        split = split or "val"
        table = folder / ("validation.csv" if split == "val" else "training.csv")
        found = self._listed(folder, table) if table.is_file() else self._annotated(folder / f"{split}_set")
        words = tuple(sorted(AFFECTNET_CODES))
        items = tuple(
            Item(name, words.index(AFFECTNET_CODES[code]), path)
            for name, code, path in found
            if 0 <= code < len(AFFECTNET_CODES)
        )
        space = LabelSpace(words, tuple(FERBENCH_WORDS[word] for word in words))
        return Dataset("affectnet", f"AffectNet ({split})", space, items, "photo", f"affectnet/{split}")

    def _listed(self, folder: Path, table: Path) -> list[tuple[str, int, Path]]:
        homes = [folder / "Manually_Annotated_Images", folder / "Manually_Annotated", folder]
        home = next(home for home in homes if home.is_dir())
        return [
            (
                row["subDirectory_filePath"],
                whole_number(row["expression"], table.name),
                home / row["subDirectory_filePath"],
            )
            for row in rows(table, ("subDirectory_filePath", "expression"))
        ]

    def _annotated(self, folder: Path) -> list[tuple[str, int, Path]]:
        notes = require(folder / "annotations", self.layout)
        found = []
        for picture in pictures_below(require(folder / "images", self.layout)):
            note = require(notes / f"{picture.stem}_exp.npy", self.layout)
            try:
                code = int(np.load(note))
            except (OSError, ValueError, TypeError) as error:
                raise DataError(f"{note.name} holds no class number.", hint="Fetch the set again.") from error
            found.append((picture.name, code, picture))
        return found


class ClassFolders:
    """`folder`: one folder per label; each name must be a word of the ontology."""

    layout: ClassVar[str] = "DIR/<label>/*.jpg or *.png, one folder per label"

    def __init__(self, name: str = "folder", words: tuple[str, ...] = (), homes: tuple[str, ...] = ()) -> None:
        """Read any folder names, or only `words`; look in the first of `homes` that exists below the folder."""
        self.name, self.words, self.homes = name, words, homes

    def read(self, folder: Path, split: str) -> Dataset:
        """Read the tree, or its sub-folder `split`."""
        require(folder, self.layout)
        candidates = [folder / split] if split else [folder / home for home in self.homes] + [folder]
        home = next((path for path in candidates if path.is_dir()), folder / split)
        classes = {path.name: path for path in sorted(require(home, self.layout).iterdir()) if path.is_dir()}
        if not classes:
            raise DataError(f"{home.name} has no folder per label.", hint=f"Expected: {self.layout}")
        if self.words:
            space = LabelSpace(self.words, tuple(FERBENCH_WORDS[word] for word in self.words))
            places = {name: space.index(name.lower()) for name in classes}
        else:
            space = LabelSpace.of(tuple(classes))
            places = {name: space.index(name) for name in classes}
        items = [
            Item(picture.relative_to(home).as_posix(), places[name], picture)
            for name, path in classes.items()
            for picture in pictures_below(path)
        ]
        origin = f"{self.name}/{split or 'all'}"
        return Dataset(self.name, f"{self.name} ({split or 'all'})", space, tuple(items), "photo", origin)
