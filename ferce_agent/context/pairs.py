"""Geometry and names of two faces."""

from __future__ import annotations

import math

from ferce_agent.report import Person, wording


def centre(person: Person) -> tuple[float, float]:
    """Return the centre of a face in pixels."""
    box = person.face.box
    return box.x + box.width / 2, box.y + box.height / 2


def face_distance(one: Person, two: Person) -> float:
    """Return the distance of the face centres over the mean face height."""
    a, b = centre(one), centre(two)
    return math.hypot(a[0] - b[0], a[1] - b[1]) / ((one.face.box.height + two.face.box.height) / 2)


def pair_name(one: Person, two: Person) -> str:
    """Return both people in words."""
    return f"{wording.person_name(one.id)} and {wording.person_name(two.id).lower()}"
