"""Pictures of the strongest moments of one face, kept while it is not yet known which of them will count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.pictures import Snapshot, face_snapshot
from ferce_agent.clips.samples import TrackSample

ON: Final = 0.5
"""Strength from which on a picture is kept, on a scale from 0 to 1."""
OFF: Final = 0.45
"""Strength under which the next rise is another one."""
STEP: Final = 0.02
"""By how much a later picture must be stronger to replace the one that is kept."""
KEPT_S: Final = 30.0
"""Seconds for which pictures of a rise that is over wait for its episode to be found."""
NEAR_S: Final = 0.5
"""A picture may be so far outside an episode, in seconds: raw readings and the smoothed curve differ."""


@dataclass(slots=True)
class _Peak:
    strength: float
    shot: Snapshot


@dataclass(slots=True)
class PeakPictures:
    """The picture of the strongest reading of each rise of each channel of one face; at most a few of them."""

    _now: dict[int, _Peak] = field(default_factory=dict)
    _before: list[tuple[int, _Peak]] = field(default_factory=list)

    def push(self, pixels: NDArray[np.uint8], sample: TrackSample, strengths: NDArray[np.float64]) -> None:
        """Take the next frame.

        Args:
            pixels: The frame, shape (H, W, 3), uint8, BGR.
            sample: The face in it.
            strengths: Of each channel, 0..1, NaN where it could not be read, shape (K,).
        """
        for channel in [place for place in self._now if not strengths[place] >= OFF]:
            self._before.append((channel, self._now.pop(channel)))
        shot: Snapshot | None = None
        for channel in np.flatnonzero(strengths >= ON).tolist():
            strength, known = float(strengths[channel]), self._now.get(channel)
            if known is not None and strength < known.strength + STEP:
                continue
            shot = shot or face_snapshot(pixels, sample)
            if shot is not None:
                self._now[channel] = _Peak(strength, shot)
        self._before = [one for one in self._before if sample.time - one[1].shot.time < KEPT_S][-8:]

    def of(self, channel: int, onset_s: float, offset_s: float) -> Snapshot | None:
        """Return the picture of the strongest reading of an episode; None where none was kept."""
        known = [peak for place, peak in self._before if place == channel]
        known += [self._now[channel]] if channel in self._now else []
        inside = [peak for peak in known if onset_s - NEAR_S <= peak.shot.time <= offset_s + NEAR_S]
        return max(inside, key=lambda peak: peak.strength).shot if inside else None
