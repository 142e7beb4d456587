"""Who holds which faces: FER+ divided among clients, the training faces and those for judging alike.

Either expressions are spread unevenly (Dirichlet shares, Hsu et al. 2019, "Measuring the effects of non-identical data
distribution for federated visual classification"), or pictures differ in how sharp and how bright they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.training.federated.features import BRIGHTNESS, SHARPNESS, Features

LEAST_FACES: Final = 20
"""A client with fewer training faces is none: shares are drawn again."""
MOST_DRAWS: Final = 200
"""How often shares are drawn before giving up."""
FORM: Final = "dirichlet:ALPHA (such as dirichlet:0.3), quality or even"


@dataclass(frozen=True, slots=True)
class Division:
    """Which faces each client holds.

    Attributes:
        train: Rows of the training faces, one array a client.
        valid: Rows of the faces on which is judged, one array a client.
    """

    train: tuple[NDArray[np.intp], ...]
    valid: tuple[NDArray[np.intp], ...]

    def __len__(self) -> int:
        """Return how many clients there are."""
        return len(self.train)


def divide(train: Features, valid: Features, how: str, clients: int, seed: int) -> Division:
    """Divide faces among clients; the faces for judging are divided as the training faces are.

    Args:
        train: Training faces.
        valid: Faces on which is judged.
        how: ``dirichlet:ALPHA``: each expression is spread by shares drawn from a symmetric Dirichlet distribution, the
            lower ALPHA the more unevenly. ``quality``: clients differ in sharpness, and within it in brightness.
            ``even``: at random.
        clients: How many, 2 or more.
        seed: Of the draw.

    Raises:
        SettingsError: There is no such way.
        DataError: There are too few faces for so many clients.
    """
    check_way(how)
    if clients < 2:
        raise SettingsError(f"A federation needs two clients or more, not {clients}.", hint="Give --clients 10.")
    if len(train) < 2 * clients * LEAST_FACES:
        raise DataError(
            f"{len(train)} faces are too few for {clients} clients.", hint=f"Give {2 * LEAST_FACES} a client, or more."
        )
    kind, _, value = how.partition(":")
    if kind == "dirichlet":
        return _by_expression(train, valid, _alpha(value, how), clients, seed)
    if how == "quality":
        return _by_quality(train, valid, clients)
    parts = [_dealt(len(one), clients, seed + place) for place, one in enumerate((train, valid))]
    return Division(parts[0], parts[1])


def check_way(how: str) -> None:
    """Check the name of a way of dividing faces, before there are any.

    Raises:
        SettingsError: There is no such way.
    """
    kind, _, value = how.partition(":")
    if kind == "dirichlet":
        _alpha(value, how)
    elif how not in {"quality", "even"}:
        raise SettingsError(f"'{how[:40]}' is no way of dividing faces.", hint=f"Use {FORM}.")


def _alpha(text: str, how: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1e6:  # also refuses NaN
        raise SettingsError(f"'{how[:40]}' has no usable ALPHA.", hint="Use a number from 0.01 on: dirichlet:0.3")
    return value


def _by_expression(train: Features, valid: Features, alpha: float, clients: int, seed: int) -> Division:
    rng = np.random.default_rng(seed)
    kinds = int(max(train.gold.max(), valid.gold.max())) + 1
    for _ in range(MOST_DRAWS):
        shares = rng.dirichlet(np.full(clients, alpha), kinds)
        if _sizes(train.gold, shares).min() >= LEAST_FACES:
            break
    else:
        raise DataError(
            f"With ALPHA {alpha:g} some of {clients} clients get fewer than {LEAST_FACES} faces.",
            hint="Use a larger ALPHA or fewer clients.",
        )
    return Division(*(_spread(one.gold, shares, rng) for one in (train, valid)))


def _cuts(count: int, shares: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.round(np.cumsum(shares)[:-1] * count).astype(np.intp)


def _sizes(gold: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return how many faces each client gets."""
    sizes = np.zeros(shares.shape[1], np.intp)
    for kind, row in enumerate(shares):
        count = int((gold == kind).sum())
        sizes += np.diff(np.concatenate([[0], _cuts(count, row), [count]]))
    return sizes


def _spread(
    gold: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.intp], ...]:
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(shares.shape[1])]
    for kind, row in enumerate(shares):
        rows = rng.permutation(np.flatnonzero(gold == kind))
        for client, piece in enumerate(np.split(rows, _cuts(len(rows), row))):
            parts[client].append(piece)
    return tuple(np.sort(np.concatenate(one)) for one in parts)


def _by_quality(train: Features, valid: Features, clients: int) -> Division:
    """Divide by sharpness into groups, each group by brightness; the edges are those of the training faces."""
    groups = max(1, round(clients**0.5))
    sizes = [len(one) for one in np.array_split(np.arange(clients), groups)]
    sharp_edges = _edges(train.light[:, SHARPNESS], np.cumsum(sizes)[:-1] / clients)
    found: tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]] = ([], [])
    for group, size in enumerate(sizes):
        inside = [np.digitize(one.light[:, SHARPNESS], sharp_edges) == group for one in (train, valid)]
        edges = _edges(train.light[inside[0], BRIGHTNESS], np.arange(1, size) / size)
        for part, faces, mask in zip(found, (train, valid), inside, strict=True):
            places = np.digitize(faces.light[:, BRIGHTNESS], edges)
            part.extend(np.flatnonzero(mask & (places == one)) for one in range(size))
    return Division(tuple(found[0]), tuple(found[1]))


def _edges(values: NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.quantile(values, shares), np.float64)


def _dealt(count: int, clients: int, seed: int) -> tuple[NDArray[np.intp], ...]:
    rows = np.random.default_rng(seed).permutation(count)
    return tuple(np.sort(part) for part in np.array_split(rows, clients))
