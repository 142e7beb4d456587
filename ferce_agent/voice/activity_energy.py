"""Speech by its energy over the background: no weights, quick, and easily wrong where the background changes."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.voice.activity import FRAME, FRAME_S

BAND_HZ: Final = (200.0, 4000.0)
"""Where most of speech's energy lies; rumble below and hiss above do not count."""
MEMORY_S: Final = 3.0
"""The background is the quietest that was heard for so long: there are pauses in speech."""
EVEN_DB: Final = 8.0
"""Energy over the background at which speech is as likely as not, in dB."""
SLOPE_DB: Final = 2.0
"""By how many dB more the odds grow e-fold."""
FLOOR: Final = 1e-9
"""Mean square of the quietest background, -90 dB of full scale; below that nothing is told apart."""


class EnergyScorer:
    """See `ferce_agent.voice.activity.SpeechScorer`."""

    def __init__(self) -> None:
        """Begin."""
        self._window = np.hanning(FRAME)
        hertz = np.fft.rfftfreq(FRAME, 1 / SOUND_RATE)
        self._band = (hertz >= BAND_HZ[0]) & (hertz <= BAND_HZ[1])
        self.reset()

    def reset(self) -> None:
        """Forget the background."""
        self._recent: deque[float] = deque(maxlen=round(MEMORY_S / FRAME_S))
        self._smooth: float | None = None

    def score(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the odds of the energy over the background as scores, shape (T,)."""
        spectra = np.abs(np.fft.rfft(frames * self._window, axis=1)[:, self._band]) ** 2
        powers = spectra.sum(1) * 2 / (FRAME * float((self._window**2).sum())) + FLOOR
        over = np.array([self._over(power) for power in powers.tolist()])
        return (1 / (1 + np.exp((EVEN_DB - over) / SLOPE_DB))).astype(np.float32)

    def _over(self, power: float) -> float:
        """Return by how many dB a frame is louder than the background."""
        self._smooth = power if self._smooth is None else 0.6 * self._smooth + 0.4 * power
        self._recent.append(self._smooth)
        return float(10 * np.log10(power / min(self._recent)))
