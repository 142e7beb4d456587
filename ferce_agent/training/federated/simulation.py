"""A federation in one process tree: Flower's own simulation, on Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ferce_agent.errors import DataError
from ferce_agent.training.federated.flower import require_flower


def simulate(  # noqa: PLR0913
    plan: Any,
    faces: Path,
    clients: int,
    tell: Callable[[Any], None],
    drops: frozenset[tuple[int, int]] = frozenset(),
    *,
    strategy: Any = None,
    mods: Sequence[Callable[..., Any]] = (),
) -> Any:
    """Run a plan with simulated clients.

    Args:
        plan: The run (`server_app.Plan`).
        faces: Folder of `holding.hold` with the clients' faces.
        clients: How many.
        tell: Called with each round (`watching.Round`) as soon as its training is over.
        drops: Pairs of client and round: there the client breaks off.
        strategy: Another one of Flower's in place of the plan's.
        mods: Flower's mods round each client.

    Returns:
        Where the run stands at the end (`server_app.Standing`).

    Raises:
        MissingExtraError: Flower is not installed.
        DataError: The run's folder holds another run, or one of more rounds.
        RuntimeError: The simulation failed.
    """
    require_flower()
    from flwr.simulation import run_simulation

    from ferce_agent.training.federated.client_app import client_app
    from ferce_agent.training.federated.server_app import server_app, standing_of

    plan = replace(plan, clients=clients)
    cores = min(os.cpu_count() or 1, clients)
    config = {
        "init_args": {"num_cpus": cores, "include_dashboard": False},
        "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
    }
    done = len(standing_of(plan).rounds)
    if done > plan.rounds:
        hint = f"Give --rounds {done} or more, or another --out."
        raise DataError(f"{plan.out} holds a run of {done} rounds.", hint=hint)
    if done < plan.rounds:
        with warnings.catch_warnings(), _without_advice():
            warnings.simplefilter("ignore")
            run_simulation(
                server_app(plan, tell, strategy),
                client_app(str(faces.resolve()), drops, mods),
                clients,
                backend_config=config,
            )
        _stop_ray()
    return standing_of(plan)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Leave out of Flower's log that `flwr run` is to be used instead: users of the command cannot act on it."""

    def wanted(record: logging.LogRecord) -> bool:
        return "DEPRECATED" not in record.getMessage()

    logger = logging.getLogger("flwr")
    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)


def _stop_ray() -> None:
    import ray

    with contextlib.suppress(Exception):
        ray.shutdown()
