"""WebP, HEIC, AVIF, BMP and GIF: bytes added by text mode, tails that were not filled, and healthy files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageTruncatedError
from ferce_agent.inputs.photo import load_picture

FORMATS = ("WEBP", "HEIF", "AVIF", "GIF", "BMP")


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    if name == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        heif.from_pillow(image).save(buffer, **options)
        return buffer.getvalue()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def pictures(pixels: NDArray[np.uint8]) -> list[Image.Image]:
    photo = Image.fromarray(pixels)
    sizes = ((512, 512), (300, 200), (160, 120), (1000, 700))
    return [photo.resize(size) for size in sizes]


@pytest.mark.parametrize("name", FORMATS)
def test_text_mode_is_refused(pixels: NDArray[np.uint8], name: str) -> None:
    for image in pictures(pixels):
        data = encoded(image, name)
        with pytest.raises(ImageTruncatedError):
            load_picture(data.replace(b"\n", b"\r\n"))
        assert b"\r\n" not in data or name == "BMP" or _refused(data.replace(b"\r\n", b"\n"))


def _refused(data: bytes) -> bool:
    try:
        load_picture(data)
    except ImageTruncatedError:
        return True
    return False


@pytest.mark.parametrize("name", ["WEBP", "AVIF", "HEIF"])
def test_tails_of_zeros_are_refused(pixels: NDArray[np.uint8], name: str) -> None:
    for image in pictures(pixels):
        ways: list[dict[str, Any]] = [{}, {"quality": 20}, {"quality": 95}]
        for options in [*ways, {"lossless": True}] if name == "WEBP" else ways:
            data = encoded(image, name, **options)
            kept = len(data) * 2 // 3
            with pytest.raises(ImageTruncatedError):
                load_picture(data[:kept] + bytes(len(data) - kept))


def flat_and_busy() -> list[Image.Image]:
    made = [
        Image.new("RGB", size, colour) for size in ((64, 64), (3000, 2000)) for colour in ("black", "white", "#0a0d0a")
    ]
    gradient = Image.linear_gradient("L").convert("RGB")
    half = Image.new("RGB", (800, 800), "white")
    half.paste(Image.effect_noise((800, 200), 90).convert("RGB"))
    return [*made, gradient, half, Image.effect_noise((200, 200), 80).convert("RGB"), gradient.convert("RGBA")]


WAYS: dict[str, list[dict[str, Any]]] = {
    "WEBP": [{}, {"quality": 10}, {"lossless": True, "exif": bytes(3000)}],
    "HEIF": [{}, {"quality": 10}],
    "AVIF": [{}, {"quality": 10}],
    "GIF": [{}],
    "BMP": [{}],
}
"""The ways in which an encoder writes a picture, each giving another file."""


@pytest.mark.parametrize("name", FORMATS)
def test_healthy_files_are_read(pixels: NDArray[np.uint8], name: str) -> None:
    for image in [*pictures(pixels), *flat_and_busy()]:
        for options in WAYS[name]:
            data = encoded(image, name, **options)
            load_picture(data)
            load_picture(data + b"\0" * 5000)
            load_picture(data + b"a trailer\n" * 50)


@pytest.mark.parametrize("name", ["WEBP", "AVIF", "GIF"])
def test_healthy_animations_are_read(pixels: NDArray[np.uint8], name: str) -> None:
    frames = [Image.fromarray(pixels).resize((160, 120)).rotate(turn) for turn in (0, 10, 20)]
    assert load_picture(encoded(frames[0], name, save_all=True, append_images=frames[1:])).frames == 2
