from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")  # the training extra

from ferce_agent.faces.template import FER_LANDMARKS
from ferce_agent.training.coverings import (
    COVERINGS,
    DISTRACTORS,
    SIDE,
    Frame,
    cover,
    covered_share,
    draw_kind,
)
from ferce_agent.training.drawings import STYLES
from ferce_agent.training.negatives import bent, cartoon, crop, random_crop, spoilt
from ferce_agent.training.textures import TEXTURES, texture

EYES, NOSE, MOUTH = range(3)


def frame(level: float = 140.0) -> Frame:
    rng = np.random.default_rng(3)
    picture = np.clip(level + rng.normal(0, 8, (SIDE, SIDE)), 0, 255).astype(np.float32)
    return Frame(picture, FER_LANDMARKS)


def shares(kind: str, seeds: int = 25) -> NDArray[np.float64]:
    """Mean share of each region over some drawings of a kind."""
    face = frame()
    found = [covered_share(cover(face, kind, np.random.default_rng(seed))[1], face.samples()) for seed in range(seeds)]
    return np.asarray(np.mean(found, axis=0))


def test_the_frame_puts_eyes_and_mouth_where_they_are() -> None:
    face = frame()
    eyes = face.place([(-0.5, 0), (0.5, 0)])
    np.testing.assert_allclose(eyes, (FER_LANDMARKS[:2] + 0.5) * 2, atol=0.6)
    np.testing.assert_allclose(face.place([(0, 1)])[0], (FER_LANDMARKS[3:].mean(0) + 0.5) * 2, atol=1e-9)


def test_samples_of_a_region_lie_around_its_landmark() -> None:
    eyes, nose, mouth = frame().samples()
    assert np.abs(eyes.mean(0) - (FER_LANDMARKS[:2].mean(0) + 0.5) * 2).max() < 1.5
    assert np.abs(nose.mean(0) - (FER_LANDMARKS[2] + 0.5) * 2).max() < 5
    assert np.abs(mouth.mean(0) - (FER_LANDMARKS[3:].mean(0) + 0.5) * 2).max() < 1.5
    assert np.ptp(mouth[:, 0]) > np.ptp(nose[:, 0])


@pytest.mark.parametrize("kind", [*COVERINGS, *DISTRACTORS])
def test_every_kind_draws_something_and_stays_in_range(kind: str) -> None:
    face = frame()
    for seed in range(6):
        drawn, solid = cover(face, kind, np.random.default_rng(seed))
        assert drawn.shape == solid.shape == (SIDE, SIDE)
        assert np.isfinite(drawn).all()
        assert drawn.min() >= 0
        assert drawn.max() <= 255
        assert set(np.unique(solid)) <= {0, 1}
    assert np.abs(drawn - face.picture).max() > 5


def test_what_is_covered_follows_from_where_things_are_worn() -> None:
    assert shares("sunglasses")[EYES] > 0.8
    assert shares("sunglasses")[MOUTH] < 0.05
    assert shares("mask")[MOUTH] > 0.9
    assert shares("mask")[EYES] < 0.05
    assert shares("scarf")[MOUTH] > 0.9
    assert shares("microphone")[MOUTH] > shares("microphone")[EYES] + 0.3


@pytest.mark.parametrize("kind", list(DISTRACTORS))
def test_distractors_leave_the_regions_free(kind: str) -> None:
    assert shares(kind).max() < 0.1


def test_the_share_counts_points_and_nothing_outside() -> None:
    solid = np.zeros((10, 10))
    solid[:, :5] = 1
    points = np.array([[[1, 1], [4.9, 9], [5.1, 3], [-1, 2]]])
    assert covered_share(solid, points).tolist() == [0.5]


def test_the_same_seed_draws_the_same() -> None:
    face = frame()
    one, two = (cover(face, "hand", np.random.default_rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_kinds_are_drawn_by_their_shares() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_kind(COVERINGS, rng) for _ in range(2000)]
    assert set(drawn) == set(COVERINGS)
    assert drawn.count("mask") > 2 * drawn.count("bar")


@pytest.mark.parametrize("kind", list(TEXTURES))
def test_textures_are_pictures_of_their_own_kind(kind: str) -> None:
    made = [TEXTURES[kind](48, np.random.default_rng(seed)) for seed in range(4)]
    assert all(picture.shape == (48, 48) and picture.dtype == np.uint8 for picture in made)
    assert len({picture.tobytes() for picture in made}) == 4
    assert texture(32, np.random.default_rng(0), (kind,)).shape == (32, 32)


@pytest.mark.parametrize("style", list(STYLES))
def test_drawings_keep_the_size_and_change_the_picture(style: str) -> None:
    across = np.tile(np.linspace(20, 230, SIDE, dtype=np.float32), (SIDE, 1))
    across[30:40, 20:80] = 10
    drawn = STYLES[style](across, np.random.default_rng(1))
    assert drawn.shape == across.shape
    assert np.isfinite(drawn).all()
    assert np.abs(drawn - across).mean() > 5


def test_crops_are_cut_out_where_they_should_be() -> None:
    picture = np.zeros((200, 300), np.uint8)
    picture[50:100, 120:170] = 200
    assert crop(picture, np.array([120, 50, 50]))[8:-8, 8:-8].min() == 200
    assert crop(picture, np.array([0, 0, 40])).max() == 0
    assert random_crop(picture, np.random.default_rng(0)).shape == (SIDE, SIDE)


def test_faces_are_spoilt_in_every_way() -> None:
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    ways = {spoilt(face, np.random.default_rng(seed))[1] for seed in range(40)}
    assert ways == {"face, shuffled", "face, a bit of it", "face, whirled", "face, inside out"}
    assert all(spoilt(face, np.random.default_rng(seed))[0].shape == (SIDE, SIDE) for seed in range(8))


def test_bending_moves_things_but_keeps_them() -> None:
    picture = np.full((SIDE, SIDE), 50, np.uint8)
    picture[40:56, 40:56] = 200
    found = bent(picture, np.random.default_rng(1))
    assert found.shape == picture.shape
    assert found.max() > 190
    assert (found != picture).mean() > 0.005


def test_cartoons_differ() -> None:
    assert len({cartoon(np.random.default_rng(seed)).tobytes() for seed in range(5)}) == 5
