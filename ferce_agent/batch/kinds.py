"""Which files are photos, clips and voices: by their endings, and where these say nothing by their first bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

from ferce_agent.batch.items import Kind
from ferce_agent.errors import ClipNotFoundError, ImageNotFoundError, InputError, SoundNotFoundError
from ferce_agent.inputs.clip_formats import FILM_ENDINGS
from ferce_agent.inputs.files import PHOTO_ENDINGS
from ferce_agent.inputs.kinds import FRAME, MEDIA_TYPES, kind_of
from ferce_agent.inputs.sound_formats import SOUND_ENDINGS

KINDS: Final[tuple[Kind, ...]] = ("photo", "clip", "voice")
"""All kinds."""
WEIGHT: Final[dict[Kind, int]] = {"photo": 1, "clip": 64, "voice": 16}
"""For how many photos an item counts in the sizes of chunks and shards, so that a kill costs little of any kind: a
clip is read by a worker alone, and a shard of 1,024 has at most 16 of them. A core reads 64 photos in the time of some
four seconds of film, and 16 in that of a quarter of a minute of sound."""
MOST_HELD: Final = 128 * 2**20
"""Bytes of a clip or voice that is held while it is read, as from a stream."""
NOT_FOUND: Final[dict[Kind, type[InputError]]] = {
    "photo": ImageNotFoundError,
    "clip": ClipNotFoundError,
    "voice": SoundNotFoundError,
}
"""The error of a file that is not there."""
_HEAD: Final = 4096
"""So many first bytes are looked at."""


def kind_by_ending(name: str) -> Kind | None:
    """Return what a file is by its ending; None where that says nothing."""
    ending = PurePath(name).suffix.lower()
    if ending in PHOTO_ENDINGS:
        return "photo"
    if ending in FILM_ENDINGS:
        return "clip"
    return "voice" if ending in SOUND_ENDINGS else None


def kind_of_file(path: Path) -> Kind | None:
    """Return what a file is by its ending or else its first bytes; None where neither says so."""
    found = kind_by_ending(path.name)
    if found is not None:
        return found
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    return _kind_by_head(head)


def _kind_by_head(head: bytes) -> Kind | None:
    told = kind_of(head)
    if told is None:
        return None
    if told.name.startswith(("a sound", "an Ogg sound")):
        return "voice"
    if told.hint == FRAME:
        return "clip"
    return "photo" if told.name in MEDIA_TYPES else None


def endings_told(kinds: Sequence[Kind]) -> str:
    """Return in words by which endings files of these kinds are known."""
    told = {"photo": PHOTO_ENDINGS, "clip": FILM_ENDINGS, "voice": SOUND_ENDINGS}
    parts = [f"{kind}s end in {' '.join(sorted(told[kind]))}" for kind in kinds]
    return f"Files are known by their endings: {'; '.join(parts)}."
