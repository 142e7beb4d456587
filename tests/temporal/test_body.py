"""Posture and gestures from made series: a sitting figure that does one thing, and the same figure at rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.temporal.body import RULES, FoundPosture, find_postures
from ferce_agent.temporal.body_measures import WIDTH, behind_hand, look_at

Array = NDArray[np.float64]
STEP_S = 0.2
FACE = np.array([280.0, 120.0, 80.0, 100.0])
PLACES = {
    0: (320, 175), 2: (335, 160), 5: (305, 160), 7: (355, 165), 8: (285, 165), 9: (332, 195), 10: (308, 195),
    11: (400, 270), 12: (240, 270), 13: (430, 380), 14: (210, 380), 15: (420, 470), 16: (220, 470),
    17: (420, 490), 19: (415, 495), 21: (410, 485), 18: (220, 490), 20: (225, 495), 22: (230, 485),
    23: (370, 500), 24: (270, 500),
}  # fmt: skip
"""A figure that sits upright and faces the camera: x and y of each joint; the person's left is at the right."""


class Figure:
    """The figure at one time, to be moved by a test."""

    def __init__(self) -> None:
        self.points = np.full((33, 2), 300.0)
        for joint, place in PLACES.items():
            self.points[joint] = place
        self.visibility = np.full(33, 0.95)
        self.face = FACE.copy()
        self.roll = 0.0

    def shift(self, joints: list[int], by: tuple[float, float]) -> None:
        self.points[joints] += by

    def head(self, by: tuple[float, float], grown: float = 1.0) -> None:
        middle = self.face[:2] + self.face[2:] / 2
        self.points[:11] = middle + (self.points[:11] - middle) * grown + by
        size = self.face[2:] * grown
        self.face = np.concatenate([middle + by - size / 2, size])

    def grow(self, factor: float) -> None:
        self.points = (self.points - 300) * factor + 300
        self.face = np.concatenate([(self.face[:2] - 300) * factor + 300, self.face[2:] * factor])

    def turn(self, degrees: float) -> None:
        """Turn everything around the hips, clockwise in the picture."""
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        self.points = (self.points - [320, 500]) @ np.array([[c, s], [-s, c]]) + [320, 500]
        self.face[:2] = self.points[0] - [40, 55]


Act = Callable[[Figure, float], None]


def rows_of(act: Act, seconds: float = 12.0, noise: float = 0.6, seed: int = 1) -> Array:
    """Return the looks at a figure that `act` moves, with noise of so many pixels."""
    rng, rows = np.random.default_rng(seed), []
    for time in np.arange(0, seconds, STEP_S):
        figure = Figure()
        act(figure, float(time))
        points = figure.points + rng.normal(0, noise, figure.points.shape)
        rows.append(look_at(float(time), points, figure.visibility, figure.face, figure.roll).row())
    return np.array(rows)


def between(begin: float, end: float, act: Callable[[Figure], None]) -> Act:
    """Return an act that is done from one time to another."""
    return lambda figure, time: act(figure) if begin <= time < end else None


def rest(figure: Figure, time: float) -> None:
    """Sit and sway a little, as everybody does."""
    figure.shift(list(range(33)), (6 * np.sin(time * 2), 3 * np.sin(time * 3)))
    figure.face[:2] += [6 * np.sin(time * 2), 3 * np.sin(time * 3)]


def forward(figure: Figure) -> None:
    figure.head((0, 25), 1.25)


def back(figure: Figure) -> None:
    figure.head((0, -25), 0.8)


def cross(figure: Figure) -> None:
    figure.points[15], figure.points[16] = (230, 360), (410, 360)
    figure.visibility[[15, 16]] = 0.4


def hand_on_mouth(figure: Figure) -> None:
    for joint in (18, 20, 22):
        figure.points[joint] = (310, 195)
    figure.points[16] = (290, 250)


def hold_head(figure: Figure) -> None:
    for joint in (17, 19, 21):
        figure.points[joint] = (350, 225)
    figure.points[15] = (360, 280)
    figure.roll = 15.0


def shrug(figure: Figure) -> None:
    figure.shift([11, 12], (0, -28))


ACTS: dict[str, tuple[Act, str | None]] = {
    "leaning_forward": (between(4, 7, forward), None),
    "leaning_back": (between(4, 7, back), None),
    "leaning_sideways": (between(4, 7, lambda figure: figure.turn(18)), "right"),
    "arms_crossed": (between(4, 7, cross), None),
    "hand_to_face": (between(4, 5.4, hand_on_mouth), "left"),
    "head_on_hand": (between(4, 8, hold_head), "right"),
    "shrug": (between(4, 5, shrug), None),
    "coming_closer": (lambda figure, time: figure.grow(1 + 0.5 * min(max(time - 4, 0), 2) / 2), None),
    "moving_away": (lambda figure, time: figure.grow(1.5 - 0.5 * min(max(time - 4, 0), 2) / 2), None),
    "moving_much": (
        lambda figure, time: figure.shift([13, 14, 15, 16], (70 * (-1) ** round(time / STEP_S), 0)) if 4 <= time < 7
        else None,
        None,
    ),
    "keeping_still": (lambda figure, time: None, None),
}  # fmt: skip


def kinds(found: list[FoundPosture]) -> set[str]:
    return {one.kind for one in found}


def test_every_rule_has_a_made_series() -> None:
    assert set(ACTS) == {kind for kind, _ in RULES}


@pytest.mark.parametrize("kind", ACTS)
def test_each_posture_is_found_when_it_is_shown_and_on_the_right_side(kind: str) -> None:
    act, side = ACTS[kind]
    found = [one for one in find_postures(rows_of(act)) if one.kind == kind]
    assert len(found) == 1
    assert found[0].side == side
    assert 0.5 <= found[0].strength <= 1
    assert 0.3 <= found[0].confidence <= 1
    if kind != "keeping_still":
        assert 3 <= found[0].from_s <= 5
        assert found[0].to_s <= 9


@pytest.mark.parametrize("kind", [kind for kind in ACTS if kind != "keeping_still"])
def test_what_is_shown_is_not_told_as_something_else(kind: str) -> None:
    along = {"head_on_hand": {"hand_to_face"}}.get(kind, set())
    assert kinds(find_postures(rows_of(ACTS[kind][0]))) - {kind, "keeping_still"} <= along


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_somebody_who_sits_and_sways_shows_nothing(seed: int) -> None:
    assert kinds(find_postures(rows_of(rest, seed=seed))) <= {"keeping_still"}


@settings(max_examples=15)
@given(st.sampled_from(sorted(ACTS)), st.floats(0.5, 3), st.floats(-200, 200))
def test_neither_size_nor_place_in_the_picture_matters(kind: str, factor: float, off: float) -> None:
    act = ACTS[kind][0]

    def elsewhere(figure: Figure, time: float) -> None:
        act(figure, time)
        figure.points = figure.points * factor + off
        figure.face = np.concatenate([figure.face[:2] * factor + off, figure.face[2:] * factor])

    here, there = rows_of(act, noise=0.0), rows_of(elsewhere, noise=0.0)
    told = [
        [(one.kind, round(one.from_s, 2), round(one.to_s, 2)) for one in find_postures(rows)] for rows in (here, there)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("kind", [kind for kind in ACTS if kind not in {"coming_closer", "moving_away"}])
def test_joints_that_are_not_seen_tell_nothing(kind: str) -> None:
    act = ACTS[kind][0]

    def unseen(figure: Figure, time: float) -> None:
        act(figure, time)
        figure.visibility[:] = 0.1

    assert kinds(find_postures(rows_of(unseen))) <= {"coming_closer", "moving_away"}


@settings(max_examples=40)
@given(st.integers(0, 6), st.integers(0, 10_000))
def test_any_rows_give_facts_within_the_film(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 3, (count * 10, WIDTH))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 0] = np.arange(len(rows)) * STEP_S
    for one in find_postures(rows):
        assert 0 <= one.from_s <= one.to_s <= rows[-1, 0] + 1e-6
        assert 0 <= one.strength <= 1
        assert 0 <= one.confidence <= 1


def test_a_hand_over_the_mouth_covers_the_mouth_and_one_beside_the_face_nothing() -> None:
    figure = Figure()
    assert behind_hand(look_at(0, figure.points, figure.visibility, figure.face, 0)) == ()
    hand_on_mouth(figure)
    assert behind_hand(look_at(0, figure.points, figure.visibility, figure.face, 0)) == ("mouth",)
    figure.shift([18, 20, 22], (0, -50))
    assert behind_hand(look_at(0, figure.points, figure.visibility, figure.face, 0)) == ("eyes",)
    figure.visibility[[18, 20, 22]] = 0.2
    assert behind_hand(look_at(0, figure.points, figure.visibility, figure.face, 0)) == ()
