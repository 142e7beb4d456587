"""Batches for the voice network: copies of the utterances, drawn once, and changes of their frames, drawn each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.training.voice_augment import drawn_copy
from ferce_agent.voice.features import BANDS, COLUMNS, Samples, voice_frames

Pool = tuple[tuple[Samples, ...], ...]
"""For each utterance the frames of it as it is and of its copies."""


def draw_pool(spoken: Spoken, copies: int, seed: int) -> Pool:
    """Return the frames of each utterance and of its copies; babble is made of these utterances only.

    Args:
        spoken: What is trained on.
        copies: Copies of each utterance; 0: none.
        seed: The copies depend on it, on the utterance's place and on nothing else.
    """
    rows = []
    for index, (samples, frames) in enumerate(zip(spoken.samples, spoken.frames, strict=True)):
        drawn = (
            voice_frames(drawn_copy(samples, spoken.samples, np.random.default_rng((seed, index, copy))))
            for copy in range(copies)
        )
        rows.append((frames, *drawn))
    return tuple(rows)


def bent(frames: Samples, rng: np.random.Generator) -> Samples:
    """Return the frames as of a slightly other voice, microphone and pace, with a gap in time and one in frequency.

    Bands are shifted by up to 8 % (the length of the vocal tract, Jaitly and Hinton 2013), tilted and weighted
    smoothly; a run of bands is replaced by the mean (SpecAugment, Park et al. 2019); a piece of up to 0.25 s is left
    out in half of the cases; the tempo is changed by up to 15 %.

    Args:
        frames: Shape (T, COLUMNS).
        rng: Draws all of it.
    """
    changed = frames.copy()
    changed[:, :BANDS] = _hidden(_other_line(_other_tract(frames[:, :BANDS], rng), rng), rng)
    if rng.random() < 0.5 and len(changed) > 60:
        width = int(rng.integers(0, 25))
        begin = int(rng.integers(0, len(changed) - width))
        changed = np.delete(changed, slice(begin, begin + width), 0)
    pace = float(rng.uniform(0.85, 1.15))
    kept = (np.arange(max(int(len(changed) / pace), 1)) * pace).astype(int)
    return np.asarray(changed[np.minimum(kept, len(changed) - 1)], np.float32)


def _other_tract(mel: Samples, rng: np.random.Generator) -> Samples:
    source = np.clip(np.arange(BANDS) * (1 + rng.uniform(-0.08, 0.08)), 0, BANDS - 1)
    low = source.astype(int)
    share = (source - low).astype(np.float32)
    return np.asarray(mel[:, low] * (1 - share) + mel[:, np.minimum(low + 1, BANDS - 1)] * share, np.float32)


def _other_line(mel: Samples, rng: np.random.Generator) -> Samples:
    tilt = np.linspace(-1, 1, BANDS) * rng.normal(0, 2)
    smooth = np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), rng.normal(0, 1.5, 6))
    return mel + (tilt + smooth).astype(np.float32)


def _hidden(mel: Samples, rng: np.random.Generator) -> Samples:
    width = int(rng.integers(0, 10))
    begin = int(rng.integers(0, BANDS - width + 1))
    mel[:, begin : begin + width] = mel.mean()
    return mel


def padded(frames: Sequence[Samples]) -> tuple[Tensor, Tensor]:
    """Return utterances of unlike length as one batch (N, T, COLUMNS), padded by zeros at the end, and lengths (N,)."""
    length = np.array([len(one) for one in frames])
    whole = np.zeros((len(frames), int(length.max()), COLUMNS), np.float32)
    for row, one in zip(whole, frames, strict=True):
        row[: len(one)] = one
    return torch.from_numpy(whole), torch.from_numpy(length)
