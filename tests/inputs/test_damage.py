"""Damage inside a file is an error, and nothing undamaged is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageFormatError, ImageTruncatedError
from ferce_agent.inputs.photo import load_picture
from tests.inputs.damage import DAMAGES, encodings, measure, photos, refused
from tests.inputs.test_photo import saved


def test_damage_is_caught_and_nothing_else() -> None:
    caught, false_alarms = measure(iter([next(photos())]))
    assert false_alarms == []
    total = [one for found in caught.values() for one in found]
    assert len(total) >= 200
    assert np.mean(total) >= 0.95
    for name in (
        "missing",
        "cut",
        "cut_with_end",
        "filled",
        "text_mode",
        "zeroed",
        "doubled",
        "character_set",
        "latin",
    ):
        assert all(caught[name]), name


@pytest.mark.parametrize("seed", range(5))
def test_missing_bytes_are_named_as_damage(pixels: NDArray[np.uint8], seed: int) -> None:
    import random

    for name, data in encodings(pixels[:, :, ::-1]):
        assert refused(DAMAGES["missing"](data, random.Random(seed))) == "image_truncated", name


def test_text_mode_is_named() -> None:
    for data in (saved("JPEG", Image.effect_noise((200, 200), 60)), saved("PNG", Image.effect_noise((200, 200), 60))):
        with pytest.raises(ImageTruncatedError, match="binary mode"):
            load_picture(DAMAGES["text_mode"](data, None))  # type: ignore[arg-type]


def test_a_picture_without_its_end_mark_is_read(pixels: NDArray[np.uint8]) -> None:
    data = saved("JPEG", Image.fromarray(pixels))
    assert np.array_equal(load_picture(data[:-2]).pixels, load_picture(data).pixels)


def test_far_too_many_scans_are_refused() -> None:
    data = saved("JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    with pytest.raises(ImageFormatError, match="scans"):
        load_picture(data[:scan] + data[scan:-2] * 300 + data[-2:])


def test_odd_but_harmless_headers_are_read(pixels: NDArray[np.uint8]) -> None:
    """Bytes that phones leave at zero, an unknown revision, a fill byte."""
    data = bytearray(saved("JPEG", Image.fromarray(pixels)))
    scan = data.index(b"\xff\xda")
    length = int.from_bytes(data[scan + 2 : scan + 4], "big")
    odd_scan = bytes(data[: scan + 2 + length - 2]) + b"\0" + bytes(data[scan + 2 + length - 1 :])
    revision = bytes(data[:11]) + b"\x09" + bytes(data[12:])
    filled = bytes(data[:2]) + b"\xff" + bytes(data[2:])
    for changed in (odd_scan, revision, filled):
        assert np.array_equal(load_picture(changed).pixels, load_picture(bytes(data)).pixels)


def test_pixels_are_those_of_pillow(pixels: NDArray[np.uint8]) -> None:
    for name, data in encodings(pixels[:, :, ::-1]):
        if "end" not in name:
            image = Image.open(io.BytesIO(data)).convert("RGB")
            assert np.array_equal(load_picture(data).pixels[:, :, ::-1], np.asarray(image)), name
