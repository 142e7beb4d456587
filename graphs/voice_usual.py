"""How a person usually speaks, from recordings of theirs: a baseline of the voice alone, or beside that of a face."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ferce_agent.errors import InputError
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.inputs.sound import open_sound
from ferce_agent.policy.use import UseLike
from ferce_agent.report.baseline import Baseline
from ferce_agent.voice.listening import HeardTurn, listen
from ferce_agent.voice.usual import UsualVoice, usual_voice

if TYPE_CHECKING:
    from ferce_agent.inputs.sound import SoundLike


def hear_usual(
    recordings: Sequence[SoundLike],
    *,
    seconds: float | None = None,
    use: UseLike | None = None,
    engines: Engines | None = None,
    stop: threading.Event | None = None,
) -> UsualVoice:
    """Listen to recordings of one person who speaks calmly, and return how they usually speak.

    No expression is read in the voice, and nothing of the sound is kept.

    Args:
        recordings: Each as for `analyze_voice`.
        seconds: How much of each is listened to; all if left out.
        use: What the baseline is for; the rules may refuse it.
        engines: Models and settings; the shared defaults if left out.
        stop: Set it to listen no further; what was heard until then counts.

    Raises:
        InputError: A recording cannot be read; a `DataError` where there is too little speech in them.
        PolicyError: The rules refuse this use; nothing is opened.
        SetupError: A weight file is damaged.
    """
    chosen = default_engines() if engines is None else engines
    chosen.permit_sound(use, transcribe=False)
    heard: list[tuple[HeardTurn, ...]] = []
    for recording in recordings:
        if stop is not None and stop.is_set():
            break
        heard.append(listen(open_sound(recording, end_s=seconds), infer=False, cancel=stop).turns)
    return usual_voice(heard)


def voice_baseline(
    recordings: Sequence[SoundLike],
    *,
    seconds: float | None = None,
    use: UseLike | None = None,
    engines: Engines | None = None,
    stop: threading.Event | None = None,
) -> Baseline:
    """Return a baseline of a person's voice alone; see `hear_usual`.

    Raises:
        InputError: As `hear_usual`.
        PolicyError: As `hear_usual`.
        SetupError: A weight file is damaged or missing.
    """
    chosen = default_engines() if engines is None else engines
    usual = hear_usual(recordings, seconds=seconds, use=use, engines=chosen, stop=stop)
    return Baseline(
        id=secrets.token_hex(8),
        made_at=datetime.now(UTC),
        sources=("voice",),
        readings=0,
        seconds=usual.seconds,
        specialist=chosen.pipeline.specialist.sha256,
        odds=None,
        movements={},
        head={},
        voice=usual.levels,
        doubts=usual.doubts,
    )


def with_voice(baseline: Baseline, usual: UsualVoice, *, doubts: Sequence[str] = ()) -> Baseline:
    """Return a baseline of a face with how the person usually speaks.

    Args:
        baseline: Of the face.
        usual: Of the same person.
        doubts: What lessens the worth of the voice, besides what was found in it.
    """
    sources = baseline.sources if "voice" in baseline.sources else (*baseline.sources, "voice")
    update = {
        "sources": sources,
        "seconds": round(baseline.seconds + usual.seconds, 3),
        "voice": usual.levels,
        "doubts": tuple(dict.fromkeys((*baseline.doubts, *usual.doubts, *doubts))),
    }
    return Baseline.model_validate({**baseline.model_dump(), **update})


def is_sound(source: str | os.PathLike[str]) -> bool:
    """Return whether a path or data URL holds sound and no picture; not where it cannot be opened at all."""
    try:
        with open_sound(source) as stream:
            return stream.info.media_type.startswith("audio/")
    except InputError:
        return False
