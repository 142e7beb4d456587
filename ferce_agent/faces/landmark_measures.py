"""What landmarks say of eyes, mouth and head: openness, gaze, turn.

Eye aspect ratio: Soukupova and Cech (2016), height of the opening over its width, here the mean of three heights. Its
usual threshold for a closed eye is about 0.18; a mouth's ratio has no threshold of any authority.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ferce_agent.faces.landmarks import EyePoints, FaceLandmarks, Points

_HEIGHTS: Final = ((3, 11), (4, 12), (5, 13))
"""Points of the lower and upper lid that lie above one another."""
_LIPS: Final = (13, 14)
"""Inner edges of the upper and the lower lip."""
_MOUTH_CORNERS: Final = (78, 308)
"""Inner corners of the mouth, left and right in the picture."""
_SIDES: Final = (234, 454)
"""Points before the ears, left and right in the picture."""
_ENDS: Final = (10, 152)
"""Top of the forehead, and chin."""
FULL_TURN: Final = 0.46
"""Way of the iris at a turn of the eye by 35 degrees, over half the width of the eye.

The sine of 35 degrees times the radius of an eyeball (12 mm) over half the distance of the corners (15 mm)."""

FOLLOWS: Final = 0.7
"""Share of an iris's way that the model shows: 0.54 to 0.77 on drawn irises (`ferce_agent.evaluation.clips.eyes`)."""


def eye_aspect_ratio(eye: EyePoints) -> float:
    """Return the height of an eye's opening over its width, 0 (closed) to about 0.45."""
    rim = eye.rim
    heights = [np.hypot(*(rim[low] - rim[high])) for low, high in _HEIGHTS]
    return float(np.mean(heights) / max(float(np.hypot(*(rim[0] - rim[8]))), 1e-6))


def mouth_aspect_ratio(face: FaceLandmarks) -> float:
    """Return the height of the mouth's opening over its width, 0 (shut) to above 1."""
    points = face.points[:, :2]
    (top, bottom), (left, right) = points[list(_LIPS)], points[list(_MOUTH_CORNERS)]
    return float(np.hypot(*(bottom - top)) / max(float(np.hypot(*(right - left))), 1e-6))


def gaze(face: FaceLandmarks) -> tuple[float, float]:
    """Return where both irises stand between the corners of their eyes: x and y, each -1..1.

    x is positive to the right of the picture, y up; 1 is about as far as eyes turn (35 degrees). How high the irises
    of eyes that look ahead stand differs between faces.
    """
    x, y = np.mean([_iris_place(eye) for eye in (face.left, face.right)], 0)
    full = FULL_TURN * FOLLOWS
    return float(np.clip(x / full, -1, 1)), float(np.clip(y / full, -1, 1))


def _iris_place(eye: EyePoints) -> Points:
    """Return where the iris is along and above the line between the corners, in half widths of the eye."""
    left, right = eye.corners
    across = (right - left) / 2
    length = max(float(across @ across), 1e-9)
    away = eye.iris[0] - (left + right) / 2
    return np.array([away @ across, away @ [across[1], -across[0]]]) / length


def head_turn(face: FaceLandmarks) -> tuple[float, float]:
    """Return yaw and pitch in degrees, signs as in `ferce_agent.faces.pose.Pose`, from the depth of the points."""
    sides, ends = face.points[list(_SIDES)], face.points[list(_ENDS)]
    across, down = sides[1] - sides[0], ends[1] - ends[0]
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(-down[2], np.hypot(down[0], down[1])))
    return float(yaw), float(pitch)
