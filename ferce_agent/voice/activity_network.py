"""Speech by a small network: Silero's detector (MIT), run in onnxruntime."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.voice.activity import FRAME
from ferce_agent.weights.network_file import NetworkFile, read_network

NETWORK_NAME: Final = "speech.onnx"
"""Its file among the shipped weights."""
CONTEXT: Final = 64
"""Samples before each frame that the network sees too."""
MOST_FRAMES: Final = 512
"""Frames of one run of the network, 16 seconds."""
COMMAND: Final = "python -m ferce_agent.training.speech"


def shipped() -> Path:
    """Return where the weights lie if they are installed."""
    return Path(str(files("ferce_agent.weights") / NETWORK_NAME))


def read_detector(path: Path | None = None) -> NetworkFile:
    """Read the network; it may be shared by any number of scorers.

    Args:
        path: Its file; None for the shipped one.

    Raises:
        WeightsError: The file is missing or no usable network.
    """
    return read_network(path or shipped(), 1, title="The weights of the speech detector", command=COMMAND)


class NetworkScorer:
    """See `ferce_agent.voice.activity.SpeechScorer`."""

    def __init__(self, network: NetworkFile) -> None:
        """Begin.

        Args:
            network: From `read_detector`.
        """
        self._session = network.session
        self.reset()

    def reset(self) -> None:
        """Forget what came before."""
        self._hidden: NDArray[np.float32] = np.zeros((1, 1, 128), np.float32)
        self._cell = self._hidden
        self._context: NDArray[np.float32] = np.zeros(CONTEXT, np.float32)

    def score(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's probabilities, shape (T,)."""
        parts = [self._run(frames[at : at + MOST_FRAMES]) for at in range(0, len(frames), MOST_FRAMES)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _run(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        before = np.concatenate([self._context[None], frames[:-1, FRAME - CONTEXT :]])
        self._context = frames[-1, FRAME - CONTEXT :].copy()
        inputs = {"input": np.concatenate([before, frames], axis=1), "h": self._hidden, "c": self._cell}
        scores, self._hidden, self._cell = self._session.run(None, inputs)
        return np.asarray(scores, np.float32).reshape(-1)
