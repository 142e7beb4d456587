from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.keeping.files import PART, remove, write_private

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and signals of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@posix
def test_a_file_is_for_its_owner_only_whatever_the_account_usually_makes(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert write_private(tmp_path / "one", b"secret")
        assert write_private(tmp_path / "two", b"secret", replace=False)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names(tmp_path)] == [0o600, 0o600]


def test_the_last_one_stays_or_the_first_one_as_wanted(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert write_private(file, b"first", replace=False)
    assert not write_private(file, b"second", replace=False)
    assert file.read_bytes() == b"first"
    assert write_private(file, b"third")
    assert file.read_bytes() == b"third"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_at_once_one_succeeds(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:  # as on FAT
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    file = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda one: write_private(file, bytes([one]) * 9, replace=False), range(8)))
    assert made.count(True) == 1
    assert file.read_bytes() == bytes([made.index(True)]) * 9
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("links", [True, False])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, calls = tmp_path / "file", []
    write_private(file, b"before")
    real = os.fsync

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > (0 if links else 1):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    if not links:
        file.unlink()
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    with pytest.raises(SettingsError, match=r"cannot be written: No space left"):
        write_private(file, b"after", replace=links)
    assert calls
    assert names(tmp_path) == (["file"] if links else [])
    assert not links or file.read_bytes() == b"before"


@posix
def test_a_killed_process_leaves_what_was_there_and_deleting_takes_its_part_along(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, b"before")
    program = (
        "import os, signal, sys; from pathlib import Path; from ferce_agent.keeping.files import write_private\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_private(Path(sys.argv[1]), b'after')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"before"
    assert [name.endswith(PART) for name in names(tmp_path)].count(True) == 1
    (tmp_path / f".file2.abcdefgh{PART}").touch()  # of another file
    assert remove(file)
    assert names(tmp_path) == [f".file2.abcdefgh{PART}"]
    assert not remove(file)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        write_private(tmp_path / "nowhere" / "file", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError, match="cannot be written"):
        write_private(tmp_path / "folder", b"")
    assert names(tmp_path) == ["folder"]
    with pytest.raises(SettingsError, match="cannot be deleted"):
        remove(tmp_path / "folder")
