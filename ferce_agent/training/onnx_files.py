"""ONNX files of trained networks: how they are written, and the card in their metadata."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ferce_agent.errors import MissingExtraError
from ferce_agent.weights.network_file import METADATA_KEY

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def write_network(network: nn.Module, path: Path, side: int, outputs: Sequence[str]) -> None:
    """Write a network as ONNX in single precision; input `pixels` (N, 1, side, side) float 0..255, any N.

    Args:
        network: Gives as many outputs as there are names.
        path: Where to write; its folder is made.
        side: Side of the pictures in pixels.
        outputs: Names of the outputs in the file.

    Raises:
        MissingExtraError: The `onnx` package is not installed.
    """
    try:
        import onnx  # noqa: F401  # torch's exporter needs it
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated in favour of one that needs a further package; it is all these networks
        # need.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 1, side, side),),
            str(path),
            input_names=["pixels"],
            output_names=list(outputs),
            dynamic_axes={name: {0: "n"} for name in ("pixels", *outputs)},
            opset_version=17,
            dynamo=False,
        )


def write_card(path: Path, card: DataclassInstance) -> None:
    """Store a card in the metadata of the ONNX file at `path`."""
    import onnx

    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(asdict(card))})
    onnx.save(model, path)
