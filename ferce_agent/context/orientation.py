"""Who is turned towards whom: head yaw against the side on which the other face is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ferce_agent.context.pairs import centre, face_distance, pair_name
from ferce_agent.report import Evidence, Person, RelationKind, Relationship, wording

TURNED: Final = 15.0
"""From this yaw in degrees on a head counts as turned to a side; five-point yaw is good to about 8 degrees."""
REACH: Final = 5.0
"""Beyond so many face heights nothing is said about orientation."""


def side_of(yaw: float) -> int:
    """Return 1 for a head turned to the right of the picture, -1 to the left, 0 for neither; `yaw` in degrees."""
    return 0 if abs(yaw) < TURNED else (1 if yaw > 0 else -1)


def orientation(one: Person, two: Person) -> tuple[Relationship, Evidence] | None:
    """Return how two heads are turned to each other; None where neither is turned, or the faces are far apart.

    A head turned towards the side of the other face is turned towards that person as far as a picture can tell; depth
    is not known. The evidence's value is the yaw of the right head minus that of the left one, in degrees; the
    confidence grows from 0.5 to 0.9 with the larger yaw, up to 45 degrees (our own convention).
    """
    left, right = sorted((one, two), key=lambda person: centre(person)[0])
    a, b = side_of(left.face.pose.yaw), side_of(right.face.pose.yaw)
    if (a, b) == (0, 0) or face_distance(one, two) > REACH:
        return None
    kind, words = _kind(a, b)
    pair = (left, right) if kind != "facing" or a > 0 else (right, left)
    entry = Evidence(
        id=f"pair.{one.id}.{two.id}.orientation",
        kind="pose",
        text=f"The heads of {pair_name(left, right, inside=True)}, from left to right in the picture, are turned by "
        f"{left.face.pose.yaw:.0f} and {right.face.pose.yaw:.0f} degrees (positive: to the right).",
        value=round(right.face.pose.yaw - left.face.pose.yaw, 1),
        person=None,
    )
    strength = min(max(abs(left.face.pose.yaw), abs(right.face.pose.yaw)) / 45, 1.0)
    relationship = Relationship(
        people=(pair[0].id, pair[1].id),
        kind=kind,
        text=f"{words.format(one=pair_name(*pair), first=_name(pair[0]), second=_name(pair[1]).lower())}.",
        basis="observed",
        evidence=(entry.id,),
        confidence=round(0.5 + 0.4 * strength, 3),
    )
    return relationship, entry


def nearest_in_sight(one: Person, two: Person, people: Sequence[Person]) -> bool:
    """Return whether the orientation of two heads is about these two: nobody else is nearer on the side of the other.

    Args:
        one: One of the two.
        two: The other.
        people: Everybody in the picture, these two included.
    """
    return all(_nearest(person, other, people) for person, other in ((one, two), (two, one)))


def _nearest(person: Person, other: Person, people: Sequence[Person]) -> bool:
    """Return whether `person` is turned to no side, or `other` is the nearest on the side of `other`."""
    if side_of(person.face.pose.yaw) == 0:
        return True
    to_right = centre(other)[0] > centre(person)[0]
    same_side = [one for one in people if one.id != person.id and (centre(one)[0] > centre(person)[0]) == to_right]
    return min(same_side, key=lambda one: face_distance(person, one)).id == other.id


def _kind(left: int, right: int) -> tuple[RelationKind, str]:
    """Return the kind for the sides that the left and the right face are turned to."""
    if (left, right) == (1, -1):
        return "facing_each_other", "{one} are turned towards each other"
    if (left, right) == (-1, 1):
        return "facing_away", "{one} are turned away from each other"
    if left == right:
        return "facing_same_way", "{one} are turned the same way"
    if left == 1 or right == -1:
        return "facing", "{first} is turned towards {second}"
    return "facing_away", "{one} are turned away from each other"


def _name(person: Person) -> str:
    return wording.person_name(person.id)
