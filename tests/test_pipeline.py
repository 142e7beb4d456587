from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.pipeline import Frame, Pipeline, read
from ferce_agent.settings import Settings
from ferce_agent.specialist.runner import Specialist


def test_a_photo_is_a_clip_of_one_frame(pixels: NDArray[np.uint8]) -> None:
    (reading,) = read([Frame(pixels)])
    assert (reading.time, reading.track, reading.failure) == (0.0, 0, None)
    assert reading.expression is not None
    assert reading.expression.primary == "happiness"
    assert {unit.id for unit in reading.movements} >= {"AU12"}


def test_frames_read_together_give_what_each_gives_alone(
    pixels: NDArray[np.uint8], two_faces: NDArray[np.uint8]
) -> None:
    pipeline = Pipeline()
    empty = np.full((240, 320, 3), 90, np.uint8)
    frames = [Frame(two_faces, 0.0), Frame(empty, 0.4), Frame(pixels, 1.25), Frame(two_faces // 3, 2.0)]
    together = pipeline.read(frames)
    alone = [reading for frame in frames for reading in pipeline.read([frame])]
    assert [(one.time, one.track) for one in together] == [(0.0, 0), (0.0, 1), (1.25, 0), (2.0, 0), (2.0, 1)]
    for one, other in zip(together, alone, strict=True):
        assert (one.face, one.expression, one.movements) == (other.face, other.expression, other.movements)


def test_no_more_faces_than_asked_for(two_faces: NDArray[np.uint8]) -> None:
    assert [one.track for one in Pipeline(Settings(max_faces=1)).read([Frame(two_faces)])] == [0]
    assert Pipeline().read([]) == []


def test_movements_alone(pixels: NDArray[np.uint8]) -> None:
    (reading,) = Pipeline().read([Frame(pixels)], infer=False)
    assert reading.expression is None
    assert reading.failure is None
    assert reading.movements


def test_steps_are_told_with_what_they_found(two_faces: NDArray[np.uint8]) -> None:
    told: list[tuple[str, float, int]] = []
    Pipeline().read([Frame(two_faces), Frame(two_faces)], on_step=lambda *step: told.append(step))
    assert [(name, faces) for name, _, faces in told] == [("detect", 4), ("quality", 4), ("specialist", 4)]
    assert all(elapsed > 0 for _, elapsed, _ in told)


def test_a_face_that_fails_costs_no_other(two_faces: NDArray[np.uint8]) -> None:
    class Broken(Specialist):
        def perceive(self, crops: NDArray[np.uint8], flatten: float = 0.0, *, twice: bool = False) -> Any:
            if any(np.array_equal(crop, largest) for crop in crops):
                raise EngineError("This crop breaks it.")
            return super().perceive(crops, flatten, twice=twice)

    pipeline = Pipeline()
    largest = align_face(two_faces, pipeline.detect(two_faces)[0].landmarks)
    pipeline.specialist = Broken()
    first, second = pipeline.read([Frame(two_faces)])
    assert isinstance(first.failure, EngineError)
    assert (first.expression, second.failure) == (None, None)
    assert first.face is not None
    assert second.expression is not None


def test_missing_weights_are_told_with_each_face(two_faces: NDArray[np.uint8], tmp_path: Any) -> None:
    readings = Pipeline(Settings(weights=tmp_path / "none.onnx")).read([Frame(two_faces)])
    assert [type(one.failure) for one in readings] == [WeightsError, WeightsError]


@pytest.mark.parametrize("labels", [("amused", "bored"), ()])
def test_labels_are_ranked_for_each_face(two_faces: NDArray[np.uint8], labels: tuple[str, ...]) -> None:
    readings = read([Frame(two_faces)], labels=labels)
    assert [sorted(one.label for one in reading.labels) for reading in readings] == [sorted(labels)] * 2


def test_what_is_found_and_what_is_left(two_faces: NDArray[np.uint8]) -> None:
    found, more = Pipeline(Settings(max_faces=1)).find([Frame(two_faces), Frame(two_faces, 0.5)])
    assert [(one.frame.time, one.track) for one in found] == [(0.0, 0), (0.5, 0)]
    assert more == 2


def test_where_no_face_is_nothing_is_read() -> None:
    told: list[str] = []
    empty = Frame(np.full((240, 320, 3), 90, np.uint8))
    assert Pipeline().read([empty], on_step=lambda name, *_: told.append(name)) == []
    assert told == ["detect"]
