"""The gate network: the first blocks of MobileNet-v1, started from HSE-FaceRes, with heads for the gates."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.faces.patch import DISC, GREY, PATCH_SIDE
from ferce_agent.specialist.gates import OUTPUTS, REGIONS
from ferce_agent.training.faceres import read_filters
from ferce_agent.training.mobilenet import MobileNet

DEPTH: Final = 8
"""Blocks of the backbone; the later ones hold two thirds of the weights and see faces, not edges and parts."""
SPREAD: Final = 58.0
"""Spread in grey levels of the standardised patch: about that of the photos HSE-FaceRes was trained on."""
NARROW: Final = 64
"""Channels of the map whose places the heads see one by one."""
CELLS: Final = PATCH_SIDE // 16


class GateOutputs(NamedTuple):
    """What the network says about N patches; all but `turn` before the sigmoid.

    Attributes:
        turn: Cosine and sine of the roll, shape (N, 2).
        human: Shape (N, 1).
        drawn: Shape (N, 1).
        covered: Eyes, nose, mouth, shape (N, 3).
    """

    turn: Tensor
    human: Tensor
    drawn: Tensor
    covered: Tensor


class GateNet(nn.Module):
    """Grey patch in; roll, human, drawn and covered regions out.

    Takes pixels of shape (N, 1, 64, 64) in 0..255 and standardises each patch itself, so that exported weights need no
    preprocessing beyond the patch. The heads see the mean of all places and, in fewer channels, each place: the mean
    alone says badly where something is.
    """

    disc: Tensor

    def __init__(self, drop: float = 0.1) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.backbone = MobileNet(DEPTH)
        self.narrow = nn.Sequential(
            nn.Conv2d(self.backbone.channels, NARROW, 1, bias=False), nn.BatchNorm2d(NARROW), nn.ReLU()
        )
        self.drop = nn.Dropout(drop)
        self.heads = nn.Linear(self.backbone.channels + NARROW * CELLS * CELLS, sum(OUTPUTS.values()))
        self.register_buffer("disc", torch.from_numpy(DISC).float()[None, None], persistent=False)

    def prepare(self, pixels: Tensor) -> Tensor:
        """Return pixels (N, 1, 64, 64) standardised within the disc, zero outside."""
        inside = float(DISC.sum())
        centred = (pixels - GREY) * self.disc
        centred = (centred - centred.sum((1, 2, 3), keepdim=True) / inside) * self.disc
        spread = (centred.square().sum((1, 2, 3), keepdim=True) / inside).sqrt()
        return centred / (spread + 4.0) * SPREAD

    def forward(self, pixels: Tensor) -> GateOutputs:
        """Return what the heads say."""
        features = self.backbone.layers(self.prepare(pixels))
        both = torch.cat([features.mean((2, 3)), self.narrow(features).flatten(1)], 1)
        parts = torch.split(self.heads(self.drop(both)), list(OUTPUTS.values()), 1)
        return GateOutputs(*parts)

    def start(self, folder: Path, pixels: Tensor) -> None:
        """Take over HSE-FaceRes' filters and let the norms measure some patches (N, 1, 64, 64).

        Raises:
            DataError: A file of HSE-FaceRes is missing, damaged, or holds another network.
        """
        self.backbone.load(read_filters(folder))
        self.backbone.settle(self.prepare(pixels))


class ShippedGates(nn.Module):
    """The network with the outputs of the weight file: all but the turn as probabilities."""

    def __init__(self, network: GateNet) -> None:
        """Wrap the network."""
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> GateOutputs:
        """Return turn (N, 2), human (N, 1), drawn (N, 1) and covered (N, 3) of pixels (N, 1, 64, 64)."""
        turn, *rest = self.network(pixels)
        return GateOutputs(turn, *(torch.sigmoid(part) for part in rest))


class GateTargets(NamedTuple):
    """What N patches show; see `gate_pictures.Target`. NaN in `roll` and negative numbers elsewhere are unknown.

    Attributes:
        roll: Degrees, shape (N,).
        human: Shape (N,).
        drawn: Shape (N,).
        covered: Shares, shape (N, 3).
    """

    roll: Tensor
    human: Tensor
    drawn: Tensor
    covered: Tensor


def gate_loss(outputs: GateOutputs, targets: GateTargets) -> Tensor:
    """Return the sum of the losses of the four heads, each the mean over the patches of which it is known; a scalar.

    The roll's (cosine, sine) is fitted by least squares, so that its length says how sure it is. A region covered to
    less than a quarter is free, to more than three quarters covered, between them something between.
    """
    known = ~targets.roll.isnan()
    angle = torch.deg2rad(targets.roll[known])
    wanted = torch.stack([angle.cos(), angle.sin()], 1)
    turn = (outputs.turn.float()[known] - wanted).square().sum() / known.sum().clamp(min=1)
    soft = ((targets.covered - 0.25) * 2).clamp(0, 1)
    return (
        2 * turn
        + _known_loss(outputs.human[:, 0], targets.human)
        + 0.5 * _known_loss(outputs.drawn[:, 0], targets.drawn)
        + len(REGIONS) * _known_loss(outputs.covered, torch.where(targets.covered < 0, targets.covered, soft))
    )


def _known_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    known = wanted >= 0
    losses = F.binary_cross_entropy_with_logits(logits.float(), wanted.clamp(0, 1), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)
