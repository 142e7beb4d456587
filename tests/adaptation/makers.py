"""Faces as a model might see them, and adapters, made without pictures."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from ferce_agent.adaptation.faces import Faces
from ferce_agent.adaptation.fitting import Start
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.adapter import Adapter, Confusion, Head, HeldOut, Measured, Prior, Thresholds
from ferce_agent.specialist.runner import Specialist

EVEN = (1 / 8,) * 8
SHIPPED = np.full((8, 8), 0.04) + 0.68 * np.eye(8)
START = Start(np.full(8, 1 / 8), SHIPPED)


def make_faces(
    count: int = 80, seed: int = 0, *, kinds: int = 4, sharp: float = 3.0, swapped: float = 0.0, width: int = 6
) -> Faces:
    """Faces of the first `kinds` expressions; a share of those of expression 1 looks like expression 0 to the model.

    The first feature tells these two apart; the others are noise.
    """
    rng = np.random.default_rng(seed)
    gold = np.arange(count) % kinds
    seen = np.where((gold == 1) & (rng.random(count) < swapped), 0, gold)
    scores = rng.normal(0, 1, (count, 8)) + sharp * np.eye(8)[seen]
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    embedding = rng.normal(0, 0.3, (count, width))
    embedding[:, 0] += gold == 1
    return Faces(logs, embedding, np.tile([0.05, 0.6], (count, 1)), gold, np.ones(count), np.arange(count))


def make_adapter_file(**changes: Any) -> Adapter:
    """An adapter of the shipped weights that changes nothing."""
    measured = Measured(
        accuracy=0.5, macro_f1=0.5, log_loss=1, ece=0.1, abstained=0.3, named_and_wrong=0.1, coverage=0.9, set_size=2
    )
    held_out = HeldOut(
        pictures=20, folds=5, before=measured, after=measured, change={}, interval_before={}, interval_after={}
    )
    fields: dict[str, Any] = {
        "made": date(2026, 1, 2), "weights_sha256": Specialist().sha256, "flatten": 0.5,
        "labels": {"happy": "happiness"}, "pictures": 20, "counts": {"happiness": 20}, "without_face": 0,
        "unreadable": 0, "data_sha256": "0" * 64, "seed": 7, "shares": "counts", "sharpness": 1.0,
        "prior": Prior(shipped=EVEN, strength=30, posterior=EVEN, exponent=0),
        "confusion": Confusion(shipped=(EVEN,) * 8, strength=8, posterior=(EVEN,) * 8, exponent=0),
        "head": Head(penalty=None, bias=(0.0,) * 8, odds=(), features=()),
        "thresholds": Thresholds(coverage=0.9, sets=1, naming=1), "held_out": held_out,
    }  # fmt: skip
    return Adapter(**(fields | changes))


def shares_of(**counts: float) -> tuple[float, ...]:
    """Shares of the eight expressions from counts of some; one is added to each."""
    values = np.array([counts.get(name, 0.0) + 1 for name in CANONICAL])
    return tuple((values / values.sum()).tolist())
