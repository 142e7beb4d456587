from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import WeightsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.calibration import softmax
from ferce_agent.specialist.conformal import conformal_threshold, weighted_threshold
from ferce_agent.specialist.runner import SpecialistCard, SpecialistOutput, mean_output
from ferce_agent.specialist.strangeness import (
    BANDS,
    LEAST_CONFIDENCE,
    Banded,
    Judged,
    Strangeness,
    band_of,
    fit_bands,
    fit_strangeness,
    never_rising,
)

STRANGE = Strangeness(
    (1.0, -1.0), 0.5, (0.0, 2.0), (Banded(0.0, (0.4, 0.2), (0.5, 0.7)), Banded(1.0, (0.2, 0.1), (0.6, 0.9)))
)
CARD = SpecialistCard("1", CANONICAL, 44, 1.0, 0.9, 0.3, 0.6, flattened=((0.0, 0.3, 0.6),), strangeness=STRANGE)


def faces(count: int, seed: int) -> Judged:
    """Faces of eight classes whose probabilities are too sure, the more so the stranger they are."""
    rng = np.random.default_rng(seed)
    strange = rng.uniform(0, 3, count)
    gold = rng.integers(0, 8, count)
    logits = rng.normal(0, 1, (count, 8))
    logits[np.arange(count), gold] += 3.5 - strange
    return Judged(softmax(logits * 1.5), gold, np.eye(8)[gold], strange)


def covered(judged: Judged, fitted: Strangeness) -> NDArray[np.bool_]:
    limits = np.array([fitted.thresholds(0, value)[0] for value in judged.strangeness])
    return np.asarray(judged.probabilities[np.arange(len(limits)), judged.gold] >= limits)


def fitted_on(judged: Judged) -> Strangeness:
    middles, row = fit_bands(judged, 0.0, 0.9, 0.9)
    return Strangeness((1.0,), 0.0, middles, (row,))


def test_every_band_of_new_faces_is_covered_where_one_threshold_covers_only_the_mean() -> None:
    known, new = faces(12_000, 1), faces(12_000, 2)
    fitted = fitted_on(known)
    band = band_of(new.strangeness)
    # Each of 2,000 faces: the standard error of 0.9 is 0.007. Between middles the threshold is interpolated.
    for place in range(BANDS):
        assert covered(new, fitted)[band == place].mean() == pytest.approx(0.9, abs=0.03)
    plain = conformal_threshold(known.probabilities, known.gold)
    held = new.probabilities[np.arange(len(new.gold)), new.gold] >= plain
    assert held[band == BANDS - 1].mean() < 0.85
    assert held[band == 0].mean() > 0.95


def test_thresholds_are_bounded_and_follow_the_strangeness() -> None:
    fitted = fitted_on(faces(3_000, 3))
    limits = np.array([fitted.thresholds(0.4, value) for value in np.linspace(-50, 50, 400)])
    assert (np.diff(limits[:, 0]) <= 0).all()
    assert (np.diff(limits[:, 1]) >= 0).all()
    assert limits[0, 0] > limits[-1, 0]
    assert ((limits >= 0) & (limits <= 1)).all()
    assert limits[:, 1].min() >= LEAST_CONFIDENCE
    assert fitted.thresholds(0, -1e9) == (fitted.banded[0].conformal[0], fitted.banded[0].abstain[0])


def test_thresholds_lie_between_those_of_middles_and_amounts() -> None:
    assert STRANGE.thresholds(0, 1.0) == pytest.approx((0.3, 0.6))
    assert STRANGE.thresholds(0.5, 0.0) == pytest.approx((0.3, 0.55))
    assert STRANGE.thresholds(1, 9.0) == pytest.approx((0.1, 0.9))


def test_strangeness_tells_spoilt_faces_it_never_saw_and_does_not_depend_on_their_number() -> None:
    rng = np.random.default_rng(0)
    clean, spoilt = rng.normal(0, 2, (4_000, 5)), rng.normal([1.5, 0, 0, -1, 0], 2, (4_000, 5))
    fitted = fit_strangeness(clean[:2_000], spoilt[:2_000])
    known, new = fitted(clean[2_000:]), fitted(spoilt[2_000:])
    # Their means are 0.9 standard deviations apart along the best direction: the ranks agree in 0.738 of all pairs.
    assert (known[:, None] < new).mean() == pytest.approx(0.738, abs=0.02)
    # Two normal distributions with equal spread: the logarithm of the ratio is linear, with slope shift / variance.
    np.testing.assert_allclose(fitted.weights, [0.375, 0, 0, -0.25, 0], atol=0.05)
    again = fit_strangeness(clean[:2_000], np.concatenate([spoilt[:2_000]] * 2))
    np.testing.assert_allclose(again.weights, fitted.weights, atol=0.02)


def test_weights_of_one_give_the_plain_threshold() -> None:
    for count in (5, 10, 19, 40, 333):
        judged = faces(count, count)
        plain = conformal_threshold(judged.probabilities, judged.gold)
        assert weighted_threshold(judged.probabilities, judged.shares) == plain
        assert weighted_threshold(judged.probabilities, judged.shares * 3) == plain


def test_a_class_that_counts_more_is_covered_as_it_counts() -> None:
    rng = np.random.default_rng(4)
    gold = np.repeat([0, 1], [9_000, 1_000])
    right = np.where(gold == 0, rng.uniform(0.5, 1, len(gold)), rng.uniform(0, 0.5, len(gold)))
    probabilities = np.where(np.eye(2)[gold] == 1, right[:, None], 1 - right[:, None])
    shares = np.eye(2)[gold] / [9_000, 1_000]
    limit = weighted_threshold(probabilities, shares)
    by_class = [float((right[gold == one] >= limit).mean()) for one in (0, 1)]
    assert np.mean(by_class) == pytest.approx(0.9, abs=0.01)
    assert weighted_threshold(probabilities, np.eye(2)[gold]) > limit


def test_never_rising_is_the_nearest() -> None:
    assert never_rising([0.5, 0.3, 0.4, 0.1]) == pytest.approx([0.5, 0.35, 0.35, 0.1])
    assert never_rising([0.1, 0.2, 0.6]) == pytest.approx([0.3, 0.3, 0.3])
    assert never_rising([]) == []


def test_the_card_keeps_it_and_old_cards_do_without() -> None:
    read = SpecialistCard.from_json(json.dumps(asdict(CARD)))
    assert read == CARD
    assert read.thresholds(0, 2.0) == pytest.approx((0.2, 0.7))
    assert read.thresholds(0) == (0.3, 0.6)
    fields = asdict(CARD)
    del fields["strangeness"]
    old = SpecialistCard.from_json(json.dumps(fields))
    assert old.strangeness is None
    assert old.thresholds(0, 2.0) == (0.3, 0.6)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": []},
        {"middles": [0.0]},
        {"banded": []},
        {"banded": [{"amount": 0.0, "conformal": [0.4, 0.2], "abstain": [0.5]}]},
        {"banded": [{"amount": 0.0, "conformal": 3, "abstain": [0.5]}]},
        {"bias": None},
    ],
)
def test_a_damaged_strangeness_is_refused(change: dict[str, object]) -> None:
    fields = asdict(CARD)
    fields["strangeness"].update(change)
    with pytest.raises(WeightsError):
        SpecialistCard.from_json(json.dumps(fields))
    fields["strangeness"] = "none"
    with pytest.raises(WeightsError):
        SpecialistCard.from_json(json.dumps(fields))


def test_several_looks_are_as_strange_as_their_mean() -> None:
    one = SpecialistOutput(np.full(8, 0.125), np.zeros(8), np.zeros(256, np.float32), {}, None, {}, 1.0)
    assert mean_output([one, replace(one, strangeness=4.0)]).strangeness == 2.5
    assert mean_output([replace(one, strangeness=None)]).strangeness is None
