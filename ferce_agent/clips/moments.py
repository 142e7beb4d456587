"""The frames worth looking at: candidates are kept while a clip is read, and a few of them are chosen at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from ferce_agent.clips.pictures import Snapshot
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import FaceReading, FoundFace, Pipeline
from ferce_agent.report import Expression
from ferce_agent.report.clip import MomentReason
from ferce_agent.temporal.baseline import Rest

MOST: Final = 12
"""Moments of a report."""
KEPT: Final = 40
"""Candidates kept while a clip is read."""
LEAST: Final = 0.12
"""Candidates that are worth less, for being weak or close to others, are not chosen."""
APART_S: Final = 0.5
"""Two moments of a face are at least so many seconds apart: nearer, they would be the same picture."""
AT_ONCE: Final = 4
"""Faces that are read at once; each is looked at several times, and more of them would only take more memory."""
REPEATED: Final = 0.85
"""What each further moment of the same kind counts, in comparison with the one before."""
NEAR: Final = 0.3
"""What a moment right beside a chosen one counts; from an eighth of the clip away it counts in full."""


@dataclass(slots=True)
class Candidate:
    """A frame that may become a moment.

    Attributes:
        why: Why it is worth looking at.
        time: Seconds of the film.
        track: Number of the track in the report; None for the whole picture.
        about: What it is about, for its words: an expression, a movement, or what covers the face.
        score: How much it is worth, 0..1.
        picture: What it looks like; None where the reading went on from a checkpoint.
        reading: What was read in it as in a photo; None where nothing was, or after a checkpoint.
        expression: The expression of that reading.
        waits: Whether its face still is to be read as in a photo.
    """

    why: MomentReason
    time: float
    track: int | None
    about: str
    score: float
    picture: Snapshot | None = None
    reading: FaceReading | None = None
    expression: Expression | None = None
    waits: bool = False

    @property
    def kind(self) -> tuple[str, int | None, str]:
        """What makes it similar to another one."""
        return self.why, self.track, self.about

    def dump(self) -> dict[str, Any]:
        """Return it as plain data, without its picture."""
        shown = None if self.expression is None else self.expression.model_dump(mode="json")
        return {
            "why": self.why,
            "time": self.time,
            "track": self.track,
            "about": self.about,
            "score": self.score,
            "expression": shown,
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> Candidate:
        """Return the candidate that a dump was made of."""
        shown = dump["expression"]
        expression = None if shown is None else Expression.model_validate(shown)
        return cls(**{**dump, "expression": expression})


@dataclass(slots=True)
class MomentBook:
    """The candidates of a clip, at most `KEPT` of them.

    Attributes:
        candidates: In no order.
    """

    candidates: list[Candidate] = field(default_factory=list)

    def add(self, candidate: Candidate) -> None:
        """Keep a candidate, and let go of the one that is worth least among all, if there are too many."""
        self.candidates.append(candidate)
        if len(self.candidates) > KEPT:
            best = ranked(self.candidates, KEPT)
            self.candidates = best if len(best) == KEPT else sorted(self.candidates, key=lambda one: -one.score)[:KEPT]

    def forget(self, track: int) -> None:
        """Let go of the candidates of a track that is not in the report."""
        self.candidates = [one for one in self.candidates if one.track != track]

    def read(self, pipeline: Pipeline, rests: Mapping[int, Rest] = MappingProxyType({})) -> None:
        """Read the faces of the candidates that wait for it, as in a photo; see `read_waiting`."""
        read_waiting(self.candidates, pipeline, rests)

    def chosen(self) -> list[Candidate]:
        """Return the moments of the report, at most `MOST`, in the order of their times."""
        best = ranked(self.candidates, MOST, LEAST, APART_S)
        return sorted(best, key=lambda one: (one.time, one.track or 0, one.why))

    def dump(self) -> list[dict[str, Any]]:
        """Return the candidates as plain data, without pictures."""
        return [one.dump() for one in self.candidates]

    @classmethod
    def load(cls, dump: list[dict[str, Any]]) -> MomentBook:
        """Return the book that a dump was made of."""
        return cls([Candidate.load(one) for one in dump])


def read_waiting(
    candidates: Sequence[Candidate], pipeline: Pipeline, rests: Mapping[int, Rest] = MappingProxyType({})
) -> None:
    """Read the faces of candidates that wait for it, as in a photo: with several looks, and abstentions.

    Args:
        candidates: All of them.
        pipeline: Reads them.
        rests: Baselines of the people, by the number of their track; those of others are read without.
    """
    for rest in (None, *dict.fromkeys(rests.values())):
        _read([one for one in candidates if rests.get(one.track or 0) is rest], pipeline, rest)


def _read(candidates: Sequence[Candidate], pipeline: Pipeline, rest: Rest | None) -> None:
    waiting = [one for one in candidates if one.waits and one.picture is not None and one.picture.face is not None]
    for begin in range(0, len(waiting), AT_ONCE):
        part = waiting[begin : begin + AT_ONCE]
        found = [
            FoundFace(Frame(shot.pixels, shot.time), 0, shot.face, shot.doubts)
            for shot in (one.picture for one in part)
            if shot is not None and shot.face is not None
        ]
        for one, reading in zip(part, pipeline.read_faces(found, rest=rest), strict=True):
            one.waits, one.reading, one.expression = False, reading, reading.expression


def ranked(candidates: Sequence[Candidate], most: int, least: float = 0.0, apart_s: float = 0.0) -> list[Candidate]:
    """Return the candidates that are worth most, spread over time and kinds, best first.

    One after the other is taken; each time the others count less if they are near to one that was taken, or of the same
    kind.

    Args:
        candidates: All of them.
        most: How many to return at most.
        least: Those that are worth less are left out, 0..1.
        apart_s: Those of the same face that are nearer to one that was taken are left out, in seconds.
    """
    left, taken = list(candidates), list[Candidate]()
    reach = max((max(one.time for one in left) - min(one.time for one in left)) / 8, 0.5) if left else 1.0
    kinds: Counter[Any] = Counter()
    distance = {id(one): 1.0 for one in left}

    def worth(one: Candidate) -> tuple[float, float]:
        spread = NEAR + (1 - NEAR) * min(distance[id(one)], 1.0)
        return one.score * spread * REPEATED ** kinds[one.kind], -one.time

    while left and len(taken) < most:
        best = max(left, key=worth)
        if worth(best)[0] < least:
            break
        left = [
            one for one in left if one is not best and (one.track != best.track or abs(one.time - best.time) >= apart_s)
        ]
        taken.append(best)
        kinds[best.kind] += 1
        for one in left:
            distance[id(one)] = min(distance[id(one)], abs(one.time - best.time) / reach)
    return taken
