"""Whether five landmarks and a box are those of a whole, undistorted face: geometry alone, no pixels.

The limits lie outside of what 2,581 faces of FER+ (validation), press photos and stock photos show: fewer than one in
a hundred of them is called implausible, about one in fifty stretched.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.alignment import TEMPLATE, fit_similarity
from ferce_agent.faces.detection import DetectedFace

EYE_DISTANCE: Final = float(np.linalg.norm(TEMPLATE[1] - TEMPLATE[0]))
"""Distance of the eyes in the template, in pixels of the crop."""
WIDTHS: Final = (0.55, 1.0)
"""Width of the mouth over the distance of the eyes; 99 % of faces lie between 0.61 and 0.93."""
NOSE: Final = (0.38, 0.74)
"""Place of the nose tip on the way from the eyes (0) to the mouth (1); 99 % of faces lie between 0.43 and 0.67."""
HEIGHTS: Final = (0.2, 0.62)
"""Distance from eyes to mouth over the square root of the box's area; 99 % of faces lie between 0.33 and 0.53."""
NARROWEST: Final = 0.05
"""Least distance of the eyes, and of the mouth's corners, over that from eyes to mouth: a head in full profile."""
TILT: Final = 0.35
"""Most that one eye, or one mouth corner, is nearer to the other pair, over the distance from eyes to mouth."""
OUTSIDE: Final = 0.12
"""How far a landmark may lie outside the box, in sides of the box; no face had more than 0.09."""
SLOPE: Final = 1.34
INTERCEPT: Final = 0.34
"""Logarithm of the stretch from that of the box's width over its height.

Least squares on 249 faces of FER+ and press photos, each stretched by factors from 0.5 to 2; on as many others it
explains 81 % of the variance. Landmarks add nothing: YuNet draws them towards a mean face, stretched or not.
"""
TILTED: Final = 25.0
"""From this roll in degrees on (to the nearest right angle) the box says nothing about a stretch."""


def is_plausible(face: DetectedFace) -> bool:
    """Return whether the landmarks can be those of a face, at any rotation within the picture.

    Seen from the middle of the eyes towards the mouth, the eyes and the mouth corners stand in their order, the nose
    between them, the mouth about as wide as the eyes are apart, and all of it inside the box.
    """
    points = face.landmarks
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    height = float(np.linalg.norm(mouth - eyes))
    if not np.isfinite(points).all() or height < 1e-6:
        return False
    down = (mouth - eyes) / height
    across = np.array([down[1], -down[0]])
    pairs = (points[1] - points[0]) / height, (points[4] - points[3]) / height
    apart, wide = (float(pair @ across) for pair in pairs)
    tilt = max(abs(float(pair @ down)) for pair in pairs)
    if min(apart, wide) < NARROWEST or tilt > TILT:
        return False
    nose = float((points[2] - eyes) @ down) / height
    beyond = np.maximum(face.box[:2] - points, points - face.box[:2] - face.box[2:]) / face.box[2:]
    return (
        _within(wide / apart, WIDTHS)
        and _within(nose, NOSE)
        and _within(height / max(face.area, 1e-9) ** 0.5, HEIGHTS)
        and float(beyond.max()) <= OUTSIDE
    )


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def stretch_of(face: DetectedFace, roll: float) -> float:
    """Return about how much too wide the face is, as the logarithm of a factor; negative: too high, 0: as faces are.

    Args:
        face: The face in pixels of the picture.
        roll: Its rotation within the picture in degrees.
    """
    off = abs((roll + 45) % 90 - 45)
    if off > TILTED:
        return 0.0
    across, along = face.box[2:] if abs(roll) < 45 or abs(roll) > 135 else face.box[[3, 2]]
    return SLOPE * float(np.log(max(across, 1e-9) / max(along, 1e-9))) + INTERCEPT


def frame_margin(face: DetectedFace, width: int, height: int) -> float:
    """Return how far eyes and mouth are from the edge of the picture, in distances of the eyes; below 0: outside.

    The distance of the eyes is that of a face seen from the front, of the size that all landmarks together tell. A
    whole face reaches about 0.5 of it beyond each of these points. YuNet puts the eyes and the mouth of a cut face
    inside the frame even where they lie beyond it, close to the edge.

    Args:
        face: The face in pixels of the picture.
        width: Width of the picture in pixels.
        height: Its height.
    """
    matrix = fit_similarity(TEMPLATE, face.landmarks)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0])) * EYE_DISTANCE
    points: NDArray[np.float64] = face.landmarks[[0, 1, 3, 4]]
    nearest = min(float(points.min()), float((np.array([width, height]) - points).min()))
    return nearest / max(scale, 1e-6)
