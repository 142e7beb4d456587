from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from ferce_agent.errors import DataError  # noqa: E402
from ferce_agent.training.faceres import BINARY_NAME, MANIFEST_NAME, read_filters  # noqa: E402
from ferce_agent.training.mobilenet import BLOCKS, FIRST, Depthwise, MobileNet, NormedConvolution  # noqa: E402


def write_graph(folder: Path, seed: int = 0) -> dict[str, NDArray[np.float16]]:
    """Write a TensorFlow.js graph of HSE-FaceRes' layout with random numbers; return its arrays by name."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"conv1/convolution/merged_input": (3, 3, 3, FIRST)}
    shapes["conv1_bn/batchnorm_1/sub"] = (FIRST,)
    channels = FIRST
    for place, (width, _) in enumerate(BLOCKS, 1):
        shapes[f"conv_dw_{place}/depthwise_kernel"] = (3, 3, channels, 1)
        shapes[f"conv_dw_{place}_bn/batchnorm_1/mul"] = (channels,)
        shapes[f"conv_dw_{place}_bn/batchnorm_1/sub"] = (channels,)
        shapes[f"conv_pw_{place}/convolution/merged_input"] = (1, 1, channels, width)
        shapes[f"conv_pw_{place}_bn/batchnorm_1/sub"] = (width,)
        channels = width
    arrays = {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]) or 1)).astype(np.float16)
        for name, shape in shapes.items()
    }
    weights = [
        {"name": name, "shape": list(array.shape), "dtype": "float32", "quantization": {"dtype": "float16"}}
        for name, array in arrays.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_NAME).write_text(json.dumps({"weightsManifest": [{"weights": weights}]}), "utf-8")
    (folder / BINARY_NAME).write_bytes(b"".join(array.tobytes() for array in arrays.values()))
    return arrays


def test_the_network_computes_what_the_graph_says(tmp_path: Path) -> None:
    """The first three layers by hand: TensorFlow's padding, scales, summands, and a rectifier that is cut at 6."""
    arrays = {name: array.astype(np.float32) for name, array in write_graph(tmp_path).items()}
    network = MobileNet().eval()
    network.load(read_filters(tmp_path))
    picture = torch.randn(2, 1, 32, 32) * 20
    colour = F.pad(picture.expand(-1, 3, -1, -1), (0, 1, 0, 1))
    kernel = torch.from_numpy(arrays["conv1/convolution/merged_input"].transpose(3, 2, 0, 1).copy())
    expected = F.conv2d(colour, kernel, stride=2) + torch.from_numpy(arrays["conv1_bn/batchnorm_1/sub"])[:, None, None]
    expected = expected.clamp(0, 6)
    torch.testing.assert_close(network.layers[0](picture), expected, atol=1e-3, rtol=1e-4)
    kernel = torch.from_numpy(arrays["conv_dw_1/depthwise_kernel"].transpose(2, 3, 0, 1).copy())
    scale, summand = (torch.from_numpy(arrays[f"conv_dw_1_bn/batchnorm_1/{name}"]) for name in ("mul", "sub"))
    deep = F.conv2d(expected, kernel, padding=1, groups=FIRST) * scale[:, None, None] + summand[:, None, None]
    torch.testing.assert_close(network.layers[1](expected), deep.clamp(0, 6), atol=1e-3, rtol=1e-4)


def test_settling_keeps_what_the_network_computes(tmp_path: Path) -> None:
    write_graph(tmp_path)
    network = MobileNet(6).eval()
    network.load(read_filters(tmp_path))
    pictures = torch.randn(8, 1, 64, 64) * 50
    before = network(pictures).detach()
    network.settle(pictures)
    torch.testing.assert_close(network(pictures).detach(), before, rtol=1e-3, atol=1e-4)
    first = network.layers[0]
    assert isinstance(first, NormedConvolution)
    assert float(first.norm.running_var.mean()) != pytest.approx(1)  # type: ignore[union-attr]


@pytest.mark.parametrize("stride", [1, 2])
def test_the_fast_backward_pass_gives_the_inputs_gradient(stride: int) -> None:
    torch.manual_seed(0)
    filters, features = torch.randn(8, 1, 3, 3), torch.randn(2, 8, 12, 12, requires_grad=True)
    padded = F.pad(features, (0, 1, 0, 1)) if stride == 2 else F.pad(features, (1, 1, 1, 1))
    plain = F.conv2d(padded, filters, stride=stride, groups=8)
    wanted = torch.autograd.grad(plain.square().sum(), features)[0]
    fast = Depthwise.apply(features, filters, stride)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(fast, plain)
    torch.testing.assert_close(torch.autograd.grad(fast.square().sum(), features)[0], wanted)


def test_missing_and_foreign_files_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold"):
        read_filters(tmp_path)
    write_graph(tmp_path)
    (tmp_path / BINARY_NAME).write_bytes(b"short")
    with pytest.raises(DataError, match="belong together"):
        read_filters(tmp_path)
    (tmp_path / MANIFEST_NAME).write_text(json.dumps({"weightsManifest": []}), "utf-8")
    with pytest.raises(DataError, match="not HSE-FaceRes"):
        read_filters(tmp_path)
    (tmp_path / MANIFEST_NAME).write_text("{", "utf-8")
    with pytest.raises(DataError, match="not readable"):
        read_filters(tmp_path)
