"""Servers on loopback: llama-cpp-python's own with a real model, and one that misbehaves in every way a server can."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SERVER = """
import runpy, llama_cpp
from ferce_agent.evaluation.vlm_speed import without_extra_buffers
with without_extra_buffers(llama_cpp):
    runpy.run_module("llama_cpp.server", run_name="__main__", alter_sys=True)
"""
"""The server as it is, but safe on CPUs with AMX, where its default build crashes."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def llama_server(model: Path, mmproj: Path, log: Path) -> Iterator[str]:
    """Run ``llama_cpp.server`` with a vision model and yield its base address."""
    port = free_port()
    command = [sys.executable, "-c", SERVER, "--model", str(model), "--clip_model_path", str(mmproj)]
    command += ["--chat_format", "llava-1-5", "--host", "127.0.0.1", "--port", str(port), "--n_ctx", "2048"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--n_threads", "2"], stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        for _ in range(500):
            try:
                urllib.request.urlopen(f"{url}/models", timeout=20).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(120)


def completion(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    body: dict[str, Any] = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    return json.dumps(body).encode()


class Trouble:
    """What the misbehaving server does, one entry of `plan` per question, the last one for ever.

    It keeps what it was asked. "slow" answers once `go_on` is set; `arrived` is released for each such question.
    """

    def __init__(self, *plan: str) -> None:
        self.plan = list(plan)
        self.asked: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.go_on, self.arrived = threading.Event(), threading.Semaphore(0)

    def next(self) -> str:
        with self.lock:
            return self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]

    def hold(self) -> None:
        """Keep a question until `go_on` is set, and count how many are kept at once."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.arrived.release()
        self.go_on.wait(120)
        with self.lock:
            self.at_once -= 1


@contextmanager
def bad_server(trouble: Trouble) -> Iterator[str]:
    """Run the misbehaving server and yield its base address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._send(
                200, b'{"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}'
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            trouble.asked.append(json.loads(body))
            with suppress(BrokenPipeError, ConnectionResetError):
                self._misbehave(trouble.next())

        def _misbehave(self, what: str) -> None:
            if what.isdigit():
                self._send(int(what), b'{"error": {"message": "no"}}', {"Retry-After": "0"})
            elif what.startswith("http://"):
                self._send(307, b"", {"Location": f"{what}/chat/completions"})
            elif what == "slow":
                trouble.hold()
                self._send(200, completion("<answer>happy</answer>"))
            elif what == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b'{"id": "1", "cho')
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
            elif what == "hang up":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif what == "garbage":
                self._send(200, b"\xff\xfe<html>teapot</html>\x00" * 50)
            elif what == "other json":
                self._send(200, b'{"choices": []}')
            else:
                self._send(200, completion(what))

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        trouble.go_on.set()
        server.shutdown()
        server.server_close()
