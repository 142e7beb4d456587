"""The face detector's network, YuNet (Wu, Peng, Yu 2023), through onnxruntime: boxes of a picture at one scale.

For each place of grids of 8, 16 and 32 pixels the network says how likely a face is there, where its box is and where
five points of it are. How these numbers become boxes is as in OpenCV's `FaceDetectorYN`, which gives the same faces in
three to four times as long.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.weights.network_file import NetworkFile, read_network

NAME: Final = "detector.onnx"
STRIDES: Final = (8, 16, 32)
"""Pixels between places of each grid."""
PARTS: Final = ("cls", "obj", "bbox", "kps")
"""What the network gives for each grid: face or not, anything or not, the box, the points."""
OUTPUTS: Final = tuple(f"{part}_{stride}" for part in PARTS for stride in STRIDES)
"""All outputs, in the order in which they are asked for."""
SHARED: Final = 0.3
"""Boxes with at most this share (intersection over union) are different faces."""
MOST: Final = 500
"""So many of the likeliest places are looked at."""
ROW: Final = 15
"""Numbers of a face: x, y, width, height; five points as x and y; score."""


def shipped_detector() -> Path:
    """Return the path of the weights that come with the package."""
    return Path(str(resources.files("ferce_agent.weights"))) / NAME


class YuNet:
    """Runs the network. Loaded on first use; safe to share between threads."""

    def __init__(self, path: Path | None = None, threads: int = 2) -> None:
        """Remember what to load; nothing is read yet.

        Args:
            path: Weight file; default: the shipped one.
            threads: Threads of one run.
        """
        self._given = path
        self.threads = threads

    @property
    def path(self) -> Path:
        """The weight file in use."""
        return self._given if self._given is not None else shipped_detector()

    @property
    def sha256(self) -> str:
        """Digest of the weights in use.

        Raises:
            WeightsError: They cannot be read.
        """
        return self._file.sha256

    @lazy_property
    def _file(self) -> NetworkFile:
        """The network, read once: a file that is replaced later changes nothing of this object."""
        file = read_network(
            self.path, self.threads, title="The face detector's weights", command="ferce train detector"
        )
        if not set(OUTPUTS) <= set(file.outputs):
            raise WeightsError(f"{self.path.name} is no face detector: it gives {sorted(file.outputs)}.")
        return file

    def faces(self, pixels: NDArray[np.uint8], threshold: float) -> NDArray[np.float32]:
        """Return the faces in a picture, the likeliest first.

        Args:
            pixels: Shape (H, W, 3), BGR; both sides are multiples of 32.
            threshold: Least score, 0..1.

        Returns:
            Shape (N, 15): x, y, width, height; image-left eye, image-right eye, nose tip, image-left and image-right
            mouth corner, each x and y, all in pixels; score, 0..1.

        Raises:
            WeightsError: The weights cannot be read.
            EngineError: The network failed on this picture.
        """
        session = self._file.session
        try:
            given = session.run(OUTPUTS, {"input": cv2.dnn.blobFromImage(pixels)})
        except Exception as error:  # onnxruntime has no public base class of its errors
            raise EngineError("The face detector failed on this picture.") from error
        return without_doubles(decoded(given, pixels.shape[1], threshold), threshold)


def decoded(given: list[Any], width: int, threshold: float) -> NDArray[np.float32]:
    """Return the faces that the network's numbers say, one a place.

    Args:
        given: Values of `OUTPUTS`, each of shape (1, places, numbers).
        width: Of the picture, pixels.
        threshold: Least score, 0..1.

    Returns:
        Shape (N, 15); see `YuNet.faces`.
    """
    faces, things, boxes, points = (
        np.concatenate([one[0] for one in given[part * len(STRIDES) : (part + 1) * len(STRIDES)]])
        for part in range(len(PARTS))
    )
    scores = np.sqrt(np.clip(faces[:, 0], 0, 1) * np.clip(things[:, 0], 0, 1))
    (kept,) = np.nonzero(scores >= np.float32(threshold))
    ends = np.cumsum([one.shape[1] for one in given[: len(STRIDES)]])
    grid = np.searchsorted(ends, kept, side="right")
    stride = np.array(STRIDES)[grid]
    row, column = np.divmod(kept - np.array([0, *ends])[grid], width // stride)
    place = np.stack([column, row], 1).astype(np.float32)
    size = np.exp(boxes[kept, 2:])
    corner = place + boxes[kept, :2] - size / 2
    at = points[kept] + np.tile(place, 5)
    pixels = np.hstack([corner, size, at]) * stride[:, None].astype(np.float32)
    return np.column_stack([pixels, scores[kept]]).astype(np.float32, copy=False)


def without_doubles(faces: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Return faces of which no two share more than `SHARED`, the likeliest first; the likelier one is kept.

    Args:
        faces: Shape (N, 15); see `YuNet.faces`.
        threshold: Least score, 0..1.
    """
    if len(faces) < 2:
        return faces
    whole = np.trunc(faces[:, :4]).astype(np.float64)  # in whole pixels, as in OpenCV
    kept = cv2.dnn.NMSBoxes(whole.tolist(), faces[:, -1].tolist(), threshold, SHARED, top_k=MOST)
    return faces[np.asarray(kept, np.int64).reshape(-1)]
