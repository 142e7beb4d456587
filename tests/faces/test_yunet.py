"""The detector's network, beside OpenCV's own way of running it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.detection import _padded
from ferce_agent.faces.yunet import OUTPUTS, ROW, YuNet, decoded, shipped_detector, without_doubles
from ferce_agent.specialist.gates import shipped_gates


def of_opencv(pixels: NDArray[np.uint8], threshold: float) -> NDArray[np.float32]:
    size = (pixels.shape[1], pixels.shape[0])
    rows = cv2.FaceDetectorYN.create(str(shipped_detector()), "", size, threshold, 0.3, 500).detect(pixels)[1]
    return np.empty((0, ROW), np.float32) if rows is None else np.asarray(rows, np.float32)


@pytest.mark.parametrize("side", [96, 320, 480, 1024])
@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.7])
def test_the_faces_are_those_of_opencv(two_faces: NDArray[np.uint8], side: int, threshold: float) -> None:
    scale = side / max(two_faces.shape[:2])
    size = (round(two_faces.shape[1] * scale), round(two_faces.shape[0] * scale))
    pixels = _padded(np.asarray(cv2.resize(two_faces, size, interpolation=cv2.INTER_AREA), np.uint8))
    ours, theirs = YuNet().faces(pixels, threshold), of_opencv(pixels, threshold)
    assert ours.shape == theirs.shape
    assert len(ours) >= (0 if side == 96 else 2)
    assert np.allclose(ours, theirs, atol=0.01)


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 12), st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_any_size_and_content_gives_what_opencv_gives(rows: int, columns: int, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)
    pixels = np.asarray(cv2.resize(coarse, (columns * 32, rows * 32), interpolation=cv2.INTER_CUBIC), np.uint8)
    ours, theirs = YuNet().faces(pixels, 0.05), of_opencv(pixels, 0.05)
    near = np.abs(np.concatenate([ours[:, -1], theirs[:, -1]]) - 0.05) < 1e-4  # on the threshold
    assert near.any() or (ours.shape == theirs.shape and np.allclose(ours, theirs, atol=0.01))


def test_threads_share_one_network(pixels: NDArray[np.uint8]) -> None:
    network, part = YuNet(threads=1), _padded(np.asarray(pixels[:480, :640], np.uint8))
    expected = network.faces(part, 0.7)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: network.faces(part, 0.7), range(32)))
    assert len(expected) == 1
    assert all(np.array_equal(one, expected) for one in found)


def test_of_two_boxes_at_one_place_the_likelier_is_kept() -> None:
    rows = np.zeros((3, ROW), np.float32)
    rows[:, :4] = [[10, 10, 50, 50], [12, 11, 50, 50], [100, 10, 50, 50]]
    rows[:, -1] = [0.8, 0.9, 0.75]
    assert without_doubles(rows, 0.7)[:, -1].tolist() == pytest.approx([0.9, 0.75])


def test_numbers_outside_0_to_1_are_cut_and_places_are_counted_by_rows() -> None:
    sizes = [(64 // stride) * (96 // stride) for stride in (8, 16, 32)]
    given_ = [np.zeros((1, count, width), np.float32) for width in (1, 1, 4, 10) for count in sizes]
    given_[OUTPUTS.index("cls_32")][0, 4, 0] = 1.2
    given_[OUTPUTS.index("obj_32")][0, 4, 0] = 0.25
    (face,) = decoded(given_, 96, 0.4)  # places of 32 pixels: three a row, so that the fifth is the second of row 1
    assert face[:4].tolist() == [16.0, 16.0, 32.0, 32.0]
    assert face[4:6].tolist() == [32.0, 32.0]
    assert face[-1] == 0.5


def test_a_picture_that_is_no_multiple_of_32_is_a_typed_error() -> None:
    with pytest.raises(EngineError):
        YuNet().faces(np.zeros((50, 70, 3), np.uint8), 0.7)


def test_a_file_that_is_missing_damaged_or_another_network_is_told(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(shipped_detector().read_bytes()[:1000])
    for path, told in (
        (tmp_path / "none.onnx", "cannot be read"),
        (damaged, "not a usable"),
        (shipped_gates(), "is no"),
    ):
        with pytest.raises(WeightsError, match=told):
            YuNet(path).faces(np.zeros((96, 96, 3), np.uint8), 0.7)
