"""Whether a face can be read in a frame of a clip, and what is in the way; the rules are those of a photo."""

from __future__ import annotations

from typing import Final

import numpy as np

from ferce_agent.clips.samples import TrackSample
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.expression import LEAST_QUALITY, is_carried
from ferce_agent.report import REGIONS, QualityReason, Region
from ferce_agent.report.clip import GapReason

COVERED: Final[dict[Region, QualityReason]] = {
    "eyes": "eyes_covered",
    "nose": "nose_covered",
    "mouth": "mouth_covered",
}
"""Reason codes of covered parts of a face."""


def hidden_regions(sample: TrackSample) -> tuple[Region, ...]:
    """Return which parts of the face are covered in this frame."""
    return tuple(region for region in REGIONS if COVERED[region] in sample.reasons)


def obstacle(sample: TrackSample, *, infer: bool) -> GapReason | None:
    """Return what keeps the face from being read in this frame; None where it can be read.

    As in a photo (`ferce_agent.reasoning.expression.interpret`): nothing is read of a face whose quality is too low,
    and of a partly covered one only an expression that the rest of the face carries.

    Args:
        sample: The face.
        infer: Whether its expression is wanted; without it only movements are, which need nothing but some quality.
    """
    if sample.quality < LEAST_QUALITY:
        return sample.reasons[0] if sample.reasons else "not_read"
    if not infer:
        unseen = sample.units.size and bool(np.isnan(sample.units).all())
        # The mouth is named first where several parts are covered, as below.
        return next((COVERED[region] for region in hidden_regions(sample)[::-1]), "not_read") if unseen else None
    if sample.probabilities is None:
        return "not_read"
    return covering(sample, int(sample.probabilities.argmax()))


def covering(sample: TrackSample, expression: int) -> QualityReason | None:
    """Return which covered part keeps the rest of the face from carrying an expression; None where it carries it.

    Args:
        sample: The face, with its probabilities.
        expression: Place of the expression in FER+ order.
    """
    hidden = hidden_regions(sample)
    if not hidden or sample.probabilities is None:
        return None
    if is_carried((CANONICAL[expression],), float(sample.probabilities[expression]), hidden):
        return None
    # The mouth says most about an expression: where it is covered too, that is the reason.
    return COVERED[hidden[-1]]
