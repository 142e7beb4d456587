from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline, read
from ferce_agent.settings import Settings
from ferce_agent.specialist.gates import GateReading, Gates
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


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_is_read_as_the_upright_one(pixels: NDArray[np.uint8], quarters: int) -> None:
    """`rot90` turns to the left."""
    (upright,) = read([Frame(pixels)])
    (turned,) = read([Frame(np.ascontiguousarray(np.rot90(pixels, quarters)))])
    assert turned.face is not None
    assert upright.face is not None
    assert abs((turned.face.pose.roll + 90 * quarters - upright.face.pose.roll + 180) % 360 - 180) < 15
    assert turned.expression is not None
    assert turned.expression.primary == "happiness"


class Says:
    """A gate network that says the same of everything, with the thresholds of the shipped one."""

    def __init__(self, **changes: Any) -> None:
        covered = {"eyes": 0.0, "nose": 0.0, "mouth": 0.0} | changes.pop("covered", {})
        fields = {"roll": 0.0, "certain": 1.0, "human": 1.0, "drawn": 0.0}
        self.card, self.reading = Gates().card, GateReading(**(fields | changes), covered=covered)

    def look(self, patches: NDArray[np.uint8]) -> list[GateReading]:
        return [self.reading] * len(patches)


def with_gates(gates: Says) -> Pipeline:
    pipeline = Pipeline()
    pipeline.gates = gates  # type: ignore[assignment]
    return pipeline


def test_what_is_no_face_is_no_reading(two_faces: NDArray[np.uint8]) -> None:
    assert with_gates(Says(human=0.0)).read([Frame(two_faces)]) == []
    assert with_gates(Says(human=0.0)).find([Frame(two_faces)]) == ([], 0)


def test_what_may_be_no_face_is_not_named(pixels: NDArray[np.uint8]) -> None:
    gates = Says(human=0.9 * Gates().card.human)
    (one,) = with_gates(gates).read([Frame(pixels)])
    assert one.face is not None
    assert one.face.quality.reasons == ("maybe_not_a_face",)
    assert one.expression is not None
    assert one.expression.abstain_reason == "low_quality"


def test_a_drawing_is_read_and_flagged(pixels: NDArray[np.uint8]) -> None:
    (one,) = with_gates(Says(drawn=1.0)).read([Frame(pixels)])
    assert one.face is not None
    assert one.face.quality.reasons == ("drawn",)
    assert one.expression is not None
    assert one.expression.primary == "happiness"


def test_movements_of_a_covered_mouth_are_not_reported(pixels: NDArray[np.uint8]) -> None:
    (one,) = with_gates(Says(covered={"mouth": 1.0})).read([Frame(pixels)])
    assert {unit.id for unit in one.movements} == {"AU1", "AU2", "AU4", "AU5", "AU7", "AU45"}
    assert one.expression is not None
    assert one.expression.rests_on == ("eyes", "nose")
    (alone,) = with_gates(Says(covered={"eyes": 1.0})).read([Frame(pixels)], infer=False)
    assert not {unit.id for unit in alone.movements} & {"AU1", "AU2", "AU4", "AU5", "AU7", "AU45"}


def test_a_masked_face_is_not_neutral(pixels: NDArray[np.uint8]) -> None:
    """The network itself sees that the mouth is covered."""
    (face,) = Pipeline().detect(pixels)
    points = face.landmarks
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    corners = [(-0.75, 0.5), (0.75, 0.5), (0.75, 1.2), (0.3, 1.6), (-0.3, 1.6), (-0.75, 1.2)]
    across, down = points[1] - points[0], mouth - eyes
    outline = np.array([eyes + x * across + y * down for x, y in corners], np.int32)
    masked = np.asarray(cv2.fillPoly(pixels.copy(), [outline], (225, 220, 210)), np.uint8)
    (one,) = read([Frame(masked)])
    assert one.face is not None
    assert "mouth_covered" in one.face.quality.reasons
    assert one.expression is not None
    assert "mouth" not in one.expression.rests_on
    assert one.expression.primary in {None, "happiness"}


def test_missing_gates_are_told(pixels: NDArray[np.uint8], tmp_path: Any) -> None:
    pipeline = Pipeline()
    pipeline.gates = Gates(tmp_path / "none.onnx")
    with pytest.raises(WeightsError, match=r"none\.onnx"):
        pipeline.read([Frame(pixels)])


def test_where_no_face_is_nothing_is_read() -> None:
    told: list[str] = []
    empty = Frame(np.full((240, 320, 3), 90, np.uint8))
    assert Pipeline().read([empty], on_step=lambda name, *_: told.append(name)) == []
    assert told == ["detect"]
