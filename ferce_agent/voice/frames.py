"""Frames of a sound, one each 10 ms, and how many are worked on at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HOP_S: Final = 0.01
"""Distance between the middles of two frames in seconds."""
AT_ONCE: Final = 1000
"""Frames that are worked on at a time, so that memory does not grow with the length."""


def frame_count(samples: int, rate: int) -> int:
    """Return how many frames a sound has: one for each begun 10 ms."""
    return -(-samples // round(rate * HOP_S))


def windows(samples: NDArray[np.float32], rate: int, length: int) -> Iterator[NDArray[np.float32]]:
    """Yield frames, shape (up to 1000, length); the middle of frame k lies at (k + 0.5) · 10 ms, beyond the ends is 0.

    Args:
        samples: Shape (N,).
        rate: Samples a second, a multiple of 100.
        length: Samples of a frame, even.
    """
    hop = round(rate * HOP_S)
    count = frame_count(len(samples), rate)
    before = (length - hop) // 2
    padded = np.pad(samples, (max(before, 0), length + hop))[max(-before, 0) :]
    view = sliding_window_view(padded, length)[::hop][:count]
    for at in range(0, count, AT_ONCE):
        yield view[at : at + AT_ONCE]
