"""The specialist's network: a small squeeze-and-excitation residual CNN for 44x44 grey crops."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

WIDTHS: Final = (32, 64, 128, 256)
BLOCKS: Final = (1, 2, 2, 2)


class SqueezeExcite(nn.Module):
    """Channel attention (Hu et al. 2018), reduction 8."""

    def __init__(self, channels: int) -> None:
        """Build the two 1x1 convolutions."""
        super().__init__()
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels // 8, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 8, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Rescale each channel; shape (N, C, H, W) is kept."""
        scaled: Tensor = features * self.gate(features.mean((2, 3), keepdim=True))
        return scaled


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; the first may halve the resolution."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Build the block; `stride` is 1 or 2."""
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
            SqueezeExcite(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
            self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/stride, W/stride)."""
        return torch.relu(self.body(features) + self.shortcut(features))


class ExpressionNet(nn.Module):
    """Grey crop in, eight expression logits and a 256-dimensional embedding out.

    Takes pixels of shape (N, 1, H, W) in 0..255 and standardises each picture itself, so that exported weights need no
    preprocessing beyond the crop. Works for any H, W >= 16; trained for 44.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, drop: float = 0.3) -> None:
        """Build the stem, one stage per width, and the head."""
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU())
        stages: list[nn.Module] = []
        channels = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for index in range(count):
                stages.append(ResidualBlock(channels, width, 2 if index == 0 and stage > 0 else 1))
                channels = width
        self.stages = nn.Sequential(*stages)
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(channels, 8)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return (logits, embedding), shapes (N, 8) and (N, 256)."""
        embedding = self.stages(self.stem(standardise(pixels))).mean((2, 3))
        return self.head(self.drop(embedding)), embedding


def standardise(pixels: Tensor) -> Tensor:
    """Give every picture zero mean and unit spread; flat pictures become zero."""
    centred = pixels - pixels.mean((1, 2, 3), keepdim=True)
    spread = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
    return centred / (spread + 4.0)
