"""What each picture token should say: the alignment of the vision tower with the language model's words.

The projector's outputs are input embeddings of the language model. Before the language model is trained at all, each of
the 36 tokens learns to *be* a mixture of word embeddings: the expressions weighted by their probability, one movement
weighted by its intensity, or the strength. The language model can then read the face as if it were written there, and
needs little training. This costs no pass through the language model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.training.network import UNITS

SHARPNESS: Final = (1.0,) * 6 + (3.0,) * 8 + (0.5,) * 4
"""Factors on the logits in the tokens that say the expression.

As it is, sharpened (the leading one stands out), flattened.
"""
FULL: Final = 0.5
"""Intensity at which a movement's token says the movement alone; at zero it says "none"."""
DEGREES: Final = ("slight", "moderate", "strong")
DEGREE_PLACES: Final = (0.25, 0.5, 0.85)
DEGREE_TOKENS: Final = 2
COUNT: Final = len(SHARPNESS) + len(UNITS) + DEGREE_TOKENS
"""Tokens in all."""


@dataclass(frozen=True, slots=True)
class Words:
    """Embeddings of what the tokens say; D is the language model's width.

    Attributes:
        expressions: Shape (8, D).
        units: Shape (16, D).
        degrees: Shape (3, D).
        none: Shape (D,).
    """

    expressions: Tensor
    units: Tensor
    degrees: Tensor
    none: Tensor


@torch.no_grad()
def collect_words(tokenizer: Any, table: Tensor) -> Words:
    """Return the mean embedding of each word's tokens.

    `table` is the language model's input embedding, shape (V, D).
    """

    def mean(text: str) -> Tensor:
        return table[torch.tensor(tokenizer.encode(f" {text}", add_special_tokens=False))].mean(0).float()

    store = ontology()
    return Words(
        torch.stack([mean(store.term(label).adjective) for label in CANONICAL]),
        torch.stack([mean(store.action_units[unit].movement) for unit in UNITS]),
        torch.stack([mean(degree) for degree in DEGREES]),
        mean("none"),
    )


def spoken(words: Words, logits: Tensor, units: Tensor) -> Tensor:
    """Return what the tokens should be, shape (N, COUNT, D).

    Args:
        words: The vocabulary.
        logits: Expression, shape (N, 8).
        units: Action-unit intensities 0..1, shape (N, 16).
    """
    expressions = [torch.softmax(logits * factor, 1) @ words.expressions for factor in SHARPNESS]
    weight = (units / FULL).clamp(0, 1)[:, :, None]
    movements = weight * words.units + (1 - weight) * words.none
    strongest = units.amax(1, keepdim=True)
    distance = (strongest - torch.tensor(DEGREE_PLACES)).square()
    degree = torch.softmax(-distance / 0.02, 1) @ words.degrees
    return torch.cat([torch.stack(expressions, 1), movements, degree[:, None].expand(-1, DEGREE_TOKENS, -1)], 1)
