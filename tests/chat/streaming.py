"""A server on loopback that speaks OpenAI's protocol of chat models and streams its answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

WAIT_S: Final = 60.0
"""Longest time that the server waits for anything."""


@dataclass
class Stream:
    """What the server does, and what it was asked.

    Attributes:
        pieces: What it says, piece by piece; "<wait>" stays silent until `go_on` is set or the client hangs up, "<cut>"
            breaks the connection off. Where it is offered a tool, it says "Let me look." and calls none.
        status: Status of the answers.
        asked: The requests.
        waiting: Set once it is silent.
        gone: Set once it notices that a client hung up.
        go_on: Ends a silence.
    """

    pieces: tuple[str, ...] = ("You", " seem", " fine.")
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


def part(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(data)}\n\n".encode()


@contextmanager
def streaming_server(stream: Stream) -> Iterator[str]:
    """Run the server and yield its base address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stream.asked.append(body)
            try:
                self._answer(bool(body.get("tools")))
            except (BrokenPipeError, ConnectionResetError):
                stream.gone.set()

        def _answer(self, offered: bool) -> None:
            self.send_response(stream.status)
            self.send_header("Content-Type", "text/event-stream" if stream.status == 200 else "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if stream.status != 200:
                self._write(b'{"error": {"message": "no"}}')
                self._write(b"")
                return
            for piece in ("Let", " me", " look.") if offered else stream.pieces:
                if piece == "<wait>":
                    self._wait()
                elif piece == "<cut>":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                else:
                    self._write(part({"role": "assistant", "content": piece}))
            self._write(part({}, "stop") + b"data: [DONE]\n\n")
            self._write(b"")

        def _write(self, data: bytes) -> None:
            """Send a chunk; an empty one is the last."""
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _wait(self) -> None:
            """Stay silent; a comment line now and then finds out whether the client is still there."""
            stream.waiting.set()
            for _ in range(int(WAIT_S / 0.05)):
                if stream.go_on.wait(0.05):
                    return
                self._write(b": waiting\n\n")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        stream.go_on.set()
        server.shutdown()
        server.server_close()
