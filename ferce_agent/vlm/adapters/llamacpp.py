"""Vision-language models in llama.cpp's format: a GGUF and its mmproj, on this machine."""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.concurrency.turns import Turns
from ferce_agent.errors import FerceError, MissingExtraError, VlmError, WeightsError
from ferce_agent.vlm.adapters.llamacpp_log import quiet
from ferce_agent.vlm.adapters.llamacpp_runtime import Runtime, RuntimeOptions, import_llama_cpp
from ferce_agent.vlm.own.model_cache import file_digest
from ferce_agent.vlm.protocol import PLAIN, Answer, Patience, Preset, Request, admitted

CHATML: Final = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Used where the GGUF brings no template."""
STRUCTURED_CONTENT: Final = re.compile(
    r"\.type\b|\[\s*['\"]type['\"]\s*\]|content is (?:not )?(?:string|iterable|sequence)"
)
"""Marks of a template that goes through the parts of a message; other templates expect one string."""


class LlamaCppVlm:
    """Any GGUF with an mmproj that llama.cpp's mtmd can read: Qwen-VL, SmolVLM, Gemma, InternVL, LLaVA, our own."""

    remote = False

    def __init__(  # noqa: PLR0913  # each is a choice of the user
        self,
        model: Path,
        mmproj: Path,
        *,
        template: str | None = None,
        threads: int = 2,
        context: int = 4096,
        batch: int = 512,
        seed: int = 7,
        gpu_layers: int = 0,
        lora: Path | None = None,
        preset: Preset = PLAIN,
    ) -> None:
        """Choose the files; nothing is loaded before the first question.

        Args:
            model: GGUF of the language model.
            mmproj: GGUF of the vision tower and projector.
            template: Chat template in Jinja; the GGUF's own if left out.
            threads: Threads for decoding.
            context: Tokens of picture, prompt and answer together.
            batch: Tokens that are read at once; buffers grow with it.
            seed: Kept for callers that name one; decoding is greedy and draws nothing.
            gpu_layers: Layers to put on a GPU, if llama-cpp-python was built for one; -1 for all.
            lora: GGUF of low-rank adapters of the language model.
            preset: How the model wants to be asked.
        """
        self.model, self.mmproj, self.lora = model, mmproj, lora
        self.template, self.threads, self.context = template, threads, context
        self.batch, self.seed, self.gpu_layers = batch, seed, gpu_layers
        self.name, self.version = "llama.cpp", model.stem
        self.preset = preset
        self.most_pictures = 1 if preset.aligned else 4
        self.turns, self._alone = Turns(), Turns()

    @lazy_property
    def sha256(self) -> str:
        """Digest over all files.

        Raises:
            WeightsError: One of them cannot be read.
        """
        files = (self.model, self.mmproj, *([self.lora] if self.lora else []))
        for file in files:
            check_gguf(file)
        return hashlib.sha256(b"".join(bytes.fromhex(file_digest(file)) for file in files)).hexdigest()

    def ask(self, request: Request) -> Answer:
        """Return the model's greedy answer; see `VisionLanguageModel.ask`.

        It stops at the next token, the next batch of the prompt or the next look at the picture when it is called off.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: A file is missing or no usable GGUF.
            VlmTimeoutError: No answer in time.
            VlmCancelledError: The request was called off.
            VlmError: Picture and prompt do not fit into the context, or llama.cpp failed.
        """
        with admitted(self._alone, self.name, request) as patience:
            try:
                return self._answer(request, patience)
            except FerceError:
                raise
            except Exception as error:  # the bindings, and a template of a model's own, may raise anything
                raise VlmError(f"llama.cpp could not answer: {type(error).__name__}: {str(error)[:300]}") from error

    def check(self) -> None:
        """Look whether package and files are there, without loading them.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: A file is missing or no GGUF.
        """
        if find_spec("llama_cpp") is None:
            raise MissingExtraError("llama-cpp-python", "local")
        if "_runtime" not in self.__dict__:
            for file in (self.model, self.mmproj, *([self.lora] if self.lora else [])):
                check_gguf(file)

    def prepare(self) -> None:
        """Load the model.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: A file is missing or no usable GGUF.
        """
        with self._alone.taken(Cancellation(), threading.TIMEOUT_MAX):
            _ = self._runtime

    def close(self) -> None:
        """Let go of the model once nobody is being answered; the next question loads it again."""
        with self._alone.taken(Cancellation(), threading.TIMEOUT_MAX):
            runtime = self.__dict__.pop("_runtime", None)
            if runtime is not None:
                runtime.close()

    def _answer(self, request: Request, patience: Patience) -> Answer:
        def check() -> None:
            if patience.over:
                raise patience.error(self.name)

        runtime, grammar = self._runtime, request.grammar.gbnf if request.grammar else None
        runtime.go_on()
        with quiet(import_llama_cpp()), request.cancel.calling(runtime.stop):
            runtime.read(self._prompt(request, runtime), request.pictures, check)
            with closing(runtime.answer(grammar, request.max_tokens, check)) as pieces:
                said = list(pieces)
        return Answer(b"".join(said).decode("utf-8", "ignore"), constrained=grammar is not None, tokens=len(said))

    def _prompt(self, request: Request, runtime: Runtime) -> str:
        """Return the question in the model's chat template, with a marker for each picture."""
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self.template or runtime.metadata("tokenizer.chat_template") or CHATML
        marker = runtime.eyes.marker
        words = [*(marker for _ in request.pictures), request.prompt.replace(marker, "")]
        content: Any = [{"type": "text", "text": word} for word in words]
        if not STRUCTURED_CONTENT.search(template):
            content = "\n".join(words)
        formatter = Jinja2ChatFormatter(template, runtime.special("eos"), runtime.special("bos"))
        prompt: str = formatter(messages=[{"role": "user", "content": content}]).prompt
        return prompt

    @lazy_property
    def _runtime(self) -> Runtime:
        """The loaded model."""
        return self._open()

    def _open(self) -> Runtime:
        return self._load(self.model, self.lora)

    def _load(self, model: Path, lora: Path | None) -> Runtime:
        for path in (model, self.mmproj, *([lora] if lora else [])):
            check_gguf(path)
        options = RuntimeOptions(self.threads, self.context, self.batch, self.gpu_layers, self.preset.looks)
        return Runtime(model, self.mmproj, lora, options)


def check_gguf(path: Path) -> None:
    """Look at a file's first bytes: llama.cpp's own message on a wrong file is lost in its log.

    Raises:
        WeightsError: The file is missing, or no GGUF.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read.", hint="Check the path after llamacpp:.") from error
    if magic != b"GGUF":
        raise WeightsError(f"{path.name} is not a GGUF file.", hint="Convert the model with llama.cpp's tools.")
