from __future__ import annotations

import io
import wave

import numpy as np

from ferce_agent.evaluation.datasets.speech import SpeechSet, Utterance
from ferce_agent.evaluation.voice.unsteady import lines, measured
from ferce_agent.evaluation.voice.vowels import Voice, vowel
from ferce_agent.voice.features import RATE


def spoken(jitter: float) -> bytes:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = vowel("a", 1.5, Voice(140, jitter=jitter))
        file.writeframes((samples / np.abs(samples).max() * 20000).astype("<i2").tobytes())
    return sound.getvalue()


def test_an_unsteady_voice_has_more_jitter() -> None:
    emotions = {"fear": 0.03, "neutral": 0.002}
    utterances = tuple(Utterance(name, "a", name, spoken(jitter)) for name, jitter in emotions.items())
    found = measured(SpeechSet("made", "made", ("fear", "neutral"), utterances))
    assert found["fear"][0, 0] > 2 * found["neutral"][0, 0]
    table = list(lines(found))
    assert len(table) == 4 and table[2].startswith("| fear | 1 | 0.0")


def test_what_was_not_measured_is_left_out() -> None:
    (row,) = list(lines({"fear": np.array([[0.01, 1.0], [np.nan, np.nan]])}))[2:]
    assert row == "| fear | 2 | 0.010, 0.010, 0.010 | 1.00, 1.00, 1.00 |"
