"""Weights of the optional landmark model: where they lie, and how they get there from MediaPipe's wheel.

`face_landmark.tflite` (468 points of a face) and `iris_landmark.tflite` (the rims of one eye and its iris) are parts of
MediaPipe 0.10.21 (Google, Apache-2.0). Its package is not installed, as its requirements clash with ours; only these
two files are taken out of the wheel. The model with attention in the same wheel needs operations of MediaPipe's own.

``python -m ferce_agent.faces.landmark_files WHEEL`` takes them out of the wheel, which `HINT` says how to get.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ferce_agent.errors import DataError, FerceError, WeightsError

HINT: Final = (
    "Get it with: pip download --no-deps mediapipe==0.10.21, then "
    "python -m ferce_agent.faces.landmark_files mediapipe-0.10.21-….whl"
)
FACE: Final = "face_landmark.tflite"
IRIS: Final = "iris_landmark.tflite"
FILES: Final = {
    FACE: (
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    IRIS: (
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
}
"""By name: where a file is in the wheel, and its SHA-256 digest."""


def landmark_folder() -> Path:
    """Return where the weights are kept.

    The platform's data folder, as ``~/.local/share/ferce-agent/landmarks`` or in ``$XDG_DATA_HOME``.
    """
    from platformdirs import user_data_path

    return user_data_path("ferce-agent", appauthor=False) / "landmarks"


def read_weights(name: str, folder: Path | None = None) -> bytes:
    """Return the bytes of one of the files.

    Args:
        name: `FACE` or `IRIS`.
        folder: Where it lies; default: `landmark_folder`.

    Raises:
        WeightsError: It is not there, or is another file.
    """
    try:
        data = ((folder or landmark_folder()) / name).read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights of the landmark model ({name}) are not there.", hint=HINT) from error
    return _checked(name, data)


def _checked(name: str, data: bytes) -> bytes:
    return checked(name, data, FILES[name][1], HINT)


def checked(name: str, data: bytes, digest: str, hint: str) -> bytes:
    """Return the bytes of a weight file that has the digest it should have.

    Raises:
        WeightsError: It is another file; the message names it, and `hint` says how to get the right one.
    """
    if hashlib.sha256(data).hexdigest() != digest:
        raise WeightsError(f"{name} is not the file of MediaPipe 0.10.21.", hint=hint)
    return data


def install(wheel: Path, folder: Path | None = None) -> tuple[Path, ...]:
    """Take the weights out of MediaPipe's wheel.

    Args:
        wheel: The wheel of version 0.10.21, for any platform.
        folder: Where they are put, each file in one step; default: `landmark_folder`.

    Returns:
        The files that were written.

    Raises:
        DataError: The wheel is not there, damaged, or lacks the files.
        WeightsError: It holds other files, or they cannot be written.
    """
    found = {name: _checked(name, taken_out(wheel, inside)) for name, (inside, _) in FILES.items()}
    return written_to(folder or landmark_folder(), found)


def written_to(folder: Path, found: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write weight files by name into a folder, each in one step, and return where they are.

    Raises:
        WeightsError: They cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_written(folder / name, data) for name, data in found.items())
    except OSError as error:
        raise WeightsError("Weights out of MediaPipe's wheel cannot be written.", hint=str(error)) from error


def taken_out(wheel: Path, inside: str) -> bytes:
    """Return the bytes of a file in MediaPipe's wheel.

    Raises:
        DataError: The wheel is not there, damaged, or lacks the file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(inside)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{wheel.name} cannot be read as a wheel of MediaPipe.", hint="Download mediapipe==0.10.21 again."
        ) from error


def _written(path: Path, data: bytes) -> Path:
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(partial, path)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise
    return path


def main(arguments: list[str]) -> int:
    """Take the weights out of the wheel that is named; return the exit status."""
    return run_install(arguments, install, "ferce_agent.faces.landmark_files")


def run_install(arguments: list[str], take: Callable[[Path], tuple[Path, ...]], module: str) -> int:
    """Take weights out of the wheel that is named, print where they are, and return the exit status.

    Args:
        arguments: Of the command line: the wheel.
        take: Takes them out.
        module: Which module was started, for the message on how to use it.
    """
    if len(arguments) != 1:
        sys.stderr.write(f"Usage: python -m {module} WHEEL\n")
        return 2
    try:
        written = take(Path(arguments[0]))
    except FerceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
