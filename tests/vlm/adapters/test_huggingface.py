from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ferce_agent.errors import SettingsError, VlmCancelledError, WeightsError
from ferce_agent.vlm.adapters.huggingface import HuggingFaceVlm, preset_for
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.protocol import Request, VisionLanguageModel


def test_presets_go_by_name() -> None:
    assert preset_for("zfkarl/UniFER-7B").prompt == "ferbench"
    assert preset_for("zfkarl/UniFER-7B").side == 224
    assert preset_for("Qwen/Qwen2.5-VL-3B-Instruct").prompt == "perceive"
    assert preset_for("other").side == 0
    assert preset_for("./ferce-vlm-mine").aligned == 96
    assert preset_for("/home/me/ferce-agent/ferce-vlm/other").aligned == 0


@pytest.mark.parametrize("name", ["nothing", "../x/y", "/no/such", "a/b/c", "~/model"])
def test_names_that_are_neither_folder_nor_id_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="neither"):
        HuggingFaceVlm(name)


@pytest.fixture(scope="module")
def smolvlm(tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceVlm:
    """A tiny random model of the layout of SmolVLM, loaded from a folder."""
    pytest.importorskip("transformers")
    from tests.vlm.smolvlm_files import write_smolvlm

    return HuggingFaceVlm(str(write_smolvlm(tmp_path_factory.mktemp("smolvlm"))))


@pytest.mark.slow
def test_it_generates_and_repeats_itself(smolvlm: HuggingFaceVlm, jpeg_bytes: bytes) -> None:
    assert isinstance(smolvlm, VisionLanguageModel)
    request = Request("What does the face show?", (jpeg_bytes,), max_tokens=10)
    first = smolvlm.ask(request)
    assert first == smolvlm.ask(request)
    assert first.tokens == 10


@pytest.mark.slow
def test_the_grammar_holds(smolvlm: HuggingFaceVlm, jpeg_bytes: bytes) -> None:
    shape = AnswerShape({"glad": "happiness", "cross": "anger"})
    for prompt in ("Answer.", "And now?", "Once more."):
        answer = smolvlm.ask(Request(prompt, (jpeg_bytes, jpeg_bytes), shape.grammar, max_tokens=600))
        assert answer.constrained
        assert read_answer(answer.text, shape).form == "json"


@pytest.mark.slow
def test_a_cancelled_request_stops(smolvlm: HuggingFaceVlm, jpeg_bytes: bytes) -> None:
    request = Request("Tell a story.", (jpeg_bytes,), max_tokens=5000)
    threading.Timer(0.3, request.cancel.set).start()
    with pytest.raises(VlmCancelledError):
        smolvlm.ask(request)


@pytest.mark.slow
def test_a_folder_without_a_model_is_named(tmp_path: Path, jpeg_bytes: bytes) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(WeightsError, match="cannot load"):
        HuggingFaceVlm(str(tmp_path)).ask(Request("x", (jpeg_bytes,)))
