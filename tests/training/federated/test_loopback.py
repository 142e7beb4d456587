"""The federation as real processes, by `flwr run`; in an environment with the extra `federated`."""

import socket
from pathlib import Path

import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.federated.holding import hold
from ferce_agent.training.federated.loopback import compared, federation, free_ports, table
from ferce_agent.training.federated.partition import divide
from tests.training.federated.makers import made_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


def _left(place: Path) -> list[str]:
    """Return the command lines of processes that were started with Flower's folder below a place."""
    mark, found = f"FLWR_HOME={place.resolve()}".encode(), []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (one / "environ").read_bytes():
                found.append((one / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_processes_give_what_the_simulation_gives_and_none_is_left(tmp_path: Path) -> None:
    pytest.importorskip("flwr")
    from ferce_agent.training.federated.server_app import Plan

    train, valid = made_faces(300, 1), made_faces(100, 2)
    faces = tmp_path / "faces"
    hold(faces, train, valid, divide(train, valid, "even", 2, 3))
    valid.save(faces / "valid.npz")
    plan = Plan("fedavg", 1, seed=7, least=2, out=tmp_path / "out", valid=faces / "valid.npz", clients=2)
    simulated, real = compared(faces, plan, lose=False)
    assert (real.apart, real.accuracy) == (0.0, simulated.accuracy)
    assert (real.answered, real.lost) == ((2,), (0,))
    assert (real.sent, real.received) == (simulated.sent, simulated.received)
    assert "| processes |" in table([real])
    assert not _left(tmp_path)
    with pytest.raises(DataError, match="already"):
        compared(faces, plan)


def test_an_error_leaves_no_process(tmp_path: Path) -> None:
    pytest.importorskip("flwr")
    with pytest.raises(KeyboardInterrupt), federation(tmp_path, 2, tmp_path / "made") as made:
        assert len(_left(tmp_path)) >= 3
        assert made.link.poll() is None
        raise KeyboardInterrupt
    assert not _left(tmp_path)


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))
