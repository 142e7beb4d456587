"""Which way up a face is: turned faces are set upright before anything is read from them.

YuNet finds faces that lie on their side or stand on their head, with landmarks of an upright face that is not there.
So the gate network (`specialist.gates`) says how far each detection is turned. Where that does not go with the
landmarks, a window around the face is turned upright, the face is located in it, and its landmarks are mapped back.
Where nothing confirms a rotation, the face is doubtful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.detection import CLOSER_SCORE, FIRST_SIDE, DetectedFace, FaceDetector, merge_faces
from ferce_agent.faces.patch import gate_patch
from ferce_agent.faces.plausibility import is_plausible, stretch_of
from ferce_agent.faces.pose import estimate_pose

WINDOW: Final = 224
"""Side in pixels of the window in which a face is located again."""
REACH: Final = 2.4
"""Side of that window over the longer side of the face's box."""
NEAR: Final = 45.0
"""A face in the window counts as the same one up to this distance in pixels of its landmarks' mean from the middle."""
AGREE: Final = 30.0
"""Degrees by which the network's rotation and that of the landmarks may differ."""
TILTED: Final = 35.0
"""From this roll in degrees on YuNet's landmarks are located again in the upright window."""
SURE: Final = 0.87
"""Detector score under which a face is looked at in four rotations: most turned faces lie under it, 10 % of others."""
CERTAIN: Final = 0.5
"""Least certainty of a rotation at which it is taken without trying others."""
SURELY: Final = 0.8
"""Least certainty at which a first look counts where the face is located in no window: mostly heads in profile."""
STRETCHED: Final = 0.3
"""From this `stretch_of` on the box does not go with an upright face."""
REST: Final = 10.0
"""Degrees between network and landmarks from which on the face is located once more, turned by half of them.

YuNet draws the landmarks of a tilted face towards an upright one."""
CONFIRMED: Final = 0.85
"""Detector score from which on the first rotation that is tried is enough, if the network agrees."""


class Reading(Protocol):
    """What the gate network says about one patch; see `specialist.gates.GateReading`."""

    @property
    def roll(self) -> float:
        """Rotation of the head in degrees, -180..180; positive: clockwise as seen in the picture."""

    @property
    def certain(self) -> float:
        """How sure the rotation is, 0..1."""

    @property
    def human(self) -> float:
        """Probability of a photographed human face, 0..1."""

    @property
    def drawn(self) -> float:
        """Probability of a drawing, statue, toy or print, 0..1."""

    @property
    def covered(self) -> Mapping[str, float]:
        """By region, the probability that most of it is covered, 0..1."""


class Looker(Protocol):
    """Whatever looks at patches as `specialist.gates.Gates` does."""

    def look(self, patches: NDArray[np.uint8]) -> Sequence[Reading]:
        """Return what it says about each of N patches (N, 64, 64)."""


@dataclass(frozen=True, slots=True)
class Oriented:
    """A detection whose rotation is known, or known to be doubtful.

    Attributes:
        face: Box and landmarks in pixels of the picture; the landmarks are those of the face set upright.
        reading: What the network says of it; of the window in which it is upright, where it was turned.
        doubtful: Whether nothing confirms which way up it is.
    """

    face: DetectedFace
    reading: Reading
    doubtful: bool = False


Found = tuple[NDArray[np.uint8], DetectedFace]
"""A picture (H, W, 3), BGR, and a face in it."""


def orient(detector: FaceDetector, gates: Looker, found: Sequence[Found]) -> list[Oriented]:
    """Say of each detection which way up it is, with landmarks that go with it.

    Args:
        detector: Locates turned faces again.
        gates: The gate network; it is asked about all faces at once, and once more about those that may be turned.
        found: Faces with their pictures.

    Raises:
        EngineError: The detector or the network failed.
        WeightsError: Weights are missing.
    """
    if not found:
        return []
    patches = np.stack([gate_patch(pixels, face.box) for pixels, face in found])
    readings = list(gates.look(patches))
    open_ = [place for place, (_, face) in enumerate(found) if not _is_clear(face, readings[place])]
    done = [Oriented(face, reading) for (_, face), reading in zip(found, readings, strict=True)]
    turns = _turns(gates, patches[open_], [readings[place] for place in open_])
    for place, (roll, certain) in zip(open_, turns, strict=True):
        pixels, face = found[place]
        if certain < CERTAIN or not _fits(face, roll):
            upright = _set_upright(detector, gates, pixels, face, roll)
            known = _fits(face, roll) or _agree(face, readings[place])
            done[place] = upright or Oriented(face, readings[place], doubtful=not known)
    return done


def _is_clear(face: DetectedFace, reading: Reading) -> bool:
    """Return whether nothing speaks for a turned face: the usual case, which costs one patch."""
    return face.score >= SURE and reading.certain >= CERTAIN and _fits(face, reading.roll)


def _agree(face: DetectedFace, reading: Reading) -> bool:
    """Return whether a first look that is certain says the same as the landmarks: that the face is about upright."""
    turn = estimate_pose(face.landmarks).roll
    return reading.certain >= SURELY and abs(turn) <= TILTED and apart(reading.roll, turn) <= AGREE


def _fits(face: DetectedFace, roll: float) -> bool:
    """Return whether landmarks and box go with a rotation in degrees, and the face is about upright.

    The box of a face on its side looks like that of a stretched one.
    """
    turn = estimate_pose(face.landmarks).roll
    upright = abs(turn) <= TILTED and apart(roll, turn) <= AGREE
    return upright and abs(stretch_of(face, turn)) <= STRETCHED and is_plausible(face)


def apart(one: float, other: float) -> float:
    """Return by how many degrees two rotations differ, 0..180."""
    return abs((one - other + 180) % 360 - 180)


def _turns(gates: Looker, patches: NDArray[np.uint8], first: Sequence[Reading]) -> list[tuple[float, float]]:
    """Return each patch's rotation in degrees, and how certain it is, from four looks.

    As it is, and turned by right angles.
    """
    if not len(patches):
        return []
    turned = np.concatenate([np.rot90(patches, quarter, axes=(1, 2)) for quarter in (1, 2, 3)])
    looks = [*first, *gates.look(np.ascontiguousarray(turned))]
    back = np.repeat([0.0, 90.0, 180.0, 270.0], len(patches))
    angles = np.radians([look.roll for look in looks] + back)
    vectors = np.exp(1j * angles) * [look.certain for look in looks]
    means = vectors.reshape(4, -1).mean(0)
    return [(float(roll), float(certain)) for roll, certain in zip(np.angle(means, deg=True), abs(means), strict=True)]


def _set_upright(
    detector: FaceDetector, gates: Looker, pixels: NDArray[np.uint8], face: DetectedFace, roll: float
) -> Oriented | None:
    """Return the face as it is located in the window turned by `roll`, or by right angles from it; None if in none.

    Of several the one counts that the detector and the network together are surest of.
    """
    best: tuple[float, Oriented, float] | None = None
    for step in (0.0, 180.0, 90.0, -90.0):
        found = _located(detector, gates, pixels, face.box, roll + step)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
        if found is not None and found[1].face.score >= CONFIRMED and step == 0:
            break
    if best is None:
        return None
    if abs(best[2]) > REST:
        turn = estimate_pose(best[1].face.landmarks).roll + best[2] / 2
        again = _located(detector, gates, pixels, best[1].face.box, turn)
        best = again if again is not None and again[0] > best[0] else best
    return best[1]


def _located(
    detector: FaceDetector, gates: Looker, pixels: NDArray[np.uint8], box: NDArray[np.float64], roll: float
) -> tuple[float, Oriented, float] | None:
    """Return the face as it is located in the window turned by `roll` degrees; None where the network disagrees.

    Returns:
        How sure it is, 0..1; the face; and by how many degrees the network sees it turned further than the landmarks.
    """
    window, matrix = upright_window(pixels, box, roll)
    seen = nearest(detector, window)
    if seen is None or not is_plausible(seen):
        return None
    reading = gates.look(gate_patch(window, seen.box)[None])[0]
    turn = estimate_pose(seen.landmarks).roll
    if apart(reading.roll, turn) > AGREE:
        return None
    rest = (reading.roll - turn + 180) % 360 - 180
    return seen.score * (0.5 + 0.5 * reading.certain), Oriented(mapped_back(seen, matrix), reading), rest


def upright_window(
    pixels: NDArray[np.uint8], box: NDArray[np.float64], roll: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a window of `WINDOW` pixels around a box, turned back by `roll` degrees, and the matrix that made it.

    Args:
        pixels: Shape (H, W, 3), BGR.
        box: x, y, width, height in pixels of the picture.
        roll: How far the face is turned, in degrees, positive: clockwise as seen in the picture.

    Returns:
        The window, shape (224, 224, 3), and a matrix (2, 3) from pixels of the picture to pixels of the window.
    """
    side = max(float(box[2:].max()), 4.0) * REACH
    scale, angle = WINDOW / side, np.radians(roll)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = box[:2] + box[2:] / 2
    matrix = np.column_stack([turn, WINDOW / 2 - turn @ middle])
    window = cv2.warpAffine(pixels, matrix, (WINDOW, WINDOW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(window, np.uint8), matrix


def nearest(detector: FaceDetector, window: NDArray[np.uint8], near: float = NEAR) -> DetectedFace | None:
    """Return the best face in the middle of a window, up to `near` pixels from it; None if there is none."""
    faces = [
        face
        for face in detector.detect(window, small_faces="never")
        if float(np.abs(face.landmarks.mean(0) - WINDOW / 2).max()) < near
    ]
    return max(faces, key=lambda face: face.score, default=None)


def mapped_back(face: DetectedFace, matrix: NDArray[np.float64]) -> DetectedFace:
    """Return a face of a window in pixels of the picture.

    The box becomes the one around the ellipse in it: a turned face fills the corners of its box as little as before.

    Args:
        face: The face in pixels of the window.
        matrix: From pixels of the picture to pixels of the window, a similarity, shape (2, 3).
    """
    back = np.linalg.inv(matrix[:, :2])
    middle = back @ (face.box[:2] + face.box[2:] / 2 - matrix[:, 2])
    half = np.hypot(*(back * face.box[2:] / 2).T)
    landmarks = (face.landmarks - matrix[:, 2]) @ back.T
    return DetectedFace(np.concatenate([middle - half, 2 * half]), landmarks, face.score)


def find_turned(detector: FaceDetector, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
    """Look for faces in a picture turned by right angles, then by odd multiples of 45 degrees, until some are found.

    For pictures that show none as they are: all seven looks cost several times one.

    Args:
        detector: Finds faces.
        pixels: Shape (H, W, 3), BGR.

    Returns:
        Faces in pixels of the picture as it was given, largest first, each once.

    Raises:
        EngineError: The detector failed.
    """
    shrink = max(max(pixels.shape[:2]) / (2 * detector.side), 1.0)
    size = [max(round(side / shrink), 1) for side in pixels.shape[1::-1]]
    small = pixels if shrink == 1 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    least = max(CLOSER_SCORE, detector.threshold)
    for angles, side in (((90, 180, 270), detector.side), ((45, 135, 225, 315), FIRST_SIDE)):
        found = []
        for angle in angles:
            turned, matrix = _turned(small, angle)
            seen = [face for face in detector.look(turned, side) if face.score >= least]
            found += [mapped_back(face, matrix).moved(shrink, (0, 0)) for face in merge_faces(seen)]
        if found:
            return merge_faces(found)
    return []


def _turned(pixels: NDArray[np.uint8], angle: float) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the whole picture turned by an angle in degrees, and the matrix from its pixels to those of the result."""
    height, width = pixels.shape[:2]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    size = np.array([abs(cos) * width + abs(sin) * height, abs(sin) * width + abs(cos) * height])
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turn, size / 2 - turn @ [width / 2, height / 2]])
    whole = np.maximum(np.round(size).astype(int), 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, whole.tolist(), borderMode=cv2.BORDER_REPLICATE), np.uint8), matrix
