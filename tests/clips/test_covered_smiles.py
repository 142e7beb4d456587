"""What covers a smile does not end it: where nothing can be read, neither end of an episode was seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferce_agent.api import analyze_clip
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import Episode, Gap

COVER = {"mouth": (slice(110, 190), slice(100, 240)), "eyes": (slice(45, 100), slice(90, 240))}
"""Where a grey patch lies over the portrait, cut to its upper left part."""


def film(pixels: NDArray[np.uint8], part: str) -> Iterator[tuple[float, Any]]:
    """Three seconds of a smile, with a part of the face covered in the second one; RGB."""
    for number in range(30):
        frame = pixels[:320, 60:380].copy()
        if 10 <= number < 20:
            frame[COVER[part]] = 70
        yield number / 10, frame[..., ::-1].copy()


def smiles_and_gaps(pixels: NDArray[np.uint8], part: str, engines: Engines) -> tuple[list[Episode], list[Gap]]:
    (track,) = analyze_clip(film(pixels, part), engines=engines).tracks
    return [one for one in track.episodes if one.expression == "happiness"], list(track.gaps)


def test_a_smile_behind_a_hand_is_not_told_to_have_ended(pixels: NDArray[np.uint8], engines: Engines) -> None:
    smiles, (gap,) = smiles_and_gaps(pixels, "mouth", engines)
    assert gap.reason == "mouth_covered"
    assert [(one.onset_seen, one.offset_seen) for one in smiles] == [(False, False)] * 2
    assert smiles[0].offset_s <= gap.from_s and smiles[1].onset_s >= gap.to_s


def test_a_smile_that_the_mouth_carries_goes_on_behind_dark_glasses(
    pixels: NDArray[np.uint8], engines: Engines
) -> None:
    (smile,), gaps = smiles_and_gaps(pixels, "eyes", engines)
    assert (smile.onset_s, smile.offset_s, gaps) == (0.0, 2.9, [])
