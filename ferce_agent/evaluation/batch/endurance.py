"""`python -m ferce_agent.evaluation.batch.endurance`: a batch of many made photos, killed again and again, and resumed.

The photos are cuts of the demo photo, each moved, scaled, turned and lit a little differently, with noise; the same
number gives the same photo. `ferce batch` reads them in a process of its own, which is killed without warning; the same
command then goes on. At the end each photo must stand in the tables once, each file must be what the journal says, and
some shards, read anew alone in this process's workers, must have the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.journal import done_shards
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.running import BatchPlan, shards_of
from ferce_agent.batch.sinks import write_shard
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import EngineError, FerceError
from ferce_agent.evaluation.speed import demo_photo

IN_A_FOLDER: Final = 1000
"""Made photos in a folder."""
PATIENCE: Final = 900.0
"""Seconds within which a batch that is to be killed must have written another shard."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Endured:
    """How it ended.

    Attributes:
        photos: Photos that were read.
        rows: Rows of the table of faces.
        failed: Photos that could not be read.
        kills: How often the batch was killed.
        seconds: Wall-clock seconds of all runs together.
        shards: Files of the table.
        compared: How many of them were read anew and had the same bytes.
    """

    photos: int
    rows: int
    failed: int
    kills: int
    seconds: float
    shards: int
    compared: int


def make_photos(folder: Path, count: int, workers: int = 1, tell: Tell | None = None) -> None:
    """Write photos 000000.jpg and so on (640x480, one face), those that are not there yet; see the module.

    Args:
        folder: Where; they lie in folders of a thousand.
        count: How many.
        workers: Processes that make them.
        tell: Is given a line for every tenth thousand.
    """
    parts = [range(at, min(at + IN_A_FOLDER, count)) for at in range(0, count, IN_A_FOLDER)]
    if workers == 1 or len(parts) == 1:
        for part in parts:
            _make_part(folder, part)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for done, _ in enumerate(pool.map(partial(_make_part, folder), parts), 1):
            if tell and done % 10 == 0:
                tell(f"made {min(done * IN_A_FOLDER, count):,} photos")


def _make_part(folder: Path, numbers: range) -> None:
    whole = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    whole = np.asarray(cv2.resize(whole, (640, 640), interpolation=cv2.INTER_AREA), np.uint8)
    for number in numbers:
        path = folder / f"{number // IN_A_FOLDER:04}" / f"{number:06}.jpg"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        half.write_bytes(made_photo(whole, number))
        half.replace(path)


def made_photo(whole: NDArray[np.uint8], number: int) -> bytes:
    """Return one made photo as JPEG."""
    rng = np.random.default_rng(number)
    turn = cv2.getRotationMatrix2D((320, 150), float(rng.uniform(-12, 12)), float(rng.uniform(0.8, 1.25)))
    turn[:, 2] += np.array([rng.uniform(-60, 60), rng.uniform(-10, 60)])
    moved = cv2.warpAffine(whole, turn, (640, 480), borderMode=cv2.BORDER_REFLECT)
    noisy = moved * rng.uniform(0.7, 1.15) + rng.normal(0, rng.uniform(0.5, 6), (480, 640, 1))
    pixels = np.asarray(np.clip(noisy, 0, 255), np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 96))])[1].tobytes()


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Attributes:
        photos: How many photos.
        out: Folder for photos and tables.
        kills: How often the batch is killed.
        workers: Processes that read.
        shard_size: Photos in a file of the table.
        compared: Files that are read anew.
        seed: Of when it is killed, and which files are read anew.
    """

    photos: int
    out: Path
    kills: int = 5
    workers: int = 2
    shard_size: int = 1024
    compared: int = 3
    seed: int = 7

    @property
    def folder(self) -> Path:
        """Where the photos are."""
        return self.out / "photos"

    @property
    def tables(self) -> Path:
        """Where the tables are written."""
        return self.out / "tables"


def endure(trial: Trial, tell: Tell) -> Endured:
    """Make photos, read them with a batch that is killed and resumed, and check what it wrote.

    Args:
        trial: What is tried.
        tell: Is given each line of the log.

    Raises:
        EngineError: A run failed, or what was written is not as it must be; the message says what.
        MissingExtraError: pyarrow is not installed.
    """
    import_arrow()
    tell(f"making {trial.photos:,} photos")
    make_photos(trial.folder, trial.photos, trial.workers, tell)
    began = time.perf_counter()
    shards, kills = -(-trial.photos // trial.shard_size), 0
    rng = np.random.default_rng(trial.seed)
    for after in sorted(rng.choice(shards, min(trial.kills, shards), replace=False)):
        kills += _killed(trial, int(after), float(rng.uniform(0, 1)), tell)
    _finished(trial)
    seconds = time.perf_counter() - began
    tell(f"finished after {kills} kills, {seconds:.0f} s, {trial.photos / seconds:.1f} photos a second with restarts")
    rows, failed = check_rows(trial)
    check_files(trial)
    tell(f"every photo stands in the table once; {rows:,} rows, {failed} photos could not be read; files are whole")
    compared = compare_shards(trial, [int(one) for one in rng.permutation(shards)[: trial.compared]])
    tell(f"{compared} files were read anew without a kill and have the same bytes")
    return Endured(trial.photos, rows, failed, kills, seconds, shards, compared)


def _started(trial: Trial) -> subprocess.Popen[bytes]:
    words = ["batch", str(trial.folder), "--out", str(trial.tables), "--workers", str(trial.workers)]
    command = [sys.executable, "-m", "ferce_agent", *words, "--shard-size", str(trial.shard_size)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _killed(trial: Trial, after: int, part: float, tell: Tell) -> int:
    """Run the batch until it has written so many files and a part of the time of one more; kill it.

    Returns:
        1; 0 if it had finished before.
    """
    process = _started(trial)
    try:
        waited = _until_written(trial, process, after)
        try:
            process.wait(part * max(waited, 1.0))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            tell(f"killed with {_written(trial)} files written")
            return 1
        _check_status(process)
        return 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _until_written(trial: Trial, process: subprocess.Popen[bytes], after: int) -> float:
    """Wait until the journal names so many files, or the batch ends; return the seconds that the last one took."""
    last, count = time.perf_counter(), _written(trial)
    took = 2.0
    while count < after and process.poll() is None:
        time.sleep(0.05)
        if (now := _written(trial)) > count:
            took, last, count = time.perf_counter() - last, time.perf_counter(), now
        if time.perf_counter() - last > PATIENCE:
            raise EngineError(f"The batch wrote nothing for {PATIENCE:.0f} s.")
    return min(took, 20.0)


def _written(trial: Trial) -> int:
    return len(done_shards(trial.tables)) if trial.tables.is_dir() else 0


def _finished(trial: Trial) -> None:
    process = _started(trial)
    process.wait()
    _check_status(process)


def _check_status(process: subprocess.Popen[bytes]) -> None:
    if process.returncode:
        raise EngineError(f"The batch ended with status {process.returncode}.", hint="Run `ferce batch` to see why.")


def check_rows(trial: Trial) -> tuple[int, int]:
    """Return how many rows and failed photos the table has.

    Raises:
        EngineError: A photo is missing, stands in several files, or is none of the batch.
    """
    import pyarrow.parquet as pq

    seen: dict[str, str] = {}
    rows = failed = 0
    for path in sorted((trial.tables / "faces").glob("*.parquet")):
        table = pq.read_table(path, columns=["source", "status", "person"]).to_pydict()
        keys = list(zip(table["source"], table["person"], strict=True))
        if len(set(keys)) < len(keys) or any(seen.get(one, path.name) != path.name for one in table["source"]):
            raise EngineError(f"{path.name} has a photo twice.")
        seen |= dict.fromkeys(table["source"], path.name)
        rows += len(keys)
        failed += table["status"].count("failed")
    wanted = {item.source for item in BatchPlan([str(trial.folder)]).items()}
    if set(seen) != wanted or len(wanted) != trial.photos:
        raise EngineError(f"{len(wanted - set(seen))} photos are missing, {len(set(seen) - wanted)} are unknown.")
    return rows, failed


def check_files(trial: Trial) -> None:
    """Hold each file to the digest in the journal.

    Raises:
        EngineError: One differs.
    """
    for shard in done_shards(trial.tables).values():
        for file in shard.files:
            if hashlib.sha256((trial.tables / file.path).read_bytes()).hexdigest() != file.sha256:
                raise EngineError(f"{file.path} is not what the journal says.")


def compare_shards(trial: Trial, numbers: list[int]) -> int:
    """Read some shards anew into another folder; return how many have the same bytes.

    Raises:
        EngineError: One differs.
    """
    plan = BatchPlan([str(trial.folder)], shard_size=trial.shard_size)
    shards = shards_of(plan.items(), plan.shard_size, plan.chunk_size)
    chosen = [chunks for number, chunks in enumerate(shards) if number in numbers]
    with tempfile.TemporaryDirectory() as name:
        for chunks in chosen:
            read = sorted(ProcessExecutor(1).run(BatchWork(), chunks), key=lambda one: one.number)
            for file in write_shard(Path(name), chunks[0].shard, read):
                if (Path(name) / file.path).read_bytes() != (trial.tables / file.path).read_bytes():
                    raise EngineError(f"{file.path} differs from the same shard read without a kill.")
    return len(chosen)


def _lines(log: Path) -> Iterator[Tell]:
    """Yield what prints a line with the time, and adds it to a file."""
    began = time.perf_counter()
    with log.open("a", encoding="utf-8") as file:

        def tell(line: str) -> None:
            told = f"{time.perf_counter() - began:8.1f} s  {line}"
            click.echo(told)
            file.write(told + "\n")
            file.flush()

        yield tell


@click.command()
@click.option("--photos", default=100_000, show_default=True, type=click.IntRange(1), help="Photos to make and read.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder.")
@click.option("--kills", default=5, show_default=True, type=click.IntRange(0), help="How often the batch is killed.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes that read.")
@click.option("--shard-size", default=1024, show_default=True, type=click.IntRange(1), help="Photos in a file.")
@click.option("--compared", default=3, show_default=True, type=click.IntRange(0), help="Files that are read anew.")
@click.option("--seed", default=7, show_default=True, help="Of when it is killed.")
def main(out: Path, **choices: Any) -> None:
    """Read many made photos with a batch that is killed and resumed, and check what it wrote."""
    out.mkdir(parents=True, exist_ok=True)
    for tell in _lines(out / "log.txt"):
        try:
            found = endure(Trial(out=out, **choices), tell)
        except FerceError as error:
            tell(f"failed: {error}")
            sys.exit(1)
        tell(json.dumps({name: getattr(found, name) for name in found.__dataclass_fields__}))


if __name__ == "__main__":
    main()
