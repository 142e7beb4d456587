"""Clients that send harmful updates, in Flower's simulation; in an environment with the extra `federated`."""

from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.poison import CLAIMED, Outcome, attacked, poisoned
from ferce_agent.training.federated.robust import check_aggregate
from tests.training.federated.makers import made_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

CLIENTS, BAD, ROUNDS = 6, 1, 2


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    pytest.importorskip("flwr")
    train, valid = made_faces(600, 1), made_faces(300, 2)
    hold(tmp_path / "faces", train, valid, divide(train, valid, "even", CLIENTS, 3))
    valid.save(tmp_path / "faces" / "valid.npz")
    return tmp_path / "faces"


def _run(faces: Path, attack: str, aggregate: str, most_faces: int = 0) -> Outcome:
    out = faces.parent / f"{attack}-{aggregate}-{most_faces}"
    return attacked(faces, out, CLIENTS, BAD, ROUNDS, attack, aggregate, most_faces)


def test_a_robust_way_bears_what_a_mean_does_not(faces: Path) -> None:
    hit, held = _run(faces, "flip", "mean"), _run(faces, "flip", "median")
    assert held.loss < hit.loss - 0.01


def test_numbers_that_are_not_finite_are_refused_and_claims_are_cut(faces: Path) -> None:
    damaged = _run(faces, "nan", "mean")
    assert (damaged.refused, damaged.bounded) == (BAD * ROUNDS, 0)
    bounded, free = _run(faces, "count", "mean"), _run(faces, "count", "mean", CLAIMED)
    assert (bounded.bounded, free.bounded) == (BAD * ROUNDS, 0)
    assert damaged.loss < bounded.loss < free.loss - 0.01


def test_names_that_are_unknown_are_told() -> None:
    with pytest.raises(SettingsError, match="no attack"):
        poisoned("other", frozenset())
    with pytest.raises(SettingsError, match="no way"):
        check_aggregate("other")
