"""Secure aggregation with the real client app and Flower's protocol; in an environment with the extra `federated`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.training.federated.holding import held_by, hold
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.task import ARRAYS, Arrays, Recipe, fresh_arrays, seed_of, train
from tests.training.federated.grid import Grid, identify
from tests.training.federated.makers import made_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

CLIENTS = 5


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("flwr")
    identify(monkeypatch)
    learnt, valid = made_faces(1500, 1), made_faces(300, 2)
    hold(tmp_path / "faces", learnt, valid, divide(learnt, valid, "dirichlet:1", CLIENTS, 3))
    return tmp_path / "faces"


def _run(faces: Path, grid: Grid, rounds: int = 1, **given: Any) -> Any:
    from ferce_agent.training.federated.server_app import Plan, serve

    plan = Plan("fedavg", rounds, Recipe(), 7, 2, faces.parent / "run", None, CLIENTS, secure=True, **given)
    return serve(plan, grid, lambda _: None)


def _plain(faces: Path, clients: Iterable[int]) -> tuple[Arrays, dict[int, Arrays], list[int]]:
    """Return the mean that FedAvg takes, each client's change, and how many faces they have."""
    held = {one: held_by(faces, one).train for one in clients}
    changes = {one: train(fresh_arrays(), own, Recipe(), seed_of(7, 1, one))[0] for one, own in held.items()}
    counts = [len(own) for own in held.values()]
    mean = {name: np.average([one[name].astype(np.float64) for one in changes.values()], 0, counts) for name in ARRAYS}
    return {name: value.astype(np.float32) for name, value in mean.items()}, changes, counts


@pytest.mark.parametrize("lost", [None, 2])
def test_the_sum_is_that_of_fedavg_and_a_client_that_breaks_off_is_left_out(faces: Path, lost: int | None) -> None:
    from ferce_agent.training.federated.secure_sum import rounding

    found = _run(faces, Grid(faces, CLIENTS, frozenset() if lost is None else frozenset({(lost, 1)})))
    mean, _, counts = _plain(faces, [one for one in range(CLIENTS) if one != lost])
    off = max(float(np.abs(found.arrays[name] - mean[name]).max()) for name in ARRAYS)
    assert off <= rounding(counts) + 1e-6 < 1e-3
    assert max(float(np.abs(value).max()) for value in mean.values()) > 0.02
    told = found.rounds[0]
    assert (told.asked, told.answered, told.lost) == (5, 5, 0) if lost is None else (5, 4, 1)
    assert told.sent > told.received > 5 * sum(value.nbytes for value in mean.values()) // 2


def test_what_one_client_sends_looks_like_any_numbers_and_is_not_its_change(faces: Path) -> None:
    from flwr.common import bytes_to_ndarray
    from scipy.stats import kstest

    grid = Grid(faces, CLIENTS)
    _run(faces, grid)
    masked = {}
    for one in grid.told:
        config = one.content.config_records.get("secaggplus_configs", {})
        if "masked_params" in config:
            assert all(not len(arrays) for arrays in one.content.array_records.values())
            assert dict(one.content["fitres.num_examples"]) == {"num_examples": 1}
            assert not dict(one.content["fitres.metrics"])
            vector = [bytes_to_ndarray(value).ravel() for value in config["masked_params"]]
            masked[one.metadata.src_node_id - 1] = np.concatenate(vector)
    assert set(masked) == set(range(CLIENTS))
    _, changes, counts = _plain(faces, range(CLIENTS))
    for client, numbers in masked.items():
        assert numbers.min() >= 0 and numbers.max() < 2**32
        assert kstest(numbers / 2**32, "uniform").pvalue > 1e-6
        change = np.concatenate([changes[client][name].ravel() for name in ARRAYS])
        assert abs(np.corrcoef(numbers[1:], change)[0, 1]) < 0.15
        assert numbers[0] != round(counts[client] / 2**15 * 2**24)  # the weight, too, is masked
    sent = b"".join(value.tobytes() for one in changes.values() for value in one.values())
    assert not any(numbers.astype(np.float32).tobytes()[:64] in sent for numbers in masked.values())


def test_too_many_lost_clients_change_nothing_and_the_run_goes_on(faces: Path) -> None:
    found = _run(faces, Grid(faces, CLIENTS, frozenset({(0, 1), (1, 1), (2, 1)})), 2)
    assert [(one.answered, one.lost) for one in found.rounds] == [(0, 5), (5, 0)]
    assert all(np.any(value) for value in found.arrays.values())


def test_a_client_that_wants_masks_refuses_to_answer_without(faces: Path) -> None:
    from ferce_agent.training.federated.server_app import Plan, serve

    grid = Grid(faces, CLIENTS)
    for one in grid.own.values():
        one.node_config["secure"] = True
    found = serve(Plan("fedavg", 1, Recipe(), 7, 2, faces.parent / "open", None, CLIENTS), grid, lambda _: None)
    assert (found.rounds[0].answered, found.rounds[0].lost) == (0, 5)
    assert _run(faces, grid).rounds[0].answered == 5


def test_combinations_that_cannot_be_are_refused(faces: Path) -> None:
    from flwr.serverapp.strategy import FedMedian

    from ferce_agent.training.federated.budget import privacy_of
    from ferce_agent.training.federated.server_app import Plan, serve

    with pytest.raises(SettingsError, match="hides"):
        Plan("fedavg", 1, clients=5, privacy=privacy_of("central:1"), secure=True)
    with pytest.raises(SettingsError, match="bounded"):
        Plan("fedavg", 1, clients=5, aggregate="median", secure=True)
    with pytest.raises(SettingsError, match="needs 3 clients"):
        Plan("fedavg", 1, secure=True)
    with pytest.raises(SettingsError, match="sums only"):
        serve(Plan("fedavg", 1, clients=5, secure=True), Grid(faces, CLIENTS), lambda _: None, FedMedian())
