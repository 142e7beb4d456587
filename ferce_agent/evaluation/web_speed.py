"""How quickly the server of the local page reads a camera, measured from outside over its WebSocket.

The server runs as `ferce web` in a process of its own. A client sends an acted film as a browser would: JPEGs of
640x480, 30 a second, at most two of them unanswered. The delay is from sending a picture to what it shows.
"""

from __future__ import annotations

import json
import os
import queue
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, MissingExtraError
from ferce_agent.evaluation.clips.morphs import Acted, Actor, Warp, show, warp_field
from ferce_agent.evaluation.clips.speed import KEPT, RATE, ClipSpeedRow, pictures_of, there_and_back
from ferce_agent.evaluation.speed import demo_photo, usual_environment
from ferce_agent.graphs.engines import default_engines

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

GOAL_RATE: Final = 15.0
"""Least pictures that are read a second."""
GOAL_MS: Final = 150.0
"""Most milliseconds from sending a picture to what it shows, on the median."""
IN_FLIGHT: Final = 2
"""Pictures that are sent without an answer at most, as by the page."""
QUALITY: Final = 80
"""Quality of the JPEGs."""
STARTING_S: Final = 60.0
"""Seconds that the server may take to start, and to answer at the end."""
STEADY_S: Final = 1.0
"""What is measured in the first seconds, while models load, does not count."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        port: Where it listens.
        token: What it wants to be sent.
        pid: Its process.
    """

    port: int
    token: str
    pid: int

    def cpu_s(self) -> float | None:
        """Return the seconds of CPU time that it has used; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class LiveMeasured:
    """What a client of a live reading saw.

    Attributes:
        sent: When each picture was sent, by its number.
        answered: When what it shows came, by its number.
        named: What was named of the largest face, one after another.
        cpu: CPU seconds of the server a second; None where the system does not tell.
    """

    sent: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    cpu: float | None = None

    def delays_ms(self) -> list[float]:
        """Return the delays of the pictures that were read after the first moment, in milliseconds."""
        return [
            (at - self.sent[number]) * 1000 for number, at in self.answered.items() if number >= STEADY_S * RATE
        ] or [float("nan")]

    def rate(self) -> float:
        """Return how many pictures were read a second, after the first moment."""
        times = [at for number, at in self.answered.items() if number >= STEADY_S * RATE]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def measure_web_server(*, seconds: float = 20.0, faces: int = 1) -> list[ClipSpeedRow]:
    """Start the server, send it a film for so long, and return what came of it.

    Args:
        seconds: How long.
        faces: Faces in the film, 1 or 3.

    Raises:
        MissingExtraError: The extra ``web`` is not installed.
        EngineError: The server did not start, or broke off.
    """
    film = acted_film(faces)
    with served() as server:
        measured = sent_film(server, film, seconds)
    return rows_of(measured, faces)


def rows_of(measured: LiveMeasured, faces: int) -> list[ClipSpeedRow]:
    """Return the measurements as rows of a table."""
    name = f"server, {'one face' if faces == 1 else f'{faces} faces'}"
    delays = measured.delays_ms()
    middle, worst = statistics.median(delays), float(np.percentile(delays, 95))
    rate = round(measured.rate(), 1)
    rows = [
        ClipSpeedRow(f"{name}: pictures read", rate, rate, "frames/s", GOAL_RATE),
        ClipSpeedRow(f"{name}: sent to shown", round(middle, 1), round(worst, 1), "ms", GOAL_MS),
    ]
    if measured.cpu is not None:
        cpu = round(measured.cpu, 2)
        rows.append(ClipSpeedRow(f"{name}: CPU seconds a second", cpu, cpu, "s", None))
    return rows


def acted_film(faces: int = 1) -> list[bytes]:
    """Return a film that may be shown there and back again: a smile that goes and comes, as JPEGs of 640x480."""
    photo = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    (face, *_) = default_engines().pipeline.detector.look(photo, 480)
    actor, acted = Actor(photo, face.landmarks), Acted("sadness", 0.8, 0.4, 0.8, 0.4)
    warp = warp_field(actor, acted.expression)

    def at(number: int) -> NDArray[np.uint8]:
        return show(actor, Warp(warp, acted.expression, 1.5 * acted.blend(number / RATE)))

    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    return [cv2.imencode(".jpg", pixels, options)[1].tobytes() for pixels in pictures_of(faces, KEPT, photo_at=at)]


@contextmanager
def served() -> Iterator[Served]:
    """Run `ferce web` on a free port while the block lasts.

    Raises:
        EngineError: It does not start.
    """
    command = [sys.executable, "-m", "ferce_agent", "web", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=usual_environment()
    ) as process:
        try:
            assert process.stdout is not None
            address = _first_line(process.stdout)
            base, _, token = address.partition("/#token=")
            if not token:
                raise EngineError("The server did not start.", hint="Try it by itself: ferce web")
            yield Served(int(base.rpartition(":")[2]), token, process.pid)
        finally:
            process.terminate()


def _first_line(stream: Any) -> str:
    """Return the first line of a stream; empty where none comes in time."""
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(stream.readline()), daemon=True).start()
    try:
        return lines.get(timeout=STARTING_S).strip()
    except queue.Empty:
        return ""


def sent_film(server: Served, film: list[bytes], seconds: float) -> LiveMeasured:
    """Send a film for so long and return what came back.

    Raises:
        MissingExtraError: The extra ``web`` is not installed.
        EngineError: The server broke off.
    """
    try:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol
    except ImportError as error:
        raise MissingExtraError("websockets", "web") from error
    protocols = [Subprotocol("ferce.live.1"), Subprotocol(f"token.{server.token}")]
    url = f"ws://127.0.0.1:{server.port}/api/live"
    try:
        with connect(url, subprotocols=protocols, max_size=None, compression=None, proxy=None) as client:
            client.send('{"kind": "start"}')
            client.recv(timeout=STARTING_S)
            return _Exchange(client, film, server).run(seconds)
    except (OSError, WebSocketException) as error:
        raise EngineError(f"The server broke off: {error}.", hint="Try it by itself: ferce web") from error


class _Exchange:
    """Pictures go out in this thread; what they show comes in in another one."""

    def __init__(self, client: ClientConnection, film: list[bytes], server: Served) -> None:
        self._client, self._film, self._server = client, film, server
        self._measured = LiveMeasured()
        self._open: set[int] = set()
        self._guard = threading.Lock()

    def run(self, seconds: float) -> LiveMeasured:
        listening = threading.Thread(target=self._listen, name="ferce-bench-live", daemon=True)
        listening.start()
        began, used = time.perf_counter(), None
        for number in range(round(seconds * RATE)):
            time.sleep(max(began + number / RATE - time.perf_counter(), 0))
            if number == round(STEADY_S * RATE):
                used = time.perf_counter(), self._server.cpu_s()
            self._send(number)
        self._measured.cpu = cpu_share(used, (time.perf_counter(), self._server.cpu_s()))
        self._client.send('{"kind": "stop"}')
        listening.join(STARTING_S)
        return self._measured

    def _send(self, number: int) -> None:
        """Send a picture, unless two are still to be answered."""
        with self._guard:
            if len(self._open) >= IN_FLIGHT:
                return
            self._open.add(number)
            self._measured.sent[number] = time.perf_counter()
        jpeg = self._film[there_and_back(number)]
        self._client.send(struct.pack("<d", number * 1000 / RATE) + jpeg)

    def _listen(self) -> None:
        for message in self._client:
            event = json.loads(message)
            if event["event"] == "live":
                self._shown(round(event["time_s"] * RATE), event)

    def _shown(self, number: int, event: dict[str, Any]) -> None:
        with self._guard:
            self._measured.answered[number] = time.perf_counter()
            self._open = {one for one in self._open if one > number}
        shown = event["faces"][0]["expression"] or "unsure" if event["faces"] else "nobody"
        if self._measured.named[-1:] != [shown]:
            self._measured.named.append(shown)


def cpu_share(before: tuple[float, float | None] | None, after: tuple[float, float | None]) -> float | None:
    """Return CPU seconds a second between two points in time; None where the system does not tell."""
    if before is None or before[1] is None or after[1] is None:
        return None
    return (after[1] - before[1]) / (after[0] - before[0])
