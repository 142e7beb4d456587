"""PIL images that were opened and not read, closed ones, classes, and streams that fail in their own way."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageAccessError, ImageFormatError, ImageTruncatedError
from ferce_agent.inputs.photo import load_picture


def encoded(pixels: NDArray[np.uint8], name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()


def test_damage_behind_an_unread_image_is_found(pixels: NDArray[np.uint8]) -> None:
    data = encoded(pixels, "JPEG")
    with pytest.raises(ImageTruncatedError):
        load_picture(Image.open(io.BytesIO(data[:9000] + data[11000:])))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "ICO", "PPM"])
def test_an_unread_image_is_left_as_it_was(pixels: NDArray[np.uint8], name: str) -> None:
    file = io.BytesIO(encoded(pixels, name))
    image = Image.open(file)
    position = file.tell()
    got = load_picture(image).pixels
    assert file.tell() == position or name in {"ICO", "PPM", "WEBP"}
    assert np.array_equal(got[:, :, ::-1], np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB")))
    assert np.array_equal(np.asarray(image.convert("RGB")), got[:, :, ::-1])


def test_turned_and_drafted_images_are_read(pixels: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(pixels[:300], "JPEG", exif=exif)
    assert load_picture(Image.open(io.BytesIO(data))).pixels.shape == (512, 300, 3)
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (128, 75))
    assert load_picture(image).pixels.shape == (128, 75, 3)


def test_a_closed_image_is_named_as_closed(pixels: NDArray[np.uint8]) -> None:
    closed = Image.fromarray(pixels)
    closed.close()
    file = io.BytesIO(encoded(pixels, "PNG"))
    with Image.open(file) as left:
        pass
    of_closed_file = Image.open(file)
    file.close()
    for image in (closed, left, of_closed_file):
        with pytest.raises(ImageAccessError, match="closed"):
            load_picture(image)


def test_a_class_is_no_picture() -> None:
    for given in (Image.Image, io.BytesIO):
        with pytest.raises(ImageFormatError):
            load_picture(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [RuntimeError, KeyError, ZeroDivisionError, AssertionError, LookupError])
def test_streams_fail_with_a_typed_error(error: type[Exception]) -> None:
    class Stream:
        def read(self, size: int = -1) -> bytes:
            raise error("no")

    with pytest.raises(ImageAccessError, match=error.__name__):
        load_picture(Stream())  # type: ignore[arg-type]
