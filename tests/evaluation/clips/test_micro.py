from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.clips.micro import (
    MicroOutcome,
    measured,
    micro_table,
    run_megc,
    suite_faces,
    suite_plans,
)
from ferce_agent.evaluation.clips.micro_faces import (
    MICRO,
    MOVEMENTS,
    MicroClip,
    Move,
    Plan,
    PosedFace,
    draw,
    rendered,
    without_micro,
)
from ferce_agent.pipeline import Pipeline
from ferce_agent.temporal.micro import FoundMicro
from tests.evaluation.workbooks import write_workbook

BROW = Move("inner_brows_up", 3.0, 1.6, 1.75, 1.95)
CLIP = MicroClip("none", 30.0, 3.4, (BROW,))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(scope="module")
def face(pipeline: Pipeline) -> PosedFace:
    return suite_faces(pipeline)[0]


def test_a_movement_rises_and_falls_between_its_times() -> None:
    assert [BROW.at(time) for time in (1.6, 1.75, 1.95, 5.0)] == pytest.approx([0, 3, 0, 0])
    assert 0 < BROW.at(1.65) < BROW.at(1.7) < 3


def test_the_same_seed_draws_the_same_clip_and_another_one_another() -> None:
    plan = Plan("all", 30.0, 20.0)
    assert draw(plan, 1) == draw(plan, 1)
    assert draw(plan, 1) != draw(plan, 2)
    assert without_micro(draw(plan, 1)).others == draw(plan, 1).others


@pytest.mark.parametrize("seed", range(5))
def test_movements_of_a_suite_lie_within_their_clips_and_apart(seed: int) -> None:
    for clip in suite_plans(seed):
        assert all(1.0 <= move.onset_s < move.apex_s < move.offset_s < clip.seconds for move in clip.micro)
        assert {move.name for move in clip.micro} <= set(MICRO)
        for one, two in zip(clip.micro, clip.micro[1:], strict=False):
            assert two.onset_s - one.offset_s > 0.8
        assert all(move.name in MOVEMENTS for move in clip.others)


def test_frames_show_what_was_planned(face: PosedFace) -> None:
    still = replace(CLIP, micro=(), noise=0.0, seconds=0.1)
    frames = [frame for frame, _ in rendered(still, face)]
    assert [frame.time for frame in frames] == pytest.approx([0, 1 / 30, 2 / 30])
    assert np.abs(frames[0].pixels.astype(int) - face.pixels).max() <= 1
    raised = replace(still, micro=(Move("inner_brows_up", 3.0, -1.0, 0.05, 1.0),))
    changed = np.abs(next(rendered(raised, face))[0].pixels.astype(int) - frames[0].pixels).sum(2)
    rows = np.flatnonzero(changed.max(1) > 8)
    assert 40 < rows.mean() < 115


def test_an_encoded_clip_has_the_same_frames(face: PosedFace) -> None:
    clip = replace(CLIP, seconds=0.3, encoded=True)
    frames = list(rendered(clip, face))
    plain = list(rendered(replace(clip, encoded=False), face))
    assert len(frames) == len(plain) == 9
    assert np.abs(frames[4][0].pixels.astype(int) - plain[4][0].pixels).mean() < 8


@pytest.mark.slow
def test_a_clip_is_followed_and_measured(pipeline: Pipeline, face: PosedFace) -> None:
    outcome = measured(pipeline, CLIP, face)
    assert (outcome.counts.right, outcome.counts.wrong, outcome.counts.missed) == (1, 0, 0)


def test_the_table_counts_what_was_found() -> None:
    found = FoundMicro(("brows",), 1.6, 1.75, 1.9, 2.0, 0.5)
    outcomes = [
        MicroOutcome(CLIP, (found,), ((0, 0),)),
        MicroOutcome(replace(CLIP, disturbance="blinks", frame_rate=200.0), (found,), ()),
    ]
    table = micro_table(outcomes)
    assert "| all | 2 | 0.50 | 0.50 | 0.50 | 8.82 |" in table
    assert "| swaying only | 1 | 1.00 | 1.00 | 1.00 | 0.00 |" in table
    assert "| blinks | 1 | 0.00 | 0.00 | 0.00 | 17.65 |" in table
    assert "| 30 | 0.35 s | 1 of 1 |" in table
    assert "| 200 | 0.35 s | 0 of 1 |" in table


@pytest.mark.slow
def test_a_folder_of_samm_is_searched_and_scored(pipeline: Pipeline, face: PosedFace, tmp_path: Path) -> None:
    """A film of a generated movement, slowed to the names and numbers of the real set."""
    clip = replace(CLIP, frame_rate=200.0, seconds=3.0)
    folder = tmp_path / "SAMM_longvideos/006_1"
    folder.mkdir(parents=True)
    for number, (frame, _) in enumerate(rendered(clip, face), 1):
        assert cv2.imwrite(str(folder / f"006_1_{number:04d}.jpg"), frame.pixels)
    times = [round(time * 200) + 1 for time in (BROW.onset_s, BROW.apex_s, BROW.offset_s)]
    header = ["Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type"]
    write_workbook(
        tmp_path / "SAMM_LongVideos_V3_Release.xlsx", [[header, [6, "006_1_2", 1, *times, 70, "Micro - 1/2"]]]
    )
    result = run_megc(tmp_path, "samm-lv", pipeline=pipeline)
    assert result.scores.spotting.f1 == 1
    assert result.scores.strs is None
    assert "F1 1.0000" in result.text()


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no reader"):
        run_megc(tmp_path, "casme3")
