"""What a camera shows now: from the readings of single pictures to one `LiveFrame` a picture, without looking ahead.

Log-odds and intensities are smoothed by an exponential mean over the real times of the readings; one of a face that is
strange to the network, and so uncertain, weighs less. An expression is named and dropped at different probabilities, so
that a label does not flicker. What keeps a face from being read in a picture shows at once: nothing that was read
earlier is named over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.followed_track import BRIEF_FRAMES, BRIEF_S
from ferce_agent.clips.points import CLASSES, expected
from ferce_agent.clips.readable import hidden_regions, obstacle
from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.signals import DROPPED, NAMED, Channels, log_odds, spread
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.reasoning.expression import LEAST_QUALITY, LEAST_SHARE, is_carried, rounded_shares
from ferce_agent.report import Distribution, Region
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent, ReadingEvent, TrackEvent
from ferce_agent.report.live import LiveFace, LiveFrame
from ferce_agent.specialist.runner import SpecialistCard

SMOOTHED_S: Final = 0.25
"""Time constant of the smoothing, in seconds: readings that are so old weigh 1/e of a new one."""
BROKEN_S: Final = 0.25
"""After so many seconds out of sight an expression that was named is so no longer."""
MOST_SHARE: Final = 1 - (CLASSES - 1) * LEAST_SHARE
"""No expression is certain."""
Array = NDArray[np.float64]


class LiveView:
    """Makes the frames that a page draws over a camera's picture; not to be shared between threads.

    It keeps a few numbers for each face that is followed, so that it does not grow however long the camera runs.
    """

    def __init__(
        self,
        card: SpecialistCard,
        flatten: float,
        *,
        size: tuple[int, int],
        infer: bool = True,
        skipped: Callable[[], int] = lambda: 0,
    ) -> None:
        """Begin before the first event.

        Args:
            card: Of the specialist that reads the faces.
            flatten: By how much its class prior is flattened, 0..1: `ferce_agent.settings.Settings.flatten`.
            size: Width and height of the pictures in pixels.
            infer: Whether expressions may be read; without it only movements are shown.
            skipped: Returns how many pictures were left out so far because a newer one came.
        """
        self._channels = Channels(card, flatten)
        self._units = card.units
        self._size, self._infer, self._skipped = size, infer, skipped
        self._faces: dict[str, _Face] = {}
        self._open: _Picture | None = None
        self._last = -1

    def push(self, event: ClipEvent) -> list[LiveFrame]:
        """Take the next event of `stream_clip`; return the pictures that are complete now.

        A picture is complete with its progress, or with the first reading of a later one. One that is not the last of
        several that were read together, and shows nobody, has no entry: no event tells of it.
        """
        if isinstance(event, ReadingEvent):
            return self._read(event)
        if isinstance(event, ProgressEvent):
            return self._progressed(event)
        if isinstance(event, TrackEvent) and event.event == "track_ends":
            self._faces.pop(event.track, None)
        return []

    def _read(self, event: ReadingEvent) -> list[LiveFrame]:
        face = self._faces.setdefault(event.track, _Face(len(self._channels)))
        sample = self._sample(event)
        face.push(sample, self._channels.read(sample)[0])
        # A face is told about once it is known to be one; what was read of it until then is of earlier pictures.
        if face.is_brief or event.frame <= self._last:
            return []
        done = self._close() if self._open is not None and event.frame > self._open.frame else []
        if self._open is None:
            self._open = _Picture(event.frame, event.point.time_s)
        if event.frame == self._open.frame:
            self._open.faces.append(self._live(event, sample, face))
        return done

    def _progressed(self, event: ProgressEvent) -> list[LiveFrame]:
        frame = event.frames - 1
        done = self._close() if self._open is not None and self._open.frame < frame else []
        if frame <= self._last or (self._open is not None and self._open.frame > frame):
            return done
        faces = self._open.faces if self._open is not None else []
        self._open = _Picture(frame, event.time_s, faces)
        return [*done, *self._close()]

    def _close(self) -> list[LiveFrame]:
        one, self._open = self._open, None
        if one is None:
            return []
        self._last = one.frame
        width, height = self._size
        return [
            LiveFrame(
                frame=one.frame,
                time_s=one.time,
                width=width,
                height=height,
                faces=tuple(sorted(one.faces, key=lambda face: (-face.box.width * face.box.height, _number(face)))),
                skipped=self._skipped(),
            )
        ]

    def _sample(self, event: ReadingEvent) -> TrackSample:
        """Return the sample that an event tells of, without what events do not hold and nothing here needs."""
        point, box = event.point, event.box
        shares = None if point.distribution is None else np.array([share for _, share in point.distribution.items()])
        return TrackSample(
            time=point.time_s,
            track=0,
            box=np.array([box.x, box.y, box.width, box.height]),
            landmarks=np.zeros((5, 2)),
            score=event.score,
            carried=event.carried,
            pose=np.array([point.yaw, point.pitch, point.roll]),
            quality=point.quality,
            reasons=event.reasons,
            probabilities=shares if self._infer else None,
            units=np.array([point.movements.get(unit, np.nan) for unit in self._units]),
            shapes=np.zeros(0),
            strangeness=np.nan if event.strangeness is None else event.strangeness,
        )

    def _live(self, event: ReadingEvent, sample: TrackSample, face: _Face) -> LiveFace:
        values = face.known()
        told: dict[str, Any] = {
            "track": event.track,
            "box": event.box,
            "reasons": event.reasons,
            "state": "unsure",
            **dict.fromkeys(("expression", "confidence", "since_s", "distribution", "valence", "arousal")),
            "movements": self._movements(values, sample),
        }
        if (reason := obstacle(sample, infer=self._infer)) is not None:
            face.named = None
            told.update(state="not_read", reasons=event.reasons or (reason,))
        elif not self._infer:
            told["state"] = "restricted"
        else:
            told.update(self._expression(values, sample, face))
        return LiveFace(**told)

    def _movements(self, values: Array, sample: TrackSample) -> dict[str, float]:
        """Return the smoothed intensities of the units that this picture shows."""
        if sample.quality < LEAST_QUALITY:
            return {}
        seen = {unit for unit, value in zip(self._units, sample.units.tolist(), strict=True) if not np.isnan(value)}
        return {unit: round(value, 3) for unit, value in self._channels.movements(values).items() if unit in seen}

    def _expression(self, values: Array, sample: TrackSample, face: _Face) -> dict[str, Any]:
        """Return what is said of the expression of a face that can be read."""
        shares = self._channels.distribution(values)
        told: dict[str, Any] = {}
        if shares is not None:
            rounded = rounded_shares(shares)
            numbers = list(rounded.values())
            told = {"distribution": Distribution(**rounded)}
            told |= {axis: expected(numbers, axis) for axis in ("valence", "arousal")}
        probabilities = shares if shares is not None else 1 / (1 + np.exp(-values[:CLASSES]))
        face.name(probabilities, float(values[CLASSES]), hidden_regions(sample))
        if face.named is not None:
            name, since = face.named
            confidence = round(min(float(probabilities[CANONICAL.index(name)]), MOST_SHARE), 4)
            told |= {"state": "shown", "expression": name, "confidence": confidence, "since_s": since}
        return told


@dataclass(slots=True)
class _Picture:
    """A picture of which not everything was told yet."""

    frame: int
    time: float
    faces: list[LiveFace] = field(default_factory=list)


class _Face:
    """One face: exponentially weighed sums of its channels, and what is named."""

    def __init__(self, channels: int) -> None:
        self.named: tuple[Canonical, float] | None = None
        """The expression that is named, and since when."""
        self._sums, self._weights = np.zeros(channels), np.zeros(channels)
        self._read = np.zeros(channels, np.bool_)
        self._first: float | None = None
        self._time = 0.0
        self._count = 0

    @property
    def is_brief(self) -> bool:
        """Whether too little was seen of it so far to be believed; as `FollowedTrack.is_brief`."""
        return self._count < BRIEF_FRAMES or self._first is None or self._time - self._first < BRIEF_S - 1e-6

    def push(self, sample: TrackSample, values: Array) -> None:
        """Take what a picture shows: the values of the channels, NaN where one could not be read."""
        if self._first is None:
            self._first = self._time = sample.time
        passed = max(sample.time - self._time, 0.0)
        if passed > BROKEN_S:
            self.named = None
        kept, self._read = exp(-passed / SMOOTHED_S), ~np.isnan(values)
        # The inverse square of the error would weigh best for a face that holds still. Of one that moves it keeps old
        # readings for longer than SMOOTHED_S wherever the face becomes harder to read.
        weights = self._read / spread(sample)
        self._weights = kept * self._weights + weights
        self._sums = kept * self._sums + weights * np.where(self._read, values, 0.0)
        self._time = max(sample.time, self._time)
        self._count += 1

    def known(self) -> Array:
        """Return the smoothed channels, NaN where the last picture does not show one."""
        weights = np.where(self._read, self._weights, 1.0)
        return np.asarray(np.where(self._read, self._sums / weights, np.nan), np.float64)

    def name(self, probabilities: Array, least: float, hidden: Sequence[Region]) -> None:
        """Name the likeliest expression, keep the one that is named, or drop it.

        Args:
            probabilities: Of the eight expressions, shape (8,), NaN where one could not be read.
            least: Log-odds from which on one is named, whatever it is.
            hidden: Parts of the face that are covered.
        """
        known = np.nan_to_num(probabilities, nan=0.0)
        best = int(known.argmax())
        name, share = CANONICAL[best], float(known[best])
        holds = self.named is not None and self.named[0] == name
        margin = log_odds(NAMED) - log_odds(DROPPED) if holds else 0.0
        if log_odds(share) < max(least, log_odds(NAMED)) - margin or not is_carried((name,), share, hidden):
            self.named = None
        elif not holds:
            self.named = name, round(self._time, 4)


def _number(face: LiveFace) -> int:
    return int(face.track.rpartition("-")[2])
