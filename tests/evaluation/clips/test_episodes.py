"""The suite of acted expressions: its numbers, and one clip through the real chain."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.clips.episodes import (
    Heard,
    Numbers,
    Player,
    ReadTimes,
    Suite,
    audition,
    best_match,
    episode_table,
    expression_numbers,
    f1_of,
    found_in,
    movement_numbers,
    overlap,
    read_times,
    run_episodes,
)
from ferce_agent.evaluation.clips.morphs import Acted, Acting, Actor
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings
from ferce_agent.temporal.episodes import FoundEpisode

HOPPER = Path(matplotlib.__file__).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"


def found(onset: float, offset: float) -> FoundEpisode:
    """Return an episode with these times."""
    return FoundEpisode(0, onset, (onset + offset) / 2, offset, 0.9, 0.9, True, True)


def acted(start: float) -> Acted:
    """Return a smile with rise and fall so fast that they do not matter."""
    return Acted("happiness", start, 1e-6, 1.0, 1e-6)


def heard(*named: tuple[str, FoundEpisode], starts: tuple[float, ...] = (1.0, 4.0)) -> Heard:
    """Return a clip with smiles of a second and what was found in it."""
    smiles = tuple(acted(start) for start in starts)
    read = tuple(ReadTimes(one.onset_s + 0.1, one.offset_s) for one in smiles)
    return Heard(25, "clean", smiles, read, tuple(named), (("AU12", found(1.01, 2.0)),))


def test_overlap_of_spans() -> None:
    """Intersection over union."""
    assert overlap((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert overlap((0, 1), (2, 3)) == 0
    assert overlap((0, 1), (0, 1)) == 1


def test_matching_needs_the_name_and_half_the_time() -> None:
    """The episode that overlaps most is taken, if it is of the name and overlaps by half."""
    good, poor = found(1.1, 2.0), found(1.0, 1.4)
    assert best_match(acted(1.0), ("happiness",), [("happiness", poor), ("happiness", good)]) is good
    assert best_match(acted(1.0), ("happiness",), [("happiness", poor), ("anger", good)]) is None


def test_numbers_count_misses_extras_and_late_times() -> None:
    """F1 falls by what is missed and by what is too much; times off by more than 80 ms do not count."""
    clip = heard(("happiness", found(1.05, 2.2)), ("sadness", found(2.5, 3.0)))
    assert f1_of([clip]) == pytest.approx(2 / 4)
    blend = expression_numbers([clip])
    assert (blend.acted, blend.matched, blend.onsets, blend.offsets) == (2, 1, 1.0, 0.0)
    assert blend.onset_s == pytest.approx(0.05, abs=1e-4)
    assert blend.offset_s == pytest.approx(0.2, abs=1e-4)
    assert expression_numbers([clip], read=True).onset_s == pytest.approx(-0.05, abs=1e-4)
    moved = movement_numbers([clip])
    assert (moved.acted, moved.matched, moved.onsets, moved.offsets) == (2, 1, 1.0, 1.0)
    assert np.isnan(Numbers.of(3, []).onsets)


def test_the_table_has_a_row_for_each_rate_and_condition() -> None:
    """Head, rule, one rate, one condition, all; as many cells in each."""
    lines = episode_table([heard(("happiness", found(1.0, 2.0)), ("happiness", found(4.0, 5.0)))]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == ["25 fps", "clean", "all"]
    assert len({line.count("|") for line in lines}) == 1
    assert "| 2 | 2 | 1.000 |" in lines[-1]


def test_what_is_found_in_calm_faces_counts_as_wrong() -> None:
    """A clip in which nothing is acted has its own row; what is found there lowers the F1 of all."""
    right = heard(("happiness", found(1.0, 2.0)), ("happiness", found(4.0, 5.0)))
    calm = heard(("fear", found(1.0, 2.0)), starts=())
    lines = episode_table([right, calm]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == ["25 fps", "clean", "calm", "all"]
    assert lines[-2].startswith("| calm | 0 | 1 | - | - |")
    assert "| 2 | 3 | 0.800 |" in lines[-1]


def test_a_suite_has_clips_for_each_rate_and_condition() -> None:
    """So many for each condition and rate, and calm ones; other seeds for choosing than for reporting."""
    suite = Suite(clips=2, rates=(10, 25), conditions=("clean", "noise"), calm=1)
    clips = list(suite.clips_of())
    assert len(clips) == 2 * (2 * 2 + 1)
    assert sum(not acts for *_, acts in clips) == 2
    seeds = {seed for _, _, seed, _ in clips}
    assert not seeds & {seed for _, _, seed, _ in Suite(chosen=True).clips_of()}


def test_without_the_data_there_is_a_typed_error(tmp_path: Path) -> None:
    """A folder without FER+ is said to be one."""
    with pytest.raises(DataError):
        run_episodes(tmp_path)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """Return the networks."""
    return Pipeline(Settings(threads=1))


@pytest.fixture(scope="module")
def actor(pipeline: Pipeline) -> Actor:
    """Return a public-domain face that is about calm, at half its size."""
    pixels = np.asarray(
        cv2.resize(np.asarray(cv2.imread(str(HOPPER))), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
    )
    return Actor(pixels, pipeline.detector.detect(pixels)[0].landmarks)


@pytest.mark.parametrize("rate", [10, 25])
def test_a_smile_is_found_with_its_times(actor: Actor, pipeline: Pipeline, rate: int) -> None:
    """Through following, reading, smoothing and finding a smile is one episode, on time within two frames or 80 ms."""
    smile = Acted("happiness", 1.0, 0.4, 0.8, 0.5)
    frames = Acting(actor, (smile,)).frames(np.arange(0, 3.4, 1 / rate), np.random.default_rng(0))
    episodes = found_in(frames, pipeline)
    (one,) = (one for kind, name, one in episodes if (kind, name) == ("expression", "happiness"))
    assert one.onset_s == pytest.approx(smile.onset_s, abs=max(2 / rate, 0.08))
    assert one.offset_s == pytest.approx(smile.offset_s, abs=max(2 / rate, 0.08))
    assert one.onset_seen
    assert one.offset_seen
    assert one.confidence > 0.8
    assert ("movement", "AU12") in {(kind, name) for kind, name, _ in episodes}


def test_what_is_read_comes_after_the_blend_begins(actor: Actor, pipeline: Pipeline) -> None:
    """The probability leaves its level later than the blend, and is back earlier."""
    smile = Acted("happiness", 1.0, 0.4, 0.8, 0.5)
    read = read_times(Player(actor, ("happiness",)), smile, pipeline)
    assert 1.0 < read.onset_s < 1.4
    assert 2.2 < read.offset_s < smile.end


def test_only_calm_faces_can_act(pipeline: Pipeline) -> None:
    """A smiling astronaut cannot play a calm face, nor can a picture without a face."""
    smiling = cv2.imread(str(resources.files("ferce_agent.evaluation") / "astronaut.jpg"))
    assert audition(np.asarray(smiling, np.uint8), pipeline) is None
    assert audition(np.zeros((100, 100, 3), np.uint8), pipeline) is None
