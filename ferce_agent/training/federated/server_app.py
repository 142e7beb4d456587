"""The server's side: sends the head round, adds up what comes back, and keeps each round in a file.

A run that was killed goes on with the round that was not finished, and gives the same result: no randomness is drawn
here, and clients draw theirs from seed, round and client.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

import ferce_agent.training.federated.flower  # noqa: F401  (before Flower: no usage reports)

from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord  # isort: skip
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg, FedProx

from ferce_agent.errors import SettingsError
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.federated.budget import Privacy, privacy_of
from ferce_agent.training.federated.central_noise import CentralNoise
from ferce_agent.training.federated.features import Features, load_features
from ferce_agent.training.federated.robust import check_aggregate, robust
from ferce_agent.training.federated.secure_sum import LEAST_CLIENTS, SecurelyWatched
from ferce_agent.training.federated.task import ARRAYS, SHARED, Arrays, Recipe, evaluate, fresh_arrays
from ferce_agent.training.federated.watching import Round, Watched

STRATEGIES: Final = ("fedavg", "fedprox", "personal")
"""FedAvg (McMahan et al. 2017), FedProx (Li et al. 2020), FedAvg of the shared part with a personal one (Arivazhagan
et al. 2019)."""
PROXIMAL: Final = 0.1
"""Weight of FedProx's term where none is given."""
WAIT: Final = 0.2
"""Seconds between two looks at who is connected."""
CHECKPOINT: Final = "server.pt"
"""File in the run's folder."""
SPENT: Final = "spent.json"
"""File in the run's folder that counts noisy releases of the server."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of a federation.

    Attributes:
        strategy: One of `STRATEGIES`.
        rounds: How many.
        recipe: How clients train.
        seed: Of their order of faces.
        least: A round with fewer usable answers changes nothing.
        out: Folder in which the server keeps the rounds.
        valid: File of `Features` on which the server judges the common head; None: it has no faces.
        clients: The first round waits until so many are connected; one that is gone later is not waited for.
        privacy: Differential privacy; None: there is none.
        aggregate: How answers become the common head: one of `robust.AGGREGATES`.
        most_faces: A client counts so many faces at most; 0: three times the median of a round's claims.
        secure: Whether the server gets sums of clients' changes only.
    """

    strategy: str
    rounds: int
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 7
    least: int = 2
    out: Path = Path("runs/federated")
    valid: Path | None = None
    clients: int = 2
    privacy: Privacy | None = None
    aggregate: str = field(default="mean", kw_only=True)
    most_faces: int = field(default=0, kw_only=True)
    secure: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: One cannot be used.
        """
        if self.strategy not in STRATEGIES:
            raise SettingsError(f"There is no strategy '{self.strategy[:40]}'.", hint=f"Use {', '.join(STRATEGIES)}.")
        if self.rounds < 1 or self.least < 1:
            raise SettingsError("A federation needs a round and a client or more.", hint="Give --rounds 20.")
        check_aggregate(self.aggregate)
        if self.aggregate != "mean" and self.privacy is not None and self.privacy.kind == "central":
            raise SettingsError("Central privacy has noise for a mean only.", hint="Leave out --aggregate.")
        if self.most_faces < 0:
            raise SettingsError("A client counts one face or more.", hint="Give --most-faces 0 for the usual bound.")
        if self.secure:
            self._check_secure()

    def _check_secure(self) -> None:
        if self.privacy is not None and self.privacy.kind == "central":
            raise SettingsError(
                "Central privacy cuts single changes, which secure aggregation hides.", hint="Use --privacy local:1."
            )
        if self.aggregate != "mean" or self.most_faces:
            raise SettingsError(
                "Secure aggregation hides single answers, so none can be left out or bounded.",
                hint="Leave out --aggregate and --most-faces, or --secure.",
            )
        if max(self.clients, self.least) < LEAST_CLIENTS:
            raise SettingsError(f"Secure aggregation needs {LEAST_CLIENTS} clients.", hint="Give --clients 10.")

    @property
    def training(self) -> Recipe:
        """The recipe with what the strategy adds."""
        proximal = (self.recipe.proximal or PROXIMAL) if self.strategy == "fedprox" else 0.0
        return replace(self.recipe, proximal=proximal, personal=self.strategy == "personal")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays that are sent."""
        return SHARED if self.strategy == "personal" else ARRAYS

    @property
    def title(self) -> str:
        """Name of the way of learning, and of its files: the strategy, and what is not as usual."""
        added = [] if self.aggregate == "mean" else [self.aggregate]
        private = [] if self.privacy is None else [self.privacy.title]
        return "-".join([self.strategy, *added, *private, *(["secure"] if self.secure else [])])

    def identity(self) -> dict[str, Any]:
        """Return what a run that goes on must have in common; more rounds may be asked for."""
        told = {"strategy": self.strategy, "seed": self.seed, "least": self.least, **asdict(self.training)}
        if self.aggregate != "mean" or self.most_faces:
            told |= {"aggregate": self.aggregate, "most_faces": self.most_faces}
        if self.secure:
            told["secure"] = True
        return told if self.privacy is None else {**told, "privacy": asdict(self.privacy)}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is.

    Attributes:
        name: Of the run; clients keep their own part under it.
        arrays: The common arrays.
        rounds: What happened so far.
    """

    name: str
    arrays: Arrays
    rounds: tuple[Round, ...] = ()


def standing_of(plan: Plan) -> Standing:
    """Return where a run stands: a new one, or what its folder holds.

    Raises:
        DataError: The folder holds a run with another recipe, or its file is damaged.
    """
    path = plan.out / CHECKPOINT
    if not path.is_file():
        fresh = fresh_arrays()
        return Standing(secrets.token_hex(8), {name: fresh[name] for name in plan.names})
    known = read_checkpoint(path, plan.identity())
    arrays = {name: value.numpy() for name, value in known["arrays"].items()}
    return Standing(known["name"], arrays, tuple(Round(**one) for one in known["rounds"]))


def _keep(plan: Plan, standing: Standing) -> None:
    plan.out.mkdir(parents=True, exist_ok=True)
    payload = {
        "recipe": plan.identity(),
        "name": standing.name,
        "arrays": {name: torch.from_numpy(np.asarray(value).copy()) for name, value in standing.arrays.items()},
        "rounds": [one.as_dict() for one in standing.rounds],
    }
    write_checkpoint(payload, plan.out / CHECKPOINT)


def ledgers_of(plan: Plan, faces: Path) -> list[Path]:
    """Return the files that count what was released (`budget.spend`).

    Args:
        plan: A run with privacy.
        faces: Folder of `holding.hold` with the clients.
    """
    if plan.privacy is not None and plan.privacy.kind == "central":
        return [plan.out / SPENT]
    return sorted(faces.glob(f"client-*/spent-{standing_of(plan).name}.json"))


def strategy_of(plan: Plan) -> Any:
    """Return Flower's strategy of a plan."""
    given = {"min_train_nodes": plan.least, "min_evaluate_nodes": plan.least, "min_available_nodes": plan.least}
    if plan.aggregate != "mean":
        return robust(plan.aggregate, plan.clients, **given)
    found = FedProx(**given, proximal_mu=plan.training.proximal) if plan.strategy == "fedprox" else FedAvg(**given)
    if plan.privacy is not None and plan.privacy.kind == "central":
        return CentralNoise(found, plan.privacy, plan.out / SPENT)
    return found


def config_of(plan: Plan, name: str) -> Any:
    """Return what each message tells clients.

    Args:
        plan: The run.
        name: Of the run.
    """
    known, privacy = plan.training, plan.privacy
    asked = {} if privacy is None else {"privacy": f"{privacy.kind}:{privacy.noise!r}", "clip": privacy.clip}
    return ConfigRecord(
        {
            "run": name,
            "seed": plan.seed,
            "epochs": known.epochs,
            "rate": known.rate,
            "batch": known.batch,
            "penalty": known.penalty,
            "proximal-mu": known.proximal,
            "personal": known.personal,
            **asked,
        }
    )


def serve(plan: Plan, grid: Any, tell: Callable[[Round], None], strategy: Any = None) -> Standing:
    """Run the rounds that are left.

    Args:
        plan: The run.
        grid: Flower's way to the clients.
        tell: Called with each round as soon as its training is over.
        strategy: Another one of Flower's Message API in place of the plan's, such as a robust one.

    Returns:
        Where the run stands at the end.

    Raises:
        DataError: The run's folder holds another run.
        SettingsError: Noise for a mean, or sums only, is asked for with a strategy that takes single answers.
    """
    if strategy is not None and plan.privacy is not None and plan.privacy.kind == "central":
        raise SettingsError("Central privacy has noise for a mean only.", hint="Leave out the other strategy.")
    if strategy is not None and plan.secure:
        raise SettingsError("Secure aggregation gives sums only.", hint="Leave out the other strategy.")
    begin = standing_of(plan)
    left = plan.rounds - len(begin.rounds)
    if left <= 0:
        return begin
    shapes = {name: value.shape for name, value in begin.arrays.items()}
    kind = SecurelyWatched if plan.secure else Watched
    watched = kind(strategy or strategy_of(plan), shapes, plan.least, len(begin.rounds), tell, plan.most_faces)
    judged = load_features(plan.valid) if plan.valid is not None else None
    now = [begin]

    def after(number: int, record: Any) -> Any:
        if not number:
            return None
        arrays = {name: np.asarray(value.numpy(), np.float32) for name, value in record.items()}
        found = _judge(plan, arrays, judged)
        watched.rounds[-1].everywhere = found
        now[0] = Standing(begin.name, arrays, (*begin.rounds, *watched.rounds))
        _keep(plan, now[0])
        return None if found is None else MetricRecord({"accuracy": found})

    while len(list(grid.get_node_ids())) < plan.clients:
        time.sleep(WAIT)
    watched.start(
        grid=grid,
        initial_arrays=ArrayRecord({name: Array(value) for name, value in begin.arrays.items()}),
        num_rounds=left,
        train_config=config_of(plan, begin.name),
        evaluate_config=config_of(plan, begin.name),
        evaluate_fn=after,
    )
    return now[0]


def _judge(plan: Plan, arrays: Arrays, faces: Features | None) -> float | None:
    return None if faces is None or plan.strategy == "personal" else evaluate(arrays, faces)["accuracy"]


def plan_of(config: Mapping[str, Any]) -> Plan:
    """Return the plan that the app's configuration describes.

    Raises:
        SettingsError: A value cannot be used.
    """
    usual = Recipe()
    try:
        recipe = Recipe(
            int(config.get("epochs", usual.epochs)),
            float(config.get("rate", usual.rate)),
            int(config.get("batch", usual.batch)),
            float(config.get("penalty", usual.penalty)),
            float(config.get("proximal", 0.0)),
        )
        numbers = [int(config.get(*one)) for one in (("rounds", 20), ("seed", 7), ("least", 2), ("clients", 2))]
        clip = float(config.get("clip", 0.0)) or None
        bound: dict[str, Any] = {
            "aggregate": str(config.get("aggregate", "mean")),
            "most_faces": int(config.get("most-faces", 0)),
            "secure": bool(config.get("secure", False)),
        }
    except (TypeError, ValueError) as error:
        raise SettingsError("A value of the app's configuration is no number.") from error
    privacy = privacy_of(str(config.get("privacy", "")), clip)
    valid = str(config.get("valid", ""))
    out = Path(str(config.get("out", "runs/federated")))
    name = str(config.get("strategy", "fedavg"))
    judged = Path(valid) if valid else None
    return Plan(name, numbers[0], recipe, numbers[1], numbers[2], out, judged, numbers[3], privacy, **bound)


def server_app(plan: Plan | None = None, tell: Callable[[Round], None] = lambda _: None, strategy: Any = None) -> Any:
    """Return the app.

    Args:
        plan: The run; None: as the app's configuration says.
        tell: Called with each round as soon as its training is over.
        strategy: Another one of Flower's in place of the plan's.
    """
    made = ServerApp()

    @made.main()  # type: ignore[untyped-decorator]
    def main(grid: Any, context: Any) -> None:
        serve(plan or plan_of(context.run_config), grid, tell, strategy)

    return made


app = server_app()
