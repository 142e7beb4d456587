"""Clips of a face that goes from calm to an expression and back, with times that are known.

One face is warped by a smooth field that moves the corners of the mouth, the lips and the brows; nothing is blended
with another person's picture. How far the field is applied, the *blend*, rises and falls as a smooth step. The warps
are crude: whoever uses them checks that the specialist reads the calm face as calm and the full warp as the expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.labels import Canonical

VISIBLE: Final = 0.1
"""Share of the blend at which an expression counts as begun, and below which it counts as over."""
Condition = Literal["clean", "noise", "blur", "drops", "motion"]
"""What is done to a clip: nothing but `GRAIN`, `NOISE`, soft pictures, lost and irregular frames, or a moving head."""
CONDITIONS: Final[tuple[Condition, ...]] = ("clean", "noise", "blur", "drops", "motion")
"""All of them."""
GRAIN: Final = 1.5
"""Standard deviation of a camera's noise in good light, in grey levels, new in every pixel and frame."""
NOISE: Final = 8.0
"""The same in bad light."""
BLUR: Final = 0.035
"""Standard deviation of the blur in distances of the eyes."""
DROPPED: Final = 0.12
"""Share of the frames that are lost where frames are dropped."""
JITTER: Final = 0.2
"""Largest shift of a frame's time where frames are dropped, in distances of the frames."""
REACH: Final = 4.0
"""Side of the picture that is shown in distances of the eyes."""

Anchor = Literal["left", "right", "mouth", "eyes"]


@dataclass(frozen=True, slots=True)
class Pull:
    """One bump of a warp. All lengths are in distances of the eyes, x to the right of the picture, y downward.

    Attributes:
        anchor: What `place` counts from: a corner of the mouth, the middle of the mouth, or of the eyes.
        place: Middle of the bump.
        width: Its standard deviations along x and y.
        shift: How far its middle moves.
    """

    anchor: Anchor
    place: tuple[float, float]
    width: tuple[float, float]
    shift: tuple[float, float]


def _both(side: Pull) -> tuple[Pull, Pull]:
    """Return a pull of the image-left half and its mirror image."""
    other: Anchor = "right" if side.anchor == "left" else side.anchor
    (x, y), (across, down) = side.place, side.shift
    return side, Pull(other, (-x, y), side.width, (-across, down))


WARPS: Final[dict[Canonical, tuple[Pull, ...]]] = {
    "happiness": (
        *_both(Pull("left", (0.0, 0.0), (0.25, 0.22), (-0.22, -0.25))),
        *_both(Pull("left", (-0.05, -0.35), (0.25, 0.2), (0.0, -0.08))),
        Pull("mouth", (0.0, 0.1), (0.25, 0.2), (0.0, 0.08)),
    ),
    "sadness": (
        *_both(Pull("left", (0.0, 0.0), (0.22, 0.2), (0.0, 0.25))),
        *_both(Pull("eyes", (-0.22, -0.3), (0.15, 0.15), (0.03, -0.16))),
        Pull("mouth", (0.0, 0.1), (0.18, 0.12), (0.0, -0.08)),
    ),
    "surprise": (
        *_both(Pull("eyes", (-0.5, -0.3), (0.3, 0.18), (0.0, -0.2))),
        *_both(Pull("eyes", (-0.5, -0.05), (0.2, 0.06), (0.0, -0.04))),
        *_both(Pull("left", (0.0, 0.0), (0.15, 0.2), (0.1, 0.1))),
        Pull("mouth", (0.0, 0.25), (0.35, 0.25), (0.0, 0.3)),
    ),
    "anger": (
        *_both(Pull("eyes", (-0.3, -0.3), (0.25, 0.15), (0.14, 0.26))),
        *_both(Pull("left", (0.0, 0.0), (0.2, 0.2), (0.1, 0.1))),
    ),
}
"""The warps, by the expression that they are to look like. Surprise opens the mouth besides (`OPENING`)."""
OPENING: Final[dict[Canonical, float]] = {"surprise": 0.22}
"""Height of the opened mouth in distances of the eyes, by expression."""
INSIDE: Final = 40.0
"""Grey level of the inside of a mouth."""
MOVES: Final[dict[Canonical, tuple[str, ...]]] = {
    "happiness": ("AU12",),
    "sadness": ("AU1",),
    "surprise": ("AU26",),
    "anger": (),
}
"""The movement that the specialist reads in each warp most of all; in the lowered brows of anger it reads none."""


@dataclass(frozen=True)
class Actor:
    """A calm face.

    Attributes:
        pixels: Its picture, shape (H, W, 3), uint8, BGR.
        landmarks: Its five landmarks in pixels, shape (5, 2), as `ferce_agent.faces.detection.DetectedFace.landmarks`.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float64]

    @lazy_property
    def eyes(self) -> float:
        """Distance of the eyes in pixels."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))

    @lazy_property
    def places(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where each pixel lies, from the middle of the eyes along and across their line, in distances; (H, W) each."""
        down, across = np.mgrid[0 : self.pixels.shape[0], 0 : self.pixels.shape[1]].astype(np.float32)
        along = self._axis
        x, y = across - self._middle[0], down - self._middle[1]
        return (
            np.asarray((x * along[0] + y * along[1]) / self.eyes, np.float32),
            np.asarray((y * along[0] - x * along[1]) / self.eyes, np.float32),
        )

    @lazy_property
    def anchors(self) -> dict[Anchor, NDArray[np.float64]]:
        """What pulls count from, in distances of the eyes."""
        along = self._axis
        turn = np.array([[along[0], along[1]], [-along[1], along[0]]])
        left, right = (turn @ (corner - self._middle) / self.eyes for corner in self.landmarks[3:])
        return {"left": left, "right": right, "mouth": (left + right) / 2, "eyes": np.zeros(2)}

    @property
    def _middle(self) -> NDArray[np.float64]:
        return np.asarray(self.landmarks[:2].mean(0), np.float64)

    @property
    def _axis(self) -> NDArray[np.float64]:
        return np.asarray((self.landmarks[1] - self.landmarks[0]) / self.eyes, np.float64)


@dataclass(frozen=True, slots=True)
class Acted:
    """An expression that is acted, with its times in seconds.

    Attributes:
        expression: What it looks like at its apex.
        start: When the blend leaves 0.
        rise: How long it rises to 1.
        hold: How long it stays there.
        fall: How long it falls to 0.
    """

    expression: Canonical
    start: float
    rise: float
    hold: float
    fall: float

    @property
    def onset_s(self) -> float:
        """When the blend has reached `VISIBLE`."""
        return self.start + self.rise * smooth_step_place(VISIBLE)

    @property
    def offset_s(self) -> float:
        """When the blend has gone back to `VISIBLE`."""
        return self.start + self.rise + self.hold + self.fall * (1 - smooth_step_place(VISIBLE))

    @property
    def end(self) -> float:
        """When the blend is back at 0."""
        return self.start + self.rise + self.hold + self.fall

    def blend(self, time: float) -> float:
        """Return how far it is acted at a time, 0..1."""
        risen = smooth_step((time - self.start) / self.rise)
        fallen = smooth_step((time - self.start - self.rise - self.hold) / self.fall)
        return risen - fallen


def smooth_step(place: float) -> float:
    """Return 3x² - 2x³ of a place that is first brought between 0 and 1: a ramp without corners."""
    inside = min(max(place, 0.0), 1.0)
    return inside * inside * (3 - 2 * inside)


def smooth_step_place(value: float) -> float:
    """Return where `smooth_step` has a value, both 0..1 (its inverse, in closed form)."""
    return float(0.5 - np.sin(np.arcsin(1 - 2 * value) / 3))


def script(expressions: Sequence[Canonical], rng: np.random.Generator) -> tuple[tuple[Acted, ...], float]:
    """Return expressions one after another with random times, and how long the clip is in seconds.

    The face is calm for 0.8 to 1.6 s before, between and after; expressions rise in 0.12 to 0.7 s, stay for 0.25 to
    1.5 s and fall in 0.2 to 0.9 s.
    """
    acted: list[Acted] = []
    now = 0.0
    for expression in expressions:
        now += float(rng.uniform(0.8, 1.6))
        rise, hold, fall = (float(rng.uniform(*limits)) for limits in ((0.12, 0.7), (0.25, 1.5), (0.2, 0.9)))
        acted.append(Acted(expression, now, rise, hold, fall))
        now = acted[-1].end
    return tuple(acted), now + float(rng.uniform(0.8, 1.6))


def frame_times(seconds: float, rate: float, condition: Condition, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the times of the frames of a clip, rising, shape (N,); some are lost and the rest moved for ``drops``."""
    times = np.arange(0, seconds, 1 / rate)
    if condition != "drops":
        return times
    times = times + rng.uniform(0, JITTER / rate, len(times))
    return np.asarray(times[rng.random(len(times)) >= DROPPED], np.float64)


@dataclass(frozen=True)
class Acting:
    """An actor with a script.

    Attributes:
        actor: The face.
        acted: What it does.
        condition: What is done to the pictures.
    """

    actor: Actor
    acted: tuple[Acted, ...]
    condition: Condition = "clean"

    def frames(self, times: NDArray[np.float64], rng: np.random.Generator) -> Iterator[Frame]:
        """Yield the pictures at the given times in seconds, shape (N,)."""
        sway = Sway.random(rng) if self.condition == "motion" else None
        fields = {one.expression: warp_field(self.actor, one.expression) for one in self.acted}
        for time in times:
            shown = max(self.acted, key=lambda one: one.blend(time), default=None)
            amount = shown.blend(time) if shown else 0.0
            warp = Warp(fields[shown.expression], shown.expression, amount) if shown else None
            yield Frame(self._spoilt(show(self.actor, warp, sway.at(time) if sway else None), rng), float(time))

    def _spoilt(self, pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        if self.condition == "blur":
            pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), BLUR * self.actor.eyes), np.uint8)
        grains = rng.standard_normal(pixels.shape[:2], np.float32) * (NOISE if self.condition == "noise" else GRAIN)
        return np.asarray(np.clip(np.rint(pixels + grains[..., None]), 0, 255), np.uint8)


@dataclass(frozen=True, slots=True)
class Warp:
    """How far a face is warped.

    Attributes:
        field: What `warp_field` gives.
        expression: What it looks like.
        amount: How much of it is applied, 0..1.
    """

    field: NDArray[np.float32]
    expression: Canonical
    amount: float


@dataclass(frozen=True, slots=True)
class Sway:
    """A head that moves a little: slow oscillations of place, tilt and size.

    Attributes:
        periods: In seconds, shape (4,).
        phases: In radians, shape (4,).
    """

    periods: NDArray[np.float64]
    phases: NDArray[np.float64]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Sway:
        """Return a sway with periods of 1.5 to 4 s."""
        return cls(rng.uniform(1.5, 4, 4), rng.uniform(0, 2 * np.pi, 4))

    def at(self, time: float) -> NDArray[np.float64]:
        """Return shift x and y in distances of the eyes, tilt in degrees, and the logarithm of the size; shape (4,)."""
        swing: NDArray[np.float64] = np.sin(2 * np.pi * time / self.periods + self.phases) * [0.15, 0.1, 4.0, 0.04]
        return swing


def warp_field(actor: Actor, expression: Canonical) -> NDArray[np.float32]:
    """Return where each pixel of the full expression comes from, as a shift in pixels; shape (2, H, W)."""
    return pulled(actor, WARPS[expression])


def pulled(actor: Actor, pulls: Sequence[Pull]) -> NDArray[np.float32]:
    """Return where each pixel of a face that is pulled comes from, as a shift in pixels; shape (2, H, W)."""
    x, y = actor.places
    shift = np.zeros((2, *x.shape), np.float32)
    for pull in pulls:
        middle = actor.anchors[pull.anchor] + pull.place + pull.shift
        bump = np.exp(-(((x - middle[0]) / pull.width[0]) ** 2 + ((y - middle[1]) / pull.width[1]) ** 2) / 2)
        shift[0] -= bump * np.float32(pull.shift[0])
        shift[1] -= bump * np.float32(pull.shift[1])
    along = (actor.landmarks[1] - actor.landmarks[0]) / actor.eyes
    turn = np.array([[along[0], -along[1]], [along[1], along[0]]]) * actor.eyes
    return np.asarray(np.einsum("ij,jhw->ihw", turn, shift), np.float32)


def show(actor: Actor, warp: Warp | None, sway: NDArray[np.float64] | None = None) -> NDArray[np.uint8]:
    """Return a picture of the actor, shape as `Actor.pixels`.

    Args:
        actor: The face.
        warp: What it shows; None for calm.
        sway: How the head has moved, as `Sway.at` gives it.
    """
    height, width = actor.pixels.shape[:2]
    pixels = actor.pixels
    if warp is not None and warp.amount > 0:
        down, across = np.mgrid[0:height, 0:width].astype(np.float32)
        amount = np.float32(warp.amount)
        maps = across + amount * warp.field[0], down + amount * warp.field[1]
        pixels = np.asarray(cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        pixels = with_open_mouth(actor, pixels, OPENING.get(warp.expression, 0.0) * warp.amount)
    if sway is None:
        return pixels
    middle = actor.landmarks.mean(0)
    matrix = np.asarray(
        cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), float(sway[2]), float(np.exp(sway[3]))),
        np.float64,
    )
    matrix[:, 2] += sway[:2] * actor.eyes
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def with_open_mouth(actor: Actor, pixels: NDArray[np.uint8], height: float) -> NDArray[np.uint8]:
    """Draw the dark inside of a mouth that is open by so many distances of the eyes."""
    if height < 0.01:
        return pixels
    x, y = actor.places
    mouth = actor.anchors["mouth"]
    inside = ((x - mouth[0]) / 0.2) ** 2 + ((y - mouth[1] - height) / height) ** 2
    share = np.clip((1.3 - inside) / 0.8, 0, 1)[..., None] * np.float32(min(height / 0.1, 1.0))
    return np.asarray(pixels * (1 - share) + INSIDE * share, np.uint8)
