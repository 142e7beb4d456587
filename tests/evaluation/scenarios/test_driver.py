from __future__ import annotations

import cv2
import numpy as np
import pytest

from ferce_agent.clips.eyes import WIDE_JAW
from ferce_agent.clips.face_gates import upright_patch
from ferce_agent.evaluation.clips.eye_films import MarkedFace, marked_faces
from ferce_agent.evaluation.scenarios.driver import (
    Told,
    driver_tables,
    outcome,
    told_of,
    told_of_film,
    truth_of,
)
from ferce_agent.evaluation.scenarios.driver_films import DriverFilm, opening, turned
from ferce_agent.evaluation.scenarios.drives import Manner, Plan, made, ramp
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.pipeline import Pipeline
from ferce_agent.scenarios import preset
from ferce_agent.settings import Settings


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Settings(threads=1))


@pytest.mark.parametrize("face", marked_faces(), ids=lambda face: face.name)
def test_a_drawn_yawn_is_a_wide_open_mouth_and_no_covered_one(face: MarkedFace, pipeline: Pipeline) -> None:
    picture = face.yawning(1.0).drawn(0.0, 0.0, opening(1.0), tongue=True)
    (found,) = pipeline.detect(picture)
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    (gate,) = pipeline.gates.look(upright_patch(grey, found)[None])
    assert gate.covered["mouth"] < pipeline.gates.card.covered["mouth"] / 4
    _, shapes = pipeline.specialist.intensities(align_face(grey, found.landmarks)[None])
    jaw = float(shapes[0][pipeline.specialist.card.blendshapes.index("jawOpen")])
    assert jaw / WIDE_JAW >= preset("driver").value("yawn_open")


@pytest.mark.parametrize("face", marked_faces(), ids=lambda face: face.name)
def test_a_drawn_turn_is_read_as_one(face: MarkedFace, pipeline: Pipeline) -> None:
    left, ahead, right = (
        estimate_pose(pipeline.detect(turned(face.pixels, yaw))[0].landmarks).yaw for yaw in (-42.0, 0.0, 42.0)
    )
    assert left < ahead - 20
    assert right > ahead + 20


def test_a_warning_that_is_missed_late_or_false_makes_a_drive_wrong() -> None:
    plan = Plan(40.0, yaw=[ramp(20.0, 0.2, 5.0, 0.2, 35.0)])
    plan.lids += [ramp(begin, 0.08, 0.04, 0.14) for begin in np.arange(1.0, 39.0, 4.0).tolist()]
    drive = made(plan, Manner(25.0))
    told = list(told_of(drive))
    good = outcome(drive, told)
    assert (good.right, good.due, good.missed, good.false) == (True, 1, (), ())
    assert all(seconds <= 0.15 for _, seconds in good.errors)
    assert outcome(drive, []).missed == ("long_glance",)
    late = [Told(one.kind, one.event.model_copy(update={"time_s": one.event.time_s + 1.0})) for one in told]
    assert outcome(drive, late).missed == outcome(drive, late).false == ("long_glance",)
    false = [*told, Told("yawn", told[0].event)]
    assert outcome(drive, false).false == ("yawn",)


def test_the_rows_count_drives_of_every_kind() -> None:
    rows = driver_tables(pixels=0, signals=5, seed=1)
    assert [row["kind"] for row in rows] == ["plain", "dark glasses", "turned heads", "missing frames", "noise", "all"]
    total = rows[-1]
    assert total["drives"] == 5
    assert total["right"] == pytest.approx(sum(row["right"] for row in rows[:-1]) / 5)
    assert total["due"] == sum(row["due"] for row in rows[:-1])


@pytest.mark.slow
def test_a_film_is_told_of_from_its_pixels(pipeline: Pipeline) -> None:
    film = DriverFilm(marked_faces()[0], 15.0, 26.0, seed=3)
    film.lids += [ramp(begin, 0.09, 0.06, 0.14) for begin in np.arange(1.0, 12.0, 2.0).tolist()]
    film.lids.append(ramp(13.0, 0.1, 1.2, 0.15))
    film.yaw.append(ramp(16.0, 0.25, 4.4, 0.25, -42.0))
    film.mouth.append(ramp(21.5, 0.7, 2.8, 0.7))
    told = list(told_of_film(film, pipeline, landmarks=False))
    found = outcome(truth_of(film), told)
    assert (found.right, found.due) == (True, 3), [(one.kind, one.event.time_s) for one in told]
    assert all(seconds <= 0.15 for _, seconds in found.errors)
