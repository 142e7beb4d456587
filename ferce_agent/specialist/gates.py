"""The gate network: how far a face is turned, whether it is a photographed human face, and what of it is covered.

It looks at a patch around every detection (`faces.patch`) before anything is claimed about it. The weight file carries
the thresholds with it, and says on which data they were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.patch import PATCH_SIDE
from ferce_agent.weights.network_file import NetworkFile, read_network

GATES_NAME: Final = "gates.onnx"
REGIONS: Final = ("eyes", "nose", "mouth")
"""Regions of a face whose covering is told, in the order of the output `covered`."""
OUTPUTS: Final = {"turn": 2, "human": 1, "drawn": 1, "covered": len(REGIONS)}
"""Outputs of the network with their columns: cosine and sine of the roll, then probabilities."""
BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class GateCard:
    """What the weight file says about itself.

    Attributes:
        version: Version of the weights.
        patch: Side of the input in pixels.
        human: Least `human` of what counts as a human face.
        drawn: `drawn` from which on a face is called a drawing, statue, toy or print.
        covered: By region, `covered` from which on it is called covered.
        certain: Least `certain` at which the roll is to be relied on.
        data: What the thresholds were chosen on, in words.
    """

    version: str
    patch: int
    human: float
    drawn: float
    covered: dict[str, float]
    certain: float
    data: str = ""

    @classmethod
    def from_json(cls, text: str) -> GateCard:
        """Read the card from the weight file's metadata.

        Raises:
            WeightsError: A field is missing, or the weights are for other patches or regions.
        """
        try:
            card = cls(**json.loads(text))
            limits = [float(card.human), float(card.drawn), float(card.certain), *map(float, card.covered.values())]
        except (ValueError, TypeError, AttributeError) as error:
            raise WeightsError("The gate network's metadata cannot be read.", hint="Export it again.") from error
        fits = card.patch == PATCH_SIDE and set(card.covered) == set(REGIONS)
        if not fits or not all(0 <= limit <= 1 for limit in limits):
            raise WeightsError("The gate network was exported for other patches or regions.", hint="Export it again.")
        return card


@dataclass(frozen=True, slots=True)
class GateReading:
    """What the gate network says about one detection.

    Attributes:
        roll: In-plane rotation of the head in degrees, -180..180; positive: turned clockwise as seen in the picture.
        certain: How sure the roll is, 0..1: the length of the mean (cosine, sine).
        human: Probability of a photographed human face, 0..1.
        drawn: Probability of a drawing, statue, toy or print, 0..1.
        covered: By region ("eyes", "nose", "mouth"), the probability that most of it is covered, 0..1.
    """

    roll: float
    certain: float
    human: float
    drawn: float
    covered: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A weight file in memory, and its card."""

    file: NetworkFile
    card: GateCard


def shipped_gates() -> Path:
    """Return the path of the weights that come with the package."""
    return Path(str(resources.files("ferce_agent.weights"))) / GATES_NAME


class Gates:
    """Runs the gate network with onnxruntime. Loaded on first use; safe to share between threads."""

    def __init__(self, path: Path | None = None, threads: int = 2) -> None:
        """Remember what to load; nothing is read yet.

        Args:
            path: Weight file; default: the shipped one.
            threads: Threads of the network.
        """
        self._given = path
        self.threads = threads

    @property
    def path(self) -> Path:
        """The weight file in use."""
        return self._given if self._given is not None else shipped_gates()

    @property
    def sha256(self) -> str:
        """Digest of the weights in use: of the very bytes that the network was made from."""
        return self._loaded.file.sha256

    @property
    def card(self) -> GateCard:
        """The weight file's own account of itself."""
        return self._loaded.card

    @lazy_property
    def _loaded(self) -> _Loaded:
        """The network, read once: a file that is replaced later changes nothing of this object."""
        command = "ferce train gates --data DIR"
        file = read_network(self.path, self.threads, title="The gate network's weights", command=command)
        if set(file.outputs) != set(OUTPUTS):
            raise WeightsError(f"{self.path.name} is no gate network: it gives {sorted(file.outputs)}.")
        return _Loaded(file, GateCard.from_json(file.card))

    def run(self, patches: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        """Return the raw outputs for N patches by name, each of shape (N, columns of `OUTPUTS`).

        Args:
            patches: uint8 grey levels, shape (N, 64, 64).

        Raises:
            EngineError: The patches have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        if patches.ndim != 3 or patches.shape[1:] != (PATCH_SIDE, PATCH_SIDE) or patches.dtype != np.uint8:
            raise EngineError(f"The gates need uint8 patches (N, {PATCH_SIDE}, {PATCH_SIDE}), not {patches.shape}.")
        session = self._loaded.file.session
        parts: dict[str, list[NDArray[np.float64]]] = {name: [np.zeros((0, OUTPUTS[name]))] for name in OUTPUTS}
        for start in range(0, len(patches), BATCH):
            batch = np.ascontiguousarray(patches[start : start + BATCH, None], np.float32)
            for name, found in zip(OUTPUTS, session.run(list(OUTPUTS), {"pixels": batch}), strict=True):
                parts[name].append(np.asarray(found, np.float64).reshape(len(batch), OUTPUTS[name]))
        values = {name: np.concatenate(rows) for name, rows in parts.items()}
        if not all(np.isfinite(value).all() for value in values.values()):
            raise EngineError("The gate network gave numbers that are not finite.", hint="Check the weights.")
        return values

    def look(self, patches: NDArray[np.uint8]) -> list[GateReading]:
        """Return what the network says about each patch (see `faces.patch.gate_patch`).

        Args:
            patches: uint8 grey levels, shape (N, 64, 64); N may be 0.

        Raises:
            EngineError: The patches have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        values = self.run(patches)
        roll = np.degrees(np.arctan2(values["turn"][:, 1], values["turn"][:, 0]))
        certain = np.hypot(values["turn"][:, 0], values["turn"][:, 1]).clip(0, 1)
        return [
            GateReading(
                float(roll[index]),
                float(certain[index]),
                float(values["human"][index, 0]),
                float(values["drawn"][index, 0]),
                _by_region(values["covered"][index].tolist()),
            )
            for index in range(len(patches))
        ]


def _by_region(values: Sequence[float]) -> dict[str, float]:
    return dict(zip(REGIONS, values, strict=True))
