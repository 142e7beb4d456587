"""PNG: metadata is no reason to refuse a picture, missing pixels are."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ferce_agent.errors import ImageTruncatedError
from ferce_agent.inputs.photo import load_picture


def chunk(kind: bytes, body: bytes, *, sound: bool = True) -> bytes:
    checksum = zlib.crc32(kind + body) ^ (0 if sound else 1)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(pixels: NDArray[np.uint8], **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def with_chunk(data: bytes, added: bytes) -> bytes:
    """Put a chunk behind the header."""
    return data[:33] + added + data[33:]


def header(width: int, height: int, depth: int, colour: int, interlaced: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    )


@pytest.mark.parametrize("kind", [b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"iCCP", b"prVt", b"gAMA", b"acTL", b"tIME"])
def test_wrong_checksums_of_metadata_do_not_matter(pixels: NDArray[np.uint8], kind: bytes) -> None:
    data = with_chunk(png(pixels), chunk(kind, b"Comment\0\0some bytes of no use", sound=False))
    assert np.array_equal(load_picture(data).pixels[:, :, ::-1], pixels)


@pytest.mark.parametrize("kind", [b"gAMA", b"pHYs", b"cHRM", b"acTL", b"fcTL", b"sRGB", b"iCCP", b"tIME", b"zTXt"])
def test_short_metadata_does_not_matter(pixels: NDArray[np.uint8], kind: bytes) -> None:
    for body in (b"", b"\0", b"\0\0\0"):
        data = with_chunk(png(pixels), chunk(kind, body))
        assert np.array_equal(load_picture(data).pixels[:, :, ::-1], pixels)


def test_large_text_does_not_matter(pixels: NDArray[np.uint8]) -> None:
    info = PngInfo()
    info.add_text("workflow", "x" * 3_000_000, zip=True)
    assert np.array_equal(load_picture(png(pixels, pnginfo=info)).pixels[:, :, ::-1], pixels)


def test_orientation_is_kept(pixels: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(pixels, -1)
    assert np.array_equal(load_picture(png(pixels, exif=exif)).pixels[:, :, ::-1], turned)
    for packed in (False, True):
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=packed)
        assert np.array_equal(load_picture(png(pixels, pnginfo=info)).pixels[:, :, ::-1], turned)


def test_frames_are_counted(pixels: NDArray[np.uint8]) -> None:
    more = [Image.fromarray(255 - pixels)]
    for options in ({}, {"default_image": True}):
        assert load_picture(png(pixels, save_all=True, append_images=more, **options)).frames == 2
    assert load_picture(png(pixels)).frames == 1


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_missing_rows_are_damage(colour: int, interlaced: int) -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = b"\0" + b"\x70" * (64 * channels)
    for rows in (32, 63):
        data = header(64, 64, 8, colour, interlaced) + chunk(b"IDAT", zlib.compress(row * rows)) + chunk(b"IEND", b"")
        with pytest.raises(ImageTruncatedError):
            load_picture(data)


def test_whole_interlaced_pictures_are_read() -> None:
    """Seven passes of one bit a pixel."""
    for width, height in ((64, 64), (67, 35), (33, 97)):
        rows = b""
        for left, top, right, down in (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ):
            rows += (b"\0" + b"\xff" * ((len(range(left, width, right)) + 7) // 8)) * len(range(top, height, down))
        data = header(width, height, 1, 0, 1) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        assert (load_picture(data).pixels == 255).all()


def test_pixels_in_many_chunks_are_read(pixels: NDArray[np.uint8]) -> None:
    height, width = pixels.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1).tobytes()
    packed = zlib.compress(rows)
    parts = b"".join(chunk(b"IDAT", packed[at : at + size]) for at, size in [(0, 1), (1, 1), (2, 0), (2, len(packed))])
    data = header(width, height, 8, 2) + parts + chunk(b"IEND", b"")
    assert np.array_equal(load_picture(data).pixels[:, :, ::-1], pixels)


def test_a_missing_palette_is_damage() -> None:
    rows = (b"\0" + bytes(range(64))) * 64
    data = header(64, 64, 8, 3) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    with pytest.raises(ImageTruncatedError, match="palette"):
        load_picture(data)
