"""From calibrated probabilities to the `Expression` of a report: term, compound, set, intensity, abstention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.movements import measured_intensity
from ferce_agent.report import (
    REGIONS,
    AbstainReason,
    ActionUnitReading,
    Component,
    Distribution,
    Estimate,
    Expression,
    Quality,
    Region,
)
from ferce_agent.specialist.conformal import prediction_set

COMPOUND_SHARE: Final = 0.25
"""Each part of a compound needs at least this probability."""
COMPOUND_TOTAL: Final = 0.7
"""Both parts together need at least this probability."""
LEAST_SHARE: Final = 0.0003
"""No expression is reported as impossible.

About 3,500 faces were used for calibration, so rarer things were never tested.
"""
CARRIED: Final[dict[Region, frozenset[str]]] = {
    "eyes": frozenset({"happiness", "surprise", "anger"}),
    "nose": frozenset(CANONICAL) - {"sadness", "disgust"},
    "mouth": frozenset({"happiness", "anger"}),
}
"""Expressions that the rest of a face carries, by what is covered of it.

On 2,894 faces of FER+ (validation) with masks, hands, sunglasses and the like drawn in, named with a probability from
`COVERED_CERTAIN` on, these were right in 0.94 of the cases or more. Surprise was so with the eyes covered, but in 0.78
with mouth and nose covered. A face without a mouth passes for neutral: 0.73 right."""
COVERED_CERTAIN: Final = 0.9
"""Least probability with which an expression of a partly covered face is named."""
LEAST_QUALITY: Final = 0.1
"""Under this quality score no expression is named."""


def interpret(  # noqa: PLR0913
    probabilities: NDArray[np.float64],
    quality: Quality,
    *,
    conformal: float,
    coverage: float,
    abstain: float,
    measured: Sequence[ActionUnitReading] = (),
    views: Sequence[NDArray[np.float64]] = (),
) -> Expression:
    """Build the expression of one face.

    The confidence is the probability of the term that is named: of one expression, or the sum over a compound's parts.

    Args:
        probabilities: Calibrated, FER+ order, shape (8,), summing to one.
        quality: Readability of the face.
        conformal: Least probability to enter the prediction set, 0..1.
        coverage: Coverage that threshold was fitted for, 0..1.
        abstain: Least confidence at which an expression is named, 0..1.
        measured: Action units of the face, where an engine measured them.
        views: Probabilities of several looks at the face; it is named only where no look alone would name another term.
    """
    shares = rounded_shares(probabilities)
    parts = compound_parts(shares)
    confidence = confidence_in(shares, parts)
    term = primary_term(shares, parts)
    steady: AbstainReason | None = None if is_steady(term, views, abstain) else "unsure"
    hidden = covered_regions(quality)
    carried = is_carried(parts or (term,), confidence, hidden)
    reason = abstain_reason(confidence, quality, abstain) or (steady if carried else "covered")
    return Expression(
        primary=None if reason else term,
        distribution=Distribution(**shares),
        prediction_set=tuple(CANONICAL[index] for index in prediction_set(probabilities, conformal)),
        coverage=coverage,
        confidence=min(round(confidence, 4), 1.0),
        abstained=reason is not None,
        abstain_reason=reason,
        intensity=measured_intensity(term, measured) or estimate_intensity(shares),
        valence=expected_value(shares, "valence"),
        arousal=expected_value(shares, "arousal"),
        components=() if reason else compound_components(shares, parts),
        rests_on=tuple(region for region in REGIONS if region not in hidden),
    )


def covered_regions(quality: Quality) -> tuple[Region, ...]:
    """Return which parts of the face are covered."""
    return tuple(region for region in REGIONS if f"{region}_covered" in quality.reasons)


def is_carried(terms: Sequence[str], confidence: float, hidden: Sequence[Region]) -> bool:
    """Return whether what is not covered of a face carries an expression.

    Args:
        terms: The canonical expressions it consists of.
        confidence: Its probability, 0..1.
        hidden: The parts that are covered.
    """
    if not hidden:
        return True
    if {"eyes", "mouth"} <= set(hidden) or confidence < COVERED_CERTAIN:
        return False
    return all(term in CARRIED[region] for term in terms for region in hidden)


def is_steady(term: str, views: Sequence[NDArray[np.float64]], threshold: float) -> bool:
    """Return whether no look alone would name another term than `term`.

    Args:
        term: Ontology id of the expression or compound that the mean of the looks gives.
        views: Probabilities of each look, shape (8,), FER+ order.
        threshold: Least confidence at which a look names a term, 0..1.
    """
    for view in views:
        shares = rounded_shares(view)
        parts = compound_parts(shares)
        if primary_term(shares, parts) != term and confidence_in(shares, parts) >= threshold:
            return False
    return True


def confidence_in(shares: dict[Canonical, float], parts: tuple[Canonical, ...]) -> float:
    """Return the probability of the compound of `parts`, or of the most probable expression."""
    return sum(shares[part] for part in parts) if parts else max(shares.values())


def rounded_shares(probabilities: NDArray[np.float64]) -> dict[Canonical, float]:
    """Return the probabilities by name, none below `LEAST_SHARE`, rounded to 4 digits, summing to one within 0.001."""
    shares = np.maximum(probabilities / probabilities.sum(), LEAST_SHARE)
    shares = shares / shares.sum()
    return {name: round(float(value), 4) for name, value in zip(CANONICAL, shares, strict=True)}


def compound_parts(shares: dict[Canonical, float]) -> tuple[Canonical, ...]:
    """Return the two expressions of a compound, likelier first; empty where one expression stands alone.

    The two most probable expressions form a compound if neither is neutral, both are supported, and the ontology has a
    term for the pair.
    """
    first, second = sorted(shares, key=lambda name: -shares[name])[:2]
    supported = shares[second] >= COMPOUND_SHARE and shares[first] + shares[second] >= COMPOUND_TOTAL
    named = ontology().compound_of(frozenset((first, second))) is not None
    return (first, second) if supported and named and "neutral" not in (first, second) else ()


def primary_term(shares: dict[Canonical, float], parts: tuple[Canonical, ...]) -> str:
    """Return the ontology id of the compound of `parts`, or of the most probable expression."""
    compound = ontology().compound_of(frozenset(parts)) if parts else None
    return compound.id if compound else max(shares, key=lambda name: shares[name])


def compound_components(shares: dict[Canonical, float], parts: tuple[Canonical, ...]) -> tuple[Component, ...]:
    """Return the parts with weights that sum to one."""
    total = sum(shares[part] for part in parts)
    return tuple(Component(term=part, weight=round(shares[part] / total, 4)) for part in parts)


def abstain_reason(confidence: float, quality: Quality, threshold: float) -> AbstainReason | None:
    """Return why no expression should be named: ``low_quality``, ``unsure``, or None where one should."""
    if quality.score < LEAST_QUALITY:
        return "low_quality"
    return "unsure" if confidence < threshold else None


def estimate_intensity(shares: dict[Canonical, float]) -> Estimate:
    """Derive the intensity, 0..1: one minus the probability of neutral.

    The network predicts annotators' votes, so this is the share of people who would see an expression at all. It stands
    in where no measured movements say how strong the expression is.
    """
    value = min(max(1 - shares["neutral"], 0.0), 1.0)
    return Estimate(value=round(value, 4), origin="derived", method="one-minus-neutral")


def expected_value(shares: dict[Canonical, float], axis: str) -> Estimate:
    """Derive valence or arousal, -1..1: the ontology's values of the eight expressions, weighted by probability.

    Args:
        shares: Probabilities of the eight expressions by name.
        axis: ``valence`` or ``arousal``.
    """
    terms = ontology().terms
    value = sum(share * float(getattr(terms[name], axis)) for name, share in shares.items())
    return Estimate(value=round(float(np.clip(value, -1, 1)), 4), origin="derived", method="expected-over-distribution")
