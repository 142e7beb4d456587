"""A face of a film that is read against the person's baseline, with what would be told without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.points import CLASSES
from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.signals import Channels
from ferce_agent.clips.totals import Totals
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.against_rest import doubt_words, head_numbers
from ferce_agent.reasoning.expression import rounded_shares
from ferce_agent.report import Distribution, HeadPose, wording
from ferce_agent.report.baseline import TrackAgainstRest
from ferce_agent.report.clip_wording import track_name
from ferce_agent.temporal.baseline import Rest, changes, usual_shares, without_expressions
from ferce_agent.temporal.filtering import SmoothedRow, Smoother

LAG_S: Final = 0.5
"""As the curves of a track are smoothed."""
APART: Final = 0.05
"""From this difference of a share of the time on it is told in words."""

Array = NDArray[np.float64]


class Rested:
    """The readings of one face without the baseline, and their correction by it.

    Attributes:
        rest: The person's.
    """

    def __init__(self, rest: Rest, channels: Channels) -> None:
        """Begin before the first frame."""
        self.rest, self._channels = rest, channels
        self._totals = Totals()
        self._smoother = Smoother(channels.drifts[: CLASSES + 1], LAG_S)

    def take(self, sample: TrackSample) -> TrackSample:
        """Count a reading without the baseline, and return it read against it."""
        if sample.probabilities is None:
            return sample
        values, deviations = self._channels.read(sample)
        self._add(self._smoother.push(sample.time, values[: CLASSES + 1], deviations[: CLASSES + 1]))
        movements = dict(zip(self._channels.units, sample.units.tolist(), strict=True))
        return replace(sample, probabilities=self.rest.correct(sample.probabilities, movements))

    def _add(self, rows: Sequence[SmoothedRow]) -> None:
        if not rows:
            return
        values = np.array([row.values for row in rows])
        shares = 1 / (1 + np.exp(-values[:, :CLASSES]))
        odds = np.where(np.isnan(values[:, :CLASSES]), -np.inf, values[:, :CLASSES])
        best, least = odds.argmax(1), values[:, CLASSES]
        sure = odds[np.arange(len(best)), best] >= np.where(np.isnan(least), np.inf, least)
        times = np.array([row.time for row in rows])
        nothing = np.zeros((len(rows), 0))
        self._totals.push(times, shares / shares.sum(1, keepdims=True), nothing, np.where(sure, best, -1))

    def told(self, levels: Mapping[str, float], poses: Array, seconds: float) -> TrackAgainstRest:
        """Return the report's entry, once the face is gone.

        Args:
            levels: Median intensities of its action units.
            poses: Its yaw, pitch and roll over time in degrees, shape (N, 3).
            seconds: How long it was seen; a second counts as one independent reading.
        """
        self._add(self._smoother.finish())
        made = self.rest.baseline
        yaw, pitch, roll = np.median(poses, axis=0).tolist() if len(poses) else (0.0, 0.0, 0.0)
        held = HeadPose(
            yaw=round(float(yaw), 2), pitch=round(float(pitch), 2), roll=round(float(roll), 2), method="measured"
        )
        shares = usual_shares(self.rest)
        return TrackAgainstRest(
            baseline=self.rest.use(),
            absolute_shares={name: round(share, 4) for name, share in self._totals.shares.items() if name in CANONICAL},
            changes=changes(dict(levels), made.movements, seconds),
            head=changes(head_numbers(held, levels), made.head, seconds) if len(poses) else {},
            resting=None if shares is None else Distribution(**rounded_shares(shares)),
        )

    def dump(self) -> dict[str, Any]:
        """Return what was counted as plain data, without the baseline."""
        return {"totals": self._totals.dump(), "smoother": self._smoother.dump()}

    @classmethod
    def load(cls, rest: Rest, channels: Channels, dump: dict[str, Any]) -> Rested:
        """Return what a dump was made of."""
        made = cls(rest, channels)
        made._totals, made._smoother = Totals.load(dump["totals"]), Smoother.load(dump["smoother"])
        return made


def rested_words(track: str, rest: TrackAgainstRest | None, shares: Mapping[str, float], *, infer: bool) -> str:
    """Say that a face was read against the person's rest, and what would be told without it; empty without a baseline.

    Args:
        track: Id of the face.
        rest: Its entry.
        shares: Share of the readable time in which each expression is named with the baseline.
        infer: Whether expressions may be told.
    """
    if rest is None:
        return ""
    name = track_name(track)
    doubts = doubt_words(rest.baseline if infer else without_expressions(rest.baseline))
    if not infer:
        return f"{name} is compared with how the person's face usually is at rest.{doubts}"
    alone = [
        f"{wording.term_label(one)} for {wording.percent(share)}"
        for one, share in sorted(rest.absolute_shares.items(), key=lambda item: -item[1])
        if one != "neutral" and share - shares.get(one, 0.0) >= APART
    ]
    told = f"{' and '.join(alone[:2])} of the readable time" if alone else "about the same"
    alone_told = f"without that, {told} would be named.{doubts}"
    return f"{name} is read against how the person's face usually is at rest; {alone_told}"
