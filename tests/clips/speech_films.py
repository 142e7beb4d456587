"""Small films with sound: faces that talk, a voice off camera, and a film of the shared media with an utterance."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.evaluation.voice.talking import (
    TalkingFilm,
    babble,
    spoken_opening,
    talking_face,
    with_sound,
)
from ferce_agent.inputs.clip import open_clip
from ferce_agent.inputs.sound_parts import SOUND_RATE

SHARED = Path(__file__).parents[3] / "shared"
Mouth = Literal["speaks", "rests"]


def voice(seconds: float = 1.6, seed: int = 0) -> NDArray[np.float32]:
    """Half a second of silence, syllables, and half a second of silence, 16 kHz."""
    quiet = np.zeros(SOUND_RATE // 2, np.float32)
    return np.concatenate([quiet, babble(np.random.default_rng(seed), seconds), quiet])


@cache
def talking_film(*mouths: Mouth, seconds: float = 1.6, portrait: int = 0) -> bytes:
    """An MP4 of faces side by side, with a voice; the mouths of those that speak move in time with it."""
    sound = voice(seconds)
    random = np.random.default_rng(7)
    opening = {"speaks": spoken_opening(sound, random, noise=0.3), "rests": np.zeros(2)}
    faces = [talking_face(portrait + place, random) for place in range(len(mouths))]
    film = TalkingFilm(faces, [opening[mouth] for mouth in mouths], sound)
    return with_sound(film.frames(), sound)


def shared_film(folder: Path, utterance: int = 3) -> Path:
    """`single_face.mp4` with an utterance of EMO-DB in place of its sound; skips where these are not there."""
    film, data = SHARED / "media" / "single_face.mp4", SHARED / "data" / "emodb"
    if not film.is_file() or not (data / "emodb.parquet").is_file():
        pytest.skip("the shared media are not there")
    from ferce_agent.evaluation.voice.activity import utterances

    with open_clip(film) as clip:
        frames = list(clip)
    sound = utterances(data, utterance + 1)[utterance][: round(frames[-1].time * SOUND_RATE)]
    made = folder / "spoken.mp4"
    made.write_bytes(with_sound(iter(frames), sound, 30))
    return made
