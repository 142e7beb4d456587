"""From ``NAME:DIR`` to a data set.

A new layout of ours is one class and one line here. Another package adds one by an entry point of the group
``ferce_agent.datasets``: a class, or a function without arguments, that gives a `Reader`.
"""

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
from ferce_agent.plugins import find_plugin, plugin_names


def readers() -> dict[str, Reader]:
    """Return our own readers by name."""
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
        SetupError: An installed package offers the name, and cannot make the reader.
        DataError: The set's files are missing or damaged; the message names the file and the expected layout.
    """
    name, _, place = spec.partition(":")
    reader = _reader(name) if place else None
    if reader is None:
        known = ", ".join([*readers(), *plugin_names("datasets")])
        raise SettingsError(f"'{spec[:120]}' is no data set.", hint=f"Use NAME:DIR with NAME one of {known}.")
    folder, _, split = place.partition(SPLIT_MARK)
    return reader.read(Path(folder), split)


def _reader(name: str) -> Reader | None:
    ours = readers().get(name)
    plugin = find_plugin("datasets", name) if ours is None else None
    if plugin is None:
        return ours
    made = plugin.make()
    if not isinstance(made, Reader):
        raise plugin.unfit("reader of data sets")
    return made
