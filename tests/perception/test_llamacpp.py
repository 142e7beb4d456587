from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ferce_agent.errors import VlmError, VlmTimeoutError, WeightsError
from ferce_agent.extraction.answer import read_answer
from ferce_agent.extraction.shape import AnswerShape, shape_for
from ferce_agent.perception.llamacpp import STRUCTURED_CONTENT, LlamaCppVlm, check_gguf, has_amx, protected_from_amx
from ferce_agent.perception.vlm import Request, VisionLanguageModel, ask_in_time

pytestmark = pytest.mark.slow


def test_it_is_a_vision_language_model(llava: LlamaCppVlm) -> None:
    assert isinstance(llava, VisionLanguageModel)
    assert (llava.remote, llava.version) == (False, "SmolLM2-135M-Instruct.Q4_1")
    assert len(llava.sha256) == 64


def test_it_decodes_and_repeats_itself(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    request = Request("What does the face show?", (jpeg_bytes,), max_tokens=12)
    first, second = llava.ask(request), llava.ask(request)
    assert first == second
    assert first.text.strip()
    assert not first.constrained
    assert first.tokens
    assert first.tokens <= 12


def test_the_picture_reaches_the_model(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    """Random weights see nothing sensible, but 49 other picture tokens give another context."""
    llava.ask(Request("Look.", (jpeg_bytes,), max_tokens=1))
    with_one = llava._llama.n_tokens
    llava.ask(Request("Look.", (jpeg_bytes, jpeg_bytes), max_tokens=1))
    assert llava._llama.n_tokens - with_one == pytest.approx(49, abs=3)


def test_the_grammar_holds_with_the_callers_labels(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    shape = AnswerShape({"glad": "happiness", "cross": "anger"})
    answer = llava.ask(Request("Answer in JSON.", (jpeg_bytes,), shape.grammar, max_tokens=400, seconds=120))
    found = read_answer(answer.text, shape)
    assert answer.constrained
    assert found.form == "json"
    assert {part.term for part in found.parts} <= {"happiness", "anger"}


def test_a_cancelled_request_stops_decoding(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    request = Request("Tell a long story.", (jpeg_bytes,), max_tokens=1500)
    threading.Timer(0.5, request.cancel.set).start()
    began = time.monotonic()
    with pytest.raises(VlmTimeoutError):
        llava.ask(request)
    assert time.monotonic() - began < 30
    assert llava.ask(Request("Look.", (jpeg_bytes,), max_tokens=2)).text


def test_a_second_caller_waits_its_turn(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    answers: list[str] = []

    def ask() -> None:
        answers.append(llava.ask(Request("What is it?", (jpeg_bytes,), max_tokens=5)).text)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 3
    assert len(set(answers)) == 1


def test_a_prompt_longer_than_the_context_is_a_typed_error(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    with pytest.raises(VlmError, match="n_ctx"):
        llava.ask(Request("word " * 5000, (jpeg_bytes,), max_tokens=5))
    assert llava.ask(Request("Look.", (jpeg_bytes,), max_tokens=2)).text


def test_a_given_template_is_used(mmproj: Path, jpeg_bytes: bytes) -> None:
    from tests.perception.llava_files import language_model

    template = (
        "{% for part in messages[0].content %}{% if part.type == 'text' %}{{ part.text }} {% endif %}{% endfor %}"
    )
    model = LlamaCppVlm(language_model(), mmproj, template=template, context=512)
    assert ask_in_time(model, Request("One two three", (jpeg_bytes,), max_tokens=3)).text
    model.close()
    model.close()


def test_loading_writes_nothing_to_the_terminal(
    mmproj: Path, jpeg_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    from tests.perception.llava_files import language_model

    model = LlamaCppVlm(language_model(), mmproj, context=512)
    os.write(1, b"an answer of the server\n")
    model.ask(Request("Look.", (jpeg_bytes,), max_tokens=1))
    model.close()
    caught = capfd.readouterr()
    assert caught.out == "an answer of the server\n"
    assert caught.err == ""


def test_wrong_files_are_named(tmp_path: Path, mmproj: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    with pytest.raises(WeightsError, match=r"text\.gguf is not a GGUF"):
        check_gguf(text)
    with pytest.raises(WeightsError, match=r"gone\.gguf cannot be read"):
        LlamaCppVlm(tmp_path / "gone.gguf", mmproj).ask(Request("x", (b"",)))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x00" * 100)
    with pytest.raises(WeightsError, match=r"broken\.gguf"):
        LlamaCppVlm(broken, mmproj).ask(Request("x", (b"",)))


def test_a_picture_that_is_none_is_a_typed_error(llava: LlamaCppVlm) -> None:
    with pytest.raises(VlmError):
        llava.ask(Request("Look.", (b"no picture",), max_tokens=1))


def test_amx_is_found_and_switched_around(tmp_path: Path) -> None:
    import llama_cpp

    cpu = tmp_path / "cpuinfo"
    cpu.write_text("flags : avx2 amx_tile amx_int8")
    assert has_amx(cpu)
    assert not has_amx(tmp_path / "none")
    before = llama_cpp.llama_cpp.llama_model_default_params
    with protected_from_amx(llama_cpp, lambda: True):
        assert not llama_cpp.llama_cpp.llama_model_default_params().use_extra_bufts
    assert llama_cpp.llama_cpp.llama_model_default_params is before
    with protected_from_amx(SimpleNamespace(), lambda: False):
        assert llama_cpp.llama_cpp.llama_model_default_params is before


def test_a_model_loaded_with_the_protection_decodes(
    mmproj: Path, jpeg_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.perception.llava_files import language_model

    monkeypatch.setattr("ferce_agent.perception.llamacpp.has_amx", lambda: True)
    model = LlamaCppVlm(language_model(), mmproj, context=512)
    assert model.ask(Request("Look.", (jpeg_bytes,), max_tokens=1)).tokens == 1
    model.close()


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        ("{{ message['content'] }}", False),
        ("{% for c in message.content %}{{ c.type }}{% endfor %}", True),
        ("{% if content['type'] == 'image' %}", True),
        ("{% if message.content is string %}", True),
    ],
)
def test_templates_are_told_apart(template: str, parts: bool) -> None:
    assert bool(STRUCTURED_CONTENT.search(template)) == parts


def test_sampled_answers_under_the_grammar_are_valid(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    """The model was never taught this form, so the grammar alone keeps it; `ferce bench vlm` tries a hundred."""
    from llama_cpp.llama_grammar import LlamaGrammar

    shape = shape_for()
    llava.ask(Request("Look.", (jpeg_bytes,), max_tokens=1))
    model = llava._llama
    valid = 0
    with llava._lock:
        grammar = LlamaGrammar.from_string(shape.grammar.gbnf, verbose=False)
        for seed in range(8):
            made = model.create_completion("JSON: ", grammar=grammar, temperature=0.9, seed=seed, max_tokens=800)
            choice = made["choices"][0]
            assert choice["finish_reason"] == "stop"
            valid += read_answer(choice["text"], shape).form == "json"
    assert valid == 8
