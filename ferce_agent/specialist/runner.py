"""The specialist: a small ONNX network that gives calibrated probabilities of the eight expressions.

It also gives action units, the head pose and a feature vector. A *look* is one run of the network on one crop. The
weight file carries what is needed to use it right: label order, temperature, conformal and abstention thresholds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError, EngineError, WeightsError
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.adapter import Adapter, Correction, LoadedAdapter, check_weights, load_adapter
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.strangeness import Strangeness
from ferce_agent.weights.network_file import NetworkFile, read_network

WEIGHTS_NAME: Final = "specialist.int8.onnx"
"""The shipped file, whose convolutions compute with 8-bit integers.

`ferce train specialist` writes one in full precision beside it."""
FULL_NAME: Final = "specialist.onnx"
"""The file with weights in half precision that computes in single precision; made by training, not shipped."""
"""Key of the ONNX file's metadata under which the card stands as JSON."""

LEAST_SHARE: Final = 1e-9
"""Probabilities are cut here before their logarithm is adapted."""


@dataclass(frozen=True, slots=True)
class SpecialistCard:
    """What the weight file says about itself.

    Attributes:
        version: Version of the weights.
        labels: Label order of the output.
        crop: Side of the input in pixels.
        temperature: Divides the logits (temperature scaling).
        coverage: Coverage the conformal threshold was fitted for, 0..1 (see `ferce_agent.specialist.conformal`).
        conformal: Least probability to enter the prediction set, 0..1.
        abstain: Least confidence at which an expression is named, 0..1.
        units: Action units of the `units` output, in order; empty if the network has none.
        flattened: (amount, conformal, abstain) for flattened class priors, by rising amount from 0 to 1; fitted on the
            same data.
        prior: Share of each expression in the training votes, in label order; empty if not stored.
        sure: From this confidence on the crop's mirror image is not looked at as well; above 1 it always is.
        blendshapes: Movements of the `blendshapes` output, in order; empty if the network has none.
        strangeness: How unlike pictures as they are a face's features are, and the thresholds that follow from it;
            None if the weights were calibrated without. Where it is there, it is used in place of `flattened`.
    """

    version: str
    labels: tuple[str, ...]
    crop: int
    temperature: float
    coverage: float
    conformal: float
    abstain: float
    units: tuple[str, ...] = ()
    sure: float = 2.0
    prior: tuple[float, ...] = ()
    flattened: tuple[tuple[float, float, float], ...] = ()
    blendshapes: tuple[str, ...] = ()
    strangeness: Strangeness | None = None

    def thresholds(self, flatten: float, strangeness: float | None = None) -> tuple[float, float]:
        """Return the conformal and the abstention threshold for a class prior that was flattened so much (0..1).

        Between the amounts for which thresholds were fitted they are interpolated linearly. See `Specialist.perceive`
        for what flattening means.

        Args:
            flatten: The amount.
            strangeness: Of the face, as `SpecialistOutput.strangeness`; None for thresholds that do not depend on it.
        """
        if self.strangeness is not None and strangeness is not None:
            return self.strangeness.thresholds(flatten, strangeness)
        if not self.flattened:
            return self.conformal, self.abstain
        amounts, conformal, abstain = zip(*self.flattened, strict=True)
        return float(np.interp(flatten, amounts, conformal)), float(np.interp(flatten, amounts, abstain))

    @classmethod
    def from_json(cls, text: str) -> SpecialistCard:
        """Read the card from the weight file's metadata.

        Raises:
            WeightsError: A field is missing, or the labels are not the canonical eight.
        """
        try:
            stored = json.loads(text)
            lists = {name: tuple(stored.get(name, ())) for name in ("labels", "units", "prior", "blendshapes")}
            lists["flattened"] = tuple(tuple(row) for row in stored.get("flattened", ()))
            known = stored.get("strangeness")
            strangeness = None if known is None else Strangeness.from_fields(known)
            card = cls(**{**stored, **lists, "strangeness": strangeness})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsError("The specialist's metadata cannot be read.", hint="Export the weights again.") from error
        if card.labels != CANONICAL or card.crop != CROP_SIZE or card.temperature <= 0:
            raise WeightsError("The specialist was exported for other labels or crops.", hint="Export it again.")
        return card


@dataclass(frozen=True, slots=True)
class AdaptedCard(SpecialistCard):
    """The card of weights with an adapter, which scales the thresholds.

    Attributes:
        adapter: The adapter.
    """

    adapter: Adapter | None = None

    def thresholds(self, flatten: float, strangeness: float | None = None) -> tuple[float, float]:
        """Return the thresholds of `SpecialistCard.thresholds`, adapted."""
        shipped = SpecialistCard.thresholds(self, flatten, strangeness)
        return self.adapter.adapted(*shipped) if self.adapter is not None else shipped


@dataclass(frozen=True, slots=True)
class SpecialistOutput:
    """What the specialist says about one face.

    Attributes:
        probabilities: Calibrated, FER+ order, shape (8,); of the deployment, where there is an adapter.
        logits: Before the calibration, shape (8,).
        embedding: Features before the last layer, shape (256,).
        units: Intensity of each action unit, 0..1 (1 is the 99th percentile of the training faces); keys as the card's
            `units`.
        pose: Yaw, pitch and roll in degrees, as FSA-Net (Yang et al. 2019) counts them, which taught the network; None
            if the network has no such output. Reports use `ferce_agent.faces.pose` instead.
        blendshapes: Intensity 0..1 of each movement as MediaPipe's face landmarker names it, with the left and right
            of the person who is seen apart: each eye's lid and gaze, each mouth corner, the jaw. Keys as the card's
            `blendshapes`; empty if the network has no such output.
        strangeness: How unlike pictures as they are the face's features are (`ferce_agent.specialist.strangeness`);
            None if the weights were calibrated without.
    """

    probabilities: NDArray[np.float64]
    logits: NDArray[np.float64]
    embedding: NDArray[np.float32]
    units: dict[str, float]
    pose: tuple[float, float, float] | None
    blendshapes: dict[str, float] = field(default_factory=dict)
    strangeness: float | None = None


def mean_output(views: Sequence[SpecialistOutput]) -> SpecialistOutput:
    """Return the mean of what several looks at one face gave.

    The probabilities are averaged geometrically and scaled to sum to one; everything else arithmetically.

    Args:
        views: One output for each look, at least one.
    """
    poses = [view.pose for view in views if view.pose is not None]
    strange = [view.strangeness for view in views if view.strangeness is not None]
    yaw, pitch, roll = np.mean(poses, axis=0).tolist() if poses else (0.0, 0.0, 0.0)
    return SpecialistOutput(
        softmax(np.mean([np.log(view.probabilities) for view in views], axis=0)),
        np.mean([view.logits for view in views], axis=0),
        np.mean([view.embedding for view in views], axis=0).astype(np.float32),
        {name: float(np.mean([view.units[name] for view in views])) for name in views[0].units},
        (yaw, pitch, roll) if poses else None,
        {name: float(np.mean([view.blendshapes[name] for view in views])) for name in views[0].blendshapes},
        float(np.mean(strange)) if strange else None,
    )


@dataclass(frozen=True, slots=True)
class RawOutputs:
    """What the network gives for N faces.

    Attributes:
        logits: Shape (N, 8).
        embedding: Shape (N, 256).
        units: Action-unit intensities 0..1, shape (N, U); U may be 0.
        pose: Yaw, pitch, roll in degrees, shape (N, 3), or (N, 0).
        blendshapes: Intensities 0..1, shape (N, B); B may be 0.
    """

    logits: NDArray[np.float64]
    embedding: NDArray[np.float64]
    units: NDArray[np.float64]
    pose: NDArray[np.float64]
    blendshapes: NDArray[np.float64]


def shipped_weights() -> Path:
    """Return the path of the weights that come with the package."""
    return Path(str(resources.files("ferce_agent.weights"))) / WEIGHTS_NAME


def check_crops(crops: NDArray[np.uint8]) -> None:
    """Refuse crops of another shape or number type.

    Raises:
        EngineError: They are not uint8 grey levels, shape (N, 44, 44).
    """
    if crops.ndim != 3 or crops.shape[1:] != (CROP_SIZE, CROP_SIZE) or crops.dtype != np.uint8:
        raise EngineError(f"The specialist needs uint8 crops (N, {CROP_SIZE}, {CROP_SIZE}), not {crops.shape}.")


def _mirrored(name: str) -> str:
    """Return a blendshape's name with left and right exchanged."""
    return name.replace("Left", "*").replace("Right", "Left").replace("*", "Right")


class Specialist:
    """Runs the network with onnxruntime. Loaded on first use; safe to share between threads."""

    def __init__(self, path: Path | None = None, threads: int = 2, adapter: Path | None = None) -> None:
        """Remember what to load; nothing is read yet.

        Args:
            path: Weight file; default: the shipped one.
            threads: Threads of the network.
            adapter: File of `ferce adapt`; None for the answers as they are.
        """
        self._given = path
        self._adapter = adapter
        self.threads = threads

    @property
    def path(self) -> Path:
        """The weight file in use."""
        return self._given if self._given is not None else shipped_weights()

    @property
    def sha256(self) -> str:
        """SHA-256 digest, in hexadecimal, of the very bytes that the network was made from.

        Raises:
            WeightsError: The weight file is missing or unusable.
        """
        return self._loaded.sha256

    @lazy_property
    def card(self) -> SpecialistCard:
        """What the weight file says about itself; with an adapter, its thresholds are adapted.

        Raises:
            WeightsError: The weight file is missing or unusable, or its card cannot be read.
            DataError: There is an adapter, and it cannot be used.
        """
        card = SpecialistCard.from_json(self._loaded.card)
        known = self.adapter
        if known is None:
            return card
        return AdaptedCard(**{one.name: getattr(card, one.name) for one in fields(card)}, adapter=known.adapter)

    @lazy_property
    def adapter(self) -> LoadedAdapter | None:
        """The adapter, read once; None if there is none.

        Raises:
            DataError: It cannot be read, or belongs to other weights.
            WeightsError: The weight file is missing or unusable.
        """
        if self._adapter is None:
            return None
        known = load_adapter(self._adapter)
        check_weights(known.adapter, self.sha256)
        return known

    @property
    def _session(self) -> Any:
        return self._loaded.session

    @lazy_property
    def _loaded(self) -> NetworkFile:
        """The network, read once: a file that is replaced later changes neither digest nor answers of this object."""
        command = "ferce train specialist --data DIR"
        return read_network(self.path, self.threads, title="The specialist's weights", command=command)

    def run(self, crops: NDArray[np.uint8], *, twice: bool = False) -> RawOutputs:
        """Return the network's outputs for aligned crops.

        Each face is looked at once; where the answer is not sure (see the card), the mirror image is looked at too and
        the outputs are averaged, which makes the answer better and the same for a photo and its mirror image. Yaw and
        roll of the mirror image count with the opposite sign.

        Args:
            crops: uint8 grey levels, shape (N, 44, 44).
            twice: Look at all mirror images, sure or not.

        Raises:
            EngineError: The crops have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        check_crops(crops)
        values = self.look(crops)
        unsure = (softmax(values["logits"], self.card.temperature).max(1) < self.card.sure) | twice
        if unsure.any():
            mirrored = self.look(crops[unsure, :, ::-1])
            if mirrored["pose"].shape[1]:
                mirrored["pose"] *= [-1, 1, -1]
            mirrored["blendshapes"] = mirrored["blendshapes"][:, self._other_side]
            for name, value in values.items():
                value[unsure] = (value[unsure] + mirrored[name]) / 2
        return RawOutputs(**values)

    def movements(self, crops: NDArray[np.uint8]) -> list[dict[str, float]]:
        """Return only the action units of aligned crops, for uses in which no expression may be inferred.

        The network's output of expressions is not asked for. Each face is looked at together with its mirror image.

        Args:
            crops: uint8 grey levels, shape (N, 44, 44).

        Returns:
            For each crop the intensity of each action unit, 0..1, by id; empty if the weights measure none.

        Raises:
            EngineError: The crops have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        check_crops(crops)
        if not self.card.units:
            return [{} for _ in crops]
        views = [np.ascontiguousarray(view[:, None], np.float32) for view in (crops, crops[:, :, ::-1])]
        looked = [np.asarray(self._session.run(["units"], {"pixels": view})[0], np.float64) for view in views]
        found = np.stack(looked).mean(0)
        if not np.isfinite(found).all():
            raise EngineError("The specialist gave numbers that are not finite.", hint="Check the weights.")
        return [dict(zip(self.card.units, row.tolist(), strict=False)) for row in found]

    def intensities(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return action units and blendshapes of aligned crops, for clips in which no expression may be inferred.

        The network's output of expressions is not asked for. Each face is looked at once.

        Args:
            crops: uint8 grey levels, shape (N, 44, 44).

        Returns:
            Intensities 0..1, shapes (N, U) and (N, B), in the card's order; no columns where the weights have none.

        Raises:
            EngineError: The crops have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        check_crops(crops)
        names = [name for name in ("units", "blendshapes") if name in self._loaded.outputs]
        pixels = np.ascontiguousarray(crops[:, None], np.float32)
        found = dict(zip(names, self._session.run(names, {"pixels": pixels}) if names else [], strict=True))
        values = [
            np.asarray(found.get(name, np.zeros((len(crops), 0))), np.float64) for name in ("units", "blendshapes")
        ]
        if not all(np.isfinite(value).all() for value in values):
            raise EngineError("The specialist gave numbers that are not finite.", hint="Check the weights.")
        return values[0], values[1]

    @lazy_property
    def _other_side(self) -> list[int]:
        """Place of each blendshape's counterpart on the other side of the face; its own where it has none."""
        names = self.card.blendshapes
        return [names.index(other) if (other := _mirrored(name)) in names else at for at, name in enumerate(names)]

    @lazy_property
    def log_prior(self) -> NDArray[np.float64]:
        """Logarithm of the training prior, shape (8,); zero if the weights do not store it."""
        return np.log(self.card.prior) if len(self.card.prior) == len(CANONICAL) else np.zeros(len(CANONICAL))

    def check_adapter(self, flatten: float) -> Adapter | None:
        """Return the adapter, if there is one; refuse one that was fitted for another amount of flattening.

        Raises:
            DataError: It cannot be used.
            WeightsError: The weight file is missing or unusable.
        """
        if self.adapter is None:
            return None
        known = self.adapter.adapter
        if abs(known.flatten - flatten) > 1e-9:
            raise DataError(
                f"The adapter was fitted for flatten={known.flatten:g}, not {flatten:g}.",
                hint="Give the setting the same value, or make the adapter again: ferce adapt --data DIR",
            )
        return known

    @lazy_property
    def _correction(self) -> Correction | None:
        if self.adapter is None:
            return None
        width = int(self.look(np.zeros((1, CROP_SIZE, CROP_SIZE), np.uint8))["embedding"].shape[1])
        return self.adapter.adapter.correction(width)

    def _adapted(self, scores: NDArray[np.float64], raw: RawOutputs, flatten: float) -> NDArray[np.float64]:
        """Return the probabilities of scores: the one place where an adapter changes them."""
        shares = softmax(scores)
        if self.check_adapter(flatten) is None or self._correction is None:
            return shares
        return self._correction(np.log(np.maximum(shares, LEAST_SHARE)), raw.embedding)

    def look(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        """Run the network once on crops (N, 44, 44), uint8, without mirror images.

        Returns:
            The arrays of `RawOutputs` by name; outputs that the weights do not have come with no columns.

        Raises:
            EngineError: The network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
        """
        found = self._session.run(None, {"pixels": np.ascontiguousarray(crops[:, None], np.float32)})
        values = {name: np.asarray(value, np.float64) for name, value in zip(self._loaded.outputs, found, strict=True)}
        if not np.isfinite(values["logits"]).all():
            raise EngineError("The specialist gave numbers that are not finite.", hint="Check the weights.")
        nothing = np.zeros((len(crops), 0))
        return {name: values.get(name, nothing) for name in ("logits", "embedding", "units", "pose", "blendshapes")}

    def perceive(
        self, crops: NDArray[np.uint8], flatten: float = 0.0, *, twice: bool = False
    ) -> list[SpecialistOutput]:
        """Return what the network reads in aligned crops (N, 44, 44), with calibrated probabilities.

        Args:
            crops: uint8 grey levels.
            flatten: How much of the training data's class prior is taken off, 0..1: the probabilities are
                softmax(logits / temperature - flatten * log(prior)) (logit adjustment, Menon et al. 2021). A third of
                the FER+ votes are neutral and one in a hundred is disgust; other pictures are not so.
            twice: Look at all mirror images, sure or not.

        Raises:
            EngineError: The crops have another shape, or the network gave numbers that are not finite.
            WeightsError: The weight file is missing or unusable.
            DataError: There is an adapter, and it cannot be used, or was fitted for another `flatten`.
        """
        raw = self.run(crops, twice=twice)
        probabilities = self._adapted(raw.logits / self.card.temperature - flatten * self.log_prior, raw, flatten)
        strangeness = self.card.strangeness(raw.embedding) if self.card.strangeness else None
        return [
            SpecialistOutput(
                probabilities[index],
                raw.logits[index],
                raw.embedding[index].astype(np.float32),
                dict(zip(self.card.units, raw.units[index].tolist(), strict=False)),
                tuple(raw.pose[index].tolist()) if raw.pose.shape[1] else None,
                dict(zip(self.card.blendshapes, raw.blendshapes[index].tolist(), strict=False)),
                None if strangeness is None else float(strangeness[index]),
            )
            for index in range(len(crops))
        ]
