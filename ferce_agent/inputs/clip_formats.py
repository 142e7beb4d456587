"""Which films are opened at all, and what their containers say about times.

FFmpeg knows formats that are lists of other files and addresses (HLS, DASH, concat, SDP). None of those is in the list
here, FFmpeg gets an open file and never a name, and whatever else it wants to open is refused.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.errors import ClipFormatError
from ferce_agent.inputs.clip_open import OpenedClip, StoppedError
from ferce_agent.inputs.kinds import FRAME, kind_of
from ferce_agent.inputs.limits import ClipLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUPPORTED_FILMS: Final = "Use MP4, MOV, WebM, Matroska, AVI, MPEG, Windows Media, GIF or WebP, or a folder of pictures."
SEND_AGAIN: Final = "Send the whole file again, or convert it with a video editor."
FILM_ENDINGS: Final = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".m2ts", ".mts", ".vob",
    ".flv", ".wmv", ".asf", ".ogv", ".ivf", ".y4m",
})  # fmt: skip
"""Endings of the files that count as films in a folder; in lower case. Files in ``.ts`` are mostly programs."""


@dataclass(frozen=True, slots=True)
class Format:
    """What is known of a container format.

    Attributes:
        media_type: Its name in reports.
        says_length: Whether the length that FFmpeg gives is stated in the file, and not worked out from what is there.
        counts: Whether the number of frames that FFmpeg gives is that of all frames, shown or not.
        raw: Whether it holds no times at all.
        by_decoding: Whether times follow from the order of decoding at a constant rate.
        sparse: Whether by its standard not every frame carries a time; the others follow at the film's rate.
        seeks: Whether frames have the same times however they are reached; else the film is read from its beginning.
        from_zero: Whether its times usually begin at 0, so that a later beginning tells of a loss.
        may_jump: Whether its times may begin again in the middle, as in recordings of broadcasts.
    """

    media_type: str
    says_length: bool = True
    counts: bool = False
    raw: bool = False
    by_decoding: bool = False
    sparse: bool = False
    seeks: bool = True
    from_zero: bool = False
    may_jump: bool = False


FORMATS: Final = {
    "mov": Format("video/mp4"),
    "matroska": Format("video/x-matroska", from_zero=True),
    "avi": Format("video/x-msvideo", counts=True, by_decoding=True, sparse=True),
    "mpegts": Format("video/mp2t", says_length=False, sparse=True, may_jump=True),
    "mpeg": Format("video/mpeg", says_length=False, seeks=False, sparse=True, may_jump=True),
    "flv": Format("video/x-flv", from_zero=True),
    "asf": Format("video/x-ms-asf", from_zero=True),
    "ogg": Format("video/ogg", says_length=False),
    "ivf": Format("video/x-ivf", counts=True),
    "yuv4mpegpipe": Format("video/x-yuv4mpeg", says_length=False),
    "h264": Format("video/h264", says_length=False, raw=True, seeks=False),
    "hevc": Format("video/h265", says_length=False, raw=True, seeks=False),
    "m4v": Format("video/mp4v-es", says_length=False, raw=True, seeks=False),
    "mpegvideo": Format("video/mpeg", says_length=False, raw=True, seeks=False),
}
"""Formats that are opened, by the first of FFmpeg's names."""
CODECS: Final = frozenset({
    "av1", "libdav1d", "cfhd", "cinepak", "dnxhd", "dvvideo", "ffv1", "ffvhuff", "flv", "h261", "h263", "h263i",
    "h264", "hevc", "huffyuv", "libaom-av1", "libvpx", "libvpx-vp9", "magicyuv", "mjpeg", "mpeg1video", "mpeg2video",
    "mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "msvideo1", "png", "prores", "qtrle", "rawvideo", "svq1", "svq3",
    "theora", "utvideo", "vc1", "vp6", "vp6a", "vp6f", "vp8", "vp9", "wmv1", "wmv2", "wmv3",
})  # fmt: skip
"""Decoders that are used."""
_OPEN_S: Final = 60.0
"""How long FFmpeg may look for what a file holds, and for one packet of it."""


def is_playlist(head: bytes) -> bool:
    """Return whether first bytes are those of a list of other files or addresses."""
    return re.match(rb"#EXTM3U|ffconcat|\[playlist\]|v=0\r?\n", head[:64].lstrip(b"\xef\xbb\xbf \r\n\t")) is not None


def refuse_other_kinds(opened: OpenedClip) -> None:
    """Refuse what is known not to be a film, by its first bytes.

    Raises:
        ClipFormatError: It is a text, a playlist, a sound, a document or the like.
    """
    if is_playlist(opened.head):
        raise ClipFormatError(
            "This is a list of other files or addresses, not a film.", hint="Save the film itself and give that."
        )
    kind = kind_of(opened.head)
    if kind is not None and kind.hint and kind.hint != FRAME:
        raise ClipFormatError(f"This is {kind.name}, not a film.", hint=SUPPORTED_FILMS)


def open_container(opened: OpenedClip, limits: ClipLimits) -> InputContainer:
    """Open a film with FFmpeg.

    Raises:
        ClipFormatError: It is no film in a supported format, or damaged.
    """
    import av

    try:
        # The option also goes to the decoders that FFmpeg uses for looking into the file.
        container = container_of(opened, FORMATS, {"max_pixels": str(limits.max_pixels)})
    except Exception as error:  # FFmpeg has an error for each kind of damage, and Python's own come through it
        if not is_damage(error):
            raise
        raise _no_film(opened) from error
    # Times that FFmpeg makes up are not wanted: where they are missing, that is told.
    container.flags &= ~av.container.Flags.gen_pts.value  # type: ignore[operator]  # it is an int
    return container


def container_of(opened: OpenedClip, formats: Iterable[str], options: dict[str, str] | None = None) -> InputContainer:
    """Open bytes with FFmpeg as one of the formats named; nothing else is opened for it. Raises FFmpeg's own errors."""
    import av

    opened.file.seek(0)
    return av.open(
        opened.file,
        "r",
        options=options or {},
        container_options={"format_whitelist": ",".join(formats), "protocol_whitelist": "", "enable_drefs": "0"},
        metadata_errors="replace",
        timeout=_OPEN_S,
        io_open=_refuse,
    )


def _refuse(name: str, *_: Any) -> None:
    raise PermissionError(f"{name[:80]} is not opened")


def _no_film(opened: OpenedClip) -> ClipFormatError:
    kind = kind_of(opened.head)
    if kind is None:
        return ClipFormatError("This is not a film in a supported format.", hint=SUPPORTED_FILMS)
    if opened.head[4:8] in {b"ftyp", b"wide", b"free", b"mdat", b"skip"}:
        message = "The film is damaged or ends early: its table of contents (moov) is missing or cannot be read."
        return ClipFormatError(message, hint=SEND_AGAIN)
    return ClipFormatError(f"This is {kind.name} that is damaged or ends early.", hint=SEND_AGAIN)


def is_damage(error: Exception) -> bool:
    """Return whether an error met while reading comes of the film.

    FFmpeg also says that it has no memory where a damaged film states a huge size.
    """
    from av.error import FFmpegError

    return isinstance(error, FFmpegError) or not isinstance(error, MemoryError | StoppedError)


def format_of(container: InputContainer) -> Format:
    """Return what is known of the format of an open film.

    Raises:
        ClipFormatError: It is not in the list.
    """
    found = FORMATS.get(container.format.name.partition(",")[0])
    if found is None:  # FFmpeg was told to refuse it
        raise ClipFormatError(f"Films of the format {container.format.name} are not read.", hint=SUPPORTED_FILMS)
    return found


def media_type(found: Format, head: bytes) -> str:
    """Return the media type; formats that share a container are told apart by the first bytes."""
    if found.media_type == "video/mp4":
        kind = kind_of(head)
        name = kind.name if kind else ""
        return {"a QuickTime video": "video/quicktime", "a 3GP video": "video/3gpp"}.get(name, "video/mp4")
    if found.media_type == "video/x-matroska" and b"webm" in head[:64]:
        return "video/webm"
    return found.media_type


def film_stream(container: InputContainer, limits: ClipLimits) -> VideoStream:
    """Return the stream of pictures; others are left unread.

    Raises:
        ClipFormatError: There is none, or no decoder for it.
        ClipTooLargeError: Its frames have too many pixels.
    """
    from av.stream import Discard, Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if not streams:
        what = "a sound with a cover picture" if container.streams.video else "a sound"
        what = what if container.streams.audio else "a file without pictures"
        raise ClipFormatError(f"This is {what}, not a film.", hint=SUPPORTED_FILMS)
    known = [stream for stream in streams if stream.codec_context is not None] or streams
    stream = max(known, key=lambda one: bool(one.disposition & Disposition.default))
    context = stream.codec_context
    if context is None or context.codec.name not in CODECS:
        name = "of an unknown codec" if context is None else f"coded as {context.codec.name}"
        raise ClipFormatError(f"Films {name} are not read.", hint="Convert it to H.264 in MP4 with a video editor.")
    limits.check_size(context.width, context.height)
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    context.thread_count = 1  # the whole product works on few cores; one gives 600 frames a second and no delay
    context.options = {"max_pixels": str(limits.max_pixels)}
    return stream


def seconds_of_tag(text: str) -> float | None:
    """Return the seconds of a length as Matroska's tags give it (``00:01:02.5``); None if it is none."""
    match = re.fullmatch(r"(\d{1,5}):(\d\d):(\d\d(?:\.\d+)?)", text.strip("\0 "))
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def stated_length(container: InputContainer, stream: VideoStream) -> tuple[float | None, bool]:
    """Return how long a film says its pictures are, in seconds, and whether that is said of the pictures alone.

    The length of the whole file counts where the stream's own is missing; a sound track may be longer.
    """
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if stream.duration and stream.time_base and stream.duration > 0:
            return float(stream.duration * stream.time_base), True
    first = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
    tagged = seconds_of_tag(stream.metadata.get("DURATION", ""))
    length = tagged or (container.duration or 0) / 1_000_000
    # Both are the time at the end, and the first frame need not be at 0.
    if length > first:
        return length - max(first, 0.0), bool(tagged) or not container.streams.audio
    return None, False
