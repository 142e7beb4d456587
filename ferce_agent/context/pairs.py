"""Geometry and names of two faces."""

from __future__ import annotations

import math

from ferce_agent.report import Person, wording


def centre(person: Person) -> tuple[float, float]:
    """Return the centre of a face's box, (x, y) in pixels of the picture."""
    box = person.face.box
    return box.x + box.width / 2, box.y + box.height / 2


def face_distance(one: Person, two: Person) -> float:
    """Return the distance of the centres of two faces in face heights: in pixels, over the mean height of the boxes."""
    a, b = centre(one), centre(two)
    return math.hypot(a[0] - b[0], a[1] - b[1]) / ((one.face.box.height + two.face.box.height) / 2)


def pair_name(one: Person, two: Person, *, inside: bool = False) -> str:
    """Return both people in words: ``Person 1 and person 2``.

    Args:
        one: Is named first.
        two: Is named second.
        inside: Whether the words stand inside a sentence; then they begin with a small letter.
    """
    name = wording.person_name(one.id)
    return f"{name.lower() if inside else name} and {wording.person_name(two.id).lower()}"
