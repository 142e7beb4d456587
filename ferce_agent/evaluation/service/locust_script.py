"""What locust runs: requests at fixed times, whatever becomes of those before; imports nothing of this package.

The file named by ``FERCE_LOAD_PLAN`` says what is sent and when (see `load.drive`). Each request becomes one line of
JSON in the file that it names: number, kind, milliseconds from when it was due to its answer, status (0: none), and the
answer's text where the plan says that it is looked at.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Final

import gevent
from locust import constant, task
from locust.contrib.fasthttp import FastHttpUser

MOST_OPEN: Final = 4096
"""Connections that are open at most: beyond what any server of one machine takes."""


class Arrivals(FastHttpUser):  # type: ignore[misc]  # locust is not there where types are checked
    """Sends the plan's requests, each in a greenlet of its own at its own time."""

    wait_time = constant(0)
    concurrency = MOST_OPEN
    max_retries = 1  # locust counts the first try
    host = "http://plan"  # replaced by the plan's address

    def on_start(self) -> None:
        """Read the plan and the photos."""
        self.plan: dict[str, Any] = json.loads(Path(os.environ["FERCE_LOAD_PLAN"]).read_text("utf-8"))
        self.bodies = [Path(one["file"]).read_bytes() for one in self.plan["bodies"]]
        self.lines: list[str] = []

    @task  # type: ignore[untyped-decorator]
    def arrive(self) -> None:
        """Send all requests at their times, wait for the answers, write them down, and end locust."""
        cpu, began = time.process_time(), time.perf_counter()
        sent = []
        for number, body in enumerate(self.plan["sequence"]):
            due = began + number / self.plan["rate"]
            gevent.sleep(max(due - time.perf_counter(), 0))
            sent.append(gevent.spawn(self.send, number, body, due))
        gevent.joinall(sent)
        spent = {"cpu_s": time.process_time() - cpu, "seconds": time.perf_counter() - began}
        Path(self.plan["out"]).write_text("\n".join([*self.lines, json.dumps(spent)]) + "\n", "utf-8")
        self.environment.runner.quit()

    def send(self, number: int, body: int, due: float) -> None:
        """Send one request, and note what became of it."""
        kind = self.plan["bodies"][body]
        headers = {"Content-Type": kind["media_type"], **self.plan["headers"]}
        with self.client.post(
            self.plan["address"], data=self.bodies[body], headers=headers, catch_response=True
        ) as response:
            response.success()  # what is right is judged by whoever reads the lines
            status = response.status_code or 0
            text = response.text if kind["looked_at"] and status == kind["status"] else ""
        milliseconds = (time.perf_counter() - due) * 1000
        self.lines.append(json.dumps([number, body, milliseconds, status, text]))

    network_timeout = connection_timeout = float(os.environ.get("FERCE_LOAD_TIMEOUT", "60"))
