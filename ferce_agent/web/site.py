"""What the server of the local page knows and shares between requests."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from langchain_core.language_models import BaseChatModel

from ferce_agent.chat.models import GuidedChatModel
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.limits import DEFAULT_LIMITS
from ferce_agent.web.places import Places
from ferce_agent.web.rates import Rates

PHOTO_BYTES: Final = DEFAULT_LIMITS.max_bytes
"""Most bytes of a photo."""
CLIP_BYTES: Final = 200 * 2**20
"""Most bytes of a clip; it is held in memory while it is read."""
VOICE_BYTES: Final = 50 * 2**20
"""Most bytes of a voice message; it is held in memory while it is listened to."""
CHAT_CHARACTERS: Final = 4000
"""Most characters of a message."""


def new_token() -> str:
    """Return a new random token: 43 characters that may stand in addresses, headers and subprotocols."""
    return secrets.token_urlsafe(32)


@dataclass(eq=False)
class Site:
    """The local page of one process.

    Attributes:
        engines: Models and settings; what they say about the use holds for every client.
        token: What clients must send.
        host: Address the server listens on.
        port: Its port.
        chat_model: Answers the chat.
        names: Names by which clients may address the server, besides the usual ones of `host`.
        rates: How often clients may ask.
        photos: Places for photos.
        clips: Places for clips.
        voices: Places for voice messages.
        live: Places for live readings.
        chats: Places for messages of the chat.
    """

    engines: Engines
    token: str = field(default_factory=new_token, repr=False)
    host: str = "127.0.0.1"
    port: int = 8765
    chat_model: BaseChatModel = field(default_factory=GuidedChatModel)
    names: tuple[str, ...] = ()
    rates: Rates = field(default_factory=Rates)
    photos: Places = field(default_factory=lambda: Places(held=12, worked_on=2))
    clips: Places = field(default_factory=lambda: Places(held=3, worked_on=2))
    voices: Places = field(default_factory=lambda: Places(held=6, worked_on=2))
    live: Places = field(default_factory=lambda: Places(held=3, worked_on=3))
    chats: Places = field(default_factory=lambda: Places(held=6, worked_on=4))
