"""From pieces of any rate and any number of channels to one channel at 16 kHz without gaps, and exactly in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.inputs.sound_level import FULL, LevelMeter
from ferce_agent.inputs.sound_parts import SOUND_RATE, SoundNote, SoundNotes, TimedPiece

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler

TOLERANCE_S: Final = 0.08
"""A piece may come so much earlier or later than the one before ended: containers round times, to 23 ms at most, and
clocks differ."""
AFTER_LOSS_S: Final = 0.005
"""The same after a loss, where a difference is expected."""
MOST_GAP_S: Final = 600.0
"""Longest gap that is filled with silence; a longer one is a jump of the clock."""


class Steady:
    """Mixes and resamples pieces; gaps are filled with silence so that each sample's time follows from its number.

    Channels are averaged. The resampler is FFmpeg's, whose output begins with the time of its input.
    """

    def __init__(self, notes: SoundNotes, meter: LevelMeter, *, whole: bool) -> None:
        """Begin.

        Args:
            notes: Where repaired times and gaps are noted.
            meter: Told of the source's samples, for what is clipped.
            whole: Whether a gap tells of a loss, as in files; blocks of a caller's may have some.
        """
        self._whole = whole
        self._notes = notes
        self._meter = meter
        self._resampler: AudioResampler | None = None
        self._rate = 0
        self.first_s: float | None = None
        """Time of the first sample in seconds, once there is one."""
        self._ahead_s = self._shift = 0.0
        self._repaired = 0

    def add(self, piece: TimedPiece) -> Iterator[NDArray[np.float32]]:
        """Yield the samples, shape (N,), that are ready after one more piece."""
        if self.first_s is None:
            self.first_s = self._ahead_s = piece.time or 0.0
        if piece.rate != self._rate:
            yield from self.finish()
            self._begin(piece.rate)
        for silence in self._silence(piece):
            yield from self._resampled(silence)
        self._meter.source(np.abs(piece.samples) >= FULL)
        yield from self._resampled(piece.samples.mean(0))

    def _begin(self, rate: int) -> None:
        import av

        self._rate = rate
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND_RATE)

    def _silence(self, piece: TimedPiece) -> Iterator[NDArray[np.float32]]:
        """Yield silence, a second at most at a time, up to where a piece begins."""
        if piece.time is None:
            return
        gap = piece.time + self._shift - self._ahead_s
        allowed = AFTER_LOSS_S if piece.after_gap else TOLERANCE_S
        if gap < -TOLERANCE_S or gap > MOST_GAP_S:
            self._repair(piece.time)
            return
        missing = round(gap * self._rate) if gap > allowed else 0
        if missing and self._whole and not piece.after_gap:
            message = "There is no sound for a while: the file is damaged, or none was recorded."
            begin = self._ahead_s - self._shift
            self._notes.stretch(SoundNote("sound_damaged", message, begin, piece.time, 1))
        while missing > 0:
            count = min(missing, self._rate)
            yield np.zeros(count, np.float32)
            missing -= count

    def _repair(self, time: float) -> None:
        self._repaired += 1
        message = "The sound's own times jump; from there on it follows without a gap."
        self._notes.put(SoundNote("times_repaired", message, self._ahead_s, None, self._repaired))
        # From here on the difference is the rule.
        self._shift = self._ahead_s - time

    def _resampled(self, samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        self._ahead_s += len(samples) / self._rate
        if self._resampler is not None and len(samples):
            yield from _arrays(self._resampler.resample(_frame(samples, self._rate)))

    def finish(self) -> Iterator[NDArray[np.float32]]:
        """Yield the last samples."""
        if self._resampler is not None:
            yield from _arrays(self._resampler.resample(None))
            self._resampler = None


def _frame(samples: NDArray[np.float32], rate: int) -> AudioFrame:
    import av

    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate = rate
    return frame


def _arrays(frames: list[AudioFrame]) -> Iterator[NDArray[np.float32]]:
    for frame in frames:
        if frame.samples:
            yield np.clip(frame.to_ndarray().reshape(-1), -1.0, 1.0)
