"""MobileNet-v1 (Howard et al. 2017, https://arxiv.org/abs/1704.04861) as a backbone that can start from HSE-FaceRes.

TensorFlow pads a convolution with stride 2 to the right and below only, where the size is even; so do these layers, or
the filters that were learnt so would not fit.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.training.faceres import Filters

BLOCKS: Final = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
"""(channels, stride) of the 13 pairs of a depthwise and a pointwise convolution."""
FIRST: Final = 32
"""Channels of the first convolution, which has stride 2."""


class Depthwise(torch.autograd.Function):
    """A depthwise 3x3 convolution that hands gradients on to its input, but not to its own filters.

    PyTorch's own backward pass takes half of the time of training on a processor. There are 5,000 such filters among
    three million; what follows each, a norm with a scale and a summand per channel, is trained.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, filters: Tensor, stride: int) -> Tensor:
        """Map (N, C, H, W) to (N, C, H / stride, W / stride)."""
        ctx.save_for_backward(filters)
        ctx.stride, ctx.size = stride, features.shape
        if stride == 2:
            return F.conv2d(F.pad(features, (0, 1, 0, 1)), filters, None, 2, 0, groups=len(filters))
        return F.conv2d(features, filters, None, 1, 1, groups=len(filters))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of the input: the gradient of the output, spread out, under the mirrored filters."""
        (filters,) = ctx.saved_tensors
        if ctx.stride == 2:
            spread = torch.zeros(ctx.size, dtype=gradient.dtype).contiguous(memory_format=torch.channels_last)
            spread[:, :, 1::2, 1::2] = gradient
        else:
            spread = gradient.contiguous(memory_format=torch.channels_last)
        return F.conv2d(spread, filters.flip(2, 3), None, 1, 1, groups=len(filters)), None, None


class NormedConvolution(nn.Module):
    """Convolution, batch normalisation and a rectifier that is cut at 6."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """Build the layers."""
        super().__init__()
        self.stride, self.kernel = stride, kernel
        padding = kernel // 2 if stride == 1 else 0
        self.filters = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        if self.training and self.filters.groups > 1 and features.dtype == torch.bfloat16:
            filtered: Tensor = Depthwise.apply(features, self.filters.weight.bfloat16(), self.stride)  # type: ignore[no-untyped-call]
        else:
            padded = F.pad(features, (0, 1, 0, 1)) if self.stride == 2 else features
            filtered = self.filters(padded)
        return F.relu6(self.norm(filtered))

    @torch.no_grad()
    def load(self, layer: Filters) -> None:
        """Take over a layer; one with colours is summed over them where this one takes grey levels."""
        weights = torch.from_numpy(layer.weights)
        if self.filters.weight.shape[1] == 1 and self.filters.groups == 1:
            weights = weights.sum(1, keepdim=True)
        self.filters.weight.copy_(weights)
        self.norm.running_mean.zero_()  # type: ignore[union-attr]
        self.norm.running_var.fill_(1 - self.norm.eps)  # type: ignore[union-attr]
        self.norm.weight.fill_(1)
        self.norm.bias.copy_(torch.from_numpy(layer.bias))


class MobileNet(nn.Module):
    """The first convolution and the first `depth` of the 13 blocks; grey pictures whose sides are multiples of 32."""

    def __init__(self, depth: int = len(BLOCKS)) -> None:
        """Build the network with random weights."""
        super().__init__()
        layers, channels = [NormedConvolution(1, FIRST, 3, 2)], FIRST
        for width, stride in BLOCKS[:depth]:
            layers += [
                NormedConvolution(channels, channels, 3, stride, channels),
                NormedConvolution(channels, width, 1),
            ]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.channels = channels

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pooled features (N, channels) of pictures (N, 1, H, W)."""
        pooled: Tensor = self.layers(pictures).mean((2, 3))
        return pooled

    def load(self, filters: list[Filters]) -> None:
        """Start from HSE-FaceRes; layers beyond this network's depth are left out."""
        for layer, given in zip(self.layers, filters, strict=False):
            assert isinstance(layer, NormedConvolution)
            layer.load(given)

    @torch.no_grad()
    def settle(self, pictures: Tensor) -> None:
        """Let the batch norms measure real statistics without changing what the network computes on `pictures`.

        A network whose scales are folded into its filters can be used, but not trained well.
        """
        self.eval()
        features = pictures
        for layer in self.layers:
            assert isinstance(layer, NormedConvolution)
            padded = F.pad(features, (0, 1, 0, 1)) if layer.stride == 2 else features
            raw = layer.filters(padded)
            features = F.relu6(layer.norm(raw))
            mean, variance = raw.mean((0, 2, 3)), raw.var((0, 2, 3))
            norm = layer.norm
            norm.bias.copy_(norm.bias + mean)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]
