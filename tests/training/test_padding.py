from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from ferce_agent.training.padding import fold_padding  # noqa: E402
from ferce_agent.weights.network_file import open_session  # noqa: E402


class OneSided(nn.Module):
    """Padding as TensorFlow does it, before a convolution; and one that must stay, before a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 3, 3, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        found = self.first(F.pad(pixels, (0, 1, 2, 3)))
        return F.pad(found, (1, 0, 1, 0)).mean((2, 3))


def test_padding_goes_into_the_convolution_and_the_numbers_stay(tmp_path: Path) -> None:
    path, pixels = tmp_path / "one.onnx", torch.randn(2, 1, 8, 8)
    network = OneSided().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {"input_names": ["pixels"], "output_names": ["found"], "dynamic_axes": {"pixels": {0: "n"}}}
        torch.onnx.export(network, (pixels,), str(path), opset_version=17, dynamo=False, **names)
    before = open_session(path.read_bytes(), 1).run(None, {"pixels": pixels.numpy()})[0]
    assert fold_padding(path) == 1
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node].count("Pad") == 1
    assert {tensor.name for tensor in graph.initializer} <= {name for node in graph.node for name in node.input}
    after = open_session(path.read_bytes(), 1).run(None, {"pixels": pixels.numpy()})[0]
    np.testing.assert_allclose(before, after, atol=1e-6)
    np.testing.assert_allclose(after, network(pixels).detach().numpy(), atol=1e-5)
