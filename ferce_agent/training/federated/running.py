"""`ferce train federated`: one strategy on FER+ divided among clients, beside what the same faces give without it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferce_agent.training.federated.budget import privacy_of, sentence, statement
from ferce_agent.training.federated.ferplus_clients import Clients, divide_among, read_ferplus
from ferce_agent.training.federated.flower import require_flower
from ferce_agent.training.federated.partition import check_way
from ferce_agent.views.progress import Display
from ferce_agent.views.saving import write_whole

if TYPE_CHECKING:
    from ferce_agent.training.federated.comparison import Row
    from ferce_agent.training.federated.server_app import Plan


def run_federated(  # noqa: PLR0913
    data: Path,
    out: Path,
    split: str,
    strategy: str,
    rounds: int,
    clients: int,
    seed: int,
    privacy: str = "",
    clip: float | None = None,
    *,
    aggregate: str = "mean",
    most_faces: int = 0,
    secure: bool = False,
) -> tuple[Path, Path | None]:
    """Train in Flower's simulation, and write a card (Markdown and JSON) and the adapter.

    A run that was stopped goes on after its last finished round.

    Args:
        data: Folder with train.parquet and valid.parquet (FER+).
        out: Folder for what is made; one division of the faces and several strategies can share it.
        split: How faces are divided (`partition.divide`).
        strategy: One of `server_app.STRATEGIES`.
        rounds: How many.
        clients: How many, 2 or more.
        seed: Of the division and of training.
        privacy: ``central:NOISE``, ``local:NOISE`` or empty for none (`budget`).
        clip: Largest norm under privacy; None: the usual one.
        aggregate: How answers become the common head: one of `robust.AGGREGATES`.
        most_faces: A client counts so many faces at most; 0: three times the median of a round's claims.
        secure: Whether the server gets sums of clients' changes only (`secure_sum`).

    Returns:
        The card, and the adapter; None where heads are personal: each client then keeps a part of its own.

    Raises:
        SettingsError: A value cannot be used.
        DataError: The data is missing or damaged, or the folder holds another division.
        MissingExtraError: Flower is not installed.
    """
    check_way(split)
    wanted = privacy_of(privacy, clip)
    require_flower()
    from ferce_agent.training.federated.server_app import Plan
    from ferce_agent.training.federated.task import Recipe

    made = divide_among(*read_ferplus(data, out), out, split, clients, seed)
    bound: dict[str, Any] = {"aggregate": aggregate, "most_faces": most_faces, "secure": secure}
    plan = Plan(strategy, rounds, Recipe(), seed, max(1, clients // 2), out, made.judged, clients, wanted, **bound)
    plan = replace(plan, out=out / plan.title)
    rows = _rows(made, plan, out)
    adapter = None if strategy == "personal" else out / f"{plan.title}.adapter.json"
    return _card(out, plan, split, rows), adapter


def _rows(made: Clients, plan: Plan, out: Path) -> list[Row]:
    """Return the rows of the baselines and of the federation."""
    from ferce_agent.training.federated.comparison import baselines, together

    with Display(plan.rounds, plan.title) as display:

        def tell(one: Any) -> None:
            display.show(one.number, f"{plan.title}, round {one.number} of {plan.rounds}")
            if one.answered < one.asked:
                display.say(
                    f"Round {one.number}: {one.answered} of {one.asked} clients gave a usable answer "
                    f"({one.lost} lost, {one.refused} refused)."
                )
            if one.bounded:
                display.say(f"Round {one.number}: {one.bounded} clients claimed more faces than count.")

        row = together(made, plan, out, tell)
        display.show(plan.rounds, "central and alone")
        return [*baselines(made, plan.recipe, plan.rounds, plan.seed), row]


def _card(out: Path, plan: Plan, split: str, rows: list[Row]) -> Path:
    """Write the results as JSON and Markdown and return the file for readers."""
    from ferce_agent.training.federated.comparison import table
    from ferce_agent.training.federated.server_app import ledgers_of, standing_of

    private = statement(plan.privacy, ledgers_of(plan, out / "faces")) if plan.privacy else None
    told = {
        **{"strategy": plan.strategy, "split": split, "clients": plan.clients, "rounds": plan.rounds},
        **{"seed": plan.seed, "recipe": asdict(plan.training)},
        "privacy": private,
        **{"aggregate": plan.aggregate, "most_faces": plan.most_faces},
        "secure": plan.secure,
        "rows": [asdict(row) for row in rows],
        "by_round": [one.as_dict() for one in standing_of(plan).rounds],
    }
    write_whole(out / f"{plan.title}.json", json.dumps(told, indent=2) + "\n")
    head = (
        f"# Federated: {plan.title}\n\nFER+, {plan.clients} clients, divided {split}, rounds: {plan.rounds}, "
        f"seed {plan.seed}. Accuracy on the validation split. Own faces: each judged by its client's head; all faces: "
        "mean over the clients' heads.\n\n"
    )
    if plan.secure:
        head += "Secure aggregation: in training the server gets the sum of the changes, not any single one.\n\n"
    if private is not None:
        head += sentence(private) + "\n\n"
    path = out / f"{plan.title}.md"
    write_whole(path, head + table(rows))
    return path
