"""Generated films of drivers: public-domain faces that close their eyes, turn away, yawn and are hidden when known.

Lids and mouths are drawn as in `ferce_agent.evaluation.clips.eye_films`. A head is turned as a solid: an ellipsoid with
a nose on it, whose points are moved as they would be seen from far away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.evaluation.clips.eye_films import EYES_APART, NARROWED, SIDE, MarkedFace
from ferce_agent.evaluation.scenarios.drives import closing, ramp, strongest
from ferce_agent.inputs.frames import Frame

HEAD: Final = (1.23 * EYES_APART, 1.75 * EYES_APART)
"""Half of the width and of the height of a head in pixels; it is as deep as wide."""
NOSE: Final = (0.27 * EYES_APART, 0.15 * EYES_APART, 0.23 * EYES_APART)
"""How far a nose stands out, half of its width and of its height, in pixels."""
NOSE_AT: Final = SIDE * 0.55
"""Height of the nose in the picture, in pixels."""
PIVOT: Final = 0.3
"""How far before the middle of the head it turns, as share of its depth."""
YAWN: Final = 0.55
"""How far a mouth opens in a yawn, as share of its width when it is closed."""
CALM_S: Final = 12.0
"""A film begins with so many seconds of blinks."""
Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Number = TypeVar("Number", float, Array)


@once
def _surface() -> tuple[Array, Array, Array]:
    """Return x, y and depth of each pixel, each of shape (`SIDE`, `SIDE`)."""
    x, y = np.meshgrid(np.arange(SIDE, dtype=np.float64), np.arange(SIDE, dtype=np.float64))
    half = SIDE / 2
    depth = HEAD[0] * np.sqrt(np.clip(1 - ((x - half) / HEAD[0]) ** 2 - ((y - half) / HEAD[1]) ** 2, 0, 1))
    depth = depth + NOSE[0] * np.exp(-(((x - half) / NOSE[1]) ** 2) - ((y - NOSE_AT) / NOSE[2]) ** 2)
    return x, y, depth


def turned(pixels: Pixels, yaw: float) -> Pixels:
    """Return a picture of `EyeFilm` with its head turned.

    Args:
        pixels: Shape (`SIDE`, `SIDE`, 3), uint8, BGR.
        yaw: Degrees; positive: the nose points to the right of the picture. Beyond 50 it looks unlike a head.
    """
    if abs(yaw) < 0.5:
        return pixels
    x, y, depth = _surface()
    angle, half = np.radians(yaw), SIDE / 2
    goes = half + (x - half) * np.cos(angle) + (depth - PIVOT * HEAD[0]) * np.sin(angle)
    goes = np.maximum.accumulate(goes, 1) + np.arange(SIDE) * 1e-6
    comes = np.stack([np.interp(x[row], goes[row], x[row]) for row in range(SIDE)])
    across, down = comes.astype(np.float32), y.astype(np.float32)
    return np.asarray(cv2.remap(pixels, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def opening(mouth: Number) -> Number:
    """Return the height of a mouth as share of its width, in a yawn that is so far under way (0..1)."""
    return YAWN * mouth / (1 - NARROWED * mouth)


@dataclass
class DriverFilm:
    """A film of a driver at a known speed.

    Attributes:
        face: Whose.
        fps: Frames a second.
        seconds: Length.
        seed: Of noise.
        glasses: Whether black glasses are drawn over the eyes.
        lids: How far the eyes are closed over time; the largest counts, as below.
        yaw: Degrees by which the head is turned.
        mouth: How far the mouth is open, 1 = as in a yawn.
        hidden: Whether nothing is seen: the picture is dark.
    """

    face: MarkedFace
    fps: float
    seconds: float = 0.0
    seed: int = 0
    glasses: bool = False
    lids: list[Callable[[Array], Array]] = field(default_factory=list)
    yaw: list[Callable[[Array], Array]] = field(default_factory=list)
    mouth: list[Callable[[Array], Array]] = field(default_factory=list)
    hidden: list[Callable[[Array], Array]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames."""
        random = np.random.default_rng(self.seed)
        for number in range(round(self.seconds * self.fps)):
            time = number / self.fps
            moment = np.array([time])
            lids, yaw, mouth, hidden = (
                float(strongest(each, moment)[0]) for each in (self.lids, self.yaw, self.mouth, self.hidden)
            )
            yawned = self.face.yawning(mouth) if mouth else self.face
            picture = yawned.drawn(lids, 0.0, opening(mouth), tongue=True)
            picture = self._with_glasses(picture) if self.glasses else picture
            picture = np.full_like(picture, 20) if hidden > 0.5 else turned(picture, yaw)
            yield Frame(np.asarray(np.clip(picture + random.normal(0, 3, picture.shape), 0, 255), np.uint8), time)

    def _with_glasses(self, picture: Pixels) -> Pixels:
        drawn = picture.copy()
        for upper in self.face.marks.uppers:
            middle = upper.mean(0)
            size = (round(0.36 * EYES_APART), round(0.28 * EYES_APART))
            cv2.ellipse(drawn, (round(middle[0]), round(middle[1]) + 3), size, 0, 0, 360, (15, 15, 15), -1)
        return np.asarray(drawn, np.uint8)


def driver_film(faces: list[MarkedFace], number: int, seed: int) -> tuple[str, DriverFilm]:
    """Return a kind of film and a film of it; the same for the same arguments.

    Args:
        faces: Whose there are.
        number: Which of the benchmark's films.
        seed: Of the benchmark.
    """
    rng = np.random.default_rng((seed, number, 1))
    kind = ("plain", "plain", "dark glasses", "missing frames")[number % 4]
    face = faces[(number + number // 4) % len(faces)]
    film = DriverFilm(face, float(rng.choice([15.0, 20.0, 25.0])), seed=int(rng.integers(2**31)))
    film.glasses = kind == "dark glasses"
    now = CALM_S
    for act in rng.permutation(4).tolist():
        now = (_closure, _glance, _glimpse, _yawn)[act](rng, film, now) + float(rng.uniform(2.0, 3.5))
    if kind == "missing frames":
        film.hidden.append(ramp(now, 0.01, 2.5, 0.01))
        now += 5.0
    film.seconds = now
    for begin in np.arange(1.0, CALM_S - 1, 2.2).tolist():
        length = float(rng.uniform(0.2, 0.34))
        film.lids.append(ramp(begin, length / 3, length * 0.2, length * 0.47))
    return kind, film


def _closure(rng: Generator, film: DriverFilm, now: float) -> float:
    seconds = float(rng.choice([rng.uniform(0.8, 1.8), rng.uniform(3.6, 4.2)]))
    film.lids.append(closing(rng, now + 0.3, seconds))
    return now + 0.5 + seconds


def _glance(rng: Generator, film: DriverFilm, now: float) -> float:
    seconds = float(rng.uniform(4.2, 5.2))
    film.yaw.append(ramp(now, 0.25, seconds, 0.25, float(rng.choice([-1, 1]) * rng.uniform(40, 44))))
    return now + 0.5 + seconds


def _glimpse(rng: Generator, film: DriverFilm, now: float) -> float:
    """A look away that is too short for a warning, and a blink that is too long for one."""
    seconds = float(rng.uniform(0.8, 2.0))
    film.yaw.append(ramp(now, 0.25, seconds, 0.25, float(rng.choice([-1, 1]) * rng.uniform(40, 44))))
    film.lids.append(closing(rng, now + seconds + 1.5, 0.25))
    return now + seconds + 2.2


def _yawn(rng: Generator, film: DriverFilm, now: float) -> float:
    seconds = float(rng.uniform(2.6, 3.6))
    film.mouth.append(ramp(now, 0.8, seconds, 0.8))
    return now + 1.6 + seconds
