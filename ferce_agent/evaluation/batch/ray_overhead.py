"""`python -m ferce_agent.evaluation.batch.ray_overhead`: what Ray costs beside processes of this machine."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from ferce_agent.batch.executor import Executor
from ferce_agent.batch.items import Chunk, Item, WholeFile
from ferce_agent.batch.on_ray import RayExecutor, import_ray
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import SettingsError
from ferce_agent.evaluation.batch.endurance import make_photos
from ferce_agent.evaluation.speed import vga_photo


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one run was.

    Attributes:
        photos: Photos a second, from the moment that each worker had told of its first chunk.
        start: Seconds until the first chunk was told of: starting processes, loading models, reading it.
    """

    photos: float
    start: float


@dataclass(frozen=True, slots=True)
class RayOverhead:
    """What Ray costs.

    Attributes:
        workers: Processes of each executor.
        chunk: Photos in a chunk.
        photos: Photos in a run.
        rounds: Runs of each, in turn.
        processes: Photos a second of processes, median.
        ray: Photos a second on Ray, median.
        overhead: How much longer a photo takes on Ray, in percent: median of the rounds.
        processes_start: Seconds until the first chunk, median.
        ray_start: The same on Ray.
    """

    workers: int
    chunk: int
    photos: int
    rounds: int
    processes: float
    ray: float
    overhead: float
    processes_start: float
    ray_start: float

    def as_dict(self) -> dict[str, float]:
        """Return plain data."""
        return asdict(self)


def measure_ray_overhead(
    workers: int = 2, chunk: int = 64, chunks: int = 24, rounds: int = 3, demo: bool = False
) -> RayOverhead:
    """Read photos in processes and on Ray, in turn.

    Args:
        workers: Processes of each.
        chunk: Photos in a chunk.
        chunks: Chunks in a run, more than two for each worker.
        rounds: Runs of each.
        demo: Read the demo photo again and again in place of the photos of `ferce bench batch`; it is read faster,
            since its face is found at the first look.

    Raises:
        MissingExtraError: Ray is not installed.
        SettingsError: There are too few chunks to tell a rate.
    """
    if chunks <= 2 * workers:
        raise SettingsError("Too few chunks to tell a rate.", hint=f"Give more than {2 * workers}.")
    import_ray()
    ours, rays = [], []
    with tempfile.TemporaryDirectory() as folder:
        photos = [Path(folder) / "photo.jpg"]
        if demo:
            photos[0].write_bytes(vga_photo())
        else:
            make_photos(Path(folder), chunk * chunks, workers)
            photos = sorted(Path(folder).rglob("*.jpg"))
        for _ in range(rounds):
            ours.append(rate_of(ProcessExecutor(workers), photos, chunk, chunks))
            rays.append(rate_of(RayExecutor(workers), photos, chunk, chunks))
    return RayOverhead(
        workers=workers,
        chunk=chunk,
        photos=chunk * chunks,
        rounds=rounds,
        processes=_middle([one.photos for one in ours]),
        ray=_middle([one.photos for one in rays]),
        overhead=_middle([(one.photos / other.photos - 1) * 100 for one, other in zip(ours, rays, strict=True)]),
        processes_start=_middle([one.start for one in ours]),
        ray_start=_middle([one.start for one in rays]),
    )


def rate_of(executor: Executor, photos: Sequence[Path], chunk: int, chunks: int) -> Rate:
    """Return how fast an executor reads photos, which are taken again where there are too few."""
    began = time.perf_counter()
    times = [time.perf_counter() for _ in executor.run(BatchWork(), repeated(photos, chunk, chunks))]
    warm = executor.workers
    return Rate((len(times) - warm) * chunk / (times[-1] - times[warm - 1]), times[0] - began)


def repeated(photos: Sequence[Path], chunk: int, chunks: int) -> Iterator[Chunk]:
    """Yield chunks of photos, each under a name of its own."""
    for number in range(chunks):
        paths = [photos[(number * chunk + place) % len(photos)] for place in range(chunk)]
        items = (Item(f"{number:05}-{place:03}", "photo", WholeFile(str(path))) for place, path in enumerate(paths))
        yield Chunk(number, 0, 1, tuple(items))


def to_table(found: RayOverhead) -> str:
    """Return the measurement as a Markdown table."""
    return "\n".join(
        (
            "| executor | photos a second | until the first chunk |",
            "|---|---:|---:|",
            f"| {found.workers} processes | {found.processes:.1f} | {found.processes_start:.1f} s |",
            f"| Ray, {found.workers} workers | {found.ray:.1f} | {found.ray_start:.1f} s |",
            "",
            f"A photo takes {found.overhead:.1f} % longer on Ray (median of {found.rounds} rounds in turn, "
            f"chunks of {found.chunk}, {found.photos} photos a run; goal: at most 15 %).",
        )
    )


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)


@click.command()
@click.option("--workers", default=2, show_default=True, help="Processes of each.")
@click.option("--chunk", default=64, show_default=True, help="Photos in a chunk.")
@click.option("--chunks", default=24, show_default=True, help="Chunks in a run.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each, in turn.")
@click.option("--demo", is_flag=True, help="The demo photo again and again, in place of many made photos.")
def main(workers: int, chunk: int, chunks: int, rounds: int, demo: bool) -> None:
    """Measure how much slower batches are on Ray than in processes of this machine."""
    click.echo(to_table(measure_ray_overhead(workers, chunk, chunks, rounds, demo)))


if __name__ == "__main__":
    main()
