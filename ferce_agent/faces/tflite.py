"""Networks in TensorFlow Lite's format, run by ai-edge-litert (optional)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.faces.landmark_files import HINT

Network = Callable[[NDArray[np.float32]], dict[int, NDArray[np.float64]]]
"""From an input to the outputs, flat, by how many numbers they have. Not to be called by two threads at once."""


def open_network(data: bytes, hint: str = HINT) -> Network:
    """Return a network with one input.

    Args:
        data: The file.
        hint: How to get it again where it cannot be used.

    Raises:
        MissingExtraError: ai-edge-litert is not installed.
        WeightsError: It is no such file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingExtraError("ai-edge-litert", "landmarks") from error
    try:
        with quiet():
            net: Any = Interpreter(model_content=data, num_threads=1)
            net.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WeightsError("A network out of MediaPipe's wheel cannot be used.", hint=hint) from error
    goes_in = net.get_input_details()[0]["index"]
    come_out = [(int(np.prod(one["shape"])), one["index"]) for one in net.get_output_details()]

    def run(values: NDArray[np.float32]) -> dict[int, NDArray[np.float64]]:
        net.set_tensor(goes_in, values)
        net.invoke()
        return {size: np.asarray(net.get_tensor(index), np.float64).ravel() for size, index in come_out}

    return run


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the C++ log of the interpreter's start off the terminal, where a progress bar may be."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
