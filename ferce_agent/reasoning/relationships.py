"""What can be measured between two faces: how close they are and how alike their expressions. Nothing about private life."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Final

from ferce_agent import wording
from ferce_agent.report import Evidence, Person, Relationship

CLOSE: Final = 2.0
"""Face centres nearer than this many face heights count as close together."""
MAX_PAIRS: Final = 15
"""Only the closest pairs are reported."""


def relate(people: list[Person]) -> tuple[list[Relationship], list[Evidence]]:
    """Return relationships and their evidence for the closest pairs of people."""
    pairs = sorted(combinations(people, 2), key=lambda pair: face_distance(*pair))[:MAX_PAIRS]
    relationships: list[Relationship] = []
    evidence: list[Evidence] = []
    for one, two in pairs:
        for relationship, entry in (proximity(one, two), likeness(one, two)):
            if relationship is not None and entry is not None:
                relationships.append(relationship)
                evidence.append(entry)
    return relationships, evidence


def face_distance(one: Person, two: Person) -> float:
    """Return the distance of the face centres over the mean face height."""
    a, b = one.face.box, two.face.box
    across = a.x + a.width / 2 - b.x - b.width / 2
    down = a.y + a.height / 2 - b.y - b.height / 2
    return math.hypot(across, down) / ((a.height + b.height) / 2)


def pair_name(one: Person, two: Person) -> str:
    """Return both people in words."""
    return f"{wording.person_name(one.id)} and {wording.person_name(two.id).lower()}"


def proximity(one: Person, two: Person) -> tuple[Relationship, Evidence]:
    """Say whether two faces are close together in the picture.

    Faces of different size may be at different depth, so the confidence falls with the ratio of their heights.
    """
    distance = face_distance(one, two)
    heights = sorted((one.face.box.height, two.face.box.height))
    kind = "close_together" if distance < CLOSE else "apart"
    words = "close together" if kind == "close_together" else "apart"
    entry = Evidence(
        id=f"pair.{one.id}.{two.id}.distance",
        kind="geometry",
        text=f"The faces of {pair_name(one, two)} are {distance:.1f} face heights apart.",
        value=round(distance, 3),
        person=None,
    )
    relationship = Relationship(
        people=(one.id, two.id),
        kind="close_together" if kind == "close_together" else "apart",
        text=f"{pair_name(one, two)} are {words} in the picture.",
        basis="observed",
        evidence=(entry.id,),
        confidence=round(heights[0] / heights[1], 3),
    )
    return relationship, entry


def likeness(one: Person, two: Person) -> tuple[Relationship | None, Evidence | None]:
    """Compare two expression distributions by their overlap (sum of the smaller probabilities, 0..1).

    Nothing is said where one face was not read, or where the overlap is neither high (0.6) nor low (0.2).
    """
    if one.expression is None or two.expression is None or one.expression.abstained or two.expression.abstained:
        return None, None
    left, right = dict(one.expression.distribution.items()), dict(two.expression.distribution.items())
    overlap = sum(min(left[name], right[name]) for name in left)
    if 0.2 < overlap < 0.6:
        return None, None
    alike = overlap >= 0.6
    entry = Evidence(
        id=f"pair.{one.id}.{two.id}.likeness",
        kind="geometry",
        text=f"The expressions of {pair_name(one, two)} overlap by {overlap:.2f}.",
        value=round(overlap, 4),
        person=None,
    )
    relationship = Relationship(
        people=(one.id, two.id),
        kind="similar_expression" if alike else "different_expression",
        text=f"{pair_name(one, two)} show {'similar' if alike else 'different'} expressions.",
        basis="inferred",
        evidence=(entry.id,),
        confidence=round(min(max(overlap if alike else 1 - overlap, 0.0), 1.0), 4),
    )
    return relationship, entry
