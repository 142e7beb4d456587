"""Last stage of our vision-language model: verifiable rewards and group-relative advantages (GRPO, Shao et al. 2024).

Several answers are drawn to each question. An answer earns for the right word in the right form, and for movements that
were measured; it pays for movements that were measured not to be there. What earns more than the other answers to the
same question becomes likelier; the adapters before this stage hold it back by a KL penalty.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Generator, Tensor, nn

from ferce_agent.evaluation.answers import read_strictly
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.movements import ABSENT, PRESENT
from ferce_agent.training.alignment import Eyes
from ferce_agent.training.augment import augment
from ferce_agent.training.instructions import Measured, offered
from ferce_agent.training.language import (
    CLOSING,
    END,
    OPENING,
    Speaker,
    adapter_optimiser,
    load_adapters,
    measure,
    save_adapters,
    trained_parameters,
)
from ferce_agent.training.network import FaceNet
from ferce_agent.training.specialist import Examples, repeat_factors
from ferce_agent.vlm.extraction.answer import THINK_TAG
from ferce_agent.vlm.extraction.prose import find_cues

RIGHT: Final = 1.0
"""Reward of the right word as the strict scorer reads it."""
CUES: Final = 0.5
"""Reward where all named movements were measured; the same is taken off where none of them is there."""
FORM: Final = 0.5
"""Taken off where the strict scorer can read nothing."""


@dataclass(frozen=True, slots=True)
class RewardRecipe:
    """Everything that decides the stage.

    Attributes:
        steps: Optimiser steps; 0 leaves the stage out.
        faces: Questions per step.
        group: Answers drawn to each.
        rate: Learning rate of AdamW.
        penalty: Weight of the KL divergence from the adapters before this stage.
        temperature: Of the drawing.
        longest: Tokens of an answer.
        votes: Share of the annotators' votes in what counts as right; the rest is the specialist's answer.
        seed: Seed of faces, wording and drawing.
    """

    steps: int = 20
    faces: int = 4
    group: int = 6
    rate: float = 1e-4
    penalty: float = 0.02
    temperature: float = 0.9
    longest: int = 70
    votes: float = 0.4
    seed: int = 7


def reward(text: str, labels: dict[str, str], known: Measured) -> float:
    """Return what an answer earns, -1 to 1.5.

    Args:
        text: The answer.
        labels: The words on offer and the expressions they stand for.
        known: What was measured.
    """
    said = read_strictly(text, tuple(labels))
    if said is None:
        earned = -FORM
    else:
        shares = [known.shares[CANONICAL.index(term)] for term in labels.values()]
        earned = RIGHT if shares[said] == max(shares) else 0.0
    thought = THINK_TAG.search(text)
    cues = [cue.unit for cue in find_cues(thought.group(1))] if thought else []
    measured = [known.units[unit] for unit in cues if unit in known.units]
    if measured:
        agreed = sum(value >= PRESENT for value in measured) - sum(value < ABSENT for value in measured)
        earned += CUES * agreed / len(cues)
    return earned


def advantages(rewards: Tensor) -> Tensor:
    """Return rewards (groups, answers) relative to their group: zero mean, unit spread.

    Zero where all earn the same.
    """
    centred = rewards - rewards.mean(1, keepdim=True)
    spread = centred.square().mean(1, keepdim=True).sqrt()
    return torch.where(spread > 1e-6, centred / spread.clamp(min=1e-6), torch.zeros_like(centred))


def log_probabilities(model: Any, embedded: Tensor, tokens: Tensor) -> Tensor:
    """Return the log-probability of each drawn token, shape (N, T).

    Args:
        model: The language model.
        embedded: What comes before the answers, shape (N, P, D).
        tokens: The answers, shape (N, T).
    """
    table = model.get_input_embeddings()
    whole = torch.cat([embedded, table(tokens[:, :-1])], 1)
    logits = model(inputs_embeds=whole, use_cache=False, logits_to_keep=tokens.shape[1]).logits
    found: Tensor = torch.log_softmax(logits, -1).gather(2, tokens[:, :, None])[:, :, 0]
    return found


def group_loss(now: Tensor, before: Tensor, gains: Tensor, kept: Tensor, penalty: float) -> Tensor:
    """Return the loss of drawn answers; a scalar.

    Args:
        now: Log-probabilities of the tokens, shape (N, T), with gradient.
        before: The same by the adapters before this stage.
        gains: Advantage of each answer, shape (N,).
        kept: 1 for tokens up to the end of the answer, shape (N, T).
        penalty: Weight of the divergence (its unbiased estimate e^d - d - 1, d = before - now).
    """
    ratio = torch.exp(now - now.detach())  # the answers were drawn by this very policy
    apart = before - now
    each = -ratio * gains[:, None] + penalty * (torch.exp(apart) - apart - 1)
    return ((each * kept).sum(1) / kept.sum(1).clamp(min=1)).mean()


@dataclass(slots=True)
class Drill:
    """The mutable parts of the stage.

    Attributes:
        speaker: The model with adapters.
        frozen: The same as it was before the stage.
        optimiser: Of the adapters.
        before: What the answers earned before the stage, where it is judged.
        history: Mean reward of each step so far.
    """

    speaker: Speaker
    frozen: Any
    optimiser: torch.optim.AdamW
    before: float | None = None
    history: list[float] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Number of steps done."""
        return len(self.history)


def new_drill(speaker: Speaker, recipe: RewardRecipe) -> Drill:
    """Return a stage that has not begun, for a speaker with the adapters of the stage before."""
    frozen = copy.deepcopy(speaker.model).eval().requires_grad_(False)
    return Drill(speaker, frozen, adapter_optimiser(speaker, recipe.rate))


def save_drill(drill: Drill, recipe: RewardRecipe, path: Path) -> None:
    """Write adapters, optimiser and rewards."""
    more = {"before": drill.before, "history": drill.history}
    save_adapters(path, drill.speaker, drill.optimiser, asdict(recipe), **more)


def load_drill(drill: Drill, recipe: RewardRecipe, path: Path) -> Drill:
    """Read what `save_drill` wrote into a new stage of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = load_adapters(path, drill.speaker, drill.optimiser, asdict(recipe))
    drill.before, drill.history = payload["before"], payload["history"]
    return drill


def reinforce(  # noqa: PLR0913
    drill: Drill,
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    recipe: RewardRecipe,
    ask: Callable[[Sequence[str]], str],
    tick: Callable[[float, float], None] | None = None,
    keep: Callable[[Drill], None] | None = None,
) -> list[float]:
    """Train the adapters from where the stage stands, in place; return the mean reward of each step.

    Args:
        drill: Adapters and optimiser; changed in place.
        eyes: Tower and projector.
        teacher: The specialist, which measures each augmented face.
        examples: Training faces.
        recipe: What to do.
        ask: Turns candidate words into a question.
        tick: Gets the share done and the mean reward of the step.
        keep: Gets the stage after every step, to save it.
    """
    trained = trained_parameters(drill.speaker)
    weights = repeat_factors(examples.votes, 0.1)
    while drill.step < recipe.steps:
        seed = recipe.seed * 7919 + drill.step
        torch.manual_seed(seed)
        rng, chance = Generator().manual_seed(seed), random.Random(seed)
        chosen = torch.multinomial(weights, recipe.faces, replacement=True, generator=rng)
        pixels = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=True).pixels.clamp(0, 255)
        faces = measure(pixels, examples.votes[chosen], teacher, recipe.votes)
        drill.optimiser.zero_grad(set_to_none=True)
        earned = []
        for picture, known in zip(eyes.look(pixels).detach(), faces, strict=True):
            labels = offered(known, chance, whole=False)
            loss, rewards = _group(drill, picture, ask(list(labels)), labels, known, recipe)
            (loss / recipe.faces).backward()  # type: ignore[no-untyped-call]
            earned.append(rewards)
        nn.utils.clip_grad_norm_(trained, 1.0)
        drill.optimiser.step()
        drill.history.append(float(torch.cat(earned).mean()))
        if tick:
            tick(drill.step / recipe.steps, drill.history[-1])
        if keep:
            keep(drill)
    return drill.history


def _group(  # noqa: PLR0913
    drill: Drill,
    picture: Tensor,
    question: str,
    labels: dict[str, str],
    known: Measured,
    recipe: RewardRecipe,
) -> tuple[Tensor, Tensor]:
    """Draw answers to one question; return their loss and rewards."""
    speaker = drill.speaker
    table = speaker.model.get_input_embeddings()
    with torch.no_grad():
        ends = [table(torch.tensor(speaker.tokens(text))) for text in (OPENING, f"\n{question}{CLOSING}")]
        before = torch.cat([ends[0], picture, ends[1]])[None].expand(recipe.group, -1, -1)
        end = speaker.tokens(END)[0]
        speaker.model.eval()
        drawn = speaker.model.generate(
            inputs_embeds=before,
            attention_mask=torch.ones(before.shape[:2], dtype=torch.long),
            do_sample=True,
            temperature=recipe.temperature,
            top_k=0,
            max_new_tokens=recipe.longest,
            eos_token_id=end,
            pad_token_id=end,
        )
        ended = (drawn == end).cumsum(1)
        kept = ((ended == 0) | ((ended == 1) & (drawn == end))).float()
        texts = speaker.tokenizer.batch_decode(drawn, skip_special_tokens=True)
        rewards = torch.tensor([reward(text, labels, known) for text in texts])
        reference = log_probabilities(drill.frozen, before, drawn)
    now = log_probabilities(speaker.model, before, drawn)
    return group_loss(now, reference, advantages(rewards[None])[0], kept, recipe.penalty), rewards
