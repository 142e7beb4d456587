"""Whether the simulation tells how long a real batch takes on this machine."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.scale.inputs import Inputs
from ferce_agent.evaluation.scale.plans import core_times, drawn_kinds
from ferce_agent.evaluation.scale.queues import simulate
from ferce_agent.evaluation.scale.service_times import ServiceTimes, sources

CHUNK: Final = 50


@dataclass(frozen=True, slots=True)
class RealBatch:
    """A batch that was read.

    Attributes:
        kinds: Kind of each photo that counts.
        seconds: Wall-clock seconds for these.
    """

    kinds: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction and what came true, without the start of the workers.

    Attributes:
        photos: Photos that were read.
        workers: Processes.
        predicted: Seconds that the simulation tells, median over seeds.
        low: Its lowest.
        high: Its highest.
        taken: Seconds that it took.
    """

    photos: int
    workers: int
    predicted: float
    low: float
    high: float
    taken: float

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of what it took; below 0 where it was too short."""
        return self.predicted / self.taken - 1

    def as_dict(self) -> dict[str, float]:
        """Return plain data."""
        return {**asdict(self), "error": self.error}


def predict(times: ServiceTimes, batch: RealBatch, seeds: int = 10) -> Prediction:
    """Tell how long a batch should have taken by measured times, beside how long it took.

    Args:
        times: Measured with as many workers; before and after the batch, so that both met the same machine.
        batch: What was read.
        seeds: Simulations.
    """
    told = [_told(times, batch.kinds, np.random.default_rng(one)) for one in range(seeds)]
    middle = float(np.median(told))
    return Prediction(len(batch.kinds), times.workers, middle, min(told), max(told), batch.seconds)


def read_batch(inputs: Inputs, photos: int = 2000, workers: int = 2, seed: int = 7) -> RealBatch:
    """Read photos of the mix with the work and the processes of batches.

    Args:
        inputs: Has the mix.
        photos: How many; whole chunks of 50 are read, and one more by each worker before it counts.
        workers: Processes.
        seed: Of the order of the photos.

    Raises:
        SettingsError: There is not a chunk for each worker.
    """
    chunks = math.ceil(photos / CHUNK)
    if chunks < workers:
        raise SettingsError("Too few photos to compare times.", hint=f"At least {CHUNK * workers}.")
    kinds = drawn_kinds(inputs, (chunks + workers) * CHUNK, np.random.default_rng(seed))
    return RealBatch(kinds[workers * CHUNK :], _taken(kinds, workers))


def _told(times: ServiceTimes, kinds: list[str], rng: np.random.Generator) -> float:
    each = core_times(times, kinds, ("decode", "read"), rng).sum(1).reshape(-1, CHUNK).sum(1)
    return float(simulate(each[:, None], ["core"], {"core": times.workers}, np.zeros(len(each))).finished.max())


def _taken(kinds: list[str], workers: int) -> float:
    """Read photos with `workers` processes; return the seconds after each has told of its first chunk."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (kind, data) in enumerate(sources().items()):
            paths[kind] = Path(folder) / f"{number}.jpg"
            paths[kind].write_bytes(data)
        executor = ProcessExecutor(workers)
        done = [time.perf_counter() for _ in executor.run(BatchWork(), _chunks(kinds, paths))]
    return done[-1] - done[workers - 1]


def _chunks(kinds: list[str], paths: dict[str, Path]) -> Iterator[Chunk]:
    for start in range(0, len(kinds), CHUNK):
        names = enumerate(kinds[start : start + CHUNK], start)
        items = tuple(Item(f"{number:06}", "photo", WholeFile(str(paths[kind]))) for number, kind in names)
        yield Chunk(start // CHUNK, 0, 1, items)
