"""One film while it is read: decoded ahead in a thread of its own, followed and analysed some frames at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from threading import Event
from typing import Any, Final

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.concurrency.ahead import Ahead
from ferce_agent.errors import ClipTimesError, EngineError
from ferce_agent.inputs.clip import Clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import ClipDegradation
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent

BATCH: Final = 16
"""Frames that are read together at most; what is found does not depend on it."""
AT_LEAST: Final = 8
"""Frames that are waited for where they come from a file; the network reads several at once faster."""
AHEAD_BYTES: Final = 48 * 2**20
"""Pixels that may wait to be read: 54 frames of 640x480, and always one of any size."""
STRETCH_S: Final = 10.0
"""Seconds of film between two checkpoints."""


class Reading:
    """A film that is being read.

    Attributes:
        analysis: What was found so far.
        origin: Where its bytes come from; None where they cannot be read a second time.
        window: Beginning, and end or None, of what is read, in seconds.
        info: What was known of it before its first frame.
        live: Whether the film comes from a camera: only its newest picture is of interest, and nothing may queue.
        ended: Whether the film, or what was wanted of it, is at its end.
    """

    def __init__(self, clip: Clip, analysis: ClipAnalysis, end_s: float | None = None) -> None:
        """Begin to decode.

        Args:
            clip: The film; nobody else may use it from now on.
            analysis: Takes its frames.
            end_s: Frames from this time on are not wanted; for cameras, which know no end.
        """
        self._clip, self.analysis, self.ended = clip, analysis, False
        self.origin, self.info, self.window = clip.origin, clip.info, clip.window
        self._end_s = math.inf if end_s is None else end_s
        self.live = clip.info.kind == "camera"
        self._least = 1 if self.live or clip.info.kind == "frames" else AT_LEAST
        self._ahead: Ahead[Frame] = Ahead(
            clip,
            weigh=lambda frame: frame.pixels.nbytes,
            # Pictures of a camera that wait would be old when they are read; it always has a newer one.
            most=0 if self.live else AHEAD_BYTES,
            close=clip.close,
            interrupt=clip.stop,
        )

    def begun(self) -> ProgressEvent:
        """Return the event that says that the film was opened."""
        analysis = self.analysis
        return ProgressEvent(time_s=analysis.last_s or 0.0, frames=analysis.frames, of=self._of())

    def batches(self, until_s: float, cancel: Event, stop: Event) -> Iterator[list[ClipEvent]]:
        """Read on and yield the events of each batch; ends at a time of the film, at its end, or where it breaks.

        Args:
            until_s: Seconds of the film.
            cancel: Set when nobody wants a report any more.
            stop: Set when what was read so far is to be reported.

        Raises:
            EngineError: The run was called off.
            FerceError: Nothing could be read at all.
        """
        while not self.ended and (self.analysis.last_s is None or self.analysis.last_s < until_s):
            events = self._next(cancel, stop)
            if cancel.is_set():
                raise EngineError("The reading was called off.", hint="Start it again.")
            if self.ended and not self.analysis.frames and not stop.is_set():
                raise self._nothing()
            yield events
        if self.ended:
            self._ahead.stop()
            yield self.analysis.finish()

    def _nothing(self) -> ClipTimesError:
        """Return the error for a film of which no frame was wanted: what it shows then is not known."""
        lasts = self._clip.info.duration_s
        hint = f"It lasts {lasts:.1f} s." if lasts else "It ends before."
        return ClipTimesError("The film has no frame in the part that was asked for.", hint=hint)

    def _next(self, cancel: Event, stop: Event) -> list[ClipEvent]:
        if stop.is_set():
            return self._stopped()
        try:
            frames = self._ahead.take(BATCH, self._least, lambda: cancel.is_set() or stop.is_set())
        except Exception as failure:
            return self._broken("clip_damaged", "The film could be read only until here", failure)
        if not frames:
            self.ended = self._ahead.ended
            self._noted()
            return []
        if frames[-1].time >= self._end_s:
            self.ended = True
            frames = [frame for frame in frames if frame.time < self._end_s]
        try:
            events = self.analysis.feed(frames)
        except Exception as failure:
            return self._broken("step_failed", "The faces could be followed only until here", failure)
        self._noted()
        return [*events, self._progress()]

    def progress(self) -> dict[str, Any]:
        """Return as plain data how far the reading is and what was found, for a checkpoint."""
        last = self.analysis.last_s
        return {
            "analysis": self.analysis.dump(),
            "next_s": last,
            "sha256": self._clip.info.sha256,
            "ended": self.ended,
        }

    def _progress(self) -> ProgressEvent:
        return ProgressEvent(time_s=self.analysis.last_s or 0.0, frames=self.analysis.frames, of=self._of())

    def _of(self) -> int | None:
        coming = self._clip.info.frames
        return None if coming is None else max(coming + self.analysis.frames_before, self.analysis.frames)

    def _noted(self) -> None:
        self.analysis.note(self._clip)

    def _stopped(self) -> list[ClipEvent]:
        """End because the caller wants no more; for a camera that is how it ends, and needs no mention."""
        self.ended = True
        self._noted()
        if self._clip.info.kind == "camera":
            return []
        message = "The reading was stopped before the end of the film."
        return self.analysis.degrade(ClipDegradation(stage="read", code="stopped_early", message=message))

    def _broken(self, code: Any, message: str, failure: Exception) -> list[ClipEvent]:
        """End where the film or a step breaks, if there is anything to report; what was read before stays."""
        if not self.analysis.frames:
            raise failure
        self.ended = True
        self._noted()
        words = f"{message} ({self.analysis.last_s or 0:.1f} s): {failure}"
        return self.analysis.degrade(ClipDegradation(stage="read", code=code, message=words[:2000]))

    def stop(self) -> None:
        """Decode no more; the thread that decodes closes the film."""
        self._ahead.stop()

    def join(self, seconds: float) -> bool:
        """Wait until the film is closed, so many seconds at most; return whether it is."""
        return self._ahead.join(seconds)
