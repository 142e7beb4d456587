"""Central differential privacy: each client's change cut to a norm, a plain mean, noise on it.

Flower has a strategy for this. It weighs clients by the number of examples that they claim, though its noise is for
equal weights; it adds too little noise where fewer clients answer than were asked; and it divides by zero where a
client changed nothing. So cutting, mean and noise are here, and Flower's strategy is inside for all else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import ferce_agent.training.federated.flower  # noqa: F401  (before Flower: no usage reports)

from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict  # isort: skip
from flwr.serverapp.strategy import Strategy

from ferce_agent.training.federated.budget import Privacy, spend
from ferce_agent.training.federated.task import Arrays


def cut(change: Arrays, clip: float) -> Arrays:
    """Return a change, shortened to a norm where it is longer.

    Args:
        change: Arrays, all of them one vector.
        clip: Largest norm, above 0.
    """
    norm = float(np.sqrt(sum(float((value.astype(np.float64) ** 2).sum()) for value in change.values())))
    share = min(1.0, clip / norm) if norm else 1.0
    return {name: (value * share).astype(np.float32) for name, value in change.items()}


class CentralNoise(Strategy):  # type: ignore[misc]
    """A strategy of Flower's that takes means, with differential privacy of whole clients.

    What clients say of themselves in training (losses, numbers of faces) is left out: noise does not cover it.
    """

    def __init__(self, inner: Any, privacy: Privacy, ledger: Path, rng: np.random.Generator | None = None) -> None:
        """Wrap a strategy.

        Args:
            inner: FedAvg or FedProx, that ask every client in every round.
            privacy: Noise and largest norm.
            ledger: File that counts releases (`budget.spend`).
            rng: Of the noise; None: nobody can know its seed. It is never that of the run, which clients know.
        """
        self.inner, self.privacy, self.ledger = inner, privacy, ledger
        self.rng = rng or np.random.default_rng()
        self.sent: Arrays = {}

    def summary(self) -> None:
        """Log what the strategy says of itself."""
        self.inner.summary()

    def configure_train(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """Ask the clients to train; changes are measured from what is sent."""
        self.sent = {name: value.numpy() for name, value in arrays.items()}
        return list(self.inner.configure_train(server_round, arrays, config, grid))

    def aggregate_train(self, server_round: int, replies: Iterable[Any]) -> tuple[Any, Any]:
        """Return what was sent, with the noisy mean of the cut changes added."""
        came = list(replies)
        for reply in came:
            change = {name: reply.content["arrays"][name].numpy() - value for name, value in self.sent.items()}
            reply.content = RecordDict(
                {"arrays": _record(cut(change, self.privacy.clip)), "metrics": MetricRecord({"num-examples": 1})}
            )
        mean, _ = self.inner.aggregate_train(server_round, came)
        if mean is None:
            return None, None
        spend(self.ledger, self.privacy.noise, 1.0, 1)
        scale = self.privacy.noise * self.privacy.clip / len(came)
        noisy = {
            name: value + mean[name].numpy() + self.rng.normal(0.0, scale, value.shape)
            for name, value in self.sent.items()
        }
        return _record(noisy), None

    def configure_evaluate(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """Ask the clients to judge the head."""
        return list(self.inner.configure_evaluate(server_round, arrays, config, grid))

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Any]) -> Any:
        """Add up what the clients say of the head."""
        return self.inner.aggregate_evaluate(server_round, replies)


def _record(arrays: dict[str, Any]) -> Any:
    return ArrayRecord({name: Array(np.asarray(value, np.float32)) for name, value in arrays.items()})
