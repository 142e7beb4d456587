"""The specialist's network.

Dlib's residual face network with a grey stem and heads for expression, action units, blendshapes and head pose.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.training.backbone import Layer
from ferce_agent.training.teachers import BLENDSHAPE_UNITS, SHAPES

SIDE: Final = 112
"""Side in pixels to which the network enlarges its input."""

STAGES: Final = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True))
"""(channels, residual blocks, whether the first halves the resolution); dlib's last block is left out."""

UNITS: Final = tuple(BLENDSHAPE_UNITS)
SPREAD: Final = 0.22
"""Spread of the standardised input: about that of the pictures dlib's network was trained on."""
POSE_SCALE: Final = 30.0
"""Degrees per unit of the pose head."""


class Outputs(NamedTuple):
    """What the network says about N faces.

    Attributes:
        logits: Expression, shape (N, 8).
        embedding: Pooled features, shape (N, 256), or (N, 1024) from `expression_network`.
        units: Action units before the sigmoid, shape (N, 16).
        pose: Yaw, pitch, roll divided by `POSE_SCALE`, shape (N, 3).
        shapes: Blendshapes, left and right apart, before the sigmoid, shape (N, 45); (N, 0) without such a head.
    """

    logits: Tensor
    embedding: Tensor
    units: Tensor
    pose: Tensor
    shapes: Tensor


class Convolution(nn.Module):
    """Convolution and batch normalisation, padded as dlib pads: not at all where the stride is 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        """Build the two layers."""
        super().__init__()
        self.filters = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H', W')."""
        normed: Tensor = self.norm(self.filters(features))
        return normed

    def load(self, layer: Layer) -> None:
        """Take over a layer of dlib's network.

        A one-channel convolution sums over the colours, as a grey picture would.
        """
        outputs, inputs, height, width = self.filters.weight.shape
        filters, bias = layer.folded((outputs, 3 if inputs == 1 else inputs, height, width))
        if inputs == 1:
            filters = filters.sum(1, keepdims=True)
        with torch.no_grad():
            self.filters.weight.copy_(torch.from_numpy(filters.copy()))
            self.norm.running_mean.zero_()  # type: ignore[union-attr]
            self.norm.running_var.fill_(1 - self.norm.eps)  # type: ignore[union-attr]
            self.norm.weight.fill_(1)
            self.norm.bias.copy_(torch.from_numpy(bias.copy()))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut that has no weights.

    Pooled and filled up with zeros where the sizes differ.
    """

    def __init__(self, inputs: int, outputs: int, *, halve: bool) -> None:
        """Build the block."""
        super().__init__()
        self.first = Convolution(inputs, outputs, 3, 2 if halve else 1)
        self.second = Convolution(outputs, outputs, 3, 1)
        self.halve, self.extra = halve, outputs - inputs

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H', W')."""
        changed = self.second(torch.relu(self.first(features)))
        if self.halve:
            features = F.avg_pool2d(features, 2, 2)
            high, wide = features.shape[2] - changed.shape[2], features.shape[3] - changed.shape[3]
            changed = F.pad(changed, (0, wide, 0, high))
            features = F.pad(features, (0, 0, 0, 0, 0, self.extra))
        return torch.relu(features + changed)


class FaceNet(nn.Module):
    """Grey crop in; expression, embedding, action units, blendshapes and head pose out.

    Takes pixels of shape (N, 1, H, W) in 0..255, enlarges and standardises each picture itself, so that exported
    weights need no preprocessing beyond the crop.
    """

    def __init__(self, drop: float = 0.3) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.stem = Convolution(1, STAGES[0][0], 7, 2)
        blocks: list[ResidualBlock] = []
        channels = STAGES[0][0]
        for width, count, halve in STAGES:
            for index in range(count):
                blocks.append(ResidualBlock(channels, width, halve=halve and index == 0))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.drop = nn.Dropout(drop)
        self.expression = nn.Linear(channels, 8)
        self.units = nn.Linear(channels, len(UNITS))
        self.shapes = nn.Linear(channels, len(SHAPES))
        self.pose = nn.Linear(channels, 3)

    def convolutions(self) -> list[Convolution]:
        """Return the convolutions from input to output, as dlib orders them."""
        return [module for module in self.modules() if isinstance(module, Convolution)]

    def load_backbone(self, layers: list[Layer]) -> None:
        """Start from dlib's filters; layers beyond this network's depth are left out."""
        for convolution, layer in zip(self.convolutions(), layers, strict=False):
            convolution.load(layer)

    def features(self, pixels: Tensor) -> Tensor:
        """Return pooled features (N, 256) of pixels (N, 1, H, W)."""
        large = F.interpolate(standardise(pixels), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        stem = F.max_pool2d(torch.relu(self.stem(large)), 3, 2)
        pooled: Tensor = self.blocks(stem).mean((2, 3))
        return pooled

    def forward(self, pixels: Tensor) -> Outputs:
        """Return what the heads say."""
        embedding = self.features(pixels)
        dropped = self.drop(embedding)
        return self.judge(embedding, dropped)

    def judge(self, embedding: Tensor, dropped: Tensor | None = None) -> Outputs:
        """Return what the heads say about features (N, 256), or about `dropped`, a thinned-out copy of them."""
        seen = embedding if dropped is None else dropped
        return Outputs(self.expression(seen), embedding, self.units(seen), self.pose(seen), self.shapes(seen))


@torch.no_grad()
def settle_norms(network: FaceNet, pixels: Tensor) -> None:
    """Let the batch norms measure real statistics without changing what the network computes on `pixels` (N, 1, H, W).

    A network read from dlib has its scales folded into the filters; training needs normalised layers.
    """
    network.eval()
    measured: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        measured[module] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))

    hooks = [convolution.norm.register_forward_hook(measure) for convolution in network.convolutions()]
    network.features(pixels)
    for hook in hooks:
        hook.remove()
    for convolution in network.convolutions():
        norm = convolution.norm
        mean, variance = measured[norm]
        norm.bias.copy_(norm.bias + mean)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]


def standardise(pixels: Tensor) -> Tensor:
    """Give every picture zero mean and the spread `SPREAD`; flat pictures become zero."""
    centred = pixels - pixels.mean((1, 2, 3), keepdim=True)
    spread = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
    return centred / (spread + 4.0) * SPREAD
