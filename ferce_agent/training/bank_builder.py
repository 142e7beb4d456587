"""Build a bank of examples from a folder of photos, one folder per expression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.errors import DataError, FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.ontology.normalise import normalise
from ferce_agent.reasoning.describe import seen_movements
from ferce_agent.reasoning.movements import readings
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import SpecialistOutput
from ferce_agent.views.progress import Display
from ferce_agent.vlm.bank import Bank, Example, unit_vectors
from ferce_agent.vlm.extraction.hygiene import tidy_text
from ferce_agent.vlm.pictures import face_jpeg

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
NOTE: Final = 200
"""Characters of a photo's note."""
MOST: Final = 10_000
"""Photos that a bank may hold."""


@dataclass(frozen=True, slots=True)
class Built:
    """A bank, and which photos could not be used: (name, reason)."""

    bank: Bank
    left_out: tuple[tuple[str, str], ...]


def build_bank(folder: Path, settings: Settings | None = None, *, pictures: bool = True) -> Built:
    """Read every photo, measure its largest face, and keep embedding, movements in words, note and label.

    Args:
        folder: Holds one folder per expression, named by any word the ontology knows.
        settings: For the detector and the expression model; the environment's if left out.
        pictures: Whether to keep the faces' pictures, for models that take several.

    Raises:
        DataError: There is no such folder of photos, a folder's name is no expression, or no photo could be used.
    """
    engines = Engines(settings or Settings.from_environment())
    jobs = labelled_photos(folder)
    vectors: list[np.ndarray] = []
    examples: list[Example] = []
    left_out: list[tuple[str, str]] = []
    with Display(len(jobs), "Reading examples") as display:
        for number, (photo, term) in enumerate(jobs):
            display.show(number, photo.name)
            try:
                pixels = load_picture(photo).pixels
                faces = engines.pipeline.detect(pixels)
                if not faces:
                    raise DataError("no face was found.")
                perception = engines.pipeline.look(pixels, faces[0])
                picture = face_jpeg(pixels, faces[0]) if pictures else b""
                examples.append(Example(term, words_for(perception, photo), picture))
                vectors.append(perception.embedding)
            except FerceError as error:
                left_out.append((photo.name, str(error)))
    if not examples:
        raise DataError("No photo of the folder could be used.", hint=left_out[0][1] if left_out else "")
    return Built(
        Bank(unit_vectors(np.stack(vectors).astype(np.float32)), tuple(examples), engines.pipeline.specialist.sha256),
        tuple(left_out),
    )


def labelled_photos(folder: Path) -> list[tuple[Path, str]]:
    """Return the photos of a folder of folders with their ontology ids, in a fixed order.

    Raises:
        DataError: There are none or too many, or a folder's name is no expression.
    """
    jobs: list[tuple[Path, str]] = []
    for label in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = normalise(label.name.replace("_", " "))
        if found.term is None:
            raise DataError(f"The folder '{label.name[:60]}' is named after no expression.", hint="Use happy, sad, …")
        photos = sorted(path for path in label.iterdir() if path.suffix.lower() in SUFFIXES)
        jobs += [(photo, found.term) for photo in photos]
    if not 0 < len(jobs) <= MOST:
        raise DataError(f"{folder.name} holds {len(jobs)} photos in folders.", hint=f"1 to {MOST} are needed.")
    return jobs


def words_for(perception: SpecialistOutput, photo: Path) -> str:
    """Return what was measured in the face, and the photo's note."""
    note = photo.with_suffix(".txt")
    said = tidy_text(note.read_text("utf-8", errors="replace"), NOTE) if note.is_file() else ""
    measured = seen_movements(readings(perception.units)) or "No movement was measured."
    return f"{measured.strip()} {said}".strip()
