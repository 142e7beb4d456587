"""What was measured of one face in one frame, as plain numbers: an hour of film has a hundred thousand of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ferce_agent.report import QualityReason


@dataclass(frozen=True, slots=True)
class TrackSample:
    """One face in one frame.

    Attributes:
        time: Seconds of the film.
        track: Which face it is, from 1; the report calls it ``track-1``.
        box: x, y, width, height in pixels of the frame, shape (4,).
        landmarks: Five points as `ferce_agent.faces.detection.DetectedFace.landmarks`, shape (5, 2).
        score: The detector's score, 0..1; of the last detection where the place was carried on.
        carried: Whether the place was carried on by optical flow, and not detected in this frame.
        pose: Yaw, pitch and roll in degrees, shape (3,); signs as in `ferce_agent.report.HeadPose`.
        quality: `ferce_agent.report.Quality.score`, 0..1.
        reasons: Why the face is hard to read, worst first; empty if nothing is in the way.
        probabilities: Calibrated probabilities of the eight expressions in FER+ order, shape (8,); None where they were
            not read: the specialist failed, or the rules allow no expressions.
        units: Intensities 0..1 of the action units of the specialist's card, in its order, shape (U,); NaN where a part
            of the face is covered, all NaN where they were not read.
        shapes: Intensities 0..1 of the card's blendshapes, in its order, shape (S,); NaN as for `units`.
        strangeness: How unlike the training pictures the face is; see `ferce_agent.specialist.strangeness`.
    """

    time: float
    track: int
    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float
    carried: bool
    pose: NDArray[np.float64]
    quality: float
    reasons: tuple[QualityReason, ...]
    probabilities: NDArray[np.float64] | None
    units: NDArray[np.float64]
    shapes: NDArray[np.float64]
    strangeness: float


@dataclass(frozen=True, slots=True)
class FollowedFrame:
    """All faces of one frame.

    Attributes:
        time: Seconds of the film.
        size: Width and height of the frame in pixels.
        samples: The faces, largest first.
        cut: Whether a new scene begins here; all tracks before have ended.
        started: Tracks that begin in this frame.
        ended: Tracks that are known from now on to have ended earlier.
        more: Faces that were found beyond the limit and not followed.
    """

    time: float
    size: tuple[int, int]
    samples: tuple[TrackSample, ...]
    cut: bool = False
    started: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    more: int = 0
