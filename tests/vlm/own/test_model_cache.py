from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferce_agent.errors import WeightsError
from ferce_agent.vlm.own import model_cache
from ferce_agent.vlm.own.model_cache import KEEP, UNUSED, cache_folder, file_digest, kept_file

pytest.importorskip("filelock")
CONTENT = b"GGUF" + bytes(range(256)) * 40


class Maker:
    """Writes the content and counts how often; may wait, or fail half-way."""

    def __init__(self, fail: BaseException | None = None) -> None:
        self.times, self.fail = 0, fail

    def __call__(self, place: Path) -> None:
        self.times += 1
        place.write_bytes(CONTENT[: 100 if self.fail else None])
        if self.fail:
            raise self.fail


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "cache"


def keep(key: str, make: Maker, folder: Path) -> Path | None:
    return kept_file(key, make, size=len(CONTENT), folder=folder)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.suffix != ".lock"}


def test_it_is_made_once_and_for_this_user_alone(folder: Path) -> None:
    make = Maker()
    path = keep("a", make, folder)
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert keep("a", make, folder) == path
    assert make.times == 1
    assert names(folder) == {"ferce-vlm-a.gguf", "ferce-vlm-a.sha256"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())
    folder.chmod(0o755)
    assert keep("a", make, folder) == path
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["byte", "short", "empty", "gone", "no note", "wrong note", "link"])
def test_a_damaged_file_is_made_anew(damage: str, folder: Path, tmp_path: Path) -> None:
    make = Maker()
    path = keep("a", make, folder)
    assert path is not None
    note = path.with_suffix(".sha256")
    if damage == "byte":
        path.write_bytes(CONTENT[:5000] + b"!" + CONTENT[5001:])
    elif damage in ("short", "empty"):
        path.write_bytes(CONTENT[:50] if damage == "short" else b"")
    elif damage == "gone":
        path.unlink()
    elif damage == "no note":
        note.unlink()
    elif damage == "wrong note":
        note.write_bytes(b"\xff\x00")
    else:
        elsewhere = tmp_path / "elsewhere.gguf"
        path.rename(elsewhere)
        path.symlink_to(elsewhere)
    assert keep("a", make, folder) == path
    assert make.times == 2
    assert not path.is_symlink()
    assert path.read_bytes() == CONTENT
    assert keep("a", make, folder) == path
    assert make.times == 2


def test_threads_make_it_once(folder: Path) -> None:
    make, barrier = Maker(), threading.Barrier(8)

    def ask(_: int) -> Path | None:
        barrier.wait(120)
        return keep("a", make, folder)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert make.times == 1
    assert found == {folder / "ferce-vlm-a.gguf"}


PROCESS = """
import sys, time
from pathlib import Path
from ferce_agent.vlm.own.model_cache import kept_file
folder, log = Path(sys.argv[1]), Path(sys.argv[2])
def make(place):
    with log.open("a") as file:
        file.write("begin\\n"); file.flush(); time.sleep(0.3); file.write("end\\n")
    place.write_bytes(b"GGUF" * 1000)
assert kept_file("p", make, size=4000, folder=folder).read_bytes() == b"GGUF" * 1000
"""


def test_processes_make_it_once(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", PROCESS, str(folder), str(log)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(200) for process in running] == [0, 0, 0]
    assert log.read_text().split() == ["begin", "end"]


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), WeightsError("unfit"), KeyboardInterrupt()]
)
def test_a_failure_leaves_nothing_behind(failure: BaseException, folder: Path) -> None:
    if isinstance(failure, OSError):
        assert keep("a", Maker(failure), folder) is None
    else:
        with pytest.raises(type(failure)):
            keep("a", Maker(failure), folder)
    assert names(folder) == set()
    assert keep("a", Maker(), folder) is not None


def test_what_a_killed_process_left_is_removed(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "ferce-vlm-x1y2.partial").write_bytes(b"half")
    assert keep("a", Maker(), folder) is not None
    assert names(folder) == {"ferce-vlm-a.gguf", "ferce-vlm-a.sha256"}


def test_a_full_disk_is_not_filled_further(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(9, 9, 1000))
    make = Maker()
    assert keep("a", make, folder) is None
    assert make.times == 0


def test_an_unsafe_place_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker()
    (tmp_path / "file").write_text("in the way")
    assert keep("a", make, tmp_path / "file") is None
    assert keep("a", make, tmp_path / "file" / "below") is None
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert keep("a", make, tmp_path / "link") is None
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert keep("a", make, tmp_path / "real") is None
    assert make.times == 0
    assert list((tmp_path / "real").iterdir()) == []


def test_a_process_that_does_not_get_on_is_not_waited_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(model_cache, "WAIT", 0.1)
    folder.mkdir(parents=True)
    with FileLock(folder / "ferce-vlm-cache.lock"):
        assert keep("a", Maker(), folder) is None
    assert keep("a", Maker(), folder) is not None


def test_files_of_other_versions_stay_unless_nobody_used_them_for_long(folder: Path) -> None:
    others = [keep(f"old{number}", Maker(), folder) for number in range(5)]
    long_ago = time.time() - UNUSED - 100
    for number, path in enumerate(others):
        assert path is not None
        os.utime(path, (long_ago - number, long_ago - number))
    assert others[-1] is not None
    os.utime(others[-1])
    assert keep("mine", Maker(), folder) is not None
    left = {file.stem.removeprefix("ferce-vlm-") for file in folder.glob("*.gguf")}
    assert left == {"mine", "old4", "old0"}
    assert len(left) == 1 + KEEP
    assert {file.stem for file in folder.glob("*.sha256")} == {file.stem for file in folder.glob("*.gguf")}


def test_digests_follow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = file_digest(path)
    assert file_digest(path) == first
    path.write_bytes(b"another one")
    assert file_digest(path) != first
    with pytest.raises(OSError, match="gone"):
        file_digest(tmp_path / "gone")


def test_tests_keep_out_of_the_users_cache() -> None:
    home = Path("~").expanduser()
    assert home not in cache_folder().parents
