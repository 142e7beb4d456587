"""The voice network: a small convolutional network over the frames of an utterance, with statistics pooling."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.voice.features import BANDS, COLUMNS

CHANNELS: Final = ((16, 1, 2), (24, 2, 2), (32, 1, 1), (48, 2, 2), (64, 1, 1), (64, 1, 2))
"""Channels of each stage, and its step in time and in frequency."""
SHRINK: Final = 4
"""Frames for each place in time that is pooled."""
TRACKS: Final = 24
"""Channels of loudness, pitch and periodicity over time."""
FEATURES: Final = 64
"""Values that the heads and the strangeness see."""
QUIET_DB: Final = -70.0
"""Bands are cut off so far below the utterance's level: what lies below is the recording's own noise."""


class VoiceOutputs(NamedTuple):
    """What the network says about N utterances.

    Attributes:
        emotions: Logits, shape (N, K).
        affect: Arousal and valence, -1..1, shape (N, 2).
        features: What the heads see, shape (N, FEATURES).
    """

    emotions: Tensor
    affect: Tensor
    features: Tensor


def places(length: Tensor, count: int, step: int) -> Tensor:
    """Return 1.0 where a place is within the utterance, shape (N, count).

    Args:
        length: Frames of each utterance, shape (N,).
        count: Places in time of the batch.
        step: Frames from one place to the next.
    """
    return (torch.arange(count)[None] * step < length[:, None]).float()


class VoiceNet(nn.Module):
    """Frames of `voice_frames` in; emotions, arousal and valence, and features out.

    The level of the recording is taken out first: all levels are relative to the utterance's mean energy. Batches are
    padded at the end; with `length` given, the padding changes nothing.
    """

    def __init__(self, emotions: int, drop: float = 0.4) -> None:
        """Build the network with random weights.

        Args:
            emotions: How many are told apart.
            drop: Share of the pooled values, and of the features, that are dropped in training.
        """
        super().__init__()
        before, stages = 1, []
        for channels, slow, low in CHANNELS:
            stages.append(_stage(before, channels, (slow, low)))
            before = channels
        self.stages = nn.ModuleList(stages)
        self.tracks = nn.Conv1d(3, TRACKS, 9, SHRINK, 4)
        bands = BANDS
        for _, _, low in CHANNELS:
            bands = -(-bands // low)
        pooled = 2 * (before * bands + TRACKS)
        self.join = nn.Sequential(nn.BatchNorm1d(pooled), nn.Dropout(drop), nn.Linear(pooled, FEATURES), nn.ReLU())
        self.drop = nn.Dropout(drop)
        self.heads = nn.Linear(FEATURES, emotions + 2)

    def forward(self, frames: Tensor, length: Tensor | None = None) -> VoiceOutputs:
        """Read N utterances.

        Args:
            frames: Shape (N, T, COLUMNS).
            length: Frames of each that are not padding, shape (N,); None: all.
        """
        pooled = self.pool(frames, length)
        features = self.join(pooled)
        told = self.heads(self.drop(features))
        return VoiceOutputs(told[:, :-2], torch.tanh(told[:, -2:]), features)

    def pool(self, frames: Tensor, length: Tensor | None) -> Tensor:
        """Return mean and spread over time of the last stage, shape (N, pooled)."""
        inside = None if length is None else places(length, frames.shape[1], 1)
        spectrum, tracks = levelled(frames, inside)
        seen, step = spectrum[:, None], 1
        for stage, (_, slow, _) in zip(self.stages, CHANNELS, strict=True):
            seen, step = stage(seen), step * slow
            if length is not None:
                seen = seen * places(length, seen.shape[2], step)[:, None, :, None]
        beside = F.relu(self.tracks(tracks.transpose(1, 2)))
        series = torch.cat([seen.transpose(2, 3).flatten(1, 2), beside], 1)
        return statistics(series, None if length is None else places(length, series.shape[2], step))


def _stage(before: int, channels: int, step: tuple[int, int]) -> nn.Sequential:
    convolution = nn.Conv2d(before, channels, 3, step, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU())


def levelled(frames: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the bands (N, T, BANDS) and the tracks (N, T, 3) relative to the utterance's level, about -2..2.

    Args:
        frames: Shape (N, T, COLUMNS), COLUMNS as of `ferce_agent.voice.features.voice_frames`.
        inside: 1.0 for frames that are not padding, shape (N, T); None: all. Padding is given as 0.
    """
    energy = torch.pow(10.0, frames[:, :, BANDS] / 10.0)
    mean = energy.mean(1) if inside is None else (energy * inside).sum(1) / inside.sum(1)
    level = (10.0 * torch.log10(mean))[:, None]
    spectrum = ((frames[:, :, :BANDS] - level[:, :, None]).clamp(QUIET_DB, 20.0) + 30.0) / 15.0
    loud = (frames[:, :, BANDS] - level).clamp(-50.0, 20.0) / 10.0 + 1.0
    pitch, periodic = frames[:, :, BANDS + 1] * 2.0 - 1.0, frames[:, :, COLUMNS - 1] * 2.0 - 1.0
    tracks = torch.stack([loud, pitch, periodic], 2)
    if inside is None:
        return spectrum, tracks
    return spectrum * inside[:, :, None], tracks * inside[:, :, None]


def statistics(series: Tensor, inside: Tensor | None) -> Tensor:
    """Return mean and standard deviation over time, shape (N, 2 C).

    Args:
        series: Shape (N, C, T).
        inside: As of `levelled`, shape (N, T).
    """
    if inside is None:
        mean = series.mean(2)
        spread = (series - mean[:, :, None]).square().mean(2)
    else:
        share = (inside / inside.sum(1, keepdim=True))[:, None]
        mean = (series * share).sum(2)
        spread = ((series - mean[:, :, None]).square() * share).sum(2)
    return torch.cat([mean, torch.sqrt(spread + 1e-4)], 1)
