"""What one look at a body says: points in pixels become numbers that can be compared from look to look.

Points are numbered as by MediaPipe (`ferce_agent.faces.body.BodyPose`); left and right are those of the person there.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SEEN: Final = 0.5
"""Least visibility of a joint that is used."""
GUESSED: Final = 0.3
"""The same of wrists and elbows for crossed arms, of which one always hides the other."""
NOSE: Final = 0
EARS, SHOULDERS, ELBOWS, WRISTS = (7, 8), (11, 12), (13, 14), (15, 16)
FINGERS: Final = ((17, 19, 21), (18, 20, 22))
"""Knuckles of little finger, index finger and thumb of the person's left and right hand."""
JOINTS: Final = (NOSE, *SHOULDERS, *ELBOWS, *WRISTS)
"""Joints whose movements count."""
BOX_SIDE: Final = 0.5
"""From the middle of the face's box to its sides, in its sizes."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand beside the face; NaN where it is not seen.

    Attributes:
        across: Where its nearest knuckle is across the face's box: 0 at the left of the picture, 1 at the right.
        down: The same down the box: 0 at the top, 1 at the chin.
        wrist_down: The same of its wrist.
        visibility: Of the knuckle.
    """

    across: float
    down: float
    wrist_down: float
    visibility: float

    @property
    def off(self) -> float:
        """How far it is from the middle of the face, in sizes of its box: up to 0.5 within; NaN where not seen."""
        return float(max(abs(self.across - 0.5), abs(self.down - 0.5)))


@dataclass(frozen=True, slots=True)
class BodyLook:
    """One look at a body; NaN for what is not seen.

    Lengths are in sizes of the face: the root of the area of its box.

    Attributes:
        time: Seconds of the film.
        face: Natural logarithm of the face's size (root of the area of its box) in pixels.
        shoulders: Natural logarithm of the distance of the shoulders in pixels.
        neck: From the ears down to the shoulders.
        slope: Degrees by which the line of the shoulders falls to the right of the picture.
        roll: Degrees by which the head is tilted, signs as in `ferce_agent.report.HeadPose`.
        crossed: How far both wrists are beyond the middle, in widths of the shoulders, where each lies near the other
            elbow; 0 where they are not.
        left: The person's left hand.
        right: The person's right hand.
        joints: Places of `JOINTS` in pixels, shape (14,): x and y of each.
        trunk: Least visibility of the shoulders.
        arms: Least visibility of elbows and wrists.
    """

    time: float
    face: float
    shoulders: float
    neck: float
    slope: float
    roll: float
    crossed: float
    left: Hand
    right: Hand
    joints: Array
    trunk: float
    arms: float

    def row(self) -> Array:
        """Return everything as one row of numbers, `WIDTH` of them."""
        numbers = [self.time, self.face, self.shoulders, self.neck, self.slope, self.roll, self.crossed]
        hands = [*astuple(self.left), *astuple(self.right)]
        return np.concatenate([[*numbers, self.trunk, self.arms, *hands], self.joints])


TIME, FACE, SHOULDER, NECK, SLOPE, ROLL, CROSSED, TRUNK, ARMS = range(9)
"""Columns of a row."""
HANDS: Final = (slice(9, 13), slice(13, 17))
"""Columns of the person's left and right hand: across, down, wrist down, visibility."""
PLACES: Final = slice(17, 17 + 2 * len(JOINTS))
"""Columns of the joints' places."""
WIDTH: Final = 17 + 2 * len(JOINTS)


def look_at(time: float, points: Array, visibility: Array, face: Array, roll: float) -> BodyLook:
    """Return what one look says.

    Args:
        time: Seconds of the film.
        points: (x, y) in pixels, shape (33, 2).
        visibility: Of the points, 0..1, shape (33,).
        face: Box of the face: x, y, width and height in pixels, shape (4,).
        roll: Tilt of the head in degrees.
    """
    size = max(float(np.sqrt(face[2] * face[3])), 1e-6)
    trunk = float(visibility[list(SHOULDERS)].min())
    both = np.where((visibility >= SEEN)[:, None], points, np.nan)
    left, right = both[list(SHOULDERS)]
    middle = (left + right) / 2
    return BodyLook(
        time=time,
        face=float(np.log(size)),
        shoulders=float(np.log(max(np.hypot(*(left - right)), 1e-6))) if trunk >= SEEN else float("nan"),
        neck=float(middle[1] - both[list(EARS), 1].mean()) / size,
        slope=slope_of(left, right),
        roll=roll,
        crossed=crossed_by(points, visibility),
        left=hand_of(0, points, visibility, face),
        right=hand_of(1, points, visibility, face),
        joints=both[list(JOINTS)].ravel(),
        trunk=trunk,
        arms=float(visibility[[*ELBOWS, *WRISTS]].min()),
    )


def slope_of(one: Array, other: Array) -> float:
    """Return by how many degrees the line of two shoulders falls to the right of the picture; NaN where not seen.

    Args:
        one: A shoulder, (x, y) in pixels.
        other: The other one.
    """
    across = one - other if one[0] >= other[0] else other - one
    return float(np.degrees(np.arctan2(across[1], across[0])))


def crossed_by(points: Array, visibility: Array) -> float:
    """Return how far both wrists are beyond the middle of the shoulders, in their widths; 0 where arms are not crossed.

    Each wrist lies on the other arm's side, nearer to that arm's elbow than 0.6 widths of the shoulders, and below the
    shoulders. NaN where shoulders, elbows or wrists are not seen.
    """
    if visibility[list(SHOULDERS)].min() < SEEN or visibility[[*ELBOWS, *WRISTS]].min() < GUESSED:
        return float("nan")
    across = points[SHOULDERS[0]] - points[SHOULDERS[1]]
    width = max(float(np.hypot(*across)), 1e-6)
    middle = points[list(SHOULDERS)].mean(0)
    beyond = [
        -sign * float((points[wrist] - middle) @ across) / width**2 for wrist, sign in zip(WRISTS, (1, -1), strict=True)
    ]
    near = all(
        float(np.hypot(*(points[wrist] - points[elbow]))) <= 0.6 * width
        for wrist, elbow in zip(WRISTS, ELBOWS[::-1], strict=True)
    )
    below = all(float(points[wrist, 1] - middle[1]) > 0.2 * width for wrist in WRISTS)
    return max(min(beyond), 0.0) if near and below else 0.0


def hand_of(which: int, points: Array, visibility: Array, face: Array) -> Hand:
    """Return where a hand is beside the face, by the knuckle that is nearest to its middle.

    Args:
        which: 0 for the person's left hand, 1 for the right one.
        points: In pixels, shape (33, 2).
        visibility: Shape (33,).
        face: Box of the face, shape (4,).
    """
    seen = [joint for joint in FINGERS[which] if visibility[joint] >= SEEN]
    if not seen:
        return Hand(float("nan"), float("nan"), float("nan"), 0.0)
    places = (points - face[:2]) / np.maximum(face[2:], 1e-6)
    nearest = min(seen, key=lambda joint: float(np.abs(places[joint] - 0.5).max()))
    across, down = places[nearest].tolist()
    return Hand(across, down, float(places[WRISTS[which], 1]), float(visibility[nearest]))


def behind_hand(look: BodyLook) -> tuple[str, ...]:
    """Return which regions of the face a hand is over: ``eyes`` its upper half, ``mouth`` its lower half.

    The knuckles must lie in the box of the face; fingers reach further, so what is named is at least doubtful.
    """
    hands = [hand for hand in (look.left, look.right) if hand.off <= BOX_SIDE]
    named = {"eyes" if hand.down < 0.5 else "mouth" for hand in hands}
    return tuple(region for region in ("eyes", "mouth") if region in named)
