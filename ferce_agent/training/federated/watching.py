"""A strategy of Flower's, watched: bytes counted, unusable answers refused, claims bounded, replies in a fixed order.

Replies come as clients are ready. They are sorted before they are added up, so that a run gives the same numbers again
to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

import numpy as np

import ferce_agent.training.federated.flower  # noqa: F401  (before Flower: no usage reports)

from flwr.common.serde import recorddict_to_proto  # isort: skip
from flwr.serverapp.strategy import Strategy

CLAIM: Final = "num-examples"
"""Where a client says how many faces it has: its weight in a mean."""
TOLD: Final = frozenset({CLAIM, "loss"})
"""What the metrics of a client's training may hold."""
MOST_TIMES: Final = 3
"""A claim counts so many times the median of a round's claims at most, where no other bound is given."""


@dataclass(slots=True)
class Round:
    """What happened in one round.

    Attributes:
        number: Of the round, from 1.
        asked: Clients that were asked to train.
        answered: Clients whose answers were used.
        lost: Clients that broke off or gave no answer.
        refused: Clients whose answers could not be used: wrong shapes, numbers that are not finite.
        bounded: Clients that claimed more faces than count; they counted as much as is allowed.
        sent: Bytes of the messages to the clients, for training and for judging.
        received: Bytes of their answers.
        loss: Mean training loss, in nats; None if the round brought nothing.
        own: Accuracy over the clients' own faces for judging, each by its client's head, 0..1.
        everywhere: Accuracy of the common head on the server's faces, 0..1; None where it has none, or heads are
            personal.
    """

    number: int
    asked: int = 0
    answered: int = 0
    lost: int = 0
    refused: int = 0
    bounded: int = 0
    sent: int = 0
    received: int = 0
    loss: float | None = None
    own: float | None = None
    everywhere: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class Watched(Strategy):  # type: ignore[misc]
    """Any strategy of Flower's Message API, watched."""

    def __init__(  # noqa: PLR0913
        self,
        inner: Any,
        shapes: Mapping[str, tuple[int, ...]],
        least: int,
        first: int,
        tell: Callable[[Round], None],
        most_faces: int = 0,
    ) -> None:
        """Wrap a strategy.

        Args:
            inner: The strategy.
            shapes: Names and shapes of the arrays that clients send.
            least: A round with fewer usable answers changes nothing.
            first: Rounds that were done before, in a run that goes on.
            tell: Called with a round as soon as its training is over.
            most_faces: A client counts so many faces at most; 0: `MOST_TIMES` the median of a round's claims.
        """
        self.inner, self.shapes, self.least, self.first, self.tell = inner, dict(shapes), least, first, tell
        self.most_faces = most_faces
        self.rounds: list[Round] = []

    def summary(self) -> None:
        """Log what the strategy says of itself."""
        self.inner.summary()

    def configure_train(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """Ask the clients of the strategy to train."""
        self.rounds.append(Round(self.first + server_round))
        messages = list(self.inner.configure_train(self.first + server_round, arrays, config, grid))
        self.rounds[-1].asked = len(messages)
        self.rounds[-1].sent += sum(map(size_of, messages))
        return messages

    def aggregate_train(self, server_round: int, replies: Iterable[Any]) -> tuple[Any, Any]:
        """Give the usable answers to the strategy; with too few of them nothing changes."""
        came, now = list(replies), self.rounds[-1]
        now.received += sum(map(size_of, came))
        whole = [one for one in came if not one.has_error()]
        usable = sorted((one for one in whole if self._is_usable(one)), key=client_of)
        now.bounded = self._bound(usable)
        _same_metrics(usable)
        now.answered, now.refused, now.lost = len(usable), len(whole) - len(usable), now.asked - len(whole)
        arrays, metrics = None, None
        if len(usable) >= self.least:
            arrays, metrics = self.inner.aggregate_train(self.first + server_round, usable)
            now.loss = float(metrics["loss"]) if metrics is not None and "loss" in metrics else None
        self.tell(now)
        return arrays, metrics

    def configure_evaluate(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """Ask the clients of the strategy to judge the head on faces of their own."""
        messages = list(self.inner.configure_evaluate(self.first + server_round, arrays, config, grid))
        self.rounds[-1].sent += sum(map(size_of, messages))
        return messages

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Any]) -> Any:
        """Add up what the clients say of the head."""
        came, now = list(replies), self.rounds[-1]
        now.received += sum(map(size_of, came))
        whole = sorted((one for one in came if not one.has_error() and _has_faces(one)), key=client_of)
        self._bound(whole)
        metrics = self.inner.aggregate_evaluate(self.first + server_round, whole) if whole else None
        now.own = float(metrics["accuracy"]) if metrics is not None else None
        return metrics

    def _bound(self, replies: list[Any]) -> int:
        """Cut claims of more faces than count, and return how many there were."""
        claims = [claim_of(one.content) for one in replies]
        if not claims:
            return 0
        most = self.most_faces or max(1, int(MOST_TIMES * median(claims)))
        above = [one for one, claim in zip(replies, claims, strict=True) if claim > most]
        for one in above:
            one.content["metrics"][CLAIM] = most
        return len(above)

    def _is_usable(self, reply: Any) -> bool:
        """Return whether an answer has the wanted arrays with finite numbers, counts its faces, and has nothing else.

        Flower's strategies stop the run at an answer of another form.
        """
        content = reply.content
        if set(content.array_records) != {"arrays"} or set(content.metric_records) != {"metrics"}:
            return False
        if not claim_of(content) or not set(content["metrics"]) <= TOLD or not _numbers(content["metrics"]):
            return False
        try:
            found = {name: value.numpy() for name, value in content["arrays"].items()}
        except (TypeError, ValueError, EOFError, OSError):
            return False
        shapes = {name: value.shape for name, value in found.items()}
        real = all(value.dtype.kind == "f" for value in found.values())
        return shapes == self.shapes and real and all(np.isfinite(value).all() for value in found.values())


def _numbers(metrics: Mapping[str, Any]) -> bool:
    return all(isinstance(value, (int, float)) and np.isfinite(value) for value in metrics.values())


def claim_of(content: Any) -> float:
    """Return how many faces a client claims to have; 0 where it claims no usable number."""
    claim = content["metrics"].get(CLAIM) if "metrics" in content else None
    return claim if isinstance(claim, (int, float)) and np.isfinite(claim) and claim > 0 else 0


def _same_metrics(replies: list[Any]) -> None:
    """Leave out metrics that not every answer has: Flower adds up equal ones only."""
    common = frozenset.intersection(*(frozenset(one.content["metrics"]) for one in replies)) if replies else TOLD
    for one in replies:
        for name in TOLD - common:
            one.content["metrics"].pop(name, None)


def _has_faces(reply: Any) -> bool:
    """Return whether a client judged the head on faces of its own, and says so in finite numbers."""
    content = reply.content
    if set(content.metric_records) != {"metrics"} or content.array_records or not claim_of(content):
        return False
    return set(content["metrics"]) == {*TOLD, "accuracy"} and _numbers(content["metrics"])


def size_of(message: Any) -> int:
    """Return the bytes of a message's content as it is sent; an error has none."""
    return 0 if message.has_error() else int(recorddict_to_proto(message.content).ByteSize())


def client_of(reply: Any) -> tuple[int, int]:
    """Return the number that a client says it has (the node's where it says none), and the node's."""
    known, node = reply.content.get("client"), int(reply.metadata.src_node_id)
    number = known.get("number") if isinstance(known, Mapping) else None
    return number if isinstance(number, int) else node, node
