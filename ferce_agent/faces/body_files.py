"""Weights of the optional pose model: where they lie, and how they get there from MediaPipe's wheel.

`pose_landmark_full.tflite` (33 points of a body) is a part of MediaPipe 0.10.21 (Google, Apache-2.0), as the landmark
model of `ferce_agent.faces.landmark_files` is. The detector of people beside it is not needed: faces are found already.

``python -m ferce_agent.faces.body_files WHEEL`` takes it out of the wheel, which `HINT` says how to get.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from ferce_agent.errors import WeightsError
from ferce_agent.faces.landmark_files import checked, run_install, taken_out, written_to

HINT: Final = (
    "Get it with: pip download --no-deps mediapipe==0.10.21, then "
    "python -m ferce_agent.faces.body_files mediapipe-0.10.21-….whl"
)
LANDMARKS: Final = "pose_landmark_full.tflite"
FILES: Final = {
    LANDMARKS: (
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
}
"""By name: where a file is in the wheel, and its SHA-256 digest."""


def body_folder() -> Path:
    """Return where the weights are kept.

    The platform's data folder, as ``~/.local/share/ferce-agent/body`` or in ``$XDG_DATA_HOME``.
    """
    from platformdirs import user_data_path

    return user_data_path("ferce-agent", appauthor=False) / "body"


def read_weights(name: str, folder: Path | None = None) -> bytes:
    """Return the bytes of one of the files.

    Args:
        name: `LANDMARKS`.
        folder: Where it lies; default: `body_folder`.

    Raises:
        WeightsError: It is not there, or is another file.
    """
    try:
        data = ((folder or body_folder()) / name).read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights of the pose model ({name}) are not there.", hint=HINT) from error
    return checked(name, data, FILES[name][1], HINT)


def install(wheel: Path, folder: Path | None = None) -> tuple[Path, ...]:
    """Take the weights out of MediaPipe's wheel.

    Args:
        wheel: The wheel of version 0.10.21, for any platform.
        folder: Where they are put, each file in one step; default: `body_folder`.

    Returns:
        The files that were written.

    Raises:
        DataError: The wheel is not there, damaged, or lacks the files.
        WeightsError: It holds other files, or they cannot be written.
    """
    found = {name: checked(name, taken_out(wheel, inside), digest, HINT) for name, (inside, digest) in FILES.items()}
    return written_to(folder or body_folder(), found)


def main(arguments: list[str]) -> int:
    """Take the weights out of the wheel that is named; return the exit status."""
    return run_install(arguments, install, "ferce_agent.faces.body_files")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
