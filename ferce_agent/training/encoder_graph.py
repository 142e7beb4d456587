"""The rounded sentence encoder as an ONNX network of one text.

Ids (P,) in, the last four hidden states (4, P, 384) out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ferce_agent.specialist.sentence_encoder import DIMENSIONS, LAYERS, WINDOW
from ferce_agent.training.quantise import BITS

if TYPE_CHECKING:
    from ferce_agent.training.encoder_arrays import Rounded, Source

CONTRIB: Final = "com.microsoft"
"""Operators of onnxruntime: MatMulNBits, GatherBlockQuantized."""
OPSET: Final = 20
"""The first with Gelu."""
IR_VERSION: Final = 10
"""What the oldest onnxruntime we allow reads."""


@dataclass(slots=True)
class GraphBuilder:
    """Nodes and constants so far."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add an array; return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; return its output's name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output


class EncoderGraph(GraphBuilder):
    """The network's parts."""

    def __init__(self, source: Source, rounded: Rounded, depth: int, heads: int, epsilon: float) -> None:
        """Take the weights."""
        super().__init__()
        self.source, self.rounded, self.depth, self.epsilon = source, rounded, depth, epsilon
        self.constant("heads", np.array([-1, heads, DIMENSIONS // heads]))
        self.constant("flat", np.array([-1, DIMENSIONS]))
        self.constant("scale", np.array((DIMENSIONS / heads) ** -0.5, np.float32))
        self.constant("zero", np.array([0]))

    def linear(self, name: str, inputs: str) -> str:
        """Multiply with a matrix of 4-bit codes; onnxruntime takes them apart to full precision (accuracy level 0)."""
        blocks = self.rounded.layers[name]
        rows, groups, size = blocks.codes.shape
        given = [
            inputs,
            self.constant(f"{name}.codes", blocks.packed()),
            self.constant(f"{name}.scales", blocks.scales.reshape(-1)),
        ]
        multiplied = self.node(
            "MatMulNBits", given, f"{name}.product", CONTRIB, K=groups * size, N=rows, bits=BITS, block_size=size
        )
        return self.node("Add", [multiplied, self.constant(f"{name}.bias", self.rounded.biases[name])], name)

    def norm(self, name: str, inputs: str) -> str:
        """Normalise."""
        scale, bias = (
            self.constant(f"{name}.{part}", self.source.arrays[f"{name}.{part}"]) for part in ("weight", "bias")
        )
        return self.node("LayerNormalization", [inputs, scale, bias], name, axis=-1, epsilon=self.epsilon)

    def embed(self) -> str:
        """Look up the pieces and add their places."""
        blocks = self.rounded.words
        codes = self.constant("words.codes", blocks.packed().reshape(len(blocks.codes), -1))
        scales = self.constant("words.scales", blocks.scales.astype(np.float16))
        self.node(
            "GatherBlockQuantized",
            [codes, "ids", scales],
            "words.half",
            CONTRIB,
            bits=BITS,
            block_size=blocks.codes.shape[2],
            gather_axis=0,
            quantize_axis=1,
        )
        words = self.node("Cast", ["words.half"], "words", to=onnx.TensorProto.FLOAT)
        places = self.constant("places.all", self.source.places[: WINDOW + 2])
        self.node("Shape", ["ids"], "length")
        self.node("Slice", [places, "zero", "length"], "places")
        return self.norm("embeddings.LayerNorm", self.node("Add", [words, "places"], "embedded"))

    def split(self, name: str, inputs: str, order: list[int]) -> str:
        """Give each head its part of the numbers."""
        shaped = self.node("Reshape", [inputs, "heads"], f"{name}.shaped")
        return self.node("Transpose", [shaped], f"{name}.split", perm=order)

    def layer(self, number: int, state: str) -> str:
        """Add one layer; return its state."""
        layer = f"encoder.layer.{number}"
        own = f"{layer}.attention.self"
        query, key, value = (self.linear(f"{own}.{part}", state) for part in ("query", "key", "value"))
        scaled = self.node("Mul", [query, "scale"], f"{own}.scaled")
        pairs = [
            self.split(f"{own}.query", scaled, [1, 0, 2]),
            self.split(f"{own}.key", key, [1, 2, 0]),
        ]
        shares = self.node("Softmax", [self.node("MatMul", pairs, f"{own}.scores")], f"{own}.shares", axis=-1)
        seen = self.node("MatMul", [shares, self.split(f"{own}.value", value, [1, 0, 2])], f"{own}.seen")
        joined = self.node("Transpose", [seen], f"{own}.joined", perm=[1, 0, 2])
        flat = self.node("Reshape", [joined, "flat"], f"{own}.flat")
        out = f"{layer}.attention.output"
        state = self.norm(
            f"{out}.LayerNorm", self.node("Add", [self.linear(f"{out}.dense", flat), state], f"{out}.sum")
        )
        inner = self.node("Gelu", [self.linear(f"{layer}.intermediate.dense", state)], f"{layer}.inner")
        out = f"{layer}.output"
        return self.norm(
            f"{out}.LayerNorm", self.node("Add", [self.linear(f"{out}.dense", inner), state], f"{out}.sum")
        )

    def states(self) -> str:
        """Add everything; return the name of the last layers' states."""
        state = self.embed()
        kept = []
        for number in range(self.depth):
            state = self.layer(number, state)
            kept.append(self.node("Unsqueeze", [state, "zero"], f"state.{number}"))
        return self.node("Concat", kept[-LAYERS:], "states", axis=0)


def build_network(source: Source, rounded: Rounded, depth: int, heads: int, epsilon: float) -> bytes:
    """Return the network as an ONNX file."""
    builder = EncoderGraph(source, rounded, depth, heads, epsilon)
    states = builder.states()
    graph = helper.make_graph(
        builder.nodes,
        "sentence encoder",
        [helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["pieces"])],
        [helper.make_tensor_value_info(states, onnx.TensorProto.FLOAT, [LAYERS, "pieces", DIMENSIONS])],
        builder.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ferce-agent")
    helper.set_model_props(model, {"words": str(len(rounded.words.codes)), "source": "all-MiniLM-L6-v2, Apache-2.0"})
    return bytes(model.SerializeToString())
