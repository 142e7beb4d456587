"""How unlike its training an utterance is to the voice network.

A logistic regression between the features of utterances as recorded and those of sound that the network was not
trained for; see `ferce_agent.specialist.strangeness`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.specialist.strangeness import Strangeness, fit_strangeness
from ferce_agent.training.voice import read_voices
from ferce_agent.training.voice_augment import COLOURS, add_noise, babble, coloured_noise, speed
from ferce_agent.training.voice_network import VoiceNet
from ferce_agent.voice.features import Samples, voice_frames

FALSE_ALARMS: Final = 0.05
"""Share of the training utterances, as recorded, that are called unlike the training."""


def unlike_training(samples: Samples, others: Sequence[Samples], rng: np.random.Generator) -> Samples:
    """Return sound that the network was not trained for.

    One of: loud noise over speech, noise alone, many voices alone, speech backwards, far too slow or far too fast.

    Args:
        samples: An utterance.
        others: Further ones.
        rng: Draws what it is.
    """
    noise = coloured_noise(len(samples), list(COLOURS)[int(rng.integers(0, len(COLOURS)))], rng)
    choice = int(rng.integers(0, 6))
    if choice == 0:
        return add_noise(samples, noise, -5.0)
    if choice == 1:
        return noise * np.float32(0.05)
    if choice == 2:
        return babble(others, len(samples), rng) * np.float32(0.05)
    if choice == 3:
        return np.ascontiguousarray(samples[::-1])
    return speed(samples, 0.55 if choice == 4 else 1.8)


def voice_strangeness(network: VoiceNet, spoken: Spoken, seed: int) -> tuple[Strangeness, float]:
    """Return the strangeness of the network's features, and from where on it counts.

    Args:
        network: A trained one.
        spoken: What it was trained on.
        seed: Draws the unlike sounds.
    """
    rows = enumerate(spoken.samples)
    strange = [unlike_training(one, spoken.samples, np.random.default_rng((seed, row, 5))) for row, one in rows]
    unlike = read_voices(network, [voice_frames(one) for one in strange]).features.numpy()
    clean = read_voices(network, spoken.frames).features.numpy()
    fitted = fit_strangeness(clean.astype(np.float64), unlike.astype(np.float64))
    return fitted, float(np.quantile(fitted(clean), 1 - FALSE_ALARMS))
