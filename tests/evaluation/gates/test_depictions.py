from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.evaluation.gates.depictions import DEPICTIONS
from ferce_agent.evaluation.variants import seeded
from tests.evaluation.gates.pictures import portrait, small


@pytest.mark.parametrize("kind", DEPICTIONS)
def test_every_depiction_has_the_size_of_the_face_and_other_pixels(kind: str) -> None:
    large = np.asarray(cv2.resize(small().pixels, (200, 200), interpolation=cv2.INTER_CUBIC), np.uint8)
    for face in (portrait(), large):
        for number in range(3):
            made = DEPICTIONS[kind](face, seeded(number, kind))
            assert made.shape == face.shape and made.dtype == np.uint8 and made.std() > 8
            assert np.abs(made.astype(int) - face).mean() > 12
            assert np.array_equal(made, DEPICTIONS[kind](face, seeded(number, kind)))


@pytest.mark.parametrize("kind", sorted(set(DEPICTIONS) - {"toy"}))
def test_a_depiction_keeps_the_form_of_the_face(kind: str) -> None:
    """The coarse light and shade of the picture follow those of the photo; an ink drawing keeps the least of it."""
    coarse = [cv2.resize(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), (12, 12), interpolation=cv2.INTER_AREA)[2:10, 2:10]
              for p in (portrait(), DEPICTIONS[kind](portrait(), seeded(4, kind)))]  # fmt: skip
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.3
