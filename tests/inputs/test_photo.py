from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import ImageAccessError, ImageNotFoundError, ImageTooLargeError, InputError
from ferce_agent.inputs.photo import ImageLimits, load_picture
from tests.bad_inputs import BadInput, bad_inputs, encoded

BAD = bad_inputs()


def drawn() -> NDArray[np.uint8]:
    """An asymmetrical RGB picture, 24 high and 40 wide: red left half, blue right half, a green bar on top."""
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, :20] = (200, 0, 0)
    picture[:, 20:] = (0, 0, 200)
    picture[:6] = (0, 200, 0)
    return picture


def saved(format_name: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(drawn())).save(buffer, format_name, **options)
    return buffer.getvalue()


def assert_drawn(pixels: NDArray[np.uint8], tolerance: float = 30) -> None:
    rgb = pixels[:, :, ::-1].astype(float)
    assert pixels.shape == (24, 40, 3)
    for rows, columns in (((8, 22), (2, 18)), ((8, 22), (22, 38)), ((1, 4), (2, 38))):
        part = rgb[rows[0] : rows[1], columns[0] : columns[1]]
        expected = drawn()[rows[0] : rows[1], columns[0] : columns[1]].astype(float)
        assert np.abs(part - expected).mean() < tolerance


@pytest.mark.parametrize("bad", BAD, ids=[f"{number}-{bad.name}" for number, bad in enumerate(BAD)])
def test_bad_inputs_are_typed_errors(bad: BadInput) -> None:
    with pytest.raises(bad.expected) as caught:
        load_picture(bad.source)
    assert caught.value.message
    assert caught.value.hint


def test_there_are_enough_bad_inputs() -> None:
    assert len(BAD) >= 300


@pytest.mark.parametrize(
    ("format_name", "media_type"),
    [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"), ("TIFF", "tiff"), ("GIF", "gif")],
)
def test_every_format_is_read_by_its_content(format_name: str, media_type: str, tmp_path: Path) -> None:
    data = saved(format_name)
    misnamed = tmp_path / "picture.txt"
    misnamed.write_bytes(data)
    url = f"data:image/whatever;base64,{base64.b64encode(data).decode()}"
    for source in (data, bytearray(data), memoryview(data), url, misnamed, str(misnamed)):
        picture = load_picture(source)
        assert_drawn(picture.pixels)
        assert picture.media_type == f"image/{media_type}"
        assert (picture.width, picture.height, picture.frames) == (40, 24, 1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_gives_its_brightness(mode: str) -> None:
    grey = np.zeros((30, 30), np.uint8)
    grey[:, 15:] = 255
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB" if mode in {"CMYK", "YCbCr"} else "L").convert(mode)
    pixels = load_picture(image).pixels
    assert pixels.shape == (30, 30, 3)
    assert pixels[:, :12].max() < 20
    assert pixels[:, 18:].min() > 235


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(format_name: str) -> None:
    ramp = np.linspace(0, 65535, 40 * 24).reshape(24, 40).astype(np.uint16)
    pixels = load_picture(saved(format_name, Image.fromarray(ramp))).pixels
    assert np.abs(pixels[:, :, 0].astype(float) - ramp / 257).max() <= 1


def test_cmyk_jpeg() -> None:
    assert_drawn(load_picture(saved("JPEG", Image.fromarray(drawn()).convert("CMYK"), quality=95)).pixels, 60)


def test_transparency_is_white() -> None:
    image = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert load_picture(saved("PNG", image)).pixels.min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    """The file is turned so that the orientation tag turns it back."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = Image.fromarray(drawn())
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = image if undo is None else image.transpose(undo)
    assert_drawn(load_picture(saved("JPEG", turned, exif=exif, quality=95)).pixels)


def test_damaged_exif_does_not_matter() -> None:
    data = saved("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
    assert_drawn(load_picture(data).pixels)


def test_only_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.fromarray(drawn()), Image.new("RGB", (40, 24), (9, 9, 9))]
    picture = load_picture(saved("GIF", frames[0], save_all=True, append_images=frames[1:]))
    assert picture.frames == 2
    assert_drawn(picture.pixels)


@pytest.mark.parametrize(
    "array",
    [
        drawn(),
        np.dstack([drawn(), np.full((24, 40), 255, np.uint8)]),
        drawn().astype(np.uint16) * 257,
        drawn() / 255,
        drawn().astype(np.float32),
        drawn().astype(np.int64),
        np.asfortranarray(drawn()),
    ],
    ids=["uint8", "rgba", "uint16", "float 0..1", "float 0..255", "int64", "fortran"],
)
def test_arrays_are_rgb(array: NDArray[Any]) -> None:
    before = array.copy()
    picture = load_picture(array)
    assert_drawn(picture.pixels, 2)
    assert np.array_equal(array, before)
    assert picture.media_type == "application/x-pixels"
    assert picture.sha256 == load_picture(array).sha256


def test_files_only_come_from_the_roots(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    for folder in (inside, outside):
        (folder / "p.png").write_bytes(saved("PNG"))
    (inside / "link.png").symlink_to(outside / "p.png")
    assert load_picture("p.png", roots=(inside,)).width == 40
    assert load_picture(inside / "p.png", roots=(outside, inside)).width == 40
    for name in ("../out/p.png", str(outside / "p.png"), "link.png", "../in2/p.png", str(outside / "none.png")):
        with pytest.raises(ImageAccessError) as caught:
            load_picture(name, roots=(inside,))
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ImageAccessError):
        load_picture(inside / "p.png", roots=())
    with pytest.raises(ImageNotFoundError):
        load_picture("none.png", roots=(inside,))


def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero"), tmp_path):
        with pytest.raises(ImageNotFoundError):
            load_picture(path)


def test_limits_can_be_set(tmp_path: Path) -> None:
    file = tmp_path / "p.png"
    file.write_bytes(saved("PNG"))
    for limits in (ImageLimits(max_bytes=50), ImageLimits(max_pixels=100), ImageLimits(max_side=39)):
        with pytest.raises(ImageTooLargeError):
            load_picture(file, limits=limits)


JPEG = encoded("JPEG")


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_picture_or_a_typed_error(data: bytes) -> None:
    try:
        load_picture(data)
    except InputError as error:
        assert error.hint


@given(st.lists(st.tuples(st.integers(2, len(JPEG) - 1), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_damaged_jpegs_give_a_picture_or_a_typed_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(JPEG)
    for at, value in changes:
        data[at] = value
    try:
        assert load_picture(data).pixels.dtype == np.uint8
    except InputError as error:
        assert error.hint


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_typed_error(text: str) -> None:
    with pytest.raises(InputError):
        load_picture(text, roots=())
