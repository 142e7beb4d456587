"""`ferce train specialist`: from FER+ votes to the checkpoint that `export` turns into the shipped ONNX file.

The network starts from dlib's face network (`backbone`) and learns three things jointly: the annotators' vote
distribution (cross-entropy, Barsoum et al. 2016), action units and head pose as two teachers see them (`teachers`;
masked where the landmarker found no face). Pictures of rare classes are repeated within an epoch (repeat-factor
sampling, Gupta et al. 2019). A cycle may be taught by an ensemble of the network's own snapshots: its target is then a
mixture of the votes and of what the averaged weights said at the end of the cycles before (Furlanello et al. 2018,
Huang et al. 2017). The evaluated and exported weights are an exponential moving average.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.ferplus import load_split, vote_targets
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.training.augment import Crops, augment, centre_crop
from ferce_agent.training.backbone import backbone_file, read_layers
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.network import POSE_SCALE, UNITS, FaceNet, Outputs, settle_norms
from ferce_agent.training.teachers import TeacherLabels, unit_targets


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the result of a training run; stored with the weights.

    Attributes:
        cycles: Per cycle: epochs with full augmentation and the highest learning rate of their one-cycle schedule; then
            epochs with gentle augmentation, so that the network ends on pictures like those it will see, and their
            first learning rate, which falls linearly to zero.
        taught: Per cycle, the share of the target that comes from the network's own earlier answers: those at the end
            of every cycle before, the latest counting half (a snapshot ensemble, Huang et al. 2017); cycles not named
            have none.
        batch: Pictures per step.
        weight_decay: L2 penalty of SGD.
        ema: Decay of the weight average per step.
        common: Share of the votes from which on a class is not repeated; a class with share f is repeated sqrt(common /
            f) times.
        unit_weight: Weight of the action-unit loss.
        pose_weight: Weight of the head-pose loss.
        backbone: Whether to start from dlib's face network rather than from random weights.
        seed: Seed of weights, order and augmentation.
        limit: Use only so many training pictures (0 = all); for trying things out.
    """

    cycles: tuple[tuple[int, float, int, float], ...] = (
        (14, 0.03, 2, 0.004),
        (1, 0.015, 6, 0.015),
        (2, 0.02, 12, 0.02),
    )
    taught: tuple[float, ...] = ()
    batch: int = 64
    weight_decay: float = 5e-4
    ema: float = 0.998
    common: float = 0.1
    unit_weight: float = 0.5
    pose_weight: float = 0.2
    backbone: bool = True
    seed: int = 7
    limit: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: A value is out of range.
        """
        fine = all(main >= 1 and rate > 0 and gentle >= 0 and last > 0 for main, rate, gentle, last in self.cycles)
        if (
            not self.cycles
            or not fine
            or self.batch < 2
            or not 0 < self.ema < 1
            or any(not 0 <= part <= 1 for part in self.taught)
        ):
            raise SettingsError("The recipe needs batch >= 2, epochs >= 1, 0 < ema < 1 and a positive rate.")

    @property
    def total(self) -> int:
        """Number of epochs."""
        return sum(main + gentle for main, _, gentle, _ in self.cycles)

    def taught_in(self, cycle: int) -> float:
        """Return the share of the network's own answers in a cycle's targets."""
        return self.taught[cycle] if cycle < len(self.taught) else 0.0

    def place(self, epoch: int) -> tuple[int, int]:
        """Return (cycle, epoch within it) of `epoch`, all counted from 0."""
        for index, (main, _, gentle, _) in enumerate(self.cycles):
            if epoch < main + gentle:
                return index, epoch
            epoch -= main + gentle
        raise SettingsError(f"The recipe has only {self.total} epochs.")

    def is_gentle(self, epoch: int) -> bool:
        """Return whether `epoch` is one of the gentle ones at the end of a cycle."""
        cycle, inside = self.place(epoch)
        return inside >= self.cycles[cycle][0]

    def rate_at(self, epoch: int, share: float) -> float:
        """Return the learning rate in `epoch` (counted from 0) when `share` of it is done."""
        cycle, inside = self.place(epoch)
        main, peak, gentle, last = self.cycles[cycle]
        if inside < main:
            return learning_rate((inside + share) / main, peak)
        return last * (1 - (inside - main + share) / gentle)

    def and_taught(self) -> Recipe:
        """Return the recipe with one more short cycle.

        Half its target is the ensemble of the network's earlier answers.
        """
        taught = tuple(self.taught_in(cycle) for cycle in range(len(self.cycles)))
        return replace(self, cycles=(*self.cycles, (1, 0.01, 2, 0.012)), taught=(*taught, 0.5))


@dataclass(slots=True)
class EpochLog:
    """What one epoch gave.

    Attributes:
        epoch: Number, from 0.
        loss: Mean training loss.
        valid_loss: Cross-entropy to the votes on the validation split.
        valid_accuracy: Accuracy against the majority vote there.
        valid_units: Mean correlation with the landmarker's action units there; 0 without teacher labels.
        seconds: Wall-clock time.
    """

    epoch: int
    loss: float
    valid_loss: float
    valid_accuracy: float
    valid_units: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Examples:
    """Training or validation pictures with their targets, all of length N.

    Attributes:
        pictures: uint8, shape (N, 1, 48, 48).
        votes: Vote distribution over the eight expressions, shape (N, 8).
        units: Action-unit targets 0..1, shape (N, 16).
        pose: Yaw, pitch, roll divided by `POSE_SCALE`, shape (N, 3).
        found: 1 where the landmarker found a face, else 0; shape (N,).
    """

    pictures: Tensor
    votes: Tensor
    units: Tensor
    pose: Tensor
    found: Tensor

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)


@dataclass(slots=True)
class TrainState:
    """The mutable parts of a run, as saved in the checkpoint; `taught` are the network's own answers, shape (N, 8)."""

    model: FaceNet
    average: FaceNet
    optimiser: torch.optim.SGD
    taught: Tensor | None = None
    epoch: int = 0
    logs: list[EpochLog] = field(default_factory=list)


Tick = Callable[[int, float, float], None]
"""Progress callback: epoch (from 0), share of the epoch done (0..1), mean loss so far."""


def learning_rate(progress: float, peak: float, rise: float = 0.15) -> float:
    """One-cycle schedule: linear rise over the first part `rise`, cosine fall to zero; `progress` in 0..1."""
    if progress < rise:
        return peak * (0.04 + 0.96 * progress / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))


def new_state(recipe: Recipe) -> TrainState:
    """Build network, weight average and optimiser from the seed; dlib's filters are read by `train`."""
    torch.manual_seed(recipe.seed)
    model = FaceNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        model.parameters(), recipe.cycles[0][1], momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    return TrainState(model, copy.deepcopy(model).eval(), optimiser)


def save_checkpoint(state: TrainState, recipe: Recipe, path: Path) -> None:
    """Write the checkpoint so that a kill at any moment leaves the old or the new one, never half of one."""
    payload = {
        "recipe": asdict(recipe),
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "taught": state.taught,
        "epoch": state.epoch,
        "logs": [asdict(log) for log in state.logs],
    }
    write_checkpoint(payload, path)


def load_checkpoint(path: Path, recipe: Recipe) -> TrainState:
    """Read a checkpoint of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = read_checkpoint(path, asdict(recipe))
    state = new_state(recipe)
    state.model.load_state_dict(payload["model"])
    state.average.load_state_dict(payload["average"])
    state.optimiser.load_state_dict(payload["optimiser"])
    state.taught = payload["taught"]
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
def predict(model: FaceNet, images: Tensor, batch: int = 128) -> Outputs:
    """Return the outputs for uint8 pictures (N, 1, 48, 48), centre crop, no mirroring."""
    model.eval()
    parts = [model(centre_crop(chunk.float())) for chunk in torch.split(images, batch)]
    return Outputs(*(torch.cat(column) for column in zip(*parts, strict=True)))


def load_examples(folder: Path, split: str, labels: Path | None, limit: int = 0) -> Examples:
    """Read the usable pictures of a split with their targets; teacher labels from `labels`/`split`.npz where given.

    Raises:
        DataError: A file is missing or damaged.
    """
    data = load_split(folder, split)
    votes, usable = vote_targets(data.votes)
    keep = np.flatnonzero(usable)[: limit or None]
    if len(keep) < 2:
        raise DataError(f"The split {split} has fewer than two usable pictures.")
    units = np.zeros((len(data), len(UNITS)), np.float32)
    pose, found = np.zeros((len(data), 3), np.float32), np.zeros(len(data), np.bool_)
    if labels is not None:
        teacher = TeacherLabels.load(labels / f"{split}.npz", len(data))
        units, pose, found = unit_targets(teacher), teacher.pose / POSE_SCALE, teacher.found
    arrays = data.images[keep][:, None], votes[keep], units[keep], pose[keep], found[keep].astype(np.float32)
    return Examples(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


def repeat_factors(votes: Tensor, common: float) -> Tensor:
    """Return how often each picture enters an epoch, >= 1 (repeat-factor sampling, Gupta et al. 2019).

    Args:
        votes: Vote distributions, shape (N, 8).
        common: Share from which on a class is not repeated; 0 repeats nothing.

    Returns:
        Shape (N,): the vote-weighted mean over the classes of max(1, sqrt(common / share of the class)).
    """
    share = votes.mean(0).clamp(min=1e-6)
    return votes @ (common / share).sqrt().clamp(min=1)


class Sampling(Protocol):
    """What decides the order of an epoch: fields of a recipe."""

    @property
    def seed(self) -> int:
        """Seed of the order."""

    @property
    def common(self) -> float:
        """Share from which on a class is not repeated."""

    @property
    def batch(self) -> int:
        """Pictures per step."""


def batches(examples: Examples, recipe: Sampling, epoch: int) -> list[Tensor]:
    """Return the index tensors of one epoch, in an order that depends on seed and epoch only.

    The short rest is left out.
    """
    rng = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
    factors = repeat_factors(examples.votes, recipe.common)
    times = (factors + torch.rand(len(factors), generator=rng)).floor().long()
    chosen = torch.arange(len(factors)).repeat_interleave(times)
    chosen = chosen[torch.randperm(len(chosen), generator=rng)]
    size = min(recipe.batch, len(chosen))
    return [chosen[start : start + size] for start in range(0, len(chosen) - size + 1, size)]


def joint_loss(outputs: Outputs, crops: Crops, examples: Examples, chosen: Tensor, recipe: Recipe) -> Tensor:
    """Return the weighted sum of expression, action-unit and pose loss of one batch; a scalar.

    The pose target follows the augmentation: a mirrored face has the opposite yaw and roll, a turned one more roll.
    """
    loss = F.cross_entropy(outputs.logits, examples.votes[chosen])
    found = examples.found[chosen]
    share = found.sum().clamp(min=1)
    units = F.binary_cross_entropy_with_logits(outputs.units, examples.units[chosen], reduction="none").mean(1)
    yaw, pitch, roll = examples.pose[chosen].unbind(1)
    turned = torch.stack([yaw * crops.mirror, pitch, (roll + crops.turned / POSE_SCALE) * crops.mirror], 1)
    pose = F.smooth_l1_loss(outputs.pose, turned, reduction="none").mean(1)
    extra = recipe.unit_weight * units + recipe.pose_weight * pose
    return loss + (extra * found).sum() / share


def train_epoch(state: TrainState, examples: Examples, recipe: Recipe, tick: Tick) -> float:
    """Run one epoch and return its mean loss."""
    rng = torch.Generator().manual_seed(recipe.seed * 7919 + state.epoch)
    gentle = recipe.is_gentle(state.epoch)
    plan = batches(examples, recipe, state.epoch)
    state.model.train()
    total = 0.0
    for index, chosen in enumerate(plan):
        rate = recipe.rate_at(state.epoch, index / len(plan))
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        crops = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=gentle)
        loss = joint_loss(state.model(crops.pixels), crops, examples, chosen, recipe)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        update_average(state.average, state.model, recipe.ema)
        total += float(loss.detach())
        tick(state.epoch, (index + 1) / len(plan), total / (index + 1))
    return total / len(plan)


def validate(state: TrainState, examples: Examples) -> tuple[float, float, float]:
    """Return cross-entropy to the votes, majority accuracy and mean action-unit correlation of the averaged weights."""
    outputs = predict(state.average, examples.pictures)
    loss = float(F.cross_entropy(outputs.logits, examples.votes))
    accuracy = float((outputs.logits.argmax(1) == examples.votes.argmax(1)).float().mean())
    found = examples.found > 0
    if int(found.sum()) < 2:
        return loss, accuracy, 0.0
    return loss, accuracy, float(column_correlations(outputs.units.sigmoid()[found], examples.units[found]).mean())


def column_correlations(one: Tensor, other: Tensor) -> Tensor:
    """Return the Pearson correlation of each column of two (N, K) arrays, shape (K,); 0 where a column is constant."""
    a, b = one - one.mean(0), other - other.mean(0)
    spread = (a.square().sum(0) * b.square().sum(0)).sqrt()
    return torch.where(spread > 0, (a * b).sum(0) / spread.clamp(min=1e-12), torch.zeros_like(spread))


def own_answers(model: FaceNet, pictures: Tensor) -> Tensor:
    """Return the network's distribution for each picture, (N, 8), averaged in the logits over the mirror image."""
    sides = [predict(model, view).logits for view in (pictures, pictures.flip(3))]
    return torch.softmax((sides[0] + sides[1]) / 2, 1)


def mixed(examples: Examples, taught: Tensor | None, share: float) -> Examples:
    """Return the examples with `share` of the vote targets replaced by the network's own answers.

    As they are without any.
    """
    return examples if taught is None else replace(examples, votes=torch.lerp(examples.votes, taught, share))


def start_from_backbone(state: TrainState, examples: Examples) -> None:
    """Load dlib's filters into a fresh state and let its norms measure the training pictures.

    Raises:
        MissingExtraError: The package with the filters is not installed.
    """
    state.model.load_backbone(read_layers(backbone_file()))
    settle_norms(state.model, centre_crop(examples.pictures[:512].float()))
    state.average.load_state_dict(state.model.state_dict())


def train(  # noqa: PLR0913
    data_folder: Path,
    out: Path,
    recipe: Recipe,
    tick: Tick | None = None,
    report: Callable[[EpochLog], None] = print,
    labels: Path | None = None,
) -> TrainState:
    """Train or continue a run in `out` and return its state; `out`/checkpoint.pt is rewritten after every epoch.

    A run that was stopped continues at the last finished epoch and ends as if it had not been stopped (same thread
    count).

    Args:
        data_folder: Folder with train.parquet and valid.parquet.
        out: Folder of the checkpoint.
        recipe: What to do.
        tick: Called after every step.
        report: Called after every epoch.
        labels: Folder with the teachers' train.npz and valid.npz; without it only the votes are learnt.

    Raises:
        DataError: The data folder or an existing checkpoint cannot be used.
        MissingExtraError: The backbone's package is not installed.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    fresh = not checkpoint.exists()
    state = new_state(recipe) if fresh else load_checkpoint(checkpoint, recipe)
    examples = load_examples(data_folder, "train", labels, recipe.limit)
    valid = load_examples(data_folder, "valid", labels)
    if fresh and recipe.backbone:
        start_from_backbone(state, examples)
    while state.epoch < recipe.total:
        began = time.perf_counter()
        cycle, inside = recipe.place(state.epoch)
        if cycle and not inside and any(recipe.taught):
            latest = own_answers(state.average, examples.pictures)
            state.taught = latest if state.taught is None else torch.lerp(state.taught, latest, 0.5)
        torch.manual_seed(recipe.seed * 104729 + state.epoch)  # dropout
        loss = train_epoch(
            state, mixed(examples, state.taught, recipe.taught_in(cycle)), recipe, tick or (lambda *_: None)
        )
        log = EpochLog(state.epoch, loss, *validate(state, valid), time.perf_counter() - began)
        state.logs.append(log)
        state.epoch += 1
        save_checkpoint(state, recipe, checkpoint)
        report(log)
    return state
