from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limited
from hypothesis import strategies as st

from ferce_agent.adaptation.fitting import (
    Choice,
    Start,
    fit,
    fit_head,
    fit_parts,
    naming_factor,
    posterior_prior,
    posterior_table,
    predict,
    set_factor,
    split,
)
from ferce_agent.adaptation.measures import compare, is_better, measure, shipped_judgements
from ferce_agent.specialist.calibration import softmax
from tests.adaptation.makers import SHIPPED, START, make_faces

NOTHING = np.zeros((0, 8))
ALL = Choice(prior=0.5, confusion=1.0, penalty=3.0)


@limited(max_examples=20)
@given(st.lists(st.integers(0, 7), max_size=60), st.floats(0.5, 200))
def test_the_posterior_lies_between_the_shipped_prior_and_the_counts(gold: list[int], strength: float) -> None:
    faces = make_faces(8).take(np.zeros(len(gold), np.intp))
    faces = replace(faces, gold=np.array(gold, np.int64))
    start = Start(np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05]), None)
    found = posterior_prior(faces, start, strength)
    assert found.sum() == pytest.approx(1) and (found > 0).all()
    counted = np.bincount(faces.gold, minlength=8) / max(len(gold), 1) if gold else start.prior
    low, high = np.minimum(start.prior, counted), np.maximum(start.prior, counted)
    assert ((found >= low - 1e-12) & (found <= high + 1e-12)).all()


@limited(max_examples=20)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_the_confusion_posterior_is_a_table_of_shares_that_starts_from_the_shipped_one(count: int, seed: int) -> None:
    faces = make_faces(max(count, 1), seed).take(np.arange(count))
    table = posterior_table(faces, START)
    assert np.allclose(table.sum(1), 1) and (table > 0).all()
    unseen = np.setdiff1d(np.arange(8), faces.gold)
    assert np.allclose(table[unseen], SHIPPED[unseen])


@pytest.mark.parametrize("choice", [Choice(), ALL])
def test_without_data_nothing_changes(choice: Choice) -> None:
    faces = make_faces(20)
    none = faces.take(np.zeros(0, np.intp))
    fitted = fit_parts(none, START, choice)
    assert np.allclose(fitted.correction(faces.logs, faces.embedding), np.exp(faces.logs))
    assert np.allclose(fitted.prior, START.prior) and np.allclose(fitted.table, SHIPPED)


@limited(max_examples=10)
@given(st.integers(0, 100))
def test_the_head_is_the_smaller_the_more_it_is_shrunk(seed: int) -> None:
    faces = make_faces(30, seed, swapped=0.8)
    sizes = [np.abs(fit_head(faces, np.zeros((30, 8)), penalty).features).sum() for penalty in (0.3, 3.0, 30.0, 1e7)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-4


def test_the_head_minimises_what_it_says() -> None:
    """Against gradient steps on all coefficients, without the reduction to what the faces span."""
    faces, penalty = make_faces(24, 3, swapped=0.5), 2.0
    head = fit_head(faces, np.zeros((24, 8)), penalty)
    middle, scale = faces.embedding.mean(0), np.sqrt(faces.embedding.var(0).sum())
    centred = faces.logs - faces.logs.mean(1, keepdims=True)
    design = np.concatenate([np.ones((24, 1)), 0.25 * centred, 3 * (faces.embedding - middle) / scale], 1)
    weights, hot = np.zeros((design.shape[1], 8)), np.eye(8)[faces.gold]
    for _ in range(4000):
        slope = design.T @ (softmax(head.sharpness * faces.logs + design @ weights) - hot) + penalty * weights
        weights -= 0.02 * slope
    assert np.allclose(head.features, weights[9:] * 3 / scale, atol=2e-3)
    assert np.allclose(head.bias, weights[0] - middle @ (weights[9:] * 3 / scale), atol=2e-3)


def test_what_belongs_together_stays_together_and_expressions_are_spread() -> None:
    faces = replace(make_faces(60, kinds=3), units=np.arange(60) // 2)
    fold = split(faces, 5, 7)
    assert all(len(set(fold[faces.units == unit])) == 1 for unit in range(30))
    assert set(fold) == {0, 1, 2, 3, 4}
    table = np.array([[((fold == place) & (faces.gold == kind)).sum() for kind in range(3)] for place in range(5)])
    assert np.ptp(table, axis=0).max() <= 3


def test_a_face_is_judged_by_parts_that_do_not_know_it() -> None:
    faces = make_faces(40, swapped=0.7)
    fold = split(faces, 4, 1)
    shares = predict(faces, START, ALL, fold)
    other = replace(faces, gold=np.where(fold == 2, (faces.gold + 1) % 4, faces.gold))
    again = predict(other, START, ALL, fold)
    assert np.allclose(shares[fold == 2], again[fold == 2])
    assert not np.allclose(shares[fold != 2], again[fold != 2])


def test_what_is_confused_here_is_learnt_and_told_on_other_faces() -> None:
    faces, others = make_faces(120, 1, swapped=0.8), make_faces(200, 2, swapped=0.8)
    fitted = fit(faces, START, folds=5, coverage=0.9, seed=7)
    assert fitted.choice.penalty is not None
    before = measure(shipped_judgements(others))
    said = replace(shipped_judgements(others), probabilities=fitted.correction(others.logs, others.embedding))
    after = measure(said)
    assert after["accuracy"] > before["accuracy"] + 0.1
    assert after["log_loss"] < before["log_loss"] - 0.2
    assert is_better(compare(shipped_judgements(others), said, others.units, 5, 7))


def test_a_model_that_is_right_is_left_as_it_is() -> None:
    faces = make_faces(80, 4, kinds=8, sharp=6.0)
    held = predict(faces, START, fit(faces, START, folds=5, coverage=0.9, seed=7).choice, split(faces, 5, 7))
    said = replace(shipped_judgements(faces), probabilities=np.exp(faces.logs))
    assert not is_better(compare(said, said, faces.units, 5, 7))
    assert (held.argmax(1) == faces.gold).mean() >= (faces.logs.argmax(1) == faces.gold).mean() - 0.02


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_the_factor_of_the_sets_reaches_the_coverage_on_new_faces(coverage: float) -> None:
    faces, others = make_faces(400, 5, sharp=1.5), make_faces(4000, 6, sharp=1.5)
    factor = set_factor(np.exp(faces.logs), faces, coverage)
    inside = np.exp(others.logs)[np.arange(4000), others.gold] >= others.limits[:, 0] * factor
    assert coverage - 0.04 < inside.mean() < coverage + 0.06


def test_naming_becomes_careful_where_answers_are_wrong_and_not_bold_on_few_faces() -> None:
    wrong = make_faces(80, 7)
    wrong = replace(wrong, gold=(wrong.gold + 1) % 4)
    assert naming_factor(np.exp(wrong.logs), wrong) > 1
    few = make_faces(4, 8, sharp=1.0)
    few = replace(few, gold=few.logs.argmax(1))
    assert naming_factor(np.exp(few.logs), few) > naming_factor(
        np.exp(wrong.logs), replace(wrong, gold=wrong.logs.argmax(1))
    )
