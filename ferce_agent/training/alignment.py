"""Second stage of our vision-language model: the projector, so that picture tokens say words (`visual_words`).

The last blocks of the tower and the projector are trained together; the expression loss of the first stage goes on, so that the
tower does not forget.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.training.augment import augment, centre_crop
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.network import FaceNet
from ferce_agent.training.specialist import Examples, learning_rate, repeat_factors
from ferce_agent.training.tower import Tower, TowerRecipe, teach
from ferce_agent.training.visual_words import COUNT, SHARPNESS, Words, spoken

LANGUAGE: Final = 576
"""Width of SmolLM2-135M."""


@dataclass(frozen=True, slots=True)
class AlignmentRecipe:
    """Everything that decides the projector.

    Attributes:
        steps: Batches.
        batch: Pictures per batch.
        rate: Highest learning rate of AdamW.
        tuned: Blocks of the tower, from its end, that are trained with the projector.
        votes: Share of the annotators' votes in the expression that the tokens say; the rest is the specialist's reading.
        seed: Seed of order, augmentation and projector.
    """

    steps: int = 900
    batch: int = 64
    rate: float = 1e-3
    tuned: int = 2
    votes: float = 0.4
    seed: int = 7


class Projector(nn.Module):
    """Two layers from a picture token to an input embedding of the language model, as LLaVA's."""

    def __init__(self, width: int, language: int = LANGUAGE) -> None:
        """Build it with random weights."""
        super().__init__()
        self.linear_1 = nn.Linear(width, language)
        self.linear_2 = nn.Linear(language, language)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (N, 36, width) to (N, 36, language)."""
        said: Tensor = self.linear_2(F.gelu(self.linear_1(tokens), approximate="tanh"))
        return said


@dataclass(slots=True)
class Eyes:
    """Tower and projector together."""

    tower: Tower
    projector: Projector
    logs: list[dict[str, float]] = field(default_factory=list)

    def say(self, pixels: Tensor) -> Tensor:
        """Return the embeddings of grey crops (N, 1, H, W), 0..255: shape (N, 36, language)."""
        said: Tensor = self.projector(self.tower.see(pixels).tokens)
        return said


def aim(reading: Tensor, votes: Tensor, share: float) -> Tensor:
    """Return logits of the mixture of the specialist's reading (logits) and the votes, shape (N, 8)."""
    return torch.lerp(torch.softmax(reading, 1), votes, share).clamp(min=1e-3).log()


def align(  # noqa: PLR0913
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    words: Words,
    recipe: AlignmentRecipe,
    tick: Callable[[float, float], None] | None = None,
) -> Eyes:
    """Train the last blocks and the projector; `tick` gets the share done and the latest loss."""
    tower = eyes.tower
    tower.requires_grad_(False)
    layers = tower.vision.encoder.layers
    trained = nn.ModuleList([*layers[len(layers) - recipe.tuned :], eyes.projector, tower.norms[2], tower.readers[2]])
    trained.requires_grad_(True)
    optimiser = torch.optim.AdamW(trained.parameters(), recipe.rate, betas=(0.9, 0.98), weight_decay=0.01)
    rng = Generator().manual_seed(recipe.seed * 31)
    weights = repeat_factors(examples.votes, 0.1)
    spread = torch.cat([words.expressions, words.units]).var(0).mean()
    with torch.no_grad():  # the words' common part need not be learnt
        eyes.projector.linear_2.bias.copy_(torch.cat([words.expressions, words.units, words.none[None]]).mean(0))
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step / recipe.steps, recipe.rate)
        chosen = torch.multinomial(weights, recipe.batch, replacement=True, generator=rng)
        pixels = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=step > recipe.steps // 3).pixels
        pixels = pixels.clamp(0, 255)
        _, said = teach(teacher, pixels)
        reading = aim(said.logits, examples.votes[chosen], recipe.votes)
        target = spoken(words, reading, said.units.sigmoid())
        seen = tower.see(pixels)
        outputs = tower.judge(seen)
        loss = F.mse_loss(eyes.projector(seen.tokens)[:, :COUNT], target) / spread
        kept = F.cross_entropy(outputs.logits, torch.softmax(reading, 1))
        optimiser.zero_grad(set_to_none=True)
        (loss + 0.2 * kept).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        if tick:
            tick((step + 1) / recipe.steps, float(loss.detach()))
    tower.requires_grad_(False)
    eyes.projector.requires_grad_(False)
    return eyes


@torch.no_grad()
def heard(eyes: Eyes, words: Words, pictures: Tensor) -> Tensor:
    """Return which expression the tokens of FER+ pictures say loudest, shape (N,): the least-squares reading of the first ones."""
    centred = words.expressions - words.expressions.mean(0)
    reader = torch.linalg.pinv(centred)
    said = []
    for chunk in torch.split(pictures, 256):
        tokens = eyes.say(centre_crop(chunk.float()))[:, : len(SHARPNESS)].mean(1)
        said.append(((tokens - words.expressions.mean(0)) @ reader).argmax(1))
    return torch.cat(said)


def save_eyes(eyes: Eyes, tower: TowerRecipe, recipe: AlignmentRecipe, path: Path) -> None:
    """Write tower and projector."""
    payload = {
        "recipe": {"tower": asdict(tower), "alignment": asdict(recipe)},
        "tower": eyes.tower.state_dict(),
        "projector": eyes.projector.state_dict(),
        "logs": eyes.logs,
        "saved": time.time(),
    }
    write_checkpoint(payload, path)


def load_eyes(path: Path) -> Eyes:
    """Read tower and projector.

    Raises:
        DataError: The file is no such checkpoint.
    """
    payload = read_checkpoint(path)
    shape: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in payload["recipe"]["tower"].items()
    }
    tower = Tower(TowerRecipe(**shape))
    tower.load_state_dict(payload["tower"])
    projector = Projector(tower.vision.config.hidden_size)
    projector.load_state_dict(payload["projector"])
    tower.eval().requires_grad_(False)
    return Eyes(tower, projector.eval().requires_grad_(False), payload["logs"])
