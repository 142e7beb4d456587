"""Made faces: features whose expression is known, without a picture."""

import numpy as np

from ferce_agent.training.federated.features import Features


def made_faces(count: int, seed: int = 0, wrong: float = 0.4) -> Features:
    """Return faces of which the shipped answer is wrong for a part, and whose features tell the expression."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 8, count)
    said = np.where(rng.random(count) < wrong, (gold + 1) % 8, gold)
    scores = rng.normal(0, 0.3, (count, 8)) + 2.0 * np.eye(8)[said]
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    embedding = rng.normal(0, 0.5, (count, 256))
    embedding[:, :8] += 3.0 * np.eye(8)[gold]
    light = rng.random((count, 3))
    return Features(logs, embedding.astype(np.float32), gold.astype(np.int64), light, np.full((count, 2), 0.2))
