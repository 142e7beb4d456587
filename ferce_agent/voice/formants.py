"""Formants by linear prediction: resonances of the vocal tract in voiced frames."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.frames import windows

RATE: Final = 10_000
"""Samples a second for formants, so that five lie below half of it."""
ORDER: Final = 10
"""Coefficients: two for each of five formants (J. Markel and A. Gray, Linear Prediction of Speech, 1976)."""
WINDOW: Final = 300
"""Samples of a frame, 30 ms."""
EMPHASIS: Final = 0.97
"""Pre-emphasis, which takes off the fall of the voice's spectrum."""
BAND_HZ: Final = (120.0, 4700.0)
"""Where formants are looked for."""
WIDEST_HZ: Final = 700.0
"""Broader resonances are none."""


def formants(samples: NDArray[np.float32], voiced: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return frequency and bandwidth of the first three formants.

    Args:
        samples: Shape (N,), at 16 kHz.
        voiced: Shape (T,), which frames are voiced; others have none.

    Returns:
        Shape (T, 3, 2) in hertz; NaN where a formant was not found.
    """
    from scipy.signal import lfilter, resample_poly

    found = np.full((len(voiced), 3, 2), np.nan)
    if not voiced.any():
        return found
    lower = resample_poly(samples, RATE // 2000, SOUND_RATE // 2000)
    emphasised = np.asarray(lfilter([1.0, -EMPHASIS], [1.0], lower), np.float32)
    at = 0
    for part in windows(emphasised, RATE, WINDOW):
        chosen = np.flatnonzero(voiced[at : at + len(part)])
        if len(chosen):
            found[at + chosen] = _resonances(predictors(part[chosen] * np.hamming(WINDOW)))
        at += len(part)
    return found


def predictors(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of linear prediction by the autocorrelation method, shape (T, 10).

    Args:
        frames: Shape (T, N), windowed.
    """
    lags = np.stack([(frames[:, : frames.shape[1] - k] * frames[:, k:]).sum(1) for k in range(ORDER + 1)], axis=1)
    lags[:, 0] = lags[:, 0] * (1 + 1e-9) + 1e-12
    places = np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))
    return np.asarray(np.linalg.solve(lags[:, places], lags[:, 1:, None])[:, :, 0])


def _resonances(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frequencies and bandwidths, (T, 3, 2), from the roots of the predictor."""
    companion = np.zeros((len(coefficients), ORDER, ORDER))
    companion[:, 0] = coefficients
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1.0
    roots = np.linalg.eigvals(companion)
    hertz = np.angle(roots) * RATE / (2 * np.pi)
    width = -np.log(np.maximum(np.abs(roots), 1e-9)) * RATE / np.pi
    good = (hertz > BAND_HZ[0]) & (hertz < BAND_HZ[1]) & (width < WIDEST_HZ)
    order = np.argsort(np.where(good, hertz, np.inf), axis=1)[:, :3]
    both = np.stack([hertz, width], axis=2)
    both[~good] = np.nan
    return np.take_along_axis(both, order[:, :, None], axis=1)
