"""Rounding of matrices to a few bits in blocks, alone or so that what the matrix gives for given inputs changes least.

The second is GPTQ (Frantar et al. 2022, https://arxiv.org/abs/2210.17323): the columns of a matrix are rounded one
after another, and those that are not rounded yet take over the error, weighted by the inverse of the inputs' second
moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BITS: Final = 4
MIDDLE: Final = 2 ** (BITS - 1)
"""The code that stands for zero."""
FACTORS: Final = np.linspace(0.75, 1.15, 17)
"""Scales that are tried, as parts of the one at which the largest number of a block still has a code."""
DAMPING: Final = 0.01
"""Part of the mean second moment that is added to each, so that rare inputs do not decide."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix (N, K) in blocks of B along its rows.

    Attributes:
        codes: 0..15, shape (N, K / B, B).
        scales: What a step of one code is worth; exact in half precision; shape (N, K / B).
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]

    def matrix(self) -> NDArray[np.float32]:
        """Return the matrix (N, K) that the codes stand for."""
        steps = self.codes.astype(np.float32) - MIDDLE
        return (steps * self.scales[..., None]).reshape(len(self.codes), -1)

    def packed(self) -> NDArray[np.uint8]:
        """Return the codes, two a byte, the first in the lower half, shape (N, K / B, B / 2)."""
        return np.asarray(self.codes[..., 0::2] | (self.codes[..., 1::2] << 4), np.uint8)


def scales_of(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scale of each block (..., B) whose codes come nearest to its numbers, shape (...)."""
    place = np.abs(blocks).argmax(-1)[..., None]
    widest = np.take_along_axis(blocks, place, -1)[..., 0] / -MIDDLE
    best = np.full(widest.shape, 1e-4)
    least = np.full(widest.shape, np.inf)
    for factor in FACTORS:
        tried = (widest * factor).astype(np.float16).astype(np.float64)
        tried[tried == 0] = 1e-4
        error = ((codes_of(blocks, tried) - MIDDLE) * tried[..., None] - blocks) ** 2
        better = error.sum(-1) < least
        best, least = np.where(better, tried, best), np.where(better, error.sum(-1), least)
    return best.astype(np.float16).astype(np.float64)


def codes_of(blocks: NDArray[np.float64], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest codes of blocks (..., B) with these scales (...)."""
    return np.clip(np.round(blocks / scales[..., None]) + MIDDLE, 0, 2**BITS - 1)


def rounded(matrix: NDArray[np.float32], block: int) -> Blocks:
    """Return a matrix (N, K) in blocks, each number with the nearest code."""
    blocks = matrix.astype(np.float64).reshape(len(matrix), -1, block)
    scales = scales_of(blocks)
    return Blocks(codes_of(blocks, scales).astype(np.uint8), scales.astype(np.float32))


def rounded_for(matrix: NDArray[np.float64], moments: NDArray[np.float64], block: int) -> Blocks:
    """Return a matrix (N, K) in blocks, rounded with its inputs' second moments (K, K) in view."""
    rows, columns = matrix.shape
    left = matrix.copy()
    damped = moments + np.eye(columns) * np.trace(moments) / columns * DAMPING
    spread = np.linalg.cholesky(np.linalg.inv(damped)).T
    codes = np.zeros((rows, columns // block, block), np.uint8)
    scales = np.zeros((rows, columns // block))
    for number in range(columns // block):
        first, last = number * block, (number + 1) * block
        scales[:, number] = scales_of(left[:, first:last])
        errors = np.zeros((rows, block))
        for place, column in enumerate(range(first, last)):
            chosen = codes_of(left[:, [column]], scales[:, number])[:, 0]
            codes[:, number, place] = chosen
            errors[:, place] = (left[:, column] - (chosen - MIDDLE) * scales[:, number]) / spread[column, column]
            left[:, column + 1 : last] -= errors[:, [place]] * spread[column, column + 1 : last]
        left[:, last:] -= errors @ spread[first:last, last:]
    return Blocks(codes, scales.astype(np.float32))
