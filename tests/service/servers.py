"""A served service, and readers whose work a test lets through."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from ferce_agent.graphs.engines import Engines
from ferce_agent.service.answers import Answer
from ferce_agent.service.readers import OwnThreads, PhotoJob
from ferce_agent.service.service import Service
from ferce_agent.service.serving import DrainingServer, server_of
from ferce_agent.web.listening import bound_socket


class HeldReaders(OwnThreads):
    """Reads as always, but only when the test says so; tells when a group has come."""

    def __init__(self, engines: Engines) -> None:
        super().__init__(engines, side_by_side=1)
        self.groups: list[int] = []
        self.came, self.go_on = threading.Event(), threading.Event()

    async def read(self, jobs: Sequence[PhotoJob]) -> list[Answer]:
        self.groups.append(len(jobs))
        self.came.set()
        await asyncio.to_thread(self.go_on.wait, 60)
        return await super().read(jobs)


@dataclass(eq=False)
class Served:
    service: Service
    server: DrainingServer
    thread: threading.Thread
    address: str

    def client(self, **chosen: object) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, **chosen)  # type: ignore[arg-type]


@contextmanager
def served(service: Service) -> Iterator[Served]:
    """Serve in a thread of its own, on a free port, until the block ends."""
    with bound_socket("127.0.0.1", 0) as listening:
        server = server_of(service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            yield Served(service, server, thread, address)
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


def port_is_closed(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as trying:
        return trying.connect_ex((host, int(port))) != 0


def until(true: Callable[[], bool], pause_s: float = 0.005) -> None:
    """Wait until something is so; a test that waits for ever ends by its timeout."""
    tick = threading.Event()
    while not true():
        tick.wait(pause_s)
