"""The report's view of one face: box, landmarks, pose, quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.pose import METHOD, estimate_pose
from ferce_agent.faces.quality import assess_quality
from ferce_agent.report import Box, Face, HeadPose, Landmarks, Point, QualityReason


def measure_face(pixels: NDArray[np.uint8], detected: DetectedFace, doubts: Sequence[QualityReason] = ()) -> Face:
    """Return where a face is, how it is turned and how readable it is.

    Args:
        pixels: Shape (H, W, 3), uint8, BGR.
        detected: The face in pixels of the picture.
        doubts: What else is in the way, as the gate network says.

    Returns:
        Box and landmarks in pixels, pose in degrees, quality 0..1; rounded to what the measurements are good for.
    """
    pose = estimate_pose(detected.landmarks)
    points = [Point(x=round(float(px), 1), y=round(float(py), 1)) for px, py in detected.landmarks]
    return Face(
        box=box_within(detected.box, pixels.shape[1], pixels.shape[0]),
        score=round(detected.score, 4),
        landmarks=Landmarks(
            left_eye=points[0], right_eye=points[1], nose=points[2], left_mouth=points[3], right_mouth=points[4]
        ),
        pose=HeadPose(roll=round(pose.roll, 1), yaw=round(pose.yaw, 1), pitch=round(pose.pitch, 1), method=METHOD),
        quality=assess_quality(pixels, detected, pose, doubts),
    )


def box_within(box: NDArray[np.float64], width: int, height: int) -> Box:
    """Return the part of a box (x, y, width, height) that lies inside a picture of the given size, all in pixels.

    A box that lies outside is moved to the nearest edge, a tenth of a pixel wide.
    """
    least = 0.1
    low = np.clip(box[:2], 0, [width - least, height - least]).round(1)
    high = np.clip(box[:2] + box[2:], low + least, [width, height]).round(1)
    x, y, across, down = (round(float(value), 1) for value in (*low, *(high - low)))
    return Box(x=x, y=y, width=across, height=down)
