"""Typed state and run context of the `analyze_clip` workflow; pixels and models stay out of the state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from langgraph.channels import UntrackedValue
from typing_extensions import TypedDict  # the standard one has no schema before Python 3.12

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.graphs.channels import Gathered
from ferce_agent.graphs.clip_reading import Reading
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.instances import OnlyInstances
from ferce_agent.graphs.sound_track import SoundTrack
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipDegradation, ClipReport, VlmReading
from ferce_agent.report.baseline import Baseline

if TYPE_CHECKING:
    from ferce_agent.inputs.clip import Clip, ClipLike
    from ferce_agent.inputs.transcript import TranscriptLike


class ClipInput(TypedDict, total=False):
    """What a run starts with.

    Attributes:
        clip: Data URL of the film, or a path where the run context allows paths; not needed if the run context brings
            the film. A data URL is taken out before the run begins, so that no checkpoint holds it.
        start_s: Where to begin, in seconds of the film; its beginning if left out.
        end_s: Where to end; the film's end if left out.
        fps: Read only so many frames a second; all of them if left out.
        micro: Whether possible micro-expressions are looked for.
        landmarks: Whether MediaPipe's landmark model measures the eyes, where it is installed.
        sound: Whether the sound track is listened to; it is, if left out.
        transcript: What is said in it: text, subtitles, or words with times. Taken out before the run, as `clip`.
        keep_words: Whether the words may stand in the report.
        use_context: What the report is used for, as the fields of a `UseContext`.
    """

    clip: str | None
    start_s: float | None
    end_s: float | None
    fps: float | None
    micro: bool
    landmarks: bool
    sound: bool
    transcript: Any
    keep_words: bool
    use_context: dict[str, Any] | None


class ClipOutput(TypedDict):
    """What a run ends with.

    Attributes:
        report: The report; where a server or a parent graph may remember it, the same fields as plain data.
    """

    report: ClipReport


class ClipState(ClipInput, ClipOutput, total=False):
    """Everything the nodes exchange. What comes in, how far the reading is, and the report are remembered.

    Attributes:
        decision: What the rules allow for the use.
        progress: How far the reading is and what was found so far, as plain data without pixels; empty at the
            beginning. A run that goes on from a checkpoint begins there.
        looked: What a vision-language model says: number of the moment, and its words.
        sent: Prompts that were sent to it, with what went with each.
        degraded: What could not be done in looking.
    """

    decision: Annotated[Decision, UntrackedValue]
    progress: dict[str, Any]
    looked: Annotated[list[tuple[int, VlmReading]], Gathered]
    sent: Annotated[list[tuple[str, tuple[str, ...]]], Gathered]
    degraded: Annotated[list[ClipDegradation], Gathered]


class MomentState(TypedDict):
    """What is sent to the node that looks at one moment.

    Attributes:
        moment: Place of the moment among those of the report, from 0.
    """

    moment: int


class Backlog:
    """How many events nobody has taken yet: a reading waits for whoever listens, so that they do not pile up."""

    def __init__(self, most: int = 2000) -> None:
        """Let at most so many wait."""
        self._most, self._waiting, self._changed = most, 0, threading.Condition()
        self._open = True

    def put(self) -> None:
        """Count an event; wait while too many are waiting, as long as somebody listens."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._waiting < self._most)
            self._waiting += 1

    def catch_up(self, most: int) -> None:
        """Wait until no more than `most` events are waiting, as long as somebody listens."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._waiting <= most)

    def took(self) -> None:
        """Count an event that was taken."""
        with self._changed:
            self._waiting -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """Wait for nobody any more."""
        with self._changed:
            self._open = False
            self._changed.notify_all()


@dataclass(slots=True)
class ClipContext(OnlyInstances):
    """What a run uses but does not keep: engines, and the film while the run lasts.

    One object may be given to many runs, if its film can be opened again: each run works on a copy.

    Attributes:
        engines: Models and settings.
        clip: The caller's film in any accepted form, or an opened one; takes precedence over the input's `clip`.
        camera: Number of a camera to read instead.
        roots: Folders from which the input's `clip` may name a file; none by default.
        readings: Whether the reading of each face in each frame is told as an event.
        stop: Set to end the reading; the report of what was read follows.
        pictures: Filled with a small JPEG of each moment, by the moment's id.
        backlog: Makes the reading wait for whoever listens to its events; None where nobody counts them.
        begun: Films that were opened for runs with this object; each is closed soon after its run has ended.
        heard: Sounds that were opened for runs with this object, likewise.
        transcript: What is said in the film, in any form that `read_transcript` takes; None for nothing.
        baseline: How the person shown is at rest; None for nobody's.
        calibrate_s: Take so many seconds of the first face as calm instead; None for no calibration.
        expressions: Whether expressions are read where the rules allow it; else movements alone, and nothing is sent.
        body: Whether posture and gestures are measured, where the pose model is installed.
        sent: The input's `clip`, where it is taken out of the state before the run begins.
        reading: The film that is being read.
        sound_track: Its sound, while it is listened to; None where it is not.
        cancel: Set when the run ends in any way. Who gives this object to a run may set it to call the run off.
    """

    engines: Engines = field(default_factory=default_engines)
    clip: ClipLike | Clip | None = None
    camera: int | None = None
    roots: tuple[Path, ...] = ()
    readings: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    pictures: dict[str, bytes] = field(default_factory=dict)
    backlog: Backlog | None = None
    begun: list[Reading] = field(default_factory=list)
    heard: list[SoundTrack] = field(default_factory=list)
    transcript: TranscriptLike | None = None
    baseline: Baseline | None = None
    calibrate_s: float | None = None
    expressions: bool = True
    body: bool = True
    sent: object = None
    reading: Reading | None = None
    sound_track: SoundTrack | None = None
    cancel: Cancellation = field(default_factory=Cancellation)

    def for_one_run(self, sent: object = None, transcript: Any = None) -> ClipContext:
        """Return the context of one run whose input brings the film `sent` and a transcript, or neither."""
        told = self.transcript if transcript is None else transcript
        return replace(self, sent=sent, transcript=told, reading=None, sound_track=None, cancel=Cancellation())

    def hold(self, reading: Reading) -> None:
        """Keep the film that is being read, unless the run has ended meanwhile: then stop it."""
        self.begun[:] = [one for one in self.begun if not one.join(0)] + [reading]
        self.reading = reading
        if self.cancel.is_set():
            reading.stop()

    def listen_to(self, track: SoundTrack) -> None:
        """Keep the sound that is listened to, unless the run has ended meanwhile: then stop it."""
        self.heard[:] = [one for one in self.heard if not one.join(0)] + [track]
        self.sound_track = track
        if self.cancel.is_set():
            track.call_off()

    def call_off(self) -> None:
        """Stop what is computing for the run."""
        self.cancel.set()
        if self.backlog is not None:
            self.backlog.end()
        if self.reading is not None:
            self.reading.stop()
        if self.sound_track is not None:
            self.sound_track.call_off()

    def release(self) -> None:
        """Let go of the film, and stop what is still computing for it."""
        self.call_off()
        self.clip = self.sent = self.transcript = self.baseline = None
