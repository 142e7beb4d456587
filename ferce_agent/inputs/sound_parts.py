"""What every source of sound tells of itself: `SoundInfo`, its notes, and blocks of samples at their times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SoundShapeError, SoundTooLargeError
from ferce_agent.inputs.notes import Note, Notes
from ferce_agent.report.speech import SoundDegradedCode

SOUND_RATE: Final = 16_000
"""Samples a second of every sound that is read: speech needs no more, and every model of this package takes it."""
SoundKind = Literal["file", "bytes", "samples", "blocks"]
"""How a sound was given."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples of one channel.

    Attributes:
        samples: Shape (N,), float32, from -1 to 1 (full scale).
        rate: Samples a second.
        first_s: Time of the first sample in seconds of the sound, or of the film whose track it is.
    """

    samples: NDArray[np.float32]
    rate: int
    first_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """How long it is, in seconds."""
        return len(self.samples) / self.rate

    @property
    def end_s(self) -> float:
        """When it is over, in seconds."""
        return self.first_s + self.duration_s


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """What is known of a sound before it is read.

    Attributes:
        kind: How it was given.
        media_type: Format found in the data, e.g. ``audio/mpeg``; ``audio/x-samples`` for arrays. A film keeps its own.
        duration_s: How long it says it is, in seconds; None where it does not say.
        rate: Samples a second in the source, before it is resampled.
        channels: Channels in the source, before they are mixed to one.
        sha256: Digest of the encoded file; None where there is none, or the file is too large to be read twice.
    """

    kind: SoundKind
    media_type: str
    duration_s: float | None
    rate: int
    channels: int
    sha256: str | None = None


SoundNote: TypeAlias = Note[SoundDegradedCode]
"""Something about a sound that could not be read as it should be."""
SoundNotes: TypeAlias = Notes[SoundDegradedCode]
"""The notes of a sound, which grow while it is read."""


@dataclass(frozen=True, slots=True)
class SoundLimits:
    """How much of a sound is read; a file itself may have any size, for it is never read whole.

    Attributes:
        max_seconds: Longest stretch that is read as a stream, in seconds.
        max_read_s: Longest stretch that `read_sound` keeps in memory, in seconds (an hour has 230 MB).
        max_channels: Most channels.
        min_rate: Fewest samples a second.
        max_rate: Most samples a second.
    """

    max_seconds: float = 86_400.0
    max_read_s: float = 3_600.0
    max_channels: int = 64
    min_rate: int = 4_000
    max_rate: int = 768_000

    def check_form(self, rate: int, channels: int) -> None:
        """Check the rate and the number of channels of a source.

        Raises:
            SoundTooLargeError: Too many channels.
            SoundShapeError: No sensible rate, or no channel.
        """
        if channels > self.max_channels:
            raise SoundTooLargeError(
                f"The sound has {channels} channels; at most {self.max_channels} are read.",
                hint="An array has the shape (samples,) or (samples, channels); perhaps it must be transposed.",
            )
        if channels < 1:
            raise SoundShapeError(
                "The sound has no channel.", hint="An array has the shape (samples,) or (samples, channels)."
            )
        if not self.min_rate <= rate <= self.max_rate:
            raise SoundShapeError(
                f"The sound has {rate:,} samples a second; {self.min_rate:,} to {self.max_rate:,} are read.",
                hint="Give the rate at which it was recorded, for example 16000.",
            )

    def check_seconds(self, seconds: float) -> None:
        """Check how long the stretch to be read is.

        Raises:
            SoundTooLargeError: It is longer than the limit.
        """
        if seconds > self.max_seconds:
            raise SoundTooLargeError(
                f"The sound says that {seconds:,.0f} s are to be read; at most {self.max_seconds:,.0f} s are read at a "
                "time.",
                hint="Give start_s and end_s to read a part of it.",
            )

    def check_kept(self, seconds: float) -> None:
        """Check how long the stretch to be kept in memory is.

        Raises:
            SoundTooLargeError: It is longer than the limit.
        """
        if seconds > self.max_read_s:
            raise SoundTooLargeError(
                f"More than {self.max_read_s:,.0f} s of sound are not kept in memory at a time.",
                hint="Read a part with start_s and end_s, or block by block with open_sound.",
            )


SOUND_LIMITS: Final = SoundLimits()


@dataclass(frozen=True, slots=True)
class TimedPiece:
    """A piece of sound as decoded or given, at its own rate.

    Attributes:
        samples: Shape (channels, N), float32, full scale 1; finite.
        rate: Samples a second.
        time: Time of its first sample in seconds; None where it has none and follows the piece before.
        after_gap: Whether sound before it could not be read.
    """

    samples: NDArray[np.float32]
    rate: int
    time: float | None
    after_gap: bool = False


class SoundReader(Protocol):
    """One kind of source: says what it is, gives its pieces once, and can be stopped."""

    @property
    def info(self) -> SoundInfo:
        """What is known of it."""

    @property
    def notes(self) -> SoundNotes:
        """What could not be read so far."""

    def pieces(self) -> Iterator[TimedPiece]:
        """Yield the pieces in their order; some from before the wanted beginning may come first."""

    def ended(self, end_s: float) -> None:
        """Take that all pieces were read, and that the last sample is over at a time."""

    def stop(self) -> None:
        """Make a step that another thread is in end soon."""

    def close(self) -> None:
        """Let go of everything; never called during a step."""
