"""From a trained head to the adapter file that the product loads (`--adapter FILE`).

The head never saw the faces for judging. The two factors on thresholds are fitted on them; for the figures in the file
each half is judged with factors that were fitted on the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces
from ferce_agent.adaptation.fitting import PRIOR_STRENGTH, ROW_STRENGTH, naming_factor, set_factor, shipped_of
from ferce_agent.adaptation.making import start_of
from ferce_agent.adaptation.measures import Judgements, compare, shipped_judgements
from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.settings import Settings
from ferce_agent.specialist.adapter import (
    Adapter,
    Confusion,
    Head,
    HeldOut,
    Prior,
    Thresholds,
    scaled_naming,
    scaled_set,
)
from ferce_agent.specialist.runner import Specialist
from ferce_agent.training.federated.features import Features
from ferce_agent.training.federated.task import FEATURE_SCALE, ODDS_SCALE, head_of, probabilities

NOTE: Final = (
    "Trained by several parties together, each on pictures of its own, for pictures like theirs. It says nothing about "
    "any group of people. How many pictures show which expression was not told by the parties."
)
LEAST_JUDGED: Final = 40
"""With fewer faces for judging no thresholds are fitted."""


def adapter_of(
    arrays: Mapping[str, NDArray[Any]], judged: Features, pictures: int, penalty: float, seed: int
) -> Adapter:
    """Return a head as an adapter of the shipped weights.

    Args:
        arrays: All arrays of the head.
        judged: Faces that it was not trained on; thresholds are fitted on them.
        pictures: How many faces it was trained on, at all clients.
        penalty: Of the recipe, above 0.
        seed: Of the halves and the intervals.

    Raises:
        DataError: There are too few faces for judging, or the arrays do not fit.
    """
    if len(judged) < LEAST_JUDGED:
        raise DataError(
            f"{len(judged)} faces are too few for the thresholds of an adapter.", hint=f"Give {LEAST_JUDGED} or more."
        )
    specialist, settings = Specialist(), Settings()
    start = start_of(specialist.card, specialist.sha256, settings.flatten)
    prior, table = tuple(start.prior.tolist()), tuple(map(tuple, shipped_of(start).tolist()))
    known = {name: value.detach().double().numpy() for name, value in head_of(arrays).named_parameters()}
    shares, faces, coverage = probabilities(arrays, judged), _faces(judged), specialist.card.coverage
    return Adapter(
        note=NOTE,
        name="federated",
        made=datetime.now(UTC).date(),
        weights_sha256=specialist.sha256,
        flatten=settings.flatten,
        labels={name: name for name in CANONICAL},
        pictures=pictures,
        counts={},
        without_face=0,
        unreadable=0,
        data_sha256=hashlib.sha256(judged.logs.tobytes() + judged.gold.tobytes()).hexdigest(),
        seed=seed,
        shares="counts",
        sharpness=float(np.exp(known["sharpness"][0])),
        prior=Prior(shipped=prior, strength=PRIOR_STRENGTH, posterior=prior, exponent=0.0),
        confusion=Confusion(shipped=table, strength=ROW_STRENGTH, posterior=table, exponent=0.0),
        head=Head(
            penalty=penalty,
            bias=tuple(known["bias"].tolist()),
            odds=tuple(map(tuple, (ODDS_SCALE * known["odds"]).tolist())),
            features=tuple(map(tuple, (FEATURE_SCALE * known["features"]).tolist())),
        ),
        thresholds=Thresholds(
            coverage=coverage, sets=set_factor(shares, faces, coverage), naming=naming_factor(shares, faces)
        ),
        held_out=_held_out(shares, faces, coverage, seed),
    )


def _faces(judged: Features) -> Faces:
    count = len(judged)
    embedding = np.asarray(judged.embedding, np.float64)
    return Faces(judged.logs, embedding, judged.limits, judged.gold, np.ones(count), np.arange(count))


def _held_out(shares: NDArray[np.float64], faces: Faces, coverage: float, seed: int) -> HeldOut:
    """Return both measured; each half has thresholds that were fitted on the other."""
    second = np.random.default_rng(seed).permutation(len(faces)) % 2 == 0
    limits = faces.limits.copy()
    for inside in (second, ~second):
        others = faces.take(~inside)
        sets, naming = set_factor(shares[~inside], others, coverage), naming_factor(shares[~inside], others)
        limits[inside] = [(scaled_set(one, sets), scaled_naming(two, naming)) for one, two in faces.limits[inside]]
    after = Judgements(shares, limits, faces.gold, faces.weights)
    return compare(shipped_judgements(faces), after, faces.units, 2, seed)
