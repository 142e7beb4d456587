"""A clip from frames to a report: events while it is read, a bounded memory, and a dump to go on from."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from ferce_agent.clips.body import Bodies
from ferce_agent.clips.calm import calm_sample, is_plain
from ferce_agent.clips.composition import Composed, Findings, compose_clip, moment_of
from ferce_agent.clips.eyes import EyeReader, eyes_seen
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.followed_track import FollowedTrack
from ferce_agent.clips.following import Follower
from ferce_agent.clips.micro import MicroSpotter, can_spot
from ferce_agent.clips.moments import Candidate, MomentBook, read_waiting
from ferce_agent.clips.rested import Rested
from ferce_agent.clips.samples import FollowedFrame, TrackSample
from ferce_agent.clips.source import Film
from ferce_agent.clips.track_analysis import Signals, TrackAnalysis
from ferce_agent.clips.watches import APPEARING, Company, tell_all
from ferce_agent.errors import FerceError, SetupError
from ferce_agent.faces.landmarks import FaceLandmarker
from ferce_agent.inputs.clip import Clip
from ferce_agent.inputs.clip_parts import ClipInfo
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline
from ferce_agent.report import Box, ClipDegradation, ClipReport, Episode, MicroMovement
from ferce_agent.report.baseline import Baseline
from ferce_agent.report.clip_events import (
    ClipEvent,
    CutEvent,
    DegradedEvent,
    EpisodeEvent,
    MomentEvent,
    ReadingEvent,
    TrackEvent,
)
from ferce_agent.temporal.baseline import Origin, Rest, estimate
from ferce_agent.temporal.micro import FoundMicro

MOST_TRACKS: Final = 200
"""Faces of a report; of more, those that were seen in the fewest frames go."""
MOST_CUTS: Final = 2000
"""Cuts of a report."""


class ClipAnalysis:
    """Everything that is found in a clip while its frames come; not to be shared between threads.

    Attributes:
        readings: Whether the reading of each face in each frame is told as an event.
        film: What is known of the film.
        moments: The frames worth looking at, once `finish` has chosen them.
        pictures: A small JPEG of each of them, by the moment's id, where one was kept.
        frames_before: Frames that were read before this object was loaded from a dump.
    """

    def __init__(  # noqa: PLR0913  # one parameter per thing that may be looked for
        self,
        pipeline: Pipeline,
        *,
        infer: bool,
        micro: bool = False,
        landmarks: bool = False,
        body: bool = True,
        frame_rate: float | None = None,
        baseline: Baseline | None = None,
        calibrate_s: float | None = None,
    ) -> None:
        """Begin before the first frame.

        Args:
            pipeline: Detector, gate network and specialist.
            infer: Whether expressions may be read; without it only movements are.
            micro: Whether possible micro-expressions are looked for.
            landmarks: Whether MediaPipe's landmark model measures the eyes, where it is installed.
            body: Whether MediaPipe's pose model measures posture and gestures, where it is installed.
            frame_rate: Frames a second, for micro-expressions; None where that is not known.
            baseline: How the person shown is at rest. A face is read against it that is alone when it begins to be
                followed; nobody is recognised.
            calibrate_s: Take the first so many seconds of the first face as calm, and read it against them. What it
                shows is told once they are over; None for no calibration.

        Raises:
            WeightsError: The specialist's weights are missing or damaged, or the baseline was made with others.
        """
        self._pipeline, self._infer = pipeline, infer
        self._options: dict[str, Any] = {"micro": micro, "landmarks": landmarks, "body": body, "frame_rate": frame_rate}
        self._degraded: list[ClipDegradation] = []
        card, flatten = pipeline.specialist.card, pipeline.settings.flatten
        self._signals = Signals.of(card, flatten, self._eye_reader(landmarks=landmarks), infer=infer)
        self._rest = None if baseline is None else pipeline.rest_of(baseline)
        self._rested: list[int] = []
        self._calibrate_s = calibrate_s
        self._follower = Follower(pipeline, infer=infer)
        self._bodies = Bodies(card, wanted=body)
        self._open: dict[int, FollowedTrack] = {}
        self._finished: list[FinishedTrack] = []
        self._book, self._company = MomentBook(), Company()
        self._cuts: list[float] = []
        self._counts: Counter[str] = Counter()
        self._timings: Counter[str] = Counter()
        self._faces = 0
        self.readings = False
        self.film = Film()
        self.moments: list[Candidate] = []
        self.pictures: dict[str, bytes] = {}
        self.frames_before = 0

    def _eye_reader(self, *, landmarks: bool) -> EyeReader:
        """Return what reads the eyes: the landmark model where it is wanted and installed, else the specialist."""
        shapes = self._pipeline.specialist.card.blendshapes
        if not landmarks:
            return EyeReader(shapes)
        try:
            return EyeReader(shapes, FaceLandmarker())
        except SetupError as error:
            message = f"The eyes were measured by the expression model. {error} {error.hint}"
            self.degrade(ClipDegradation(stage="eyes", code="landmarks_not_installed", message=message[:2000]))
            return EyeReader(shapes)

    @property
    def frames(self) -> int:
        """Frames that were read."""
        return self.film.clock.frames

    @property
    def last_s(self) -> float | None:
        """Time of the last frame that was read; None before the first."""
        return self.film.clock.last_s

    @property
    def tracks(self) -> tuple[FinishedTrack, ...]:
        """The faces that are gone, by first appearance; all of them after `finish`."""
        return tuple(sorted(self._finished, key=lambda one: (one.first_s, one.number)))

    def begin(self, info: ClipInfo) -> None:
        """Take what is known of the film before its first frame; what was known before counts."""
        self.film.info = self.film.info or info

    def note(self, clip: Clip) -> None:
        """Take what a clip says of itself by now."""
        self.film.note(clip.notes, variable=clip.variable_rate)

    def degrade(self, entry: ClipDegradation) -> list[ClipEvent]:
        """Note that something could not be done."""
        self._degraded.append(entry)
        return [DegradedEvent(degraded=entry)]

    def feed(self, frames: Sequence[Frame]) -> list[ClipEvent]:
        """Read the next frames; what is found does not depend on how many come at once.

        Args:
            frames: In the order of their times; those that were read already are left out.

        Returns:
            What is known from now on, in the order in which it happened.

        Raises:
            EngineError: The face detector failed.
            WeightsError: Its weights are missing.
        """
        last = self.last_s
        fresh = [frame for frame in frames if last is None or frame.time > last]
        began = time.perf_counter()
        followed = self._follower.follow(fresh)
        middle = time.perf_counter()
        events: list[ClipEvent] = []
        for frame, found in zip(fresh, followed, strict=True):
            events += self._frame(frame, found)
            self.film.clock.push([frame.time])
        self._timings["follow"] += middle - began  # type: ignore[assignment]
        self._timings["analyse"] += time.perf_counter() - middle  # type: ignore[assignment]
        return events

    def _frame(self, frame: Frame, found: FollowedFrame) -> list[ClipEvent]:
        events = [event for number in found.ended for event in self._end(number)]
        if found.cut:
            self._counts["cuts"] += 1
            if len(self._cuts) < MOST_CUTS:
                self._cuts.append(round(found.time, 3))
            events.append(CutEvent(time_s=round(found.time, 3)))
        self._counts["more"] = max(self._counts["more"], found.more)
        for sample in found.samples:
            events += self._sample(frame, sample)
        self._missed(found)
        shown = [
            self._bodies.behind_hand(track.body, sample)
            for sample in found.samples
            if (track := self._open[sample.track].track) is not None
        ]
        if self._infer:
            tell_all(self._book, self._company.push(frame.pixels, shown))
        return events

    def _sample(self, frame: Frame, sample: TrackSample) -> list[ClipEvent]:
        one = self._open.setdefault(sample.track, FollowedTrack())
        if one.track is not None:
            return self._push(one, frame, self.frames, sample)
        one.waiting.append((self.frames, sample))
        return [] if one.is_brief() or self._calibrates(one) else self._believe(one, frame)

    def _calibrates(self, one: FollowedTrack) -> bool:
        """Return whether a face still waits until enough of its calm face was seen; then make the baseline of it."""
        if self._calibrate_s is None:
            return False
        others = [other for other in self._open.values() if other is not one]
        if any(other.track is not None or not other.is_brief() for other in others):
            self._calibrate_s = None
            self._not_calibrated("several faces are seen at the same time, and nobody is recognised")
            return False
        if one.waiting[-1][1].time - one.waiting[0][1].time < self._calibrate_s:
            return True
        self._calibrate(one)
        return False

    def _calibrate(self, one: FollowedTrack) -> None:
        """Make the baseline of the face that was waiting, as calm; say so where that cannot be done."""
        self._calibrate_s = None
        samples = [sample for _, sample in one.waiting]
        readings = [
            calm_sample(sample, self._signals.layout.units, self._pipeline.taken_off)
            for sample in samples
            if is_plain(sample)
        ]
        origin = Origin(
            id=secrets.token_hex(8),
            made_at=datetime.now(UTC),
            sources=("camera" if self.film.info is not None and self.film.info.kind == "camera" else "clip",),
            seconds=max(samples[-1].time - samples[0].time, 1e-3),
            specialist=self._pipeline.specialist.sha256,
        )
        try:
            made = estimate(readings, origin)
            self._rest = self._pipeline.rest_of(made)
        except FerceError as failure:
            self._not_calibrated(str(failure).rstrip("."))

    def _not_calibrated(self, why: str) -> None:
        message = f"The baseline from the first seconds was not made: {why}."
        self.degrade(ClipDegradation(stage="baseline", code="baseline_not_applied", message=message[:2000]))

    def _believe(self, one: FollowedTrack, frame: Frame | None) -> list[ClipEvent]:
        """Begin to analyse a face that is seen long enough, with the frames that have waited for that.

        Args:
            one: Which.
            frame: The last of them; the pictures of the others are not held any more.
        """
        self._faces += 1
        track = one.begin(self._faces, self._signals)
        waiting, one.waiting = one.waiting, []
        self._compare(track)
        events: list[ClipEvent] = [
            TrackEvent(event="track_begins", time_s=round(waiting[0][1].time, 3), track=track.id)
        ]
        for number, sample in waiting:
            last = frame if frame is not None and sample.time == frame.time else None
            events += self._push(one, last, number, sample)
        if frame is not None and self._faces <= APPEARING and one.watch is not None:
            self._book.add(one.watch.appeared(frame.pixels, waiting[-1][1]))
        return events

    def _compare(self, track: TrackAnalysis) -> None:
        """Read a face that begins against the baseline, where there is one and it is alone; else say why not."""
        if self._rest is None:
            return
        if self._rest.baseline.readings and len(self._open) == 1:
            track.rested = Rested(self._rest, self._signals.channels)
            self._rested.append(track.number)
            return
        message = "The baseline was not used: it holds a voice, and no face."
        if self._rest.baseline.readings:
            message = (
                f"The baseline was not used for track {track.number}: it is one person's, several faces are seen at "
                "the same time, and nobody is recognised."
            )
        self.degrade(ClipDegradation(stage="baseline", code="baseline_not_applied", message=message, track=track.id))

    def _push(self, one: FollowedTrack, frame: Frame | None, number: int, sample: TrackSample) -> list[ClipEvent]:
        track, watch = one.track, one.watch
        assert track is not None and watch is not None
        sample = self._bodies.look(track.body, frame, sample)
        sample = sample if track.rested is None else track.rested.take(sample)
        ended, gap = track.push(sample, frame)
        events: list[ClipEvent] = []
        if self.readings:
            events.append(self._reading(track, number, sample))
        if frame is not None:
            watch.push(frame.pixels, sample)
            ended_micro = self._spotted(one, frame, sample)
            events += [EpisodeEvent(track=track.id, episode=micro) for micro in ended_micro]
        tell_all(self._book, watch.over(ended, gap))
        return [*events, *episode_events(track, ended)]

    def _spotted(self, one: FollowedTrack, frame: Frame, sample: TrackSample) -> list[MicroMovement]:
        """Look for micro-expressions, where that is wanted and there are enough frames a second for it."""
        rate = self._options["frame_rate"]
        if not self._options["micro"] or rate is None or not can_spot(rate):
            return []
        if one.spotter is None:
            one.spotter = MicroSpotter(rate, shapes=self._pipeline.specialist.card.blendshapes)
        assert one.watch is not None
        one.watch.remember(frame.pixels, sample)
        return self._moved(one, one.spotter.push(frame, sample))

    def _moved(self, one: FollowedTrack, found: Iterable[FoundMicro]) -> list[MicroMovement]:
        assert one.track is not None and one.watch is not None
        made = [one.track.book.flow(each) for each in found]
        tell_all(self._book, [one.watch.moved(each) for each in made])
        return made

    def _reading(self, track: TrackAnalysis, number: int, sample: TrackSample) -> ReadingEvent:
        x, y, width, height = sample.box.tolist()
        return ReadingEvent(
            frame=number,
            track=track.id,
            box=Box(x=round(x, 1), y=round(y, 1), width=max(round(width, 1), 0.1), height=max(round(height, 1), 0.1)),
            score=round(min(max(sample.score, 0.0), 1.0), 4),
            carried=sample.carried,
            reasons=sample.reasons,
            point=self._signals.layout.point(track.reading(sample)),
            strangeness=round(sample.strangeness, 3) if isfinite(sample.strangeness) else None,
            eyes=None if track.seen is None else eyes_seen(track.seen),
        )

    def _missed(self, found: FollowedFrame) -> None:
        seen = {sample.track for sample in found.samples}
        for number, one in self._open.items():
            if number not in seen and one.track is not None:
                one.track.miss(found.time)

    def _end(self, number: int) -> list[ClipEvent]:
        """End a track of the follower; one that was seen too briefly is left out and counted."""
        one = self._open.get(number)
        if one is None:
            return []
        begun = self._believe_calibrating(one)
        del self._open[number]
        if one.track is None or one.watch is None:
            self._counts["brief"] += 1
            return []
        track = one.track
        micro = self._moved(one, one.spotter.finish()) if one.spotter else []
        ended, gap = track.finish()
        tell_all(self._book, one.watch.over(ended, gap))
        self._keep(FinishedTrack.of(track))
        ends = TrackEvent(event="track_ends", time_s=round(track.last_s, 3), track=track.id)
        found = [*(EpisodeEvent(track=track.id, episode=each) for each in micro), *episode_events(track, ended)]
        return [*begun, *found, ends]

    def _believe_calibrating(self, one: FollowedTrack) -> list[ClipEvent]:
        """Believe a face that is gone before its calm face was seen for long enough: what there is must do."""
        if one.track is not None or not one.waiting or one.is_brief():
            return []
        if self._calibrate_s is not None:
            self._calibrate(one)
        return self._believe(one, None)

    def _keep(self, track: FinishedTrack) -> None:
        self._finished.append(track)
        if len(self._finished) > MOST_TRACKS:
            least = min(self._finished, key=lambda one: one.frames)
            self._finished.remove(least)
            self._book.forget(least.number)
            self._counts["tracks"] += 1

    def finish(self) -> list[ClipEvent]:
        """End with the last frame: end all tracks, choose the moments, and read their faces as in a photo."""
        events = self._believe_short_clips()
        self._follower.finish()
        events += [event for number in list(self._open) for event in self._end(number)]
        tell_all(self._book, self._company.finish())
        began = time.perf_counter()
        self.moments = self._book.chosen()
        read_waiting(self.moments, self._pipeline, self._rests)
        self._timings["moments"] += time.perf_counter() - began  # type: ignore[assignment]
        for place, one in enumerate(self.moments):
            moment = moment_of(place, one, None)
            if one.picture is not None:
                self.pictures[moment.id] = one.picture.jpeg()
            events.append(MomentEvent(moment=moment))
        return [*events, *(DegradedEvent(degraded=entry) for entry in self.film.notes)]

    @property
    def _rests(self) -> dict[int, Rest]:
        """The baseline by the number of each track that is read against it."""
        return {} if self._rest is None else dict.fromkeys(self._rested, self._rest)

    def _believe_short_clips(self) -> list[ClipEvent]:
        """Believe faces that are seen in every frame of a film too short to see them for long."""
        events: list[ClipEvent] = []
        for one in self._open.values():
            if one.track is None and len(one.waiting) >= self.frames:
                events += self._believe_calibrating(one) or self._believe(one, None)
        return events

    def report(self, made: Composed) -> ClipReport:
        """Return the validated report, once `finish` was called.

        Args:
            made: What the workflow knows: rules, engines, and what a vision-language model says.
        """
        return compose_clip(
            Findings(
                source=self.film.source(),
                layout=self._signals.layout,
                tracks=self.tracks,
                moments=tuple(self.moments),
                cuts=tuple(self._cuts),
                counts=dict(self._counts),
                options=dict(self._options),
                degraded=(*self.film.notes, *self._degraded, *(self._bodies.notes if self._finished else ())),
                timings={name: seconds * 1000 for name, seconds in self._timings.items()},
            ),
            made,
        )

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data, without pixels: moments found so far lose their pictures."""
        self._book.read(self._pipeline, self._rests)
        return {
            "infer": self._infer,
            "options": dict(self._options),
            "follower": self._follower.dump(),
            "open": [[number, one.dump()] for number, one in self._open.items()],
            "finished": [one.dump() for one in self._finished],
            "book": self._book.dump(),
            "cuts": list(self._cuts),
            "counts": dict(self._counts),
            "degraded": [one.model_dump(mode="json") for one in self._degraded],
            "timings": dict(self._timings),
            "faces": self._faces,
            "film": self.film.dump(),
            "bodies": self._bodies.dump(),
            "moments": [one.dump() for one in self.moments],
            "baseline": None if self._rest is None else self._rest.baseline.model_dump(mode="json"),
            "rested": list(self._rested),
            "calibrate_s": self._calibrate_s,
        }

    @classmethod
    def load(cls, pipeline: Pipeline, dump: dict[str, Any]) -> ClipAnalysis:
        """Return an analysis that goes on where the one that gave `dump` stood."""
        known = dump["baseline"]
        baseline = None if known is None else Baseline.model_validate(known)
        made = cls(pipeline, infer=dump["infer"], baseline=baseline, calibrate_s=dump["calibrate_s"], **dump["options"])
        made._rested = list(dump["rested"])
        made._follower = Follower.load(pipeline, dump["follower"], infer=dump["infer"])
        made._open = {number: FollowedTrack.load(made._signals, one, made._rest) for number, one in dump["open"]}
        made._finished = [FinishedTrack.load(one) for one in dump["finished"]]
        made._book, made._cuts = MomentBook.load(dump["book"]), list(dump["cuts"])
        made._counts, made._timings = Counter(dump["counts"]), Counter(dump["timings"])
        made._degraded = [ClipDegradation.model_validate(one) for one in dump["degraded"]]
        made._faces, made.film = dump["faces"], Film.load(dump["film"])
        made._bodies.go_on(dump["bodies"])
        made.moments = [Candidate.load(one) for one in dump["moments"]]
        made.frames_before = made.frames
        return made


def episode_events(track: TrackAnalysis, ended: Iterable[Episode]) -> list[ClipEvent]:
    """Return the events of episodes that are over."""
    return [EpisodeEvent(track=track.id, episode=episode) for episode in ended]
