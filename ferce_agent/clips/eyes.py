"""From what was measured of a face in one frame to what `ferce_agent.temporal.eyes.EyeWatch` takes.

The specialist's blendshapes name left and right after the person, as MediaPipe does, its teacher; samples name them
after the picture, as all of the report does: ``eyeBlinkRight`` is the eye at the left of the picture.

What is used of the specialist was measured (`ferce bench clips`): lids, jaw, and lids lowered by a look down. Its gaze
to the side follows the turn of the head and not the eyes, and is not used; the turn of the head then says where a face
looks. The landmark model measures both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite, nan
from typing import Final, Literal

import numpy as np

from ferce_agent.clips.samples import TrackSample
from ferce_agent.faces.landmark_measures import eye_aspect_ratio, gaze, head_turn, mouth_aspect_ratio
from ferce_agent.faces.landmarks import FaceLandmarker
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import QualityReason
from ferce_agent.report.clip import EyeSummary
from ferce_agent.report.clip_events import EyesSeen
from ferce_agent.temporal.eye_events import EyeNumbers, EyeSample
from ferce_agent.temporal.glances import Direction

Method = Literal["specialist", "mediapipe-landmarks"]
"""Which model measured eyes and mouth."""
SHUT: Final = 0.54
"""The specialist's ``eyeBlink`` in closed eyes (0.47 to 0.7); its scale ends at 1. Narrowed eyes come to 0.45."""
WIDE_JAW: Final = 0.5
"""Twice the specialist's ``jawOpen`` from which on a mouth is wide open: a height of about half of its width."""
DOWN: Final = 0.3
"""Least ``eyeLookDown`` of eyes that look down."""
DOWN_SHARE: Final = 0.8
"""Eyes whose ``eyeBlink`` is below this share of their ``eyeLookDown`` look down; closed ones have as much of both."""
EAR_SHUT: Final = 0.16
"""Eye aspect ratio of closed eyes."""
EAR_WIDE: Final = 0.42
"""Eye aspect ratio of wide open eyes."""
MAR_WIDE: Final = 1.0
"""Twice the mouth aspect ratio from which on a mouth is wide open."""
FAR_TURNED: Final = 45.0
"""Degrees of yaw beyond which one eye is hidden and the other seen from the side."""
HIDE_EYES: Final[frozenset[QualityReason]] = frozenset({"eyes_covered", "bad_landmarks", "maybe_not_a_face"})
HIDE_MOUTH: Final[frozenset[QualityReason]] = frozenset({"mouth_covered", "bad_landmarks", "maybe_not_a_face"})
HIDE_DIRECTION: Final[frozenset[QualityReason]] = frozenset({"bad_landmarks", "maybe_not_a_face"})
HIDDEN_IRIS: Final = 0.5
"""Of eyes that are closed further the iris cannot be seen, and so not where they look."""
LEAST_PRESENCE: Final = 0.5
"""Below this the landmark model says that it saw no face."""


class EyeReader:
    """Makes the samples of eyes, mouth and direction.

    Attributes:
        method: Which model it uses.
    """

    def __init__(self, blendshapes: Sequence[str], landmarker: FaceLandmarker | None = None) -> None:
        """Prepare.

        Args:
            blendshapes: Names of `TrackSample.shapes`, the specialist's card's; may lack what is needed, then nothing
                is seen.
            landmarker: The landmark model, to be used in place of the specialist.

        Raises:
            MissingExtraError: The landmark model was given and ai-edge-litert is not installed.
            WeightsError: The landmark model was given and its weights are not there.
        """
        self._places = {name: place for place, name in enumerate(blendshapes)}
        self._landmarker = landmarker
        self.method: Method = "specialist" if landmarker is None else "mediapipe-landmarks"
        if landmarker is not None:
            landmarker.load()

    def read(self, sample: TrackSample, frame: Frame | None = None) -> EyeSample:
        """Return what is seen of eyes, mouth and direction in one frame; what is hidden is NaN.

        Args:
            sample: The face.
            frame: The picture it is in; only the landmark model needs it.

        Raises:
            EngineError: The landmark model failed.
        """
        if self._landmarker is None or frame is None:
            seen = self._from_shapes(sample)
        else:
            seen = self._from_landmarks(self._landmarker, sample, frame)
        return _without_hidden(seen, sample)

    def _from_shapes(self, sample: TrackSample) -> EyeSample:
        shape = self._shape
        left, right, jaw = (shape(sample, name) for name in ("eyeBlinkRight", "eyeBlinkLeft", "jawOpen"))
        down = (shape(sample, "eyeLookDownLeft") + shape(sample, "eyeLookDownRight")) / 2
        lowered = down > DOWN and (left + right) / 2 < DOWN_SHARE * down  # with NaN neither is true
        direction = Direction(float(sample.pose[0]), float(sample.pose[1]), nan, nan)
        return EyeSample(sample.time, _cut(left / SHUT), _cut(right / SHUT), _cut(jaw / WIDE_JAW), direction, lowered)

    def _shape(self, sample: TrackSample, name: str) -> float:
        place = self._places.get(name)
        return nan if place is None or place >= len(sample.shapes) else float(sample.shapes[place])

    @staticmethod
    def _from_landmarks(landmarker: FaceLandmarker, sample: TrackSample, frame: Frame) -> EyeSample:
        face = landmarker(frame.pixels, sample.landmarks)
        if face.presence < LEAST_PRESENCE:
            return EyeSample(sample.time, nan, nan, nan, Direction(nan, nan, nan, nan))
        left, right = (
            _cut((EAR_WIDE - eye_aspect_ratio(eye)) / (EAR_WIDE - EAR_SHUT)) for eye in (face.left, face.right)
        )
        jaw = _cut(mouth_aspect_ratio(face) / MAR_WIDE)
        looks = gaze(face) if (left + right) / 2 < HIDDEN_IRIS else (nan, nan)
        return EyeSample(sample.time, left, right, jaw, Direction(*head_turn(face), *looks))


def _without_hidden(seen: EyeSample, sample: TrackSample) -> EyeSample:
    """Return a sample in which what is covered or too far turned is NaN."""
    reasons = frozenset(sample.reasons)
    turned = bool(np.abs(sample.pose[0]) > FAR_TURNED)
    eyes = turned or bool(reasons & HIDE_EYES)
    direction = seen.direction
    if reasons & HIDE_DIRECTION:
        direction = Direction(nan, nan, nan, nan)
    elif eyes:
        direction = Direction(direction.yaw, direction.pitch, nan, nan)
    return EyeSample(
        seen.time,
        nan if eyes else seen.left,
        nan if eyes else seen.right,
        nan if reasons & HIDE_MOUTH else seen.jaw,
        direction,
        seen.lowered and not eyes,
    )


def _cut(value: float) -> float:
    """Return a value within 0..1; NaN stays."""
    return min(max(value, 0.0), 1.0) if isfinite(value) else nan


def eyes_seen(seen: EyeSample) -> EyesSeen:
    """Return what was measured in one frame as an event tells it."""
    angles = (seen.direction.yaw, seen.direction.pitch)
    yaw, pitch = (round(min(max(angle, -180.0), 180.0), 1) if isfinite(angle) else None for angle in angles)
    left, right, mouth = (round(value, 3) if isfinite(value) else None for value in (seen.left, seen.right, seen.jaw))
    return EyesSeen(left=left, right=right, mouth=mouth, lowered=seen.lowered, yaw=yaw, pitch=pitch)


def eye_summary(numbers: EyeNumbers, method: Method) -> EyeSummary | None:
    """Return the sums as the report has them; None where eyes were never seen.

    Args:
        numbers: Of `EyeWatch.summary`, after `EyeWatch.finish`.
        method: Which model measured them.
    """
    if not numbers.seen_s:
        return None
    fields = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(numbers).items()}
    return EyeSummary(method=method, **fields)
