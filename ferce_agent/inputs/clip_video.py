"""Films, read frame by frame with PyAV: true times, exact seeking, and whatever can be read of damaged ones.

Time 0 is the first frame that is shown. Where frames before it are lost in a container that says when it begins, time 0
is that beginning, so that the others keep their times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.errors import ClipFormatError
from ferce_agent.inputs.clip_damage import INVISIBLE, DamageWatch, HoleWatch
from ferce_agent.inputs.clip_formats import (
    SEND_AGAIN,
    film_stream,
    format_of,
    is_damage,
    media_type,
    open_container,
    refuse_other_kinds,
    stated_length,
)
from ferce_agent.inputs.clip_open import OpenedClip, StoppedError
from ferce_agent.inputs.clip_parts import ClipInfo, ClipNote, ClipNotes, TimedPicture
from ferce_agent.inputs.clip_pixels import FrameShape
from ferce_agent.inputs.clip_times import Timeline
from ferce_agent.inputs.clip_whole import Layout, look_at
from ferce_agent.inputs.limits import ClipLimits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

USUAL_RATE: Final = 25.0
"""Frames a second of a film that has neither times nor a rate."""
MOST_FAILURES: Final = 200
"""Failures to read a packet in a row, after which the rest is given up."""
BACK_S: Final = (0.5, 2.0, 8.0, 32.0)
"""How long before the wanted time decoding begins, in seconds; the next one is tried where the first frame that can be
shown comes too late."""
MISSING_FRAMES: Final = 0.75
"""Distances between frames by which a film may end before it says so."""
LATE_S: Final = 0.2
"""A film whose own times begin later than this, in seconds, may have lost its beginning."""
SOUND_LONGER_S: Final = 2.0
"""The same in seconds where its length may be that of the sound."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A frame that can be trusted, at its time in seconds."""

    time: float
    frame: VideoFrame
    after_gap: bool


class VideoReader:
    """Reads a film; see `ferce_agent.inputs.clip_parts.ClipReader`."""

    def __init__(self, opened: OpenedClip, start_s: float, limits: ClipLimits) -> None:
        """Open a film and decode its first frame.

        Args:
            opened: Its bytes; closed with the reader.
            start_s: Where to begin, in seconds of the film.
            limits: What to refuse.

        Raises:
            ClipFormatError: It is no film in a supported format, or holds no picture that can be read.
            ClipTooLargeError: Its frames have too many pixels.
        """
        refuse_other_kinds(opened)
        self.notes = ClipNotes()
        self._opened = opened
        self._start = start_s
        self._limits = limits
        self._origin: int | None = None
        self._last: _Decoded | None = None
        self._open()
        self._frames = self._decoded()
        first = next(self._frames, None)
        if first is None:
            self._container.close()
            raise ClipFormatError("The film holds no picture that can be read.", hint=SEND_AGAIN)
        self._first = first
        self._shape = FrameShape(first.frame, _ratio(self._stream))
        self.info = self._describe()

    def _open(self) -> None:
        self._container: InputContainer = open_container(self._opened, self._limits)
        try:
            self._format = format_of(self._container)
            self._stream: VideoStream = film_stream(self._container, self._limits)
        except BaseException:
            self._container.close()
            raise
        self._base = self._stream.time_base or Fraction(1, 1000)
        self._length, self._length_is_ours = stated_length(self._container, self._stream)
        self._rate = _stated_rate(self._stream)
        self._step = 1 / (self._rate or USUAL_RATE)
        self._begin_pass()

    def _begin_pass(self) -> None:
        """Forget what was decoded before, for a new position."""
        countable = not (self._format.by_decoding or self._format.raw or self._stream.codec.name in INVISIBLE)
        self._watch = DamageWatch(self.notes, since=self._start, countable=countable)
        end = self._length if self._length_is_ours and self._format.says_length else None
        self._line = Timeline(self._step, end)
        self._holes = HoleWatch(self._step)
        self._packets = 0

    def _describe(self) -> ClipInfo:
        width, height = self._shape.shown_size(self._first.frame.width, self._first.frame.height)
        count = self._stream.frames or (round(self._length * self._rate) if self._length and self._rate else 0)
        return ClipInfo(
            kind=self._opened.kind,
            media_type=media_type(self._format, self._opened.head),
            width=width,
            height=height,
            duration_s=self._length,
            frame_rate=self._rate,
            frames=count or None,
            sha256=self._opened.sha256,
            audio=bool(self._container.streams.audio),
        )

    def pictures(self) -> Iterator[TimedPicture]:
        """Yield the frames in the order of their times.

        The first ones may lie before the wanted beginning; what is missing is noted.
        """
        if self._format.raw:
            message = f"The film has no times; {self._rate or USUAL_RATE:g} frames a second are assumed."
            self.notes.put(ClipNote("times_missing", message))
        late = float((self._origin or 0) * self._base)
        if self._format.from_zero and late > LATE_S and self._start <= self._first.time:
            message = f"The film's own times begin at {late:.2f} s, which is 0 here; its beginning may be lost."
            self.notes.stretch(ClipNote("clip_damaged", message, 0.0, 0.0))
        for found in self._from_start():
            self._last = found
            yield TimedPicture(found.time, lambda frame=found.frame: self._shape.pixels(frame), found.after_gap)  # type: ignore[misc]
        self._finish()

    def _from_start(self) -> Iterator[_Decoded]:
        if self._start <= self._first.time:
            yield self._first
            yield from self._frames
            return
        if self._can_seek():
            for back in BACK_S:
                found = self._sought(self._start - back)
                if found is not None:
                    yield found
                    yield from self._frames
                    return
        self._container.close()
        self._open()
        yield from self._decoded()

    def _sought(self, time: float) -> _Decoded | None:
        """Go to the key frame before a time and return the first frame; None if that is after the wanted beginning."""
        if time <= self._first.time or self._origin is None:
            return None
        try:
            self._container.seek(self._origin + int(time / self._base), stream=self._stream)
        except StoppedError:
            raise
        except Exception:  # no index, or a damaged one: the film is read from its beginning then
            return None
        self._begin_pass()
        self._frames = self._decoded()
        found = next(self._frames, None)
        return found if found is not None and found.time <= self._start else None

    def _can_seek(self) -> bool:
        """Return whether times lead to the same frames as reading from the beginning does."""
        if not self._format.seeks or self._line.missing or self._line.repaired:
            return False
        return not self._format.may_jump or self._grows_until(self._start)

    def _grows_until(self, time: float) -> bool:
        """Go through the packets up to a time without decoding, and return whether their times only grow."""
        try:
            self._container.seek(self._stream.start_time or 0, stream=self._stream)
            last: int | None = None
            for packet in self._container.demux(self._stream):
                if packet.dts is None:
                    continue
                if last is not None and not last <= packet.dts <= last + 60 / self._base:
                    return False
                last = packet.dts
                if self._seconds(last) > time + 1:
                    return True
        except StoppedError:
            raise
        except Exception:  # damaged: reading from the beginning tells where
            return False
        return True

    def _seconds(self, ticks: int) -> float:
        return float((ticks - (self._origin or 0)) * self._base)

    def _decoded(self) -> Iterator[_Decoded]:
        """Yield the frames that can be trusted, from where the container is now."""
        for frame in self._raw_frames():
            ticks = _ticks(frame, by_decoding=self._format.by_decoding)
            own = None if ticks is None or self._origin is None else self._seconds(ticks)
            trusted = self._watch.trusts(frame, own)
            if self._origin is None:
                if not trusted and (ticks is None or self._format.may_jump):
                    continue
                self._origin = self._beginning(ticks)
            if trusted or ticks is None:  # without a time of its own each frame counts
                time = self._line.place(None if ticks is None else self._seconds(ticks))
                self._tell_times(time)
            if trusted:
                gap = self._watch.given(time)
                self._holes.add(time, after_gap=gap or time < self._start)
                yield _Decoded(time, frame, gap)

    def _beginning(self, first: int | None) -> int:
        """Return the ticks of time 0, given those of the first frame."""
        stated = self._stream.start_time
        lost = self._watch.losing and not self._format.may_jump
        if first is None:
            return stated or 0
        return min(first, stated) if lost and stated is not None else first

    def _tell_times(self, time: float) -> None:
        line = self._line
        if self._format.raw or time < self._start:
            return
        if line.repaired:
            message = "Times of some frames did not grow or lay beyond the end; these frames follow at the usual rate."
            self._retell(ClipNote("times_repaired", message, time, None, line.repaired))
        if line.missing and not self._format.sparse:
            message = "Some frames had no time; they follow the frame before at the usual rate."
            self._retell(ClipNote("times_missing", message, time, None, line.missing))

    def _retell(self, note: ClipNote) -> None:
        earlier = next((kept for kept in self.notes if kept.code == note.code), None)
        if earlier is None or earlier.count != note.count:
            begin = note.from_s if earlier is None else earlier.from_s
            self.notes.put(ClipNote(note.code, note.message, begin, note.from_s, note.count))

    def _raw_frames(self) -> Iterator[VideoFrame]:
        for packet in self._raw_packets():
            try:
                if packet is None:
                    frames = self._stream.codec_context.decode(None)
                else:
                    self._watch.sent(packet)
                    frames = self._stream.codec_context.decode(packet)
            except EOFError:
                return
            except Exception as error:  # FFmpeg has an error for each kind of damage
                if not is_damage(error):
                    raise
                self._watch.failed(sent=True)
                continue
            for frame in frames:
                self._limits.check_size(frame.width, frame.height)
                yield frame

    def _raw_packets(self) -> Iterator[Packet[Any] | None]:
        """Yield packets, going on after ones that cannot be read; the last is empty, or None."""
        failures = 0
        while failures < MOST_FAILURES and not self._opened.file.stopped:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    self._packets += bool(packet.size)
                    yield packet
                break
            except Exception as error:  # as above
                if not is_damage(error):
                    raise
                failures += 1
                self._watch.failed(sent=False)
        if self._opened.file.stopped:  # FFmpeg may take it for the end
            raise StoppedError
        yield None

    def _finish(self) -> None:
        """Note what is missing, once the film is over."""
        layout = look_at(self._opened.file, self._opened.size)
        end = self._shown_until()
        stated = self._length if self._format.says_length and self._is_short(end) else None
        lost = self._watch.ended(stated or end)
        self._tell_holes(layout)
        if stated or layout.cut_off or self._opened.file.failed:
            message = "The film ends early: its file is cut off, or its last part is damaged."
            self.notes.put(ClipNote("clip_truncated", message, end, stated))
        elif not lost and not self.notes.has("clip_damaged"):
            self._tell_uncounted(layout)

    def _shown_until(self) -> float:
        """Return the time at which the last frame is over."""
        last = self._last or self._first
        shown = float(last.frame.duration * self._base) if last.frame.duration else 0.0
        return last.time + max(self._step, min(shown, self._length or 0.0))

    def _is_short(self, end: float) -> bool:
        """Return whether a film that is over at a time ends before it says so."""
        allowed = MISSING_FRAMES * self._step if self._length_is_ours else SOUND_LONGER_S
        return self._length is not None and self._length - end > allowed

    def _tell_holes(self, layout: Layout) -> None:
        """Note holes, where the container does not number its frames."""
        numbered = self._format.counts or (self._format.media_type == "video/mp4" and not layout.fragmented)
        for note in () if numbered else self._holes.notes():
            self.notes.stretch(note)

    def _tell_uncounted(self, layout: Layout) -> None:
        """Note that frames are missing or may be, where it is not known which."""
        missing = self._stream.frames - self._packets if self._format.counts else 0
        if missing > 0 and self._start <= self._first.time:
            message = "The film holds fewer pictures than it says; some are lost."
            self.notes.put(ClipNote("clip_damaged", message, count=missing))
        elif layout.disordered:
            message = "The film's file holds a part that cannot be read; pictures may be missing."
            self.notes.put(ClipNote("clip_damaged", message))

    def stop(self) -> None:
        """Make a step that another thread is in end soon."""
        self._opened.file.stop()

    def close(self) -> None:
        """Close the film."""
        self._container.close()
        self._opened.file.close()


def _ticks(frame: VideoFrame, *, by_decoding: bool) -> int | None:
    """Return a frame's time in units of the stream; None if it has none."""
    if by_decoding:
        return frame.dts
    return frame.pts if frame.pts is not None else frame.dts


def _stated_rate(stream: VideoStream) -> float | None:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0.01 <= rate <= 2000:
            return float(rate)
    return None


def _ratio(stream: VideoStream) -> float | None:
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and ratio > 0 else None
