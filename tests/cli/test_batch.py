from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ferce_agent.batch.journal import done_shards
from ferce_agent.batch.running import BatchProgress
from ferce_agent.cli import main
from ferce_agent.cli.batch import doing
from tests.tools.voices import saved, silence

PATIENCE = 120.0
"""Seconds after which a test gives up; nothing takes as long."""


def photos_in(folder: Path, photo: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.jpg").symlink_to(photo)
    return folder


def test_a_folder_becomes_a_table(photo: Path, tmp_path: Path) -> None:
    photos, out = photos_in(tmp_path / "photos", photo, 2), tmp_path / "out"
    (photos / "broken.jpg").write_bytes(b"no picture")
    words = ["batch", str(photos), "--out", str(out), "--workers", "1"]
    ahead = CliRunner().invoke(main, [*words, "--dry-run"])
    assert (ahead.exit_code, ahead.output) == (0, "3 to read in 1 shard.\n")
    assert not out.exists()
    (photos / "notes.txt").write_bytes(b"")
    ended = CliRunner().invoke(main, words)
    assert ended.exit_code == 0, ended.output
    assert ended.stderr.startswith("Left out: 1 .txt.\n")
    assert ended.stdout.startswith(
        f"3 in {out}; 1 of them could not be read, and their rows say why.\nLeft out: 1 .txt.\n3 in "
    )
    assert pq.read_table(out / "faces")["status"].to_pylist() == ["read", "read", "failed"]
    again = CliRunner().invoke(main, [*words, "--strict"])
    assert (again.exit_code, "3 of them were there already." in again.output) == (1, True)
    other = CliRunner().invoke(main, [*words, "--limit", "2"])
    assert (other.exit_code, "its 'limit' is null, not 2" in other.output) == (1, True)


def test_options_of_ray_go_with_ray(photo: Path, tmp_path: Path) -> None:
    words = ["batch", str(photo), "--out", str(tmp_path / "out")]
    for more in (["--ray-address", "auto"], ["--vlm", "vllm:some/model"]):
        refused = CliRunner().invoke(main, [*words, *more])
        assert refused.exit_code == 2
        assert "--on ray" in refused.output
    ahead = CliRunner().invoke(main, [*words, "--on", "ray", "--vlm", "vllm:some/model", "--dry-run"])
    assert ahead.output.startswith("1 to read in 1 shard")
    assert list(tmp_path.iterdir()) == []


def test_kinds_can_be_chosen_and_the_rest_is_told(photo: Path, tmp_path: Path) -> None:
    folder, out = photos_in(tmp_path / "mixed", photo, 2), tmp_path / "out"
    saved(folder, "heard.wav", silence())
    (folder / "film.mp4").write_bytes(b"")
    for kind, count, left in (("photos", 2, "1 .mp4, 1 .wav"), ("clips", 1, "2 .jpg, 1 .wav")):
        ahead = CliRunner().invoke(main, ["batch", str(folder), "--out", str(out), "--kind", kind, "--dry-run"])
        assert ahead.stdout.startswith(f"{count} to read in 1 shard")
        assert f"Left out: {left}." in ahead.stdout
    assert (
        "4 to read (2 photos, 1 clips, 1 voices) in 1"
        in CliRunner().invoke(main, ["batch", str(folder), "--out", str(out), "--dry-run"]).stdout
    )
    words = ["batch", str(folder), "--out", str(out), "--kind", "voices", "--workers", "1"]
    ended = CliRunner().invoke(main, words)
    assert ended.exit_code == 0, ended.output
    assert pq.read_table(out / "voices")["status"].to_pylist() == ["no_speech"]
    other = CliRunner().invoke(main, [*words, "--kind", "all"])
    assert "its 'kinds' is [\"voice\"], not" in other.output
    films = ["--kind", "clips", "--on", "ray", "--vlm", "vllm:some/model"]
    refused = CliRunner().invoke(main, ["batch", str(folder), "--out", str(tmp_path / "other"), *films])
    assert (refused.exit_code, "--kind photos" in refused.output) == (2, True)


def test_what_takes_long_is_named_beside_the_bar() -> None:
    now = BatchProgress(items=1234, before=1000, failed=2, seconds=100.0)
    assert doing(now, 2) == "1,234 read, 2.3 a second, 2 failed"
    assert doing(replace(now, seconds=5000.0), 2) == "1,234 read, 21 s each, 2 failed"
    assert doing(BatchProgress(), 2) == "0 read, 0.0 a second, 0 failed"
    long = replace(now, reading=("x" * 50 + "/film.mp4", "b.mp4", "c.mp4"))
    assert doing(long, 2) == f"1,234 read, 2.3 a second, 2 failed; reading …{'x' * 30}/film.mp4, b.mp4"


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_its_extra_is_named(photo: Path, tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["batch", str(photo), "--out", str(tmp_path / "out"), "--on", "ray"])
    assert refused.exit_code == 1
    assert "ferce-agent[ray]" in refused.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_after_ctrl_c_and_kills_the_same_command_goes_on(photo: Path, tmp_path: Path) -> None:
    photos = photos_in(tmp_path / "photos", photo, 120)
    command = [sys.executable, "-m", "ferce_agent.cli", "batch", str(photos), "--shard-size", "4", "--chunk", "2"]
    out = tmp_path / "stopped"
    for stop, least in ((signal.SIGINT, 1), (signal.SIGKILL, 3)):
        with subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE, text=True) as running:
            until(lambda least=least: len(done_shards(out)) >= least)  # type: ignore[misc]
            workers = children(running.pid)
            assert workers
            running.send_signal(stop)
            _, told = running.communicate(timeout=PATIENCE)
        until(lambda workers=workers: not any(alive(worker) for worker in workers))  # type: ignore[misc]
        done = len(done_shards(out))
        assert least <= done < 30
        if stop == signal.SIGINT:
            assert running.returncode == 130
            assert told == f"ferce: what is done stays in {out}; the same command goes on.\nferce: stopped.\n"
    for folder in (out, tmp_path / "whole"):
        subprocess.run([*command, "--out", str(folder)], check=True, timeout=PATIENCE)
    assert bytes_in(out) == bytes_in(tmp_path / "whole")
    assert len(bytes_in(out)) == 30


def bytes_in(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (out / "faces").iterdir()}


def until(true: Callable[[], bool]) -> None:
    """Wait for something that will come."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
