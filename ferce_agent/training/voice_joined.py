"""The voice model in one module: the machine, with or without the network beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ferce_agent.training.voice import BATCH_TO_READ
from ferce_agent.training.voice_data import padded
from ferce_agent.training.voice_machine import Machine
from ferce_agent.training.voice_network import VoiceNet
from ferce_agent.voice.features import Samples
from ferce_agent.voice.functionals import rich_functionals


class JoinedOutputs(NamedTuple):
    """What the model says about N utterances.

    Attributes:
        emotions: Probabilities, shape (N, K).
        strangeness: How unlike the training each is, positive if it is called so; shape (N,).
        otherness: How much it is like speech of other recordings, positive if it is called so; shape (N,).
    """

    emotions: Tensor
    strangeness: Tensor
    otherness: Tensor


class JoinedVoice(nn.Module):
    """Functionals, and frames for the network, in; probabilities and strangeness out."""

    def __init__(self, machine: Machine, network: VoiceNet | None = None) -> None:
        """Join trained parts."""
        super().__init__()
        self.machine, self.network = machine, network

    def forward(self, functionals: Tensor, frames: Tensor | None = None, length: Tensor | None = None) -> JoinedOutputs:
        """Read N utterances.

        Args:
            functionals: Shape (N, F).
            frames: Of the same, shape (N, T, COLUMNS); needed with a network.
            length: Frames of each that are not padding, shape (N,); None: all.
        """
        logits, strangeness, otherness = self.machine(functionals)
        if self.network is not None:
            logits = logits + torch.log_softmax(self.network(frames, length).emotions, 1)
        return JoinedOutputs(torch.softmax(logits, 1), strangeness, otherness)


@torch.no_grad()
def read_joined(joined: JoinedVoice, frames: Sequence[Samples]) -> JoinedOutputs:
    """Return what the model says about utterances.

    Args:
        joined: The model.
        frames: Of each, shape (T_i, COLUMNS).
    """
    joined.eval()
    parts = []
    for begin in range(0, len(frames), BATCH_TO_READ):
        some = frames[begin : begin + BATCH_TO_READ]
        functionals = np.stack([rich_functionals(one) for one in some]).astype(np.float32)
        parts.append(joined(torch.from_numpy(functionals), *padded(some)))
    return JoinedOutputs(*(torch.cat(column) for column in zip(*parts, strict=True)))
