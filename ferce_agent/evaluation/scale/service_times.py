"""How long the stages of reading take on this machine, measured while all its workers are at work."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_clip, analyze_expression
from ferce_agent.batch.columns import arrow_schema, face_columns, face_rows, import_arrow
from ferce_agent.batch.executor import ReadChunk, Row, Work
from ferce_agent.batch.items import Chunk, Held, Item
from ferce_agent.batch.photos import MOST_PIXELS
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.reading import asked, read_photos
from ferce_agent.evaluation.clips.speed import film_of
from ferce_agent.evaluation.speed import crowd_photo, vga_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.report import EmotionReport
from ferce_agent.settings import Settings

ONE_FACE: Final = "640x480, one face"
LARGE: Final = "12 megapixels, one face"
CROWD: Final = "640x480, 30 faces"
FILM: Final = "film, a minute"
"""Names of what is measured."""
STAGES: Final = ("decode", "read", "write")
"""Stages of a photo in a batch: decoding; finding and reading its faces and composing the report; its rows."""
WORKFLOW: Final = "workflow"
"""A photo through the whole workflow, as with a vision-language model, whose answers are not in it."""
FILM_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """Measured times.

    Attributes:
        seconds: Samples by what was read and the stage, in seconds an item (of films: a minute of film).
        sizes: Encoded bytes of each (of films: of a minute).
        workers: Processes that read at the same time.
    """

    seconds: Mapping[tuple[str, str], NDArray[np.float64]]
    sizes: Mapping[str, int]
    workers: int

    def rows(self) -> list[dict[str, str | float]]:
        """Return the median and the 95th percentile of each, in milliseconds."""
        return [
            {
                "what": what,
                "stage": stage,
                "median_ms": float(np.median(values)) * 1000,
                "p95_ms": float(np.percentile(values, 95)) * 1000,
                "samples": len(values),
            }
            for (what, stage), values in self.seconds.items()
        ]

    def and_also(self, more: ServiceTimes) -> ServiceTimes:
        """Return these times and others, measured in the same way."""
        keys = list(dict.fromkeys([*self.seconds, *more.seconds]))
        none = np.zeros(0)
        joined = {key: np.concatenate([self.seconds.get(key, none), more.seconds.get(key, none)]) for key in keys}
        return ServiceTimes(joined, {**self.sizes, **more.sizes}, self.workers)


def sources() -> dict[str, bytes]:
    """Return an encoded photo of each kind."""
    pixels = cv2.imdecode(np.frombuffer(vga_photo(), np.uint8), cv2.IMREAD_COLOR)
    large = cv2.resize(np.asarray(pixels, np.uint8), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    encoded = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return {ONE_FACE: vga_photo(), LARGE: encoded, CROWD: crowd_photo()}


def measure_service_times(workers: int = 2, rounds: int = 6, *, film: bool = True) -> ServiceTimes:
    """Read photos of each kind, and a film, in all workers at the same time.

    Args:
        workers: Processes.
        rounds: Groups of each kind that every worker reads; its first is not counted.
        film: Whether to measure a film too.
    """
    held = sources()
    sizes = {name: len(data) for name, data in held.items()}
    if film:
        held[FILM] = film_of(1, FILM_SECONDS)
        sizes[FILM] = round(len(held[FILM]) * 60 / FILM_SECONDS)
    chunks = _chunks(held, workers, rounds)
    seconds: dict[tuple[str, str], list[float]] = {}
    for read in ProcessExecutor(workers).run(TimedWork(), chunks):
        if read.shard < workers * len(held):
            continue
        for row in read.tables["times"]:
            key = (str(row["what"]), str(row["stage"]))
            seconds.setdefault(key, []).append(float(str(row["seconds"])))
    return ServiceTimes({key: np.array(values) for key, values in seconds.items()}, sizes, workers)


def _chunks(held: Mapping[str, bytes], workers: int, rounds: int) -> Iterator[Chunk]:
    """Yield each kind once for each worker, so that all meet the same work at about the same time."""
    number = 0
    for _ in range(rounds + 1):
        for name, data in held.items():
            for _ in range(workers):
                yield Chunk(number, 0, 1, (Item(name, "clip" if name == FILM else "photo", Held(data)),))
                number += 1


@dataclass(frozen=True, slots=True)
class TimedWork:
    """Makes work that reads each photo of a chunk as a whole group of a batch, and tells how long its stages took."""

    def __call__(self) -> Work:
        """Load the models of a worker."""
        engines = Engines(Settings(threads=1))

        def work(chunk: Chunk) -> ReadChunk:
            began = time.perf_counter()
            rows: list[Row] = []
            for item in chunk.items:
                data = item.place.data if isinstance(item.place, Held) else b""
                timed = film_times(data, engines) if item.kind == "clip" else photo_times(data, engines)
                rows += [{"what": item.source, "stage": stage, "seconds": spent} for stage, spent in timed]
            spent = time.perf_counter() - began
            return ReadChunk(chunk.shard, 0, 1, {"times": tuple(rows)}, items=len(chunk.items), seconds=spent)

        return work


def film_times(data: bytes, engines: Engines) -> list[tuple[str, float]]:
    """Return the seconds that a minute of film takes, from a shorter one."""
    began = time.perf_counter()
    analyze_clip(data, engines=engines)
    return [("read", (time.perf_counter() - began) * 60 / FILM_SECONDS)]


def photo_times(data: bytes, engines: Engines) -> list[tuple[str, float]]:
    """Return the seconds that a photo takes in each stage, in a group of the size that batches read together."""
    began = time.perf_counter()
    picture = load_picture(data)
    times = [("decode", time.perf_counter() - began)]
    count = max(1, min(64, MOST_PIXELS // (picture.width * picture.height)))
    photos = []
    for _ in range(count):
        began = time.perf_counter()
        photos.append(asked(load_picture(data), engines))
        times.append(("decode", time.perf_counter() - began))
    began = time.perf_counter()
    reports = [one for one in read_photos(photos, engines) if isinstance(one, EmotionReport)]
    times.append(("read", (time.perf_counter() - began) / count))
    times.append(("write", _write(reports) / count))
    began = time.perf_counter()
    analyze_expression(data, engines=engines)
    times.append((WORKFLOW, time.perf_counter() - began))
    return times


def _write(reports: list[EmotionReport]) -> float:
    """Return the seconds that rows of reports take to be made and written as Parquet."""
    import_arrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    began = time.perf_counter()
    rows = [dict(row) for report in reports for row in face_rows(report, "photo.jpg")]
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema(face_columns())), io.BytesIO())
    return time.perf_counter() - began
