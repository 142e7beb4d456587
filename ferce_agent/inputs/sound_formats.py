"""Which sounds are opened at all, and what their containers say about their length.

As with films, FFmpeg gets an open file and never a name, no format that is a list of other files is allowed, and
whatever else it wants to open is refused.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import (
    ClipAccessError,
    ClipFormatError,
    ClipNotFoundError,
    ClipTooLargeError,
    InputError,
    NoSoundError,
    SoundAccessError,
    SoundFormatError,
    SoundNotFoundError,
    SoundTooLargeError,
)
from ferce_agent.inputs.clip_formats import container_of, is_damage, is_playlist
from ferce_agent.inputs.clip_open import OpenedClip
from ferce_agent.inputs.kinds import FRAME, kind_of

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

SUPPORTED_SOUNDS: Final = "Use WAV, FLAC, MP3, M4A, AAC, Ogg, Opus, AMR, AIFF or a film with a sound track."
SEND_AGAIN: Final = "Send the whole file again, or convert it with a sound editor."
SOUND_ENDINGS: Final = frozenset({
    ".wav", ".flac", ".mp3", ".m4a", ".m4b", ".aac", ".ogg", ".oga", ".opus", ".amr", ".aif", ".aiff", ".au", ".caf",
    ".wma", ".mka",
})  # fmt: skip
"""Endings of the files that count as sounds in a folder; in lower case."""
_SAME: Final[dict[type[InputError], type[InputError]]] = {
    ClipNotFoundError: SoundNotFoundError,
    ClipAccessError: SoundAccessError,
    ClipTooLargeError: SoundTooLargeError,
    ClipFormatError: SoundFormatError,
}
"""Errors of clips, and what they are where a sound was asked for."""


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """What is known of a container format.

    Attributes:
        media_type: Its name in reports.
        says_length: Whether the length that FFmpeg gives is stated in the file, and not worked out from what is there.
        seeks: Whether samples have the same times however they are reached; else the sound is read from its beginning.
    """

    media_type: str
    says_length: bool = True
    seeks: bool = False


FORMATS: Final = {
    "wav": SoundFormat("audio/wav", seeks=True),
    "flac": SoundFormat("audio/flac"),
    "mp3": SoundFormat("audio/mpeg", says_length=False),
    "aac": SoundFormat("audio/aac", says_length=False),
    "amr": SoundFormat("audio/amr", says_length=False),
    "ogg": SoundFormat("audio/ogg"),  # by the count of samples in its last page
    "aiff": SoundFormat("audio/aiff", seeks=True),
    "au": SoundFormat("audio/basic"),
    "caf": SoundFormat("audio/x-caf"),
    "ac3": SoundFormat("audio/ac3", says_length=False),
    "eac3": SoundFormat("audio/eac3", says_length=False),
    "mov": SoundFormat("audio/mp4", seeks=True),
    "matroska": SoundFormat("audio/x-matroska", seeks=True),
    "avi": SoundFormat("video/x-msvideo"),
    "mpegts": SoundFormat("video/mp2t", says_length=False),
    "mpeg": SoundFormat("video/mpeg", says_length=False),
    "flv": SoundFormat("video/x-flv"),
    "asf": SoundFormat("audio/x-ms-wma"),
}
"""Formats that are opened, by the first of FFmpeg's names."""
_CODECS: Final = re.compile(
    r"aac(_latm)?|ac3|eac3|alac|(libopencore_)?amr[nw]b|flac|mp[123](float)?|(lib)?opus|(lib)?vorbis|wmav[12]|wmapro"
    r"|wmalossless|pcm_[a-z0-9_]+|adpcm_(ms|ima_wav|ima_qt|swf|g722|g726)|gsm(_ms)?|(lib)?speex|nellymoser|dca"
)
"""Decoders that are used."""
_FILMS: Final = {"audio/mp4": "video/mp4", "audio/x-matroska": "video/x-matroska", "audio/x-ms-wma": "video/x-ms-asf"}
_NEEDS_SIGN: Final = {"mp3", "aac", "ac3", "eac3", "amr"}
"""Formats without a header: FFmpeg takes arbitrary bytes for them, so the first ones must be those of a sound."""


@contextlib.contextmanager
def sound_errors() -> Iterator[None]:
    """Turn errors of opening clips into those of sounds, with the same message."""
    try:
        yield
    except tuple(_SAME) as error:
        message = error.message.replace("The clip", "The sound").replace("A clip", "A sound")
        hint = error.hint.replace("the file of a film", "the file of a sound")
        raise _SAME[type(error)](message, hint=hint) from error


def open_sound_container(opened: OpenedClip) -> InputContainer:
    """Open a sound or film with FFmpeg.

    Raises:
        SoundFormatError: It is neither in a supported format, or damaged.
    """
    _refuse_other_kinds(opened)
    try:
        container = container_of(opened, FORMATS)
    except Exception as error:  # FFmpeg has an error for each kind of damage, and Python's own come through it
        if not is_damage(error):
            raise
        raise _no_sound(opened) from error
    name = container.format.name.partition(",")[0]
    if name not in FORMATS or (name in _NEEDS_SIGN and not _is_sign(opened.head)):
        container.close()
        raise SoundFormatError("This is not a sound in a supported format.", hint=SUPPORTED_SOUNDS)
    return container


def _is_sign(head: bytes) -> bool:
    """Return whether first bytes are those of MP3, AAC, AC-3 or AMR."""
    start = head.lstrip(b"\0")
    return re.match(rb"ID3|#!AMR|\x0b\x77|\xff[\xe0-\xff]", start) is not None


def _refuse_other_kinds(opened: OpenedClip) -> None:
    """Refuse what is known to be neither a sound nor a film, by its first bytes.

    Raises:
        SoundFormatError: It is a text, a playlist, a picture, a document or the like.
    """
    if is_playlist(opened.head):
        raise SoundFormatError(
            "This is a list of other files or addresses, not a sound.", hint="Save the sound itself and give that."
        )
    kind = kind_of(opened.head)
    if kind is None or kind.hint == FRAME or (kind.name.startswith("a sound") and "MIDI" not in kind.name):
        return
    name = kind.name if kind.hint else f"a picture ({kind.name})"
    raise SoundFormatError(f"This is {name}, not a sound that can be read.", hint=SUPPORTED_SOUNDS)


def _no_sound(opened: OpenedClip) -> SoundFormatError:
    kind = kind_of(opened.head)
    if kind is None:
        return SoundFormatError("This is not a sound in a supported format.", hint=SUPPORTED_SOUNDS)
    return SoundFormatError(f"This is {kind.name} that is damaged or ends early.", hint=SEND_AGAIN)


def is_film(container: InputContainer) -> bool:
    """Return whether there are moving pictures beside the sound; a cover picture is none."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return any(not stream.disposition & still for stream in container.streams.video)


def sound_stream(container: InputContainer) -> AudioStream:
    """Return the sound track; others are left unread.

    Raises:
        NoSoundError: There is none.
        SoundFormatError: There is no decoder for it.
    """
    from av.stream import Discard, Disposition

    if not container.streams.audio:
        what = "The film has no sound track." if is_film(container) else "There is no sound in this file."
        raise NoSoundError(what, hint="Give a file with sound.")
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    stream = max(known or container.streams.audio, key=lambda one: bool(one.disposition & Disposition.default))
    context = stream.codec_context
    if context is None or _CODECS.fullmatch(context.codec.name) is None:
        name = "of an unknown codec" if context is None else f"coded as {context.codec.name}"
        raise SoundFormatError(f"Sounds {name} are not read.", hint="Convert it to FLAC or MP3 with a sound editor.")
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    context.thread_count = 1
    if context.codec.name == "flac":
        context.options = {"err_detect": "crccheck+explode"}  # else it gives noise for what is damaged
    return stream


def format_of(container: InputContainer) -> SoundFormat:
    """Return what is known of the format of an open sound."""
    return FORMATS[container.format.name.partition(",")[0]]


def media_type(container: InputContainer, head: bytes) -> str:
    """Return the media type; a film's is that of the film."""
    found = format_of(container).media_type
    if is_film(container):
        found = _FILMS.get(found, found)
    return found.replace("x-matroska", "webm") if b"webm" in head[:64] else found


def stated_length(container: InputContainer, stream: AudioStream, head: bytes) -> float | None:
    """Return how long the sound is by its file's own statement, in seconds; None where it does not say."""
    name = container.format.name.partition(",")[0]
    if not FORMATS[name].says_length and not (name == "mp3" and re.search(rb"Xing|Info|VBRI", head[:8192])):
        return None
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if stream.duration and stream.time_base and stream.duration > 0:
            return float(stream.duration * stream.time_base)
        if name == "matroska" and container.duration and not is_film(container):
            return container.duration / 1_000_000
    return None


def ends_as_ogg(tail: bytes) -> bool:
    """Return whether the last bytes of an Ogg file end with a whole page that is marked as the last (RFC 3533, 6).

    Args:
        tail: At least the last 65,307 bytes (the largest page), or all.
    """
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    segments = tail[at + 27 : at + 27 + tail[at + 26]]
    whole = len(segments) == tail[at + 26] and len(tail) >= at + 27 + len(segments) + sum(segments)
    return whole and bool(tail[at + 5] & 4)
