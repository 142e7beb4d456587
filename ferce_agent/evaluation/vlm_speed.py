"""Time a vision-language model through its adapter, and the adapter against the bare library: `ferce bench vlm`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import cv2
import numpy as np

from ferce_agent.errors import ExtractionError, SettingsError, VlmError
from ferce_agent.evaluation.runner import peak_megabytes
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import UseLike
from ferce_agent.settings import Settings
from ferce_agent.views.progress import Display
from ferce_agent.vlm.adapters.llamacpp_runtime import has_amx
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.shape import AnswerShape, shape_for
from ferce_agent.vlm.protocol import Request, VisionLanguageModel

PAIRS: Final = 12
"""Answers timed through the adapter and through the bare library, in turn."""
TOKENS: Final = 24
"""Length of those answers."""
SECONDS: Final = 600.0
OPENINGS: Final = (
    "Look at the face.",
    "Describe this expression.",
    "What do brows and mouth show?",
    "Read this face for me.",
    "Which expression is it?",
)


@dataclass(frozen=True, slots=True)
class VlmSpeed:
    """What was measured.

    Attributes:
        model: The model's version.
        first_s: Seconds of the first answer, loading included.
        answer_s: Median seconds of a structured answer.
        tokens_per_s: Tokens per second of structured answers, picture and prompt included; None if the back-end counts
            none.
        answers: Structured answers asked for, each with another wording.
        valid: Those that had the asked form.
        constrained: Whether the back-end enforced the grammar.
        adapter_ms: Median milliseconds of a short answer through the adapter.
        bare_ms: The same answer from the bare library; None where there is no bare library to compare with.
        overhead: Adapter over bare, minus one; None without it.
        peak_mb: Peak resident memory of the process, with face detector and specialist, in MB.
        before_mb: The same before the model was loaded.
    """

    model: str
    first_s: float
    answer_s: float
    tokens_per_s: float | None
    answers: int
    valid: int
    constrained: bool
    adapter_ms: float
    bare_ms: float | None
    overhead: float | None
    peak_mb: float
    before_mb: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def measure_vlm(settings: Settings, answers: int, use: UseLike | None = None) -> VlmSpeed:
    """Ask the model of the settings about the demo photo; a remote one needs ``consent`` in the use.

    Raises:
        PolicyError: The model is a remote one, and nobody said that the person shown agrees.
        SettingsError: The settings name no model.
        VlmError: The model failed.
    """
    engines = Engines(settings)
    if engines.asker is None:
        raise SettingsError("Name the model to time.", hint="ferce bench vlm --vlm SPEC")
    engines.permit_sending(use)
    vlm = engines.asker.vlm
    pixels = np.asarray(cv2.imread(str(demo_photo())), np.uint8)
    picture = engines.asker.faces.picture(pixels, engines.pipeline.detect(pixels)[0])
    before = peak_megabytes()
    short = Request("Look at the face.", (picture,), max_tokens=TOKENS, seconds=SECONDS)
    first = _seconds(lambda: vlm.ask(short))
    shape = shape_for()
    times: list[float] = []
    tokens: list[int] = []
    valid = 0
    constrained = True
    with Display(answers, f"Asking {vlm.version}") as display:
        for number in range(answers):
            display.show(number, f"answer {number + 1}")
            wording = f"{OPENINGS[number % len(OPENINGS)]} Answer {number + 1} in JSON."
            request = Request(wording, (picture,), shape.grammar, max_tokens=1000, seconds=SECONDS)
            began = time.perf_counter()
            try:
                answer = vlm.ask(request)
            except VlmError:
                continue
            times.append(time.perf_counter() - began)
            tokens.append(answer.tokens or 0)
            valid += is_valid(answer.text, shape)
            constrained &= answer.constrained
    adapter, bare = compare(vlm, short)
    return VlmSpeed(
        model=vlm.version,
        first_s=round(first, 2),
        answer_s=round(statistics.median(times), 2) if times else 0.0,
        tokens_per_s=round(sum(tokens) / sum(times), 1) if sum(tokens) else None,
        answers=answers,
        valid=valid,
        constrained=constrained,
        adapter_ms=round(adapter * 1000, 1),
        bare_ms=round(bare * 1000, 1) if bare else None,
        overhead=round(adapter / bare - 1, 4) if bare else None,
        peak_mb=peak_megabytes(),
        before_mb=before,
    )


def is_valid(text: str, shape: AnswerShape) -> bool:
    """Return whether an answer has the asked form."""
    try:
        return read_answer(text, shape).form == "json"
    except ExtractionError:
        return False


def compare(vlm: VisionLanguageModel, request: Request) -> tuple[float, float | None]:
    """Return median seconds through the adapter and through the bare library, asked in turn."""
    direct = bare_call(vlm, request)
    ours, theirs = [], []
    for _ in range(PAIRS):
        ours.append(_seconds(lambda: vlm.ask(request)))
        if direct is not None:
            theirs.append(_seconds(direct))
    return statistics.median(ours), statistics.median(theirs) if theirs else None


def bare_call(vlm: VisionLanguageModel, request: Request) -> Callable[[], object] | None:
    """Return the same question put to llama-cpp-python itself.

    None for other back-ends, and for several looks at a picture.
    """
    from ferce_agent.vlm.adapters.llamacpp import CHATML, LlamaCppVlm

    if not isinstance(vlm, LlamaCppVlm) or vlm.preset.looks:
        return None
    import llama_cpp
    from llama_cpp.llama_chat_format import MTMDChatHandler

    class Handler(MTMDChatHandler):
        """Puts pictures and words into plain ChatML."""

        def _get_chat_template(self, llama_model: Any) -> str:  # noqa: ARG002
            return CHATML

        def _get_template_messages(self, messages: Any, media_marker: str) -> Any:
            made = super()._get_template_messages(messages, media_marker)
            return [{**one, "content": "\n".join(part["text"] for part in one["content"])} for one in made]

    with without_extra_buffers(llama_cpp):
        llama = llama_cpp.Llama(
            str(vlm.model),
            chat_handler=Handler(str(vlm.mmproj), verbose=False, use_gpu=vlm.gpu_layers != 0),
            n_ctx=vlm.context,
            n_batch=vlm.batch,
            n_ubatch=vlm.batch,
            n_threads=vlm.threads,
            n_threads_batch=vlm.threads,
            n_gpu_layers=vlm.gpu_layers,
            lora_path=str(vlm.lora) if vlm.lora else None,
            verbose=False,
        )

    messages: Any = [{"role": "user", "content": request.content()}]

    def ask() -> object:
        return llama.create_chat_completion(
            messages=messages,
            max_tokens=request.max_tokens,
            temperature=0.0,
            repeat_penalty=1.0,
        )

    return ask


@contextmanager
def without_extra_buffers(llama_cpp: Any) -> Iterator[None]:
    """Load models of `llama_cpp.Llama` without llama.cpp's extra buffer types where the CPU has AMX.

    With them they crash there.

    `Llama` does not offer the switch, so that its module's default parameters are changed meanwhile: for measurements
    in a process of their own.
    """
    module = llama_cpp.llama_cpp
    original = module.llama_model_default_params

    def changed() -> Any:
        parameters = original()
        parameters.use_extra_bufts = not has_amx() and parameters.use_extra_bufts
        return parameters

    module.llama_model_default_params = changed
    try:
        yield
    finally:
        module.llama_model_default_params = original


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def to_table(measured: VlmSpeed) -> str:
    """Return the measurements as a Markdown table."""
    held = "enforced" if measured.constrained else "not enforced, answers validated"
    rows = [
        ("first answer, loading included", f"{measured.first_s:.2f} s"),
        ("structured answer, median", f"{measured.answer_s:.2f} s"),
        ("tokens per second, picture and prompt included", f"{measured.tokens_per_s or 'not told'}"),
        (f"answers of the asked form (grammar {held})", f"{measured.valid} of {measured.answers}"),
        (f"{TOKENS} tokens through the adapter", f"{measured.adapter_ms:.1f} ms"),
    ]
    if measured.bare_ms is not None and measured.overhead is not None:
        rows.append((f"{TOKENS} tokens from the bare library", f"{measured.bare_ms:.1f} ms"))
        rows.append(("overhead of the adapter (goal 5 %)", f"{measured.overhead:.1%}"))
    rows.append(("peak memory, of it before the model", f"{measured.peak_mb:.0f} MB, {measured.before_mb:.0f} MB"))
    return "\n".join([f"| {measured.model} | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])
