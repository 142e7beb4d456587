"""`ferce train specialist`: from FER+ votes to the checkpoint that `export` turns into the shipped ONNX file.

The loss is the cross-entropy to the annotators' vote distribution (Barsoum et al. 2016). The resolution grows during training
(32 pixels first, then 44), which makes the early epochs twice as fast. The evaluated and exported weights are an
exponential moving average.
"""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.ferplus import FerPlus, load_split, vote_targets
from ferce_agent.training.augment import augment, centre_crop
from ferce_agent.training.network import BLOCKS, WIDTHS, ExpressionNet


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the result of a training run; stored with the weights.

    Attributes:
        schedule: (crop side in pixels, epochs) pairs, in order.
        finish: Epochs after the schedule with gentle augmentation, so that the network ends on pictures like those it will see.
        finish_rate: Learning rate at the start of those; it falls linearly to zero.
        batch: Pictures per step.
        peak_rate: Highest learning rate of the one-cycle schedule.
        weight_decay: L2 penalty of SGD.
        ema: Decay of the weight average per step.
        seed: Seed of weights, order and augmentation.
        limit: Use only so many training pictures (0 = all); for trying things out.
        widths: Channels per stage.
        blocks: Residual blocks per stage.
    """

    schedule: tuple[tuple[int, int], ...] = ((32, 10), (44, 7))
    finish: int = 3
    finish_rate: float = 0.02
    batch: int = 96
    peak_rate: float = 0.08
    weight_decay: float = 5e-4
    ema: float = 0.998
    seed: int = 7
    limit: int = 0
    widths: tuple[int, ...] = WIDTHS
    blocks: tuple[int, ...] = BLOCKS

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: A value is out of range.
        """
        if self.batch < 2 or self.main_epochs < 1 or self.finish < 0 or not 0 < self.ema < 1 or self.peak_rate <= 0:
            raise SettingsError("The recipe needs batch >= 2, epochs >= 1, 0 < ema < 1 and a positive rate.")

    @property
    def epochs(self) -> int:
        """Total number of epochs."""
        return self.main_epochs + self.finish

    @property
    def main_epochs(self) -> int:
        """Epochs of the schedule, without the finish."""
        return sum(epochs for _, epochs in self.schedule)

    def rate_at(self, epoch: int, share: float) -> float:
        """Return the learning rate in `epoch` (counted from 0) when `share` of it is done."""
        if epoch < self.main_epochs:
            return learning_rate((epoch + share) / self.main_epochs, self.peak_rate)
        return self.finish_rate * (1 - (epoch - self.main_epochs + share) / self.finish)

    def size_at(self, epoch: int) -> int:
        """Return the crop side in pixels used in `epoch` (counted from 0)."""
        for size, epochs in self.schedule:
            if epoch < epochs:
                return size
            epoch -= epochs
        return self.schedule[-1][0]


@dataclass(slots=True)
class EpochLog:
    """What one epoch gave: training loss, validation soft-vote loss and majority-vote accuracy, seconds."""

    epoch: int
    size: int
    loss: float
    valid_loss: float
    valid_accuracy: float
    seconds: float


@dataclass(slots=True)
class TrainState:
    """The mutable parts of a run, as saved in the checkpoint."""

    model: ExpressionNet
    average: ExpressionNet
    optimiser: torch.optim.SGD
    epoch: int = 0
    logs: list[EpochLog] = field(default_factory=list)


Tick = Callable[[int, float, float], None]
"""Progress callback: epoch (from 0), share of the epoch done (0..1), mean loss so far."""


def learning_rate(progress: float, peak: float) -> float:
    """One-cycle schedule: linear rise over the first 15 %, cosine fall to zero; `progress` in 0..1."""
    if progress < 0.15:
        return peak * (0.04 + 0.96 * progress / 0.15)
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - 0.15) / 0.85))


def new_state(recipe: Recipe) -> TrainState:
    """Build network, weight average and optimiser from the seed."""
    torch.manual_seed(recipe.seed)
    model = ExpressionNet(recipe.widths, recipe.blocks)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        model.parameters(), recipe.peak_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    return TrainState(model, copy.deepcopy(model).eval(), optimiser)


def save_checkpoint(state: TrainState, recipe: Recipe, path: Path) -> None:
    """Write the checkpoint so that a kill at any moment leaves the old or the new one, never half of one."""
    payload = {
        "recipe": asdict(recipe),
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "epoch": state.epoch,
        "logs": [asdict(log) for log in state.logs],
    }
    partial = path.with_suffix(".partial")
    torch.save(payload, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, recipe: Recipe) -> TrainState:
    """Read a checkpoint of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    try:
        payload = torch.load(path, weights_only=True)
        found = json.dumps(payload["recipe"])
    except (OSError, RuntimeError, KeyError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise DataError(f"{path.name} is not a checkpoint of this trainer.", hint="Delete it to start anew.") from error
    if found != json.dumps(asdict(recipe)):
        raise DataError("The checkpoint was made with another recipe.", hint="Use another output folder or delete it.")
    state = new_state(recipe)
    state.model.load_state_dict(payload["model"])
    state.average.load_state_dict(payload["average"])
    state.optimiser.load_state_dict(payload["optimiser"])
    state.epoch = payload["epoch"]
    state.logs = [EpochLog(**log) for log in payload["logs"]]
    return state


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights (and batch-norm statistics) a step towards the model."""
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


@torch.no_grad()
def predict(model: nn.Module, images: np.ndarray, size: int, batch: int = 256) -> Tensor:
    """Return logits (N, 8) for uint8 pictures (N, 48, 48), centre crop, no mirroring."""
    model.eval()
    chunks = torch.split(torch.from_numpy(images).unsqueeze(1), batch)
    return torch.cat([model(centre_crop(chunk.float(), size))[0] for chunk in chunks])


def training_arrays(data: FerPlus, limit: int) -> tuple[Tensor, Tensor]:
    """Return usable pictures (N, 1, 48, 48) uint8 and soft targets (N, 8)."""
    targets, usable = vote_targets(data.votes)
    keep = np.flatnonzero(usable)[: limit or None]
    return torch.from_numpy(data.images[keep]).unsqueeze(1), torch.from_numpy(targets[keep])


def batches(count: int, recipe: Recipe, epoch: int) -> Iterator[Tensor]:
    """Yield index tensors of one epoch in an order that depends on seed and epoch only; the short rest is left out."""
    rng = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
    order = torch.randperm(count, generator=rng)
    size = min(recipe.batch, count)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def train_epoch(state: TrainState, arrays: tuple[Tensor, Tensor], recipe: Recipe, tick: Tick) -> float:
    """Run one epoch and return its mean loss."""
    pictures, targets = arrays
    rng = torch.Generator().manual_seed(recipe.seed * 7919 + state.epoch)
    size, gentle = recipe.size_at(state.epoch), state.epoch >= recipe.main_epochs
    plan = list(batches(len(pictures), recipe, state.epoch))
    state.model.train()
    total = 0.0
    for index, chosen in enumerate(plan):
        rate = recipe.rate_at(state.epoch, index / len(plan))
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        crops = augment(pictures[chosen].float(), size, rng, gentle=gentle).to(memory_format=torch.channels_last)
        loss = F.cross_entropy(state.model(crops)[0], targets[chosen])
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        update_average(state.average, state.model, recipe.ema)
        total += float(loss.detach())
        tick(state.epoch, (index + 1) / len(plan), total / (index + 1))
    return total / len(plan)


def validate(state: TrainState, data: FerPlus, size: int) -> tuple[float, float]:
    """Return (soft-vote cross-entropy, majority-vote accuracy) of the averaged weights on usable pictures."""
    targets, usable = vote_targets(data.votes)
    goal = torch.from_numpy(targets[usable])
    logits = predict(state.average, data.images[usable], size)
    loss = float(F.cross_entropy(logits, goal))
    return loss, float((logits.argmax(1) == goal.argmax(1)).float().mean())


def train(
    data_folder: Path, out: Path, recipe: Recipe, tick: Tick | None = None, report: Callable[[EpochLog], None] = print
) -> TrainState:
    """Train or continue a run in `out` and return its state; `out`/checkpoint.pt is rewritten after every epoch.

    A run that was stopped continues at the last finished epoch and ends as if it had not been stopped (same thread count).

    Raises:
        DataError: The data folder or an existing checkpoint cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    state = load_checkpoint(checkpoint, recipe) if checkpoint.exists() else new_state(recipe)
    arrays = training_arrays(load_split(data_folder, "train"), recipe.limit)
    if len(arrays[0]) < 2:
        raise DataError("The training split has fewer than two usable pictures.")
    valid = load_split(data_folder, "valid")
    while state.epoch < recipe.epochs:
        began = time.perf_counter()
        torch.manual_seed(recipe.seed * 104729 + state.epoch)  # dropout
        size = recipe.size_at(state.epoch)
        loss = train_epoch(state, arrays, recipe, tick or (lambda *_: None))
        valid_loss, accuracy = validate(state, valid, size)
        log = EpochLog(state.epoch, size, loss, valid_loss, accuracy, time.perf_counter() - began)
        state.logs.append(log)
        state.epoch += 1
        save_checkpoint(state, recipe, checkpoint)
        report(log)
    return state
