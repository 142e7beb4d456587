"""Short films of the portrait that the tests make themselves: it moves, is away, or is covered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.samples import TrackSample
from ferce_agent.inputs.frames import Frame

WIDTH, HEIGHT = 320, 240
RATE = 12.0


def head_of(pixels: NDArray[np.uint8], side: int = 200) -> NDArray[np.uint8]:
    """Return the portrait's head, square, BGR."""
    return np.asarray(cv2.resize(pixels[: pixels.shape[1] // 2 + 60, 120:440], (side, side)), np.uint8)


def film(
    head: NDArray[np.uint8], seconds: float, shown: Callable[[float], bool] = lambda _: True, rate: float = RATE
) -> Iterator[Frame]:
    """Yield frames in which the head moves slowly from left to right.

    Args:
        head: Shape (S, S, 3), S at most `HEIGHT`.
        seconds: Length of the film.
        shown: Whether the head is there at a time.
        rate: Frames a second.
    """
    for number in range(round(seconds * rate)):
        time = number / rate
        pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        if shown(time):
            x, y = int(10 + 40 * time / seconds), 15
            pixels[y : y + head.shape[0], x : x + head.shape[1]] = head
        yield Frame(pixels, time)


def sample(time: float, shares: dict[int, float], reasons: tuple[str, ...] = (), quality: float = 0.9) -> TrackSample:
    """Return a sample with given probabilities; the rest of the eight share what is left."""
    probabilities = np.full(8, (1 - sum(shares.values())) / (8 - len(shares)))
    for place, share in shares.items():
        probabilities[place] = share
    return TrackSample(
        time=time,
        track=1,
        box=np.array([100.0, 50.0, 80.0, 100.0]),
        landmarks=np.array([[120.0, 90], [160, 90], [140, 110], [125, 130], [155, 130]]),
        score=0.95,
        carried=False,
        pose=np.zeros(3),
        quality=quality,
        reasons=reasons,  # type: ignore[arg-type]
        probabilities=probabilities,
        units=np.full(16, 0.05),
        shapes=np.full(45, 0.05),
        strangeness=0.0,
    )
