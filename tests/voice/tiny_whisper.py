"""A Whisper model with random weights, as small as one can be, in the format of CTranslate2: it hears nonsense."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

MARKS = (
    *("endoftext", "startoftranscript", "en", "translate", "transcribe", "startoflm", "startofprev", "nospeech"),
    "notimestamps",
)
"""Special tokens, in the order of the real model."""
TIMES = 1501
"""Tokens for times, every 0.02 s of half a minute."""
MELS = 80


def make_whisper(folder: Path, seed: int = 0) -> Path:
    """Write the model into a new folder below `folder` and return it."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([f"<|{mark}|>" for mark in MARKS])
    first = len(letters)
    ids = {mark: first + number for number, mark in enumerate(MARKS)}
    sizes: dict[str, Any] = {
        f"{side}_{what}": size
        for side in ("encoder", "decoder")
        for what, size in (("layers", 2), ("attention_heads", 2), ("ffn_dim", 32))
    }
    ends: dict[str, Any] = dict.fromkeys(("eos_token_id", "bos_token_id", "pad_token_id"), ids["endoftext"])
    config = WhisperConfig(
        vocab_size=first + len(MARKS) + TIMES,
        d_model=16,
        num_mel_bins=MELS,
        decoder_start_token_id=ids["startoftranscript"],
        **ends,
        **sizes,
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    told: dict[str, Any] = {"suppress_tokens": [], "begin_suppress_tokens": [], "alignment_heads": [[1, 0], [1, 1]]}
    model.generation_config = GenerationConfig(**told)  # type: ignore[no-untyped-call]
    source, made = folder / "source", folder / "tiny"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(source)
        written = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")  # type: ignore[no-untyped-call]
        written.save_pretrained(source)
        (source / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
        TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
            str(made), quantization="int8"
        )
    return made
