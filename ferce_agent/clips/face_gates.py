"""When the gate network is asked about faces that are followed: on key frames, and where a face suddenly changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.followed_face import FollowedFace
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.orientation import AGREE, CERTAIN, TILTED, apart, orient
from ferce_agent.faces.patch import gate_patch
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.faces.search import window_around
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline

AGAIN_S: Final = 1.0
"""Which way up a face is that the network and the landmarks disagree on is examined after so many seconds."""
CHANGED: Final = 0.55
"""From this change of a region of the crop on the network looks again, in standard deviations of the whole crop."""
REGION_ROWS: Final = (slice(10, 21), slice(20, 31), slice(29, 42))
"""Rows of eyes, nose and mouth in the crop of 44 pixels."""


class FaceGates:
    """Keeps what the gate network says of faces that are followed up to date."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Remember whose networks look; nothing is loaded yet."""
        self._pipeline = pipeline

    def ask(
        self, frame: Frame, grey: NDArray[np.uint8], faces: Sequence[FollowedFace], *, key: bool
    ) -> list[NDArray[np.uint8]]:
        """Bring the doubts about faces up to date.

        Args:
            frame: The present frame.
            grey: Its grey levels, shape (H, W).
            faces: Faces that are visible in it.
            key: Whether to ask about all of them.

        Returns:
            The aligned crop of each face, shape (44, 44).

        Raises:
            WeightsError: The weights of the gate network or the detector are missing.
            EngineError: One of them failed.
        """
        crops = [align_face(grey, face.face.landmarks) for face in faces]
        asked = [
            place
            for place, (face, crop) in enumerate(zip(faces, crops, strict=True))
            if key or has_changed(face.doubts.crop, crop)
        ]
        if not asked:
            return crops
        patches = np.stack([upright_patch(grey, faces[place].face) for place in asked])
        for place, reading in zip(asked, self._pipeline.gates.look(patches), strict=True):
            face = faces[place]
            roll = estimate_pose(face.face.landmarks).roll
            if reading.certain >= CERTAIN and apart(reading.roll, 0.0 if abs(roll) > TILTED else roll) <= AGREE:
                face.doubts.turned = False
            elif face.doubts.oriented_at is None or frame.time - face.doubts.oriented_at >= AGAIN_S:
                self._orient(frame, face)
                crops[place] = align_face(grey, face.face.landmarks)
            face.doubts.heard(reading, self._pipeline.gates.card, crops[place], frame.time)
        return crops

    def _orient(self, frame: Frame, face: FollowedFace) -> None:
        """Find out which way up a face is whose landmarks the gate network does not believe."""
        (seen,) = orient(self._pipeline.detector, self._pipeline.gates, [(frame.pixels, face.face)])
        face.doubts.oriented_at, face.doubts.turned = frame.time, seen.doubtful
        if not seen.doubtful:
            face.face, face.pull = DetectedFace(seen.face.box, seen.face.landmarks, face.face.score), None


def upright_patch(grey: NDArray[np.uint8], face: DetectedFace) -> NDArray[np.uint8]:
    """Return what the gate network looks at, (64, 64): a face as it stands, or set upright where it is far from it."""
    roll = estimate_pose(face.landmarks).roll
    if abs(roll) <= TILTED:
        return gate_patch(grey, face.box)
    window, matrix = window_around(grey, face.box, roll)
    size = face.box[2:] * float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return gate_patch(window, np.concatenate([np.array(window.shape[1::-1]) / 2 - size / 2, size]))


def has_changed(before: NDArray[np.uint8] | None, now: NDArray[np.uint8]) -> bool:
    """Return whether some region of a face looks different than before.

    Args:
        before: Its crop when the gate network looked, shape (44, 44); None if that is not known.
        now: Its crop in the present frame.
    """
    if before is None:
        return True
    off = np.abs(now.astype(np.float32) - before.astype(np.float32))
    spread = float(before.std()) + 4.0
    return any(float(off[rows].mean()) / spread >= CHANGED for rows in REGION_ROWS)
