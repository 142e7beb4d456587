"""What a file is, by its first bytes, and what to do with one that is no picture that can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ferce_agent.inputs.tags import DNG_VERSION, MAKE, SUB_DIRECTORIES, Tags, read_tags

SUPPORTED: Final = "Use JPEG, PNG, WebP, HEIC, AVIF, BMP, TIFF or GIF."
SAVE_AS: Final = "Save it as JPEG or PNG and send that."
FRAME: Final = "Save a frame of it as JPEG or PNG and send that; for a video, one frame each second is a fair sample."
MAIN_PICTURE: Final = "Export it as JPEG or PNG, or take a picture out of it."

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
}
"""Formats that are read, with their media type."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes:
        name: A format of `MEDIA_TYPES`, or words such as ``a PDF document``.
        hint: What to do with a file that is not read; empty for the formats that are.
    """

    name: str
    hint: str = ""


_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", Kind("JPEG")),
    (b"\x89PNG\r\n\x1a\n", Kind("PNG")),
    (b"GIF87a", Kind("GIF")),
    (b"GIF89a", Kind("GIF")),
    (b"BM", Kind("BMP")),
    (b"II*\0", Kind("TIFF")),
    (b"MM\0*", Kind("TIFF")),
    (b"II+\0", Kind("TIFF")),
    (b"MM\0+", Kind("TIFF")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Kind("a JPEG XL picture", SAVE_AS)),
    (b"\xff\x0a", Kind("a JPEG XL picture", SAVE_AS)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind("a JPEG 2000 picture", SAVE_AS)),
    (b"\xff\x4f\xff\x51", Kind("a JPEG 2000 picture", SAVE_AS)),
    (b"\xff\xd8\xf7", Kind("a damaged JPEG", "Send the whole file again.")),
    (b"II\xbc\x01", Kind("a JPEG XR picture", SAVE_AS)),
    (b"8BPS", Kind("a Photoshop document", SAVE_AS)),
    (b"gimp xcf", Kind("a GIMP document", SAVE_AS)),
    (b"\0\0\x01\0", Kind("an icon (ICO)", SAVE_AS)),
    (b"\0\0\x02\0", Kind("a mouse pointer (CUR)", SAVE_AS)),
    (b"icns", Kind("an icon (ICNS)", SAVE_AS)),
    (b"DDS ", Kind("a texture (DDS)", SAVE_AS)),
    (b"\x76\x2f\x31\x01", Kind("an OpenEXR picture", SAVE_AS)),
    (b"#?RADIANCE", Kind("a Radiance HDR picture", SAVE_AS)),
    (b"qoif", Kind("a QOI picture", SAVE_AS)),
    (b"SIMPLE  =", Kind("a FITS file", SAVE_AS)),
    (b"FUJIFILMCCD-RAW", Kind("a raw photo of a camera (RAF)", SAVE_AS)),
    (b"IIRO", Kind("a raw photo of a camera (ORF)", SAVE_AS)),
    (b"IIRS", Kind("a raw photo of a camera (ORF)", SAVE_AS)),
    (b"IIU\0", Kind("a raw photo of a camera (RW2)", SAVE_AS)),
    (b"FOVb", Kind("a raw photo of a camera (X3F)", SAVE_AS)),
    (b"\x1aE\xdf\xa3", Kind("a Matroska or WebM video", FRAME)),
    (b"FLV\x01", Kind("a Flash video", FRAME)),
    (b"\0\0\x01\xba", Kind("an MPEG video", FRAME)),
    (b"\0\0\x01\xb3", Kind("an MPEG video", FRAME)),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("a Windows Media video or sound", FRAME)),
    (b"OggS", Kind("an Ogg sound or video", FRAME)),
    (b"ID3", Kind("a sound (MP3)", SUPPORTED)),
    (b"fLaC", Kind("a sound (FLAC)", SUPPORTED)),
    (b"MThd", Kind("a sound (MIDI)", SUPPORTED)),
    (b"#!AMR", Kind("a sound (AMR)", SUPPORTED)),
    (b"%PDF", Kind("a PDF document", MAIN_PICTURE)),
    (b"%!PS", Kind("a PostScript document", MAIN_PICTURE)),
    (b"\xc5\xd0\xd3\xc6", Kind("a PostScript document", MAIN_PICTURE)),
    (b"\xd0\xcf\x11\xe0", Kind("an office document", MAIN_PICTURE)),
    (b"{\\rtf", Kind("a rich text document", MAIN_PICTURE)),
    (b"PK\x03\x04", Kind("a ZIP archive or office document", "Take the picture out of it and send that.")),
    (b"PK\x05\x06", Kind("an empty ZIP archive", SUPPORTED)),
    (b"\x1f\x8b", Kind("a gzip archive", "Unpack it and send the picture in it.")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", "Unpack it and send the picture in it.")),
    (b"Rar!", Kind("a RAR archive", "Unpack it and send the picture in it.")),
    (b"BZh", Kind("a bzip2 archive", "Unpack it and send the picture in it.")),
    (b"\xfd7zXZ", Kind("an xz archive", "Unpack it and send the picture in it.")),
    (b"\x28\xb5\x2f\xfd", Kind("a Zstandard archive", "Unpack it and send the picture in it.")),
    (b"SQLite format 3", Kind("a database", SUPPORTED)),
    (b"\x93NUMPY", Kind("a numpy file", "Load it with numpy and give the array.")),
    (b"\x89HDF", Kind("a HDF5 file", "Load the array in it and give that.")),
    (b"\x80\x04\x95", Kind("a pickle file", "Load it and give the array or image in it.")),
    (b"\x7fELF", Kind("a program", SUPPORTED)),
    (b"MZ", Kind("a program", SUPPORTED)),
    (b"version https://git-lfs", Kind("a Git LFS pointer and not the file", "Fetch the file with: git lfs pull")),
)
"""Beginnings of files. Bytes at other places are looked at below."""

_BRANDS: Final = (
    (rb"avi[fs]", Kind("AVIF")),
    (rb"hei[cxms]|hev[cxms]|mif1|msf1|mif2", Kind("HEIF")),
    (rb"jxl ", Kind("a JPEG XL picture", SAVE_AS)),
    (rb"crx ", Kind("a raw photo of a camera (CR3)", SAVE_AS)),
    (rb"M4[AB] ", Kind("a sound (M4A)", SUPPORTED)),
    (rb"qt  ", Kind("a QuickTime video", FRAME)),
    (rb"3g..", Kind("a 3GP video", FRAME)),
    (rb"....", Kind("an MP4 video", FRAME)),
)
"""Major brands of ISO base media files (ISO/IEC 14496-12)."""
_RIFF: Final = {
    b"WEBP": Kind("WEBP"),
    b"AVI ": Kind("an AVI video", FRAME),
    b"WAVE": Kind("a sound (WAV)", SUPPORTED),
    b"ACON": Kind("an animated mouse pointer", SAVE_AS),
}
_TEXTS: Final = (
    (
        r"(?:<\?xml.*?)?(?:<!--.*?-->\s*)*(?:<!doctype svg.*?)?<svg[\s>]",
        "an SVG drawing",
        "Draw it as PNG and send that.",
    ),
    (
        r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)",
        "a web page",
        "The address led to a page (perhaps an error or a login); send the picture itself.",
    ),
    (r"<\?xml|<[a-z]+[\s>]", "an XML document", SUPPORTED),
    (r"data:image/", "a data URL as bytes", "Give it as text (str), or its decoded bytes."),
    (
        r"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR|AAAA[A-Za-z0-9+/]{4}ZnR5c)[A-Za-z0-9+/=\s]*\Z",
        "base64 text",
        "Decode it first, or write data:image/jpeg;base64, in front and give it as text.",
    ),
    (r"[\[{]\s*(?:[\"\[{\]}]|-?\d)", "JSON", "Send the picture that it describes, as a file or decoded bytes."),
    (r"https?://\S+\s*\Z", "an address and no picture", "Fetch the picture and send its bytes."),
    (r"P[1-7]\s", "a portable pixmap (PNM)", SAVE_AS),
)
"""Beginnings of texts, as (regular expression, name, hint); case does not matter."""


def kind_of(data: bytes) -> Kind | None:
    """Return what the bytes are; None if that is not known."""
    if data[4:8] == b"ftyp":
        return _media_kind(data)
    if data[:4] in {b"RIFF", b"RIFX"}:
        return _RIFF.get(data[8:12], Kind("an audio or video file", FRAME))
    if data[4:8] in {b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return Kind("a QuickTime video", FRAME)
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return _raw_kind(data) or kind if kind.name == "TIFF" else kind
    return _sound_or_stream(data) or _text_kind(data)


def _media_kind(data: bytes) -> Kind:
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]
    # A general brand such as mif1 says less than the ones it is compatible with.
    general = brands[0] in {b"mif1", b"msf1", b"mif2"}
    for pattern, kind in _BRANDS:
        if any(re.fullmatch(pattern, brand, re.DOTALL) for brand in (brands if general else brands[:1])):
            return kind
    return Kind("an MP4 video", FRAME)


def _sound_or_stream(data: bytes) -> Kind | None:
    if len(data) > 400 and data[:1] == data[188:189] == data[376:377] == b"\x47":
        return Kind("an MPEG video stream", FRAME)
    if re.match(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb\xf1\xf9]", data):
        return Kind("a sound (MP3 or AAC)", SUPPORTED)
    if data[128:132] == b"DICM":
        return Kind("a medical picture (DICOM)", SAVE_AS)
    if data[257:262] == b"ustar":
        return Kind("a tar archive", "Unpack it and send the picture in it.")
    return None


def _raw_kind(data: bytes) -> Kind | None:
    """Tell raw photos from TIFF pictures: read as TIFF they would give a thumbnail."""
    tags: Tags = read_tags(data)
    maker = tags.get(MAKE, b"")
    camera = isinstance(maker, bytes) and maker.upper().startswith((b"NIKON", b"SONY", b"PENTAX", b"SAMSUNG", b"EPSON"))
    if DNG_VERSION in tags or data[8:10] == b"CR" or (camera and SUB_DIRECTORIES in tags):
        return Kind("a raw photo of a camera", SAVE_AS)
    return None


def _text_kind(data: bytes) -> Kind | None:
    head = data[:2048]
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        start = head.decode("utf-16", "replace").strip().lstrip("\ufeff")
        return _named(start) or Kind("text", SUPPORTED)
    start = head.decode("utf-8-sig", "replace").strip()
    found = _named(start)
    if found or not start:
        return found
    printable = sum(sign.isprintable() or sign.isspace() for sign in start) - start.count("\ufffd")
    return Kind("text", SUPPORTED) if printable >= 0.98 * len(start) and len(start) > 8 else None


def _named(start: str) -> Kind | None:
    for pattern, name, hint in _TEXTS:
        if re.match(pattern, start, 0 if "/9j/" in pattern else re.IGNORECASE | re.DOTALL):
            return Kind(name, hint)
    return None
