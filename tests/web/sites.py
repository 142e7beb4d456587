"""A site with its application as tests use it: without a socket, and as the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.app import create_app
from ferce_agent.web.site import Site

TOKEN = "t0ken-of-the-tests"
ADDRESS = "http://127.0.0.1:8765"
MAY = {"Authorization": f"Bearer {TOKEN}"}


def site_of(engines: Engines, **options: Any) -> Site:
    return Site(engines, token=TOKEN, **options)


def client_for(site: Site, **options: Any) -> TestClient:
    """A client that has the token, as the page has it."""
    return TestClient(create_app(site), base_url=ADDRESS, headers=MAY, **options)


def body(data: bytes, **told: Any) -> bytes:
    return json.dumps(told).encode() + b"\n" + data


@contextmanager
def command(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run `ferce web` on a free port and yield the process, its address without the token, and the token."""
    arguments = [sys.executable, "-m", "ferce_agent.cli", "web", *options]
    if "--port" not in options:
        arguments += ["--port", "0"]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, **streams, env={**os.environ, **variables}) as process:
        try:
            assert process.stdout is not None
            address, _, token = process.stdout.readline().strip().partition("/#token=")
            yield process, address, token
        finally:
            process.kill()
