"""Bad pictures, generated: each must be refused with a typed error."""

from __future__ import annotations

import base64
import io
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ferce_agent import errors


@dataclass(frozen=True)
class BadInput:
    """A source that cannot be used, and the errors that may say so."""

    name: str
    source: Any
    expected: tuple[type[errors.InputError], ...] = (errors.InputError,)


DAMAGED = (errors.ImageTruncatedError, errors.ImageFormatError)


def bad_inputs(seed: int = 0, count: int = 300) -> list[BadInput]:
    """Return at least `count` bad inputs, the same for the same seed."""
    rng = random.Random(seed)
    found = [*bombs(), *not_pictures(), *paths(), *addresses(), *data_urls(), *arrays(), *other_types()]
    makers = [truncations(rng), flipped_pngs(rng), random_bytes(rng), wrong_magic(rng)]
    while len(found) < count:
        found += [next(maker) for maker in makers]
    return found


def encoded(format_name: str, seed: int = 0) -> bytes:
    """A noisy 120x90 picture: noise does not compress, so that any cut removes pixels."""
    noise = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), np.uint8)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"lossless": True} if format_name == "WEBP" else {}
    Image.fromarray(noise).save(buffer, format_name, **options)
    return buffer.getvalue()


def truncations(rng: random.Random) -> Iterator[BadInput]:
    """Files cut at a random byte; the last tenth stays away from trailers that hold no pixels."""
    files = {name: encoded(name) for name in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")}
    while True:
        name = rng.choice(sorted(files))
        cut = rng.randrange(1, int(len(files[name]) * 0.9))
        yield BadInput(f"{name} cut at {cut}", files[name][:cut], DAMAGED)


def flipped_pngs(rng: random.Random) -> Iterator[BadInput]:
    """PNG files with one damaged byte of pixel data; the checksum tells."""
    data = encoded("PNG")
    start = data.index(b"IDAT") + 4
    while True:
        at = rng.randrange(start, len(data) - 20)
        yield BadInput(f"PNG damaged at {at}", data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], DAMAGED)


def random_bytes(rng: random.Random) -> Iterator[BadInput]:
    while True:
        size = rng.randrange(1, 4000)
        yield BadInput(f"{size} random bytes", b"\x00" + rng.randbytes(size), DAMAGED)


def wrong_magic(rng: random.Random) -> Iterator[BadInput]:
    """A right beginning with rubbish behind it."""
    beginnings = [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF1234WEBPVP8 "]
    while True:
        beginning = rng.choice(beginnings)
        yield BadInput(f"{beginning[:4]!r} and rubbish", beginning + b"\x00" * 8 + rng.randbytes(rng.randrange(0, 500)))


def png_header(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that declares a size, with correct checksums."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def bombs() -> list[BadInput]:
    """Small files that declare, or decompress to, far too much."""
    large = (errors.ImageTooLargeError,)
    flat = zlib.compress(b"\0" * (9001 * 3 + 1) * 9001)
    bmp = struct.pack("<2sIHHI", b"BM", 1000, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 40000, 40000, 1, 24, *[0] * 6)
    gif = b"GIF89a" + struct.pack("<HHBBB", 65000, 65000, 0x80, 0, 0) + b"\0" * 6
    gif += b"\x2c" + struct.pack("<HHHHB", 0, 0, 65000, 65000, 0) + b"\x02\x02\x44\x01\0\x3b"
    return [
        BadInput("PNG of 60000x60000", png_header(60_000, 60_000), large),
        BadInput("PNG of 2147483647x2", png_header(2**31 - 1, 2), large),
        BadInput("PNG that decompresses to 243 MB", png_header(9001, 9001, flat), large),
        BadInput("BMP of 40000x40000", bmp, large),
        BadInput("GIF of 65000x65000", gif, (*large, *DAMAGED)),
        BadInput("PNG of 1x1", png_header(1, 1, zlib.compress(b"\0" * 4)), (errors.ImageShapeError,)),
        BadInput("PNG of 0x0", png_header(0, 0), (errors.InputError,)),
        BadInput("33 MB of zeros", b"\0" * (33 * 1024 * 1024), large),
    ]


def not_pictures() -> list[BadInput]:
    texts = {
        "empty": b"",
        "text": b"I am a photo, believe me.",
        "HTML": b"<!DOCTYPE html><html><body>404 not found</body></html>",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        "XML": b"<?xml version='1.0'?><a/>",
        "PDF": b"%PDF-1.7\n%\xe2\xe3",
        "ZIP": b"PK\x03\x04" + b"\0" * 60,
        "gzip": b"\x1f\x8b\x08" + b"\0" * 60,
        "ELF": b"\x7fELF" + b"\0" * 60,
        "WAV": b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 60,
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        "JSON": b'{"image": "none"}',
        "UTF-16": "picture".encode("utf-16"),
        "one byte": b"\xff",
    }
    return [BadInput(name, data, DAMAGED) for name, data in texts.items()]


def paths() -> list[BadInput]:
    missing = (errors.ImageNotFoundError, errors.ImageAccessError)
    names = [
        "no/such/file.jpg",
        "../../../../../../no/such/file",
        "/no/such/folder/photo.png",
        "",
        " ",
        "a\0b.jpg",
        "x" * 300,
        "x" * 5000,
        "/",
        ".",
        "..",
        "/dev/null/x",
        "~/nothing-here.jpg",
        "../" * 200 + "none",
        "photo\n.jpg",
        base64.b64encode(b"\xff\xd8\xff\xe0" + b"x" * 6000).decode(),
    ]
    return [BadInput(f"path {name[:30]!r}", name, missing) for name in names]


def addresses() -> list[BadInput]:
    schemes = ["http", "https", "ftp", "file", "gopher", "s3", "gs", "ssh", "jar", "javascript", "HTTP", "data2"]
    tails = ["://127.0.0.1/a.jpg", "://169.254.169.254/latest/meta-data", ":///etc/passwd", "://user:pw@host/x.png"]
    return [
        BadInput(f"{scheme}{tail[:12]}", scheme + tail, (errors.ImageAccessError,))
        for scheme in schemes
        for tail in tails
    ]


def data_urls() -> list[BadInput]:
    good = base64.b64encode(encoded("PNG")).decode()
    urls = [
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,@@@@",
        "data:image/png;base64," + good[:-7],
        "data:image/png;base64," + good[: len(good) // 2 // 4 * 4],
        "data:text/plain;base64," + base64.b64encode(b"hello").decode(),
        "data:image/png," + good[:500],
        "data:,%zz%00",
        "data:image/svg+xml;utf8,<svg/>",
        "data:image/jpeg;base64," + "A" * (50 * 1024 * 1024),
        "data:image/png;base64,ünicode",
    ]
    return [BadInput(f"data URL {number}", url) for number, url in enumerate(urls)]


def arrays() -> list[BadInput]:
    shape = (errors.ImageShapeError,)
    grey = np.full((40, 40), 0.5)
    spoilt = grey.copy()
    spoilt[3, 3] = np.nan
    endless = grey.copy()
    endless[3, 3] = np.inf
    wrong: dict[str, Any] = {
        "no dimension": np.array(5),
        "a line": np.zeros(100, np.uint8),
        "four dimensions": np.zeros((2, 40, 40, 3), np.uint8),
        "two channels": np.zeros((40, 40, 2), np.uint8),
        "five channels": np.zeros((40, 40, 5), np.uint8),
        "channels first": np.zeros((3, 40, 40), np.uint8),
        "no rows": np.zeros((0, 40, 3), np.uint8),
        "no columns": np.zeros((40, 0, 3), np.uint8),
        "too small": np.zeros((4, 4, 3), np.uint8),
        "NaN": spoilt,
        "infinity": endless,
        "negative": grey - 1,
        "beyond 16 bits": grey * 1e6,
        "complex": grey.astype(complex),
        "objects": np.full((40, 40), None, object),
        "strings": np.full((40, 40), "x"),
        "dates": np.full((40, 40), np.datetime64("2020-01-01")),
    }
    found = [BadInput(f"array: {name}", array, shape) for name, array in wrong.items()]
    huge = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (20_000, 20_000, 3))
    return [*found, BadInput("array: 400 megapixels", huge, (errors.ImageTooLargeError,))]


def other_types() -> list[BadInput]:
    closed = Image.open(io.BytesIO(encoded("PNG")))
    closed.close()
    cut = Image.open(io.BytesIO(encoded("JPEG")[: len(encoded("JPEG")) // 2]))
    things: list[Any] = [None, 7, 3.5, [], [1, 2], {}, object(), True, ("a.jpg",), {1, 2}, Exception("x"), closed, cut]
    return [BadInput(f"type {type(thing).__name__}", thing) for thing in things]
