from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.errors import VlmCancelledError, VlmError, WeightsError
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.vlm.adapters.llamacpp import STRUCTURED_CONTENT, LlamaCppVlm, check_gguf
from ferce_agent.vlm.adapters.llamacpp_log import quiet
from ferce_agent.vlm.adapters.llamacpp_runtime import Runtime, has_amx
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.protocol import Request, VisionLanguageModel, ask_in_time

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
    with_one = llava._runtime.past
    llava.ask(Request("Look.", (jpeg_bytes, jpeg_bytes), max_tokens=1))
    assert llava._runtime.past - with_one == pytest.approx(49, abs=3)


def test_the_grammar_holds_with_the_callers_labels(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    shape = AnswerShape({"glad": "happiness", "cross": "anger"})
    answer = llava.ask(Request("Answer in JSON.", (jpeg_bytes,), shape.grammar, max_tokens=400, seconds=120))
    found = read_answer(answer.text, shape)
    assert answer.constrained
    assert found.form == "json"
    assert {part.term for part in found.parts} <= {"happiness", "anger"}


def test_a_cancelled_request_stops_at_the_next_token(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    llava.prepare()
    runtime = llava._runtime
    request = Request("Tell a long story.", (jpeg_bytes,), max_tokens=1500)
    with calling_off_at(runtime, request, 3), pytest.raises(VlmCancelledError):
        llava.ask(request)
    assert runtime.said == 3
    assert llava.ask(Request("Look.", (jpeg_bytes,), max_tokens=2)).tokens == 2
    assert runtime is llava._runtime


def test_a_cancelled_call_ends_its_thread_and_the_next_one_works(llava: LlamaCppVlm, jpeg_bytes: bytes) -> None:
    """As a run does whose caller hangs up: one question is being answered, two wait for their turn."""
    llava.prepare()
    runtime, cancel = llava._runtime, Cancellation()
    request = Request("Tell a long story.", (jpeg_bytes,), max_tokens=1500, seconds=600, cancel=cancel)

    def ask(_: int) -> type[Exception]:
        with pytest.raises(VlmCancelledError) as caught:
            ask_in_time(llava, request)
        return caught.type

    with calling_off_at(runtime, request, 1), ThreadPoolExecutor(3) as pool:
        assert set(pool.map(ask, range(3))) == {VlmCancelledError}
    for thread in threading.enumerate():
        if thread.name == "ferce-vlm":
            thread.join(120)
            assert not thread.is_alive()
    assert runtime.said == 1
    assert (llava.turns.ahead, llava._alone.ahead) == (0, 0)
    assert ask_in_time(llava, Request("Look.", (jpeg_bytes,), max_tokens=2, seconds=300)).tokens == 2
    assert runtime.said == 3


def test_reading_a_long_prompt_stops_inside_a_batch(mmproj: Path, jpeg_bytes: bytes) -> None:
    from tests.vlm.llava_files import language_model

    model = LlamaCppVlm(language_model(), mmproj, context=2048, batch=2048)
    request = Request("word " * 1800, (jpeg_bytes,), max_tokens=3)
    model.prepare()
    runtime = model._runtime
    original = runtime._fill

    def fill(tokens: Sequence[int]) -> None:
        original(tokens)
        if len(tokens) > 1000:
            request.cancel.set()  # llama.cpp begins with the batch after that

    runtime._fill = fill  # type: ignore[method-assign]
    with pytest.raises(VlmCancelledError):
        model.ask(request)
    assert runtime.past < 1000
    assert model.ask(Request("Look.", (jpeg_bytes,), max_tokens=1)).tokens == 1
    model.close()


@contextmanager
def calling_off_at(runtime: Runtime, request: Request, tokens: int) -> Iterator[None]:
    """Call a request off once the model has said so many tokens, and count from 0."""
    original, runtime.said = runtime._piece, 0

    def piece(token: int, *, special: bool = False) -> bytes:
        if not special and runtime.said == tokens:
            request.cancel.set()
        return original(token, special=special)

    runtime._piece = piece  # type: ignore[method-assign]
    try:
        yield
    finally:
        runtime._piece = original  # type: ignore[method-assign]


def test_the_host_applications_llama_cpp_is_left_as_it_was(mmproj: Path, jpeg_bytes: bytes) -> None:
    """Run in a process of its own.

    It is an application that logs verbosely, with callbacks of its own for both of llama.cpp's loggers.
    """
    from tests.vlm.llava_files import language_model

    command = [sys.executable, "-W", "ignore", "-c", HOST, str(language_model()), str(mmproj), str(demo_photo())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["same", "heard", "host", "heard", "mtmd"]
    assert done.stderr == ""


HOST = """
import ctypes, logging, sys, warnings
from pathlib import Path
import llama_cpp
from llama_cpp import _internals, _logger, _utils, llama, llama_chat_format, mtmd_cpp
from ferce_agent.vlm.adapters.llamacpp import LlamaCppVlm
from ferce_agent.vlm.protocol import Request, ask_in_time

heard = {"llama": [], "mtmd": [], "helper": []}
def hearer(name):
    return llama_cpp.llama_log_callback(lambda level, text, data: heard[name].append(data))
callbacks = {name: hearer(name) for name in heard}
llama_cpp.llama_log_set(callbacks["llama"], ctypes.c_void_p(41))
mtmd_cpp.mtmd_helper_log_set(callbacks["helper"], ctypes.c_void_p(43))
mtmd_cpp.mtmd_log_set(callbacks["mtmd"], ctypes.c_void_p(42))
modules = [llama_cpp, llama_cpp.llama_cpp, _internals, _logger, _utils, llama, llama_chat_format, mtmd_cpp]
def state():
    loggers = [logging.getLogger(name) for name in ("llama-cpp-python", "llama_cpp", "")]
    return [dict(vars(module)) for module in modules], list(warnings.filters), [
        (one.level, list(one.handlers), one.disabled, one.propagate) for one in loggers], sys.stdout, sys.stderr
before = state()
model = LlamaCppVlm(Path(sys.argv[1]), Path(sys.argv[2]), context=512, batch=128)
ask_in_time(model, Request("Look.", (Path(sys.argv[3]).read_bytes(),), max_tokens=2, seconds=250))
ours = {name: len(lines) for name, lines in heard.items()}
assert ours == {"llama": 0, "mtmd": 0, "helper": 0}, ours
model.close()
after = state()
for module, one, two in zip(modules, before[0], after[0]):
    assert one == two, (module.__name__, [key for key in one if one[key] is not two.get(key)], set(two) - set(one))
assert before[1:] == after[1:]
print("same")
options = llama_cpp.llama_model_default_params()
assert not llama_cpp.llama_model_load_from_file(b"/nowhere.gguf", options)
assert heard["llama"] and set(heard["llama"]) == {41}
print("heard host")
mtmd_cpp.mtmd_get_cap_from_file(b"/nowhere.gguf")
mtmd_cpp.mtmd_helper_bitmap_init_from_buf(None, (ctypes.c_uint8 * 4)(), 4, False)
if sys.platform == "linux":
    assert heard["mtmd"] and set(heard["mtmd"]) == {42}, heard["mtmd"]
    assert heard["helper"] and set(heard["helper"]) == {43}, heard["helper"]
print("heard mtmd")
"""


def test_other_threads_are_heard_while_ours_is_quiet(mmproj: Path, jpeg_bytes: bytes) -> None:
    import llama_cpp

    heard: list[int] = []
    callback = llama_cpp.llama_log_callback(lambda level, text, data: heard.append(threading.get_ident()))
    before, data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(data))
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    try:
        with quiet(llama_cpp) as lines:
            thread = threading.Thread(target=load_nothing)
            thread.start()
            thread.join()
            load_nothing()
        assert set(heard) == {thread.ident}
        assert any("nowhere" in line for line in lines)
        load_nothing()
        assert threading.get_ident() in heard
    finally:
        llama_cpp.llama_log_set(before, data)


def load_nothing() -> None:
    import llama_cpp

    assert not llama_cpp.llama_model_load_from_file(b"/nowhere.gguf", llama_cpp.llama_model_default_params())


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
    from tests.vlm.llava_files import language_model

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
    from tests.vlm.llava_files import language_model

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


def test_amx_is_found(tmp_path: Path) -> None:
    cpu = tmp_path / "cpuinfo"
    cpu.write_text("flags : avx2 amx_tile amx_int8")
    assert has_amx(cpu)
    assert not has_amx(tmp_path / "none")


def test_a_model_loaded_with_the_protection_decodes(
    mmproj: Path, jpeg_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.vlm.llava_files import language_model

    monkeypatch.setattr("ferce_agent.vlm.adapters.llamacpp_runtime.has_amx", lambda: True)
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
