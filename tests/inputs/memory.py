"""Peak memory of loading and of a whole report, in bytes a pixel.

`python -m tests.inputs.memory NAME [report]` prints one.

A process for each: the highest resident size (ru_maxrss) never falls. A small picture of the same kind goes through
first, so that libraries and models are loaded before the count begins. Pictures given as objects are the caller's and
count before, too.
"""

from __future__ import annotations

import io
import resource
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture


def drawn(width: int, height: int) -> NDArray[np.uint8]:
    """A soft pattern that compresses well; RGB."""
    across = np.arange(width, dtype=np.uint16)[None, :] // 16
    down = np.arange(height, dtype=np.uint16)[:, None] // 16
    return np.stack([(across + down) % 256, (across * 2) % 256 + down * 0, (down * 3) % 256 + across * 0], 2).astype(
        np.uint8
    )


def _saved(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if name == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, quality=30)
    else:
        image.save(buffer, name, **options)
    return buffer.getvalue()


def _image(pixels: NDArray[np.uint8], mode: str) -> Image.Image:
    image = Image.fromarray(pixels)
    return image if mode == "RGB" else image.convert(mode)


SIX: Final = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"
"""The EXIF block of a photo that is to be turned by a quarter."""
Made = Callable[[NDArray[np.uint8]], Any]
SOURCES: Final[dict[str, Made]] = {
    "JPEG": lambda pixels: _saved(_image(pixels, "RGB"), "JPEG"),
    "progressive JPEG": lambda pixels: _saved(_image(pixels, "RGB"), "JPEG", progressive=True, subsampling=0),
    "turned JPEG": lambda pixels: _saved(_image(pixels, "RGB"), "JPEG", exif=SIX),
    "grey JPEG": lambda pixels: _saved(_image(pixels, "L"), "JPEG"),
    "CMYK JPEG": lambda pixels: _saved(_image(pixels, "CMYK"), "JPEG"),
    "PNG": lambda pixels: _saved(_image(pixels, "RGB"), "PNG", compress_level=1),
    "RGBA PNG": lambda pixels: _saved(_image(pixels, "RGBA"), "PNG", compress_level=1),
    "palette PNG": lambda pixels: _saved(_image(pixels, "P"), "PNG", compress_level=1),
    "16-bit PNG": lambda pixels: _saved(
        Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257), "PNG", compress_level=1
    ),
    "float TIFF": lambda pixels: _saved(
        Image.fromarray(pixels[:, :, 0].astype(np.float32) / 255), "TIFF", compression="tiff_adobe_deflate"
    ),
    "WebP": lambda pixels: _saved(_image(pixels, "RGB"), "WEBP", method=0),
    "RGBA WebP": lambda pixels: _saved(_image(pixels, "RGBA"), "WEBP", method=0),
    "AVIF": lambda pixels: _saved(_image(pixels, "RGB"), "AVIF", speed=10, quality=40),
    "HEIC": lambda pixels: _saved(_image(pixels, "RGB"), "HEIF"),
    "GIF": lambda pixels: _saved(_image(pixels, "P"), "GIF"),
    **{f"PIL {mode}": partial(_image, mode=mode) for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK")},
    "PIL I;16": lambda pixels: Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257),
    "PIL F": lambda pixels: Image.fromarray(pixels[:, :, 0].astype(np.float32)),
    "array uint8": lambda pixels: pixels,
    "array RGBA": lambda pixels: np.dstack([pixels, pixels[:, :, :1]]),
    "array bool": lambda pixels: pixels[:, :, 0] > 99,
    "array uint16": lambda pixels: pixels.astype(np.uint16) * 257,
    "array float32": lambda pixels: pixels.astype(np.float32) / 255,
    "array float64": lambda pixels: pixels / 255.0,
}  # fmt: skip


def peak() -> int:
    """Highest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident() -> int:
    """Resident size of this process now, in bytes (Linux)."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()


def bytes_per_pixel(source: Any, pixels: int, *, report: bool) -> float:
    """Return how much the resident size rises above what it is now, for each pixel."""
    from ferce_agent.api import analyze_expression

    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123  # sets the highest size back to the size now
        file.write("5")
    before = resident()
    if report:
        analyze_expression(source, engines=ENGINES)
    else:
        load_picture(source)
    with open("/proc/self/status") as file:  # noqa: PTH123
        highest = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    return (highest - before) / pixels


ENGINES = Engines()


def measure(name: str, *, report: bool, size: tuple[int, int] = (6000, 4000)) -> float:
    """Return the bytes a pixel of one source; the file is made in a process of its own."""
    import subprocess

    make = SOURCES[name]
    if name.startswith(("PIL", "array")):
        source = make(drawn(*size))
    else:
        code = f"import sys; from tests.inputs.memory import *; sys.stdout.buffer.write(SOURCES[{name!r}](drawn{size}))"
        source = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    bytes_per_pixel(make(drawn(640, 480)), 640 * 480, report=report)
    return bytes_per_pixel(source, size[0] * size[1], report=report)


if __name__ == "__main__":
    for chosen in SOURCES if sys.argv[1] == "all" else sys.argv[1:2]:
        if sys.argv[1] == "all":
            import subprocess

            subprocess.run([sys.executable, "-m", "tests.inputs.memory", chosen, *sys.argv[2:]], check=False)
        else:
            sys.stdout.write(f"{chosen:18} {measure(chosen, report='report' in sys.argv):6.2f} bytes a pixel\n")
