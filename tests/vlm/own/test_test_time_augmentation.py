"""Several looks at one face crop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.vlm.own.test_time_augmentation import COUNT, looks


def picture(side: int, seed: int, colours: bool) -> NDArray[np.uint8]:
    shape = (side, side, 3) if colours else (side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(st.integers(8, 100), st.integers(0, 9), st.booleans())
def test_a_mirrored_face_gets_the_same_looks(side: int, seed: int, colours: bool) -> None:
    face = picture(side, seed, colours)
    mirrored = looks(face[:, ::-1])
    assert looks(face).shape == (COUNT, *face.shape)
    assert looks(face).dtype == np.uint8
    assert sorted(map(np.ndarray.tobytes, looks(face))) == sorted(map(np.ndarray.tobytes, mirrored))


@given(st.integers(8, 100), st.integers(0, 255))
def test_a_flat_picture_stays_as_it_is(side: int, level: int) -> None:
    assert (looks(np.full((side, side), level, np.uint8)) == level).all()


def test_looks_differ_but_keep_what_is_in_the_middle() -> None:
    face = np.zeros((96, 96), np.float32)
    face[40:56, 40:56] = 200.0
    several = looks(face)
    assert (
        len({look.tobytes() for look in several[:2]}) == 2
    )  # a symmetric picture: the mirrored looks are the same ones
    for look in several:
        assert look[47, 47] == pytest.approx(200, abs=1)
        assert look[5, 5] == pytest.approx(0, abs=1)
        assert 1.0 < look.sum() / face.sum() < 1.2  # a little enlarged
