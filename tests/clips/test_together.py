from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.clips.episode_book import EpisodeBook
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.gaps import GapFinder
from ferce_agent.clips.together import found_between
from ferce_agent.clips.totals import Totals
from ferce_agent.clips.watches import Company
from ferce_agent.temporal.episodes import FoundEpisode
from ferce_agent.temporal.synchrony import Curve
from tests.clips.moving import sample

HAPPINESS = 1
LENGTH = 60.0


def smiling(number: int, onsets: list[float], valence: NDArray[np.float64] | None = None) -> FinishedTrack:
    """Return a face that smiles for a second at given times."""
    book, curve = EpisodeBook(f"track-{number}"), Curve()
    for onset in onsets:
        book.expression("happiness", FoundEpisode(0, onset, onset + 0.5, onset + 1, 0.9, 0.9, True, True))
    for place, value in enumerate(valence if valence is not None else []):
        curve.push(place * 0.2, float(value))
    return FinishedTrack(
        number=number,
        first_s=0.0,
        last_s=LENGTH,
        frames=600,
        box=(0.0, 0.0, 50.0, 60.0),
        book=book,
        gaps=GapFinder(),
        totals=Totals(),
        points=np.zeros((0, 0), np.float32),
        points_from=0,
        levels={},
        curve=curve,
        eyes=None,
    )


def test_who_smiles_soon_after_whom() -> None:
    first = [3.0, 11.0, 24.0, 33.0, 47.0]
    found = found_between([smiling(1, first), smiling(2, [time + 0.8 for time in first])])
    (one, evidence), *more = found
    assert not more
    assert one.kind == "followed"
    assert one.tracks == ("track-1", "track-2")
    assert one.times == 5
    assert one.lag_s == pytest.approx(0.8)
    assert one.p_value is not None
    assert one.p_value <= 0.05
    assert one.evidence == (evidence.id,)
    assert "Face 2 shows happiness 5 times soon after Face 1 does" in one.text


def test_smiles_that_have_nothing_to_do_with_each_other_are_not_told() -> None:
    assert found_between([smiling(1, [3.0, 24.0, 47.0]), smiling(2, [10.0, 33.0, 55.0])]) == []


def test_curves_that_move_together_are_told_with_their_lag() -> None:
    rng = np.random.default_rng(1)
    walk = np.convolve(rng.normal(size=330), np.ones(8) / 8, "same")
    found = found_between([smiling(1, [], walk[10:310]), smiling(2, [], walk[5:305])])
    (one, _) = found[0]
    assert one.kind == "synchrony"
    assert one.tracks == ("track-1", "track-2")
    assert one.lag_s == pytest.approx(1.0, abs=0.2)
    assert one.correlation is not None
    assert one.correlation > 0.8
    apart = rng.normal(size=(2, 300))
    assert found_between([smiling(1, [], apart[0]), smiling(2, [], apart[1])]) == []


def shown(times: list[float], shares: list[float]) -> list[Any]:
    company, pixels, found = Company(), np.zeros((90, 120, 3), np.uint8), []
    for time in times:
        found += company.push(pixels, [sample(time, {HAPPINESS: share}) for share in shares])
    return [*found, *company.finish()]


def test_people_who_smile_at_the_same_time_are_a_moment() -> None:
    times = [number / 10 for number in range(12)]
    (one,) = shown(times, [0.9, 0.8, 0.1])
    assert one.why == "together"
    assert one.track is None
    assert one.about == "2 happiness"
    assert shown(times, [0.9, 0.1]) == []
    assert shown(times[:3], [0.9, 0.9]) == []
