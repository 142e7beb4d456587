"""Batch augmentation on the CPU: 48x48 FER+ pictures to varied crops, all in a few tensor operations.

The geometry covers what the product's own alignment leaves over (a few pixels, a few degrees) and more; the photometry
covers what separates FER+ from photos: sharper or blurrier, coarser, darker, lit from one side, noisy, moved, partly
covered.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ferce_agent.faces.template import CROP_SIZE, FER_SIZE


class Crops(NamedTuple):
    """Augmented pictures, and what was done to their geometry.

    Attributes:
        pixels: (N, 1, S, S), about 0..255.
        mirror: -1 where the picture was mirrored, else 1; shape (N,).
        turned: Degrees by which the picture was turned clockwise before the mirroring, shape (N,).
    """

    pixels: Tensor
    mirror: Tensor
    turned: Tensor


def _uniform(count: int, low: float, high: float, rng: Generator) -> Tensor:
    return torch.rand(count, generator=rng) * (high - low) + low


def _some(count: int, share: float, rng: Generator) -> Tensor:
    return (torch.rand(count, generator=rng) < share).float().view(-1, 1, 1, 1)


def random_affine(pixels: Tensor, size: int, rng: Generator) -> Crops:
    """Rotate (12 degrees at most; 30 for one in eight), scale (0.82..1.2), shift (3 pixels), shear, mirror.

    Resample to `size`.

    Args:
        pixels: (N, 1, 48, 48), 0..255.
        size: Side of the result in pixels; it always shows about the same 44/48 of the picture.
        rng: Source of randomness.
    """
    count = len(pixels)
    angle = _uniform(count, -math.pi / 15, math.pi / 15, rng)
    angle = angle * (1 + 1.5 * _some(count, 0.125, rng).flatten())
    scale = torch.exp(_uniform(count, math.log(0.82), math.log(1.2), rng)) * CROP_SIZE / FER_SIZE
    mirror = (torch.rand(count, generator=rng) < 0.5).float() * 2 - 1
    shear = _uniform(count, -0.1, 0.1, rng)
    shift = _uniform(2 * count, -3, 3, rng).view(count, 2) * 2 / FER_SIZE
    rows = [
        torch.stack([mirror * scale * angle.cos(), scale * (shear - angle.sin()), shift[:, 0]], 1),
        torch.stack([mirror * scale * angle.sin(), scale * angle.cos(), shift[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 1, size, size], align_corners=False)
    turned = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    # The grid maps the result to the source, so the picture turns against the angle.
    return Crops(turned, mirror, -torch.rad2deg(angle))


def random_sharpness(pixels: Tensor, rng: Generator) -> Tensor:
    """Blur a third of the pictures, some of them strongly, sharpen a fifth (unsharp mask)."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    kernel = (kernel[:, None] * kernel / 256).view(1, 1, 5, 5)
    count = len(pixels)

    def blur(image: Tensor) -> Tensor:
        return F.conv2d(F.pad(image, (2, 2, 2, 2), mode="reflect"), kernel)

    blurred = blur(pixels)
    amount = _some(count, 0.33, rng) * _uniform(count, 0.3, 1, rng).view(-1, 1, 1, 1)
    sharpen = _some(count, 0.2, rng) * _uniform(count, 0.2, 1, rng).view(-1, 1, 1, 1)
    changed = pixels + (blurred - pixels) * (amount - sharpen)
    strong = _some(count, 0.08, rng)
    return changed + strong * (blur(blur(blurred)) - changed)


def random_motion(pixels: Tensor, rng: Generator) -> Tensor:
    """Smear one picture in ten along a line of 3 to 9 pixels."""
    count, side = len(pixels), 9
    angle = _uniform(count, 0, math.pi, rng).view(-1, 1, 1)
    half = _uniform(count, 1.5, 4.5, rng).view(-1, 1, 1)
    axis = torch.arange(side).float() - side // 2
    across = axis.view(1, 1, side) * angle.sin() - axis.view(1, side, 1) * angle.cos()
    along = axis.view(1, 1, side) * angle.cos() + axis.view(1, side, 1) * angle.sin()
    kernels = (1 - across.abs()).clamp(min=0) * (along.abs() <= half)
    still = torch.zeros(side, side)
    still[side // 2, side // 2] = 1
    chosen = _some(count, 0.1, rng).view(-1, 1, 1)
    kernels = chosen * kernels / kernels.sum((1, 2), keepdim=True) + (1 - chosen) * still
    edge = side // 2
    padded = F.pad(pixels, (edge, edge, edge, edge), mode="reflect").transpose(0, 1)
    return F.conv2d(padded, kernels.unsqueeze(1), groups=count).transpose(0, 1)


def random_coarseness(pixels: Tensor, rng: Generator) -> Tensor:
    """Show one picture in eight at half the resolution, or with the 8-pixel blocks of strong compression."""
    count, size = len(pixels), pixels.shape[-1]
    half = F.interpolate(F.interpolate(pixels, size // 2, mode="area"), size, mode="bilinear", align_corners=False)
    blocks = F.interpolate(F.avg_pool2d(pixels, 4, 4, ceil_mode=True), scale_factor=4, mode="nearest")[
        ..., :size, :size
    ]
    changed = pixels + _some(count, 0.07, rng) * (half - pixels)
    return changed + _some(count, 0.07, rng) * _uniform(count, 0.3, 0.8, rng).view(-1, 1, 1, 1) * (blocks - changed)


def random_light(pixels: Tensor, rng: Generator) -> Tensor:
    """Change gamma (0.6..1.7), light a third of the pictures from one side, darken one in ten to few grey levels."""
    count, size = len(pixels), pixels.shape[-1]
    gamma = torch.exp(_uniform(count, math.log(0.6), math.log(1.7), rng)).view(-1, 1, 1, 1)
    lit = (pixels.clamp(0, 255) / 255 + 1e-4) ** gamma
    direction = _uniform(count, 0, 2 * math.pi, rng).view(-1, 1, 1)
    axis = torch.linspace(-1, 1, size)
    ramp = direction.cos() * axis.view(1, 1, size) + direction.sin() * axis.view(1, size, 1)
    strength = _some(count, 0.33, rng) * _uniform(count, 0.2, 0.7, rng).view(-1, 1, 1, 1)
    lit = lit * (1 + strength * ramp.unsqueeze(1)) * 255
    dark = (lit * _uniform(count, 0.06, 0.4, rng).view(-1, 1, 1, 1)).round()
    return lit + _some(count, 0.1, rng) * (dark - lit)


def random_noise(pixels: Tensor, rng: Generator) -> Tensor:
    """Add Gaussian noise to a quarter of the pictures.

    Up to 12 grey levels, up to 36 for a few, less on dark pictures.
    """
    count = len(pixels)
    level = _some(count, 0.25, rng) * _uniform(count, 2, 12, rng).view(-1, 1, 1, 1) * (1 + 2 * _some(count, 0.25, rng))
    bright = (pixels.mean((1, 2, 3), keepdim=True) / 128).clamp(0.1, 1)
    return pixels + torch.randn(pixels.shape, generator=rng) * level * bright


def random_cover(pixels: Tensor, rng: Generator) -> Tensor:
    """Cover a rectangle (a sixth to a half of each side) in 30 % of the pictures, a band as wide as the face in 6 %."""
    count, size = len(pixels), pixels.shape[-1]
    extent = _uniform(2 * count, size / 6, size / 2, rng).view(2, count, 1)
    band = _some(count, 0.2, rng).view(count, 1)
    extent[1] = extent[1] * (1 - band) + band * size * 0.9
    extent[0] = extent[0] * (1 - band * 0.4)
    start = torch.rand(2, count, 1, generator=rng) * (size - extent)
    axis = torch.arange(size).view(1, 1, size)
    inside = ((axis >= start) & (axis < start + extent)).float()
    mask = inside[0].unsqueeze(2) * inside[1].unsqueeze(1)
    mask = mask.unsqueeze(1) * _some(count, 0.3, rng)
    return pixels * (1 - mask) + _uniform(count, 0, 255, rng).view(-1, 1, 1, 1) * mask


def augment(pixels: Tensor, size: int, rng: Generator, *, gentle: bool = False) -> Crops:
    """Apply everything above to (N, 1, 48, 48), or only geometry and sharpness to three in four if `gentle`.

    The pixels come as (N, 1, size, size).
    """
    crops = random_affine(pixels, size, rng)
    mild = random_sharpness(crops.pixels, rng)
    strong = random_light(random_cover(random_coarseness(random_motion(mild, rng), rng), rng), rng)
    strong = random_noise(strong, rng)
    share = _some(len(pixels), 0.25 if gentle else 1.0, rng)
    return crops._replace(pixels=mild + share * (strong - mild))


def centre_crop(pixels: Tensor, size: int = CROP_SIZE) -> Tensor:
    """Return the view used for evaluation: the centre 44 pixels, resampled to `size` if it differs."""
    margin = (FER_SIZE - CROP_SIZE) // 2
    crop = pixels[..., margin : margin + CROP_SIZE, margin : margin + CROP_SIZE]
    return crop if size == CROP_SIZE else F.interpolate(crop, size, mode="area")
