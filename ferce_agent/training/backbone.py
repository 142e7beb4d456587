"""The starting point of the specialist: dlib's face network, read from the package that carries it.

`dlib_face_recognition_resnet_model_v1.dat` (Davis King, public domain / CC0, in the PyPI package
`face_recognition_models`) is a 29-layer residual network trained on three million face pictures to tell people apart.
Its filters know faces; the training of the specialist turns them to expressions, and nothing that identifies a person
is kept as an output.

Only the convolutions and the per-channel scales are read. dlib writes an integer as a length byte and that many
little-endian bytes, and a tensor as version 2, four sizes, and float32 values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError, MissingExtraError

FILE_NAME: Final = "dlib_face_recognition_resnet_model_v1.dat"
_TENSOR_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution followed by a scale and shift per channel.

    Attributes:
        weights: Filters and then one bias per filter, flat, float32.
        scale: Factor per channel, shape (C,).
        shift: Summand per channel, shape (C,).
    """

    weights: NDArray[np.float32]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]

    def folded(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (filters, bias) of the one convolution that does the same.

        Args:
            shape: (outputs, inputs, height, width).

        Raises:
            DataError: The layer has another size.
        """
        size = int(np.prod(shape))
        if len(self.scale) != shape[0] or len(self.weights) != size + shape[0]:
            raise DataError(f"A layer of {FILE_NAME} is not of shape {shape}.", hint="Use the package's own file.")
        filters = self.weights[:size].reshape(shape) * self.scale[:, None, None, None]
        return filters, self.weights[size:] * self.scale + self.shift


def backbone_file() -> Path:
    """Return the path of the network's file.

    Raises:
        MissingExtraError: The package that carries it is not installed.
    """
    spec = find_spec("face_recognition_models")  # not imported: its __init__ needs an old setuptools
    if spec is None or spec.origin is None:
        raise MissingExtraError("face_recognition_models", "backbone")
    return Path(spec.origin).parent / "models" / FILE_NAME


def read_layers(path: Path) -> list[Layer]:
    """Return the convolutions from input to output.

    Raises:
        DataError: The file is missing or no such network.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read.", hint="Reinstall face_recognition_models.") from error
    found = list(re.finditer(rb"\x01\x05con_4|\x01\x07affine_", data))
    tensors = [_read_tensor(data, mark.end()) for mark in found]
    kinds = [mark.group().endswith(b"affine_") for mark in found]
    if not tensors or kinds != [False, True] * (len(kinds) // 2):
        raise DataError(f"{path.name} is not dlib's face network.", hint="Use the package's own file.")
    layers = []
    for weights, affine in zip(tensors[::2], tensors[1::2], strict=True):
        half = len(affine) // 2
        layers.append(Layer(weights, affine[:half], affine[half:]))
    return layers


def _read_integer(data: bytes, start: int) -> tuple[int, int]:
    """Return (value, position after it)."""
    length = data[start] & 0x0F
    value = int.from_bytes(data[start + 1 : start + 1 + length], "little")
    return (-value if data[start] & 0x80 else value), start + 1 + length


def _read_tensor(data: bytes, start: int) -> NDArray[np.float32]:
    try:
        version, position = _read_integer(data, start)
        count = 1
        for _ in range(4):
            size, position = _read_integer(data, position)
            count *= size
        if version != _TENSOR_VERSION or count < 1:
            raise ValueError(f"version {version}, {count} values")
        return np.frombuffer(data, "<f4", count, position)
    except (IndexError, ValueError) as error:
        raise DataError("The network file is damaged.", hint="Reinstall face_recognition_models.") from error
