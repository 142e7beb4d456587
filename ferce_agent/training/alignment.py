"""Second stage of our vision-language model: the projector, so that picture tokens say words (`visual_words`).

The tower stays as it is and gets new blocks behind its last one. The first of them starts by pooling: every token hears
what the teacher's heads read in all tokens together. The others start as identity. They and the projector are trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.training.augment import augment, centre_crop
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.network import FaceNet
from ferce_agent.training.specialist import Examples, learning_rate, repeat_factors
from ferce_agent.training.tower import Tower, TowerRecipe, keep_spare, teach
from ferce_agent.training.visual_words import SHARPNESS, Words, spoken
from ferce_agent.vlm.own.test_time_augmentation import COUNT, looks

LANGUAGE: Final = 576
"""Width of SmolLM2-135M."""


@dataclass(frozen=True, slots=True)
class AlignmentRecipe:
    """Everything that decides the projector.

    Attributes:
        steps: Batches.
        batch: Pictures per batch.
        rate: Highest learning rate of AdamW.
        added: Blocks behind the tower's last one.
        votes: Share of the annotators' votes in the expression that the tokens say; the rest is the specialist's
            answer.
        seed: Seed of order, augmentation and projector.
    """

    steps: int = 400
    batch: int = 64
    rate: float = 1e-3
    added: int = 1
    votes: float = 0.4
    seed: int = 7


class Projector(nn.Module):
    """Two layers from a picture token to an input embedding of the language model, as LLaVA's.

    The tower's tokens are large and uneven, so they are standardised while the projector learns; `fold` moves that into
    its first layer.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, language: int = LANGUAGE) -> None:
        """Build it with random weights."""
        super().__init__()
        self.linear_1 = nn.Linear(width, language)
        self.linear_2 = nn.Linear(language, language)
        self.register_buffer("mean", torch.zeros(width), persistent=False)
        self.register_buffer("spread", torch.ones(width), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (N, 36, width) to (N, 36, language)."""
        even = (tokens - self.mean) / self.spread
        said: Tensor = self.linear_2(F.gelu(self.linear_1(even), approximate="tanh"))
        return said

    @torch.no_grad()
    def settle(self, tokens: Tensor, wanted: Tensor) -> None:
        """Standardise tokens like these, and start near the mean of what is wanted.

        Shapes (N, 36, width), (N, 36, language).
        """
        self.mean.copy_(tokens.mean((0, 1)))
        self.spread.copy_(tokens.std((0, 1)) + 1e-3)
        self.linear_2.weight.mul_(0.1)
        self.linear_2.bias.copy_(wanted.mean((0, 1)))

    @torch.no_grad()
    def fold(self) -> None:
        """Standardise with the first layer's weights from now on."""
        self.linear_1.weight.div_(self.spread)
        self.linear_1.bias.sub_(self.linear_1.weight @ self.mean)
        self.mean.zero_()
        self.spread.fill_(1)


@dataclass(slots=True)
class Eyes:
    """Tower and projector together."""

    tower: Tower
    projector: Projector

    def say(self, pixels: Tensor) -> Tensor:
        """Return the embeddings of grey crops (N, 1, H, W), 0..255: shape (N, 36, language)."""
        said: Tensor = self.projector(self.tower.see(pixels).tokens)
        return said

    def look(self, pixels: Tensor) -> Tensor:
        """Return the mean of what is said at several looks, as the product asks (`looks`); shapes as for `say`."""
        seen = np.stack([looks(face) for face in pixels[:, 0].numpy()]).clip(0, 255)
        said = self.say(torch.from_numpy(seen).flatten(0, 1)[:, None])
        return said.reshape(len(pixels), COUNT, *said.shape[1:]).mean(1)


@torch.no_grad()
def extended(tower: Tower, recipe: TowerRecipe, added: int) -> Tower:
    """Return the tower with new blocks, which leave its outputs as they are but for what the first one pools."""
    longer = Tower(recipe, added)
    longer.load_state_dict({**longer.state_dict(), **tower.state_dict()})
    new: list[Any] = list(longer.vision.encoder.layers)[recipe.blocks :]
    for layer in new:
        for part in (layer.self_attn.out_proj, layer.mlp.fc2):
            part.weight.zero_()
            part.bias.zero_()
    if new:
        start_pooling(longer, new[0])
    return longer


@torch.no_grad()
def start_pooling(tower: Tower, layer: Any) -> None:
    """Let a block add to every token the logits that the teacher's heads read in the mean of all tokens."""
    reader: Any = tower.readers[2]
    norm, heads = tower.norms[2], list[Any](tower.heads.values())
    weight = torch.cat([head.weight @ reader.weight for head in heads])
    bias = torch.cat([head.weight @ reader.bias + head.bias for head in heads])
    layer.layer_norm1.load_state_dict(norm.state_dict())
    attention, count = layer.self_attn, len(weight)
    attention.q_proj.weight.zero_()  # all places are attended to alike
    attention.q_proj.bias.zero_()
    attention.v_proj.weight[:count] = weight
    attention.v_proj.bias[:count] = bias
    attention.out_proj.weight[:count, :count] = torch.eye(count)
    keep_spare(tower.vision)


def aim(reading: Tensor, votes: Tensor, share: float) -> Tensor:
    """Return logits of the mixture of the specialist's answer (logits) and the votes, shape (N, 8)."""
    return torch.lerp(torch.softmax(reading, 1), votes, share).clamp(min=1e-3).log()


def align(  # noqa: PLR0913
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    words: Words,
    recipe: AlignmentRecipe,
    tick: Callable[[float, float], None] | None = None,
) -> Eyes:
    """Train the added blocks and the projector; `tick` gets the share done and the latest loss."""
    tower = eyes.tower
    tower.requires_grad_(False)
    layers = tower.vision.encoder.layers
    trained = nn.ModuleList([*layers[len(layers) - recipe.added :], eyes.projector])
    trained.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained.parameters(), recipe.rate, betas=(0.9, 0.98), weight_decay=0.01)
    rng = Generator().manual_seed(recipe.seed * 31)
    weights = repeat_factors(examples.votes, 0.1)
    spread = torch.cat([words.expressions, words.units]).var(0).mean()

    def wanted(pixels: Tensor, chosen: Tensor) -> Tensor:
        _, said = teach(teacher, pixels)
        return spoken(words, aim(said.logits, examples.votes[chosen], recipe.votes), said.units.sigmoid())

    first = torch.arange(min(512, len(examples.pictures)))
    crops = centre_crop(examples.pictures[first].float())
    eyes.projector.settle(tower.see(crops).tokens, wanted(crops, first))
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step / recipe.steps, recipe.rate)
        chosen = torch.multinomial(weights, recipe.batch, replacement=True, generator=rng)
        pixels = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=step > recipe.steps // 3).pixels
        pixels = pixels.clamp(0, 255)
        loss = F.mse_loss(eyes.say(pixels), wanted(pixels, chosen)) / spread
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        keep_spare(tower.vision)
        if tick:
            tick((step + 1) / recipe.steps, float(loss.detach()))
    eyes.projector.fold()
    for module in (tower, eyes.projector):
        module.requires_grad_(False)
    return eyes


@torch.no_grad()
def heard(eyes: Eyes, words: Words, pictures: Tensor, *, several: bool = False) -> Tensor:
    """Return which expression the tokens of FER+ pictures say loudest, shape (N,).

    The least-squares reading of the first ones.

    Args:
        eyes: Tower and projector.
        words: What the tokens can say.
        pictures: Shape (N, 1, 48, 48).
        several: Whether the tokens are the mean over several looks.
    """
    centred = words.expressions - words.expressions.mean(0)
    reader = torch.linalg.pinv(centred)
    said, see = [], eyes.look if several else eyes.say
    for chunk in torch.split(pictures, 256):
        tokens = see(centre_crop(chunk.float()))[:, : len(SHARPNESS)].mean(1)
        said.append(((tokens - words.expressions.mean(0)) @ reader).argmax(1))
    return torch.cat(said)


def save_eyes(eyes: Eyes, tower: TowerRecipe, recipe: AlignmentRecipe, path: Path) -> None:
    """Write tower and projector."""
    payload = {
        "recipe": {"tower": asdict(tower), "alignment": asdict(recipe)},
        "tower": eyes.tower.state_dict(),
        "projector": eyes.projector.state_dict(),
    }
    write_checkpoint(payload, path)


def load_eyes(path: Path, tower: TowerRecipe, recipe: AlignmentRecipe) -> Eyes:
    """Read tower and projector of the same recipes.

    Raises:
        DataError: The file is no checkpoint, or was made with other recipes.
    """
    payload = read_checkpoint(path, {"tower": asdict(tower), "alignment": asdict(recipe)})
    eyes = Eyes(Tower(tower, recipe.added), Projector(tower.width))
    eyes.tower.load_state_dict(payload["tower"])
    eyes.projector.load_state_dict(payload["projector"])
    for module in (eyes.tower, eyes.projector):
        module.eval().requires_grad_(False)
    return eyes
