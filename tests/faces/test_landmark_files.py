from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ferce_agent.errors import DataError, WeightsError
from ferce_agent.faces import landmark_files
from ferce_agent.faces.landmark_files import FACE, FILES, IRIS, install, main, read_weights


def wheel_with(folder: Path, contents: dict[str, bytes]) -> Path:
    path = folder / "mediapipe-0.10.21-cp311-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def test_weights_that_are_not_there_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="pip download --no-deps mediapipe"):
        read_weights(FACE, tmp_path)


def test_another_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / IRIS).write_bytes(b"another")
    with pytest.raises(WeightsError, match="not the file of MediaPipe"):
        read_weights(IRIS, tmp_path)
    wheel = wheel_with(tmp_path, {inside: b"another" for inside, _ in FILES.values()})
    with pytest.raises(WeightsError):
        install(wheel, tmp_path / "landmarks")
    assert not (tmp_path / "landmarks").exists()


@pytest.mark.parametrize("contents", [None, {}, {"mediapipe/__init__.py": b""}])
def test_a_wheel_without_the_files_is_refused(tmp_path: Path, contents: dict[str, bytes] | None) -> None:
    wheel = tmp_path / "missing.whl" if contents is None else wheel_with(tmp_path, contents)
    with pytest.raises(DataError, match="cannot be read as a wheel"):
        install(wheel, tmp_path / "landmarks")


def test_files_are_taken_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    stored = {FACE: b"face", IRIS: b"iris"}
    known = {name: (FILES[name][0], hashlib.sha256(data).hexdigest()) for name, data in stored.items()}
    monkeypatch.setattr(landmark_files, "FILES", known)
    wheel = wheel_with(tmp_path, {FILES[name][0]: data for name, data in stored.items()})
    written = install(wheel, tmp_path / "landmarks")
    assert {path.name: path.read_bytes() for path in written} == stored
    assert sorted(path.name for path in (tmp_path / "landmarks").iterdir()) == sorted(stored)
    assert read_weights(FACE, tmp_path / "landmarks") == b"face"


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main([str(tmp_path / "missing.whl")]) == 1
    assert "cannot be read as a wheel" in capsys.readouterr().err
