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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, Protocol

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
from ferce_agent.training.expression_network import ExpressionNet
from ferce_agent.training.faceres import read_filters
from ferce_agent.training.network import POSE_SCALE, UNITS, FaceNet, Outputs, settle_norms
from ferce_agent.training.teachers import MIRRORED_SHAPES, SHAPES, TeacherLabels, shape_targets, unit_targets


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
        unit_weight: Weight of the action-unit loss, and of that of the blendshapes.
        pose_weight: Weight of the head-pose loss.
        network: Which network is trained, and what it starts from: "dlib" or "faceres", or "blank", which is dlib's
            with random weights.
        lessons: Share of the target that comes from other networks' answers to the very picture that is shown, where
            `train` is given any (Beyer et al. 2022, https://arxiv.org/abs/2106.05237).
        trust: Weight of each teacher's answer in their mean; empty if all count alike.
        mixup: Share of the steps of full augmentation in which each picture is blended with another (Zhang et al.
            2018, Beta(0.3, 0.3)).
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
    network: Literal["dlib", "faceres", "blank"] = "dlib"
    lessons: float = 0.0
    trust: tuple[float, ...] = ()
    mixup: float = 0.0
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


FIRST: Final = Recipe()
"""The first network, from dlib's filters."""
SECOND: Final = Recipe(cycles=((8, 0.03, 3, 0.006),), network="faceres", mixup=0.5)
"""The second one, from HSE-FaceRes; it only teaches."""
FINAL: Final = Recipe(cycles=((4, 0.02, 6, 0.012),), lessons=0.5, trust=(0.65, 0.35))
"""The one that is shipped: the first one, trained further with both as teachers."""


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
        shapes: Blendshape targets 0..1, shape (N, 45).
    """

    pictures: Tensor
    votes: Tensor
    units: Tensor
    pose: Tensor
    found: Tensor
    shapes: Tensor

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pictures)


@dataclass(slots=True)
class TrainState:
    """The mutable parts of a run, as saved in the checkpoint; `taught` are the network's own answers, shape (N, 8)."""

    model: FaceNet | ExpressionNet
    average: FaceNet | ExpressionNet
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
    model = (ExpressionNet() if recipe.network == "faceres" else FaceNet()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
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


def half_precision() -> torch.autocast:
    """Let matrices be multiplied in bfloat16 , which takes a third of the time on a processor that can."""
    fast = "AVX512" in torch.backends.cpu.get_cpu_capability()
    return torch.autocast("cpu", torch.bfloat16, enabled=fast)


@torch.no_grad()
def predict(model: FaceNet | ExpressionNet, images: Tensor, batch: int = 128) -> Outputs:
    """Return the outputs for uint8 pictures (N, 1, 48, 48), centre crop, no mirroring."""
    model.eval()
    with half_precision():
        parts = [model(centre_crop(chunk.float())) for chunk in torch.split(images, batch)]
    return Outputs(*(torch.cat(column).float() for column in zip(*parts, strict=True)))


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
    shapes = np.zeros((len(data), len(SHAPES)), np.float32)
    if labels is not None:
        teacher = TeacherLabels.load(labels / f"{split}.npz", len(data))
        units, pose, found = unit_targets(teacher), teacher.pose / POSE_SCALE, teacher.found
        shapes = shape_targets(teacher)
    arrays = data.images[:, None], votes, units, pose, found.astype(np.float32), shapes
    return Examples(*(torch.from_numpy(np.ascontiguousarray(array[keep])) for array in arrays))


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


MIRRORED: Final = list(MIRRORED_SHAPES)


def joint_loss(  # noqa: PLR0913
    outputs: Outputs, votes: Tensor, crops: Crops, examples: Examples, chosen: Tensor, recipe: Recipe
) -> Tensor:
    """Return the weighted sum of expression, action-unit and pose loss of one batch; a scalar.

    The pose target follows the augmentation: a mirrored face has the opposite yaw and roll, a turned one more roll.
    """
    loss = F.cross_entropy(outputs.logits, votes)
    found = examples.found[chosen]
    share = found.sum().clamp(min=1)
    units = F.binary_cross_entropy_with_logits(outputs.units, examples.units[chosen], reduction="none").mean(1)
    yaw, pitch, roll = examples.pose[chosen].unbind(1)
    turned = torch.stack([yaw * crops.mirror, pitch, (roll + crops.turned / POSE_SCALE) * crops.mirror], 1)
    pose = F.smooth_l1_loss(outputs.pose, turned, reduction="none").mean(1)
    sides = torch.where(crops.mirror[:, None] < 0, examples.shapes[chosen][:, MIRRORED], examples.shapes[chosen])
    shapes = F.binary_cross_entropy_with_logits(outputs.shapes, sides, reduction="none").mean(1)
    extra = recipe.unit_weight * (units + shapes) + recipe.pose_weight * pose
    return loss + (extra * found).sum() / share


def answers(model: FaceNet | ExpressionNet, pixels: Tensor) -> Outputs:
    """Return what the network says about crops (N, 1, H, W), in single precision."""
    with half_precision():
        outputs = model(pixels)
    return Outputs(*(part.float() for part in outputs))


def taught_votes(votes: Tensor, pixels: Tensor, teachers: Sequence[FaceNet | ExpressionNet], recipe: Recipe) -> Tensor:
    """Return vote distributions (N, 8), a part of them replaced by the teachers' mean answer to crops (N, 1, H, W)."""
    if not teachers:
        return votes
    with torch.no_grad():
        said = torch.stack([torch.softmax(answers(teacher, pixels).logits, 1) for teacher in teachers])
    trust = torch.tensor(recipe.trust or [1.0] * len(teachers))
    return torch.lerp(votes, torch.tensordot(trust / trust.sum(), said, 1), recipe.lessons)


def blended_loss(model: FaceNet | ExpressionNet, pixels: Tensor, votes: Tensor, rng: torch.Generator) -> Tensor:
    """Return the loss of crops (N, 1, H, W) of which each is blended with the next; a scalar.

    Only expressions are learnt from blends: a blend of two movements is no movement.
    """
    share = float(np.random.default_rng(int(torch.randint(2**31, (), generator=rng))).beta(0.3, 0.3))
    outputs = answers(model, torch.lerp(pixels.roll(1, 0), pixels, share))
    return F.cross_entropy(outputs.logits, torch.lerp(votes.roll(1, 0), votes, share))


def train_epoch(
    state: TrainState,
    examples: Examples,
    recipe: Recipe,
    tick: Tick,
    teachers: Sequence[FaceNet | ExpressionNet] = (),
) -> float:
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
        votes = taught_votes(examples.votes[chosen], crops.pixels, teachers, recipe)
        if not gentle and float(torch.rand((), generator=rng)) < recipe.mixup:
            loss = blended_loss(state.model, crops.pixels, votes, rng)
        else:
            loss = joint_loss(answers(state.model, crops.pixels), votes, crops, examples, chosen, recipe)
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


def own_answers(model: FaceNet | ExpressionNet, pictures: Tensor) -> Tensor:
    """Return the network's distribution for each picture, (N, 8), averaged in the logits over the mirror image."""
    sides = [predict(model, view).logits for view in (pictures, pictures.flip(3))]
    return torch.softmax((sides[0] + sides[1]) / 2, 1)


def mixed(examples: Examples, taught: Tensor | None, share: float) -> Examples:
    """Return the examples with `share` of the vote targets replaced by the network's own answers.

    As they are without any.
    """
    return examples if taught is None else replace(examples, votes=torch.lerp(examples.votes, taught, share))


def start_from_backbone(state: TrainState, examples: Examples, faceres: Path | None = None) -> None:
    """Load the filters of the recipe's starting point into a fresh state and let its norms measure training pictures.

    Raises:
        MissingExtraError: The package with dlib's filters is not installed.
        DataError: `faceres` does not hold HSE-FaceRes.
    """
    pixels = centre_crop(examples.pictures[:512].float())
    if isinstance(state.model, ExpressionNet):
        state.model.backbone.load(read_filters(faceres or Path()))
        state.model.settle(pixels)
    else:
        state.model.load_backbone(read_layers(backbone_file()))
        settle_norms(state.model, pixels)
    state.average.load_state_dict(state.model.state_dict())


def train(  # noqa: PLR0913
    data_folder: Path,
    out: Path,
    recipe: Recipe,
    tick: Tick | None = None,
    report: Callable[[EpochLog], None] = print,
    labels: Path | None = None,
    *,
    faceres: Path | None = None,
    start: dict[str, Tensor] | None = None,
    teachers: Sequence[FaceNet | ExpressionNet] = (),
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
        faceres: Folder with HSE-FaceRes, for a recipe that starts from it.
        start: Weights to start from instead of the recipe's starting point, as `state_dict` gives them.
        teachers: Other networks, whose mean answer is part of the target; see `Recipe.lessons`.

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
    if fresh and start is not None:
        state.model.load_state_dict(start)
        state.average.load_state_dict(start)
    elif fresh and recipe.network != "blank":
        start_from_backbone(state, examples, faceres)
    while state.epoch < recipe.total:
        began = time.perf_counter()
        cycle, inside = recipe.place(state.epoch)
        if cycle and not inside and any(recipe.taught):
            latest = own_answers(state.average, examples.pictures)
            state.taught = latest if state.taught is None else torch.lerp(state.taught, latest, 0.5)
        torch.manual_seed(recipe.seed * 104729 + state.epoch)  # dropout
        targets = mixed(examples, state.taught, recipe.taught_in(cycle))
        loss = train_epoch(state, targets, recipe, tick or (lambda *_: None), teachers)
        log = EpochLog(state.epoch, loss, *validate(state, valid), time.perf_counter() - began)
        state.logs.append(log)
        state.epoch += 1
        save_checkpoint(state, recipe, checkpoint)
        report(log)
    return state
