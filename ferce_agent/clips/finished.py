"""What stays of a face once it is gone: plain numbers and the entries of the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.episode_book import EpisodeBook
from ferce_agent.clips.gaps import GapFinder
from ferce_agent.clips.mouths import Closely
from ferce_agent.clips.totals import Totals
from ferce_agent.clips.track_analysis import TrackAnalysis
from ferce_agent.report import EyeSummary
from ferce_agent.report.baseline import TrackAgainstRest
from ferce_agent.temporal.body import FoundPosture
from ferce_agent.temporal.filtering import from_plain, plain
from ferce_agent.temporal.synchrony import Curve
from ferce_agent.temporal.thinning import Thinned


@dataclass(slots=True)
class FinishedTrack:
    """A face that is gone.

    Attributes:
        number: Its number in the report.
        first_s: When it appeared.
        last_s: When it was last seen.
        frames: In how many frames it was seen.
        box: Where it was most of the time: x, y, width and height in pixels.
        book: What it did.
        gaps: Where it could not be read.
        totals: Sums.
        points: Thinned rows of `ferce_agent.clips.points.Layout`, shape (N, width).
        curve: Its valence over time.
        points_from: Rows that these were thinned from.
        levels: Median intensity of each action unit that could be seen, by id.
        eyes: Eyes, mouth and gaze; None where they could not be measured.
        closely: Its mouth, and what it shows, finely enough for turns of speech.
        body: Its posture and gestures, by time.
        rest: What is read against the person's baseline; None without one.
    """

    number: int
    first_s: float
    last_s: float
    frames: int
    box: tuple[float, float, float, float]
    book: EpisodeBook
    gaps: GapFinder
    totals: Totals
    points: NDArray[np.float32]
    points_from: int
    levels: dict[str, float]
    curve: Curve
    eyes: EyeSummary | None
    closely: Closely = field(default_factory=Closely)
    body: tuple[FoundPosture, ...] = ()
    rest: TrackAgainstRest | None = None

    @property
    def id(self) -> str:
        """Its id in the report."""
        return f"track-{self.number}"

    @classmethod
    def of(cls, track: TrackAnalysis) -> FinishedTrack:
        """Keep what the report needs of a face that is gone."""
        return cls(
            number=track.number,
            first_s=track.first_s,
            last_s=track.last_s,
            frames=track.frames,
            box=track.box,
            book=track.book,
            gaps=track.gaps,
            totals=track.totals,
            points=rows_of(track.points),
            points_from=track.points.count,
            levels=track.levels(),
            curve=track.curve,
            eyes=track.eye_summary(),
            closely=track.closely,
            body=track.body.finish(),
            rest=track.against_rest(),
        )

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        rows = [plain(np.asarray(row, np.float64).round(5)) for row in self.points]
        return {
            "number": self.number,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "frames": self.frames,
            "box": list(self.box),
            "book": self.book.dump(),
            "gaps": self.gaps.dump(),
            "totals": self.totals.dump(),
            "points": rows,
            "points_from": self.points_from,
            "levels": dict(self.levels),
            "curve": self.curve.dump(),
            "eyes": None if self.eyes is None else self.eyes.model_dump(mode="json"),
            "closely": self.closely.dump(),
            "body": [asdict(one) for one in self.body],
            "rest": None if self.rest is None else self.rest.model_dump(mode="json"),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> FinishedTrack:
        """Return the face that a dump was made of."""
        x, y, width, height = dump["box"]
        rows = [from_plain(row) for row in dump["points"]]
        parts = {
            "box": (x, y, width, height),
            "book": EpisodeBook.load(dump["book"]),
            "gaps": GapFinder.load(dump["gaps"]),
            "totals": Totals.load(dump["totals"]),
            "points": np.array(rows, np.float32).reshape(len(rows), -1) if rows else np.zeros((0, 0), np.float32),
            "curve": Curve.load(dump["curve"]),
            "eyes": None if dump["eyes"] is None else EyeSummary.model_validate(dump["eyes"]),
            "closely": Closely.load(dump["closely"]),
            "body": tuple(FoundPosture(**one) for one in dump["body"]),
            "rest": None if dump["rest"] is None else TrackAgainstRest.model_validate(dump["rest"]),
        }
        return cls(**{**dump, **parts})


def rows_of(points: Thinned) -> NDArray[np.float32]:
    """Return thinned rows as an array, time first; half the size of what is needed while a face is followed."""
    rows = points.rows()
    return (
        np.array([[time, *values.tolist()] for time, values in rows], np.float32)
        if rows
        else np.zeros((0, 0), np.float32)
    )
