"""Local differential privacy: a client's training with noise of its own (DP-SGD by opacus)."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferce_agent.errors import DataError
from ferce_agent.specialist.adapter import EIGHT
from ferce_agent.training.federated.budget import DELTA, Privacy
from ferce_agent.training.federated.features import Features
from ferce_agent.training.federated.task import Arrays, Head, Recipe, arrays_of, head_of, pull_of, tensors_of


def share_of(faces: int, recipe: Recipe) -> float:
    """Return the probability with which a face takes part in a step, 0..1."""
    return min(1.0, recipe.batch / faces)


def steps_of(faces: int, recipe: Recipe) -> int:
    """Return how many steps a round has: as many as without privacy."""
    return recipe.epochs * math.ceil(faces / recipe.batch)


class _Joined(Head):
    """The head with one input, as opacus needs it: log-probabilities, then features."""

    def forward(self, joined: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(joined[:, :EIGHT], joined[:, EIGHT:])


def train_privately(
    arrays: Mapping[str, NDArray[Any]],
    faces: Features,
    recipe: Recipe,
    privacy: Privacy,
    generator: torch.Generator | None = None,
) -> Arrays:
    """Train a head on a client's faces so that what results says little of any one of them.

    In each step every face takes part with the same probability; the slope at each is cut to a norm, and noise is added
    to their sum. The penalties do not depend on faces and are added after that.

    Args:
        arrays: Where it starts.
        faces: The client's faces.
        recipe: How; epochs and batch tell how many steps there are.
        privacy: Noise and largest norm.
        generator: Of draw and noise; None: nobody can know its seed. It is never that of the run, which the server
            knows.

    Raises:
        DataError: There are no faces, or so many that delta says nothing, or the arrays do not fit.
    """
    if not 0 < len(faces) < 1 / DELTA:
        raise DataError(f"Training with privacy needs between 1 and {1 / DELTA:g} faces, not {len(faces)}.")
    from opacus.grad_sample import GradSampleModule
    from opacus.optimizers import DPOptimizer

    chance = generator or torch.Generator().manual_seed(secrets.randbits(63))
    sent, head = head_of(arrays), _Joined(len(arrays["features"]))
    head.load_state_dict(sent.state_dict())
    logs, embedding, gold = tensors_of(faces)
    joined = torch.cat([logs, embedding], 1).requires_grad_()  # else torch warns of the hooks of opacus
    rate = share_of(len(faces), recipe)
    watched = GradSampleModule(head, loss_reduction="mean")
    values: list[Any] = list(head.parameters())
    descent = DPOptimizer(
        torch.optim.SGD(values, lr=recipe.rate, momentum=0.9),
        noise_multiplier=privacy.noise,
        max_grad_norm=privacy.clip,
        expected_batch_size=min(recipe.batch, len(faces)),
        generator=chance,
    )
    descent.attach_step_hook(lambda _: _add(values, pull_of(head, sent, recipe)))
    for _ in range(steps_of(len(faces), recipe)):
        rows = torch.nonzero(torch.rand(len(faces), generator=chance) < rate)[:, 0]
        descent.zero_grad()
        if len(rows):
            fit = nn.functional.cross_entropy(watched(joined[rows]), gold[rows])
            fit.backward()  # type: ignore[no-untyped-call]
        else:  # nobody was drawn: noise alone, as for a loader of opacus's
            for value in values:
                value.grad_sample = torch.zeros((0, *value.shape))
        descent.step()
    watched.remove_hooks()
    return {name: np.asarray(value, np.float32) for name, value in arrays_of(head).items()}


def _add(values: Sequence[nn.Parameter], pull: Tensor) -> None:
    """Add the slope of the penalties, which tells nothing of faces, to a noisy one."""
    for value, slope in zip(values, torch.autograd.grad(pull, values, allow_unused=True), strict=True):
        if slope is not None and value.grad is not None:
            value.grad += slope
