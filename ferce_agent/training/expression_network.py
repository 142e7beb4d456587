"""The second network that teaches the specialist: MobileNet-v1 from HSE-FaceRes, with the specialist's heads."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.training.mobilenet import MobileNet
from ferce_agent.training.network import UNITS, Outputs
from ferce_agent.training.teachers import SHAPES

SIDE: Final = 112
"""Side in pixels to which the network enlarges its input."""
SPREAD: Final = 58.0
"""Spread in grey levels of the standardised input: about that of the photos HSE-FaceRes was trained on."""


class ExpressionNet(nn.Module):
    """Grey crop in; expression, embedding, action units, blendshapes and head pose out.

    Takes pixels of shape (N, 1, H, W) in 0..255, enlarges and standardises each picture itself, so that exported
    weights need no preprocessing beyond the crop.
    """

    def __init__(self, drop: float = 0.3, side: int = SIDE) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.side = side
        self.backbone = MobileNet()
        self.drop = nn.Dropout(drop)
        self.expression = nn.Linear(self.backbone.channels, 8)
        self.units = nn.Linear(self.backbone.channels, len(UNITS))
        self.shapes = nn.Linear(self.backbone.channels, len(SHAPES))
        self.pose = nn.Linear(self.backbone.channels, 3)

    def prepare(self, pixels: Tensor) -> Tensor:
        """Return pixels (N, 1, H, W) enlarged and standardised, shape (N, 1, side, side)."""
        centred = pixels - pixels.mean((1, 2, 3), keepdim=True)
        spread = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
        even = centred / (spread + 4.0) * SPREAD
        return F.interpolate(even, size=(self.side, self.side), mode="bilinear", align_corners=False)

    def forward(self, pixels: Tensor) -> Outputs:
        """Return what the heads say."""
        embedding = self.backbone(self.prepare(pixels))
        dropped = self.drop(embedding)
        return Outputs(
            self.expression(dropped), embedding, self.units(dropped), self.pose(dropped), self.shapes(dropped)
        )

    @torch.no_grad()
    def settle(self, pixels: Tensor) -> None:
        """Let the batch norms measure the statistics of pixels (N, 1, H, W); see `MobileNet.settle`."""
        self.backbone.settle(self.prepare(pixels))
