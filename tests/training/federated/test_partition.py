from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.training.federated.features import BRIGHTNESS, SHARPNESS, Features, load_features
from ferce_agent.training.federated.partition import LEAST_FACES, divide
from tests.training.federated.makers import made_faces

TRAIN, VALID = made_faces(2000, 1), made_faces(500, 2)


@settings(max_examples=15, deadline=None)
@given(
    how=st.sampled_from(["dirichlet:0.3", "dirichlet:5", "quality", "even"]),
    clients=st.integers(2, 12),
    seed=st.integers(0, 9),
)
def test_each_face_is_held_by_one_client_and_the_same_seed_divides_alike(how: str, clients: int, seed: int) -> None:
    found, again = (divide(TRAIN, VALID, how, clients, seed) for _ in range(2))
    assert len(found) == clients
    for parts, whole in ((found.train, TRAIN), (found.valid, VALID)):
        assert sorted(np.concatenate(parts).tolist()) == list(range(len(whole)))
    assert min(len(one) for one in found.train) >= LEAST_FACES
    assert all((one == two).all() for one, two in zip(found.train, again.train, strict=True))


def _apart(shares: NDArray[np.float64]) -> float:
    return float(np.abs(shares - shares.mean(0)).sum(1).mean())


def test_a_low_alpha_spreads_expressions_unevenly_and_judging_follows() -> None:
    def shares(rows: tuple[NDArray[np.intp], ...], faces: Features) -> NDArray[np.float64]:
        counts = np.array([np.bincount(faces.gold[one], minlength=8) for one in rows], float)
        return np.asarray(counts / counts.sum(1, keepdims=True), np.float64)

    uneven, even = divide(TRAIN, VALID, "dirichlet:0.3", 5, 3), divide(TRAIN, VALID, "dirichlet:1000", 5, 3)
    assert _apart(shares(uneven.train, TRAIN)) > 4 * _apart(shares(even.train, TRAIN))
    assert np.abs(shares(uneven.train, TRAIN) - shares(uneven.valid, VALID)).max() < 0.1


def test_clients_by_quality_differ_in_sharpness_then_brightness() -> None:
    parts = divide(TRAIN, VALID, "quality", 9, 0).train
    ranges = [(TRAIN.light[one].min(0), TRAIN.light[one].max(0)) for one in parts]
    for first, second in ((0, 1), (1, 2)):
        assert ranges[first][1][BRIGHTNESS] <= ranges[second][0][BRIGHTNESS]
    assert ranges[0][1][SHARPNESS] <= ranges[3][0][SHARPNESS] <= ranges[6][0][SHARPNESS]


@pytest.mark.parametrize("how", ["dirichlet", "dirichlet:nan", "dirichlet:-1", "Quality", ""])
def test_other_ways_are_refused(how: str) -> None:
    with pytest.raises(SettingsError):
        divide(TRAIN, VALID, how, 4, 0)


def test_too_few_faces_or_clients_are_refused() -> None:
    with pytest.raises(SettingsError, match="two clients"):
        divide(TRAIN, VALID, "even", 1, 0)
    with pytest.raises(DataError, match="too few"):
        divide(TRAIN.take(np.arange(30)), VALID, "even", 4, 0)


def test_features_are_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.npz"
    VALID.save(path)
    assert (load_features(path).embedding == VALID.embedding).all()
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="no features"):
        load_features(path)
