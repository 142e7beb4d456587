"""Following the faces of a film from frame to frame: detected where that is needed, carried on in between.

Every 0.2 s, after a cut and where a face was lost, the detector looks; between these key frames optical flow carries
boxes and landmarks on, and a face that flow loses is looked for at once. The gate network says on key frames, and
where a face suddenly looks different, whether it is one and what covers it. Nobody is recognised: a face keeps its
number by place and motion, for at most a second out of sight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.face_gates import FaceGates
from ferce_agent.clips.face_samples import BATCH, SampleReader, Unread
from ferce_agent.clips.followed_face import FollowedFace, moved_by
from ferce_agent.clips.samples import FollowedFrame, TrackSample
from ferce_agent.errors import ClipTimesError
from ferce_agent.faces.cuts import CutWatch
from ferce_agent.faces.detection import MATCH_OVERLAP, DetectedFace
from ferce_agent.faces.flow import as_grey, carry
from ferce_agent.faces.orientation import TILTED, find_turned, orient
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.faces.quality import visible_share
from ferce_agent.faces.search import look_around, quick_look, thorough_look
from ferce_agent.faces.tracking import FAR, Expected, associate, covered_share, middle_of, overlap, pair_cost, shifted
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline
from ferce_agent.specialist.gating import is_face

KEY_S: Final = 0.2
"""The detector looks at the whole frame after so many seconds."""
CLOSE_S: Final = 0.07
"""The same while two faces overlap, one is newly lost, or one turns or moves otherwise than flow says."""
THOROUGH_S: Final = 1.0
"""It looks at a large scale as well, and for turned faces where there are no others, after so many seconds."""
GAP_S: Final = 1.0
"""A face keeps its number over a gap of so many seconds, or of one and a half frames where frames are further apart."""
CARRY_S: Final = 1.0
"""A face is carried on by flow for so many seconds without being found again."""
ONCE_S: Final = 0.3
"""The same for a face that was found once."""
FLOW_S: Final = 0.5
"""Frames that are further apart are not compared by flow."""
SURE: Final = 0.85
"""Detector score at which a face is followed from its first frame; others are found a second time first."""
SURELY: Final = 0.9
"""Least probability of a person's face for that."""
CONFIRMED: Final = 0.985
"""Least mean probability of a person's face, over `LOOKS`, for one with a lower score: textures stay under it."""
LOOKS: Final = 4
"""Looks of the gate network that this takes."""
REFUSED_S: Final = 0.6
"""A face that the gate network has called none for so many seconds is dropped."""
IN_VIEW: Final = 0.35
"""Least share of a face's box inside the frame."""
TOUCH: Final = 0.15
"""From this share of the smaller box on two faces touch: their motion is no longer measured."""
HIDDEN: Final = 0.3
"""From this share on a face that is not found is taken to be behind the one that is."""
TWICE: Final = 0.6
"""Two faces whose boxes overlap by more (intersection over union) are one, seen twice."""
CONTINUED: Final = 0.7
"""Share of a face's points that go on through what looks like a cut, so that it is none."""


@dataclass(slots=True)
class _Step:
    """What happened in one frame, before the faces are read."""

    frame: Frame
    cut: bool
    unread: list[Unread]
    started: tuple[int, ...]
    ended: tuple[int, ...]
    more: int


class Follower:
    """Follows the faces of one film; its state does not grow with the film.

    Not to be shared between threads: frames come in order.
    """

    def __init__(
        self, pipeline: Pipeline, *, infer: bool = True, max_faces: int | None = None, read: bool = True
    ) -> None:
        """Begin before the first frame.

        Args:
            pipeline: Detector, gate network and specialist.
            infer: Whether expressions are read; without it probabilities are None, movements remain.
            max_faces: Most faces at a time; None for that of the pipeline's settings.
            read: Whether the specialist looks at the faces; without it samples hold place and quality alone.
        """
        self._pipeline = pipeline
        self._limit = pipeline.settings.max_faces if max_faces is None else max_faces
        self._gates = FaceGates(pipeline)
        self._reader = SampleReader(pipeline, infer=infer)
        self._read = read
        self._cuts = CutWatch()
        self._before: NDArray[np.uint8] | None = None
        self._size: tuple[int, int] | None = None
        self._faces: list[FollowedFace] = []
        self._next = 1
        self._more = 0
        self._time: float | None = None
        self._distances: deque[float] = deque(maxlen=5)
        self._key_at: float | None = None
        self._thorough_at: float | None = None
        self._turned_at: float | None = None

    def follow(self, frames: Sequence[Frame]) -> list[FollowedFrame]:
        """Follow the faces through the next frames.

        The result does not depend on how many frames come at once; larger batches are quicker.

        Args:
            frames: The next frames of the film in the order of their times.

        Returns:
            One entry for each frame, in order.

        Raises:
            ClipTimesError: A frame's time is no number, or earlier than that of the frame before.
            WeightsError: The weights of the detector or of the gate network are missing.
            EngineError: One of them failed.
        """
        if len(frames) < 2 or not self._read:
            steps = [self._step(frame) for frame in frames]
            unread = [one for step in steps for one in step.unread]
            samples = iter(self._reader.read(unread) if self._read else [one.sample for one in unread])
        else:
            steps, samples = self._together(frames)
        return [_followed(step, [next(samples) for _ in step.unread]) for step in steps]

    def _together(self, frames: Sequence[Frame]) -> tuple[list[_Step], Iterator[TrackSample]]:
        """Follow faces through some frames while another thread reads those of the frames before.

        Both spend most of their time outside of the interpreter, so two cores are used.
        """
        steps: list[_Step] = []
        waiting: list[Unread] = []
        with ThreadPoolExecutor(1, thread_name_prefix="ferce-samples") as pool:
            reading = []
            for frame in frames:
                steps.append(self._step(frame))
                waiting += steps[-1].unread
                if len(waiting) >= BATCH:
                    reading.append(pool.submit(self._reader.read, waiting[:BATCH]))
                    waiting = waiting[BATCH:]
            reading.append(pool.submit(self._reader.read, waiting))
            return steps, iter([sample for part in reading for sample in part.result()])

    def finish(self) -> tuple[int, ...]:
        """Return the tracks that are still open, which end now."""
        return self._end(self._faces)

    def dump(self) -> dict[str, Any]:
        """Return the state as plain data (numbers, texts, lists), without pixels."""
        return {
            "faces": [face.dump() for face in self._faces],
            "size": None if self._size is None else list(self._size),
            "next": self._next,
            "more": self._more,
            "time": self._time,
            "distances": list(self._distances),
        }

    @classmethod
    def load(
        cls, pipeline: Pipeline, dump: Mapping[str, Any], *, infer: bool = True, max_faces: int | None = None
    ) -> Follower:
        """Return a follower that goes on where `dump` was taken; the next frame is a key frame.

        Args:
            pipeline: As for the one that was dumped.
            dump: What `dump` gave.
            infer: Whether expressions are read.
            max_faces: Most faces at a time; None for that of the pipeline's settings.

        Raises:
            KeyError: A field is missing.
        """
        follower = cls(pipeline, infer=infer, max_faces=max_faces)
        follower._faces = [FollowedFace.load(face) for face in dump["faces"]]
        follower._size = None if dump["size"] is None else (dump["size"][0], dump["size"][1])
        follower._next, follower._more, follower._time = dump["next"], dump["more"], dump["time"]
        follower._distances.extend(dump["distances"])
        return follower

    def _step(self, frame: Frame) -> _Step:
        """Bring all faces to the next frame."""
        self._take_time(frame.time)
        self._take_size(frame)
        grey, known = as_grey(frame.pixels), self._next
        before = [(face, face.face, face.visible, face.seen) for face in self._faces]
        cut = self._carry_all(frame, grey)
        ended = self._end(self._faces) if cut else self._end_unseen(frame.time)
        if cut or self._is_key(frame.time):
            self._look(frame, thorough=cut)
        else:
            self._look_for_lost(frame)
        self._drop_doubles()
        self._drop_out_of_view(frame)
        self._measure_motion(before, frame.time)
        unread = self._judge(frame, grey)
        ended += self._end_refused(frame.time)
        self._before = grey
        unread = [one for one in unread if one.sample.track not in ended]
        started = tuple(range(known, self._next))
        return _Step(frame, cut, unread, started, ended, self._more)

    def _take_time(self, time: float) -> None:
        if not np.isfinite(time) or (self._time is not None and time < self._time):
            raise ClipTimesError(
                f"A frame has the time {time:g} s after one at {self._time or 0:g} s.",
                hint="Give the frames in the order of their times, in seconds.",
            )
        if self._time is not None:
            self._distances.append(time - self._time)
        self._time = time

    def _take_size(self, frame: Frame) -> None:
        """Follow a change of the frames' size: no flow over it, all places scaled."""
        height, width = frame.pixels.shape[:2]
        if self._size not in (None, (width, height)):
            assert self._size is not None
            for face in self._faces:
                face.scale(width / self._size[0], height / self._size[1])
            self._before = None
        self._size = (width, height)

    def _gap(self) -> float:
        """Return for how many seconds a face may be out of sight."""
        usual = float(np.median(self._distances)) if self._distances else 0.0
        return max(GAP_S, 1.5 * usual)

    def _carry_all(self, frame: Frame, grey: NDArray[np.uint8]) -> bool:
        """Carry all visible faces on by flow; those that it loses are out of sight.

        Returns:
            Whether a new scene begins.
        """
        shares = []
        near = bool(self._distances) and self._distances[-1] <= FLOW_S
        for face in self._faces:
            was, face.visible = face.visible, False
            if not was or self._before is None or not near:
                continue
            shift = face.motion.shift(frame.time - face.seen)
            carried = carry(self._before, grey, face.face, shift)
            shares.append(0.0 if carried is None else carried.share)
            if carried is not None and self._may_carry(face, frame.time):
                face.carry_to(carried.face, frame.time)
        cut = self._cuts.push(frame.pixels)
        return cut and not (shares and max(shares) >= CONTINUED)

    def _may_carry(self, face: FollowedFace, time: float) -> bool:
        """Return whether a face was found recently enough to go on without."""
        return time - face.found <= (CARRY_S if face.hits > 1 else ONCE_S)

    def _end(self, faces: Iterable[FollowedFace]) -> tuple[int, ...]:
        """Forget some faces; return the numbers of their tracks."""
        gone = list(faces)
        self._faces = [face for face in self._faces if not any(face is one for one in gone)]
        return tuple(sorted(face.number for face in gone if face.number))

    def _end_unseen(self, time: float) -> tuple[int, ...]:
        """Forget faces that have been out of sight for too long, and unconfirmed ones that flow has lost."""
        gap = self._gap()
        return self._end(
            face
            for face in self._faces
            if time - face.seen > (gap if face.number else max(ONCE_S, 1.5 * self._distances[-1]))
        )

    def _end_refused(self, time: float) -> tuple[int, ...]:
        return self._end(face for face in self._faces if face.refused_for(time) >= REFUSED_S)

    def _is_key(self, time: float) -> bool:
        """Return whether the detector is to look at the whole frame."""
        if self._key_at is None:
            return True
        lost = any(not face.visible and time - face.seen <= 2 * KEY_S for face in self._faces)
        new = any(not face.number and time - face.born <= ONCE_S for face in self._faces)
        moving = any(face.moving and face.visible for face in self._faces)
        soon = lost or new or moving or bool(self._touching(TOUCH))
        return time - self._key_at >= (CLOSE_S if soon else KEY_S) - 1e-6

    def _touching(self, share: float) -> list[tuple[FollowedFace, FollowedFace]]:
        """Return the pairs of visible faces whose boxes share so much of the smaller one."""
        seen = [face for face in self._faces if face.visible]
        return [
            (one, other)
            for place, one in enumerate(seen)
            for other in seen[place + 1 :]
            if covered_share(one.face.box, other.face.box) >= share
        ]

    def _detect(self, frame: Frame, *, thorough: bool) -> list[DetectedFace]:
        """Return what the detector finds in the whole frame."""
        time, alone = frame.time, not any(face.visible for face in self._faces)
        self._key_at = time
        if not (thorough or _is_due(self._thorough_at, time)):
            return quick_look(self._pipeline.detector, frame.pixels)
        self._thorough_at = time
        closer = self._pipeline.settings.small_faces != "never"
        found = thorough_look(self._pipeline.detector, frame.pixels, closer=closer)
        if not found and alone and _is_due(self._turned_at, time):
            self._turned_at = time
            found = find_turned(self._pipeline.detector, frame.pixels)
        return found

    def _look(self, frame: Frame, *, thorough: bool) -> None:
        """Look at a key frame: find the faces that are followed again, and new ones."""
        found = self._detect(frame, thorough=thorough)
        faces = list(self._faces)
        expected = [
            Expected(self._place(face, frame.time).box, 0.0 if face.visible else max(frame.time - face.seen, 1e-3))
            for face in faces
        ]
        pairs = associate(expected, [one.box for one in found])
        for place, other in pairs:
            self._find_again(faces[place], found[other], frame)
        again = [faces[place] for place, _ in pairs]
        for face in faces:
            if not any(face is one for one in again):
                self._look_for(face, frame, again)
        self._begin([one for place, one in enumerate(found) if place not in {pair[1] for pair in pairs}], frame)

    def _place(self, face: FollowedFace, time: float) -> DetectedFace:
        """Return where a face should be; one that left the frame waits at the edge where it would come back."""
        place = face.expected(time)
        middle = middle_of(place.box)
        return shifted(place, np.clip(middle, 0.0, self._size or (0, 0)) - middle)

    def _find_again(self, face: FollowedFace, found: DetectedFace, frame: Frame) -> None:
        """Take over a detection in the whole frame; one of a turned face is located more exactly first."""
        if abs(estimate_pose(face.face.landmarks).roll) > TILTED:
            exact = look_around(self._pipeline.detector, frame.pixels, self._place(face, frame.time))
            if exact is not None or face.visible:
                found = exact or face.face
        self._take(face, found, frame.time)

    def _take(self, face: FollowedFace, found: DetectedFace, time: float) -> None:
        """Take over a detection, unless it is of a part of a face that is carried on whole."""
        if not face.find_part(found, time):
            face.find_at(found, time)

    def _is_sure(self, face: FollowedFace) -> bool:
        """Return whether a face without a number that was just found, and judged by the gate network, is one."""
        score, doubts = face.face.score, face.doubts
        if face.carried or face.hits < 2 or score < self._pipeline.detector.threshold:
            return False
        return doubts.human >= SURELY if score >= SURE else doubts.looks >= LOOKS and doubts.human >= CONFIRMED

    def _confirm(self, face: FollowedFace, time: float) -> None:
        """Give a face its number: that of the one face out of sight that it can be, or a new one."""
        lost = [one for one in self._faces if one.number and not one.visible and one is not face]
        places = [Expected(self._place(one, time).box, max(time - one.seen, 1e-3)) for one in lost]
        likely = [one for one, place in zip(lost, places, strict=True) if pair_cost(place, face.face.box) < FAR]
        if len(likely) == 1:
            face.number = likely[0].number
            self._faces = [one for one in self._faces if one is not likely[0]]
        else:
            face.number, self._next = self._next, self._next + 1

    def _look_for(self, face: FollowedFace, frame: Frame, again: Sequence[FollowedFace]) -> None:
        """Look around for a face that was not found in the whole frame; it is out of sight where another hides it."""
        place = self._place(face, frame.time)
        if any(covered_share(place.box, one.face.box) >= HIDDEN for one in again):
            face.visible = False
            return
        found = look_around(self._pipeline.detector, frame.pixels, place)
        if found is not None and not any(overlap(found.box, one.face.box) > MATCH_OVERLAP for one in again):
            self._take(face, found, frame.time)

    def _look_for_lost(self, frame: Frame) -> None:
        """Look for faces that flow has just lost, between key frames."""
        usual = self._distances[-1] if self._distances else 0.0
        for face in self._faces:
            if not face.visible and frame.time - face.seen <= usual + 1e-6:
                others = [one for one in self._faces if one is not face and one.visible]
                self._look_for(face, frame, others)

    def _begin(self, found: Sequence[DetectedFace], frame: Frame) -> None:
        """Begin to follow what is newly found, if the gate network calls it a face."""
        seen = [face.face.box for face in self._faces if face.visible]
        new = [one for one in found if not any(covered_share(one.box, box) >= MATCH_OVERLAP for box in seen)]
        detector, gates = self._pipeline.detector, self._pipeline.gates
        self._more = 0
        for one in orient(detector, gates, [(frame.pixels, face) for face in new]):
            if not is_face(one.reading, gates.card):
                continue
            if len(self._faces) >= self._limit:
                self._more += 1
                continue
            face = FollowedFace(0, one.face, frame.time, frame.time, born=frame.time)
            face.doubts.turned, face.doubts.oriented_at = one.doubtful, frame.time
            if one.face.score >= SURE and one.reading.human >= SURELY:
                self._confirm(face, frame.time)
            self._faces.append(face)

    def _drop_doubles(self) -> None:
        """Take faces out of sight whose place is that of another one found since."""
        for one, other in self._touching(TWICE):
            if overlap(one.face.box, other.face.box) > TWICE:
                older = min(one, other, key=lambda face: (face.found, face.hits, -face.number))
                older.visible = False

    def _drop_out_of_view(self, frame: Frame) -> None:
        height, width = frame.pixels.shape[:2]
        for face in self._faces:
            if visible_share(face.face, width, height) < IN_VIEW:
                face.visible = False

    def _measure_motion(self, before: Sequence[tuple[FollowedFace, DetectedFace, bool, float]], time: float) -> None:
        """Measure how faces move, from frame to frame; not while they touch, when one may be taken for the other."""
        touching = {id(face) for pair in self._touching(TOUCH) for face in pair}
        for face, place, was, seen in before:
            if was and face.visible and id(face) not in touching:
                face.motion = face.motion.seen(moved_by(place, face.face), time - seen)

    def _judge(self, frame: Frame, grey: NDArray[np.uint8]) -> list[Unread]:
        """Ask the gate network where that is due, and measure the confirmed faces of the frame, largest first."""
        visible = sorted(
            (face for face in self._faces if face.visible), key=lambda face: (-face.face.area, face.number)
        )
        crops = self._gates.ask(frame, grey, visible, key=self._key_at == frame.time)
        for face in visible:
            if not face.number and self._is_sure(face):
                self._confirm(face, frame.time)
        return [
            self._reader.measure(Frame(grey, frame.time), face, crop)
            for face, crop in zip(visible, crops, strict=True)
            if face.number
        ]


def _is_due(last: float | None, time: float) -> bool:
    """Return whether a thorough look is due, after one at another time."""
    return last is None or time - last >= THOROUGH_S - 1e-6


def _followed(step: _Step, samples: Sequence[TrackSample]) -> FollowedFrame:
    height, width = step.frame.pixels.shape[:2]
    return FollowedFrame(
        step.frame.time, (width, height), tuple(samples), step.cut, step.started, step.ended, step.more
    )
