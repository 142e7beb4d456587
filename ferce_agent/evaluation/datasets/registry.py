"""From ``NAME:DIR`` to a data set. A new layout is one class and one line here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.datasets.base import Reader
from ferce_agent.evaluation.datasets.ferplus import FerPlusCsv, FerPlusParquet
from ferce_agent.evaluation.datasets.photos import (
    RAF_PAIRS,
    SFEW_WORDS,
    AffectNet,
    ClassFolders,
    RafCe,
    RafDb,
    WildFaces,
    compound_space,
)
from ferce_agent.evaluation.items import Dataset


def readers() -> dict[str, Reader]:
    """Return all readers by name."""
    return {
        "ferplus": FerPlusParquet(),
        "ferplus-csv": FerPlusCsv(),
        "wildfaces": WildFaces(),
        "rafdb": RafDb(),
        "rafdb-compound": RafDb("rafdb-compound", compound_space(RAF_PAIRS)),
        "rafce": RafCe(),
        "affectnet": AffectNet(),
        "sfew": ClassFolders("sfew", SFEW_WORDS, ("Val/Val_Aligned_Faces", "Val_Aligned_Faces", "Val")),
        "folder": ClassFolders(),
    }


SPLIT_MARK: Final = "#"


def load_dataset(spec: str) -> Dataset:
    """Read ``NAME:DIR`` or ``NAME:DIR#SPLIT``.

    Raises:
        SettingsError: No reader has this name, or the folder is missing from the text.
        DataError: The set's files are missing or damaged; the message names the file and the expected layout.
    """
    name, _, place = spec.partition(":")
    known = readers()
    if name not in known or not place:
        raise SettingsError(
            f"'{spec[:120]}' is no data set.", hint=f"Use NAME:DIR with NAME one of {', '.join(known)}."
        )
    folder, _, split = place.partition(SPLIT_MARK)
    return known[name].read(Path(folder), split)
