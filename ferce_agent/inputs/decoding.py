"""From the bytes of a picture to upright BGR pixels.

The format is decided by the content, and its decoder is called directly: Pillow's list of formats and its process-wide
limits are neither used nor changed.
"""

from __future__ import annotations

import importlib
import io
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ferce_agent.errors import (
    ImageAccessError,
    ImageFormatError,
    ImageShapeError,
    ImageTruncatedError,
    InputError,
    SetupError,
)
from ferce_agent.inputs.containers import check_container
from ferce_agent.inputs.damage import TEXT_MODE, damaged, was_converted_to_text
from ferce_agent.inputs.jpeg import read_jpeg
from ferce_agent.inputs.kinds import MEDIA_TYPES, SAVE_AS, SUPPORTED, Kind, kind_of
from ferce_agent.inputs.levels import array_to_bgr, image_to_bgr, upright
from ferce_agent.inputs.limits import ImageLimits
from ferce_agent.inputs.png import read_png
from ferce_agent.inputs.tags import HEIGHT, ORIENTATION, PLANES, SAMPLE_FORMAT, WIDTH, number, orientation_of, read_tags

_PLUGINS: Final = {
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("TiffImagePlugin", "TiffImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "AVIF": ("AvifImagePlugin", "AvifImageFile"),
}
"""Pillow's module and class for each format."""

Decoded = tuple[NDArray[np.uint8], str, int]
"""Upright BGR pixels (H, W, 3), media type, and 2 if there are more frames than the one read, else 1."""


def decode(data: bytes, limits: ImageLimits) -> Decoded:
    """Decode a picture.

    Raises:
        ImageTooLargeError: Too many bytes or pixels.
        ImageFormatError: Not a picture in a supported format.
        ImageTruncatedError: The data is damaged or ends early.
        ImageShapeError: It has too few pixels.
        SetupError: A package that decodes this format is not installed.
    """
    if not data:
        raise ImageFormatError("The picture is empty (0 bytes).", hint=SUPPORTED)
    limits.check_bytes(len(data))
    if was_converted_to_text(data):
        raise damaged("its first bytes were changed", TEXT_MODE)
    kind = kind_of(data)
    if kind is None:
        raise ImageFormatError("This is not a picture in a supported format.", hint=SUPPORTED)
    if kind.hint:
        raise ImageFormatError(f"This is {kind.name}, not a picture that can be read.", hint=kind.hint)
    try:
        pixels, frames = _decode_kind(data, kind, limits)
    except (InputError, MemoryError):
        raise
    except ImportError as error:  # nothing is wrong with the file
        message = f"The decoder for {kind.name} is not installed ({error.name})."
        raise SetupError(message, hint="Install ferce-agent again with what it requires.") from error
    except Exception as error:  # damaged files raise whatever the parsers happen to meet
        raise damaged(type(error).__name__) from error
    return pixels, MEDIA_TYPES[kind.name], frames


def _decode_kind(data: bytes, kind: Kind, limits: ImageLimits) -> tuple[NDArray[np.uint8], int]:
    if kind.name == "JPEG":
        return read_jpeg(data, limits), 1  # further frames of a JPEG are previews and depth maps of phones
    check_container(data, kind.name)
    return _decode_heif(data, limits) if kind.name == "HEIF" else _decode_with_pillow(data, kind, limits)


def _decode_with_pillow(data: bytes, kind: Kind, limits: ImageLimits) -> tuple[NDArray[np.uint8], int]:
    module, name = _PLUGINS[kind.name]
    png = read_png(data, limits) if kind.name == "PNG" else None
    data = png.data if png else data
    try:
        image = getattr(importlib.import_module(f"PIL.{module}"), name)(io.BytesIO(data))
    except (SyntaxError, Warning) as error:  # warnings come as errors where the host wants that
        if kind.name == "TIFF":
            return _decode_tiff(data, limits), 1
        raise damaged(type(error).__name__) from error
    with image:
        limits.check_size(*image.size)
        frames = png.frames if png else 2 if getattr(image, "is_animated", False) else 1
        orientation = png.orientation if png else _orientation(image)
        pixels = _first_frame(image, data, kind.name, frames)
    return upright(pixels, orientation), frames


def _first_frame(image: Any, data: bytes, name: str, frames: int) -> NDArray[np.uint8]:
    if name == "WEBP" and frames == 1:
        # Pillow decodes these as animations of one frame, which takes four times the memory.
        return array_to_bgr(_decode_with_opencv(data), swap=False)
    image.load()
    return image_to_bgr(image)


def _decode_with_opencv(data: bytes) -> NDArray[Any]:
    """Return what OpenCV reads: grey, BGR or BGRA numbers as they are in the file."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise damaged("no decoder reads it") from error
    if pixels is None:
        raise damaged("no decoder reads it")
    return pixels


def _decode_tiff(data: bytes, limits: ImageLimits) -> NDArray[np.uint8]:
    """Decode a TIFF whose numbers Pillow does not know, such as floats in three channels."""
    tags = read_tags(data)
    if not (number(tags, WIDTH) and number(tags, HEIGHT)):
        raise damaged("its directory is missing")
    limits.check_size(number(tags, WIDTH), number(tags, HEIGHT))
    if number(tags, PLANES, 1) != 1:
        # OpenCV leaves memory as it was in all planes but one.
        hint = "Save it with the colours of a pixel side by side (planar configuration 1)."
        raise ImageFormatError("This is a TIFF whose colours lie in separate planes, which is not read.", hint=hint)
    form = {1: "whole numbers", 2: "signed numbers", 3: "floats"}.get(number(tags, SAMPLE_FORMAT, 1), "unknown numbers")
    try:
        pixels = array_to_bgr(_decode_with_opencv(data), swap=False)
    except (ImageShapeError, ImageTruncatedError) as error:
        if form == "whole numbers":
            raise
        raise ImageFormatError(
            f"This is a TIFF of {form} that cannot be read. {error.message}",
            hint="Save it with 8 or 16 bits a channel, or give the numbers as an array in 0..1.",
        ) from error
    return upright(pixels, number(tags, ORIENTATION, 1))


def _decode_heif(data: bytes, limits: ImageLimits) -> tuple[NDArray[np.uint8], int]:
    """Decode the main picture of a HEIC file; libheif makes it upright."""
    try:
        import pi_heif
    except ImportError as error:
        raise ImageFormatError(
            "HEIC pictures cannot be read on this machine: the package pi-heif is missing.",
            hint=f"Install it with: pip install pi-heif. Or: {SAVE_AS}",
        ) from error
    try:
        heif = pi_heif.open_heif(data, bgr_mode=True)
        limits.check_size(*heif.size)
        pixels = np.asarray(heif[heif.primary_index])
    except InputError:
        raise
    except (ValueError, OSError, RuntimeError, EOFError, SyntaxError) as error:
        if "codec" in str(error).lower() or "unsupported" in str(error).lower():
            raise ImageFormatError(
                f"This kind of HEIC is not read ({str(error).strip()[:120]}).", hint=SAVE_AS
            ) from error
        raise damaged(str(error).strip()[:120] or type(error).__name__) from error
    return array_to_bgr(pixels, swap=False), 2 if len(heif) > 1 else 1


def _orientation(image: Any) -> int:
    """Return the EXIF orientation of an opened file, 1 if there is none; what cannot be read does not matter."""
    if image.format == "TIFF":
        return 1  # Pillow turns these itself, on loading
    xmp = image.info.get("xmp") or b""
    return orientation_of(image.info.get("exif") or b"", xmp)


def decode_image(image: Any, limits: ImageLimits) -> tuple[NDArray[np.uint8], int]:
    """Return the upright pixels of a caller's Pillow image and how many frames it has (2 for more than one).

    The image is not changed or closed. The file of one that was opened and not read yet is checked for damage as any
    file.

    Raises:
        ImageTooLargeError: Too many pixels.
        ImageFormatError: It cannot be read.
        ImageAccessError: It is closed.
        ImageTruncatedError: Its file is damaged or ends early.
        ImageShapeError: Too few pixels, or numbers that are no grey levels.
    """
    if isinstance(image, type):
        raise ImageFormatError(f"This is the class {image.__name__} and no picture.", hint="Give an opened PIL image.")
    try:
        size, mode = image.size, image.mode
    except Exception as error:  # an object that only looks like a PIL image
        raise ImageFormatError("This PIL image cannot be read.", hint="Give a loaded image.") from error
    limits.check_size(*size)
    data = _unread_file(image)
    kind = kind_of(data) if data else None
    if kind is not None and kind.name in MEDIA_TYPES:
        pixels, _, frames = decode(data, limits)
        if sorted(pixels.shape[:2]) == sorted(size):  # else a smaller draft was asked for
            return pixels, frames
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and more on damage
        if _is_closed(image, error):
            hint = "Give it while it is open, call its load() before closing it, or give the file's bytes."
            raise ImageAccessError("This PIL image is closed.", hint=hint) from error
        raise damaged(type(error).__name__) from error
    try:
        pixels = image_to_bgr(image)
    except (MemoryError, InputError):
        raise
    except Exception as error:  # a mode that this Pillow cannot convert
        raise ImageFormatError(f"Pictures of mode {mode} cannot be read.", hint="Convert it to RGB.") from error
    return upright(pixels, _told_orientation(image)), 2 if _has_more_frames(image) else 1


def _unread_file(image: Any) -> bytes:
    """Return the bytes of the file behind an image that was opened and not read yet; empty if there is none to be read.

    Its position is left as it was.
    """
    try:
        if image.tell() or getattr(image, "_im", None) is not None or not getattr(image, "tile", ()):
            return b""
        position = image.fp.tell()
        image.fp.seek(0)
        try:
            return bytes(image.fp.read())
        finally:
            image.fp.seek(position)
    except Exception:  # closed, cannot be wound back, or no file: Pillow reads it then, or says what is wrong
        return b""


def _is_closed(image: Any, error: Exception) -> bool:
    """Return whether an image could not be read because it, or the file behind it, is closed."""
    unread = getattr(image, "_im", None) is None and getattr(image, "fp", None) is None
    return unread or "closed" in str(error).lower()


def _told_orientation(image: Image.Image) -> int:
    try:
        told = image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF is no reason to refuse a good picture; it is then taken as it is
        return 1
    return told if isinstance(told, int) else 1


def _has_more_frames(image: Image.Image) -> bool:
    try:
        return image.format in {"GIF", "TIFF", "WEBP", "PNG", "AVIF"} and bool(getattr(image, "is_animated", False))
    except Exception:  # the answer is only for a remark in the report
        return False
