"""What leaves a client: every message that it sends, in bytes; in an environment with the extra `federated`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.training.federated.holding import hold, own_pictures
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.task import ARRAYS, PERSONAL, SHARED, fresh_arrays
from tests.training.federated.makers import made_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

MARK = "planted-marker-9f3a"
BESIDE = 2000
"""Bytes of a message beside its arrays, at most: names, shapes and a few numbers."""
Ask = Callable[..., tuple[Any, bytes]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return how to ask a client: the answer of the real app, and its bytes as they are sent."""
    pytest.importorskip("flwr")
    from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
    from flwr.common.serde import message_to_proto, recorddict_to_proto
    from flwr.supercore.task_identity import TaskIdentity

    from ferce_agent.training.federated.client_app import client_app
    from ferce_agent.training.federated.server_app import Plan, config_of

    for name in ("_run_id", "_node_id", "_task_id"):  # what a server's process knows of itself
        monkeypatch.setattr(TaskIdentity, name, 1)

    def asked(kind: str, node: dict[str, Any], strategy: str = "fedavg", run: str = "0" * 16) -> tuple[Any, bytes]:
        plan = Plan(strategy, 1)
        config = ConfigRecord({**config_of(plan, run), "server-round": 1})
        arrays = ArrayRecord({name: Array(fresh_arrays()[name]) for name in plan.names})
        content = RecordDict({"arrays": arrays, "config": config})
        message = Message(content, dst_node_id=1, message_type=kind)
        reply = client_app()(message, Context(1, 1, node, RecordDict(), {}))
        assert not reply.has_error()
        whole = message_to_proto(reply).SerializeToString()
        assert recorddict_to_proto(reply.content).SerializeToString() in whole
        return reply.content, whole

    return asked


def _pictures(folder: Path, pixels: NDArray[np.uint8]) -> list[bytes]:
    """Write a client's own labelled pictures; their names, their folder and their bytes hold the marker."""
    written = []
    for place, label in enumerate(["happiness", "neutral"] * 3):
        path = folder / label / f"{MARK}-{place}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = cv2.imencode(".jpg", np.clip(pixels.astype(int) + place, 0, 255).astype(np.uint8))[1].tobytes()
        path.write_bytes(data + MARK.encode())
        written.append(path.read_bytes())
    return written


def _parts(values: NDArray[Any]) -> list[bytes]:
    """Return pieces of 16 bytes out of each row that are not zeros only, in both widths of numbers."""
    rows = values.reshape(len(values), -1)
    narrow: list[NDArray[Any]] = [row[:4].astype(np.float32) for row in rows]
    wide: list[NDArray[Any]] = [row[:2].astype(np.float64) for row in rows]
    return [piece.tobytes() for piece in (*narrow, *wide) if piece.any()]


@pytest.mark.parametrize("strategy", ["fedavg", "personal"])
def test_only_declared_arrays_and_numbers_leave_and_nothing_of_pictures(
    ask: Ask, tmp_path: Path, pixels: NDArray[np.uint8], strategy: str
) -> None:
    folder = tmp_path / MARK
    written = _pictures(folder, pixels[:, :, ::-1])
    node = {"pictures": str(folder)}
    held = own_pictures(folder, 0)
    names = SHARED if strategy == "personal" else ARRAYS
    for kind, told in (("train", {"num-examples", "loss"}), ("evaluate", {"num-examples", "loss", "accuracy"})):
        content, data = ask(kind, node, strategy)
        wanted = {"arrays", "metrics", "client"} if kind == "train" else {"metrics", "client"}
        assert set(content) == wanted
        assert set(content["metrics"]) == told
        assert all(isinstance(value, (int, float)) for value in content["metrics"].values())
        assert dict(content["client"]) == {"number": 0}
        arrays = content["arrays"] if kind == "train" else {}
        found = {name: value.numpy() for name, value in arrays.items()}
        fresh = fresh_arrays()
        assert {name: value.shape for name, value in found.items()} == (
            {name: fresh[name].shape for name in names} if kind == "train" else {}
        )
        assert len(data) <= sum(value.nbytes for value in found.values()) + BESIDE
        pieces = [MARK.encode(), b"happiness", *(one[at : at + 16] for one in written for at in (600, 2000, 9000))]
        pieces += _parts(held.train.embedding) + _parts(held.train.logs) + _parts(held.valid.embedding)
        assert not [piece for piece in pieces if piece in data]


def test_the_search_finds_what_is_sent(ask: Ask, tmp_path: Path) -> None:
    """The search above would see features if a client sent them: it sees the arrays that are sent."""
    train, valid = made_faces(200, 1), made_faces(100, 2)
    hold(tmp_path, train, valid, divide(train, valid, "even", 2, 0))
    content, data = ask("train", {"faces": str(tmp_path), "partition-id": 1})
    rows = content["arrays"]["features"].numpy()
    assert rows.any() and all(row[:4].tobytes() in data for row in rows)
    _, personal = ask("train", {"faces": str(tmp_path), "partition-id": 1}, "personal")
    own = np.load(tmp_path / "client-1" / f"personal-{'0' * 16}-1.npz")
    assert all(own[name].any() and own[name].tobytes() not in personal for name in PERSONAL)


def test_an_error_that_is_sent_names_no_file(ask: Ask, tmp_path: Path) -> None:
    """Flower sends `str(error)` of what a client raises to the server."""
    damaged = tmp_path / MARK / "client-0"
    damaged.mkdir(parents=True)
    (damaged / "train.npz").write_bytes(MARK.encode())
    for node in ({"faces": str(tmp_path / MARK)}, {"pictures": str(tmp_path / MARK)}, {"pictures": f"/{MARK}"}):
        with pytest.raises(RuntimeError, match="own log says more") as told:
            ask("train", node)
        assert MARK not in str(told.value) and told.value.__context__ is None
