"""The questions and answers that our vision-language model learns from, as a file to look at or to train with."""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch

from ferce_agent.errors import DataError
from ferce_agent.training.augment import centre_crop
from ferce_agent.training.instructions import Measured, Turn, make_turn
from ferce_agent.training.language import LanguageRecipe, measure
from ferce_agent.training.network import UNITS
from ferce_agent.training.specialist import load_examples
from ferce_agent.training.tower import load_teacher


def write_questions(data: Path, teacher: Path, out: Path, count: int, seed: int) -> list[Turn]:
    """Write one question per line as JSON: prompt, answer, the prompt's name, and what was measured in the face.

    ``picture`` is the place among the usable pictures of the training split, without any augmentation.

    Args:
        data: Folder with train.parquet.
        teacher: Checkpoint of `ferce train specialist`, which measures action units and reads the faces.
        out: File to write.
        count: Number of faces, one question each.
        seed: Seed of the choice of faces, prompts and wording.

    Returns:
        The questions.

    Raises:
        DataError: The data or the teacher cannot be used, or the file cannot be written.
    """
    examples = load_examples(data, "train", None)
    chance = random.Random(seed)
    chosen = sorted(chance.sample(range(len(examples)), min(count, len(examples))))
    faces: list[Measured] = []
    specialist, share = load_teacher(teacher), LanguageRecipe().votes
    for part in torch.split(torch.tensor(chosen), 256):
        faces += measure(centre_crop(examples.pictures[part].float()), examples.votes[part], specialist, share)
    turns = [make_turn(face, chance) for face in faces]
    lines = [
        {
            "picture": place,
            "task": turn.task,
            "prompt": turn.prompt,
            "answer": turn.answer,
            "shares": [round(share, 3) for share in face.shares],
            "units": {unit: round(face.units[unit], 2) for unit in UNITS},
        }
        for place, face, turn in zip(chosen, faces, turns, strict=True)
    ]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    except OSError as error:
        raise DataError(f"{out.name} cannot be written.", hint="Choose another file.") from error
    return turns
