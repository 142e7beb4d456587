"""Samples that a caller has: an array with its rate, or blocks as they come from a microphone; checked as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from math import isfinite
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import NoSoundError, SoundFormatError, SoundShapeError
from ferce_agent.inputs.sound_parts import Sound, SoundInfo, SoundKind, SoundLimits, SoundNotes, TimedPiece

SAMPLES: Final = "audio/x-samples"
"""Media type of sounds that come as arrays."""
MOST_OVER: Final = 4.0
"""Largest float that is taken for a sample (12 dB above full scale, as decoders give); larger ones are other units."""
_HINT: Final = "Give (rate, array), or blocks that are Sound objects or such pairs."
_SCALE: Final = {"int16": 2.0**15, "int32": 2.0**31, "uint8": 2.0**7, "int8": 2.0**7}
"""Full scale of the types of samples."""


def as_channels(array: Any, limits: SoundLimits, rate: int) -> NDArray[np.float32]:
    """Return samples as float32 of full scale 1, shape (channels, N).

    Args:
        array: Shape (N,) or (N, channels); int16, int32, int8, uint8 (128 is zero) or floats from -1 to 1.
        limits: What to refuse.
        rate: Samples a second.

    Raises:
        SoundShapeError: It has another shape or type, or holds numbers that are no samples.
        SoundTooLargeError: It has too many channels.
    """
    given = np.asarray(array)
    if given.ndim not in {1, 2} or (given.dtype.kind != "f" and given.dtype.name not in _SCALE):
        raise SoundShapeError(
            f"An array of the shape {given.shape} and type {given.dtype} is no sound.",
            hint="Give (samples,) or (samples, channels), as int16, int32 or floats from -1 to 1.",
        )
    limits.check_form(rate, 1 if given.ndim == 1 else given.shape[1])
    columns = given[:, None] if given.ndim == 1 else given
    samples = scaled(columns.T)
    _check_values(samples)
    return samples


def scaled(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Return samples as float32 with full scale 1.

    Args:
        samples: Any shape; signed integers, uint8 (128 is zero) or floats, which are left as they are.
    """
    scale = _SCALE.get(samples.dtype.name)
    if scale is None:
        return np.ascontiguousarray(samples, np.float32)
    zero = 128.0 if samples.dtype == np.uint8 else 0.0
    return np.ascontiguousarray((samples - np.float64(zero)) / scale, np.float32)


def _check_values(samples: NDArray[np.float32]) -> None:
    if samples.size and not np.isfinite(samples).all():
        raise SoundShapeError("The array holds numbers that are not finite.", hint="Replace them before.")
    if samples.size and float(np.abs(samples).max()) > MOST_OVER:
        raise SoundShapeError(
            f"The array holds floats up to {float(np.abs(samples).max()):,.0f}; full scale is 1.",
            hint="Divide by the full scale, 32768 for 16 bits, or give the integers.",
        )


class GivenReader:
    """Samples of a caller; see `ferce_agent.inputs.sound_parts.SoundReader`. The first block is taken on opening."""

    def __init__(self, blocks: Iterable[Any], kind: SoundKind, limits: SoundLimits) -> None:
        """Take the first block.

        Args:
            blocks: `Sound` objects or pairs of a rate and an array. A `Sound` that begins later than the one before
                ended leaves a gap; pairs follow one another.
            kind: How they were given.
            limits: What to refuse.

        Raises:
            NoSoundError: There is none.
            SoundFormatError: It is neither a `Sound` nor a pair.
            SoundShapeError: It holds no samples.
        """
        self.notes = SoundNotes()
        self._limits = limits
        self._stopped = False
        entries = iter(blocks)
        try:
            first = next(entries)
        except StopIteration:
            raise NoSoundError("There are no blocks of sound.", hint=_HINT) from None
        rate, samples, time = self._checked(first)
        length = samples.shape[1] / rate if kind == "samples" else None
        self._begin = time or 0.0
        self._entries = chain([first], entries)
        self.info = SoundInfo(kind, SAMPLES, length, rate, samples.shape[0])

    def _checked(self, entry: Any) -> tuple[int, NDArray[np.float32], float | None]:
        if isinstance(entry, Sound):
            rate, array, time = entry.rate, entry.samples, entry.first_s
            if isinstance(time, bool | np.bool_) or not isinstance(time, Real) or not isfinite(time):
                raise SoundShapeError(f"A block begins at {time!r:.40}.", hint="first_s is the time in seconds.")
        elif isinstance(entry, tuple | list) and len(entry) == 2:
            rate, array, time = entry[0], entry[1], None
        else:
            raise SoundFormatError(f"A block of sound cannot be made from {type(entry).__name__}.", hint=_HINT)
        if isinstance(rate, bool) or not isinstance(rate, Integral):
            raise SoundShapeError(f"A rate is a whole number of samples a second, not {rate!r:.40}.", hint=_HINT)
        return int(rate), as_channels(array, self._limits, int(rate)), time

    def pieces(self) -> Iterator[TimedPiece]:
        """Yield the blocks, cut to a second at most.

        Raises:
            SoundFormatError: A block is neither a `Sound` nor a pair.
            SoundShapeError: A block holds no samples, or has another number of channels than the first.
        """
        for entry in self._entries:
            if self._stopped:
                return
            rate, samples, time = self._checked(entry)
            if samples.shape[0] != self.info.channels:
                raise SoundShapeError(
                    f"A block has {samples.shape[0]} channels, the first one has {self.info.channels}."
                )
            for at in range(0, samples.shape[1], rate):
                own = None if time is None else time + at / rate
                yield TimedPiece(samples[:, at : at + rate], rate, own)

    def ended(self, end_s: float) -> None:
        """Nothing can be missing."""

    def stop(self) -> None:
        """Take no further block."""
        self._stopped = True

    def close(self) -> None:
        """Let go of the caller's iterator."""
        self._entries = chain()
