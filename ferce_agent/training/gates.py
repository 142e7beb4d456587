"""`ferce train gates`: from FER+, generated coverings and non-faces to the shipped gate network.

The exported weights are an exponential moving average, as those of the specialist. Every patch is drawn from a seed,
the epoch and its number, so that a run that was stopped ends as if it had not been.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.face_places import places_of
from ferce_agent.training.gate_network import GateNet, GateTargets, gate_loss
from ferce_agent.training.gate_pictures import Faces, Studio
from ferce_agent.training.negatives import FER_NOT_A_FACE, make_pool, read_pictures
from ferce_agent.training.specialist import learning_rate, update_average

CHECKPOINT: Final = "gates.pt"


@dataclass(frozen=True, slots=True)
class GateRecipe:
    """Everything that decides the result of a training run; stored with the weights.

    Attributes:
        cycles: Epochs and highest learning rate of each one-cycle schedule of AdamW.
        patches: Patches in an epoch; none is shown twice.
        batch: Patches per step.
        weight_decay: Of AdamW.
        ema: Decay of the weight average per step.
        others: Size of the collection of non-faces.
        seed: Seed of weights and patches.
        limit: Use only so many faces (0 = all); for trying things out.
    """

    cycles: tuple[tuple[int, float], ...] = ((18, 0.002), (18, 0.0015))
    patches: int = 16000
    batch: int = 64
    weight_decay: float = 0.02
    ema: float = 0.99
    others: int = 14000
    seed: int = 7
    limit: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: A value is out of range.
        """
        fine = self.cycles and all(epochs >= 1 and rate > 0 for epochs, rate in self.cycles)
        if not fine or self.batch < 2 or self.patches < self.batch or not 0 < self.ema < 1:
            raise SettingsError("The recipe needs epochs >= 1, rate > 0, patches >= batch >= 2 and 0 < ema < 1.")

    @property
    def epochs(self) -> int:
        """Number of epochs of all cycles."""
        return sum(epochs for epochs, _ in self.cycles)

    def rate_at(self, epoch: int, share: float) -> float:
        """Return the learning rate in `epoch` (counted from 0) when `share` of it is done.

        Raises:
            SettingsError: The recipe has no such epoch.
        """
        for epochs, rate in self.cycles:
            if epoch < epochs:
                return learning_rate((epoch + share) / epochs, rate)
            epoch -= epochs
        raise SettingsError(f"The recipe has only {self.epochs} epochs.")

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.patches // self.batch


@dataclass(slots=True)
class GateLog:
    """What one epoch gave: number (from 0), mean training loss, wall-clock seconds."""

    epoch: int
    loss: float
    seconds: float


@dataclass(slots=True)
class GateState:
    """The mutable parts of a run, as saved in the checkpoint."""

    model: GateNet
    average: GateNet
    optimiser: torch.optim.AdamW
    epoch: int = 0
    logs: list[GateLog] = field(default_factory=list)


Tick = Callable[[int, float, float], None]
"""Progress callback: epoch (from 0), share of the epoch done (0..1), mean loss so far."""


def new_state(recipe: GateRecipe) -> GateState:
    """Build network, weight average and optimiser from the seed; HSE-FaceRes' filters are read by `train_gates`."""
    torch.manual_seed(recipe.seed)
    model = GateNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), recipe.cycles[0][1], weight_decay=recipe.weight_decay)
    return GateState(model, copy.deepcopy(model).eval(), optimiser)


def save_state(state: GateState, recipe: GateRecipe, path: Path) -> None:
    """Write the checkpoint so that a kill at any moment leaves the old or the new one, never half of one."""
    payload = {
        "recipe": asdict(recipe),
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "epoch": state.epoch,
        "logs": [asdict(log) for log in state.logs],
    }
    write_checkpoint(payload, path)


def load_state(path: Path, recipe: GateRecipe) -> GateState:
    """Read a checkpoint of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = read_checkpoint(path, asdict(recipe))
    state = new_state(recipe)
    state.model.load_state_dict(payload["model"])
    state.average.load_state_dict(payload["average"])
    state.optimiser.load_state_dict(payload["optimiser"])
    state.epoch = payload["epoch"]
    state.logs = [GateLog(**log) for log in payload["logs"]]
    return state


def make_studio(  # noqa: PLR0913
    data: Path, split: str, negatives: Path | None, out: Path, count: int, seed: int, limit: int = 0
) -> Studio:
    """Return what makes patches from a split of FER+ and from pictures without faces.

    Other splits than ``train`` take the held-out pictures.

    Args:
        data: Folder with FER+.
        split: Name of the split.
        negatives: A person's own pictures without faces, or None.
        out: Folder in which the places found in the split are kept.
        count: Size of the collection of non-faces.
        seed: Seed of that collection.
        limit: Use only so many faces (0 = all).

    Raises:
        DataError: A file is missing or damaged, or there is no usable face.
        WeightsError: The detector's weights are missing.
    """
    ferplus = load_split(data, split)
    faces = Faces.of(ferplus, places_of(out / f"{split}.places.npz", ferplus.images, f"Finding faces of {split}"))
    faces = Faces(*(array[: limit or None] for array in (faces.pictures, faces.landmarks, faces.roll)))
    if not len(faces):
        raise DataError(f"No face was found in the split {split}.", hint="Give the folder with FER+.")
    held_out = split != "train"
    strange = ferplus.images[ferplus.votes.argmax(1) == FER_NOT_A_FACE]
    rng = np.random.default_rng(seed)
    pool = make_pool(count, read_pictures(negatives, held_out=held_out), faces.pictures, strange, rng)
    return Studio(faces, pool)


def draw_batch(studio: Studio, recipe: GateRecipe, epoch: int, step: int) -> tuple[Tensor, GateTargets]:
    """Return the patches (N, 1, 64, 64) of one step and their targets; they depend on seed, epoch and step only."""
    patches, targets = [], []
    for index in range(recipe.batch):
        rng = np.random.default_rng((recipe.seed, epoch, step * recipe.batch + index))
        patch, target = studio.any(rng)
        patches.append(patch)
        targets.append(target)
    columns = (np.array(column, np.float32) for column in zip(*targets, strict=True))
    pixels = torch.from_numpy(np.stack(patches))[:, None].float()
    return pixels.contiguous(memory_format=torch.channels_last), GateTargets(*(torch.from_numpy(c) for c in columns))


def train_epoch(state: GateState, studio: Studio, recipe: GateRecipe, tick: Tick) -> float:
    """Run one epoch and return its mean loss."""
    state.model.train()
    total = 0.0
    for step in range(recipe.steps):
        rate = recipe.rate_at(state.epoch, step / recipe.steps)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        pixels, targets = draw_batch(studio, recipe, state.epoch, step)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = state.model(pixels)
        loss = gate_loss(outputs, targets)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        update_average(state.average, state.model, recipe.ema)
        total += float(loss.detach())
        tick(state.epoch, (step + 1) / recipe.steps, total / (step + 1))
    return total / recipe.steps


def train_gates(  # noqa: PLR0913
    studio: Studio,
    faceres: Path | None,
    out: Path,
    recipe: GateRecipe,
    tick: Tick | None = None,
    report: Callable[[GateLog], None] = print,
) -> GateState:
    """Train or continue a run in `out` and return its state; `out`/gates.pt is rewritten after every epoch.

    Args:
        studio: Makes the patches.
        faceres: Folder with HSE-FaceRes, from which a fresh run starts; None for random weights.
        out: Folder of the checkpoint.
        recipe: What to do.
        tick: Called after every step.
        report: Called after every epoch.

    Raises:
        DataError: HSE-FaceRes or an existing checkpoint cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / CHECKPOINT
    fresh = not checkpoint.exists()
    state = new_state(recipe) if fresh else load_state(checkpoint, recipe)
    if fresh and faceres is not None:
        state.model.start(faceres, torch.cat([draw_batch(studio, recipe, recipe.epochs, step)[0] for step in range(6)]))
        state.average.load_state_dict(state.model.state_dict())
    while state.epoch < recipe.epochs:
        began = time.perf_counter()
        torch.manual_seed(recipe.seed * 104729 + state.epoch)  # dropout
        loss = train_epoch(state, studio, recipe, tick or (lambda *_: None))
        log = GateLog(state.epoch, loss, time.perf_counter() - began)
        state.logs.append(log)
        state.epoch += 1
        save_state(state, recipe, checkpoint)
        report(log)
    return state
