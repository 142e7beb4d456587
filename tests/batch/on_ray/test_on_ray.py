"""The real Ray on this machine; these tests run in the environment of the extra `ray`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from ferce_agent.batch.executor import ReadChunk, Work
from ferce_agent.batch.items import Chunk, Held, Item, WholeFile
from ferce_agent.batch.on_ray import AHEAD, RayExecutor, import_ray
from ferce_agent.batch.work import BatchWork
from ferce_agent.cli import main
from ferce_agent.errors import EngineError, FerceError, MissingExtraError, SettingsError
from tests.clips.speech_films import talking_film
from tests.tools.voices import message

pytestmark = pytest.mark.slow
pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def ray_here() -> Iterator[None]:
    ray = import_ray()
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@dataclass(frozen=True)
class Making:
    """Makes work that tells its process, and dies of items named ``killer`` and, the first time, ``once``."""

    folder: Path
    trouble: str = ""

    def __call__(self) -> Work:
        if self.trouble == "extra":
            raise MissingExtraError("pyarrow", "tables")
        if self.trouble == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return self.read

    def read(self, chunk: Chunk) -> ReadChunk:
        return ReadChunk(
            chunk.shard,
            chunk.number,
            chunk.of,
            {"faces": tuple(self.row(item) for item in chunk.items)},
            items=len(chunk.items),
            failed=sum(item.trouble is not None for item in chunk.items),
        )

    def row(self, item: Item) -> dict[str, object]:
        if item.trouble is None:
            mark = self.folder / item.source
            if item.source == "killer" or (item.source == "once" and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if item.source == "bug":
                raise ArithmeticError
        return {"source": item.source, "code": item.trouble and item.trouble[0]}


def chunk_of(number: int, *names: str) -> Chunk:
    return Chunk(number, 0, 1, tuple(Item(name, "photo", Held(b"data\0\0")) for name in names))


def rows(results: Iterator[ReadChunk]) -> dict[int, list[object]]:
    return {one.shard: [(row["source"], row["code"]) for row in one.tables["faces"]] for one in results}


def test_every_chunk_comes_once_and_none_is_taken_far_ahead(tmp_path: Path) -> None:
    taken, most = 0, 0

    def chunks() -> Iterator[Chunk]:
        nonlocal taken
        for number in range(16):
            taken += 1
            yield chunk_of(number, f"a{number}", f"b{number}")

    seen: list[int] = []
    for result in RayExecutor(2).run(Making(tmp_path), chunks()):
        most = max(most, taken - len(seen))
        seen.append(result.shard)
    assert sorted(seen) == list(range(16))
    assert most <= AHEAD * 2


def test_only_the_item_that_kills_is_given_up(tmp_path: Path) -> None:
    chunks = [chunk_of(0, "a", "killer", "c"), chunk_of(1, "d", "once"), chunk_of(2, "e", "bug", "f")]
    assert rows(RayExecutor(2).run(Making(tmp_path), chunks)) == {
        0: [("a", None), ("killer", "worker_died"), ("c", None)],
        1: [("d", None), ("once", None)],
        2: [("e", None), ("bug", "engine_error"), ("f", None)],
    }


def test_closing_stops_it_and_takes_no_more(tmp_path: Path) -> None:
    taken = 0

    def chunks() -> Iterator[Chunk]:
        nonlocal taken
        while True:
            taken += 1
            yield chunk_of(taken, "a")

    running = RayExecutor(1).run(Making(tmp_path), chunks())
    first = next(running)
    running.close()  # type: ignore[attr-defined]  # it is a generator
    assert first.items == 1
    assert taken <= AHEAD
    assert len(rows(RayExecutor(2).run(Making(tmp_path), [chunk_of(0, "a"), chunk_of(1, "b")]))) == 2


def test_no_chunk_gives_nothing(tmp_path: Path) -> None:
    assert list(RayExecutor(1).run(Making(tmp_path), [])) == []


@pytest.mark.parametrize(("trouble", "kind"), [("extra", MissingExtraError), ("dies", EngineError)])
def test_work_that_cannot_be_made_is_told_as_it_is(
    tmp_path: Path, trouble: str, kind: Callable[..., FerceError]
) -> None:
    with pytest.raises(kind) as caught:  # type: ignore[call-overload]
        list(RayExecutor(1).run(Making(tmp_path, trouble), [chunk_of(0, "a")]))
    assert "ferce-agent[tables]" in str(caught.value) or "loaded their models" in str(caught.value)


def test_no_worker_is_refused() -> None:
    with pytest.raises(SettingsError):
        RayExecutor(0)


def test_photos_are_read_as_in_any_process(photo: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:500])
    items = [Item(name, "photo", WholeFile(str(path))) for name, path in (("a", photo), ("b", broken), ("c", photo))]
    chunks = [Chunk(0, number, 3, (item,)) for number, item in enumerate(items)]
    made = BatchWork(stamp="2026-01-01T00:00:00Z")
    work = made()
    found = sorted(RayExecutor(1).run(made, chunks), key=lambda one: one.number)
    assert found == [work(chunk) for chunk in chunks]
    assert [one.failed for one in found] == [0, 1, 0]
    assert found[0].reports[0].startswith('{"source":"a"')


def test_the_command_writes_the_bytes_that_processes_write(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"no picture")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).symlink_to(photo)
    (folder / "film.mp4").write_bytes(talking_film("speaks", seconds=0.5))
    (folder / "heard.wav").write_bytes(message())
    words = ["batch", str(folder), "--workers", "1", "--chunk", "2", "--shard-size", "3"]
    for where in ("processes", "ray"):
        ended = CliRunner().invoke(main, [*words, "--on", where, "--out", str(tmp_path / where)])
        assert ended.exit_code == 0, ended.output
    ours, rays = (
        {str(file.relative_to(tmp_path / where)): file.read_bytes() for file in (tmp_path / where).glob("*/part-*")}
        for where in ("processes", "ray")
    )
    assert ours == rays
    assert sorted({name.partition("/")[0] for name in ours}) == ["clips", "episodes", "faces", "tracks", "voices"]
