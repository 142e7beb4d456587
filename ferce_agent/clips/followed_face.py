"""One face that is followed: where it is, how it moves, and what is in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.orientation import Reading
from ferce_agent.faces.pose import estimate_pose
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
MOST_LOOKS: Final = 8
"""Looks over which the probability of a person's face is averaged."""
PART: Final = 0.75
"""A detection of less than this share of a face's usual area is only a part of it: something hides the rest."""
TURNED_YAW: Final = 25.0
"""Degrees from which on a face is narrow because it is turned, if it does not become narrower from look to look.

One that goes behind a post seems to turn as well, and becomes narrower."""
AS_WIDE: Final = 0.95
"""Least share of the area at the look before of a part that does not become smaller."""
PARTS_S: Final = 0.5
"""For so many seconds a part is not taken for the face, which is carried on whole, or out of sight; after that it is
taken to have become smaller."""
USUAL: Final = 0.3
"""Share of a new detection in the usual area."""
MOVING: Final = 0.03
"""From this mean distance on the face itself has moved, as a head does that turns, and is soon looked at again.

Flow follows the skin and not the head: one that turns by 20 degrees is found 0.03 to 0.1 from where flow says it is,
and 99 % of detections of one that is held still less than 0.024."""
TURNED: Final = 0.04
"""From this mean distance on, of landmarks from where they are when their mean is where flow has it, the head has
turned, and the detection is taken over at once; 0.022 at most of one that is held still."""
EASE_S: Final = 0.08
"""Time constant in seconds with which a face is moved to where a detection corrects it.

All at once would show the specialist a jump five times a second: in a film of a laughing and crying woman action units
then changed 50 % more on key frames than between them, and with this they do not."""
RELEASE: Final = 0.5
"""A region counts as uncovered again after two looks under this share of the card's threshold."""


@dataclass(slots=True)
class Doubts:
    """What the gate network says is in the way of a face, from look to look.

    Attributes:
        reasons: Reason codes that hold until the next look.
        covered: Probability by region that it was covered at the last look.
        human: Mean probability of a person's face at the last looks, 0..1.
        looks: How many looks there were.
        refused_at: Since when it is no face at any look, in seconds of the film; None for a face.
        turned: Whether nothing confirms which way up the face is.
        oriented_at: When that was last examined, in seconds of the film; None for never.
        crop: The aligned crop at the last look, shape (44, 44); None where that is not known.
    """

    reasons: tuple[QualityReason, ...] = ()
    human: float = 0.0
    looks: int = 0
    refused_at: float | None = None
    turned: bool = False
    oriented_at: float | None = None
    crop: NDArray[np.uint8] | None = None
    covered: Mapping[str, float] = field(default_factory=dict)

    def heard(self, reading: Reading, card: GateCard, crop: NDArray[np.uint8], time: float) -> None:
        """Take over what the network says at a time of the face with this crop."""
        now = doubts_about(reading, card, turned=self.turned)
        held = [
            COVERED[region]
            for region in REGIONS
            if COVERED[region] in self.reasons
            and max(reading.covered[region], self.covered.get(region, 0.0)) >= RELEASE * card.covered[region]
        ]
        self.reasons = (*now, *(reason for reason in held if reason not in now))
        self.covered = reading.covered
        since = time if self.refused_at is None else self.refused_at
        self.refused_at = None if is_face(reading, card) else since
        self.looks += 1
        self.crop, self.human = crop, self.human + (reading.human - self.human) / min(self.looks, MOST_LOOKS)


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
        born: When it was first found.
        pull: By how much the last detection still corrects box and landmarks; None for not at all.
        part_at: Since when only a part of it is found; None for the whole.
        part: Area in square pixels in which it was last found, the whole or a part.
        moving: Whether it was last found away from where flow said that it is.
        usual: The area of its box when nothing hides a part of it, in square pixels.
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
    born: float = 0.0
    pull: DetectedFace | None = None
    part_at: float | None = None
    part: float = 0.0
    moving: bool = False
    usual: float = field(init=False)

    def __post_init__(self) -> None:
        """Take the area of the first detection for the usual one."""
        self.usual = self.face.area

    def find_part(self, found: DetectedFace, time: float) -> bool:
        """Return whether a detection is only the part of this face that something else does not hide.

        Then the face stays where flow says it is, or out of sight for a moment more.
        """
        before, self.part = self.part, found.area
        turned = abs(estimate_pose(found.landmarks).yaw) >= TURNED_YAW and found.area >= AS_WIDE * before
        if found.area >= PART * self.usual or (turned and self.part_at is not None):
            return False
        self.part_at = time if self.part_at is None else self.part_at
        if time - self.part_at > PARTS_S:
            return False
        if self.visible:
            self.found, self.hits = time, self.hits + 1
        return True

    def refused_for(self, time: float) -> float:
        """Return for how many seconds the gate network has called it no face."""
        return 0.0 if self.doubts.refused_at is None else time - self.doubts.refused_at

    def expected(self, time: float) -> DetectedFace:
        """Return where the face should be at a time, going by its motion."""
        return shifted(self.face, self.motion.shift(time - self.seen))

    def carry_to(self, face: DetectedFace, time: float) -> None:
        """Take over where optical flow says the face is now."""
        seconds = time - self.seen
        self.usual *= face.area / max(self.face.area, 1e-9)
        self.face, self.seen, self.visible, self.carried = face, time, True, True
        self._ease(seconds)

    def find_at(self, found: DetectedFace, time: float) -> None:
        """Take over where the detector finds the face now: mixed with where flow says it is, if they agree."""
        off = apart(self.face, found)
        agree = self.visible and self.seen == time and off <= DISAGREE
        self.hits = self.hits + 1 if agree else 1 + (self.number == 0)
        self.moving = off >= MOVING
        if agree and turned_by(self.face, found) < TURNED:
            self.face = DetectedFace(self.face.box, self.face.landmarks, found.score)
            self.pull = DetectedFace(
                max(1 / self.hits, gain_of(boxes_apart(self.face, found) / 2)) * (found.box - self.face.box),
                max(1 / self.hits, gain_of(off)) * (found.landmarks - self.face.landmarks),
                found.score,
            )
        else:
            self.face, self.pull = found, None
        self.usual += (USUAL if agree else 1.0) * (found.area - self.usual)
        self.seen, self.found, self.visible, self.carried, self.part_at = time, time, True, False, None

    def _ease(self, seconds: float) -> None:
        """Move the face by the share of the correction that is due after so many seconds."""
        if self.pull is None:
            return
        share = 1 - float(np.exp(-seconds / EASE_S))
        box, landmarks = self.face.box + share * self.pull.box, self.face.landmarks + share * self.pull.landmarks
        self.face = DetectedFace(box, landmarks, self.face.score)
        self.pull = DetectedFace((1 - share) * self.pull.box, (1 - share) * self.pull.landmarks, self.face.score)

    def scale(self, across: float, down: float) -> None:
        """Follow a change of the frames' size by two factors."""
        factors = np.array([across, down])
        box = self.face.box * np.tile(factors, 2)
        self.face = DetectedFace(box, self.face.landmarks * factors, self.face.score)
        self.motion = Motion(self.motion.velocity * factors, self.motion.weight)
        self.pull, self.usual = None, self.face.area

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data, without pixels."""
        return {
            "number": self.number,
            "box": self.face.box.tolist(),
            "landmarks": self.face.landmarks.tolist(),
            "score": self.face.score,
            "seen": self.seen,
            "found": self.found,
            "born": self.born,
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
        doubts = Doubts(tuple(dump["reasons"]), 0.0, 0, dump["refused_at"], dump["turned"], dump["oriented_at"])
        motion = Motion(_floats(dump["velocity"]), float(dump["weight"]))
        number, seen, found, hits = (dump[name] for name in ("number", "seen", "found", "hits"))
        return cls(number, face, seen, found, hits, motion, visible=False, doubts=doubts, born=dump["born"])


def _floats(values: Sequence[Any]) -> NDArray[np.float64]:
    return np.array(values, np.float64)


def apart(one: DetectedFace, other: DetectedFace) -> float:
    """Return the mean distance of two faces' landmarks, in sizes of the first face."""
    off = np.linalg.norm(one.landmarks - other.landmarks, axis=1)
    return float(off.mean() / np.sqrt(max(one.area, 1e-9)))


def turned_by(one: DetectedFace, other: DetectedFace) -> float:
    """Return the mean distance of two faces' landmarks with their means on each other, in sizes of the first face."""
    shift = other.landmarks.mean(0) - one.landmarks.mean(0)
    return apart(one, DetectedFace(other.box, other.landmarks - shift, other.score))


def boxes_apart(one: DetectedFace, other: DetectedFace) -> float:
    """Return the mean difference of two faces' boxes, in sizes of the first face."""
    return float(np.abs(other.box - one.box).mean() / np.sqrt(max(one.area, 1e-9)))


def gain_of(off: float) -> float:
    """Return the share of a detection in a face's place when it is so far from where flow says, in sizes of the face.

    That of a Kalman filter whose uncertainty is the difference itself, and at least `LEAST_GAIN`.
    """
    return max(LEAST_GAIN, off**2 / (off**2 + JITTER**2))


def moved_by(before: DetectedFace, after: DetectedFace) -> NDArray[np.float64]:
    """Return how far a face's middle has moved, (x, y) in pixels."""
    return middle_of(after.box) - middle_of(before.box)
