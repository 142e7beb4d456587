"""Our own engines as perceivers: the specialist alone, and the whole product."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Prediction, Sample
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.policy.use import UseContext
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import Specialist

TRAINED_ON = {"fer2013/train": "FER+ votes on the training split", "fer2013/valid": "calibration and thresholds"}


class SpecialistPerceiver:
    """`specialist` or `specialist:FILE`.

    The expression model on the aligned crop.
    """

    writes = False

    def __init__(self, choice: str = "") -> None:
        """Choose a weight file by its path; default: the shipped one."""
        self._model = Specialist(Path(choice) if choice else None)
        self._flatten = Settings.from_environment().flatten

    def describe(self) -> dict[str, Any]:
        """Return what the weight file says about itself."""
        card = self._model.card
        return {
            "name": "specialist",
            "version": card.version,
            "weights_sha256": self._model.sha256,
            "trained_on": TRAINED_ON,
            "abstain_below": card.abstain,
            "flatten_on_photos": self._flatten,
        }

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Return the calibrated distribution, the shipped thresholds' prediction set, and whether a word is named.

        On FER+ crops the class prior of FER+ is left in; on photos it is flattened as in the product.
        """
        flatten = 0.0 if sample.is_crop else self._flatten
        seen = self._model.perceive(sample.aligned()[None], flatten)[0]
        projected = labels.project(seen.probabilities)
        if set(labels.terms) != set(CANONICAL):
            return Prediction(projected)
        top = projected.max()
        conformal, abstain = self._model.card.thresholds(flatten, seen.strangeness)
        inside = np.flatnonzero((projected >= conformal) | (projected == top))
        return Prediction(projected, in_set=tuple(int(index) for index in inside), named=bool(top >= abstain))


class ProductPerceiver:
    """`product`: the whole workflow on the picture as it is, from face detection to the checked rationale."""

    writes = False

    def __init__(self, *, consent: bool = False) -> None:
        """Prepare the engines; `consent`: the people shown agree that their faces go to a remote model of the settings.

        Raises:
            PolicyError: The settings name a remote model, and nobody said so.
        """
        self._engines = Engines(Settings.from_environment(), use=UseContext(consent=consent or None))
        self._engines.permit_sending()

    def describe(self) -> dict[str, Any]:
        """Return the versions of the engines."""
        engine = self._engines.pipeline.specialist_card()
        return {
            "name": "product",
            "version": engine.version,
            "weights_sha256": engine.sha256,
            "trained_on": TRAINED_ON,
        }

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Return the report's distribution for the largest face; no answer at all where no face was found."""
        from ferce_agent.api import analyze_expression

        report: EmotionReport = analyze_expression(sample.pixels[:, :, ::-1], engines=self._engines)
        people = [person for person in report.people if person.expression is not None]
        if not people:
            return Prediction()
        person = max(people, key=lambda one: one.face.box.width * one.face.box.height)
        claims: Counter[str] = Counter(claim.status for claim in person.rationale)
        expression = person.expression
        assert expression is not None
        values = np.array([getattr(expression.distribution, name) for name in CANONICAL], np.float64)
        return Prediction(labels.project(values), claims=dict(claims))
