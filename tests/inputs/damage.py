"""Damage of photos in transfer, and undamaged relatives.

`python -m tests.inputs.damage [FOLDER]` prints what is caught.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import InputError
from ferce_agent.inputs.photo import load_picture

Damage = Callable[[bytes, random.Random], bytes]
MEDIA: Final = Path(__file__).parents[3] / "shared" / "media"


def _inside(data: bytes, rng: random.Random) -> int:
    """A place in the middle of the file, behind its header."""
    return rng.randrange(int(len(data) * 0.15) + 700, int(len(data) * 0.8))


def missing(data: bytes, rng: random.Random) -> bytes:
    at = _inside(data, rng)
    return data[:at] + data[at + rng.choice([500, 1000, 2000, 4096]) :]


def cut_with_end(data: bytes, rng: random.Random) -> bytes:
    return data[: _inside(data, rng)] + (b"\xff\xd9" if data[:2] == b"\xff\xd8" else data[-12:])


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: _inside(data, rng)]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    at = _inside(data, rng)
    count = rng.choice([512, 2048, 4096])
    return data[:at] + bytes(count) + data[at + count :]


def filled(data: bytes, rng: random.Random) -> bytes:
    """A download that reserved its length and stopped."""
    at = _inside(data, rng)
    return data[:at] + bytes(len(data) - at)


def text_mode(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", b"\r\n")


def unix_mode(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\r\n", b"\n")


def swapped(data: bytes, rng: random.Random) -> bytes:
    """Two blocks of a disc in the wrong order."""
    at = _inside(data, rng) - 600
    return data[:at] + data[at + 1024 : at + 2048] + data[at : at + 1024] + data[at + 2048 :]


def doubled(data: bytes, rng: random.Random) -> bytes:
    at = _inside(data, rng)
    return data[:at] + data[at - 700 : at] + data[at:]


def overwritten(data: bytes, rng: random.Random) -> bytes:
    at = _inside(data, rng)
    return data[:at] + rng.randbytes(600) + data[at + 600 :]


def character_set(data: bytes, rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode()


def latin(data: bytes, rng: random.Random) -> bytes:
    return data.decode("latin-1").encode()


DAMAGES: Final[dict[str, Damage]] = {
    damage.__name__: damage
    for damage in (
        missing, cut_with_end, cut, zeroed, filled, text_mode, unix_mode, swapped, doubled, overwritten, character_set,
        latin,
    )
}  # fmt: skip


def encodings(pixels: NDArray[np.uint8]) -> Iterator[tuple[str, bytes]]:
    """A photo in the ways that cameras and programs write it, all undamaged."""
    image = Image.fromarray(pixels)

    def pillow(name: str, made: Image.Image = image, **options: Any) -> bytes:
        buffer = io.BytesIO()
        made.save(buffer, name, **options)
        return buffer.getvalue()

    for quality in (40, 75, 92):
        yield f"JPEG {quality}", pillow("JPEG", quality=quality)
        yield f"progressive {quality}", pillow("JPEG", quality=quality, progressive=True)
    yield "4:4:4", pillow("JPEG", quality=85, subsampling=0)
    yield "optimised", pillow("JPEG", quality=95, optimize=True)
    yield "restart markers", pillow("JPEG", restart_marker_rows=1)
    yield "grey", pillow("JPEG", image.convert("L"))
    yield "CMYK", pillow("JPEG", image.convert("CMYK"))
    yield "MPO", pillow("MPO", save_all=True, append_images=[image.resize((160, 120))])
    yield "trailer", pillow("JPEG") + b"trailer of a phone" + bytes(range(256)) * 9
    yield "without its end", pillow("JPEG")[:-2]
    yield "OpenCV", cv2.imencode(".jpg", pixels[:, :, ::-1])[1].tobytes()
    yield (
        "OpenCV 4:1:1",
        cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x411111])[1].tobytes(),
    )
    yield "PNG", pillow("PNG")
    yield "PNG palette", pillow("PNG", image.convert("P"))
    yield "PNG OpenCV", cv2.imencode(".png", pixels[:, :, ::-1])[1].tobytes()
    yield "PNG trailer", pillow("PNG") + b"more"


def refused(data: bytes) -> str:
    """The code of the error that the data gives; empty if it is read."""
    try:
        load_picture(data)
    except InputError as error:
        return error.code
    return ""


def photos(folder: Path = MEDIA) -> Iterator[NDArray[np.uint8]]:
    from ferce_agent.evaluation import speed

    yield np.asarray(Image.open(Path(speed.__file__).with_name("astronaut.jpg")).convert("RGB"))
    for file in sorted(folder.glob("*.jpg")):
        yield np.asarray(Image.open(file).convert("RGB"))


def measure(pictures: Iterator[NDArray[np.uint8]], seed: int = 0) -> tuple[dict[str, list[bool]], list[str]]:
    """Return for each damage which files were refused, and the undamaged files that were refused."""
    rng = random.Random(seed)
    caught: dict[str, list[bool]] = {name: [] for name in DAMAGES}
    false_alarms = []
    for number, pixels in enumerate(pictures):
        for encoding, data in encodings(pixels):
            if code := refused(data):
                false_alarms.append(f"{number} {encoding}: {code}")
            for name, damage in DAMAGES.items():
                changed = damage(data, rng)
                if changed != data:
                    caught[name].append(bool(refused(changed)))
    return caught, false_alarms


def main() -> None:
    caught, false_alarms = measure(photos(Path(sys.argv[1]) if len(sys.argv) > 1 else MEDIA))
    out = sys.stdout.write
    for name, found in caught.items():
        out(f"{name:15} {sum(found)} of {len(found)} caught\n")
    total = [one for found in caught.values() for one in found]
    out(f"all {sum(total)} of {len(total)} = {np.mean(total):.4f}; false alarms: {len(false_alarms)} {false_alarms}\n")


if __name__ == "__main__":
    main()
