"""`ferce train label`: action units and head pose of training faces, as two published teacher networks see them.

MediaPipe's face landmarker gives 52 blendshapes; the usual translation into action units is in `BLENDSHAPE_UNITS`.
FSA-Net (Yang et al. 2019) gives yaw, pitch and roll. Labels are made once per data file and kept beside the checkpoint;
where the landmarker finds no face the row is marked, and the loss of that row is masked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError, SetupError
from ferce_agent.views.progress import Display

MEDIAPIPE_INSTALL: Final = "Install it with: pip install --no-deps mediapipe==1.2.2 absl-py flatbuffers"
"""Without its dependencies, which bring a second OpenCV."""

LANDMARKER: Final = "face_landmarker_v2_with_blendshapes.task"
POSE_NETS: Final = ("fsanet-1x1-iter-688590.onnx", "fsanet-var-iter-688590.onnx")

BLENDSHAPE_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "AU1": ("browInnerUp",),
    "AU2": ("browOuterUpLeft", "browOuterUpRight"),
    "AU4": ("browDownLeft", "browDownRight"),
    "AU5": ("eyeWideLeft", "eyeWideRight"),
    "AU7": ("eyeSquintLeft", "eyeSquintRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU16": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU17": ("mouthShrugLower",),
    "AU18": ("mouthPucker",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU24": ("mouthPressLeft", "mouthPressRight"),
    "AU26": ("jawOpen",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Action unit to the blendshapes whose mean stands for it.

The landmarker's cheek squint and nose sneer stay at zero on every
face we tried, so AU6 and AU9 cannot be learnt from it."""

SHAPES: Final = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
)  # fmt: skip
"""Blendshapes that are kept, in the order of the columns.

Left out are those that the landmarker leaves near zero on every face: cheek puff and squint, nose sneer, jaw forward.

Left and right are those of the person who is seen."""

MIRRORED_SHAPES: Final = tuple(
    SHAPES.index(name.replace("Left", "*").replace("Right", "Left").replace("*", "Right")) for name in SHAPES
)
"""Column that a blendshape's value moves to when the picture is mirrored."""

_ENLARGED: Final = 192
_BORDER: Final = 64
"""The landmarker needs a larger face with room around it: 192 pixels in a replicated border of 64."""


@dataclass(frozen=True, slots=True)
class TeacherLabels:
    """What the teachers say about N faces.

    Attributes:
        shapes: Blendshapes 0..1, columns as `SHAPES`, shape (N, 45), float32; zero where not `found`.
        pose: Yaw, pitch, roll in degrees as FSA-Net gives them, shape (N, 3), float32.
        found: Whether the landmarker found a face, shape (N,).
    """

    shapes: NDArray[np.float32]
    pose: NDArray[np.float32]
    found: NDArray[np.bool_]

    @property
    def units(self) -> NDArray[np.float32]:
        """Action-unit activations 0..1, columns as `BLENDSHAPE_UNITS`, shape (N, 16)."""
        columns = [
            self.shapes[:, [SHAPES.index(name) for name in names]].mean(1) for names in BLENDSHAPE_UNITS.values()
        ]
        return np.stack(columns, 1)

    def save(self, path: Path) -> None:
        """Write the labels to `path` (.npz) in one step."""
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, shapes=self.shapes, pose=self.pose, found=self.found)
        os.replace(partial, path)

    @classmethod
    def load(cls, path: Path, count: int) -> TeacherLabels:
        """Read labels of `count` faces.

        Raises:
            DataError: The file is damaged or belongs to other data.
        """
        try:
            with np.load(path) as stored:
                labels = cls(stored["shapes"], stored["pose"], stored["found"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(f"{path.name} holds no teacher labels.", hint="Delete it and label again.") from error
        if labels.shapes.shape != (count, len(SHAPES)) or len(labels.found) != count:
            raise DataError(f"{path.name} belongs to other data.", hint="Delete it and label again.")
        return labels


UNIT_SCALE: Final = (
    0.948, 0.901, 0.676, 0.188, 0.695, 0.784, 0.941, 0.140,
    0.332, 0.914, 0.510, 0.991, 0.545, 0.375, 0.644, 0.633,
)  # fmt: skip
"""Activation that counts as full intensity, per unit: the 99th percentile over the FER+ training faces."""


def unit_targets(labels: TeacherLabels) -> NDArray[np.float32]:
    """Return intensities 0..1: activations divided by `UNIT_SCALE` and cut at 1, shape (N, 16)."""
    return np.minimum(labels.units / np.array(UNIT_SCALE, np.float32), 1)


SHAPE_SCALE: Final = (
    0.683, 0.683, 0.948, 0.929, 0.929, 0.654, 0.654, 0.718, 0.718, 0.834, 0.834, 0.837, 0.837, 0.615, 0.615,
    0.761, 0.761, 0.235, 0.235, 0.151, 0.644, 0.151, 0.031, 0.187, 0.187, 0.340, 0.340, 0.141, 0.193, 0.929,
    0.929, 0.443, 0.443, 0.991, 0.193, 0.544, 0.421, 0.510, 0.265, 0.946, 0.946, 0.593, 0.593, 0.820, 0.820,
)  # fmt: skip
"""Value that counts as full intensity, per blendshape: see `shape_scale`; measured on the FER+ training faces."""


def shape_targets(labels: TeacherLabels) -> NDArray[np.float32]:
    """Return intensities 0..1: blendshapes divided by `SHAPE_SCALE` and cut at 1, shape (N, 45)."""
    return np.minimum(labels.shapes / np.array(SHAPE_SCALE, np.float32), 1)


def shape_scale(labels: TeacherLabels) -> NDArray[np.float32]:
    """Return the value of each blendshape that counts as full intensity, shape (45,).

    The 99th percentile over the faces found, the greater of left and right, so that equal movements get equal numbers.
    """
    high = np.percentile(labels.shapes[labels.found], 99, axis=0)
    return np.maximum(np.maximum(high, high[list(MIRRORED_SHAPES)]), 0.02).astype(np.float32)


def label_faces(images: NDArray[np.uint8], teachers: Path, title: str = "Labelling") -> TeacherLabels:
    """Let both teachers look at grey face crops (N, S, S).

    Raises:
        DataError: A teacher's file is missing in `teachers`.
        SetupError: mediapipe is not installed.
    """
    for name in (LANDMARKER, *POSE_NETS):
        if not (teachers / name).is_file():
            raise DataError(f"No teacher file {name} in {teachers}.", hint="Give the folder that holds it.")
    kept = np.zeros((len(images), len(SHAPES)), np.float32)
    found = np.zeros(len(images), np.bool_)
    pose = np.zeros((len(images), 3), np.float32)
    with landmarker(teachers / LANDMARKER) as look, Display(len(images), title) as display:
        nets = [_pose_net(teachers / name) for name in POSE_NETS]
        for index, image in enumerate(images):
            shapes = look(image)
            if shapes is not None:
                found[index] = True
                kept[index] = [shapes[name] for name in SHAPES]
            pose[index] = np.mean([_pose(net, image) for net in nets], 0)
            display.show(index + 1, f"{title}, {found.sum()} faces found")
    return TeacherLabels(kept, pose, found)


@contextmanager
def landmarker(path: Path) -> Iterator[Any]:
    """Open the landmarker; gives a function from a grey crop to {blendshape: 0..1}, or None where it finds no face."""
    try:
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise SetupError("The package mediapipe is not installed.", hint=MEDIAPIPE_INSTALL) from error
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(path)),
        output_face_blendshapes=True,
        min_face_detection_confidence=0.3,
        min_face_presence_confidence=0.3,
    )
    net = vision.FaceLandmarker.create_from_options(options)

    def look(image: NDArray[np.uint8]) -> dict[str, float] | None:
        large = cv2.resize(image, (_ENLARGED, _ENLARGED), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
        colour = cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB)
        result = net.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=colour))
        if not result.face_blendshapes:
            return None
        return {str(shape.category_name): float(shape.score) for shape in result.face_blendshapes[0]}

    try:
        yield look
    finally:
        net.close()


def _pose_net(path: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _pose(net: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return yaw, pitch, roll of a grey face crop; FSA-Net wants 64x64 BGR scaled to about -1..1."""
    small = cv2.cvtColor(cv2.resize(image, (64, 64), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    tensor = ((small.transpose(2, 0, 1)[None].astype(np.float32)) - 127.5) / 128
    result: NDArray[np.float32] = net.run(None, {net.get_inputs()[0].name: tensor})[0][0]
    return result
