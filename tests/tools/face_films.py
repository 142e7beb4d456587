"""Small films of the portrait that comes with the package, made with PyAV."""

from __future__ import annotations

import base64
import io
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.speed import demo_photo

SIZE = (320, 240)


@cache
def portrait() -> NDArray[np.uint8]:
    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    return np.asarray(cv2.resize(pixels, (240, 240), interpolation=cv2.INTER_AREA), np.uint8)


def picture(number: int) -> NDArray[np.uint8]:
    """BGR: the portrait, which moves a little to the right and back, on grey."""
    width, height = SIZE
    pixels = np.full((height, width, 3), 110, np.uint8)
    left = 20 + abs(number % 40 - 20)
    pixels[:, left : left + 240] = portrait()
    return pixels


@cache
def film(seconds: float = 1.0, rate: int = 10, faces: bool = True) -> bytes:
    """An MP4 of the moving portrait, or of plain grey, from 0 to `seconds`."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream: Any = output.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        (stream.width, stream.height), stream.pix_fmt = SIZE, "yuv420p"
        for number in range(round(seconds * rate)):
            pixels = picture(number) if faces else np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        output.mux(stream.encode())
    return buffer.getvalue()


def saved(folder: Path, name: str = "film.mp4", **chosen: Any) -> Path:
    """Write a film to a file."""
    path = folder / name
    path.write_bytes(film(**chosen))
    return path


def url(**chosen: Any) -> str:
    return "data:video/mp4;base64," + base64.b64encode(film(**chosen)).decode()


def pictures(folder: Path, count: int = 4) -> Path:
    """Write a folder of photos, one a frame."""
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"frame-{number:03}.jpg"), picture(number))
    return folder


def is_open(path: Path) -> bool:
    """Return whether this process holds a file open."""
    found = Path("/proc/self/fd")
    return any(_target(one) == str(path.resolve()) for one in found.iterdir())


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # it was closed meanwhile
        return ""
