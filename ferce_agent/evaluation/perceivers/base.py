"""The one protocol of perceivers: a face in, a distribution over the candidate words or a written answer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.template import CROP_MARGIN, CROP_SIZE, FER_SIZE


@dataclass(frozen=True, slots=True)
class Sample:
    """One face as a perceiver gets it.

    Attributes:
        pixels: The picture, BGR, shape (H, W, 3).
        face: Where the product's detector found the largest face; None if it found none or `is_crop`.
        is_crop: Whether the picture is an FER+ style face crop.
    """

    pixels: NDArray[np.uint8]
    face: DetectedFace | None
    is_crop: bool

    def aligned(self) -> NDArray[np.uint8]:
        """Return the grey crop of the specialist's framing, shape (44, 44).

        The whole picture where no face was found.
        """
        import cv2

        if self.face is not None:
            return align_face(self.pixels, self.face.landmarks)
        grey = cv2.cvtColor(self.pixels, cv2.COLOR_BGR2GRAY)
        side = FER_SIZE if self.is_crop else CROP_SIZE
        if grey.shape != (side, side):
            grey = np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), grey.dtype)
        inner = slice(CROP_MARGIN, CROP_MARGIN + CROP_SIZE) if self.is_crop else slice(None)
        return np.ascontiguousarray(grey[inner, inner], np.uint8)

    def cut_out(self) -> NDArray[np.uint8]:
        """Return the detected face box, BGR; the whole picture where no face was found."""
        if self.face is None:
            return self.pixels
        x, y, width, height = self.face.box
        top, left = max(int(y), 0), max(int(x), 0)
        part = self.pixels[top : max(int(y + height), top + 2), left : max(int(x + width), left + 2)]
        return part if part.size else self.pixels


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a perceiver says: either a distribution or a written answer.

    Attributes:
        probabilities: Over the candidate words, shape (K,), summing to one.
        answer: The written answer, to be parsed by the scorer.
        claims: Number of rationale claims per status (``supported``, ``contradicted``, ``unverified``), where there are
            any.
        in_set: Indices of the perceiver's own prediction set, where it gives one.
        named: Whether the perceiver itself would name the most probable word; None where it does not say.
    """

    probabilities: NDArray[np.float64] | None = None
    answer: str | None = None
    claims: Mapping[str, int] = field(default_factory=dict)
    in_set: tuple[int, ...] | None = None
    named: bool | None = None


@runtime_checkable
class Perceiver(Protocol):
    """Anything that can be benchmarked.

    Attributes:
        writes: Whether it answers in words; then the order of the labels can matter.
    """

    writes: bool

    def describe(self) -> dict[str, Any]:
        """Return name, version, digests of weights and other facts for the provenance.

        ``trained_on`` maps the origin of a training set, such as ``fer2013/train``, to a note.
        """
        ...

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Look at one face.

        Raises:
            FerceError: It could not; the item then counts as wrong.
        """
        ...
