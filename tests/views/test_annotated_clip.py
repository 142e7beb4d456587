from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import ClipTimesError, SettingsError
from ferce_agent.inputs.clip import open_clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import ClipReport
from ferce_agent.views.annotate import PALETTE
from ferce_agent.views.annotated_clip import Painter, episode_at, gap_at, write_annotated
from ferce_agent.views.trails import Trails
from tests.clip_reports import make_clip_report, make_readings, make_restricted_clip_report

GREY = np.full((241, 321, 3), 128, np.uint8)


def trails(seconds: float = 2.0, faces: int = 1, most: int = 10**6) -> Trails:
    found = Trails(most)
    for event in make_readings(seconds, 25.0, faces):
        found.add(event)
    return found


def report(last: float) -> ClipReport:
    made = make_clip_report()
    return made.model_copy(update={"source": made.source.model_copy(update={"last_s": last})})


def test_boxes_are_where_the_faces_were_and_between_them() -> None:
    found = trails()
    (track, box), *others = found.at(0.4)
    assert track == "track-1" and not others and box == (150, 60, 80, 100)
    ((_, between),) = found.at(0.42)
    assert between[0] == pytest.approx(150.5)
    assert not list(found.at(-0.1)) and not list(found.at(2.0))


def test_a_face_that_was_not_seen_for_a_while_has_no_box() -> None:
    found = Trails()
    for event in make_readings(2.0):
        if not 0.5 < event.point.time_s < 1.2:
            found.add(event)
    assert list(found.at(0.48)) and not list(found.at(0.9)) and list(found.at(1.2))


@given(st.integers(16, 400), st.integers(1, 4))
def test_memory_is_bounded_and_places_stay_right(most: int, faces: int) -> None:
    found = trails(4.0, faces, most)
    assert len(found) <= max(most, 8 * faces)
    for track, (x, y, width, height) in found.at(2.0):
        face = int(track[-1])
        assert abs(x - (20 + 120 * face + 50)) < 1e-3 and (y, width, height) == (60, 80, 100)


def test_labels_are_those_of_the_report() -> None:
    painter = Painter(report(12.0), trails(12.0, 2))
    first, second = make_clip_report().tracks
    assert painter._label(first, 1.6) == (("happiness  74%", "happiness"), PALETTE["happiness"])
    assert painter._label(first, 5.5)[0][0] == "not read: the mouth is covered"
    assert painter._label(second, 1.0)[0][0].startswith("neutral  ")
    restricted = Painter(make_restricted_clip_report(), trails(12.0, 2))
    assert restricted._label(first, 1.6) == ((), PALETTE[None]), "a rule allows movements only"
    assert gap_at(first, 4.9) is None and episode_at(first, 4.1) is None


def test_a_film_with_the_same_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.2, 0.21, 0.5, 0.9]
    frames = [Frame(GREY, 3.0 + time) for time in times]
    seen: list[float] = []
    with open_clip(iter(frames)) as clip:
        write_annotated(clip, tmp_path / "a.mp4", report(3.6), trails(6.0), seen.append)
    with open_clip(tmp_path / "a.mp4") as clip:
        read = list(clip)
        assert clip.info.media_type == "video/mp4" and not clip.info.audio
    assert [frame.time for frame in read] == pytest.approx(times[:6], abs=1e-4), "it ends where the report does"
    assert seen == [frame.time for frame in frames[:6]]
    assert read[0].pixels.shape == (242, 322, 3), "sides are made even"
    assert np.abs(read[0].pixels.astype(int) - 128).max() > 60, "there is a box"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_large_films_are_made_smaller(tmp_path: Path) -> None:
    frames = [Frame(np.zeros((1000, 4000, 3), np.uint8), time) for time in (0.0, 0.1)]
    with open_clip(iter(frames)) as clip:
        write_annotated(clip, tmp_path / "a.mp4", report(1.0), trails())
    with open_clip(tmp_path / "a.mp4") as clip:
        assert (clip.info.width, clip.info.height) == (1920, 480)


def test_nothing_is_left_of_a_film_that_breaks_off(tmp_path: Path) -> None:
    frames = [Frame(GREY, 0.0), Frame(GREY, 0.1), Frame(GREY, 0.05)]
    with open_clip(iter(frames)) as clip, pytest.raises(ClipTimesError):
        write_annotated(clip, tmp_path / "a.mp4", report(3.0), trails())
    assert not list(tmp_path.iterdir())
    with open_clip(iter(frames[:1])) as clip, pytest.raises(SettingsError):
        write_annotated(clip, tmp_path, report(3.0), trails())
