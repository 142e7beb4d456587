"""`ferce bench batch`: photos a second of `ferce batch`, beside what decoding and the networks alone allow.

The photos are those of `endurance`: 640x480, one face, each a little different. The limit is measured in the same
processes: reading and decoding a file, one pass of the detector's network at the small scale at which a near face
is looked for first, and one pass of the
specialist's network in groups of 64, and nothing else; no gate, no second look, no report, no table. A peer that finds
faces with the same detector and reads them with the package `fer` is measured in one process where it is installed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.executor import ReadChunk, Work
from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.running import BatchPlan, run_batch
from ferce_agent.errors import EngineError, SettingsError
from ferce_agent.evaluation.batch.endurance import make_photos
from ferce_agent.evaluation.clips.speed import installed_peer
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.evaluation.speed import usual_environment
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import FIRST_SIDE
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.settings import Settings

GROUP: Final = 64
"""Photos whose faces the specialist reads at once."""
STAGES: Final = ("decode", "detector", "specialist")
"""What the limit is made of."""
GOAL: Final = 100.0
"""Least photos a second with two processes."""
GOAL_SCALING: Final = 1.8
"""Least gain from one process to two."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BatchRate:
    """How fast batches are.

    Attributes:
        photos: Photos of a run.
        rounds: Runs of each kind, in turn.
        rates: Photos a second of the whole command, its start and end included, by the number of processes; medians.
        running: Photos a second from the moment that each process had told of its first group to the end, tables
            written, by the number of processes; medians.
        stages: Milliseconds a photo of each of `STAGES` alone, by the number of processes at work; medians.
        peer: Photos a second of the peer in one process; None where it is not installed.
    """

    photos: int
    rounds: int
    rates: dict[int, float]
    running: dict[int, float]
    stages: dict[int, dict[str, float]]
    peer: float | None

    @property
    def scaling(self) -> float | None:
        """Gain of the whole command from one process to two; None if one of them was not measured."""
        return self.rates[2] / self.rates[1] if {1, 2} <= self.rates.keys() else None

    @property
    def scaling_running(self) -> float | None:
        """The same without the start, which takes as long with any number of processes."""
        return self.running[2] / self.running[1] if {1, 2} <= self.running.keys() else None

    def limit(self, workers: int) -> float:
        """Photos a second that decoding and one pass of each network would allow."""
        return workers * 1000 / sum(self.stages[workers].values())

    def as_dict(self) -> dict[str, object]:
        """Return plain data."""
        limits = {workers: self.limit(workers) for workers in self.stages}
        return asdict(self) | {"scaling": self.scaling, "scaling_running": self.scaling_running, "limits": limits}

    def to_markdown(self) -> str:
        """Return a table, and what it means."""
        rows = [
            "| processes | photos a second | without the start | the limit: decode + one pass of each network | of it "
            "| decode | detector | specialist | everything together |",
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for workers, rate in self.rates.items():
            each = " | ".join(f"{self.stages[workers][stage]:.2f} ms" for stage in STAGES)
            limit, running = self.limit(workers), self.running[workers]
            told = f"{workers} | {rate:.1f} | {running:.1f} | {limit:.1f} | {running / limit:.0%}"
            rows.append(f"| {told} | {each} | {workers * 1000 / running:.2f} ms |")
        told = f"{self.photos:,} photos of 640x480, one face each; medians of {self.rounds} rounds."
        if self.scaling is not None and self.scaling_running is not None:
            told += (
                f" From one process to two: {self.scaling_running:.2f} (goal: {GOAL_SCALING:g}), the start included "
            )
            told += f"{self.scaling:.2f}."
        if 2 in self.rates:
            told += f" Goal for two: {GOAL:g} a second."
        if self.peer is not None:
            told += f" Peer (YuNet and fer, decoding included, no tables), one process: {self.peer:.1f} a second."
        return "\n".join([*rows, "", told])


def measure_batch_rate(
    photos: int = 3000, rounds: int = 3, workers: Sequence[int] = (1, 2), tell: Tell = lambda _: None
) -> BatchRate:
    """Run `ferce batch` on made photos with several numbers of processes, in turn with what limits it.

    Args:
        photos: Photos of a run.
        rounds: Runs of each kind.
        workers: Numbers of processes.
        tell: Is told what is being done.

    Raises:
        SettingsError: There are too few photos for a group in each process.
        MissingExtraError: pyarrow is not installed.
        EngineError: A batch failed.
    """
    if photos < 2 * GROUP * max(workers):
        raise SettingsError("Too few photos to tell a rate.", hint=f"At least {2 * GROUP * max(workers)}.")
    import_arrow()
    rates: dict[int, list[float]] = {count: [] for count in workers}
    running: dict[int, list[float]] = {count: [] for count in workers}
    stages: dict[int, list[dict[str, float]]] = {count: [] for count in workers}
    peers: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tell(f"making {photos:,} photos")
        make_photos(folder / "photos", photos, workers=max(workers))
        paths = sorted((folder / "photos").rglob("*.jpg"))
        for turn in range(rounds):
            for count in workers:
                tell(f"round {turn + 1} of {rounds}, {count} at work")
                rates[count].append(photos / batch_seconds(folder / "photos", folder / f"{turn}-{count}", count))
                running[count].append(running_rate(folder / "photos", folder / f"{turn}-{count}-running", count))
                stages[count].append(stage_times(paths, count))
            if (peer := peer_rate(paths[: 4 * GROUP])) is not None:
                peers.append(peer)
    return BatchRate(
        photos=photos,
        rounds=rounds,
        rates={count: statistics.median(values) for count, values in rates.items()},
        running={count: statistics.median(values) for count, values in running.items()},
        stages={count: _medians(values) for count, values in stages.items()},
        peer=statistics.median(peers) if peers else None,
    )


def batch_seconds(photos: Path, out: Path, workers: int) -> float:
    """Return the wall-clock seconds of `ferce batch`, from its start to its end.

    Raises:
        EngineError: It failed.
    """
    words = ["batch", str(photos), "--out", str(out), "--workers", str(workers)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ferce_agent", *words], env=usual_environment(), capture_output=True, check=False
    )
    if done.returncode:
        raise EngineError(f"The batch ended with status {done.returncode}.", hint="Run `ferce batch` to see why.")
    return time.perf_counter() - began


def running_rate(photos: Path, out: Path, workers: int) -> float:
    """Return photos a second of a batch from the moment that each process had told of its first group to its end."""
    told: list[tuple[float, int]] = []
    plan = BatchPlan((str(photos),), kinds=("photo",))
    run_batch(plan, out, ProcessExecutor(workers), lambda now: told.append((time.perf_counter(), now.items)))
    ended = time.perf_counter()
    begun, before = told[workers - 1]
    return (told[-1][1] - before) / (ended - begun)


def stage_times(paths: Sequence[Path], workers: int, groups: int = 4) -> dict[str, float]:
    """Return milliseconds a photo of each stage alone, while so many processes do the same.

    Args:
        paths: Photos; they are taken again where there are too few.
        workers: Processes.
        groups: Groups of 64 photos that each process reads, after one that does not count.
    """
    found: list[dict[str, float]] = []
    for read in ProcessExecutor(workers).run(StageWork(), _chunks(paths, workers * (groups + 1))):
        if read.shard >= workers:
            found += [{name: float(str(value)) for name, value in row.items()} for row in read.tables["times"]]
    return _medians(found)


@dataclass(frozen=True, slots=True)
class StageWork:
    """Makes work that does with each photo what no reading can leave out, and tells how long each stage took."""

    def __call__(self) -> Work:
        """Load the models of a worker."""
        engines = Engines(Settings(threads=1))
        detector, specialist = engines.pipeline.detector, engines.pipeline.specialist

        def work(chunk: Chunk) -> ReadChunk:
            began = time.perf_counter()
            pictures = [load_picture(path.read_bytes()) for path in _files(chunk)]
            decoded = time.perf_counter()
            faces = [detector.look(one.pixels, FIRST_SIDE)[:1] for one in pictures]
            detected = time.perf_counter()
            pairs = [(one.pixels, face[0]) for one, face in zip(pictures, faces, strict=True) if face]
            crops = np.stack([align_face(pixels, face.landmarks) for pixels, face in pairs])
            aligned = time.perf_counter()
            specialist.look(crops)
            ended = time.perf_counter()
            spent = (decoded - began, detected - decoded, ended - aligned)
            row = {stage: took * 1000 / len(pictures) for stage, took in zip(STAGES, spent, strict=True)}
            return ReadChunk(chunk.shard, 0, 1, {"times": (row,)}, items=len(pictures), seconds=ended - began)

        return work


def _files(chunk: Chunk) -> list[Path]:
    return [Path(item.place.path) for item in chunk.items if isinstance(item.place, WholeFile)]


def _chunks(paths: Sequence[Path], count: int) -> Iterator[Chunk]:
    for number in range(count):
        names = [paths[(number * GROUP + place) % len(paths)] for place in range(GROUP)]
        items = (Item(f"{place:03}", "photo", WholeFile(str(path))) for place, path in enumerate(names))
        yield Chunk(number, 0, 1, tuple(items))


def peer_rate(paths: Sequence[Path]) -> float | None:
    """Return how many photos a second the peer reads in this process, after a warm-up; None where it is missing."""
    if (peer := installed_peer()) is None:
        return None
    labels, detector = LabelSpace(CANONICAL, CANONICAL), Engines(Settings(threads=1)).pipeline.detector

    def read(path: Path) -> None:
        pixels = load_picture(path.read_bytes()).pixels
        for face in detector.look(pixels, detector.side):
            peer.perceive(Sample(pixels, face, is_crop=False), labels)

    for path in paths[:GROUP]:
        read(path)
    began = time.perf_counter()
    for path in paths:
        read(path)
    return len(paths) / (time.perf_counter() - began)


def _medians(found: Sequence[dict[str, float]]) -> dict[str, float]:
    return {stage: statistics.median(one[stage] for one in found) for stage in STAGES}
