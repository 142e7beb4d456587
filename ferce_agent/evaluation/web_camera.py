"""Films for a browser's camera: Chromium shows a file of the form Y4M in the place of a camera."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def camera_switches(film: Path) -> tuple[str, ...]:
    """Return the switches with which Chromium has one camera, which shows a film again and again.

    Whether a page may use it is still asked, unless the browser's context grants it.
    """
    return "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"


def write_y4m(path: Path, frames: Iterable[Pixels], rate: int) -> Path:
    """Write a film as Y4M (YUV4MPEG2, planes of 4:2:0) and return its path.

    Args:
        path: The file; what it holds is replaced.
        frames: BGR pictures of one size, which is even in both directions; at least one.
        rate: Frames a second.
    """
    left = iter(frames)
    first = next(left)
    height, width = first.shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for pixels in chain((first,), left):
            file.write(b"FRAME\n" + cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420).tobytes())
    return path
