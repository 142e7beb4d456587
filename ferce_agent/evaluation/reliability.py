"""Measure how far a vision-language model's label can be trusted: the fit behind `ferce vlm calibrate`."""

from __future__ import annotations

import numpy as np

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.registry import load_dataset
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.perceivers.fused import look_twice
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.use import UseLike
from ferce_agent.reasoning.fusion import Reliability, best_weight, canonical_shares, confusion, fuse_all
from ferce_agent.settings import Settings
from ferce_agent.specialist.conformal import abstention_threshold, conformal_threshold
from ferce_agent.views.progress import Display

LEAST = 30
"""Faces that both models must have read."""
ANSWERED_ACCURACY = 0.9
"""Wanted accuracy of the expressions that are named, as for the specialist."""


def measure_reliability(spec: str, limit: int, settings: Settings, use: UseLike | None = None) -> Reliability:
    """Ask model and specialist about the first `limit` faces of a data set and fit the fusion.

    The model is asked as in the product: same prompt, same crop. Table, weight and thresholds are fitted on the same
    faces, the weight by cross-fitting.

    Args:
        spec: Data set, ``NAME:DIR[#SPLIT]``.
        limit: Most faces; spread evenly over the set.
        settings: Name the model, its prompt and the specialist.
        use: What is said about the use; a remote model needs ``consent``.

    Raises:
        PolicyError: The model is a remote one, and nobody said that the people shown agree.
        SettingsError: The settings name no model.
        DataError: The set cannot be read, or fewer than 30 faces were read by both.
    """
    engines = Engines(settings)
    asker = engines.asker
    if asker is None:
        raise SettingsError("Name the model to measure.", hint="ferce vlm calibrate --vlm SPEC --dataset …")
    engines.permit_sending(use)
    data = load_dataset(spec)
    places = np.unique(np.linspace(0, len(data.items) - 1, min(limit, len(data.items))).astype(int))
    chosen = [data.items[index] for index in places]
    is_crop = data.framing == "crop"
    rows: list[tuple[np.ndarray, int, int]] = []
    with Display(len(chosen), f"Asking {asker.vlm.version}") as display:
        for number, item in enumerate(chosen):
            display.show(number, item.id)
            pixels = item.pixels()
            face = None if is_crop else next(iter(engines.pipeline.detect(pixels)), None)
            truth = CANONICAL.index(ontology().canonical_of(data.labels.terms[item.gold])[0])
            perception, found = look_twice(engines, Sample(pixels, face, is_crop), settings.flatten)
            shares = canonical_shares(found.parts if found else ())
            named = int(shares.argmax()) if shares.sum() > 0 else -1
            rows.append((perception.probabilities, named, truth))
    return fit(rows, asker.vlm.version, asker.faces.prompt.reference)


def fit(rows: list[tuple[np.ndarray, int, int]], model: str, prompt: str) -> Reliability:
    """Fit table, weight and thresholds to (specialist's probabilities, named label or -1, true label) of N faces.

    Raises:
        DataError: Fewer than 30 faces were named at all.
    """
    probabilities = np.array([row[0] for row in rows], np.float64)
    named, truth = np.array([row[1] for row in rows], np.int64), np.array([row[2] for row in rows], np.int64)
    if int((named >= 0).sum()) < LEAST:
        raise DataError(
            f"{model} named an expression on {int((named >= 0).sum())} faces only.", hint="At least 30 are needed."
        )
    table, weight = confusion(truth, named), best_weight(probabilities, named, truth)
    fused = fuse_all(probabilities, named, table, weight)
    abstain, _ = abstention_threshold(fused, truth, ANSWERED_ACCURACY)
    return Reliability(
        model=model,
        prompt=prompt,
        items=len(rows),
        accuracy=round(float((named == truth).mean()), 4),
        weight=weight,
        table=tuple(tuple(round(float(value), 6) for value in row) for row in table),
        conformal=round(conformal_threshold(fused, truth, 0.9), 5),
        abstain=round(min(abstain, 0.95), 4),
    )
