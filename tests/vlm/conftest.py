from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.vlm.adapters.llamacpp import LlamaCppVlm


@pytest.fixture(scope="session")
def jpeg_bytes() -> bytes:
    return demo_photo().read_bytes()


@pytest.fixture(scope="session")
def mmproj(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("gguf")
    from tests.vlm.llava_files import write_mmproj

    return write_mmproj(tmp_path_factory.mktemp("llava") / "mmproj.gguf")


@pytest.fixture(scope="session")
def llava(mmproj: Path) -> LlamaCppVlm:
    """SmolLM2-135M with a vision tower of random weights: real decoding, grammar, pictures and chat template."""
    pytest.importorskip("llama_cpp")
    from tests.vlm.llava_files import language_model

    return LlamaCppVlm(language_model(), mmproj, context=2048)
