"""Secure aggregation: the server gets the sum of clients' changes, not any single one (SecAgg+, Bell et al. 2020).

Flower has both sides of it, for its older interface of strategies; here they are put into our apps. Each client adds
masks to its change, in whole numbers modulo 2^32; masks of two clients cancel in the sum, and those of a client that
breaks off in training are found again from shares that the others hold.

It hides changes from a server that follows the protocol and looks. Public keys go through the server unsigned, and
Flower draws masks from seeds of 32 bits, so it does not hold against a server that attacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

import ferce_agent.training.federated.flower  # noqa: F401  (before Flower: no usage reports)

from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict  # isort: skip
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Key, Stage
from flwr.compat.common import recorddict_compat
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD
from flwr.server.workflow.constant import Key as WorkflowKey

from ferce_agent.errors import DataError
from ferce_agent.training.federated.task import ARRAYS, SHARED, Arrays
from ferce_agent.training.federated.watching import Round, Watched, size_of

LEAST_CLIENTS: Final = 3
"""With two, each could take its own change from the sum."""
MOST_CLIENTS: Final = 255
"""More would overflow 2^32."""
MOST_FACES: Final = 1 << 15
"""Faces of a client, at most: what weights are measured against."""
LARGEST: Final = 4.0
"""Numbers of a change are cut here; in FER+ none comes near."""
LEVELS: Final = 1 << 24
"""Whole numbers that stand for -LARGEST..LARGEST."""
ENOUGH: Final = 0.6
"""Share of the clients that must stay until masks are taken off."""
WAIT: Final = 3600.0
"""Seconds for which answers are waited for, as without it."""


def rounding(faces: Sequence[int]) -> float:
    """Return how far a number of the mean can be off by rounding, at most.

    Args:
        faces: How many each client has.
    """
    step = 2 * LARGEST / LEVELS
    shares = [one / MOST_FACES for one in faces]
    # A change is rounded to a step, its weight to one in LEVELS.
    return float(len(faces) * step / sum(shares) + len(faces) * LARGEST / LEVELS / sum(shares))


def secured(message: Any, context: Any, call_next: Callable[..., Any]) -> Any:
    """Take part in secure aggregation where the server asks for it (a mod of Flower's).

    Raises:
        DataError: The server asks for less than this node's configuration wants, or for too little, or there are too
            many faces.
    """
    if message.metadata.message_type != "train":
        return call_next(message, context)
    if RECORD_KEY_CONFIGS not in message.content:
        if context.node_config.get("secure"):
            raise DataError("The server asks for a change without a mask, which this node's configuration forbids.")
        return call_next(message, context)
    _check(message.content[RECORD_KEY_CONFIGS])
    reply = secaggplus_mod(message, context, lambda asked, own: _changed(asked, own, call_next))
    for name in ("fitres.num_examples", "fitres.metrics"):
        if name in reply.content:  # told beside the masked arrays; the weight is under a mask, too
            reply.content[name] = MetricRecord({"num_examples": 1}) if "num" in name else ConfigRecord({})
    return reply


def _check(config: Any) -> None:
    """Refuse a protocol that would hide nothing.

    Raises:
        DataError: It would.
    """
    if config.get(Key.STAGE) != Stage.SETUP:
        return
    clients, shares, least = (int(config[one]) for one in (Key.SAMPLE_NUMBER, Key.SHARE_NUMBER, Key.THRESHOLD))
    if clients < LEAST_CLIENTS or shares < LEAST_CLIENTS or 2 * least <= shares:
        raise DataError("The server asks for secure aggregation among too few.")
    if (float(config[Key.MAX_WEIGHT]), int(config[Key.MOD_RANGE])) != (float(MOST_FACES), 1 << 32):
        raise DataError("The server asks for secure aggregation with other numbers.")


def _changed(message: Any, context: Any, call_next: Callable[..., Any]) -> Any:
    """Let the client train, and return its change in the form that Flower's mod takes."""
    asked = recorddict_compat.recorddict_to_fitins(message.content, keep_input=True)
    names = SHARED if asked.config["personal"] else ARRAYS
    sent = dict(zip(names, parameters_to_ndarrays(asked.parameters), strict=True))
    message.content = RecordDict({"arrays": _record(sent), "config": ConfigRecord(asked.config)})
    content = call_next(message, context).content
    faces = int(content["metrics"]["num-examples"])
    if faces > MOST_FACES:
        raise DataError(f"Secure aggregation takes {MOST_FACES} faces of a client at most, not {faces}.")
    change = [content["arrays"][name].numpy().astype(np.float64) - sent[name] for name in names]
    made = FitRes(Status(Code.OK, ""), ndarrays_to_parameters(change), faces, {})
    return Message(recorddict_compat.fitres_to_recorddict(made, keep_input=True), reply_to=message)


@dataclass(frozen=True, slots=True)
class _Node:
    """What Flower's workflow looks at in a client."""

    node_id: int


class _Asking:
    """The strategy and the clients, as Flower's workflow sees them: it asks for messages and gives back a mean."""

    def __init__(self, messages: Iterable[Any], names: Sequence[str]) -> None:
        self.messages, self.names = list(messages), names
        self.mean: list[Any] | None = None
        self.answered = 0

    def num_available(self) -> int:
        return len(self.messages)

    def configure_fit(self, *_: Any) -> list[tuple[Any, Any]]:
        asked = []
        for one in self.messages:
            arrays = [one.content["arrays"][name].numpy() for name in self.names]
            given = FitIns(ndarrays_to_parameters(arrays), dict(one.content["config"]))
            asked.append((_Node(one.metadata.dst_node_id), given))
        return asked

    def aggregate_fit(self, _: int, results: Sequence[Any], __: Any) -> tuple[None, dict[str, Any]]:
        self.answered = len(results)
        self.mean = parameters_to_ndarrays(results[0][1].parameters) if results else None
        return None, {}


class _Counting:
    """Flower's way to the clients, with bytes counted."""

    def __init__(self, grid: Any, now: Round) -> None:
        self.grid, self.now = grid, now

    def send_and_receive(self, messages: Iterable[Any], *, timeout: float | None = None) -> list[Any]:
        sent = list(messages)
        self.now.sent += sum(map(size_of, sent))
        came = list(self.grid.send_and_receive(sent, timeout=timeout))
        self.now.received += sum(map(size_of, came))
        return came


class SecurelyWatched(Watched):
    """FedAvg or FedProx on sums only: what is watched is who answered, not what."""

    added: Arrays | None = None
    sent: Mapping[str, Any] = {}

    def configure_train(self, server_round: int, arrays: Any, config: Any, grid: Any) -> Iterable[Any]:
        """Run the stages of the protocol; nothing is left to be sent."""
        number = self.first + server_round
        now = Round(number)
        self.rounds.append(now)
        messages = list(self.inner.configure_train(number, arrays, config, grid))
        now.asked, self.added = len(messages), None
        self.sent = {name: value.numpy() for name, value in arrays.items()}
        asking = _Asking(messages, list(self.shapes))
        if LEAST_CLIENTS <= len(messages) <= MOST_CLIENTS:
            self._run(asking, arrays, number, _Counting(grid, now))
        now.answered, now.lost = asking.answered, now.asked - asking.answered
        if asking.mean is not None and asking.answered >= self.least:
            self.added = dict(zip(self.shapes, asking.mean, strict=True))
        return []

    def _run(self, asking: _Asking, arrays: Any, number: int, grid: Any) -> None:
        state = RecordDict(
            {MAIN_CONFIGS_RECORD: ConfigRecord({WorkflowKey.CURRENT_ROUND: number}), MAIN_PARAMS_RECORD: arrays.copy()}
        )
        context = LegacyContext(Context(1, 1, {}, state, {}), None, asking, asking)
        SecAggPlusWorkflow(
            1.0,
            ENOUGH,
            max_weight=float(MOST_FACES),
            clipping_range=LARGEST,
            quantization_range=LEVELS,
            modulus_range=1 << 32,
            timeout=WAIT,
        )(grid, context)

    def aggregate_train(self, server_round: int, replies: Iterable[Any]) -> tuple[Any, Any]:  # noqa: ARG002
        """Return what was sent with the mean of the changes added; too few answers change nothing."""
        self.tell(self.rounds[-1])
        if self.added is None:
            return None, None
        return _record({name: value + self.added[name] for name, value in self.sent.items()}), None


def _record(arrays: Mapping[str, Any]) -> Any:
    return ArrayRecord({name: Array(np.asarray(value, np.float32)) for name, value in arrays.items()})
