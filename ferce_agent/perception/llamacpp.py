"""Vision-language models in llama.cpp's format: a GGUF and its mmproj, on this machine."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.errors import FerceError, MissingExtraError, VlmError, WeightsError
from ferce_agent.lazy import lazy_property
from ferce_agent.perception.llamacpp_looks import LookingMtmd
from ferce_agent.perception.turns import Turns
from ferce_agent.perception.vlm import PLAIN, Answer, Patience, Preset, Request, admitted

if TYPE_CHECKING:
    from collections.abc import Callable

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
            seed: Seed of sampling (decoding is greedy, so it decides ties only).
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
        self._lock = threading.Lock()

    @lazy_property
    def sha256(self) -> str:
        """Digest over all files."""
        digest = hashlib.sha256()
        for path in (self.model, self.mmproj, *([self.lora] if self.lora else [])):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def ask(self, request: Request) -> Answer:
        """Return the model's greedy answer; see `VisionLanguageModel.ask`.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: A file is missing or no usable GGUF.
            VlmTimeoutError: No answer in time.
            VlmError: Picture and prompt do not fit into the context, or llama.cpp failed.
        """
        with admitted(self._alone, self.name, request) as patience:
            try:
                return self._decode(request, patience)
            except FerceError:
                raise
            except Exception as error:  # llama-cpp-python raises ValueError, RuntimeError and its own kinds
                raise VlmError(
                    f"llama.cpp could not answer: {str(error)[:300]}", hint="Raise the context size?"
                ) from error

    def prepare(self) -> None:
        """Load the model.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: A file is missing or no usable GGUF.
        """
        _ = self._llama

    def close(self) -> None:
        """Let go of the model; the next question loads it again."""
        with self._lock:
            if "_llama" in self.__dict__:
                self._llama.close()
                del self.__dict__["_llama"]

    def _decode(self, request: Request, patience: Patience) -> Answer:
        llama_cpp = import_llama_cpp()
        grammar = None
        if request.grammar is not None:
            grammar = llama_cpp.LlamaGrammar.from_string(request.grammar.gbnf, verbose=False)
        chunks = self._llama.create_chat_completion(
            messages=[{"role": "user", "content": request.content()}],
            grammar=grammar,
            max_tokens=request.max_tokens,
            temperature=0.0,
            repeat_penalty=1.0,
            seed=self.seed,
            stream=True,
        )
        words: list[str] = []
        for chunk in chunks:
            words.append(chunk["choices"][0]["delta"].get("content") or "")
            if patience.over:
                raise patience.error(self.name)
        return Answer("".join(words), constrained=grammar is not None, tokens=max(len(words) - 2, 0))

    @lazy_property
    def _llama(self) -> Any:
        """The loaded model."""
        return self._load(self.model, self.lora)

    def _load(self, model: Path, lora: Path | None) -> Any:
        llama_cpp = import_llama_cpp()
        for path in (model, self.mmproj, *([lora] if lora else [])):
            check_gguf(path)
        try:
            with protected_from_amx(llama_cpp):
                return llama_cpp.Llama(
                    str(model),
                    chat_handler=_handler(
                        self.mmproj, self.template, use_gpu=self.gpu_layers != 0, several=self.preset.looks
                    ),
                    n_ctx=self.context,
                    n_batch=self.batch,
                    n_ubatch=self.batch,
                    n_threads=self.threads,
                    n_threads_batch=self.threads,
                    n_gpu_layers=self.gpu_layers,
                    lora_path=str(lora) if lora else None,
                    seed=self.seed,
                    verbose=False,
                )
        except (ValueError, RuntimeError, OSError) as error:
            raise WeightsError(f"llama.cpp cannot load {model.name}: {str(error)[:200]}") from error


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


def import_llama_cpp() -> Any:
    """Return llama_cpp, silenced.

    Its own way to be quiet redirects the process's standard output and error for a while, which would swallow what other threads
    write there (an MCP server's answers); here its log goes nowhere instead.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import llama_cpp
        from llama_cpp import _logger, llama, llama_chat_format, mtmd_cpp
    except ImportError as error:
        raise MissingExtraError("llama-cpp-python", "local") from error
    _logger.set_verbose(False)
    _logger.logger.setLevel(100)
    mtmd_cpp.mtmd_log_set(_silence(llama_cpp), ctypes.c_void_p(0))
    mtmd_cpp.mtmd_helper_log_set(_silence(llama_cpp), ctypes.c_void_p(0))
    for module in (llama, llama_chat_format):
        vars(module)["suppress_stdout_stderr"] = _no_redirection
    return llama_cpp


_KEPT: dict[str, Any] = {}
"""Callbacks that C code holds: they must never be collected."""


def _silence(llama_cpp: Any) -> Any:
    if "log" not in _KEPT:
        _KEPT["log"] = llama_cpp.llama_log_callback(lambda level, text, data: None)  # noqa: ARG005
    return _KEPT["log"]


def _no_redirection(disable: bool = True) -> Any:  # noqa: ARG001
    return contextlib.nullcontext()


def has_amx(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the CPU has AMX tiles."""
    try:
        return "amx_tile" in cpuinfo.read_text("utf-8", errors="ignore")
    except OSError:
        return False


@contextmanager
def protected_from_amx(llama_cpp: Any, present: Callable[[], bool] = has_amx) -> Iterator[None]:
    """Load models without llama.cpp's extra buffer types where the CPU has AMX.

    With them its default build crashes on the first decoded token of 4-bit weights. `Llama` does not offer the switch, so the
    default parameters are changed while a model is loaded.
    """
    if not present():
        yield
        return
    module = llama_cpp.llama_cpp
    original = module.llama_model_default_params

    def without_extra_buffers() -> Any:
        parameters = original()
        parameters.use_extra_bufts = False
        return parameters

    with _AMX_LOCK:
        module.llama_model_default_params = without_extra_buffers
        try:
            yield
        finally:
            module.llama_model_default_params = original


_AMX_LOCK = threading.Lock()


def _handler(mmproj: Path, template: str | None, *, use_gpu: bool, several: bool) -> Any:
    """Return a chat handler that uses the given template, the GGUF's, or ChatML, and looks once at a picture or several times."""
    from llama_cpp.llama_chat_format import MTMDChatHandler

    class Handler(MTMDChatHandler):
        """Reads any mmproj; knows templates that expect plain strings."""

        def _get_chat_template(self, llama_model: Any) -> str:
            return template or llama_model.metadata.get("tokenizer.chat_template") or CHATML

        def _get_template_messages(self, messages: list[Any], media_marker: str) -> list[Any]:
            made: list[Any] = super()._get_template_messages(messages, media_marker)
            if self._takes_parts:
                return made
            return [{**message, "content": _flat(message["content"])} for message in made]

        def __call__(self, *, llama: Any, **options: Any) -> Any:
            self._takes_parts = bool(STRUCTURED_CONTENT.search(self._get_chat_template(llama)))
            return super().__call__(llama=llama, **options)

    handler: Any = Handler(str(mmproj), verbose=False, use_gpu=use_gpu)
    if several:
        handler._mtmd_cpp = LookingMtmd(handler._mtmd_cpp)
    return handler


def _flat(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content)
