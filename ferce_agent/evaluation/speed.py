"""`ferce bench speed`: where the time of one report goes, what imports cost, how much memory is used."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.errors import EngineError
from ferce_agent.images import load_picture

GOALS: Final = {
    "whole report": 25.0,
    "graph overhead": 2.0,
    "import ferce_agent": 200.0,
    "ferce --help": 500.0,
}
"""Goals in milliseconds on two cores."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        name: What was measured.
        unit: ``ms`` or ``MB``.
        median: Median over the runs.
        high: 95th percentile over the runs.
        goal: What it should not exceed; None if there is no goal.
    """

    name: str
    unit: str
    median: float
    high: float
    goal: float | None

    def as_dict(self) -> dict[str, str | float | None]:
        """Return plain data."""
        return asdict(self)


def demo_photo() -> Path:
    """Return the path of the public-domain photo that comes with the package."""
    return Path(str(resources.files("ferce_agent.evaluation"))) / "photos" / "astronaut.jpg"


def vga_photo() -> bytes:
    """Return the demo photo as a 640x480 JPEG with one face."""
    pixels = cv2.imread(str(demo_photo()))
    if pixels is None:
        raise EngineError("The demo photo is missing.", hint="Reinstall ferce-agent.")
    wide = cv2.resize(np.asarray(pixels, np.uint8), (640, 640), interpolation=cv2.INTER_AREA)[:480]
    return cv2.imencode(".jpg", wide, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def measure_speed(runs: int, photo: Path | None = None) -> list[Row]:
    """Time `runs` reports on one photo after warm-up, then imports in fresh processes.

    Raises:
        InputError: The photo cannot be used.
    """
    source = vga_photo() if photo is None else load_picture(photo) and photo.read_bytes()
    for _ in range(5):
        analyze_expression(source)
    stages: dict[str, list[float]] = {}
    totals, overheads = [], []
    for _ in range(runs):
        began = time.perf_counter()
        report = analyze_expression(source)
        total = (time.perf_counter() - began) * 1000
        timings = report.provenance.timings_ms
        for stage, elapsed in timings.items():
            stages.setdefault(stage, []).append(elapsed)
        totals.append(total)
        overheads.append(total - sum(timings.values()))
    rows = [_row(name, values) for name, values in stages.items()]
    rows += [_row("whole report", totals), _row("graph overhead", overheads)]
    rows += [_row("specialist, batch of 64, per face", batch_times())]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, *start_up_rows(), Row("peak memory", "MB", memory, memory, None)]


def _row(name: str, values: list[float]) -> Row:
    return Row(name, "ms", statistics.median(values), float(np.percentile(values, 95)), GOALS.get(name))


def batch_times(rounds: int = 5) -> list[float]:
    """Return milliseconds per face of the specialist on batches of 64 crops."""
    from ferce_agent.engine import default_engines

    crops: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (64, 44, 44), np.uint8)
    specialist = default_engines().specialist
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        specialist.perceive(crops)
        times.append((time.perf_counter() - began) * 1000 / len(crops))
    return times


def start_up_rows(rounds: int = 5) -> list[Row]:
    """Time fresh processes; the bare interpreter's own start is taken off."""
    bare = statistics.median(process_time(["-c", "pass"]) for _ in range(rounds))
    rows = []
    for name, arguments in (
        ("import ferce_agent", ["-c", "import ferce_agent"]),
        ("import the workflow", ["-c", "import ferce_agent.api"]),
    ):
        rows.append(_row(name, [max(process_time(arguments) - bare, 0.0) for _ in range(rounds)]))
    rows.append(_row("ferce --help", [process_time(["-m", "ferce_agent.cli", "--help"]) for _ in range(rounds)]))
    return rows


def process_time(arguments: list[str]) -> float:
    """Return the wall-clock milliseconds of one run of this Python."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def to_table(rows: list[Row]) -> str:
    """Return the measurements as a Markdown table."""
    lines = ["| what | median | 95 % | goal |", "|---|---:|---:|---:|"]
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:g} {row.unit}"
        lines.append(f"| {row.name} | {row.median:.2f} {row.unit} | {row.high:.2f} {row.unit} | {goal} |")
    return "\n".join(lines)
