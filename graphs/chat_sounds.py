"""Finds voice messages among the parts of a chat message, in any provider's form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ferce_agent.inputs.sound import SoundLike, SoundStream

MAX_VOICES: Final = 4
"""Voice messages of one turn that are listened to."""
BEGINNINGS: Final = ("T2dnUw", "ZkxhQw", "SUQz", "//uQ", "//tQ", "//sQ")
"""How Ogg, FLAC and MP3 begin in base64; WAV and M4A are told by what follows."""
HEAD: Final = 24
"""Characters of base64 that tell what kind of file it is."""


@dataclass(frozen=True, slots=True)
class VoiceMessage:
    """A voice message of one turn.

    Attributes:
        sound: Data URL, a path under the chatbot's folders, or anything that a program gives.
        transcript: The words, where the message brings them: text, SRT or WebVTT, never the name of a file.
    """

    sound: SoundLike | SoundStream
    transcript: str | None = None


def voice_of(block: Any) -> VoiceMessage | None:
    """Return the voice message that a part of a message holds; None for another part.

    The forms are LangChain's own (``audio``, also with ``data``), OpenAI's ``input_audio``, and files whose type or
    first bytes are those of a sound.
    """
    if not isinstance(block, Mapping):
        return None
    if block.get("type") == "non_standard":
        return voice_of(block.get("value"))
    inner = next((block[name] for name in ("input_audio", "audio", "audio_url") if block.get(name)), None)
    fields = {**block, **inner} if isinstance(inner, Mapping) else dict(block)
    source = _source_of(fields, inner if isinstance(inner, str) else None)
    return VoiceMessage(source, _transcript_of(block)) if source else None


def _source_of(fields: Mapping[str, Any], url: str | None) -> str:
    """Return the data URL or path of a sound; empty where the fields hold none."""
    mime = str(fields.get("mime_type") or fields.get("media_type") or "")
    told = fields.get("type") in {"audio", "input_audio", "audio_url"} or mime.startswith("audio/")
    for name in ("base64", "data", "file_data"):
        if isinstance(data := fields.get(name), str) and data:
            return sound_url(data, mime) if told or is_sound(data) else ""
    place = url or fields.get("url")
    return place if told and isinstance(place, str) else ""


def _transcript_of(block: Mapping[str, Any]) -> str | None:
    extras = block.get("extras")
    found = block.get("transcript") or (extras.get("transcript") if isinstance(extras, Mapping) else None)
    return found if isinstance(found, str) and found.strip() else None


def sound_url(data: str, mime: str = "") -> str:
    """Return base64 as a data URL; one that is a data URL already as it is."""
    mime = mime if mime.startswith("audio/") else "audio/wav"
    return data if data.startswith("data:") else f"data:{mime};base64,{data}"


def is_sound(data: str) -> bool:
    """Return whether base64, or a data URL, is that of a sound, by its type or its first bytes."""
    if data.startswith("data:"):
        return data[:11].lower().startswith("data:audio/")
    if data.startswith(BEGINNINGS):
        return True
    try:
        head = base64.b64decode(data[:HEAD])
    except (binascii.Error, ValueError):
        return False
    return (head[:4], head[8:12]) == (b"RIFF", b"WAVE") or (head[4:8], head[8:11]) == (b"ftyp", b"M4A")
