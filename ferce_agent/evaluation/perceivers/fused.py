"""The specialist with a vision-language model's label fused in, as the product does it, on one face."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ferce_agent.errors import FerceError, SettingsError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Prediction, Sample
from ferce_agent.evaluation.perceivers.own import TRAINED_ON
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.template import FER_SIZE, symmetric_template
from ferce_agent.graphs.engines import Engines
from ferce_agent.reasoning.fusion import fuse
from ferce_agent.reasoning.movements import readings
from ferce_agent.reasoning.second_opinion import trust_in
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import SpecialistOutput
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.protocol import Allowance


def look_twice(engines: Engines, sample: Sample, flatten: float) -> tuple[SpecialistOutput, ExtractedPerception | None]:
    """Return what the specialist and the vision-language model of the engines see in a face; None if the latter failed.

    The model is asked as in the product: same prompt, same crop.
    """
    asker = engines.asker
    assert asker is not None
    seen = engines.pipeline.specialist.perceive(sample.aligned()[None], flatten)[0]
    face = sample.face or whole_picture(sample.pixels)
    try:
        request, shape = asker.faces.request(
            sample.pixels, face, tuple(seen.embedding), None, Allowance(engines.settings.vlm_seconds)
        )
        return seen, asker.extract(asker.ask(request), request, shape)
    except FerceError:
        return seen, None


def whole_picture(pixels: np.ndarray) -> DetectedFace:
    """Return a face as large as the middle half of an FER+ style crop, so that the model gets all of it.

    The landmarks are where such crops have them, so that a model of aligned faces gets the specialist's crop.
    """
    height, width = pixels.shape[:2]
    box = np.array([width / 4, height / 4, width / 2, height / 2], np.float64)
    scale = np.array([width, height]) / FER_SIZE
    return DetectedFace(box=box, landmarks=(symmetric_template(FER_SIZE) + 0.5) * scale - 0.5, score=1.0)


class FusedPerceiver:
    """`fused:SPEC`: the reliability file comes from the settings (FERCE_VLM_RELIABILITY)."""

    writes = False

    def __init__(self, spec: str, *, consent: bool = False) -> None:
        """Prepare the engines; `consent`: the people shown agree that their faces go to a remote model.

        Raises:
            PolicyError: The model is a remote one, and nobody said so.
            SettingsError: No reliability was measured, or the model is unknown.
            DataError: The reliability file cannot be used.
        """
        settings = Settings.from_environment()
        if settings.vlm_reliability is None:
            raise SettingsError(
                "Fusion needs to know how reliable the model is.",
                hint="Measure it with ferce vlm calibrate, and name the file in FERCE_VLM_RELIABILITY.",
            )
        self._engines = Engines(replace(settings, vlm=spec))
        self._engines.permit_sending({"consent": True} if consent else None)
        self._engines.prepare_asking()

    def describe(self) -> dict[str, Any]:
        """Return both models' versions and the weight of the second."""
        asker = self._engines.asker
        assert asker is not None
        assert self._engines.reliability is not None
        card = self._engines.pipeline.specialist.card
        return {
            "name": "fused",
            "version": f"{card.version} + {asker.vlm.version}, weight {self._engines.reliability.weight}",
            "weights_sha256": self._engines.pipeline.specialist.sha256,
            "trained_on": TRAINED_ON,
        }

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Return the fused distribution; the specialist's where the model says nothing that can be used."""
        flatten = 0.0 if sample.is_crop else self._engines.settings.flatten
        seen, found = look_twice(self._engines, sample, flatten)
        assert self._engines.asker is not None
        reliability = self._engines.reliability
        if found is None or reliability is None:
            return Prediction(labels.project(seen.probabilities))
        trust = trust_in(found.cues, readings(seen.units))
        return Prediction(labels.project(fuse(seen.probabilities, found.parts, reliability, trust)))
