"""What clients that send harmful updates do to the common head, and what Flower's robust strategies do about it.

`python -m ferce_agent.training.federated.poison --data DIR` prints the table; it needs the extra `federated`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ferce_agent.errors import SettingsError
from ferce_agent.training.federated.features import load_features
from ferce_agent.training.federated.ferplus_clients import divide_among, options, read_ferplus
from ferce_agent.training.federated.flower import require_flower
from ferce_agent.training.federated.robust import AGGREGATES
from ferce_agent.training.federated.task import Recipe
from ferce_agent.views.saving import write_whole

ATTACKS: Final = ("none", "flip", "scale", "count", "nan")
"""What bad clients do: nothing; send the opposite of what they learnt, `STRENGTH` times; send it `STRENGTH` times;
send the plain opposite and claim `CLAIMED` faces; send numbers that are not finite."""
STRENGTH: Final = 10.0
CLAIMED: Final = 1_000_000
UNBOUNDED: Final = "count, no bound"
"""Row of the same claim where the server takes it as it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run.

    Attributes:
        attack: One of `ATTACKS`.
        aggregate: One of `AGGREGATES`.
        accuracy: Of the common head on the server's faces after the last round, 0..1; None if it has none.
        loss: Of the same head there, in nats.
        refused: Answers that the server refused, over all rounds.
        bounded: Claims of too many faces that it cut, over all rounds.
    """

    attack: str
    aggregate: str
    accuracy: float | None
    loss: float
    refused: int
    bounded: int


def poisoned(attack: str, bad: frozenset[int]) -> Callable[..., Any]:
    """Return a mod of Flower's that makes some clients send harmful updates.

    Args:
        attack: One of `ATTACKS`.
        bad: Numbers of the clients that do.

    Raises:
        SettingsError: There is no such attack.
    """
    if attack not in ATTACKS:
        raise SettingsError(f"There is no attack '{attack[:40]}'.", hint=f"Use {', '.join(ATTACKS)}.")

    def mod(message: Any, context: Any, call_next: Callable[..., Any]) -> Any:
        from flwr.app import Array, ArrayRecord

        reply = call_next(message, context)
        client = int(context.node_config.get("partition-id", 0))
        if attack == "none" or client not in bad or not str(message.metadata.message_type).startswith("train"):
            return reply
        sent, found = message.content["arrays"], reply.content["arrays"]
        changed = {name: _harmful(attack, sent[name].numpy(), value.numpy()) for name, value in found.items()}
        reply.content["arrays"] = ArrayRecord({name: Array(value) for name, value in changed.items()})
        if attack == "count":
            reply.content["metrics"]["num-examples"] = CLAIMED
        return reply

    return mod


def _harmful(attack: str, sent: Any, found: Any) -> Any:
    """Return what a bad client sends in place of an array that it learnt."""
    if attack == "nan":
        return np.full_like(found, np.nan)
    factor = {"flip": -STRENGTH, "scale": STRENGTH, "count": -1.0}[attack]
    return (sent + factor * (found - sent)).astype(np.float32)


def attacked(  # noqa: PLR0913
    faces: Path, out: Path, clients: int, bad: int, rounds: int, attack: str, aggregate: str, most_faces: int = 0
) -> Outcome:
    """Run a federation in which the first clients are bad.

    Args:
        faces: Folder of `holding.hold`, with `valid.npz`, the server's faces.
        out: Folder of this run.
        clients: How many.
        bad: How many of them are.
        rounds: How many.
        attack: One of `ATTACKS`.
        aggregate: One of `AGGREGATES`.
        most_faces: A client counts so many faces at most; 0: three times the median of a round's claims.

    Raises:
        MissingExtraError: Flower is not installed.
        SettingsError: There is no such attack or way of adding up.
    """
    require_flower()
    from ferce_agent.training.federated.server_app import Plan
    from ferce_agent.training.federated.simulation import simulate
    from ferce_agent.training.federated.task import evaluate

    least, judged = max(1, clients // 2), faces / "valid.npz"
    plan = Plan("fedavg", rounds, Recipe(), 7, least, out, judged, clients, aggregate=aggregate, most_faces=most_faces)
    mods = [poisoned(attack, frozenset(range(bad)))]
    found = simulate(plan, faces, clients, lambda _: None, mods=mods)
    told = found.rounds
    refused, bounded = sum(one.refused for one in told), sum(one.bounded for one in told)
    loss = evaluate(found.arrays, load_features(judged))["loss"]
    return Outcome(attack, aggregate, told[-1].everywhere, loss, refused, bounded)


def table(found: Sequence[Outcome]) -> str:
    """Return outcomes as Markdown: a row an attack, a column a way of adding up, and what was refused and cut."""
    known = {(one.attack, one.aggregate): one for one in found}
    lines = [f"| attack | {' | '.join(AGGREGATES)} | refused | cut |", "|---|" + "--:|" * (len(AGGREGATES) + 2)]
    for attack in dict.fromkeys(one.attack for one in found):
        cells = [known[attack, name].accuracy for name in AGGREGATES]
        told, first = " | ".join("–" if one is None else f"{one:.4f}" for one in cells), known[attack, AGGREGATES[0]]
        lines.append(f"| {attack} | {told} | {first.refused} | {first.bounded} |")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str]) -> str:
    """Return the table for a command line.

    Raises:
        FerceError: Data or a value cannot be used, or Flower is not installed.
    """
    parser = options(__doc__, split="dirichlet:0.3", rounds=10, out="poison")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--bad", type=int, default=2, help="how many of them are bad")
    given = parser.parse_args(words)
    require_flower()
    learnt, valid = read_ferplus(given.data, given.out)
    made = divide_among(learnt, valid, given.out, given.split, given.clients, given.seed, bad=given.bad)
    faces = made.faces
    found = [
        attacked(faces, given.out / f"{attack}-{way}", given.clients, given.bad, given.rounds, attack, way)
        for attack in ATTACKS
        for way in AGGREGATES
    ]
    for way in AGGREGATES:
        out = given.out / f"unbounded-{way}"
        free = attacked(faces, out, given.clients, given.bad, given.rounds, "count", way, CLAIMED)
        found.append(replace(free, attack=UNBOUNDED))
    text = table(found)
    write_whole(given.out / "poison.md", text)
    return text


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
