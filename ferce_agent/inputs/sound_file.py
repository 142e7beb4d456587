"""Sounds and the sound tracks of films, read piece by piece with PyAV, and whatever can be read of damaged ones.

Time 0 of a sound is its first sample. Time 0 of a film's track is that of the film: its first picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SoundFormatError
from ferce_agent.inputs.clip_formats import is_damage
from ferce_agent.inputs.clip_open import HEAD, OpenedClip, StoppedError
from ferce_agent.inputs.clip_whole import look_at
from ferce_agent.inputs.sound_formats import (
    SEND_AGAIN,
    ends_as_ogg,
    format_of,
    is_film,
    media_type,
    open_sound_container,
    sound_stream,
    stated_length,
)
from ferce_agent.inputs.sound_given import scaled
from ferce_agent.inputs.sound_parts import SoundInfo, SoundLimits, SoundNote, SoundNotes, TimedPiece

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MOST_FAILURES: Final = 200
"""Failures to read a packet in a row, after which the rest is given up."""
_FAR_S: Final = 20.0
"""Beginnings later than this are sought, where the format allows it; decoding up to earlier ones takes no time."""
_BACK_S: Final = 2.0
"""How long before the wanted time decoding begins, so that codecs that look back have settled."""
AT_ONCE_S: Final = 0.5
"""So many seconds of packets that follow one another are worked on at once, which is quicker."""
_ROUNDED_S: Final = 0.003
"""Their times may differ so much: containers round to milliseconds."""
_SHORT_S: Final = 0.1
"""A sound may end so much before it says so: encoders round up to whole packets."""


class FileReader:
    """Reads a sound out of bytes; see `ferce_agent.inputs.sound_parts.SoundReader`."""

    def __init__(self, opened: OpenedClip, start_s: float, limits: SoundLimits) -> None:
        """Open a sound and decode its first piece.

        Args:
            opened: Its bytes; closed with the reader.
            start_s: Where to begin, in seconds.
            limits: What to refuse.

        Raises:
            SoundFormatError: It is no sound in a supported format, or nothing of it can be read.
            NoSoundError: It is a film without a sound track.
            SoundTooLargeError: It has too many channels.
        """
        self.notes = SoundNotes()
        self._opened = opened
        self._limits = limits
        self._start = start_s
        self._zero: float | None = None
        self._open()
        try:
            self._begin()
        except BaseException:
            self._container.close()
            raise

    def _open(self) -> None:
        self._container: InputContainer = open_sound_container(self._opened)
        try:
            self._stream: AudioStream = sound_stream(self._container)
        except BaseException:
            self._container.close()
            raise
        self._base = self._stream.time_base or Fraction(1, 1000)
        self._broken = False
        self._known_s = 0.0

    def _begin(self) -> None:
        self._film = is_film(self._container)
        if self._film:
            pictures = self._container.streams.video[0]
            self._zero = float((pictures.start_time or 0) * (pictures.time_base or 0))
        self._length = stated_length(self._container, self._stream, self._opened.head)
        self._pieces = self._decoded()
        first = next(self._pieces, None)
        if first is None:
            raise SoundFormatError("The file holds no sound that can be read.", hint=SEND_AGAIN)
        self._first = first
        self.info = SoundInfo(
            kind=self._opened.kind,
            media_type=media_type(self._container, self._opened.head),
            duration_s=self._length,
            rate=first.rate,
            channels=len(first.samples),
            sha256=self._opened.sha256,
        )

    def pieces(self) -> Iterator[TimedPiece]:
        """Yield the pieces in their order; the first ones may lie before the wanted beginning."""
        held: list[TimedPiece] = []
        for piece in self._from_start():
            if held and not _follows(piece, held):
                yield _joined(held)
                held = []
            held.append(piece)
        if held:
            yield _joined(held)

    def _from_start(self) -> Iterator[TimedPiece]:
        if self._start > _FAR_S and format_of(self._container).seeks and self._first.time is not None:
            found = self._sought()
            if found is not None:
                yield found
                yield from self._pieces
                return
            self._container.close()
            self._open()
            self._pieces = self._decoded()
        else:
            yield self._first
        yield from self._pieces

    def _sought(self) -> TimedPiece | None:
        """Go to shortly before the wanted beginning; None if that leads to a later place or none."""
        try:
            ticks = int((self._start - _BACK_S + (self._zero or 0.0)) / self._base)
            self._container.seek(ticks, stream=self._stream)
        except StoppedError:
            raise
        except Exception:  # no index, or a damaged one: the sound is read from its beginning then
            return None
        self._pieces = self._decoded()
        found = next(self._pieces, None)
        return found if found is not None and found.time is not None and found.time <= self._start else None

    def _decoded(self) -> Iterator[TimedPiece]:
        for frame in self._raw_frames():
            time = None if frame.pts is None else float(frame.pts * (frame.time_base or self._base))
            if self._zero is None:
                self._zero = time or 0.0
            own = None if time is None else time - self._zero
            gap, self._broken = self._broken, False
            if gap:
                self._note_damage(own)
            self._known_s = (self._known_s if own is None else own) + frame.samples / frame.sample_rate
            yield TimedPiece(self._samples(frame), frame.sample_rate, own, gap)

    def _samples(self, frame: AudioFrame) -> NDArray[np.float32]:
        """Return the samples of a frame, (channels, N); damaged floats become silence."""
        array = frame.to_ndarray()
        samples = scaled(array if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels).T)
        if not np.isfinite(samples).all():
            self._broken = True
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return samples

    def _note_damage(self, until: float | None) -> None:
        message = "A part of the sound is damaged and left out."
        known = max(self._known_s, 0.0)
        if until is None or until >= self._start:
            self.notes.stretch(SoundNote("sound_damaged", message, known, max(until or known, known), 1))

    def _raw_frames(self) -> Iterator[AudioFrame]:
        for packet in self._raw_packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except EOFError:
                return
            except Exception as error:  # FFmpeg has an error for each kind of damage
                if not is_damage(error):
                    raise
                self._broken = True
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self._broken = True
                elif frame.samples and frame.sample_rate:
                    self._limits.check_form(frame.sample_rate, frame.layout.nb_channels)
                    yield frame

    def _raw_packets(self) -> Iterator[Packet[Any] | None]:
        """Yield packets, going on after ones that cannot be read; the last is empty, or None."""
        failures = 0
        while failures < MOST_FAILURES and not self._opened.file.stopped:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
                break
            except Exception as error:  # as above
                if not is_damage(error):
                    raise
                failures += 1
                self._broken = True
        if self._opened.file.stopped:  # FFmpeg may take it for the end
            raise StoppedError
        yield None

    def ended(self, end_s: float) -> None:
        """Note what is missing, now that the sound is over at a time."""
        begun = self._first.time or 0.0
        short = self._length is not None and self._length - (end_s - begun) > _SHORT_S
        if short or self._broken or self._is_cut_off():
            message = "The sound ends early: its file is cut off, or its last part is damaged."
            stated = begun + self._length if short and self._length is not None else None
            self.notes.put(SoundNote("sound_truncated", message, end_s, stated))

    def _is_cut_off(self) -> bool:
        file, size = self._opened.file, self._opened.size
        if file.failed:
            return True
        if self._opened.head[:4] == b"OggS":
            file.seek(max(size - HEAD, 0))
            return not ends_as_ogg(file.read(HEAD))
        return look_at(file, size).cut_off

    def stop(self) -> None:
        """Have FFmpeg find the end of the file at its next read."""
        self._opened.file.stop()

    def close(self) -> None:
        """Close the file."""
        self._pieces.close()  # type: ignore[attr-defined]  # a generator
        self._container.close()
        self._opened.file.close()


def _follows(piece: TimedPiece, held: list[TimedPiece]) -> bool:
    """Return whether a piece goes on where those before end, and all may be worked on at once."""
    first = held[0]
    seconds = sum(one.samples.shape[1] for one in held) / first.rate
    if piece.after_gap or piece.rate != first.rate or len(piece.samples) != len(first.samples) or seconds >= AT_ONCE_S:
        return False
    return piece.time is None or (first.time is not None and abs(piece.time - first.time - seconds) < _ROUNDED_S)


def _joined(held: list[TimedPiece]) -> TimedPiece:
    if len(held) == 1:
        return held[0]
    samples = np.concatenate([one.samples for one in held], axis=1)
    return TimedPiece(samples, held[0].rate, held[0].time, held[0].after_gap)
