"""Readings of a face that is to be calm, from photos and from the frames of a film, for a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.readable import hidden_regions
from ferce_agent.clips.samples import FollowedFrame, TrackSample
from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.pipeline import FaceReading
from ferce_agent.reasoning.against_rest import head_numbers
from ferce_agent.reasoning.expression import LEAST_QUALITY, covered_regions
from ferce_agent.report import HeadPose
from ferce_agent.report.baseline import HeadMeasure
from ferce_agent.temporal.baseline import CalmReading, without_flattening

ALONE: Final = 0.9
"""Share of the frames with a face in which it must be the only one: nobody is recognised."""
ONE_FACE: Final = "Give photos or a clip in which only the one person is seen; cut others off."


def calm_photo(faces: Sequence[FaceReading], taken_off: NDArray[np.float64]) -> CalmReading:
    """Return the reading of the one face of a photo.

    Args:
        faces: All faces that were found in it.
        taken_off: What was taken off the logarithms of the probabilities, shape (8,).

    Raises:
        DataError: There is no face, or more than one; or it is too hard to read, or covered.
    """
    if len(faces) != 1:
        found = "No face was" if not faces else f"{len(faces)} faces were"
        raise DataError(f"{found} found in a photo for the baseline.", hint=ONE_FACE)
    one = faces[0]
    if one.face is None or one.failure is not None:
        raise DataError(f"The face in a photo for the baseline could not be read: {one.failure}.")
    if one.face.quality.score < LEAST_QUALITY:
        raise DataError("The face in a photo for the baseline is too hard to read.", hint="Give a sharper, larger one.")
    if covered_regions(one.face.quality):
        raise DataError(
            "The face in a photo for the baseline is partly covered.", hint="Give one with nothing before it."
        )
    units = {unit.id: unit.intensity for unit in one.movements}
    odds = None
    if one.expression is not None:
        shares = np.array([getattr(one.expression.distribution, name) for name in CANONICAL], np.float64)
        odds = without_flattening(shares, taken_off)
    return CalmReading(odds, units, head_numbers(one.face.pose, units))


def calm_samples(
    frames: Sequence[FollowedFrame], units: Sequence[str], taken_off: NDArray[np.float64]
) -> list[CalmReading]:
    """Return the readings of the one face of a film; frames in which it is hard to read or covered are left out.

    Raises:
        DataError: Several people are seen.
    """
    seen = [frame for frame in frames if frame.samples]
    alone = [frame.samples[0] for frame in seen if len(frame.samples) == 1 and not frame.more]
    if len(alone) < ALONE * len(seen):
        raise DataError("Several faces are seen in the clip for the baseline.", hint=ONE_FACE)
    return [calm_sample(one, units, taken_off) for one in alone if is_plain(one)]


def is_plain(sample: TrackSample) -> bool:
    """Return whether a face is readable and nothing covers it."""
    return sample.quality >= LEAST_QUALITY and not hidden_regions(sample) and bool(np.isfinite(sample.units).all())


def calm_sample(sample: TrackSample, units: Sequence[str], taken_off: NDArray[np.float64]) -> CalmReading:
    """Return the reading of a face in one frame.

    Args:
        sample: The face.
        units: Names of its action units.
        taken_off: What was taken off the logarithms of the probabilities, shape (8,).
    """
    found = dict(zip(units, sample.units.tolist(), strict=True))
    shares = sample.probabilities
    odds = None if shares is None else without_flattening(shares, taken_off)
    return CalmReading(odds, found, head_of(sample, found))


def head_of(sample: TrackSample, found: dict[str, float]) -> dict[HeadMeasure, float]:
    """Return how the head is held in one frame."""
    yaw, pitch, roll = sample.pose.tolist()
    return head_numbers(HeadPose(yaw=yaw, pitch=pitch, roll=roll, method="measured"), found)
