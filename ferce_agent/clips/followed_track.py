"""One number of the follower: first a few frames that wait, then, if it is no false alarm, a face that is analysed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ferce_agent.clips.micro import MicroSpotter
from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.track_analysis import Signals, TrackAnalysis
from ferce_agent.clips.watches import FaceWatch
from ferce_agent.temporal.baseline import Rest

BRIEF_FRAMES: Final = 3
"""A face that is seen in fewer frames is left out: the detector took something else for one."""
BRIEF_S: Final = 0.2
"""A face that is seen for a shorter time is left out."""


@dataclass(slots=True)
class FollowedTrack:
    """A number of the follower.

    Attributes:
        waiting: Samples with the number of their frame, until it is known that it is a face.
        track: The face; None until then.
        watch: Keeps its pictures.
        spotter: Looks for micro-expressions; None where none are looked for.
    """

    waiting: list[tuple[int, TrackSample]] = field(default_factory=list)
    track: TrackAnalysis | None = None
    watch: FaceWatch | None = None
    spotter: MicroSpotter | None = None

    def is_brief(self) -> bool:
        """Return whether too little was seen of it so far to be believed."""
        first, last = self.waiting[0][1].time, self.waiting[-1][1].time
        return len(self.waiting) < BRIEF_FRAMES or last - first < BRIEF_S - 1e-6

    def begin(self, number: int, signals: Signals) -> TrackAnalysis:
        """Make it a face with a number in the report."""
        self.track = TrackAnalysis(number, signals)
        self.watch = FaceWatch(self.track, signals.infer, signals.layout.units)
        return self.track

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        waiting = [[number, sample_dump(sample)] for number, sample in self.waiting]
        return {"waiting": waiting, "track": None if self.track is None else self.track.dump()}

    @classmethod
    def load(cls, signals: Signals, dump: dict[str, Any], rest: Rest | None = None) -> FollowedTrack:
        """Return what a dump was made of."""
        made = cls([(number, sample_load(sample)) for number, sample in dump["waiting"]])
        if dump["track"] is not None:
            made.track = TrackAnalysis.load(signals, dump["track"], rest)
            made.watch = FaceWatch(made.track, signals.infer, signals.layout.units)
        return made


ARRAYS: Final = ("box", "landmarks", "pose", "units", "shapes")
"""Fields of a sample that are arrays."""


def sample_dump(sample: TrackSample) -> dict[str, Any]:
    """Return a sample as plain data."""
    shares = sample.probabilities
    return {
        **{name: _plain(getattr(sample, name)) for name in ARRAYS},
        "time": float(sample.time),
        "track": int(sample.track),
        "score": float(sample.score),
        "carried": bool(sample.carried),
        "quality": float(sample.quality),
        "reasons": list(sample.reasons),
        "probabilities": None if shares is None else _plain(shares),
        "strangeness": _plain(np.float64(sample.strangeness)),
    }


def sample_load(dump: dict[str, Any]) -> TrackSample:
    """Return the sample that a dump was made of."""
    arrays = {name: np.array(dump[name], np.float64) for name in ARRAYS}
    shares, strangeness = dump["probabilities"], dump["strangeness"]
    return TrackSample(
        **{
            **dump,
            **arrays,
            "reasons": tuple(dump["reasons"]),
            "probabilities": None if shares is None else np.array(shares, np.float64),
            "strangeness": float("nan") if strangeness is None else strangeness,
        }
    )


def _plain(value: Any) -> Any:
    """Return an array or a number as plain data, with None for NaN."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    return None if np.isnan(value) else float(value)
