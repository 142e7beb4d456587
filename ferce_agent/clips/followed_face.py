"""One face that is followed: where it is, how it moves, and what is in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.orientation import Reading
from ferce_agent.faces.tracking import STILL, Motion, middle_of, shifted
from ferce_agent.report import QualityReason
from ferce_agent.specialist.gates import REGIONS, GateCard
from ferce_agent.specialist.gating import COVERED, doubts_about, is_face

LEAST_GAIN: Final = 0.3
"""Least share of a new detection in the place of a face that was carried on."""
JITTER: Final = 0.012
"""Distance of the landmarks, in sizes of the face, at which a detection and flow count equally.

Detections are right in the mean and jitter by about 1 % of the face; flow does not jitter, but drifts."""
DISAGREE: Final = 0.12
"""From this mean distance of the landmarks on, in sizes of the face, the detection counts alone."""
RELEASE: Final = 0.5
"""A region counts as uncovered again under this share of the card's threshold; in between it stays what it was."""


@dataclass(slots=True)
class Doubts:
    """What the gate network says is in the way of a face, from look to look.

    Attributes:
        reasons: Reason codes that hold until the next look.
        refused_at: Since when it is no face at any look, in seconds of the film; None for a face.
        turned: Whether nothing confirms which way up the face is.
        oriented_at: When that was last examined, in seconds of the film; None for never.
        crop: The aligned crop at the last look, shape (44, 44); None where that is not known.
    """

    reasons: tuple[QualityReason, ...] = ()
    refused_at: float | None = None
    turned: bool = False
    oriented_at: float | None = None
    crop: NDArray[np.uint8] | None = None

    def heard(self, reading: Reading, card: GateCard, crop: NDArray[np.uint8], time: float) -> None:
        """Take over what the network says at a time of the face with this crop."""
        now = doubts_about(reading, card, turned=self.turned)
        held = [
            COVERED[region]
            for region in REGIONS
            if COVERED[region] in self.reasons and reading.covered[region] >= RELEASE * card.covered[region]
        ]
        self.reasons = (*now, *(reason for reason in held if reason not in now))
        since = time if self.refused_at is None else self.refused_at
        self.refused_at = None if is_face(reading, card) else since
        self.crop = crop


@dataclass(slots=True)
class FollowedFace:
    """A face from frame to frame.

    Attributes:
        number: Number of the track, from 1; 0 for a face that is not confirmed yet.
        face: Where it was last seen, in pixels of the frame.
        seen: When that was, in seconds of the film.
        found: When it was last found by the detector.
        hits: How often it was found since its place was last taken from a single detection.
        motion: How it moves.
        visible: Whether it is in the present frame.
        carried: Whether its place there comes from optical flow alone.
        doubts: What is in its way.
    """

    number: int
    face: DetectedFace
    seen: float
    found: float
    hits: int = 1
    motion: Motion = STILL
    visible: bool = True
    carried: bool = False
    doubts: Doubts = field(default_factory=Doubts)

    def refused_for(self, time: float) -> float:
        """Return for how many seconds the gate network has called it no face."""
        return 0.0 if self.doubts.refused_at is None else time - self.doubts.refused_at

    def expected(self, time: float) -> DetectedFace:
        """Return where the face should be at a time, going by its motion."""
        return shifted(self.face, self.motion.shift(time - self.seen))

    def carry_to(self, face: DetectedFace, time: float) -> None:
        """Take over where optical flow says the face is now."""
        self.face, self.seen, self.visible, self.carried = face, time, True, True

    def find_at(self, found: DetectedFace, time: float) -> None:
        """Take over where the detector finds the face now: mixed with where flow says it is, if they agree."""
        off = apart(self.face, found)
        agree = self.visible and self.seen == time and off <= DISAGREE
        gain = max(1 / (self.hits + 1), LEAST_GAIN, off**2 / (off**2 + JITTER**2)) if agree else 1.0
        self.hits = self.hits + 1 if agree else 1 + (self.number == 0)
        self.face = mixed(self.face, found, gain)
        self.seen, self.found, self.visible, self.carried = time, time, True, False

    def scale(self, across: float, down: float) -> None:
        """Follow a change of the frames' size by two factors."""
        factors = np.array([across, down])
        box = self.face.box * np.tile(factors, 2)
        self.face = DetectedFace(box, self.face.landmarks * factors, self.face.score)
        self.motion = Motion(self.motion.velocity * factors, self.motion.weight)

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data, without pixels."""
        return {
            "number": self.number,
            "box": self.face.box.tolist(),
            "landmarks": self.face.landmarks.tolist(),
            "score": self.face.score,
            "seen": self.seen,
            "found": self.found,
            "hits": self.hits,
            "velocity": self.motion.velocity.tolist(),
            "weight": self.motion.weight,
            "reasons": list(self.doubts.reasons),
            "refused_at": self.doubts.refused_at,
            "turned": self.doubts.turned,
            "oriented_at": self.doubts.oriented_at,
        }

    @classmethod
    def load(cls, dump: Mapping[str, Any]) -> FollowedFace:
        """Return a face, out of sight, from what `dump` gave.

        Raises:
            KeyError: A field is missing.
        """
        face = DetectedFace(_floats(dump["box"]), _floats(dump["landmarks"]), float(dump["score"]))
        doubts = Doubts(tuple(dump["reasons"]), dump["refused_at"], dump["turned"], dump["oriented_at"])
        motion = Motion(_floats(dump["velocity"]), float(dump["weight"]))
        number, seen, found, hits = (dump[name] for name in ("number", "seen", "found", "hits"))
        return cls(number, face, seen, found, hits, motion, visible=False, doubts=doubts)


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def apart(one: DetectedFace, other: DetectedFace) -> float:
    """Return the mean distance of two faces' landmarks, in sizes of the first face."""
    off = np.linalg.norm(one.landmarks - other.landmarks, axis=1)
    return float(off.mean() / np.sqrt(max(one.area, 1e-9)))


def mixed(one: DetectedFace, other: DetectedFace, gain: float) -> DetectedFace:
    """Return a face between two, with the score of the second; a gain of 1 gives the second."""
    box = one.box + gain * (other.box - one.box)
    return DetectedFace(box, one.landmarks + gain * (other.landmarks - one.landmarks), other.score)


def moved_by(before: DetectedFace, after: DetectedFace) -> NDArray[np.float64]:
    """Return how far a face's middle has moved, (x, y) in pixels."""
    return middle_of(after.box) - middle_of(before.box)
