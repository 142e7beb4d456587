"""What the specialist and the quality measures say of followed faces, many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.followed_face import FollowedFace
from ferce_agent.clips.readable import COVERED
from ferce_agent.clips.samples import TrackSample
from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import FerceError
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.faces.quality import assess_quality
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.store import ontology
from ferce_agent.pipeline import Pipeline
from ferce_agent.reasoning.movements import HIDES
from ferce_agent.report import Region
from ferce_agent.specialist.runner import SpecialistCard

BATCH: Final = 16
"""Crops that the network reads at once: from eight on more gain nothing."""
SHAPES_OF: Final[dict[Region, tuple[str, ...]]] = {
    "eyes": ("brow", "eye", "cheek"),
    "nose": ("nose",),
    "mouth": ("mouth", "jaw", "tongue"),
}
"""How the names of the blendshapes begin that cannot be seen where a region is covered."""
Masks = Mapping[Region, tuple[NDArray[np.bool_], NDArray[np.bool_]]]
"""Which action units and which blendshapes each region hides where it is covered."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A sample whose face was not read yet.

    Attributes:
        sample: Place and quality, without what the specialist says.
        crop: The aligned face, uint8 grey levels, shape (44, 44).
    """

    sample: TrackSample
    crop: NDArray[np.uint8]


class SampleReader:
    """Makes samples of followed faces."""

    def __init__(self, pipeline: Pipeline, *, infer: bool) -> None:
        """Remember what reads; nothing is loaded yet.

        Args:
            pipeline: Holds the specialist.
            infer: Whether expressions are read, or movements only.
        """
        self._pipeline = pipeline
        self._infer = infer

    def measure(self, frame: Frame, followed: FollowedFace, crop: NDArray[np.uint8]) -> Unread:
        """Return the beginning of a sample: pose and quality of a face in a frame, with its aligned crop."""
        face, doubts = followed.face, followed.doubts.reasons
        pose = estimate_pose(face.landmarks)
        quality = assess_quality(frame.pixels, face, pose, doubts)
        units, shapes = self._sizes
        return Unread(
            TrackSample(
                time=frame.time,
                track=followed.number,
                box=face.box,
                landmarks=face.landmarks,
                score=face.score,
                carried=followed.carried,
                pose=np.array([pose.yaw, pose.pitch, pose.roll]),
                quality=quality.score,
                reasons=quality.reasons,
                probabilities=None,
                units=np.full(units, np.nan),
                shapes=np.full(shapes, np.nan),
                strangeness=float("nan"),
            ),
            crop,
        )

    @lazy_property
    def _sizes(self) -> tuple[int, int]:
        """How many action units and blendshapes a sample has; none where the weights cannot be read."""
        try:
            card = self._pipeline.specialist.card
        except FerceError:
            return 0, 0
        return len(card.units), len(card.blendshapes)

    def read(self, unread: Sequence[Unread]) -> list[TrackSample]:
        """Return the samples with what the specialist says; a face that it cannot read keeps its gaps."""
        samples: list[TrackSample] = []
        for begin in range(0, len(unread), BATCH):
            samples += self._read(unread[begin : begin + BATCH])
        return samples

    def _read(self, part: Sequence[Unread]) -> list[TrackSample]:
        try:
            return self._inferred(part) if self._infer else self._moved(part)
        except Exception:  # one face that cannot be read costs no other, and stays with its place and quality
            return [part[0].sample] if len(part) == 1 else [one for single in part for one in self._read([single])]

    def _inferred(self, part: Sequence[Unread]) -> list[TrackSample]:
        crops = np.stack([one.crop for one in part])
        looks = self._pipeline.specialist.perceive(crops, self._pipeline.settings.flatten)
        return [
            self._seen(
                replace(
                    one.sample,
                    probabilities=look.probabilities,
                    strangeness=float("nan") if look.strangeness is None else look.strangeness,
                ),
                np.array(list(look.units.values())),
                np.array(list(look.blendshapes.values())),
            )
            for one, look in zip(part, looks, strict=True)
        ]

    def _moved(self, part: Sequence[Unread]) -> list[TrackSample]:
        units, shapes = self._pipeline.specialist.intensities(np.stack([one.crop for one in part]))
        return [self._seen(one.sample, *rows) for one, *rows in zip(part, units, shapes, strict=True)]

    def _seen(self, sample: TrackSample, units: NDArray[np.float64], shapes: NDArray[np.float64]) -> TrackSample:
        """Return a sample with the movements of the parts of the face that can be seen."""
        return without_covered(replace(sample, units=units, shapes=shapes), self._hidden)

    @lazy_property
    def _hidden(self) -> Masks:
        """Which action units and which blendshapes each region hides where it is covered."""
        return hidden_parts(self._pipeline.specialist.card)


def without_covered(sample: TrackSample, masks: Masks) -> TrackSample:
    """Return a sample without the movements of the parts of the face that are covered; they are NaN."""
    units, shapes = sample.units, sample.shapes
    for region, (hidden_units, hidden_shapes) in masks.items():
        if COVERED[region] in sample.reasons:
            units = np.where(hidden_units, np.nan, units) if len(units) else units
            shapes = np.where(hidden_shapes, np.nan, shapes) if len(shapes) else shapes
    return replace(sample, units=units, shapes=shapes)


def hidden_parts(card: SpecialistCard) -> Masks:
    """Return which action units and which blendshapes of a specialist each region hides where it is covered.

    Args:
        card: The specialist's; the arrays are in its order, shapes (U,) and (S,).
    """
    known = ontology().action_units
    return {
        region: (
            np.array([known[unit].region in HIDES[region] for unit in card.units], np.bool_),
            np.array([name.startswith(starts) for name in card.blendshapes], np.bool_),
        )
        for region, starts in SHAPES_OF.items()
    }
