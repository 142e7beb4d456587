"""The federation as real processes on this machine: a SuperLink and SuperNodes of Flower's, and the app by `flwr run`.

`python -m ferce_agent.training.federated.loopback --data DIR` runs it beside the simulation, then once more with a node
that is killed in the middle, and prints what came of each. It needs the extra `federated`. All listen on 127.0.0.1;
Flower's own folder, its settings and its logs lie in a folder of the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.training.federated.ferplus_clients import divide_among, options, read_ferplus
from ferce_agent.training.federated.flower import require_flower
from ferce_agent.views.saving import write_whole

if TYPE_CHECKING:
    from ferce_agent.training.federated.server_app import Plan

APP: Final = Path(__file__).parent / "flower_app"
"""The app that `flwr run` packs."""
HOST: Final = "127.0.0.1"
LOOK: Final = 0.2
"""Seconds between two looks at processes and files."""
PATIENCE: Final = 300.0
"""Seconds without a new round after which a run is given up; Flower notices a lost node within a minute or two."""
GRACE: Final = 10.0
"""Seconds that processes get to stop before they are killed."""
FEWEST, MOST = 2, 10
"""Clients: each message starts a process at each of them."""


@dataclass(slots=True)
class Federation:
    """Running processes.

    Attributes:
        place: Folder with Flower's settings and the processes' logs.
        environment: Of the processes.
        link: The SuperLink.
        nodes: The SuperNodes, by number of the client.
    """

    place: Path
    environment: dict[str, str]
    link: subprocess.Popen[bytes]
    nodes: list[subprocess.Popen[bytes]]

    def lose(self, client: int) -> None:
        """Kill a node with all its processes, as where a machine goes off."""
        _signal(self.nodes[client], signal.SIGKILL)
        self.nodes[client].wait()


@contextlib.contextmanager
def federation(faces: Path, clients: int, place: Path) -> Iterator[Federation]:
    """Start a SuperLink and a SuperNode a client; all are stopped at the end, whatever happens.

    Args:
        faces: Folder of `holding.hold` with the clients' faces.
        clients: How many.
        place: Folder for Flower's settings and the logs.

    Raises:
        DataError: A process did not start.
    """
    (place / "home").mkdir(parents=True, exist_ok=True)
    first, *others = free_ports(clients + 1)
    environment = _environment(place / "home", first)
    with contextlib.ExitStack() as running:
        running.callback(_stop_rest, place / "home")

        def begin(name: str, *words: str) -> subprocess.Popen[bytes]:
            started = _started(words, place / f"{name}.log", environment)
            running.callback(_stop, started)
            return started

        listens = ("--insecure", "--host", HOST, "--port")
        link = begin("link", "flower-superlink", *listens, str(first), "--disable-runtime-dependency-installation")
        _wait_for(link, first, place / "link.log")
        nodes = []
        for client, port in enumerate(others):
            told = f"partition-id={client} num-partitions={clients} faces={json.dumps(str(faces.resolve()))}"
            words = ("--superlink", f"{HOST}:{first}", "--node-config", told)
            nodes.append(begin(f"node-{client}", "flower-supernode", *listens, str(port), *words))
        yield Federation(place, environment, link, nodes)


def run_app(made: Federation, plan: Plan, watch: Callable[[int], None] = lambda _: None) -> Any:
    """Send the app to the SuperLink with `flwr run`, and wait until it has done the plan's rounds.

    Args:
        made: Running processes.
        plan: The run; its folder is the server's.
        watch: Called with the number of rounds that are done, whenever it has grown.

    Returns:
        Where the run stands at the end (`server_app.Standing`).

    Raises:
        DataError: The run stopped before, or no round came for `PATIENCE` seconds.
    """
    from ferce_agent.training.federated.server_app import standing_of

    log = made.place / "run.log"
    words = ("flwr", "run", str(APP), "loopback", "--stream", "--run-config", config_words(plan))
    sender = _started(words, log, made.environment)
    try:
        done, since = 0, time.monotonic()
        while done < plan.rounds:
            now = len(standing_of(plan).rounds)
            if now > done:
                done, since = now, time.monotonic()
                watch(done)
            elif sender.poll() is not None or time.monotonic() - since > PATIENCE:
                done = len(standing_of(plan).rounds)
                break
            else:
                time.sleep(LOOK)
    finally:
        _stop(sender)
    if done < plan.rounds:
        raise DataError(f"The federation stopped after {done} of {plan.rounds} rounds.", hint=f"Its log: {log}")
    return standing_of(plan)


def config_words(plan: Plan) -> str:
    """Return a plan in the words of `flwr run --run-config`."""
    paths = {"out": plan.out.resolve(), "valid": plan.valid.resolve() if plan.valid else ""}
    told: dict[str, Any] = {
        **{"strategy": plan.strategy, "aggregate": plan.aggregate, "most-faces": plan.most_faces},
        **{"rounds": plan.rounds, "clients": plan.clients, "least": plan.least, "seed": plan.seed},
        **{name: str(value) for name, value in paths.items()},
    }
    return " ".join(f"{name}={json.dumps(value)}" for name, value in told.items())


def free_ports(count: int) -> list[int]:
    """Return ports of this machine on which nothing listens now."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _environment(home: Path, port: int) -> dict[str, str]:
    """Return the environment of Flower's processes, and write its settings; nothing of the user's is touched."""
    told = f'[superlink]\ndefault = "loopback"\n\n[superlink.loopback]\naddress = "{HOST}:{port}"\ninsecure = true\n'
    write_whole(home / "config.toml", told)
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "FLWR_HOME": str(home.resolve()),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
    }


def _started(words: Sequence[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a program of Flower's in a group of its own, so that what it starts can be stopped with it."""
    program = Path(sys.executable).parent / words[0]
    with log.open("wb") as file:
        return subprocess.Popen(
            [str(program), *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(LOOK)
    raise DataError("Flower's SuperLink did not start.", hint=f"Its log: {log}")


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a process and all that it started, and return whether there was one."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and all that it started."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal(process, signal.SIGKILL)
    process.wait()


def _stop_rest(home: Path) -> None:
    """Wait for what Flower started in sessions of its own, which looks every second or so whether its parent lives.

    On Linux, where a process's environment tells whose it is, it is killed if it does not end.
    """
    mark, end = f"FLWR_HOME={home.resolve()}".encode(), time.monotonic() + GRACE
    while left := _with_environment(mark):
        if time.monotonic() > end:
            for one in left:
                with contextlib.suppress(OSError):
                    os.kill(one, signal.SIGKILL)
        time.sleep(LOOK)


def _with_environment(mark: bytes) -> list[int]:
    """Return processes of this user whose environment holds a value; ones that have ended have none."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (one / "environ").read_bytes().split(b"\0"):
                found.append(int(one.name))
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way of running the same plan.

    Attributes:
        name: Of the way.
        accuracy: Of the common head on the server's faces after the last round, 0..1.
        apart: Largest difference of a number of the head from the simulation's.
        sent: Bytes that the server sent, over all rounds.
        received: Bytes that came back.
        answered: Clients that gave a usable answer, by round.
        lost: Clients that gave none though they were asked, by round.
        seconds: The run took, with the start of the processes.
    """

    name: str
    accuracy: float | None
    apart: float
    sent: int
    received: int
    answered: tuple[int, ...]
    lost: tuple[int, ...]
    seconds: float


def compared(faces: Path, plan: Plan, lose: bool = True) -> list[Outcome]:
    """Run a plan in the simulation, as processes, and as processes of which one is killed after the first round.

    Args:
        faces: Folder of `holding.hold` with the clients' faces.
        plan: The run; each way has a folder in its own.
        lose: Whether to run the last way, too.

    Raises:
        DataError: A run stopped before its end, or the folder holds one already.
        MissingExtraError: Flower is not installed.
    """
    from ferce_agent.training.federated.server_app import CHECKPOINT
    from ferce_agent.training.federated.simulation import simulate

    ways = (("processes", None), ("processes, one killed", plan.clients - 1))[: 1 + lose]
    places = [plan.out / name.replace(", ", "-").replace(" ", "-") for name, _ in ways]
    if any((place / CHECKPOINT).exists() for place in places):
        raise DataError(f"{plan.out} holds a run already.", hint="Give another --out.")
    begun = time.monotonic()
    simulated = simulate(replace(plan, out=plan.out / "simulated"), faces, plan.clients, lambda _: None)
    found = [_outcome("simulation", simulated, simulated, begun)]
    for (name, last), out in zip(ways, places, strict=True):
        begun = time.monotonic()
        with federation(faces, plan.clients, out) as made:

            def watch(done: int, made: Federation = made, last: int | None = last) -> None:
                if done == 1 and last is not None:
                    made.lose(last)

            standing = run_app(made, replace(plan, out=out), watch)
        found.append(_outcome(name, standing, simulated, begun))
    return found


def _outcome(name: str, standing: Any, simulated: Any, begun: float) -> Outcome:
    seconds = time.monotonic() - begun
    apart = max(float(np.abs(standing.arrays[key] - value).max()) for key, value in simulated.arrays.items())
    told = standing.rounds
    moved = sum(one.sent for one in told), sum(one.received for one in told)
    came = tuple(one.answered for one in told), tuple(one.lost for one in told)
    return Outcome(name, told[-1].everywhere, apart, *moved, *came, seconds)


def table(found: Sequence[Outcome]) -> str:
    """Return outcomes as Markdown."""
    lines = [
        "| run as | accuracy | apart | kB sent | kB received | answered, by round | lost | seconds |",
        "|---|--:|--:|--:|--:|---|--:|--:|",
    ]
    for one in found:
        told = "–" if one.accuracy is None else f"{one.accuracy:.4f}"
        moved = f"{one.sent / 1e3:.0f} | {one.received / 1e3:.0f}"
        came = " ".join(map(str, one.answered))
        lines.append(
            f"| {one.name} | {told} | {one.apart:.1e} | {moved} | {came} | {sum(one.lost)} | {one.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def main(words: Sequence[str]) -> str:
    """Return the table for a command line.

    Raises:
        FerceError: Data or a value cannot be used, a run stopped, or Flower is not installed.
    """
    parser = options(__doc__, split="dirichlet:0.3", rounds=3, out="loopback")
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args(words)
    require_flower()
    if not FEWEST <= given.clients <= MOST or given.rounds < 1:
        raise SettingsError(f"Give {FEWEST} to {MOST} clients and a round or more.", hint="--clients 4 --rounds 3")
    from ferce_agent.training.federated.server_app import Plan

    made = divide_among(*read_ferplus(given.data, given.out), given.out, given.split, given.clients, given.seed)
    least = max(1, given.clients // 2)
    plan = Plan("fedavg", given.rounds, seed=given.seed, least=least, out=given.out, clients=given.clients)
    text = table(compared(made.faces, replace(plan, valid=made.judged)))
    write_whole(given.out / "loopback.md", text)
    return text


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that processes are stopped then, too
    sys.stdout.write(main(sys.argv[1:]))
