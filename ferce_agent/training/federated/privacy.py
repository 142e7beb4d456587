"""What privacy costs: epsilon against accuracy, on FER+ divided among ten clients and among a hundred.

`python -m ferce_agent.training.federated.privacy --data DIR` prints the table; it needs the extra `federated`. A run
that was stopped goes on when it is started again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ferce_agent.training.federated.budget import privacy_of, statement
from ferce_agent.training.federated.features import Features
from ferce_agent.training.federated.ferplus_clients import divide_among, options, read_ferplus
from ferce_agent.training.federated.flower import require_flower
from ferce_agent.training.federated.task import Recipe, evaluate, fresh_arrays
from ferce_agent.views.progress import Display
from ferce_agent.views.saving import write_whole

MEASURED: Final = (
    *((10, one) for one in ("", "central:1", "central:3", "central:10", "local:0.5", "local:1", "local:3")),
    *((100, one) for one in ("", "central:1", "central:3", "central:10")),
)
"""How many clients, and privacy."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One run.

    Attributes:
        clients: How many.
        privacy: What was asked for; empty for none.
        epsilon: At `budget.DELTA`, of the client for which it is largest; None without privacy.
        accuracy: Of the common head on all validation faces, 0..1.
    """

    clients: int
    privacy: str
    epsilon: float | None
    accuracy: float


def cost_of(  # noqa: PLR0913
    data: tuple[Features, Features], out: Path, split: str, clients: int, text: str, rounds: int, seed: int
) -> Cost:
    """Run one federation in Flower's simulation (FedAvg) and return what came of it.

    Args:
        data: Training faces and those on which is judged.
        out: Folder for this number of clients.
        split: How faces are divided (`partition.divide`).
        clients: How many.
        text: Privacy (`budget.privacy_of`).
        rounds: How many.
        seed: Of division and training.

    Raises:
        FerceError: A value cannot be used, or the folder holds another run.
    """
    from ferce_agent.training.federated.server_app import Plan, ledgers_of
    from ferce_agent.training.federated.simulation import simulate

    made = divide_among(*data, out, split, clients, seed)
    place, privacy = out / (text.replace(":", "-") or "none"), privacy_of(text)
    plan = Plan("fedavg", rounds, Recipe(), seed, max(1, clients // 2), place, None, clients, privacy)
    standing = simulate(plan, made.faces, clients, lambda _: None)
    told = None if privacy is None else float(statement(privacy, ledgers_of(plan, made.faces))["epsilon"])
    return Cost(clients, text, told, evaluate(standing.arrays, made.valid)["accuracy"])


def table(shipped: float, costs: Sequence[Cost]) -> str:
    """Return the runs as Markdown.

    Args:
        shipped: Accuracy without any training, 0..1.
        costs: The runs.
    """
    lines = ["| clients | privacy | epsilon | accuracy |", "|--:|---|--:|--:|", f"| – | shipped | – | {shipped:.4f} |"]
    for one in costs:
        told = "–" if one.epsilon is None else f"{one.epsilon:.1f}"
        lines.append(f"| {one.clients} | {one.privacy or 'none'} | {told} | {one.accuracy:.4f} |")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str]) -> str:
    """Return the table for a command line.

    Raises:
        FerceError: Data or a value cannot be used, or Flower is not installed.
    """
    given = options(__doc__, split="dirichlet:1", rounds=10, out="privacy").parse_args(words)
    require_flower()
    data = read_ferplus(given.data, given.out)
    costs = []
    with Display(len(MEASURED), "privacy") as display:
        for number, (clients, text) in enumerate(MEASURED):
            display.show(number, f"{clients} clients, {text or 'no privacy'}")
            place = given.out / f"{clients}-clients"
            costs.append(cost_of(data, place, given.split, clients, text, given.rounds, given.seed))
    text = table(evaluate(fresh_arrays(), data[1])["accuracy"], costs)
    write_whole(given.out / "privacy.md", text)
    return text


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
