"""Formats of phones and of others, by files made here."""

from __future__ import annotations

import io
import struct
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferce_agent.errors import ImageFormatError, ImageTruncatedError, InputError
from ferce_agent.inputs.kinds import kind_of
from ferce_agent.inputs.photo import load_picture
from ferce_agent.inputs.tags import orientation_of, read_tags
from tests.inputs.test_photo import assert_drawn, drawn, saved


def heic(image: Image.Image, **options: Any) -> bytes:
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=90, **options)
    return buffer.getvalue()


def mpo() -> bytes:
    """A JPEG with a second, smaller picture behind it and the index of both, as phones write it."""
    frames = [Image.fromarray(drawn()), Image.fromarray(drawn()[::2, ::2])]
    return saved("MPO", frames[0], save_all=True, append_images=frames[1:], quality=95)


def test_phone_formats() -> None:
    for data, media_type in (
        (mpo(), "image/jpeg"),
        (heic(Image.fromarray(drawn())), "image/heic"),
        (saved("AVIF", quality=95), "image/avif"),
    ):
        picture = load_picture(data)
        assert_drawn(picture.pixels)
        assert (picture.media_type, picture.frames) == (media_type, 1)


def test_transparent_heic_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    assert load_picture(heic(clear)).pixels.min() > 245


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "AVIF", "JPEG"])
def test_orientation_counts_in_every_format(name: str, orientation: int) -> None:
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 95} if name in {"JPEG", "AVIF"} else {"lossless": True}
    turned = Image.fromarray(drawn()).transpose(undo)
    assert_drawn(load_picture(saved(name, turned, exif=exif, **(options if name != "TIFF" else {}))).pixels)


@pytest.mark.parametrize("top", [1.0, 200.0])
def test_tiff_of_floats_in_three_channels(top: float, tmp_path: Path) -> None:
    file = str(tmp_path / "float.tif")
    cv2.imwrite(file, drawn()[:, :, ::-1].astype(np.float32) / 200 * top)
    assert_drawn(load_picture(file).pixels, 60)


def test_tiff_of_sixteen_bits_in_three_channels(tmp_path: Path) -> None:
    file = str(tmp_path / "deep.tif")
    cv2.imwrite(file, drawn()[:, :, ::-1].astype(np.uint16) * 257)
    assert_drawn(load_picture(file).pixels)


def test_several_pages_and_frames_are_told() -> None:
    frames = [Image.fromarray(drawn()), Image.new("RGB", (40, 24), (9, 9, 9))]
    for name in ("TIFF", "WEBP", "PNG", "GIF"):
        options = {"lossless": True} if name == "WEBP" else {}
        picture = load_picture(saved(name, frames[0], save_all=True, append_images=frames[1:], **options))
        assert picture.frames == 2
        assert_drawn(picture.pixels)


def box(kind: bytes, *brands: bytes) -> bytes:
    body = b"ftyp" + kind + b"\0\0\0\0" + b"".join(brands)
    return struct.pack(">I", len(body) + 4) + body + b"\0\0\0\x08free" + bytes(64)


def dng() -> bytes:
    """A TIFF whose only picture is a preview, with the tag of a raw photo."""
    image = Image.fromarray(drawn())
    return saved("TIFF", image, tiffinfo={0xC612: b"\x01\x04\x00\x00", 0x010F: "Canon"})


NAMED = {
    "JPEG XL": (b"\xff\x0a" + bytes(100), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), b"\xff\x4f\xff\x51" + bytes(50)),
    "SVG": (
        b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        b"<?xml version='1.0'?>\n<!-- made by hand -->\n<svg width='1'/>",
        b"\xef\xbb\xbf<svg viewBox='0 0 9 9'></svg>",
    ),
    "PDF": (b"%PDF-1.7\n" + bytes(50),),
    "Photoshop": (b"8BPS\0\1" + bytes(50),),
    "icon": (b"\0\0\1\0\1\0" + bytes(50),),
    "raw photo": (dng(), b"II*\0\x10\0\0\0CR\2\0" + bytes(50), box(b"crx "), b"FUJIFILMCCD-RAW " + bytes(50)),
    "MP4 video": (box(b"isom", b"mp41"), box(b"mp42")),
    "QuickTime": (box(b"qt  "), b"\0\0\0\x08wide" + bytes(50), b"\0\0\x10\0moov" + bytes(50)),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(50),),
    "AVI": (b"RIFF\0\0\0\0AVI LIST" + bytes(50),),
    "sound": (
        b"RIFF\0\0\0\0WAVEfmt ",
        b"ID3\4" + bytes(40),
        b"fLaC" + bytes(40),
        box(b"M4A "),
        b"\xff\xfb\x90" + bytes(99),
    ),
    "web page": (b"<!DOCTYPE html><html>404</html>", b"\n<html><body>Sign in</body></html>"),
    "JSON": (b'{"image": "none"}', b"[1, 2]"),
    "base64": (b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBD" * 9, b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"),
    "text": (b"I am a photo, believe me.", "Ein Foto, glaub mir.".encode("utf-16")),
    "ZIP": (b"PK\x03\x04" + bytes(60),),
    "numpy": (b"\x93NUMPY\1\0" + bytes(60),),
    "address": (b"https://example.org/a.jpg\n",),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",),
    "portable pixmap": (b"P6 2 2 255\n" + bytes(12),),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_no_picture_is_named(name: str) -> None:
    for data in NAMED[name]:
        with pytest.raises(ImageFormatError) as caught:
            load_picture(data)
        assert name in caught.value.message
        assert caught.value.hint


def test_video_says_what_to_do() -> None:
    with pytest.raises(ImageFormatError, match="frame"):
        load_picture(box(b"isom"))


def test_general_heif_brands_are_told_apart() -> None:
    found = [kind_of(box(b"mif1", b"heic")), kind_of(box(b"mif1", b"avif")), kind_of(box(b"heic", b"mif1"))]
    assert [kind.name for kind in found if kind] == ["HEIF", "AVIF", "HEIF"]


def test_without_its_decoder_heic_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    data = heic(Image.fromarray(drawn()))
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageFormatError, match="pip install pi-heif"):
        load_picture(data)


def test_pillow_stays_as_it_was() -> None:
    import subprocess
    import sys

    code = (
        "import io, sys, warnings; from PIL import Image; from ferce_agent.inputs.photo import load_picture;"
        " Image.init(); before=(sorted(Image.OPEN), Image.MAX_IMAGE_PIXELS);"
        "filters = list(warnings.filters);"
        "load_picture(sys.stdin.buffer.read());"
        "assert before == (sorted(Image.OPEN), Image.MAX_IMAGE_PIXELS); assert filters == warnings.filters"
    )
    subprocess.run([sys.executable, "-c", code], input=heic(Image.fromarray(drawn())), check=True)


def test_dependencies_name_the_decoders() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    named = {dependency.split(">=")[0] for dependency in project["dependencies"]}
    assert {"pi-heif", "simplejpeg", "pillow"} <= named


def test_callers_image_is_left_as_it_was() -> None:
    frames = [Image.fromarray(drawn()).convert("P"), Image.new("P", (40, 24), 3)]
    data = saved("GIF", frames[0], save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (
        Image.open(io.BytesIO(data)),
        Image.open(io.BytesIO(saved("JPEG", exif=exif))),
        Image.fromarray(drawn()),
    ):
        if getattr(image, "is_animated", False):
            image.seek(1)
        untouched = image.copy()
        told = (image.mode, image.size, image.tell(), dict(image.getexif()))
        for _ in range(2):
            load_picture(image)
        assert told == (image.mode, image.size, image.tell(), dict(image.getexif()))
        assert image.tobytes() == untouched.tobytes()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_tags_are_read_or_left_out(block: bytes) -> None:
    for start in (b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"):
        assert isinstance(read_tags(start + block), dict)
        assert 1 <= orientation_of(start + block) <= 8


def test_orientation_in_xmp() -> None:
    assert orientation_of(b"", b'<rdf tiff:Orientation="6"/>') == 6
    assert orientation_of(b"", "<tiff:Orientation>8</tiff:Orientation>") == 8


FILES = {
    **{name: saved(name) for name in ("PNG", "BMP", "GIF", "WEBP")},
    "TIFF": saved("TIFF", compression="tiff_lzw"),
    "AVIF": saved("AVIF"),
    "HEIC": heic(Image.fromarray(drawn())),
    "JPEG": saved("JPEG"),
    "progressive": saved("JPEG", progressive=True),
    "CMYK": saved("JPEG", Image.fromarray(drawn()).convert("CMYK")),
    "MPO": mpo(),
    "float TIFF": cv2.imencode(".tiff", drawn().astype(np.float32))[1].tobytes(),
    "animated": saved("WEBP", save_all=True, append_images=[Image.new("RGB", (40, 24), (9, 9, 9))]),
}
CHANGES = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "drop", "put", "double"]), st.floats(0, 1), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", FILES)
@given(changes=CHANGES)
@settings(max_examples=40, deadline=None)
def test_changed_files_give_a_picture_or_a_typed_error(name: str, changes: list[tuple[str, float, int]]) -> None:
    data = FILES[name]
    for what, place, value in changes:
        at = int(place * max(len(data) - 1, 0))
        data = {
            "set": data[:at] + bytes([value]) + data[at + 1 :],
            "cut": data[:at],
            "drop": data[:at] + data[at + value :],
            "put": data[:at] + bytes([value]) * value + data[at:],
            "double": data[: at + value] + data[at:],
        }[what]
    try:
        picture = load_picture(data)
    except InputError as error:
        assert error.message
        assert error.hint
    else:
        assert picture.pixels.dtype == np.uint8
        assert picture.pixels.shape[2] == 3


@pytest.mark.parametrize("name", FILES)
def test_half_a_file_is_an_error(name: str) -> None:
    with pytest.raises((ImageTruncatedError, ImageFormatError)):
        load_picture(FILES[name][: len(FILES[name]) // 2])


def test_a_tiff_of_separate_planes_is_named_and_no_foreign_memory_is_shown() -> None:
    planes = np.stack([np.full((16, 16), level, "<f4") for level in (0.1, 0.5, 0.9)])
    entries = [
        (256, 3, 1, 16), (257, 3, 1, 16), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 3),
        (278, 3, 1, 16), (284, 3, 1, 2), (339, 3, 1, 3),
    ]  # fmt: skip
    size = planes[0].nbytes
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    lists = struct.pack("<6I", *(start + 24 + size * plane for plane in range(3)), size, size, size)
    entries += [(273, 4, 3, start), (279, 4, 3, start + 12)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + lists + planes.tobytes()
    with pytest.raises(ImageFormatError, match="separate planes"):
        load_picture(data)
