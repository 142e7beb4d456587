"""The arrays of the sentence encoder: those of the original, and the rounded ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.training.quantise import Blocks

EPSILON: Final = 1e-12
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """The original.

    Attributes:
        arrays: Its arrays by name.
        tokenizer: Its tokenizer's file.
    """

    arrays: dict[str, Array]
    tokenizer: str

    def linear(self, name: str, inputs: Array) -> Array:
        """Return what a layer gives for inputs (T, K), shape (T, N)."""
        return np.asarray(inputs @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"], np.float32)

    def norm(self, name: str, inputs: Array) -> Array:
        """Return inputs (T, K) normalised, scaled and moved."""
        centred = inputs - inputs.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return np.asarray(centred / spread * self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"], np.float32)

    @property
    def places(self) -> Array:
        """What a piece's place adds, shape (512, 384); every text is of the first kind of two."""
        kinds = self.arrays["embeddings.token_type_embeddings.weight"]
        return np.asarray(self.arrays["embeddings.position_embeddings.weight"] + kinds[0], np.float32)


@dataclass(slots=True)
class Rounded:
    """The rounded network: the words' matrix, and by name the layers' matrices and biases."""

    words: Blocks
    layers: dict[str, Blocks] = field(default_factory=dict)
    biases: dict[str, Array] = field(default_factory=dict)
