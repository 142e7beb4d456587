"""The vision tower of our own vision-language model: a CLIP vision transformer taught by the specialist.

A transformer this small learns little from 28,000 faces alone. The specialist, a convolutional network, teaches it: on
every augmented picture the tokens of three blocks imitate three of its feature maps, which have the same 6x6 places,
and the pooled tokens its embedding; its own frozen heads then read expression, action units and head pose (knowledge
distillation with hints, Romero et al. 2015, on identical views, Beyer et al. 2022). The tower grows: first up to the
first map, then up to the second. Trained whole from the start it hardly left the majority class in an epoch; grown, it
named the annotators' majority on 0.74 of the validation faces after two. The first blocks start as convolutions: each
head attends to one neighbour, as Cordonnier et al. 2020 show attention can.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.training.augment import augment, centre_crop
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.network import SIDE, FaceNet, Outputs, standardise
from ferce_agent.training.specialist import (
    Examples,
    batches,
    column_correlations,
    learning_rate,
    load_examples,
    update_average,
)

PIXELS: Final = 96
"""Side of the picture the tower takes."""
PATCH: Final = 16
GRID: Final = PIXELS // PATCH
"""Places per side; the specialist's third feature map has the same."""
MEAN, SPREAD = 0.5, 0.25
"""How pixels (0..1) are standardised, in every colour alike."""
RING: Final = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Neighbours (rows, columns) that the heads of convolution-like blocks start to attend to, in turn."""
WAVES: Final = 4
"""Wave numbers per axis in the starting position embedding."""
LOCALITY: Final = 2.2
"""Size of the starting query and key weights on the position waves.

Two thirds of the attention go to the one neighbour.
"""
COMPONENTS: Final = 96
"""Principal components of the patches that the starting filters span.

A patch of an enlarged FER+ picture has hardly more.
"""
HINTS: Final = (256, 128, 256)
"""Width of the three hints: the second stage's four places per token, the third stage, the fourth stage spread out."""


class Place(NamedTuple):
    """Where an epoch lies.

    Attributes:
        phase: 0 and 1 while the tower grows, 2 once it is whole.
        inside: Epoch within its part of the phase, counted from 0.
        length: Epochs of this part.
        rate: Its highest learning rate.
    """

    phase: int
    inside: int
    length: int
    rate: float


@dataclass(frozen=True, slots=True)
class TowerRecipe:
    """Everything that decides the tower.

    Attributes:
        width: Channels; 32 per head.
        blocks: Transformer blocks.
        local: Blocks from the input on that start as convolutions.
        hinted: Blocks (counted from 1) after which the tokens imitate the first and second hint; the last block has the
            third.
        growth: Epochs in which only the blocks up to the first hint are trained, by it alone; then those up to the
            second.
        cycles: Epochs and highest learning rate of the whole tower, cycle after cycle; with 1e-3 the loss rose again.
        gentle: Share of the epochs of each cycle, at its end, with gentle augmentation.
        batch: Pictures per step.
        rate: Highest learning rate of AdamW while the tower grows.
        weight_decay: Of AdamW.
        ema: Decay of the weight average per step; less in the first steps of a phase, so that the average does not lag
            behind.
        votes: Share of the annotators' votes in the target; the rest is what the specialist says of the augmented
            picture.
        hint_weight: Weight of the three imitation losses.
        common: See `ferce_agent.training.specialist.Recipe`.
        seed: Seed of weights, order and augmentation.
        limit: Use only so many training pictures (0 = all).
    """

    width: int = 256
    blocks: int = 6
    local: int = 4
    hinted: tuple[int, int] = (2, 4)
    growth: tuple[int, int] = (1, 1)
    cycles: tuple[tuple[int, float], ...] = ((9, 4e-4), (5, 3e-4))
    gentle: float = 0.25
    batch: int = 64
    rate: float = 1e-3
    weight_decay: float = 0.05
    ema: float = 0.999
    votes: float = 0.4
    hint_weight: float = 1.0
    common: float = 0.1
    seed: int = 7
    limit: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            SettingsError: A value is out of range.
        """
        fine = (
            self.width % 32 == 0
            and self.width >= 64
            and 0 <= self.local <= self.blocks
            and 1 <= self.hinted[0] <= self.hinted[1] <= self.blocks
            and self.cycles
            and min(length for length, _ in self.cycles) >= 1
            and min(self.growth) >= 0
            and self.batch >= 2
            and 0 < self.ema < 1
            and 0 <= self.votes <= 1
            and min(self.rate, *(rate for _, rate in self.cycles)) > 0
        )
        if not fine:
            raise SettingsError(
                "The tower's recipe needs a width divisible by 32, cycles of epochs >= 1, batch >= 2, 0 < ema < 1."
            )

    @property
    def total(self) -> int:
        """Number of epochs in all."""
        return sum(self.growth) + sum(length for length, _ in self.cycles)

    def place(self, epoch: int) -> Place:
        """Return where `epoch`, counted from 0, lies."""
        growth = [(length, self.rate) for length in self.growth]
        for number, (length, rate) in enumerate([*growth, *self.cycles]):
            if epoch < length:
                return Place(min(number, len(growth)), epoch, length, rate)
            epoch -= length
        raise SettingsError(f"The recipe has only {self.total} epochs.")


class Seen(NamedTuple):
    """What the tower saw in N pictures.

    Attributes:
        tokens: The last block's places, shape (N, 36, width): what the projector reads.
        hints: The imitated feature maps, shapes (N, 36, 256), (N, 36, 128), (N, 36, 256); fewer where the tower ran in
            part.
    """

    tokens: Tensor
    hints: tuple[Tensor, ...]


def tower_config(recipe: TowerRecipe) -> CLIPVisionConfig:
    """Return the layout as transformers knows it."""
    return CLIPVisionConfig(
        hidden_size=recipe.width,
        intermediate_size=4 * recipe.width,
        num_hidden_layers=recipe.blocks,
        num_attention_heads=recipe.width // 32,
        image_size=PIXELS,
        patch_size=PATCH,
        hidden_act="gelu_pytorch_tanh",  # llama.cpp computes the same approximation
        layer_norm_eps=1e-5,
    )


def standardised(pixels: Tensor) -> Tensor:
    """Enlarge grey crops (N, 1, H, W), 0..255, to (N, 1, 96, 96) and give each the same mean and spread.

    `ferce_agent.faces.alignment.even_crop` does the same to the crop of a photo, so that the model's own preprocessing
    is fixed.
    """
    large = F.interpolate(pixels, size=(PIXELS, PIXELS), mode="bilinear", align_corners=False)
    centred = large - large.mean((1, 2, 3), keepdim=True)
    spread = centred.square().mean((1, 2, 3), keepdim=True).sqrt() + 4.0
    return (centred / spread).clamp(-MEAN / SPREAD, (1 - MEAN) / SPREAD)


def position_waves() -> Tensor:
    """Return cosines and sines of the grid's rows and columns, (36, 4 * WAVES), for the starting position embedding."""
    axis = torch.arange(GRID).float()
    angles = axis[:, None] * (2 * math.pi / (2 * GRID)) * torch.arange(1, WAVES + 1)
    waves = torch.stack([angles.cos(), angles.sin()], 2).flatten(1)
    rows = waves[:, None].expand(GRID, GRID, -1)
    columns = waves[None].expand(GRID, GRID, -1)
    return torch.cat([rows, columns], 2).flatten(0, 1)


def offset_rotation(rows: int, columns: int) -> Tensor:
    """Return the matrix that turns the waves of a place into those of its neighbour, shape (4 * WAVES, 4 * WAVES)."""
    blocks = []
    for step in (rows, columns):
        for wave in range(1, WAVES + 1):
            angle = 2 * math.pi / (2 * GRID) * wave * step
            blocks.append(torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]))
    turned: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return turned


@torch.no_grad()
def start_locally(model: CLIPVisionModel, local: int) -> None:
    """Let the heads of the first blocks attend to their neighbours, by position embeddings made of waves."""
    waves = position_waves()
    size = waves.shape[1]
    embeddings = model.embeddings
    embeddings.position_embedding.weight.mul_(0.5)
    embeddings.position_embedding.weight[1:, :size] = waves
    embeddings.position_embedding.weight[0, :size] = 0
    for index, layer in enumerate(model.encoder.layers[:local]):
        attention: Any = layer.self_attn
        for head in range(attention.num_heads):
            turn = offset_rotation(*RING[(index * attention.num_heads + head) % len(RING)])
            first = head * attention.head_dim
            attention.q_proj.weight[first : first + size, :size] = turn * LOCALITY
            attention.k_proj.weight[first : first + size, :size] = torch.eye(size) * LOCALITY


@torch.no_grad()
def start_whitened(model: CLIPVisionModel, pixels: Tensor, seed: int) -> None:
    """Let the patch embedding start as a random rotation of whitened principal components of real patches.

    Patches of faces are smooth: a random filter hears their brightness and little else, and training crawls.

    Args:
        model: The vision transformer.
        pixels: Standardised pictures, shape (N, 1, 96, 96).
        seed: Of the rotation.
    """
    patches = F.unfold(pixels, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
    values, vectors = values.flip(0)[:COMPONENTS], vectors.flip(1)[:, :COMPONENTS]
    whitening = vectors / (values + 1e-3 * values[0]).sqrt()
    embeddings = model.embeddings
    width, taken = embeddings.patch_embedding.weight.shape[0], 4 * WAVES
    rotation = torch.randn(width - taken, COMPONENTS, generator=Generator().manual_seed(seed)) / math.sqrt(COMPONENTS)
    filters = rotation @ whitening.T
    embeddings.patch_embedding.weight.zero_()
    embeddings.patch_embedding.weight[taken:] = filters.view(-1, 1, PATCH, PATCH) / 3
    embeddings.position_embedding.weight[1:, taken:] -= filters @ mean
    keep_spare(model)


@torch.no_grad()
def keep_spare(model: CLIPVisionModel) -> None:
    """Keep the patches' last two channels alike, and the last number of each head's queries one and of its keys zero.

    llama.cpp and transformers put CLIP's class token at different ends of the row, so the tower does without: the file
    for llama.cpp has none. transformers always has one; with these places spare, an export can give it a key that no
    patch attends to (`ferce_agent.vlm.own.export.hide_class_token`). Called after every step.
    """
    embeddings = model.embeddings
    embeddings.patch_embedding.weight[-2:] = 0
    embeddings.position_embedding.weight[:, -2:] = 0
    norms: list[Any] = [model.pre_layrnorm]
    layers: Any = model.encoder.layers
    for layer in layers:
        attention = layer.self_attn
        for part in (attention.out_proj, layer.mlp.fc2):
            part.weight[-2:] = 0
            part.bias[-2:] = 0
        last = slice(attention.head_dim - 1, None, attention.head_dim)
        for part, constant in ((attention.q_proj, 1.0), (attention.k_proj, 0.0)):
            part.weight[last] = 0
            part.bias[last] = constant
        norms.append(layer.layer_norm1)
    for norm in norms:
        norm.weight[-2:] = 1
        norm.bias[-2:] = 0


class Tower(nn.Module):
    """A CLIP vision transformer with what its training needs: readers of the hints and the teacher's heads."""

    def __init__(self, recipe: TowerRecipe, added: int = 0) -> None:
        """Build it with random weights and `added` blocks after those of the recipe, which the hints do not reach."""
        super().__init__()
        self.vision = CLIPVisionModel(tower_config(replace(recipe, blocks=recipe.blocks + added)))
        start_locally(self.vision, recipe.local)
        keep_spare(self.vision)
        self.hinted = (*recipe.hinted, recipe.blocks)
        self.norms = nn.ModuleList(nn.LayerNorm(recipe.width) for _ in HINTS)
        self.readers = nn.ModuleList(nn.Linear(recipe.width, width) for width in HINTS)
        self.heads = nn.ModuleDict(
            {"expression": nn.Linear(256, 8), "units": nn.Linear(256, 16), "pose": nn.Linear(256, 3)}
        )

    def see(self, pixels: Tensor, hints: int = 3) -> Seen:
        """Return tokens and hints of grey crops (N, 1, H, W), 0..255; with fewer than 3 hints, later blocks do not run.

        The class token is left out, see `keep_spare`.
        """
        shown = standardised(pixels).expand(-1, 3, -1, -1)
        state = self.vision.pre_layrnorm(self.vision.embeddings(shown)[:, 1:])
        found: list[Tensor] = []
        layers = self.vision.encoder.layers
        for number, layer in enumerate(layers if hints == len(HINTS) else layers[: self.hinted[hints - 1]], 1):
            state = layer(state, None)
            while len(found) < hints and self.hinted[len(found)] == number:
                place = len(found)
                found.append(self.readers[place](self.norms[place](state)))
        return Seen(state, tuple(found))

    def judge(self, seen: Seen) -> Outputs:
        """Let the teacher's heads read the pooled third hint."""
        embedding = seen.hints[2].mean(1)
        return Outputs(
            self.heads["expression"](embedding),
            embedding,
            self.heads["units"](embedding),
            self.heads["pose"](embedding),
            embedding[:, :0],
        )

    def forward(self, pixels: Tensor) -> Outputs:
        """Return what the tower says of grey crops (N, 1, H, W), 0..255."""
        return self.judge(self.see(pixels))


@torch.no_grad()
def teach(teacher: FaceNet, pixels: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Outputs]:
    """Return the teacher's feature maps at the tower's places, and its outputs, for grey crops (N, 1, H, W)."""
    large = F.interpolate(standardise(pixels), size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    features = F.max_pool2d(torch.relu(teacher.stem(large)), 3, 2)
    maps: dict[int, Tensor] = {}
    for block in teacher.blocks:
        features = block(features)
        maps[features.shape[1]] = features
    second = F.pixel_unshuffle(F.adaptive_avg_pool2d(maps[64], 2 * GRID), 2)
    fourth = F.interpolate(maps[256], size=(GRID, GRID), mode="nearest")
    hints = [hint.flatten(2).transpose(1, 2) for hint in (second, maps[128], fourth)]
    embedding = features.mean((2, 3))
    return (hints[0], hints[1], hints[2]), teacher.judge(embedding)


@dataclass(slots=True)
class TowerState:
    """The mutable parts of a run.

    `scale` is the spread of the teacher's three feature maps and of its embedding, shape (4,).
    """

    model: Tower
    average: Tower
    optimiser: torch.optim.AdamW
    scale: Tensor
    epoch: int = 0
    logs: list[dict[str, float]] = field(default_factory=list)


def load_teacher(path: Path) -> FaceNet:
    """Read the averaged weights of a checkpoint of `ferce train specialist`.

    Raises:
        DataError: The file is missing or is no such checkpoint.
    """
    payload = read_checkpoint(path)
    teacher = FaceNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        teacher.load_state_dict(payload["average"])
    except (KeyError, RuntimeError) as error:
        raise DataError(
            f"{path.name} holds no specialist.", hint="Give the checkpoint of ferce train specialist."
        ) from error
    return teacher.eval().requires_grad_(False)  # type: ignore[no-any-return]


def new_tower(recipe: TowerRecipe, teacher: FaceNet | None = None) -> TowerState:
    """Build model, average and optimiser from the seed; the heads are the teacher's and stay as they are."""
    torch.manual_seed(recipe.seed)
    model = Tower(recipe)
    if teacher is not None:
        for name, head in model.heads.items():
            head.load_state_dict(getattr(teacher, name).state_dict())
    model.heads.requires_grad_(False)
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, recipe.rate, betas=(0.9, 0.98))
    return TowerState(model, copy.deepcopy(model).eval(), optimiser, torch.ones(4))


def save_tower(state: TowerState, recipe: TowerRecipe, path: Path) -> None:
    """Write the checkpoint whole or not at all."""
    payload: dict[str, Any] = {
        "recipe": asdict(recipe),
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "scale": state.scale,
        "epoch": state.epoch,
        "logs": state.logs,
    }
    write_checkpoint(payload, path)


def load_tower(path: Path, recipe: TowerRecipe) -> TowerState:
    """Read a checkpoint of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = read_checkpoint(path, asdict(recipe))
    state = new_tower(recipe)
    state.model.load_state_dict(payload["model"])
    state.average.load_state_dict(payload["average"])
    state.optimiser.load_state_dict(payload["optimiser"])
    state.scale, state.epoch, state.logs = payload["scale"], payload["epoch"], payload["logs"]
    return state


HINT_WEIGHTS: Final = (0.2, 0.3, 0.5)
"""Of the three feature maps once the tower is whole; while it grows the newest counts 1."""


def tower_loss(  # noqa: PLR0913
    state: TowerState, pixels: Tensor, votes: Tensor, teacher: FaceNet, recipe: TowerRecipe, phase: int = 2
) -> tuple[Tensor, Tensor]:
    """Return (loss, what to watch: the expression part, or the newest hint's while the tower grows); scalars."""
    wanted, said = teach(teacher, pixels)
    seen = state.model.see(pixels, phase + 1)
    errors = [
        F.mse_loss(one, other) / scale for one, other, scale in zip(seen.hints, wanted, state.scale, strict=False)
    ]
    if phase < 2:
        return errors[-1] + sum(HINT_WEIGHTS[: len(errors) - 1]) * sum(errors[:-1], torch.zeros(())), errors[
            -1
        ].detach()
    outputs = state.model.judge(seen)
    target = torch.lerp(torch.softmax(said.logits, 1), votes, recipe.votes)
    expression = F.cross_entropy(outputs.logits, target)
    imitation = sum((weight * error for weight, error in zip(HINT_WEIGHTS, errors, strict=True)), torch.zeros(()))
    imitation = imitation + F.mse_loss(outputs.embedding, said.embedding) / state.scale[3]
    units = F.binary_cross_entropy_with_logits(outputs.units, said.units.sigmoid())
    pose = F.smooth_l1_loss(outputs.pose, said.pose)
    return expression + recipe.hint_weight * imitation + 0.5 * units + 0.2 * pose, expression.detach()


@torch.no_grad()
def measure_scale(teacher: FaceNet, pictures: Tensor) -> Tensor:
    """Return the variances of the teacher's three feature maps and of its embedding, shape (4,)."""
    hints, said = teach(teacher, centre_crop(pictures.float()))
    return torch.stack([feature.var((0, 1) if feature.ndim == 3 else 0).mean() for feature in (*hints, said.embedding)])


@torch.no_grad()
def start_reading(tower: Tower, teacher: FaceNet, pictures: Tensor) -> None:
    """Let the readers of the hints start with the teacher's mean features, whatever the tokens say."""
    hints, _ = teach(teacher, centre_crop(pictures.float()))
    for reader, feature in zip(tower.readers, hints, strict=True):
        assert isinstance(reader, nn.Linear)
        reader.weight.mul_(0.1)
        reader.bias.copy_(feature.mean((0, 1)))


Tick = Callable[[int, float, float], None]
"""Progress callback: epoch (from 0), share of the epoch done (0..1), mean expression loss so far."""


def tower_epoch(state: TowerState, examples: Examples, teacher: FaceNet, recipe: TowerRecipe, tick: Tick) -> float:
    """Run one epoch and return its mean expression loss."""
    rng = Generator().manual_seed(recipe.seed * 7919 + state.epoch)
    phase, inside, length, peak = recipe.place(state.epoch)
    gentle = phase < 2 or inside >= round(length * (1 - recipe.gentle))
    plan = batches(examples, recipe, state.epoch)
    state.model.train()
    total = 0.0
    for index, chosen in enumerate(plan):
        rate = learning_rate((inside + index / len(plan)) / length, peak, rise=0.05)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        pixels = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=gentle).pixels.clamp(0, 255)
        loss, expression = tower_loss(state, pixels, examples.votes[chosen], teacher, recipe, phase)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
        state.optimiser.step()
        keep_spare(state.model.vision)
        steps = inside * len(plan) + index
        update_average(state.average, state.model, min(recipe.ema, (1 + steps) / (10 + steps)))
        total += float(expression)
        tick(state.epoch, (index + 1) / len(plan), total / (index + 1))
    return total / len(plan)


@torch.no_grad()
def validate_tower(model: Tower, examples: Examples) -> dict[str, float]:
    """Return loss, accuracy and mean action-unit correlation of the centre crops."""
    model.eval()
    parts = [model(centre_crop(chunk.float())) for chunk in torch.split(examples.pictures, 256)]
    outputs = Outputs(*(torch.cat(column) for column in zip(*parts, strict=True)))
    found = examples.found > 0
    units = 0.0
    if int(found.sum()) >= 2:
        units = float(column_correlations(outputs.units.sigmoid()[found], examples.units[found]).mean())
    return {
        "valid_loss": float(F.cross_entropy(outputs.logits, examples.votes)),
        "valid_accuracy": float((outputs.logits.argmax(1) == examples.votes.argmax(1)).float().mean()),
        "valid_units": units,
    }


def train_tower(  # noqa: PLR0913
    data_folder: Path,
    teacher_file: Path,
    out: Path,
    recipe: TowerRecipe,
    tick: Tick | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
    labels: Path | None = None,
) -> TowerState:
    """Train or continue the tower in `out`/tower.pt, rewritten after every epoch.

    Args:
        data_folder: Folder with train.parquet and valid.parquet.
        teacher_file: Checkpoint of `ferce train specialist`.
        out: Folder of the checkpoint.
        recipe: What to do.
        tick: Called after every step.
        report: Called after every epoch with its numbers.
        labels: Folder with valid.npz, the teachers' labels, to report the action units' correlation.

    Raises:
        DataError: Data, teacher or checkpoint cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "tower.pt"
    teacher = load_teacher(teacher_file)
    examples = load_examples(data_folder, "train", None, recipe.limit)
    valid = load_examples(data_folder, "valid", labels)
    if path.exists():
        state = load_tower(path, recipe)
    else:
        state = replace(new_tower(recipe, teacher), scale=measure_scale(teacher, examples.pictures[:512]))
        for model in (state.model, state.average):
            start_whitened(model.vision, standardised(centre_crop(examples.pictures[:2048].float())), recipe.seed)
            start_reading(model, teacher, examples.pictures[:512])
    while state.epoch < recipe.total:
        began = time.perf_counter()
        loss = tower_epoch(state, examples, teacher, recipe, tick or (lambda *_: None))
        numbers = validate_tower(state.average, valid)
        state.logs.append({"epoch": state.epoch, "loss": loss, **numbers, "seconds": time.perf_counter() - began})
        state.epoch += 1
        save_tower(state, recipe, path)
        if report:
            report(state.logs[-1])
    return state
