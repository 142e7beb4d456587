"""Training pictures of the gate network: faces of FER+ turned, covered and spoilt by code, and what is no face.

A patch is made as `faces.patch.gate_patch` makes it: as much as a picture of FER+, nothing outside the disc, grey where
the photo ends. Everything is drawn from a seed, so that a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.evaluation.ferplus import FerPlus
from ferce_agent.faces.patch import DISC, GREY, PATCH_SIDE
from ferce_agent.faces.template import FER_SIZE
from ferce_agent.training.coverings import COVERINGS, DISTRACTORS, SIDE, Frame, cover, covered_share, draw_kind
from ferce_agent.training.drawings import STYLES
from ferce_agent.training.face_places import Places
from ferce_agent.training.negatives import NonFaces, bent

Array = NDArray[Any]
UNKNOWN: Final = -1.0
"""Target of what is not to be learnt from a patch."""
ENLARGEMENT: Final = PATCH_SIDE / FER_SIZE
UPRIGHT: Final = 20.0
"""Half the faces are turned by no more than so many degrees."""
GOOD: Final = 0.35
"""Share of the faces that are seen by a good camera, but in any light."""
BENT: Final = 0.5
"""Share of the non-faces that are bent out of shape."""
HIDDEN: Final = 0.8
"""A face whose every region is covered to more than this share is not said to be a face, nor not."""


class Target(NamedTuple):
    """What a patch shows.

    Attributes:
        roll: Degrees, clockwise; NaN where it is unknown.
        human: 1 for a photographed face, 0 for anything else, `UNKNOWN` for drawings made from photos.
        drawn: 1 for a drawing, statue, print, 0 for a photo.
        covered: Share of eyes, nose and mouth that is covered, 0..1, or `UNKNOWN`; shape (3,).
    """

    roll: float
    human: float
    drawn: float
    covered: Array


NO_REGIONS: Final = np.full(3, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Faces:
    """Photographed faces: pictures (N, 48, 48), and where eyes, nose and mouth are in them."""

    pictures: NDArray[np.uint8]
    landmarks: Array
    roll: Array

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.pictures)

    @classmethod
    def of(cls, data: FerPlus, places: Places) -> Faces:
        """Return the pictures that annotators took for a face and in which YuNet found one."""
        fine = (places.scores > 0) & (data.votes[:, 9] <= 1) & (data.votes[:, :9].sum(1) >= 3)
        return cls(data.images[fine], places.landmarks[fine], places.roll[fine])


@dataclass(frozen=True, slots=True)
class View:
    """How a face or thing stands in its patch.

    Attributes:
        turn: Degrees by which it is turned clockwise.
        scale: Its size, relative to FER+.
        shift: x and y of its centre in patches.
        mirror: Whether it is mirrored first.
        stretch: Width over height by which the photo was stretched, after the turning.
    """

    turn: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    mirror: bool = False
    stretch: float = 1.0

    @property
    def matrix(self) -> Array:
        """The map from a picture of SIDE pixels to the patch, both counted from the corner; shape (2, 3)."""
        angle, size = np.radians(self.turn), self.scale * PATCH_SIDE / SIDE
        turned = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = (
            np.diag([self.stretch**0.5, self.stretch**-0.5]) @ turned @ np.diag([-1.0 if self.mirror else 1.0, 1.0])
        )
        middle = PATCH_SIDE * (np.array(self.shift) + 0.5) - turned @ np.full(2, SIDE / 2)
        return np.concatenate([turned, middle[:, None]], 1)

    def roll(self, own: float) -> float:
        """Return the roll in the patch of a head whose roll in its picture is `own`, in degrees, -180..180."""
        upward = self.matrix[:, :2] @ [np.sin(np.radians(own)), -np.cos(np.radians(own))]
        return float(np.degrees(np.arctan2(upward[0], -upward[1])))


def random_view(rng: Generator, turn: float | None = None) -> View:
    """Return a view as detections have them: of any turn (half within 20 degrees), rather well centred and sized."""
    if turn is None:
        turn = rng.uniform(-UPRIGHT, UPRIGHT) if rng.random() < 0.5 else rng.uniform(-180, 180)
    scale = float(np.exp(np.clip(rng.normal(0, 0.17), -0.38, 0.38)))
    shift = (float(np.clip(rng.normal(0, 0.055), -0.14, 0.14)), float(np.clip(rng.normal(0, 0.055), -0.14, 0.14)))
    stretch = float(np.exp(rng.uniform(-0.45, 0.45))) if rng.random() < 0.2 else 1.0
    return View(turn, scale, shift, bool(rng.random() < 0.5), stretch)


def shown(picture: Array, view: View, way: int = cv2.BORDER_REFLECT_101) -> Array:
    """Return a picture of SIDE pixels as a patch shows it, float32."""
    matrix = view.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    size = (PATCH_SIDE, PATCH_SIDE)
    return cv2.warpAffine(picture.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR, borderMode=way)


def on_backdrop(face: Array, backdrop: Array, view: View, rng: Generator) -> Array:
    """Return a face in its patch before something else; the border of its picture must not give away its turn.

    The edge is round, for a square one would stand upright with the face.
    """
    down, across = (np.mgrid[:SIDE, :SIDE] + 0.5) / (SIDE / 2) - 1
    power = rng.uniform(2, 3)
    away = (np.abs(across) ** power + np.abs(down) ** power) ** (1 / power)
    edge = np.clip((1.0 - away) / rng.uniform(0.02, 0.3) + 0.5, 0, 1)
    inside = shown(edge, view, cv2.BORDER_CONSTANT)
    mixed: Array = shown(face, view) * inside + backdrop * (1 - inside)
    return mixed


def photo_edge(patch: Array, rng: Generator) -> tuple[Array, Array]:
    """Let the photo end within the patch; return it with what lies beyond (1, else 0), both (64, 64).

    Beyond the edge is the grey of `gate_patch`; some photos have a black or white frame of their own.
    """
    beyond = np.zeros((PATCH_SIDE, PATCH_SIDE), np.float32)
    for side in range(4):
        if rng.random() < 0.5:
            depth = int(
                PATCH_SIDE * rng.uniform(0, 0.22) if rng.random() < 0.75 else PATCH_SIDE * rng.uniform(0.22, 0.6)
            )
            np.rot90(beyond, side)[:depth] = 1
    tone = GREY if rng.random() < 0.8 else float(rng.choice([0, 255]))
    return np.where(beyond > 0, tone, patch), beyond


def spoil(picture: Array, rng: Generator) -> Array:
    """Return a patch (64, 64) as another camera would give it: blur, motion, coarseness, light, noise, JPEG."""
    patch = picture
    if rng.random() < 0.3:
        patch = cv2.GaussianBlur(patch, (0, 0), rng.uniform(0.4, 1.9))
    elif rng.random() < 0.3:
        patch = patch + (patch - cv2.GaussianBlur(patch, (0, 0), 1.2)) * rng.uniform(0.3, 1.5)
    if rng.random() < 0.15:
        length, angle = int(rng.integers(3, 14)), rng.uniform(0, np.pi)
        kernel = np.zeros((15, 15), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        ends = [(int(value[0]), int(value[1])) for value in np.rint((7 - reach, 7 + reach)) * 8]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 3)
        patch = cv2.filter2D(patch, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    if rng.random() < 0.25:
        side = int(rng.integers(16, 48))
        coarse = cv2.resize(patch, (side, side), interpolation=cv2.INTER_AREA)
        way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.integers(3))]
        patch = cv2.resize(coarse, (PATCH_SIDE, PATCH_SIDE), interpolation=way)
    patch = lit(np.clip(patch, 0, 255), rng)
    if rng.random() < 0.3:
        patch = patch + rng.normal(0, rng.uniform(1, 13), patch.shape)
    patch = np.clip(patch, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        code = cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 80))])[1]
        patch = np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE))
    return patch


def lit(picture: Array, rng: Generator) -> Array:
    """Return a patch (0..255) in another light: gamma, light from one side, contrast."""
    patch: Array = 255 * (picture / 255 + 1e-4) ** float(np.exp(rng.uniform(-0.55, 0.55)))
    if rng.random() < 0.35:
        down, across = np.mgrid[:PATCH_SIDE, :PATCH_SIDE] / (PATCH_SIDE / 2) - 1
        angle = rng.uniform(0, 2 * np.pi)
        patch = patch * (1 + rng.uniform(0.2, 0.75) * (across * np.cos(angle) + down * np.sin(angle)))
    if rng.random() < 0.4:
        patch = 128 + rng.uniform(-50, 50) + (patch - 128) * rng.uniform(0.35, 1.3)
    return patch


class Studio:
    """Makes patches with their targets from faces and non-faces."""

    def __init__(self, faces: Faces, others: NonFaces) -> None:
        """Take the faces and what is no face."""
        self.faces, self.others = faces, others

    def face(
        self, index: int, rng: Generator, kind: str | None, view: View, *, plain: bool = False
    ) -> tuple[Array, Target]:
        """Return a patch of a face, with something drawn over it if a kind is named.

        Args:
            index: Which face.
            rng: Source of randomness.
            kind: A name of `COVERINGS` or `DISTRACTORS`, or None.
            view: How it stands in the patch.
            plain: Neither the photo's edge nor spoiling.
        """
        picture, frame = self._enlarged(index)
        solid = np.zeros((SIDE, SIDE), np.float32)
        if kind is not None:
            picture, solid = cover(frame, kind, rng)
        patch = on_backdrop(picture, self._backdrop(rng), view, rng)
        shares = covered_share(solid, frame.samples())
        if not plain:
            if rng.random() < 0.25:
                patch, beyond = photo_edge(patch, rng)
                within = frame.samples() @ view.matrix[:, :2].T + view.matrix[:, 2]
                shares = np.maximum(shares, covered_share(beyond, within))
                patch = np.where(beyond > 0, patch, spoil(patch, rng))
            elif rng.random() < GOOD:
                patch = lit(np.clip(patch, 0, 255), rng)
            else:
                patch = spoil(patch, rng)
        human = UNKNOWN if shares.min() > HIDDEN else 1.0
        roll = view.roll(float(self.faces.roll[index]))
        return masked(patch), Target(roll if shares.min() <= HIDDEN else np.nan, human, 0.0, shares)

    def drawing(self, index: int, rng: Generator, view: View, style: str | None = None) -> tuple[Array, Target]:
        """Return a drawing, statue or print made from a face, in a style of `STYLES` or in any."""
        picture, _ = self._enlarged(index)
        drawn = STYLES[style or str(rng.choice(list(STYLES)))](picture, rng)
        patch = on_backdrop(drawn, self._backdrop(rng), view, rng)
        # Light spoiling only: a drawing that is blurred enough is a photo.
        patch = lit(patch, rng) + rng.normal(0, rng.uniform(0, 6), patch.shape)
        return masked(patch), Target(view.roll(float(self.faces.roll[index])), UNKNOWN, 1.0, NO_REGIONS)

    def other(self, index: int, rng: Generator, view: View) -> tuple[Array, Target]:
        """Return a patch of what is no face."""
        picture = self.others.pictures[index]
        if not self.others.drawn[index] and rng.random() < BENT:
            picture = bent(picture, rng)
        patch = spoil(shown(picture, view), rng)
        if rng.random() < 0.15:
            patch, _ = photo_edge(patch, rng)
        return masked(patch), Target(np.nan, 0.0, float(self.others.drawn[index]), NO_REGIONS)

    def any(self, rng: Generator) -> tuple[Array, Target]:
        """Return a patch for training: of 20, 13 faces (3 in 5 with something drawn over), 2 drawings, 5 others."""
        draw = rng.random()
        if draw < 0.27:
            view = random_view(rng)
            return self.other(int(rng.integers(len(self.others))), rng, view)
        index, view = int(rng.integers(len(self.faces))), random_view(rng)
        if draw < 0.35:
            return self.drawing(index, rng, view)
        what = rng.random()
        kind = draw_kind(COVERINGS, rng) if what < 0.42 else draw_kind(DISTRACTORS, rng) if what < 0.6 else None
        return self.face(index, rng, kind, view)

    def _enlarged(self, index: int) -> tuple[Array, Frame]:
        picture = cv2.resize(self.faces.pictures[index], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        return picture, Frame(picture, self.faces.landmarks[index])

    def _backdrop(self, rng: Generator) -> Array:
        """Return what stands behind a face: something else, or a blurred bit of another picture of a face."""
        other = self.others.pictures[int(rng.integers(len(self.others)))]
        if rng.random() < 0.4:
            picture = self.faces.pictures[int(rng.integers(len(self.faces)))]
            other = cv2.GaussianBlur(cv2.resize(picture, (SIDE, SIDE)), (0, 0), rng.uniform(4, 10))
        return shown(other, random_view(rng))


def masked(patch: Array) -> NDArray[np.uint8]:
    """Return a patch with grey outside the disc, uint8."""
    return np.where(DISC, np.clip(patch, 0, 255), GREY).astype(np.uint8)
