"""What a face shows over a stretch of time, as one answer that can be taken together with a voice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.mouths import FACE_STEP_S
from ferce_agent.clips.points import CLASSES, expected
from ferce_agent.ontology.labels import CANONICAL

if TYPE_CHECKING:
    from ferce_agent.reasoning.modalities import FaceStretch
    from ferce_agent.report import TimeSpan

NAMED: Final = 0.6
"""Mean probability from which on the likeliest expression is named for a stretch, as within a clip."""
LEAST_S: Final = 0.2
"""A face that could be read for less of a stretch takes no part in it."""


def stretch_of(track: FinishedTrack, span: TimeSpan, *, speaking: bool) -> FaceStretch | None:
    """Return what a face shows over a stretch; None where it could not be read there.

    Args:
        track: The face.
        span: The stretch.
        speaking: Whether it speaks then, which moves the mouth.
    """
    from ferce_agent.reasoning.modalities import FaceStretch

    times, rows = track.closely.shown.between(span.from_s, span.to_s)
    known = ~np.isnan(rows[:, :CLASSES]).any(1)
    if not known.any():
        return None
    step = max(track.closely.shown.step_s, float(np.median(np.diff(times))) if len(times) > 1 else FACE_STEP_S)
    readable = min(float(known.sum()) * step, span.to_s - span.from_s)
    if readable < LEAST_S:
        return None
    shares = rows[known, :CLASSES].mean(0)
    shares = shares / shares.sum()
    best = int(shares.argmax())
    return FaceStretch(
        probabilities=shares,
        expression=CANONICAL[best] if shares[best] >= NAMED else None,
        arousal=expected(shares.tolist(), "arousal"),
        valence=expected(shares.tolist(), "valence"),
        readable_s=readable,
        quality=float(np.nanmean(rows[known, CLASSES])),
        speaking=speaking,
    )
