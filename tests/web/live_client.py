"""A client of the live readings, and films for it."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ferce_agent.evaluation.clips.morphs import Acted, Acting, Actor
from ferce_agent.graphs.engines import default_engines
from ferce_agent.web.listening import bound_socket
from ferce_agent.web.serving import server_of
from ferce_agent.web.site import Site


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """Serve a site in a thread of its own, on a free port."""
    with bound_socket("127.0.0.1", 0) as listening:
        site.port = listening.getsockname()[1]
        server = server_of(site)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield site
        finally:
            server.should_exit = True
            thread.join(30)


def connected(site: Site, token: str | None = None, **chosen: Any) -> ClientConnection:
    protocols: Any = ["ferce.live.1", f"token.{token or site.token}"]
    client: ClientConnection = connect(
        f"ws://127.0.0.1:{site.port}/api/live", subprotocols=protocols, max_size=2**24, proxy=None, **chosen
    )
    return client


def started(site: Site, use: dict[str, Any] | None = None) -> ClientConnection:
    """Open a reading, and wait until the server says that it reads."""
    client = connected(site)
    client.send(json.dumps({"kind": "start"} if use is None else {"kind": "start", "use": use}))
    event = told(client)
    assert event == {"event": "ready"}, event
    return client


def told(client: ClientConnection, timeout: float = 30.0) -> dict[str, Any]:
    """Return the next message."""
    event: dict[str, Any] = json.loads(client.recv(timeout=timeout))
    return event


def rest(client: ClientConnection) -> list[dict[str, Any]]:
    """Return all messages until the server hangs up, well or with an error."""
    found: list[dict[str, Any]] = []
    with suppress(ConnectionClosed):
        while True:
            found.append(told(client))
    return found


def frame(jpeg: bytes, seconds: float) -> bytes:
    return struct.pack("<d", seconds * 1000) + jpeg


def encoded(pixels: NDArray[np.uint8], quality: int = 85) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@cache
def smile_film(rate: int = 30, seconds: float = 3.0, smiles_s: float = 1.2) -> tuple[tuple[float, bytes], ...]:
    """JPEGs of 640x480 with their times: the portrait of Grace Hopper, who begins to smile at a time."""
    matplotlib: Any = pytest.importorskip("matplotlib")
    photo = np.asarray(cv2.imread(str(Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg"))), np.uint8)
    height, width = photo.shape[:2]
    move = np.array([[480 / height, 0, 320 - width * 240 / height], [0, 480 / height, 0]])
    pixels = np.asarray(cv2.warpAffine(photo, move, (640, 480), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    (face,) = default_engines().pipeline.detector.look(pixels, 480)
    acting = Acting(Actor(pixels, face.landmarks), (Acted("happiness", smiles_s, 0.3, 60.0, 0.3),))
    times = np.arange(round(seconds * rate)) / rate
    frames = acting.frames(times, np.random.default_rng(1))
    return tuple((one.time, encoded(one.pixels)) for one in frames)


def quiet(seconds: float, size: tuple[int, int] = (64, 48)) -> bytes:
    """A message with a picture without a face."""
    return frame(encoded(np.full((size[1], size[0], 3), 110, np.uint8)), seconds)
