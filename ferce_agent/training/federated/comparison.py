"""What learning together is worth: central, alone, FedAvg, FedProx, personal heads, on FER+ divided among clients.

`python -m ferce_agent.training.federated.comparison --data DIR --split dirichlet:0.3` prints the table; it needs the
extra `federated`. A run that was stopped goes on when it is started again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import Specialist
from ferce_agent.training.federated.adapter_file import adapter_of
from ferce_agent.training.federated.features import Features
from ferce_agent.training.federated.ferplus_clients import Clients, divide_among, options, read_ferplus
from ferce_agent.training.federated.flower import require_flower
from ferce_agent.training.federated.holding import held_by, recall
from ferce_agent.training.federated.partition import Division
from ferce_agent.training.federated.task import Arrays, Recipe, evaluate, fresh_arrays, seed_of, train
from ferce_agent.views.saving import write_whole


@dataclass(frozen=True, slots=True)
class Row:
    """One way of learning.

    Attributes:
        name: Of the way.
        own: Accuracy over the validation faces, each judged by its client's head, 0..1.
        everywhere: Accuracy on all validation faces, mean over the clients' heads, 0..1.
        sent: Bytes that the server sent, over all rounds; None where nothing is sent.
        received: Bytes that came back.
        curve: Accuracy `own` after each round.
    """

    name: str
    own: float
    everywhere: float
    sent: int | None = None
    received: int | None = None
    curve: tuple[float | None, ...] = ()


def judged(name: str, heads: Sequence[Arrays], valid: Features, division: Division) -> Row:
    """Return how right heads are, one a client."""
    parts = [valid.take(rows) for rows in division.valid]
    right = sum(evaluate(head, part)["accuracy"] * len(part) for head, part in zip(heads, parts, strict=True))
    same = all(head is heads[0] for head in heads)
    some = heads[:1] if same else heads
    return Row(name, right / len(valid), float(np.mean([evaluate(head, valid)["accuracy"] for head in some])))


def alone(faces: Features, recipe: Recipe, rounds: int, seed: int, client: int) -> Arrays:
    """Return a head that was trained for as many rounds on one holder's faces alone."""
    arrays = fresh_arrays()
    for number in range(1, rounds + 1):
        arrays, _ = train(arrays, faces, recipe, seed_of(seed, number, client))
    return arrays


def baselines(made: Clients, recipe: Recipe, rounds: int, seed: int) -> list[Row]:
    """Return the rows of the shipped model, of central training, and of each client alone."""
    learnt, valid, division = made.train, made.valid, made.division
    count = len(division)
    prior = fresh_arrays()
    prior["bias"] = (Settings().flatten * Specialist().log_prior).astype(np.float32)
    lonely = [alone(learnt.take(rows), recipe, rounds, seed, place) for place, rows in enumerate(division.train)]
    central = alone(learnt, recipe, rounds, seed, count)
    return [
        judged("shipped", [fresh_arrays()] * count, valid, division),
        judged("shipped, prior of FER+", [prior] * count, valid, division),
        judged("central", [central] * count, valid, division),
        judged("each client alone", lonely, valid, division),
    ]


def together(made: Clients, plan: Any, out: Path, tell: Callable[[Any], None] = lambda _: None) -> Row:
    """Run a federation in Flower's simulation, write its adapter unless heads are personal, and return its row.

    Args:
        made: The clients.
        plan: The run (`server_app.Plan`).
        out: Folder in which the adapter goes.
        tell: Called with each round (`watching.Round`) as soon as its training is over.

    Raises:
        MissingExtraError: Flower is not installed.
        DataError: The run's folder holds another run, or one of more rounds.
    """
    from ferce_agent.training.federated.simulation import simulate

    faces, count, title = made.faces, len(made.division), plan.title
    found: Any = simulate(plan, faces, count, tell)
    heads = [found.arrays] * count
    if plan.strategy == "personal":
        held = [held_by(faces, client) for client in range(count)]
        heads = [{**found.arrays, **recall(one, found.name, plan.rounds)} for one in held]
    else:
        adapter = adapter_of(found.arrays, made.valid, len(made.train), plan.recipe.penalty, plan.seed)
        write_whole(out / f"{title}.adapter.json", adapter.to_json())
    row, told = judged(title, heads, made.valid, made.division), found.rounds
    sent, received = sum(one.sent for one in told), sum(one.received for one in told)
    return Row(row.name, row.own, row.everywhere, sent, received, tuple(one.own for one in told))


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown, and the curves below."""
    lines = ["| learnt | own faces | all faces | MB sent | MB received |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        moved = ["–" if one is None else f"{one / 1e6:.1f}" for one in (row.sent, row.received)]
        lines.append(f"| {row.name} | {row.own:.4f} | {row.everywhere:.4f} | {' | '.join(moved)} |")
    curves = [
        f"{row.name} by round: " + " ".join("–" if one is None else f"{one:.3f}" for one in row.curve)
        for row in rows
        if row.curve
    ]
    return "\n".join([*lines, "", *curves]) + "\n"


def main(words: Sequence[str]) -> str:
    """Return the table for a command line.

    Raises:
        FerceError: Data or a value cannot be used, or Flower is not installed.
    """
    parser = options(__doc__, split="dirichlet:0.3", rounds=20, out="federated")
    parser.add_argument("--clients", type=int, default=10)
    given = parser.parse_args(words)
    require_flower()
    from ferce_agent.training.federated.server_app import Plan

    made = divide_among(*read_ferplus(given.data, given.out), given.out, given.split, given.clients, given.seed)
    rows = baselines(made, Recipe(), given.rounds, given.seed)
    for strategy in ("fedavg", "fedprox", "personal"):
        least, out = max(1, given.clients // 2), given.out / strategy
        plan = Plan(strategy, given.rounds, Recipe(), given.seed, least, out, made.judged)
        rows.append(together(made, plan, given.out))
    text = table(rows)
    write_whole(given.out / "federated.md", text)
    return text


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
