"""Running the suites: which there are, what each needs, and the progress of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ferce_agent.evaluation.gates.covered import Covered
from ferce_agent.evaluation.gates.duplicates import Duplicates
from ferce_agent.evaluation.gates.faces import LabelledFace, ferplus_faces, wild_faces
from ferce_agent.evaluation.gates.human import Human
from ferce_agent.evaluation.gates.product import Product
from ferce_agent.evaluation.gates.shares import Table
from ferce_agent.evaluation.gates.upright import Upright
from ferce_agent.settings import Settings
from ferce_agent.views.progress import Display

SEED: Final = 20160
FACES: Final = 300
"""Faces of each source."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is measured.

    Attributes:
        suites: Names of `SUITES`, in any order; empty for all.
        data: Folder with valid.parquet of FER+; None leaves these faces out.
        wildfaces: Folder with validation.parquet of wildfaces; None leaves these faces out.
        negatives: Folder with pictures that show no face; None leaves them out.
        limit: Use only so many faces of each source, and so many pictures of each kind; 0 for the full size.
        seed: Seed of everything that is drawn.
    """

    suites: tuple[str, ...] = ()
    data: Path | None = None
    wildfaces: Path | None = None
    negatives: Path | None = None
    limit: int = 0
    seed: int = SEED


class Suite(Protocol):
    """Trials of one kind."""

    @property
    def name(self) -> str:
        """As the command names it."""
        ...

    def __len__(self) -> int:
        """Return how many steps it takes."""
        ...

    def run(self, product: Product) -> Iterator[None]:
        """Take one step after the other."""
        ...

    def tables(self) -> list[Table]:
        """Return what the steps so far have shown."""
        ...


def load_faces(choices: Choices) -> tuple[list[LabelledFace], list[str]]:
    """Return the faces of the folders that were given, and a note on each one that was not.

    Raises:
        DataError: A folder lacks its file, or it cannot be used.
    """
    count = min(choices.limit or FACES, FACES)
    faces, notes = [], []
    if choices.data is None:
        notes.append("Left out: FER+ validation faces (--data DIR was not given).")
    else:
        faces += ferplus_faces(choices.data, count, choices.seed)
    if choices.wildfaces is None:
        notes.append("Left out: wildfaces (--wildfaces DIR was not given).")
    else:
        faces += wild_faces(choices.wildfaces, count, choices.seed)
    return faces, notes


SUITES: Final[dict[str, Callable[[list[LabelledFace], Choices], Suite]]] = {
    "upright": lambda faces, choices: Upright(faces, choices.seed),
    "human": lambda faces, choices: Human(faces, choices.seed, choices.limit, choices.negatives),
    "covered": lambda faces, choices: Covered(faces, choices.seed),
    "duplicates": lambda faces, choices: Duplicates(faces, choices.seed, choices.limit),
}


def measure_gates(choices: Choices, settings: Settings | None = None) -> tuple[list[Table], list[str]]:
    """Run the suites; return their tables and notes on what was left out.

    Raises:
        DataError: A folder cannot be used.
        FerceError: The product failed on a picture.
    """
    faces, notes = load_faces(choices)
    product = Product(settings or Settings())
    suites = [make(faces, choices) for name, make in SUITES.items() if name in (choices.suites or SUITES)]
    with Display(sum(len(suite) for suite in suites), "Reading faces") as display:
        done = 0
        for suite in suites:
            for step, _ in enumerate(suite.run(product), 1):
                done += 1
                display.show(done, f"{suite.name}: {step} of {len(suite)}")
    return [table for suite in suites for table in suite.tables()], notes


def to_markdown(tables: list[Table], notes: list[str]) -> str:
    """Return all tables, and what was left out."""
    return "\n\n".join([*(table.to_markdown() for table in tables), *(f"*{note}*" for note in notes)])
