"""Clients without processes: the real client app, reached by the server as over the network."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest


def identify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process the server's, as Flower marks it."""
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)


class Grid:
    """Flower's way to clients, without processes: each message goes to the real app as it would; answers are kept."""

    def __init__(
        self,
        faces: Path,
        clients: int,
        drops: frozenset[tuple[int, int]] = frozenset(),
        mods: Sequence[Callable[..., Any]] = (),
    ) -> None:
        from flwr.app import Context, RecordDict

        from ferce_agent.training.federated.client_app import client_app

        self.app = client_app(str(faces), drops, mods)
        self.own = {one: Context(1, one, {"partition-id": one - 1}, RecordDict(), {}) for one in range(1, clients + 1)}
        self.told: list[Any] = []

    def get_node_ids(self) -> list[int]:
        return list(self.own)

    def send_and_receive(self, messages: Iterable[Any], *, timeout: float | None = None) -> list[Any]:
        from flwr.app import Error, Message
        from flwr.common.serde import message_from_proto, message_to_proto

        came = []
        for one in messages:
            asked = message_from_proto(message_to_proto(one))  # as it is sent, nothing shared in memory
            try:
                reply = self.app(asked, self.own[one.metadata.dst_node_id])
            except RuntimeError as error:
                reply = Message(Error(0, str(error)), reply_to=asked)
            came.append(message_from_proto(message_to_proto(reply)))
        self.told += came
        return came
