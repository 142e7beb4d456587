"""What a client learns: a correction of the shipped model's answer, by descent on its own faces.

The head is the form of an adapter (`specialist.adapter.Correction`): a sharpness, a shift, and weights of
log-probabilities and features. A head of zeros changes nothing, so training starts at the shipped model, and so do the
penalties, which pull towards it. Everything is seeded: the same seed, round and client give the same head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ferce_agent.errors import DataError
from ferce_agent.specialist.adapter import EIGHT
from ferce_agent.training.federated.features import Features

WIDTH: Final = 256
"""Features of the shipped network."""
SHARED: Final = ("odds", "features")
"""Arrays that every client trains together."""
PERSONAL: Final = ("sharpness", "bias")
"""Arrays that stay at a client where heads are personalised: how often expressions occur there, and how sure it is."""
ARRAYS: Final = (*PERSONAL, *SHARED)
"""Names of all arrays, in the order of `Head`."""
ODDS_SCALE, FEATURE_SCALE = 0.25, 0.5
"""How log-probabilities and features enter the head: features have a root mean square of 0.53 each, and 256 of them
move together where the log-probabilities are eight."""
Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a client trains in one round.

    Attributes:
        epochs: Passes over its faces.
        rate: Step size of the descent.
        batch: Faces a step.
        penalty: Weight of half the squared weights of log-probabilities and features, a face.
        proximal: Weight of half the squared distance from what the server sent (FedProx, Li et al. 2020); 0 for none.
        personal: Whether sharpness and shift stay at the client.
    """

    epochs: int = 1
    rate: float = 0.03
    batch: int = 64
    penalty: float = 0.01
    proximal: float = 0.0
    personal: bool = False


class Head(nn.Module):
    """The correction as a network: log-probabilities and features in, scores out."""

    def __init__(self, width: int = WIDTH) -> None:
        """Make a head that changes nothing.

        Args:
            width: How many features the network has.
        """
        super().__init__()
        self.sharpness = nn.Parameter(torch.zeros(1))  # its logarithm, so that it stays positive
        self.bias = nn.Parameter(torch.zeros(EIGHT))
        self.odds = nn.Parameter(torch.zeros(EIGHT, EIGHT))
        self.features = nn.Parameter(torch.zeros(width, EIGHT))

    def forward(self, logs: Tensor, embedding: Tensor) -> Tensor:
        """Return scores (N, 8) whose softmax are the corrected probabilities.

        Args:
            logs: Log-probabilities of the shipped model, shape (N, 8).
            embedding: Features, shape (N, F).
        """
        centred = logs - logs.mean(1, keepdim=True)
        moved = ODDS_SCALE * (centred @ self.odds) + FEATURE_SCALE * (embedding @ self.features)
        return self.sharpness.exp() * logs + self.bias + moved


def arrays_of(head: Head) -> Arrays:
    """Return a head's arrays by name, as copies."""
    return {name: getattr(head, name).detach().numpy().copy() for name in ARRAYS}


def head_of(arrays: Mapping[str, NDArray[Any]]) -> Head:
    """Return the head with these arrays.

    Raises:
        DataError: An array is missing, has another shape or numbers that are not finite.
    """
    if not set(ARRAYS) <= arrays.keys():
        raise DataError(f"A head has the arrays {', '.join(ARRAYS)}, not {', '.join(sorted(arrays))[:200]}.")
    head = Head(len(arrays["features"]) if np.ndim(arrays["features"]) else WIDTH)
    for name in ARRAYS:
        value, wanted = np.asarray(arrays[name], np.float32), getattr(head, name)
        if value.shape != tuple(wanted.shape):
            raise DataError(f"The head's array {name} has the shape {value.shape}, not {tuple(wanted.shape)}.")
        if not np.isfinite(value).all():
            raise DataError(f"The head's array {name} has numbers that are not finite.")
        with torch.no_grad():
            wanted.copy_(torch.from_numpy(value.copy()))
    return head


def fresh_arrays(width: int = WIDTH) -> Arrays:
    """Return the arrays of a head that changes nothing."""
    return arrays_of(Head(width))


def train(arrays: Mapping[str, NDArray[Any]], faces: Features, recipe: Recipe, seed: int) -> tuple[Arrays, float]:
    """Train a head on a client's faces.

    Args:
        arrays: Where it starts: what the server sent, with the client's own arrays in it where it has any.
        faces: The client's faces, at least one.
        recipe: How.
        seed: Of the order of faces; see `seed_of`.

    Returns:
        The arrays, and the mean loss over the last pass, in nats.

    Raises:
        DataError: There are no faces, or the arrays do not fit.
    """
    if not len(faces):
        raise DataError("A client without faces cannot train.", hint="Leave it out, or give it labelled pictures.")
    head, sent = head_of(arrays), head_of(arrays)
    logs, embedding, gold = tensors_of(faces)
    descent = torch.optim.SGD(head.parameters(), lr=recipe.rate, momentum=0.9)
    order = torch.Generator().manual_seed(seed)
    loss = 0.0
    for _ in range(recipe.epochs):
        loss = 0.0
        for rows in torch.split(torch.randperm(len(faces), generator=order), recipe.batch):
            descent.zero_grad()
            fit = nn.functional.cross_entropy(head(logs[rows], embedding[rows]), gold[rows])
            (fit + pull_of(head, sent, recipe)).backward()  # type: ignore[no-untyped-call]
            descent.step()
            loss += float(fit.detach()) * len(rows)
    return arrays_of(head), loss / len(faces)


def pull_of(head: Head, sent: Head, recipe: Recipe) -> Tensor:
    """Return the penalties: towards a head that changes nothing, and towards what the server sent."""
    pull = recipe.penalty / 2 * sum(((getattr(head, name) ** 2).sum() for name in SHARED), torch.zeros(()))
    if recipe.proximal:
        names = SHARED if recipe.personal else ARRAYS
        apart = sum(
            (((getattr(head, name) - getattr(sent, name).detach()) ** 2).sum() for name in names), torch.zeros(())
        )
        pull = pull + recipe.proximal / 2 * apart
    return pull


def tensors_of(faces: Features) -> tuple[Tensor, Tensor, Tensor]:
    """Return log-probabilities, features and labels of faces."""
    return (
        torch.from_numpy(np.asarray(faces.logs, np.float32)),
        torch.from_numpy(np.asarray(faces.embedding, np.float32)),
        torch.from_numpy(np.asarray(faces.gold, np.int64)),
    )


def probabilities(arrays: Mapping[str, NDArray[Any]], faces: Features) -> NDArray[np.float64]:
    """Return the corrected probabilities of faces, shape (N, 8)."""
    logs, embedding, _ = tensors_of(faces)
    with torch.no_grad():
        return np.asarray(head_of(arrays)(logs, embedding).double().softmax(1).numpy(), np.float64)


def evaluate(arrays: Mapping[str, NDArray[Any]], faces: Features) -> dict[str, float]:
    """Return how right a head is on faces.

    Returns:
        ``accuracy``: share whose most probable expression is the labelled one, 0..1. ``loss``: mean negative
        log-probability of the labelled expression, in nats. Both 0 without faces.
    """
    if not len(faces):
        return {"accuracy": 0.0, "loss": 0.0}
    found = probabilities(arrays, faces)
    given = np.maximum(found[np.arange(len(faces)), faces.gold], 1e-9)
    return {"accuracy": float((found.argmax(1) == faces.gold).mean()), "loss": float(-np.log(given).mean())}


def seed_of(seed: int, server_round: int, client: int) -> int:
    """Return the seed of a client's training in one round: the same in a run that was stopped and goes on."""
    return int(np.random.SeedSequence([seed, server_round, client]).generate_state(1)[0])
