"""Batch augmentation on the CPU: 48x48 FER+ pictures to varied crops, all in a few tensor operations.

The geometry stays within what the product's own alignment leaves over (a few pixels, a few degrees). The photometry covers
what separates FER+ from photos: sharper or blurrier, darker, lit from one side, noisy, partly covered.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ferce_agent.faces.template import CROP_SIZE, FER_SIZE


def _uniform(count: int, low: float, high: float, rng: Generator) -> Tensor:
    return torch.rand(count, generator=rng) * (high - low) + low


def random_affine(pixels: Tensor, size: int, rng: Generator) -> Tensor:
    """Rotate (15 degrees at most), scale (0.82..1.2), shift (3 pixels), shear and mirror; resample to `size`.

    Args:
        pixels: (N, 1, 48, 48), 0..255.
        size: Side of the result in pixels; it always shows the same 44/48 of the picture.
        rng: Source of randomness.
    """
    count = len(pixels)
    angle = _uniform(count, -math.pi / 12, math.pi / 12, rng)
    scale = torch.exp(_uniform(count, math.log(0.82), math.log(1.2), rng)) * CROP_SIZE / FER_SIZE
    mirror = (torch.rand(count, generator=rng) < 0.5).float() * 2 - 1
    shear = _uniform(count, -0.1, 0.1, rng)
    shift = _uniform(2 * count, -3, 3, rng).view(count, 2) * 2 / FER_SIZE
    rows = [
        torch.stack([mirror * scale * angle.cos(), scale * (shear - angle.sin()), shift[:, 0]], 1),
        torch.stack([mirror * scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 1, size, size], align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def _some(count: int, share: float, rng: Generator) -> Tensor:
    return (torch.rand(count, generator=rng) < share).float().view(-1, 1, 1, 1)


def random_sharpness(pixels: Tensor, rng: Generator) -> Tensor:
    """Blur a third of the pictures, sharpen a fifth (unsharp mask)."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    kernel = (kernel[:, None] * kernel / 256).view(1, 1, 5, 5)
    blurred = F.conv2d(F.pad(pixels, (2, 2, 2, 2), mode="reflect"), kernel)
    count = len(pixels)
    amount = _some(count, 0.33, rng) * _uniform(count, 0.3, 1, rng).view(-1, 1, 1, 1)
    sharpen = _some(count, 0.2, rng) * _uniform(count, 0.2, 1, rng).view(-1, 1, 1, 1)
    return pixels + (blurred - pixels) * (amount - sharpen)


def random_light(pixels: Tensor, rng: Generator) -> Tensor:
    """Change gamma (0.6..1.7), light a third of the pictures from one side."""
    count, size = len(pixels), pixels.shape[-1]
    gamma = torch.exp(_uniform(count, math.log(0.6), math.log(1.7), rng)).view(-1, 1, 1, 1)
    lit = (pixels.clamp(0, 255) / 255 + 1e-4) ** gamma
    direction = _uniform(count, 0, 2 * math.pi, rng).view(-1, 1, 1)
    axis = torch.linspace(-1, 1, size)
    ramp = direction.cos() * axis.view(1, 1, size) + direction.sin() * axis.view(1, size, 1)
    strength = _some(count, 0.33, rng) * _uniform(count, 0.2, 0.7, rng).view(-1, 1, 1, 1)
    return lit * (1 + strength * ramp.unsqueeze(1)) * 255


def random_noise(pixels: Tensor, rng: Generator) -> Tensor:
    """Add Gaussian noise (up to 12 grey levels) to a quarter of the pictures."""
    count = len(pixels)
    level = _some(count, 0.25, rng) * _uniform(count, 2, 12, rng).view(-1, 1, 1, 1)
    return pixels + torch.randn(pixels.shape, generator=rng) * level


def random_cover(pixels: Tensor, rng: Generator) -> Tensor:
    """Cover a rectangle (a sixth to a half of each side) in 30 % of the pictures with one grey value."""
    count, size = len(pixels), pixels.shape[-1]
    extent = _uniform(2 * count, size / 6, size / 2, rng).view(2, count, 1)
    start = torch.rand(2, count, 1, generator=rng) * (size - extent)
    axis = torch.arange(size).view(1, 1, size)
    inside = ((axis >= start) & (axis < start + extent)).float()
    mask = inside[0].unsqueeze(2) * inside[1].unsqueeze(1)
    mask = mask.unsqueeze(1) * _some(count, 0.3, rng)
    return pixels * (1 - mask) + _uniform(count, 0, 255, rng).view(-1, 1, 1, 1) * mask


def augment(pixels: Tensor, size: int, rng: Generator, *, gentle: bool = False) -> Tensor:
    """Apply everything above, or only geometry and sharpness if `gentle`, to (N, 1, 48, 48); return (N, 1, size, size)."""
    crops = random_sharpness(random_affine(pixels, size, rng), rng)
    if gentle:
        return crops
    crops = random_light(crops, rng)
    return random_cover(random_noise(crops, rng), rng)


def centre_crop(pixels: Tensor, size: int = CROP_SIZE) -> Tensor:
    """Return the view used for evaluation: the centre 44 pixels, resampled to `size` if it differs."""
    margin = (FER_SIZE - CROP_SIZE) // 2
    crop = pixels[..., margin : margin + CROP_SIZE, margin : margin + CROP_SIZE]
    return crop if size == CROP_SIZE else F.interpolate(crop, size, mode="area")
