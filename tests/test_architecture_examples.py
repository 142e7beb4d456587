"""The examples of ARCHITECTURE.md, run as they stand there."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.inputs.frames import Frame
from tests.clips.moving import film, head_of

ROOT = Path(__file__).parents[1]
JPEG = b"\xff\xd8\xff"


def examples() -> dict[str, str]:
    """Return the code of the page by what it is an example of: the first bold words before it."""
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    return dict(re.findall(r"^\*\*(A [^*]+)\*\*[^`]*(?:`[^`]+`[^`]*)*?\n```python\n(.*?)^```", page, re.S | re.M))


def run(name: str, **known: Any) -> dict[str, Any]:
    """Run an example and return its names."""
    names: dict[str, Any] = {"__name__": "example", **known}
    exec(compile(examples()[name], name, "exec"), names)
    return names


@pytest.fixture
def frames(pixels: NDArray[np.uint8]) -> list[Frame]:
    """One face at three times, the second time mirrored."""
    return [Frame(pixels, 0.0), Frame(pixels[:, ::-1], 0.2), Frame(pixels, 0.6)]


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes a picture and a prompt, and answers in words; and what it was sent."""
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = b"<think>Seen: lip corners pulled up.</think><answer>happiness</answer>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/", sent
        serving.shutdown()


def test_there_is_one_example_of_each() -> None:
    assert list(examples()) == ["A vision-language model", "A signal over time", "A scenario"]
    for name, code in examples().items():
        assert len([line for line in code.splitlines() if line and not line.startswith(("import ", "from "))]) <= 10, (
            name
        )


def test_a_vision_language_model(photo: Path, server: tuple[str, list[bytes]]) -> None:
    address, sent = server
    (person,) = run("A vision-language model", photo=photo, address=address)["report"].people
    assert person.vlm.primary == "happiness"
    assert {cue.action_unit: cue.status for cue in person.vlm.cues}["AU12"] == "supported"
    (body,) = sent
    assert JPEG in body and b'name="prompt"' in body


def test_a_signal_over_time(frames: list[Frame]) -> None:
    found = run("A signal over time", frames=frames)
    assert [one.time for one in found["samples"]] == [0.0, 0.2, 0.6]
    raw = [found["brow_raise"](one) for one in found["largest"]]
    assert all(value is not None and 0 <= value <= 1 for value in raw)
    first, second, _ = (one.value for one in found["samples"])
    assert first == raw[0] and second == pytest.approx(raw[1] + exp(-0.2 / 0.3) * (raw[0] - raw[1]))


def test_a_scenario(pixels: NDArray[np.uint8]) -> None:
    found = run("A scenario", frames=list(film(head_of(pixels), 1.0)))
    findings = found["findings"]
    assert findings.sources[0].people == 1 and findings.indicators
    assert "driver-not-certified" in found["decision"].rules
