"""The federation as Flower runs it; in an environment with the extra `federated` (its Ray is another than ours)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.task import SHARED, Recipe
from tests.training.federated.makers import made_faces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
]

CLIENTS = 4


@pytest.fixture
def faces(tmp_path: Path) -> Iterator[Path]:
    pytest.importorskip("flwr")
    train, valid = made_faces(600, 1), made_faces(300, 2)
    hold(tmp_path / "faces", train, valid, divide(train, valid, "dirichlet:1", CLIENTS, 3))
    valid.save(tmp_path / "faces" / "valid.npz")
    yield tmp_path / "faces"


def _run(faces: Path, out: str, strategy: str, rounds: int, drops: Any = frozenset(), **given: Any) -> Any:
    from ferce_agent.training.federated.server_app import Plan
    from ferce_agent.training.federated.simulation import simulate

    plan = Plan(strategy, rounds, Recipe(), 7, 2, faces.parent / out, faces / "valid.npz")
    return simulate(replace(plan, **given), faces, CLIENTS, lambda _: None, drops)


def _same(one: Any, two: Any) -> bool:
    return all((one.arrays[name] == two.arrays[name]).all() for name in one.arrays)


def test_a_stopped_run_goes_on_and_ends_as_one_that_was_not_and_a_lost_client_is_told(faces: Path) -> None:
    drops = frozenset({(1, 2)})
    whole = _run(faces, "whole", "personal", 3, drops)
    _run(faces, "parts", "personal", 1, drops)
    parts = _run(faces, "parts", "personal", 3, drops)
    assert _same(whole, parts)
    assert [(one.number, one.answered, one.lost) for one in parts.rounds] == [(1, 4, 0), (2, 3, 1), (3, 4, 0)]
    assert [one.own for one in whole.rounds] == [one.own for one in parts.rounds]
    assert set(whole.arrays) == set(SHARED)
    with pytest.raises(DataError, match="another recipe"):
        _run(faces, "parts", "personal", 4, seed=8)


def test_a_common_head_learns_and_bytes_are_those_of_messages(faces: Path) -> None:
    found = _run(faces, "avg", "fedavg", 3)
    held = sum(array.nbytes for array in found.arrays.values())
    losses = [one.loss for one in found.rounds]
    assert losses == sorted(losses, reverse=True)
    assert found.rounds[-1].own == pytest.approx(found.rounds[-1].everywhere)  # one head, the same faces
    for one in found.rounds:
        assert CLIENTS * held < one.received < 1.2 * CLIENTS * held
        assert 2 * CLIENTS * held < one.sent < 2.4 * CLIENTS * held


def test_too_few_answers_change_nothing(faces: Path) -> None:
    found = _run(faces, "few", "fedprox", 1, frozenset({(0, 1), (1, 1)}), least=3)
    assert all(not np.any(array) for array in found.arrays.values())
    assert (found.rounds[0].answered, found.rounds[0].lost, found.rounds[0].loss) == (2, 2, None)
