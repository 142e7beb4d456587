"""The product as it is measured: a picture in, and of each person of the report what is claimed and what is doubted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.evaluation.gates.scenes import Spot
from ferce_agent.evaluation.variants import Pixels
from ferce_agent.faces.detection import FaceDetector
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport, Person
from ferce_agent.settings import Settings

Bounds = tuple[float, float, float, float]
MOST_FACES: Final = 60
"""Faces reported of one picture; more than any of the pictures here shows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One person of a report.

    Attributes:
        box: x, y, width and height in pixels of the oriented picture.
        named: The expression that is claimed; None where the report abstains.
        likeliest: The most probable one, named or not; None where nothing was read.
        reasons: Codes of what makes the reading doubtful: those of the quality, and why it abstains.
        roll: In-plane rotation of the head in degrees, clockwise.
    """

    box: Bounds
    named: str | None
    likeliest: str | None
    reasons: frozenset[str]
    roll: float


@dataclass(frozen=True, slots=True)
class Found:
    """What the detector takes for a face.

    Attributes:
        bounds: x, y, width and height in pixels.
        landmarks: Five points, shape (5, 2).
    """

    bounds: Bounds
    landmarks: NDArray[np.float64]


@dataclass
class Product:
    """Reads pictures as `ferce analyze` does, without a vision-language model.

    Attributes:
        settings: What can be chosen.
    """

    settings: Settings = field(default_factory=Settings)

    @lazy_property
    def _engines(self) -> Engines:
        return Engines(replace(self.settings, vlm="", max_faces=MOST_FACES))

    @lazy_property
    def _detector(self) -> FaceDetector:
        return FaceDetector(self.settings.face_threshold)

    def read(self, picture: Pixels | bytes) -> list[Seen]:
        """Return the people of the report on a picture, BGR pixels or an encoded file."""
        source = picture if isinstance(picture, bytes) else picture[:, :, ::-1]
        report: EmotionReport = analyze_expression(source, engines=self._engines)
        return [seen(person) for person in report.people]

    def detect(self, pixels: Pixels) -> list[Found]:
        """Return what the detector alone takes for a face, before any gate."""
        found = []
        for face in self._detector.detect(pixels):
            x, y, width, height = (float(value) for value in face.box)
            found.append(Found((x, y, width, height), face.landmarks))
        return found


def seen(person: Person) -> Seen:
    """Return what a report says about one person."""
    box, expression = person.face.box, person.expression
    reasons = {str(reason) for reason in person.face.quality.reasons}
    if expression is not None and expression.abstain_reason is not None:
        reasons.add(expression.abstain_reason)
    return Seen(
        (box.x, box.y, box.width, box.height),
        expression.primary if expression is not None else None,
        expression.distribution.ranked()[0][0] if expression is not None else None,
        frozenset(reasons),
        person.face.pose.roll,
    )


def at(spot: Spot, people: Iterable[Seen]) -> Seen | None:
    """Return the person who was put at a spot, if the report has one there; of several the nearest."""
    near = [one for one in people if spot.holds(one.box)]
    return min(near, key=lambda one: _distance(spot, one), default=None)


def _distance(spot: Spot, one: Seen) -> float:
    x, y, width, height = one.box
    return (x + width / 2 - spot.x) ** 2 + (y + height / 2 - spot.y) ** 2
