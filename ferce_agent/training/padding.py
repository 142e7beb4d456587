"""Padding before a convolution made part of it, in ONNX files: on its own it is a quarter of MobileNet's time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def fold_padding(path: Path) -> int:
    """Let the convolutions of the ONNX file at `path` do the zero padding that stands before them.

    torch exports `F.pad`, which TensorFlow's one-sided padding needs, as a node of its own, with amounts that are
    computed in the graph; onnxruntime's preprocessing makes them constants first. The file is rewritten; it gives the
    same numbers.

    Returns:
        The number of nodes that are gone.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(path), str(path))
    model: Any = onnx.load(path)
    graph = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants |= {
        node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    folded = 0
    for pad in [node for node in graph.node if node.op_type == "Pad"]:
        users = [node for node in graph.node if pad.output[0] in node.input]
        amounts = constants.get(pad.input[1])
        zero = len(pad.input) < 3 or not pad.input[2] or not np.any(constants.get(pad.input[2], 1))
        if amounts is None or not zero or not users or not all(_bare(user) for user in users):
            continue
        top, left, low, right = (int(amounts[place]) for place in (2, 3, 6, 7))
        for user in users:
            kept = [attribute for attribute in user.attribute if attribute.name != "pads"]
            del user.attribute[:]
            user.attribute.extend([*kept, onnx.helper.make_attribute("pads", [top, left, low, right])])
            user.input[0] = pad.input[0]
        graph.node.remove(pad)
        folded += 1
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
    onnx.save(model, path)
    return folded


def _bare(node: Any) -> bool:
    """Return whether a node is a convolution without padding of its own."""
    pads = [list(attribute.ints) for attribute in node.attribute if attribute.name == "pads"]
    return node.op_type == "Conv" and not any(any(amounts) for amounts in pads)
