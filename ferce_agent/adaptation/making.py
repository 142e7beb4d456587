"""From labelled pictures to an adapter, judged on pictures that it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ferce_agent.adaptation.faces import Faces, ReadFaces, read_faces
from ferce_agent.adaptation.fitting import (
    PRIOR_STRENGTH,
    ROW_STRENGTH,
    Fitted,
    Start,
    fit,
    shipped_of,
)
from ferce_agent.adaptation.fitting import split as split_faces
from ferce_agent.adaptation.measures import Judgements, compare, shipped_judgements
from ferce_agent.adaptation.shipped import shipped_table
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.datasets.labelled import LabelledPictures, read_labelled
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.pipeline import Pipeline
from ferce_agent.report import slug
from ferce_agent.settings import Settings
from ferce_agent.specialist import adapter as files
from ferce_agent.specialist.adapter import Adapter, HeldOut, scaled_naming, scaled_set
from ferce_agent.specialist.runner import SpecialistCard

SURE_PICTURES: Final = 100
"""From so many on no adapter was worse over all expressions, those without pictures too (`adaptation.growth`)."""
LEAST_PICTURES: Final = 20
"""Faces that an adapter needs."""
LEAST_EACH: Final = 5
"""Faces that each labelled expression needs."""
LEAST_LABELS: Final = 2
"""Expressions that need to be labelled."""
MOST_WEIGHT: Final = 5.0
"""Most that a face weighs whose expression is rarer among the pictures than elsewhere; the least is its inverse."""
DIGITS: Final = 6

Shares = Literal["counts", "shipped"]
"""`counts`: expressions are as frequent among the pictures as in the deployment; `shipped`: pictures were chosen by
label, and weigh as if they were as frequent as in the shipped prior."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        folds: Parts of the cross-validation, 2 to 20.
        seed: Seed of parts and intervals.
        shares: What the shares of the labels mean.
        together: Column whose equal values stay in one part, such as the person; empty for none.
        name: What the deployment is called.
    """

    folds: int = 5
    seed: int = 7
    shares: Shares = "counts"
    together: str = ""
    name: str = "deployment"

    def __post_init__(self) -> None:
        """Check the folds.

        Raises:
            SettingsError: They are out of range.
        """
        if not 2 <= self.folds <= 20:
            raise SettingsError(f"{self.folds} folds cannot be used.", hint="Give 2 to 20.")


@dataclass(frozen=True, slots=True)
class Made:
    """An adapter, and what to tell.

    Attributes:
        adapter: The adapter; use it only if it is better on held-out pictures (`measures.is_better`).
        without_face: Names of the pictures in which no face was found.
        unreadable: Files that could not be read, with reasons.
        left_out: Pictures whose label the map leaves out.
        notes: What the user should know.
    """

    adapter: Adapter
    without_face: tuple[str, ...]
    unreadable: tuple[str, ...]
    left_out: int
    notes: tuple[str, ...]


def make_adapter(folder: Path, settings: Settings, wanted: Wanted | None = None, labels: Path | None = None) -> Made:
    """Read labelled pictures and fit an adapter.

    Args:
        folder: The pictures; see `read_labelled`.
        settings: Weights, flattening and detection; an adapter of theirs is left out.
        wanted: How it is fitted.
        labels: Map from labels to expressions.

    Raises:
        DataError: The pictures or labels cannot be used, or there are too few.
        SetupError: A model is missing.
    """
    asked = wanted or Wanted()
    labelled = read_labelled(folder, labels)
    if asked.together and asked.together not in labelled.columns:
        raise DataError(f"There is no column '{asked.together}'.", hint=f"There are: {_listed(labelled.columns)}.")
    check_enough(np.array(labelled.gold), "labelled pictures")
    pipeline = Pipeline(replace(settings, adapter=None))
    read = read_faces(labelled, pipeline, asked.together)
    check_enough(read.faces.gold, "pictures with a face")
    card, digest = pipeline.specialist.card, pipeline.specialist.sha256
    start = start_of(card, digest, settings.flatten)
    faces = weighted(read.faces, start, asked.shares)
    fitted, held_out = fit_and_judge(faces, start, asked, card.coverage)
    known = _Known(labelled, read, digest, settings.flatten, card.coverage)
    adapter = compose(fitted, held_out, known, start, asked)
    return Made(adapter, read.without_face, read.unreadable, labelled.left_out, _notes(read.faces, start, asked))


def check_enough(gold: NDArray[np.int64], what: str) -> None:
    """Refuse too few pictures.

    Args:
        gold: Labelled expression of each, shape (N,).
        what: What is counted, for the message.

    Raises:
        DataError: There are fewer than 20, fewer than 5 of a labelled expression, or only one expression.
    """
    counts = np.bincount(gold, minlength=len(CANONICAL))
    short = [
        f"{LEAST_EACH - int(count)} more of {name}"
        for name, count in zip(CANONICAL, counts, strict=True)
        if 0 < count < LEAST_EACH
    ]
    if len(gold) < LEAST_PICTURES:
        short.insert(0, f"{LEAST_PICTURES - len(gold)} more in all")
    if (counts > 0).sum() < LEAST_LABELS:
        short.append("a second expression")
    if short:
        raise DataError(
            f"There are too few {what} to adapt to: {len(gold)}.",
            hint=f"Needed: {'; '.join(short)}. Or leave a rare label out of the pictures.",
        )


def start_of(card: SpecialistCard, sha256: str, flatten: float) -> Start:
    """Return what is known without pictures: the flattened prior and the confusion table of the weights.

    Args:
        card: Of the weights.
        sha256: Their digest.
        flatten: How much of the prior is taken off, 0..1.
    """
    prior = np.array(card.prior or (1 / len(CANONICAL),) * len(CANONICAL), np.float64) ** (1 - flatten)
    return Start(prior / prior.sum(), shipped_table(sha256))


def weighted(faces: Faces, start: Start, shares: Shares) -> Faces:
    """Return the faces with the weights that follow from what their shares mean; 1 on average."""
    if shares == "counts":
        return faces
    counted = np.bincount(faces.gold, minlength=len(CANONICAL)) / len(faces)
    present = counted > 0
    ratio = np.ones(len(CANONICAL))
    ratio[present] = start.prior[present] / start.prior[present].sum() / counted[present]
    weights = np.clip(ratio, 1 / MOST_WEIGHT, MOST_WEIGHT)[faces.gold]
    return replace(faces, weights=weights / weights.mean())


def fit_and_judge(faces: Faces, start: Start, wanted: Wanted, coverage: float) -> tuple[Fitted, HeldOut]:
    """Fit on all faces, and judge by cross-validation what such a fit is worth.

    Each face is judged by parts, exponents, penalty and thresholds that were all fitted without it.

    Args:
        faces: The faces.
        start: What is known without them.
        wanted: How it is fitted.
        coverage: Wanted coverage of the prediction sets, 0..1.

    Raises:
        DataError: All faces belong together, so that none can be judged by others.
    """
    if len(np.unique(faces.units)) < 2:
        raise DataError(
            f"All pictures have the same value of '{wanted.together}', so none can be judged by others.",
            hint="Add pictures with another value, or leave --together out.",
        )
    fold = split_faces(faces, wanted.folds, wanted.seed)
    before = shipped_judgements(faces)
    shares, limits = before.probabilities.copy(), before.limits.copy()
    for place in np.unique(fold):
        inside = fold == place
        other = faces.take(~inside)
        fitted = fit(other, start, folds=wanted.folds, coverage=coverage, seed=wanted.seed)
        judged = judge(faces.take(inside), fitted)
        shares[inside], limits[inside] = judged.probabilities, judged.limits
    after = Judgements(shares, limits, faces.gold, faces.weights)
    held_out = compare(before, after, faces.units, len(np.unique(fold)), wanted.seed)
    return fit(faces, start, folds=wanted.folds, coverage=coverage, seed=wanted.seed), held_out


def judge(faces: Faces, fitted: Fitted) -> Judgements:
    """Return what is said of faces with what was fitted on others."""
    limits = [
        (scaled_set(sets, fitted.sets), scaled_naming(naming, fitted.naming)) for sets, naming in faces.limits.tolist()
    ]
    shares = fitted.correction(faces.logs, faces.embedding)
    return Judgements(shares, np.array(limits, np.float64).reshape(-1, 2), faces.gold, faces.weights)


@dataclass(frozen=True, slots=True)
class _Known:
    """Where the faces come from, and what read them."""

    labelled: LabelledPictures
    read: ReadFaces
    weights: str
    flatten: float
    coverage: float


def compose(fitted: Fitted, held_out: HeldOut, known: _Known, start: Start, wanted: Wanted) -> Adapter:
    """Return the adapter with its provenance."""
    head, choice, gold = fitted.head, fitted.choice, known.read.faces.gold
    there = choice.penalty is not None
    return Adapter(
        name=slug(wanted.name)[:60],
        made=datetime.now(UTC).date(),
        weights_sha256=known.weights,
        flatten=known.flatten,
        labels=dict(known.labelled.meaning),
        pictures=len(gold),
        counts=_counts(gold),
        without_face=len(known.read.without_face),
        unreadable=len(known.read.unreadable),
        data_sha256=known.labelled.digest(),
        seed=wanted.seed,
        shares=wanted.shares,
        sharpness=round(head.sharpness, DIGITS),
        prior=files.Prior(
            shipped=_row(start.prior), strength=PRIOR_STRENGTH, posterior=_row(fitted.prior), exponent=choice.prior
        ),
        confusion=files.Confusion(
            shipped=_rows(shipped_of(start)),
            strength=ROW_STRENGTH,
            posterior=_rows(fitted.table),
            exponent=choice.confusion,
        ),
        head=files.Head(
            penalty=choice.penalty,
            bias=_row(head.bias),
            odds=_rows(head.odds) if there else (),
            features=_rows(head.features) if there else (),
        ),
        thresholds=files.Thresholds(
            coverage=known.coverage, sets=round(fitted.sets, DIGITS), naming=round(fitted.naming, DIGITS)
        ),
        held_out=held_out,
    )


def _counts(gold: NDArray[np.int64]) -> Mapping[str, int]:
    counts = np.bincount(gold, minlength=len(CANONICAL))
    return {name: int(count) for name, count in zip(CANONICAL, counts, strict=True) if count}


def _row(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return values to so many significant digits: small shares must not become 0."""
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def _rows(values: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(_row(row) for row in values)


def _per_expression(gold: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many faces have each expression, in the order of CANONICAL, shape (C,)."""
    return np.bincount(gold, minlength=len(CANONICAL))


def _notes(faces: Faces, start: Start, wanted: Wanted) -> tuple[str, ...]:
    notes = []
    counts = _per_expression(faces.gold)
    present = counts[counts > 0]
    if wanted.shares == "counts" and len(present) > 2 and present.max() <= 1.25 * present.min():
        notes.append(
            "Every label has about as many pictures. If they were chosen by label, --shares shipped keeps that from "
            "being taken for how often the expressions occur."
        )
    unlabelled = [name for name, count in zip(CANONICAL, counts, strict=True) if not count]
    if unlabelled and len(faces) < SURE_PICTURES:
        notes.append(
            f"No picture is labelled {', '.join(unlabelled)}: on such faces the adapted answer was not judged. Over "
            f"all expressions adapters of fewer than {SURE_PICTURES} pictures were measured to be worse at times "
            "(docs/adaptation.md). Add pictures of these labels, or more of all."
        )
    if start.table is None:
        notes.append("The confusion shift is left out: what these weights confuse elsewhere was never measured.")
    if not wanted.together:
        notes.append(
            "Held-out numbers are too good if several pictures show one person: --together names the column of the csv "
            "file that says so."
        )
    return tuple(notes)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
