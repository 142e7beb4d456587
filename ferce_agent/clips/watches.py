"""What makes a frame worth looking at, noticed while frames go by: strongest looks, covers, closed eyes, company."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.moments import Candidate, MomentBook
from ferce_agent.clips.peaks import PeakPictures
from ferce_agent.clips.pictures import Snapshot, face_snapshot, frame_snapshot
from ferce_agent.clips.readable import obstacle
from ferce_agent.clips.samples import TrackSample
from ferce_agent.clips.signals import LEAST_ODDS
from ferce_agent.clips.track_analysis import TrackAnalysis
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Episode, Gap, MicroMovement

COVERED_S: Final = 1.0
"""From so many seconds on an unreadable stretch is worth a look."""
CLOSED: Final = 0.8
"""The eyes count as closed from this closure on, as in `ferce_agent.temporal.eye_events`."""
CLOSED_S: Final = 0.7
"""From so many seconds on closed eyes are worth a look."""
TOGETHER: Final = 0.6
"""Least probability of an expression that several people show at once."""
TOGETHER_S: Final = 0.5
"""Least time for which they do."""
APART_S: Final = 1.0
"""Time without it after which it is over."""
APPEARING: Final = 6
"""So many faces are shown where they appear."""
LATE: Final = 24
"""Pictures of late that are kept of a face in which micro-expressions are looked for."""
LATE_S: Final = 0.1
"""Their distance in seconds."""
NEUTRAL: Final = CANONICAL.index("neutral")
ODDS: Final = 2 * float(np.log((1 - LEAST_ODDS) / LEAST_ODDS))
"""Log-odds are divided by this for the strength of an expression: probabilities near 1 can be told apart in it."""


@dataclass(slots=True)
class FaceWatch:
    """Keeps pictures of one face while it is followed, and hands them to the moments of the clip.

    Attributes:
        track: The face.
        infer: Whether expressions may be read; then its strongest expressions count, else its strongest movements.
        units: Ids of the action units.
    """

    track: TrackAnalysis
    infer: bool
    units: tuple[str, ...]
    _late: deque[Snapshot] = field(default_factory=lambda: deque(maxlen=LATE))
    _peaks: PeakPictures = field(default_factory=PeakPictures)
    _covered: Snapshot | None = None
    _closed: Snapshot | None = None
    _closed_from: float | None = None

    def push(self, pixels: NDArray[np.uint8], sample: TrackSample) -> None:
        """Take the next frame, once the track has."""
        self._peaks.push(pixels, sample, self._strengths(sample))
        length = self.track.gaps.length
        if length >= COVERED_S and (self._covered is None or self._covered.time < sample.time - length):
            self._covered = face_snapshot(pixels, sample)
        self._watch_eyes(pixels, sample)

    def appeared(self, pixels: NDArray[np.uint8], sample: TrackSample) -> Candidate:
        """Return the moment in which the face appeared."""
        shot = face_snapshot(pixels, sample)
        return Candidate("appears", sample.time, self.track.number, "", 0.3, shot)

    def remember(self, pixels: NDArray[np.uint8], sample: TrackSample) -> None:
        """Keep pictures of the last seconds, for short movements, which are known about a second late."""
        if self._late and sample.time - self._late[-1].time < LATE_S - 1e-6:
            return
        shot = face_snapshot(pixels, sample)
        if shot is not None:
            self._late.append(shot)

    def moved(self, micro: MicroMovement) -> Candidate:
        """Return the moment of a possible micro-expression, with the nearest picture of late."""
        near = [shot for shot in self._late if abs(shot.time - micro.apex_s) <= LATE_S]
        shot = min(near, key=lambda one: abs(one.time - micro.apex_s)) if near else None
        score = 0.3 + 0.4 * micro.confidence
        return Candidate("micro", micro.apex_s, self.track.number, " and ".join(micro.regions), score, shot)

    def over(self, ended: list[Episode], gap: Gap | None) -> list[Candidate]:
        """Return the moments that follow from what is over."""
        found = [one for episode in ended if (one := self._moment(episode)) is not None]
        shot, self._covered = self._covered, None if gap is not None else self._covered
        if gap is not None and shot is not None and gap.from_s <= shot.time <= gap.to_s + 0.5:
            score = min(0.35 + 0.1 * (gap.to_s - gap.from_s), 0.75)
            found.append(Candidate("covered", shot.time, self.track.number, gap.reason, score, shot))
        return found

    def _strengths(self, sample: TrackSample) -> NDArray[np.float64]:
        if not self.infer:
            return sample.units
        if sample.probabilities is None or obstacle(sample, infer=True) is not None:
            return np.full(len(CANONICAL), np.nan)
        shares = np.clip(sample.probabilities, LEAST_ODDS, 1 - LEAST_ODDS)
        strengths = 0.5 + np.log(shares / (1 - shares)) / ODDS
        strengths[NEUTRAL] = np.nan
        return np.asarray(strengths, np.float64)

    def _watch_eyes(self, pixels: NDArray[np.uint8], sample: TrackSample) -> None:
        if not self.track.eyes.closure >= CLOSED:
            self._closed_from = None
            return
        self._closed_from = sample.time if self._closed_from is None else self._closed_from
        if sample.time - self._closed_from >= CLOSED_S and (
            self._closed is None or self._closed.time < self._closed_from
        ):
            self._closed = face_snapshot(pixels, sample)

    def _moment(self, episode: Episode) -> Candidate | None:
        lasting = episode.offset_s - episode.onset_s
        if episode.movement == "eye_closure":
            shot = self._closed
            if shot is None or not episode.onset_s <= shot.time <= episode.offset_s:
                return None
            return Candidate("eyes_closed", shot.time, self.track.number, "", min(0.4 + 0.1 * lasting, 0.8), shot)
        about = (episode.expression if self.infer else episode.movement) or ""
        names = CANONICAL if self.infer else self.units
        if about not in names:
            return None
        shot = self._peaks.of(names.index(about), episode.onset_s, episode.offset_s)
        time = episode.apex_s if shot is None else shot.time
        score = episode.peak * episode.confidence * (0.5 + 0.5 * min(lasting, 1.0))
        return Candidate("apex", time, self.track.number, about, score, shot, waits=self.infer and shot is not None)


@dataclass(slots=True)
class _Together:
    began: float
    last: float
    strength: float
    people: int
    shot: Snapshot


@dataclass(slots=True)
class Company:
    """Notices where several people show the same expression at the same time."""

    _now: dict[str, _Together] = field(default_factory=dict)

    def push(self, pixels: NDArray[np.uint8], samples: list[TrackSample]) -> list[Candidate]:
        """Take the followed faces of the next frame; return what is over."""
        if len(samples) < 2 and not self._now:
            return []
        shown: dict[str, list[float]] = {}
        for sample in samples:
            if sample.probabilities is None or obstacle(sample, infer=True) is not None:
                continue
            best = int(sample.probabilities.argmax())
            if best != NEUTRAL and sample.probabilities[best] >= TOGETHER:
                shown.setdefault(CANONICAL[best], []).append(float(sample.probabilities[best]))
        for name, shares in shown.items():
            if len(shares) > 1:
                self._shown(name, shares, pixels, samples[0].time)
        return self._over(samples[0].time) if samples else []

    def finish(self) -> list[Candidate]:
        """Return what is still under way."""
        return self._over(float("inf"))

    def _shown(self, name: str, shares: list[float], pixels: NDArray[np.uint8], time: float) -> None:
        known, strength = self._now.get(name), sum(shares)
        if known is None:
            self._now[name] = _Together(time, time, strength, len(shares), frame_snapshot(pixels, time))
            return
        known.last = time
        if strength > known.strength + 0.05:
            known.strength, known.people, known.shot = strength, len(shares), frame_snapshot(pixels, time)

    def _over(self, now: float) -> list[Candidate]:
        found = []
        for name, one in list(self._now.items()):
            if now - one.last <= APART_S:
                continue
            del self._now[name]
            if one.last - one.began >= TOGETHER_S:
                about = f"{one.people} {name}"
                found.append(Candidate("together", one.shot.time, None, about, 0.85, one.shot))
        return found


def tell_all(book: MomentBook, found: list[Candidate]) -> None:
    """Keep what was noticed."""
    for one in found:
        book.add(one)
