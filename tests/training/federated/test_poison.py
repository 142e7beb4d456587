"""Clients that send harmful updates; in an environment with the extra `federated`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.training.federated.features import load_features
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.poison import CLAIMED, poisoned
from ferce_agent.training.federated.robust import AGGREGATES, check_aggregate
from ferce_agent.training.federated.task import Recipe, evaluate
from tests.training.federated.grid import Grid, identify
from tests.training.federated.makers import made_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

CLIENTS = 6


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("flwr")
    identify(monkeypatch)
    train, valid = made_faces(600, 1), made_faces(300, 2)
    hold(tmp_path / "faces", train, valid, divide(train, valid, "even", CLIENTS, 3))
    valid.save(tmp_path / "faces" / "valid.npz")
    return tmp_path / "faces"


def _run(faces: Path, attack: str, aggregate: str, most_faces: int = 0) -> tuple[float, Any]:
    """Return the loss of the common head after one round, and the round."""
    from ferce_agent.training.federated.server_app import Plan, serve

    out = faces.parent / f"{attack}-{aggregate}-{most_faces}"
    plan = Plan("fedavg", 1, Recipe(), 7, 3, out, None, CLIENTS, aggregate=aggregate, most_faces=most_faces)
    grid = Grid(faces, CLIENTS, mods=[poisoned(attack, frozenset({0}))])
    found = serve(plan, grid, lambda _: None)
    return evaluate(found.arrays, load_features(faces / "valid.npz"))["loss"], found.rounds[0]


def test_a_robust_way_bears_what_a_mean_does_not(faces: Path) -> None:
    hit = _run(faces, "flip", "mean")[0]
    assert all(_run(faces, "flip", way)[0] < hit - 0.01 for way in ("median", "trimmed", "krum"))


def test_numbers_that_are_not_finite_are_refused_and_claims_are_cut(faces: Path) -> None:
    loss, told = _run(faces, "nan", "mean")
    assert (told.answered, told.refused, told.bounded) == (CLIENTS - 1, 1, 0)
    cut, bounded = _run(faces, "count", "mean")
    uncut, free = _run(faces, "count", "mean", CLAIMED)
    assert (bounded.bounded, free.bounded) == (1, 0)
    assert loss < cut < uncut - 0.01


def test_the_simulation_is_attacked_alike(faces: Path) -> None:
    from ferce_agent.training.federated.poison import attacked, table

    found = attacked(faces, faces.parent / "simulated", CLIENTS, 1, 1, "nan", "mean")
    assert (found.refused, found.bounded) == (1, 0)
    assert found.loss == _run(faces, "nan", "mean")[0]
    told = table([replace(found, aggregate=way) for way in AGGREGATES])
    assert f"| {found.accuracy:.4f} |" in told and "| nan |" in told


def test_names_that_are_unknown_are_told() -> None:
    with pytest.raises(SettingsError, match="no attack"):
        poisoned("other", frozenset())
    with pytest.raises(SettingsError, match="no way"):
        check_aggregate("other")
