"""The client's side: trains on its own faces, and sends back arrays and two numbers, nothing else.

Where the faces are is told by the node itself, never by the server: `faces`, a folder of `holding.hold`, in the node's
or the app's configuration, or `pictures`, a folder of labelled pictures of its own.

Flower sends the text of an exception to the server, and ours name files. So a client that fails tells the server the
kind of error only, and its own log the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ferce_agent.training.federated.flower  # noqa: F401  (before Flower: no usage reports)

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict  # isort: skip
from flwr.clientapp import ClientApp

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.training.federated.budget import Privacy, privacy_of, spend
from ferce_agent.training.federated.holding import Held, held_by, own_pictures, recall, remember, run_of
from ferce_agent.training.federated.secure_sum import secured
from ferce_agent.training.federated.task import ARRAYS, PERSONAL, SHARED, Arrays, Recipe, evaluate, seed_of, train

log = logging.getLogger(__name__)
Drops = frozenset[tuple[int, int]]
"""Pairs of client and round: there the client breaks off in the middle, to see what becomes of the run."""


def client_app(faces: str = "", drops: Drops = frozenset(), mods: Sequence[Callable[..., Any]] = ()) -> Any:
    """Return the app.

    Args:
        faces: Folder of `holding.hold`, where the node's configuration does not name one.
        drops: Where clients break off.
        mods: Flower's mods round the client, the outermost first.
    """
    made = ClientApp(mods=[without_words, secured, *mods])

    @made.train()  # type: ignore[untyped-decorator]
    def train_round(message: Any, context: Any) -> Any:
        held, config = _held(context, faces), message.content["config"]
        recipe, number = recipe_of(config), int(config["server-round"])
        start = _start(message, held, recipe, number - 1)
        found, told = _trained(start, held, recipe, context, config)
        if (held.client, number) in drops:
            raise RuntimeError(f"Client {held.client} breaks off in round {number}, as was asked.")
        if recipe.personal:
            remember(held, str(config["run"]), number, {name: found[name] for name in PERSONAL})
        sent = {name: found[name] for name in (SHARED if recipe.personal else ARRAYS)}
        return _reply(message, {"arrays": _record(sent), "metrics": MetricRecord(told)}, held)

    @made.evaluate()  # type: ignore[untyped-decorator]
    def evaluate_round(message: Any, context: Any) -> Any:
        held, config = _held(context, faces), message.content["config"]
        arrays = _start(message, held, recipe_of(config), int(config["server-round"]))
        told = {"num-examples": len(held.valid), **evaluate(arrays, held.valid)}
        return _reply(message, {"metrics": MetricRecord(told)}, held)

    return made


def without_words(message: Any, context: Any, call_next: Callable[..., Any]) -> Any:
    """Answer a message; an error's own words, which may name a client's files, stay in its log (a mod of Flower's).

    Raises:
        RuntimeError: The client failed; tells the kind of error only.
    """
    try:
        return call_next(message, context)
    except Exception as error:
        log.warning("The client could not answer.", exc_info=True)
        kind = type(error).__name__
    raise RuntimeError(f"The client could not answer ({kind}); its own log says more.")


def recipe_of(config: Any) -> Recipe:
    """Return how to train, as the server says in a message.

    Raises:
        DataError: A value is missing or out of range.
    """
    try:
        found = Recipe(
            int(config["epochs"]),
            float(config["rate"]),
            int(config["batch"]),
            float(config["penalty"]),
            float(config.get("proximal-mu", 0.0)),
            bool(config["personal"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError("The server's message does not say how to train.") from error
    inside = 1 <= found.epochs <= 100 and 1 <= found.batch <= 1 << 16
    if not inside or not (0 < found.rate <= 10 and 0 <= found.penalty <= 1e3 and 0 <= found.proximal <= 1e3):
        raise DataError("The server's message asks for training that is out of range.")
    return found


def _trained(
    start: Arrays, held: Held, recipe: Recipe, context: Any, config: Any
) -> tuple[Arrays, dict[str, int | float]]:
    """Return a head after a round here, and what is told of it: with privacy neither loss nor number of faces."""
    privacy = _privacy(context, config)
    if privacy is not None and privacy.kind == "local":
        from ferce_agent.training.federated.private_steps import share_of, steps_of, train_privately

        faces = len(held.train)
        found = train_privately(start, held.train, recipe, privacy)
        ledger = held.place / f"spent-{run_of(str(config['run']))}.json"
        spend(ledger, privacy.noise, share_of(faces, recipe), steps_of(faces, recipe))
        return found, {"num-examples": 1}
    seed = seed_of(int(config["seed"]), int(config["server-round"]), held.client)
    found, loss = train(start, held.train, recipe, seed)
    return found, {"num-examples": 1} if privacy else {"num-examples": len(held.train), "loss": loss}


def _privacy(context: Any, config: Any) -> Privacy | None:
    """Return the privacy that the server asks for; not less than this node's own configuration wants.

    Raises:
        DataError: It is less.
    """
    try:
        asked = privacy_of(str(config.get("privacy", "")), float(config["clip"]) if "clip" in config else None)
    except (SettingsError, TypeError, ValueError) as error:
        raise DataError("The server's message asks for privacy that there is not.") from error
    wanted = privacy_of(str(context.node_config.get("privacy", "")))
    if wanted is not None and (asked is None or asked.kind != wanted.kind or asked.noise < wanted.noise):
        raise DataError("The server's message asks for less privacy than this node's configuration wants.")
    return asked


def _held(context: Any, faces: str) -> Held:
    """Return the faces of this node."""
    own, app = context.node_config, context.run_config
    client = int(own.get("partition-id", 0))
    if "pictures" in own:
        return own_pictures(Path(str(own["pictures"])), client)
    place = own.get("faces") or faces or app.get("faces")
    if not place:
        raise DataError("The node does not say where its faces are.", hint="Give it: --node-config 'faces=\"DIR\"'")
    return held_by(Path(str(place)), client)


def _start(message: Any, held: Held, recipe: Recipe, after: int) -> Arrays:
    """Return the head that the server sent, with what stays at this client put in."""
    sent: Arrays = {name: array.numpy() for name, array in message.content["arrays"].items()}
    if recipe.personal:
        return {**sent, **recall(held, str(message.content["config"]["run"]), after)}
    return sent


def _record(arrays: Arrays) -> Any:
    from flwr.app import Array

    return ArrayRecord({name: Array(value) for name, value in arrays.items()})


def _reply(message: Any, content: dict[str, Any], held: Held) -> Any:
    whose = ConfigRecord({"number": held.client})  # so that sums do not depend on who answers first
    return Message(RecordDict({**content, "client": whose}), reply_to=message)


app = client_app()
