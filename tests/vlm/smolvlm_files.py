"""A tiny SmolVLM (Idefics3 layout, as the published SmolVLM-256M) with random weights and SmolLM2's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.vlm.llava_files import language_model

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
SPECIAL = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]


def write_smolvlm(folder: Path, side: int = 64, patch: int = 16) -> Path:
    """Write model, tokenizer and processor to `folder`; (side / patch)^2 / 4 tokens per picture."""
    import torch
    from transformers import (
        AutoTokenizer,
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    file = language_model()
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL})
    rows = {f"<row_{row}_col_{column}>" for row in range(1, 3) for column in range(1, 3)}
    tokenizer.add_tokens(sorted(rows))
    size = {"longest_edge": side}
    images = Idefics3ImageProcessorPil(size=size, max_image_size=size, do_image_splitting=False)
    tokens = (side // patch) ** 2 // 4
    processor = Idefics3Processor(images, tokenizer, image_seq_len=tokens, chat_template=TEMPLATE)
    image_token: Any = tokenizer.convert_tokens_to_ids("<image>")
    config = Idefics3Config(
        image_token_id=image_token,
        scale_factor=2,
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": side,
            "patch_size": patch,
        },
        text_config={
            "model_type": "llama",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": len(tokenizer),
            "pad_token_id": 0,
        },
    )
    torch.manual_seed(3)
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
