from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, WeightsError
from ferce_agent.faces.patch import PATCH_SIDE
from ferce_agent.specialist.gates import REGIONS, GateCard, Gates
from ferce_agent.weights.network_file import METADATA_KEY

onnx = pytest.importorskip("onnx")

CARD: dict[str, Any] = {
    "version": "t",
    "patch": PATCH_SIDE,
    "human": 0.5,
    "drawn": 0.5,
    "covered": {"eyes": 0.5, "nose": 0.6, "mouth": 0.7},
    "certain": 0.4,
    "data": "none",
}


def write_gates(path: Path, card: dict[str, Any] | str, turn: float = 1.0) -> Path:
    """A real ONNX file that computes its answers from the patch.

    `turn` is the difference of the brightness of the left and the upper half, from the whole; the rest is the mean
    brightness, 0..1.
    """
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    pattern: NDArray[np.floating[Any]] = np.zeros((2, 1, PATCH_SIDE, PATCH_SIDE))
    pattern[0, 0, :, : PATCH_SIDE // 2] = pattern[1, 0, : PATCH_SIDE // 2] = 1
    pattern = (pattern * 2 - 1) * turn / (255 * PATCH_SIDE**2)
    even = np.full((1, 1, PATCH_SIDE, PATCH_SIDE), 1 / (255 * PATCH_SIDE**2), np.float32)
    three = np.repeat(even, 3, 0)
    nodes, constants = [], []
    for name, weights in (("turn", pattern), ("human", even), ("drawn", even), ("covered", three)):
        constants.append(onnx.numpy_helper.from_array(weights.astype(np.float32), f"{name}.weights"))
        nodes.append(helper.make_node("Conv", ["pixels", f"{name}.weights"], [f"{name}.map"]))
        nodes.append(helper.make_node("Flatten", [f"{name}.map"], [name]))
    graph = helper.make_graph(
        nodes,
        "gates",
        [helper.make_tensor_value_info("pixels", floats, ["n", 1, PATCH_SIDE, PATCH_SIDE])],
        [helper.make_tensor_value_info(name, floats, ["n", c]) for name, c in OUTPUT_COLUMNS],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, {METADATA_KEY: card if isinstance(card, str) else json.dumps(card)})
    onnx.save(model, path)
    return path


OUTPUT_COLUMNS = (("turn", 2), ("human", 1), ("drawn", 1), ("covered", 3))


def half_lit(where: str) -> NDArray[np.uint8]:
    patch = np.zeros((PATCH_SIDE, PATCH_SIDE), np.uint8)
    middle = PATCH_SIDE // 2
    lit = patch.T if where in {"left", "right"} else patch
    lit[slice(None, middle) if where in {"left", "top"} else slice(middle, None)] = 255
    return patch


def test_roll_is_the_angle_of_cosine_and_sine(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD))
    found = gates.look(np.stack([half_lit(where) for where in ("left", "top", "right", "low")]))
    assert [round(reading.roll) % 360 for reading in found] == [0, 90, 180, 270]
    assert all(reading.certain == pytest.approx(0.5, abs=1e-4) for reading in found)
    assert all(-180 <= reading.roll <= 180 for reading in found)


def test_probabilities_by_region_and_the_card(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD))
    (reading,) = gates.look(np.full((1, PATCH_SIDE, PATCH_SIDE), 51, np.uint8))
    assert reading.human == pytest.approx(0.2, abs=1e-4)
    assert list(reading.covered) == list(REGIONS)
    assert gates.card.covered["nose"] == 0.6
    assert len(gates.sha256) == 64


def test_certain_is_cut_at_one(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD, turn=5.0))
    assert gates.look(half_lit("left")[None])[0].certain == 1.0


def test_no_patches_no_readings_and_many_in_batches(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD))
    assert gates.look(np.zeros((0, PATCH_SIDE, PATCH_SIDE), np.uint8)) == []
    many = np.random.default_rng(0).integers(0, 256, (150, PATCH_SIDE, PATCH_SIDE), np.uint8)
    for index in (0, 70, 149):
        assert gates.look(many)[index].human == pytest.approx(gates.look(many[index : index + 1])[0].human, abs=1e-6)


def test_other_patches_are_refused(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD))
    small, floats = np.zeros((1, 44, 44), np.uint8), np.zeros((1, PATCH_SIDE, PATCH_SIDE), np.float32)
    for wrong in (small, floats):
        with pytest.raises(EngineError, match="uint8 patches"):
            gates.look(wrong)  # type: ignore[arg-type]


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    gates = Gates(write_gates(tmp_path / "g.onnx", CARD, turn=float("inf")))
    with pytest.raises(EngineError, match="finite"):
        gates.look(half_lit("left")[None])


def test_nothing_is_read_before_the_first_use(tmp_path: Path) -> None:
    gates = Gates(tmp_path / "none.onnx")
    with pytest.raises(WeightsError, match="cannot be read"):
        _ = gates.card
    write_gates(tmp_path / "none.onnx", CARD)
    assert gates.card.version == "t"


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(WeightsError, match="not a usable ONNX"):
        Gates(tmp_path / "text.onnx").look(half_lit("left")[None])
    from ferce_agent.specialist.runner import shipped_weights

    with pytest.raises(WeightsError, match="no gate network"):
        _ = Gates(shipped_weights()).card


@pytest.mark.parametrize(
    "card",
    ["", "[]", "{}", json.dumps(CARD | {"patch": 48}), json.dumps(CARD | {"covered": {"eyes": 0.5}}),
     json.dumps(CARD | {"human": 7}), json.dumps(CARD | {"covered": 3})],
)  # fmt: skip
def test_cards_that_do_not_fit_are_refused(card: str) -> None:
    with pytest.raises(WeightsError):
        GateCard.from_json(card)
