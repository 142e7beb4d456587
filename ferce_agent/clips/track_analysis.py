"""One face from when it appears to when it is gone: smoothed, with episodes, gaps, eyes and sums, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.body import BodyWatch
from ferce_agent.clips.episode_book import EpisodeBook
from ferce_agent.clips.eyes import EyeReader, eye_summary
from ferce_agent.clips.gaps import GapFinder
from ferce_agent.clips.mouths import Closely, MouthMeter
from ferce_agent.clips.points import CLASSES, Layout, weights
from ferce_agent.clips.readable import hidden_regions, obstacle
from ferce_agent.clips.rested import Rested
from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.signals import Channels
from ferce_agent.clips.totals import Totals
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import Episode, EyeSummary, Gap
from ferce_agent.report.baseline import TrackAgainstRest
from ferce_agent.specialist.runner import SpecialistCard
from ferce_agent.temporal.baseline import Rest
from ferce_agent.temporal.episodes import EpisodeFinder, FoundEpisode
from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.eyes import EyeWatch
from ferce_agent.temporal.filtering import SmoothedRow, Smoother, from_plain, plain
from ferce_agent.temporal.synchrony import Curve
from ferce_agent.temporal.thinning import Thinned

LAG_S: Final = 0.5
"""Seconds of what comes later on which the smoothed value of a time rests."""
BOXES: Final = 128
"""Boxes that are kept for their median, evenly spaced over time."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Signals:
    """What all faces of a clip share: which numbers are followed, and whether expressions may be read.

    Attributes:
        channels: The numbers.
        layout: Where they stand in a row of a thinned track.
        units: Where the action units begin and end among the channels.
        eyes: Reads eyes, mouth and direction of a face in one frame.
        mouth: Measures how far a mouth is open.
        infer: Whether expressions may be read.
    """

    channels: Channels
    layout: Layout
    units: slice
    eyes: EyeReader
    mouth: MouthMeter
    infer: bool

    @classmethod
    def of(cls, card: SpecialistCard, flatten: float, eyes: EyeReader, *, infer: bool) -> Signals:
        """Return them for a specialist and the setting `flatten`."""
        begin = CLASSES + 1
        units = slice(begin, begin + len(card.units))
        mouth = MouthMeter.of(tuple(card.blendshapes))
        return cls(Channels(card, flatten), Layout(card.units), units, eyes, mouth, infer)

    def shares(self, odds: Array) -> Array:
        """Return the probabilities of smoothed log-odds, each row summing to one; NaN where one could not be read.

        Args:
            odds: Shape (N, 8).
        """
        shares = 1 / (1 + np.exp(-odds))
        return np.asarray(shares / shares.sum(1, keepdims=True), np.float64)

    def named(self, values: Array) -> NDArray[np.intp]:
        """Return the place of the expression that is named in each smoothed row, -1 for none, shape (N,).

        The likeliest one of those that could be read, where it is at least as likely as one must be to be named.
        """
        odds, least = values[:, :CLASSES], values[:, CLASSES]
        known = np.where(np.isnan(odds), -np.inf, odds)
        best = known.argmax(1)
        sure = known[np.arange(len(best)), best] >= np.where(np.isnan(least), np.inf, least)
        return np.where(sure, best, -1)


class TrackAnalysis:
    """One face while it is followed.

    Attributes:
        number: Its number in the report, from 1.
        first_s: When it appeared.
        last_s: When it was last seen.
        frames: In how many frames it was seen.
        gaps: Where it could not be read.
        book: What it did.
        totals: Sums.
        points: What it showed over time, thinned.
        curve: Its valence over time.
        closely: Its mouth, and what it shows, finely enough for turns of speech.
        body: Its posture and gestures.
        rested: Reads it against the person's baseline; None without one.
        seen: What was measured of eyes, mouth and direction in the last frame; None where that was not looked for.
    """

    def __init__(self, number: int, signals: Signals) -> None:
        """Begin before the first frame."""
        self.number, self._signals = number, signals
        self.first_s = self.last_s = 0.0
        self.frames = 0
        self.gaps = GapFinder()
        self.book = EpisodeBook(f"track-{number}")
        self.totals = Totals()
        self.points = Thinned()
        self.curve = Curve()
        self.closely = Closely()
        self.body = BodyWatch()
        self.eyes = EyeWatch()
        self.rested: Rested | None = None
        self._smoother = Smoother(signals.channels.drifts, LAG_S)
        self._finder = EpisodeFinder(signals.channels.rules)
        self._places: deque[tuple[float, ...]] = deque()
        self._boxes: list[list[float]] = []
        self._stride = 1
        self._gaze = (float("nan"), float("nan"))
        self.seen: EyeSample | None = None

    @property
    def id(self) -> str:
        """Its id in the report."""
        return f"track-{self.number}"

    def push(self, sample: TrackSample, frame: Frame | None) -> tuple[list[Episode], Gap | None]:
        """Take the face in the next frame; return the episodes and the gap that are known from now on to be over.

        Args:
            sample: The face.
            frame: The picture it is in, for the landmark model; None where it is not held any more.
        """
        self._see(sample)
        self.closely.mouth.push(sample.time, np.array([self._signals.mouth.opening(sample)]))
        reason = obstacle(sample, infer=self._signals.infer)
        gap = self.gaps.push(sample.time, reason)
        self.book.see(sample.time, hidden_regions(sample))
        ended = self._watch_eyes(sample, frame)
        self._places.append(self._place(sample))
        values, deviations = self._signals.channels.read(sample)
        return [*ended, *self._take(self._smoother.push(sample.time, values, deviations))], gap

    def miss(self, time: float) -> None:
        """Take a frame in which the face, though it is still followed, was not found."""
        self.gaps.push(time, "not_found")

    def finish(self) -> tuple[list[Episode], Gap | None]:
        """End with the last frame; return what was still under way."""
        ended = [self.book.eyes(event) for event in self.eyes.finish()]
        ended += self._take(self._smoother.finish())
        ended += [self._named(found) for found in self._finder.finish()]
        return ended, self.gaps.finish(self.last_s)

    def reading(self, sample: TrackSample) -> Array:
        """Return what the face shows in one frame, before smoothing, as a row of the layout; once it was pushed."""
        shares = sample.probabilities
        usable = shares is not None and obstacle(sample, infer=True) is None
        signals = np.concatenate([shares if usable and shares is not None else np.full(CLASSES, np.nan), sample.units])
        place = self._places[-1] if self._places else self._place(sample)
        return np.concatenate([[sample.time], signals, place[1:]])

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where the face was most of the time: x, y, width and height in pixels."""
        x, y, width, height = np.median(np.array(self._boxes), axis=0).tolist()
        return x, y, width, height

    def _see(self, sample: TrackSample) -> None:
        self.first_s = self.first_s if self.frames else sample.time
        self.last_s = sample.time
        if self.frames % self._stride == 0:
            self._boxes.append([round(value, 1) for value in sample.box.tolist()])
        if len(self._boxes) > BOXES:
            self._boxes, self._stride = self._boxes[::2], self._stride * 2
        self.frames += 1

    def _watch_eyes(self, sample: TrackSample, frame: Frame | None) -> list[Episode]:
        reader = self._signals.eyes
        if frame is None and reader.method != "specialist":
            self.seen = None
            return []  # two models have two scales
        self.seen = seen = reader.read(sample, frame)
        self._gaze = seen.direction.gaze_x, seen.direction.gaze_y
        return [self.book.eyes(event) for event in self.eyes.push(seen)]

    def levels(self) -> dict[str, float]:
        """Return the median intensity of each action unit that could be seen, by id."""
        rows = np.array([values for _, values in self.points.rows()])
        if not len(rows):
            return {}
        found = {}
        for place, unit in enumerate(self._signals.layout.units, CLASSES):
            seen = rows[~np.isnan(rows[:, place]), place]
            if len(seen):
                found[unit] = round(float(np.median(seen)), 4)
        return found

    def against_rest(self) -> TrackAgainstRest | None:
        """Return the report's entry of what is read against the person's baseline; None without. After `finish`."""
        if self.rested is None:
            return None
        rows = np.array([values for _, values in self.points.rows()])
        first = CLASSES + len(self._signals.layout.units) + 1
        poses = rows[:, first : first + 3] if len(rows) else np.zeros((0, 3))
        return self.rested.told(self.levels(), poses, self.last_s - self.first_s)

    def eye_summary(self) -> EyeSummary | None:
        """Return what the eyes did; None where they were never seen. After `finish`."""
        return eye_summary(self.eyes.summary(), self._signals.eyes.method)

    def _place(self, sample: TrackSample) -> tuple[float, ...]:
        """Return the time, and the numbers of `ferce_agent.clips.points.PLACE`."""
        return (sample.time, 1.0 - self.eyes.closure, *sample.pose.tolist(), *self._gaze, sample.quality)

    def _take(self, rows: list[SmoothedRow]) -> list[Episode]:
        """Take smoothed rows: find episodes, add to the sums, keep points."""
        if not rows:
            return []
        found = [one for row in rows for one in self._finder.push(row)]
        times, values = np.array([row.time for row in rows]), np.array([row.values for row in rows])
        shares, units = self._signals.shares(values[:, :CLASSES]), values[:, self._signals.units]
        self.totals.push(times, shares, units, self._signals.named(values))
        places = np.array([self._places.popleft() for _ in rows])[:, 1:]
        for time, point in zip(times.tolist(), np.column_stack([shares, units, places]), strict=True):
            self.points.push(time, point)
            self.closely.shown.push(time, np.append(point[:CLASSES], point[-1]))
        for time, valence in zip(times.tolist(), (shares @ weights("valence")).tolist(), strict=True):
            self.curve.push(time, valence)
        return [self._named(one) for one in found]

    def _named(self, found: FoundEpisode) -> Episode:
        channels = self._signals.channels
        channel = channels.of(found)
        if channel.kind == "expression":
            return self.book.expression(channel.name, found)
        return self.book.movement(channel.name, found)

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "number": self.number,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "frames": self.frames,
            "gaps": self.gaps.dump(),
            "book": self.book.dump(),
            "totals": self.totals.dump(),
            "points": self.points.dump(),
            "curve": self.curve.dump(),
            "closely": self.closely.dump(),
            "body": self.body.dump(),
            "eyes": self.eyes.dump(),
            "smoother": self._smoother.dump(),
            "finder": self._finder.dump(),
            "places": [plain(np.array(place)) for place in self._places],
            "boxes": self._boxes,
            "stride": self._stride,
            "rested": None if self.rested is None else self.rested.dump(),
        }

    @classmethod
    def load(cls, signals: Signals, dump: dict[str, Any], rest: Rest | None = None) -> TrackAnalysis:
        """Return the face that a dump was made of; `rest` is needed where it was read against a baseline."""
        made = cls(dump["number"], signals)
        made.first_s, made.last_s, made.frames = dump["first_s"], dump["last_s"], dump["frames"]
        made.gaps, made.book = GapFinder.load(dump["gaps"]), EpisodeBook.load(dump["book"])
        made.totals, made.points = Totals.load(dump["totals"]), Thinned.load(dump["points"])
        made.curve, made.closely = Curve.load(dump["curve"]), Closely.load(dump["closely"])
        made.body = BodyWatch.load(dump["body"])
        made.eyes, made._smoother = EyeWatch.load(dump["eyes"]), Smoother.load(dump["smoother"])
        made._finder = EpisodeFinder.load(signals.channels.rules, dump["finder"])
        made._places = deque(tuple(from_plain(place).tolist()) for place in dump["places"])
        made._boxes, made._stride = dump["boxes"], dump["stride"]
        if rest is not None and dump["rested"] is not None:
            made.rested = Rested.load(rest, signals.channels, dump["rested"])
        return made
