"""Differential privacy of the federation; in an environment with the extra `federated`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.training.federated.budget import DELTA, Privacy, epsilon_of, privacy_of, spend, spent, statement
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.partition import divide
from ferce_agent.training.federated.privacy import Cost, table
from ferce_agent.training.federated.task import ARRAYS, Recipe, fresh_arrays, train
from tests.training.federated.grid import Grid, identify
from tests.training.federated.makers import made_faces


@pytest.mark.parametrize(
    "text", ["central", "central:", "central:nan", "central:0", "global:1", "local:-1", "local:1e9"]
)
def test_other_privacy_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        privacy_of(text)


def test_privacy_is_read_and_a_norm_without_it_is_refused() -> None:
    assert privacy_of("") is None
    assert privacy_of("central:1.5") == Privacy("central", 1.5, 0.1)
    assert privacy_of("local:1", 0.3) == Privacy("local", 1, 0.3)
    with pytest.raises(SettingsError, match="for privacy only"):
        privacy_of("", 0.5)


def test_what_was_released_is_added_up_and_other_noise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spent.json"
    assert spent(path) is None
    assert spend(path, 1.0, 0.5, 3).steps == 3
    assert spend(path, 1.0, 0.5, 4).steps == 7
    with pytest.raises(DataError, match="other noise"):
        spend(path, 2.0, 0.5, 1)
    path.write_text('{"noise": 0, "rate": 1, "steps": 1}')
    with pytest.raises(DataError, match="does not say"):
        spent(path)


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "steps"), [(1.0, 1), (5.0, 20), (2.0, 100)])
def test_epsilon_is_little_above_the_exact_one_of_plain_noise(noise: float, steps: int) -> None:
    """Without sampling, T steps are one with noise / sqrt(T); its exact delta: Balle and Wang 2018, theorem 8."""
    pytest.importorskip("opacus")
    far = steps**0.5 / noise

    def delta(epsilon: float) -> float:
        away = epsilon / far
        return float(norm.cdf(far / 2 - away) - np.exp(epsilon + norm.logcdf(-far / 2 - away)))

    exact = float(brentq(lambda epsilon: delta(epsilon) - DELTA, 0, 500))
    assert exact <= epsilon_of(noise, 1.0, steps) <= 1.12 * exact


@pytest.mark.slow
def test_epsilon_with_sampling_is_that_of_opacus() -> None:
    accountants = pytest.importorskip("opacus.accountants")
    accountant = accountants.RDPAccountant()
    for _ in range(50):
        accountant.step(noise_multiplier=1.1, sample_rate=0.02)
    assert epsilon_of(1.1, 0.02, 50) == pytest.approx(accountant.get_epsilon(DELTA), rel=0.02)
    assert epsilon_of(1.1, 0.02, 50) < epsilon_of(1.1, 1.0, 50)


def _reply(change: float, count: int) -> Any:
    """Return a client's answer whose every number differs by `change` from zero, and that claims faces."""
    from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict

    arrays = ArrayRecord({name: Array(np.full_like(value, change)) for name, value in fresh_arrays().items()})
    content = RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": count, "loss": 1.0})})
    return Message(content, dst_node_id=1, message_type="train")


def _noisy(tmp_path: Path, privacy: Privacy, replies: list[Any]) -> Any:
    """Return the vector that a round gives, as one, and what is told of it."""
    from flwr.app import Array, ArrayRecord
    from flwr.serverapp.strategy import FedAvg

    from ferce_agent.training.federated.central_noise import CentralNoise

    made = CentralNoise(FedAvg(), privacy, tmp_path / "spent.json", np.random.default_rng(3))
    made.sent = fresh_arrays()
    arrays, told = made.aggregate_train(1, replies)
    assert set(arrays) == set(ARRAYS) and isinstance(arrays, ArrayRecord) and isinstance(arrays["bias"], Array)
    return np.concatenate([arrays[name].numpy().ravel() for name in ARRAYS]), told


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flwr")
    identify(monkeypatch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("identity")
def test_clients_are_cut_weigh_alike_and_noise_is_as_large_as_was_asked(tmp_path: Path) -> None:
    size = sum(value.size for value in fresh_arrays().values())
    quiet, told = _noisy(tmp_path, Privacy("central", 0.01, 2.0), [_reply(50.0, 10_000), _reply(0.0, 1)])
    assert told is None  # no losses, no numbers of faces
    assert np.linalg.norm(quiet) == pytest.approx(1.0, rel=0.15)  # half of 2.0, though it claims 10,000 faces
    assert quiet.std() == pytest.approx(0.01, rel=0.15)  # 0.01 x 2.0 / 2
    loud, _ = _noisy(tmp_path / "loud", Privacy("central", 3.0, 2.0), [_reply(0.0, 1)] * 1)
    assert loud.std() == pytest.approx(6.0, rel=5 / (2 * size) ** 0.5)
    assert abs(loud.mean()) < 5 * 6.0 / size**0.5
    found = spent(tmp_path / "loud" / "spent.json")
    assert found is not None and (found.steps, found.rate) == (1, 1.0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_clients_own_noise_is_as_large_as_was_asked_and_little_noise_changes_little() -> None:
    pytest.importorskip("opacus")
    import torch

    from ferce_agent.training.federated.private_steps import train_privately

    faces = made_faces(64, 1)
    one = Recipe(epochs=1, rate=0.5, batch=64, penalty=0.0)  # a single step with all faces
    found = train_privately(fresh_arrays(), faces, one, Privacy("local", 4.0, 0.25), torch.Generator().manual_seed(3))
    moved = np.concatenate([found[name].ravel() for name in ARRAYS]) / 0.5
    assert moved.std() == pytest.approx(4.0 * 0.25 / 64, rel=0.1)
    still = train_privately(fresh_arrays(), faces, one, Privacy("local", 0.01, 1e-3), torch.Generator().manual_seed(3))
    assert np.linalg.norm(np.concatenate([still[name].ravel() for name in ARRAYS])) <= 0.5 * 1e-3 * 1.1
    many = made_faces(600, 1)
    whole = Recipe(epochs=20, batch=600)  # all faces in each step, cut nowhere: as without privacy
    private = train_privately(fresh_arrays(), many, whole, Privacy("local", 0.01, 30.0))
    plain, _ = train(fresh_arrays(), many, whole, 1)
    assert max(float(np.abs(private[name] - plain[name]).max()) for name in ARRAYS) < 0.005
    assert max(float(np.abs(plain[name]).max()) for name in ARRAYS) > 0.05


def _asked(faces: Path, node: dict[str, str | int], asked: dict[str, str | float]) -> Any:
    """Return the answer of the real client app, that is asked to train in one round."""
    from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict

    from ferce_agent.training.federated.client_app import client_app
    from ferce_agent.training.federated.server_app import Plan, config_of

    config = ConfigRecord({**config_of(Plan("fedavg", 1), "0" * 16), "server-round": 1, **asked})
    arrays = ArrayRecord({name: Array(value) for name, value in fresh_arrays().items()})
    message = Message(RecordDict({"arrays": arrays, "config": config}), dst_node_id=1, message_type="train")
    return client_app(str(faces))(message, Context(1, 1, {"partition-id": 1, **node}, RecordDict(), {}))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    train_faces, valid = made_faces(600, 1), made_faces(300, 2)
    hold(tmp_path / "faces", train_faces, valid, divide(train_faces, valid, "even", 2, 3))
    return tmp_path / "faces"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("identity")
def test_a_client_with_its_own_noise_counts_its_steps_and_tells_no_loss_or_number_of_faces(faces: Path) -> None:
    pytest.importorskip("opacus")
    asked: dict[str, str | float] = {"privacy": "local:1.5", "clip": 1.0}
    first, again = (_asked(faces, {}, asked) for _ in range(2))
    assert dict(first.content["metrics"]) == {"num-examples": 1}
    assert (first.content["arrays"]["bias"].numpy() != again.content["arrays"]["bias"].numpy()).any()
    ledger = faces / "client-1" / f"spent-{'0' * 16}.json"
    found = spent(ledger)
    assert found is not None
    assert (found.noise, found.rate, found.steps) == (1.5, 64 / 300, 2 * 5)
    privacy = privacy_of("local:1.5")
    assert privacy is not None
    told = statement(privacy, [ledger, faces / "none"])
    assert told["epsilon"] == found.epsilon > 0
    assert "one face of a client" in told["unit"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("asked", [{}, {"privacy": "local:1"}, {"privacy": "central:2"}, {"privacy": "none"}])
def test_a_client_refuses_less_privacy_than_its_own_configuration_wants(
    faces: Path, asked: dict[str, str | float]
) -> None:
    pytest.importorskip("opacus")
    with pytest.raises(RuntimeError, match="DataError"):
        _asked(faces, {"privacy": "local:1.5"}, asked)
    assert not list((faces / "client-1").glob("spent-*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("identity")
def test_a_run_with_noise_of_the_server_counts_its_releases(faces: Path, tmp_path: Path) -> None:
    pytest.importorskip("flwr")
    from ferce_agent.training.federated.server_app import Plan, ledgers_of, serve

    privacy = privacy_of("central:2")
    assert privacy is not None
    plan = Plan("fedavg", 2, Recipe(), 7, 2, tmp_path / "run", None, 2, privacy)
    standing = serve(plan, Grid(faces, 2), lambda _: None)
    assert [(one.answered, one.loss) for one in standing.rounds] == [(2, None)] * 2
    told = statement(privacy, ledgers_of(plan, faces))
    assert (told["steps"], told["sampling"]) == (2, 1.0)
    assert told["epsilon"] == pytest.approx(epsilon_of(2.0, 1.0, 2))


def test_the_table_tells_epsilon_and_accuracy() -> None:
    text = table(0.8, [Cost(10, "", None, 0.9), Cost(100, "central:3", 12.34, 0.85)])
    assert "| 10 | none | – | 0.9000 |" in text
    assert "| 100 | central:3 | 12.3 | 0.8500 |" in text
