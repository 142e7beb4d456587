"""`ferce bench speed`: where the time of one report goes, what imports cost, how much memory is used."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_expression
from ferce_agent.context.composition import Findings, compose_report, detection_notes, source_of
from ferce_agent.context.restricted_report import notes_on
from ferce_agent.context.understanding import understand
from ferce_agent.errors import EngineError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FIRST_SIDE
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.findings import finished
from ferce_agent.inputs.frames import Frame
from ferce_agent.inputs.photo import load_picture
from ferce_agent.inputs.situation import read_situation
from ferce_agent.policy.use import read_use
from ferce_agent.report import EmotionReport
from ferce_agent.specialist.runner import Specialist

BARE: Final = "bare steps: JPEG decoded, YuNet at 320 pixels, int8 network"
READ: Final = "pipeline.read, with decoding"
NO_GRAPH: Final = "whole report without the graph"
WHOLE: Final = "whole report"
CROWD: Final = "whole report of 30 faces, 640x480 pixels"
LARGE_CROWD: Final = "whole report of 30 faces, 1280x960 pixels (searched closer, for there may be smaller faces)"
ONE_OF_THEM: Final = "whole report, beside those of 30 faces"
FIRST_REPORT: Final = (
    "from ferce_agent import analyze_expression; from ferce_agent.evaluation.speed import demo_photo; "
    "analyze_expression(demo_photo())"
)
GOALS: Final = {
    "whole report / bare steps": 1.5,
    "pipeline.read with decoding / bare steps": 1.25,
    "graph overhead": 1.5,
    "30 faces / one face": 10.0,
    "import ferce_agent": 200.0,
    "import ferce_agent.pipeline": 500.0,
    "first report of a new process": 2000.0,
    "ferce --help": 500.0,
    "specialist, int8, one thread: clear face (one look)": 4.0,
}
"""Goals on two cores, in the unit of the row."""


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
    return Path(str(resources.files("ferce_agent.evaluation"))) / "astronaut.jpg"


def vga_photo() -> bytes:
    """Return the demo photo as a 640x480 JPEG with one face."""
    pixels = cv2.imread(str(demo_photo()))
    if pixels is None:
        raise EngineError("The demo photo is missing.", hint="Reinstall ferce-agent.")
    wide = cv2.resize(np.asarray(pixels, np.uint8), (640, 640), interpolation=cv2.INTER_AREA)[:480]
    return cv2.imencode(".jpg", wide, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def crowd_photo(scale: int = 1) -> bytes:
    """Return 30 faces as one JPEG: the demo portrait in five rows, each a little different.

    Args:
        scale: 1 for 640x480 pixels, 2 for twice as many on each side.
    """
    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    rng = np.random.default_rng(0)
    tiles = []
    for _ in range(30):
        top, left = rng.integers(0, 20, 2)
        part = pixels[top : top + 288, 60 + left : 380 + left]
        tile = cv2.resize(part, (107 * scale, 96 * scale), interpolation=cv2.INTER_AREA)
        tiles.append(np.asarray(np.clip(tile * rng.uniform(0.8, 1.1), 0, 255), np.uint8))
    rows = [np.hstack(tiles[start : start + 6])[:, : 640 * scale] for start in range(0, 30, 6)]
    return cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def bare_steps(source: bytes, engines: Engines) -> None:
    """Do what a report cannot do without: decode the JPEG, find the face at 320 pixels, run the network on its crop."""
    import simplejpeg

    pixels = simplejpeg.decode_jpeg(source, "BGR")
    face = engines.pipeline.detector.look(pixels, FIRST_SIDE)[0]
    engines.pipeline.specialist.look(align_face(pixels, face.landmarks)[None])


def measure_speed(runs: int, photo: Path | None = None) -> list[Row]:
    """Time `runs` reports on one photo after warm-up, each beside its bare steps, then imports in fresh processes.

    Raises:
        InputError: The photo cannot be used.
    """
    source = vga_photo() if photo is None else photo.read_bytes()
    crowd, large, engines = crowd_photo(), crowd_photo(2), default_engines()
    roomy = Engines(replace(engines.settings, max_faces=30))
    ways: dict[str, Callable[[], object]] = {
        BARE: lambda: bare_steps(source, engines),
        READ: lambda: engines.pipeline.read([Frame(load_picture(source).pixels)]),
        NO_GRAPH: lambda: without_graph(source, engines),
        WHOLE: lambda: analyze_expression(source, engines=engines),
    }
    times, stages = interleaved(ways, runs)
    crowds: dict[str, Callable[[], object]] = {
        ONE_OF_THEM: ways[WHOLE],
        CROWD: lambda: analyze_expression(crowd, engines=roomy),
        LARGE_CROWD: lambda: analyze_expression(large, engines=roomy),
    }
    many, _ = interleaved(crowds, max(runs // 5, 5))
    beside = many.pop(ONE_OF_THEM)
    rows = [_row(name, values) for name, values in (*stages.items(), *times.items(), *many.items())]
    rows += ratio_rows(times)
    rows.append(_row("30 faces / one face", list(np.array(many[CROWD]) / np.array(beside)), "times"))
    rows += specialist_rows(runs)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, *start_up_rows(), Row("peak memory", "MB", memory, memory, None)]


def interleaved(
    ways: Mapping[str, Callable[[], object]], runs: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Time several ways in turn, so that whatever else the machine does meets all of them.

    Returns:
        Milliseconds by way, and by stage of the reports among their results.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    stages: dict[str, list[float]] = {}
    for turn in range(-5, runs):
        for name, work in ways.items():
            elapsed, made = _timed(work)
            if turn < 0:
                continue
            times[name].append(elapsed)
            told = made.provenance.timings_ms if isinstance(made, EmotionReport) and name == WHOLE else {}
            for stage, spent in told.items():
                stages.setdefault(stage, []).append(spent)
    return times, stages


def ratio_rows(times: Mapping[str, list[float]]) -> list[Row]:
    """Return what the figures are to each other: medians of the ratios and differences of each turn."""
    whole, bare = np.array(times[WHOLE]), np.array(times[BARE])
    return [
        _row("whole report / bare steps", list(whole / bare), "times"),
        _row("pipeline.read with decoding / bare steps", list(np.array(times[READ]) / bare), "times"),
        _row("graph overhead", list(whole - np.array(times[NO_GRAPH]))),
    ]


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    report = work()
    return (time.perf_counter() - began) * 1000, report


def without_graph(source: bytes, engines: Engines) -> EmotionReport:
    """Make the same report by calling the same functions one after the other, to see what the graph itself costs."""
    pipeline, told = engines.pipeline, read_situation(None)
    decision = engines.permit(read_use(None).told())
    picture = load_picture(source)
    engines.prepare_asking()
    people = [finished(reading) for reading in pipeline.read([Frame(picture.pixels)])]
    shown = [one.person for one in people if one.person is not None]
    notes = [*notes_on(decision), *detection_notes(picture, len(people), engines.settings.max_faces)]
    understood = understand(shown, told, matcher=engines.events)
    findings = Findings(source_of(picture), people, understood, notes, [], policy=decision.policy)
    return compose_report(findings, engines.used(asked=False))


def _row(name: str, values: list[float], unit: str = "ms") -> Row:
    return Row(name, unit, statistics.median(values), float(np.percentile(values, 95)), GOALS.get(name))


def specialist_rows(runs: int) -> list[Row]:
    """Time the expression model alone on one thread.

    A clear face, one that needs a second look, a batch.
    """
    clear, unclear = clear_and_unclear_face()
    model, kind = Specialist(threads=1), "specialist, one thread"
    batches = {size: np.stack([clear, unclear] * (size // 2)) for size in (16, 64)}
    return [
        _row(f"{kind}: clear face (one look)", perceive_times(model, clear[None], runs)),
        _row(f"{kind}: unclear face (two looks)", perceive_times(model, unclear[None], runs)),
        *(
            _row(f"{kind}: batch of {size}, half of them clear, per face", perceive_times(model, batch, 5))
            for size, batch in batches.items()
        ),
    ]


def clear_and_unclear_face() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the demo photo's smile as the specialist sees it, and a plain grey crop nobody could read."""
    photo = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    smile = align_face(photo, default_engines().pipeline.detect(photo)[0].landmarks)
    return smile, np.full_like(smile, 128)


def perceive_times(model: Specialist, crops: NDArray[np.uint8], runs: int) -> list[float]:
    """Return milliseconds per face of `runs` calls after warm-up."""
    times = []
    for _ in range(runs + 3):
        began = time.perf_counter()
        model.perceive(crops)
        times.append((time.perf_counter() - began) * 1000 / len(crops))
    return times[3:]


def start_up_rows(rounds: int = 5) -> list[Row]:
    """Time fresh processes; the bare interpreter's own start is taken off."""
    bare = statistics.median(process_time(["-c", "pass"]) for _ in range(rounds))
    rows = []
    for name, arguments in (
        ("import ferce_agent", ["-c", "import ferce_agent"]),
        ("import ferce_agent.pipeline", ["-c", "import ferce_agent.pipeline"]),
        ("import the workflow", ["-c", "import ferce_agent.api"]),
        ("first report of a new process", ["-c", FIRST_REPORT]),
    ):
        rows.append(_row(name, [max(process_time(arguments) - bare, 0.0) for _ in range(rounds)]))
    rows.append(_row("ferce --help", [process_time(["-m", "ferce_agent.cli", "--help"]) for _ in range(rounds)]))
    return rows


def process_time(arguments: list[str]) -> float:
    """Return the wall-clock milliseconds of one run of this Python."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=usual_environment())
    return (time.perf_counter() - began) * 1000


def usual_environment() -> dict[str, str]:
    """Return the environment without the variable that keeps Python from storing compiled modules, as users have it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def to_table(rows: list[Row]) -> str:
    """Return the measurements as a Markdown table."""
    lines = ["| what | median | 95 % | goal |", "|---|---:|---:|---:|"]
    for row in rows:
        goal = "" if row.goal is None else f"{row.goal:g} {row.unit}"
        lines.append(f"| {row.name} | {row.median:.2f} {row.unit} | {row.high:.2f} {row.unit} | {goal} |")
    return "\n".join(lines)
