"""Looking for micro-movements of one face while its frames come.

What is found is *possible* only and names no emotion; see `ferce_agent.temporal.micro` for the method and
`ferce_agent.faces.motion` for what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ferce_agent.clips.samples import TrackSample
from ferce_agent.errors import SettingsError
from ferce_agent.faces.motion import REGIONS, MotionMeter
from ferce_agent.inputs.frames import Frame
from ferce_agent.temporal.micro import GAP, LEAST_RATE, FoundMicro, MicroFinder, MotionRow

LEAST_EYES: Final = 24.0
"""Least distance between the eyes in pixels: in a smaller face a micro-movement is a fraction of a pixel's noise."""
BLINKS: Final = ("eyeBlinkLeft", "eyeBlinkRight")
"""Blendshapes that close the eyes."""


def can_spot(frame_rate: float) -> bool:
    """Return whether a clip has enough frames a second; where not, the report says ``frame_rate_too_low``.

    A hundredth below `LEAST_RATE` is let pass, for rates that are measured from the times of frames.
    """
    return frame_rate >= LEAST_RATE * 0.99


class MicroSpotter:
    """Finds the micro-movements of one track.

    Memory is bounded: a few seconds of numbers and one small picture of the face. Nothing of it is kept in a dump: a
    run that is taken up again begins with a new spotter, which reports nothing in its first second.
    """

    def __init__(self, frame_rate: float, *, shapes: Sequence[str] = ()) -> None:
        """Begin with the next frame.

        Args:
            frame_rate: Frames a second.
            shapes: Names of `TrackSample.shapes`, in its order (the specialist's card has them as ``blendshapes``);
                with them blinks are also seen by the specialist's eyes, without them by the motion of the lids alone.

        Raises:
            SettingsError: There are too few frames a second; see `can_spot`.
        """
        if not can_spot(frame_rate):
            raise SettingsError(
                f"At {frame_rate:g} frames a second a micro-movement cannot be told from noise.",
                hint=f"Give a clip with at least {LEAST_RATE:g} frames a second, or leave micro-movements out.",
            )
        self._blinks = [place for place, name in enumerate(shapes) if name in BLINKS]
        self._gap = max(GAP, 3.5 / frame_rate)
        self._meter = MotionMeter()
        self._finder = MicroFinder(frame_rate, [region.part for region in REGIONS])
        self._time = -np.inf

    def push(self, frame: Frame, sample: TrackSample) -> list[FoundMicro]:
        """Look at the next frame.

        Args:
            frame: The whole picture.
            sample: The face in it. A frame in which the track was not seen is left out.

        Returns:
            What is known from now on, about a second late.
        """
        if frame.time <= self._time:
            return []
        if frame.time - self._time > self._gap:
            self._meter = MotionMeter()
        self._time = frame.time
        left, right = sample.landmarks[:2]
        if not np.linalg.norm(right - left) >= LEAST_EYES:
            self._meter = MotionMeter()
            return self._finder.finish()
        motion = self._meter.measure(frame.pixels, sample.landmarks, frame.time)
        closed = sample.shapes[self._blinks]
        blink = float(closed.min()) if len(closed) else float("nan")
        return self._finder.push(MotionRow(frame.time, motion.regions, motion.head, blink, motion.restarted))

    def finish(self) -> list[FoundMicro]:
        """Return what is left to be known when the track has ended."""
        return self._finder.finish()
