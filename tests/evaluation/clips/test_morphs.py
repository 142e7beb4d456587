"""Faces that act: when, how far, and that only the face moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.evaluation.clips.morphs import (
    CONDITIONS,
    VISIBLE,
    WARPS,
    Acted,
    Acting,
    Actor,
    Condition,
    Warp,
    frame_times,
    script,
    show,
    smooth_step,
    smooth_step_place,
    warp_field,
)


@pytest.fixture(scope="module")
def actor() -> Actor:
    """Return a picture of noise with landmarks: where it is warped does not depend on what it shows."""
    pixels = np.random.default_rng(0).integers(0, 255, (120, 120, 3), np.uint8)
    return Actor(pixels, np.array([[45.0, 45], [75, 45], [60, 60], [48, 78], [72, 78]]))


@given(st.floats(0, 1))
def test_the_inverse_of_the_smooth_step(value: float) -> None:
    """The place of a value has that value."""
    assert smooth_step(smooth_step_place(value)) == pytest.approx(value, abs=1e-9)


def test_times_are_those_of_a_tenth_of_the_blend() -> None:
    """At onset and offset the blend is a tenth; before and after it is less, between them more."""
    acted = Acted("happiness", 1.0, 0.5, 1.0, 0.4)
    assert acted.blend(acted.onset_s) == pytest.approx(VISIBLE)
    assert acted.blend(acted.offset_s) == pytest.approx(VISIBLE)
    assert acted.blend(1.0) == acted.blend(acted.end) == 0
    assert acted.blend(1.7) == 1
    assert 1.0 < acted.onset_s < 1.2
    assert 2.7 < acted.offset_s < acted.end


def test_a_script_keeps_its_expressions_apart() -> None:
    """Expressions come in order with calm of at least 0.8 s around them."""
    acted, seconds = script(["happiness", "anger"], np.random.default_rng(0))
    assert [one.expression for one in acted] == ["happiness", "anger"]
    assert acted[0].start >= 0.8
    assert acted[1].start >= acted[0].end + 0.8
    assert seconds >= acted[1].end + 0.8


def test_dropped_frames_and_even_ones() -> None:
    """Times are even, but where frames are dropped: then some are missing and the rest grow unevenly."""
    rng = np.random.default_rng(0)
    even = frame_times(4, 25, "clean", rng)
    assert len(even) == 100
    ragged = frame_times(4, 25, "drops", rng)
    assert 70 < len(ragged) < 98
    assert (np.diff(ragged) > 0).all()
    assert np.diff(ragged).std() > 0.005


@pytest.mark.parametrize("expression", list(WARPS))
def test_a_warp_moves_the_face_and_nothing_else(actor: Actor, expression: str) -> None:
    """The calm picture is as it was; the full warp changes the face and not the corners of the picture."""
    field = warp_field(actor, expression)  # type: ignore[arg-type]
    calm = show(actor, Warp(field, expression, 0.0))  # type: ignore[arg-type]
    np.testing.assert_array_equal(calm, actor.pixels)
    full = show(actor, Warp(field, expression, 1.0))  # type: ignore[arg-type]
    changed = np.abs(full.astype(int) - actor.pixels).max(2) > 0
    assert changed[40:90, 40:80].mean() > 0.2
    assert not changed[:10].any()
    assert np.hypot(*field).max() < actor.eyes


def test_a_smile_lifts_the_corners_of_the_mouth(actor: Actor) -> None:
    """What is seen above each corner comes from further down and from the middle."""
    field = warp_field(actor, "happiness")
    for corner, outward in ((actor.landmarks[3], -1), (actor.landmarks[4], 1)):
        x, y = (corner + np.array([outward * 0.22, -0.25]) * actor.eyes).round().astype(int)
        across, down = field[:, y, x]
        assert down > 0.15 * actor.eyes
        assert across * outward < -0.1 * actor.eyes


@pytest.mark.parametrize("condition", CONDITIONS)
def test_clips_are_the_same_for_the_same_seed(actor: Actor, condition: Condition) -> None:
    """The same seed makes the same pictures, another one others; times and shapes are as asked."""
    acting = Acting(actor, (Acted("surprise", 0.1, 0.2, 0.2, 0.2),), condition)
    times = np.array([0.0, 0.2, 0.4])
    one, again, other = (list(acting.frames(times, np.random.default_rng(seed))) for seed in (1, 1, 2))
    assert [frame.time for frame in one] == times.tolist()
    assert all((a.pixels == b.pixels).all() for a, b in zip(one, again, strict=True))
    assert not (one[0].pixels == other[0].pixels).all()
    assert all(frame.pixels.shape == actor.pixels.shape and frame.pixels.dtype == np.uint8 for frame in one)


def test_a_face_without_a_script_stays_calm(actor: Actor) -> None:
    """Nothing acted: the picture, but for the camera's noise."""
    (frame,) = Acting(actor, ()).frames(np.zeros(1), np.random.default_rng(0))
    assert np.abs(frame.pixels.astype(int) - actor.pixels).mean() < 3
