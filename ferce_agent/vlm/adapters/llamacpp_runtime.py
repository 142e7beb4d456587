"""One model loaded in llama.cpp: it reads a prompt with pictures, then says token after token.

It is used through the C interface that llama-cpp-python binds, not through its class `Llama`: that one sets the log
level of the process, redirects standard output and error while it works, and cannot be stopped while it reads.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import MissingExtraError, VlmError, WeightsError
from ferce_agent.vlm.adapters.llamacpp_eyes import Check, Eyes
from ferce_agent.vlm.adapters.llamacpp_log import quiet

ALL_LAYERS: Final = 0x7FFFFFFF
"""More layers than any model has: what llama.cpp is told where all are to run on the GPU."""
ABORTED: Final = 2
"""What llama.cpp returns for a batch that was stopped on request."""
PIECE: Final = 64
"""Bytes of a token's text, at first; longer ones are asked for again."""


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How a model is run; see `LlamaCppVlm`.

    Attributes:
        threads: Threads for reading and decoding.
        context: Tokens of picture, prompt and answer together.
        batch: Tokens read at once.
        gpu_layers: Layers on a GPU; -1 for all.
        several: Whether several looks are taken at a picture.
    """

    threads: int = 2
    context: int = 4096
    batch: int = 512
    gpu_layers: int = 0
    several: bool = False


def import_llama_cpp() -> Any:
    """Return llama_cpp; nothing in it is changed.

    Raises:
        MissingExtraError: It is not installed, or lacks what is needed to read pictures.
    """
    try:
        import llama_cpp
        from llama_cpp import mtmd_cpp  # noqa: F401  # becomes an attribute
    except (ImportError, OSError, RuntimeError) as error:  # the last two where its library cannot be loaded
        raise MissingExtraError("llama-cpp-python", "local") from error
    return llama_cpp


@once
def _started() -> Any:
    """Return llama_cpp, with llama.cpp's backends ready."""
    llama_cpp = import_llama_cpp()
    with quiet(llama_cpp):
        llama_cpp.llama_backend_init()
    return llama_cpp


def has_amx(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the CPU has AMX tiles."""
    try:
        return "amx_tile" in cpuinfo.read_text("utf-8", errors="ignore")
    except OSError:
        return False


class Runtime:
    """A loaded model with a context of its own. Used by one thread at a time, apart from `stop`."""

    def __init__(self, model: Path, mmproj: Path, lora: Path | None, options: RuntimeOptions) -> None:
        """Load the files.

        Args:
            model: GGUF of the language model.
            mmproj: GGUF of the vision tower.
            lora: GGUF of adapters of the language model.
            options: How to run it.

        Raises:
            MissingExtraError: llama-cpp-python is not installed.
            WeightsError: llama.cpp cannot load one of the files.
        """
        self._llama = _started()
        self._options = options
        self._held = ExitStack()
        self._flag = ctypes.create_string_buffer(2)
        self.past = self.said = 0
        with quiet(self._llama) as lines:
            try:
                self._load(model, mmproj, lora)
            except WeightsError as error:
                self._held.close()
                raise WeightsError(" ".join([error.message, *lines])[:400], hint=error.hint) from error
            except BaseException:
                self._held.close()
                raise

    def _load(self, model: Path, mmproj: Path, lora: Path | None) -> None:
        llama, options = self._llama, self._options
        self._model = llama.llama_model_load_from_file(str(model).encode(), self._model_options(lora))
        if self._model is None:
            raise WeightsError(f"llama.cpp cannot load {model.name}.", hint="Is the file complete?")
        self._held.callback(llama.llama_model_free, self._model)
        self._context = llama.llama_init_from_model(self._model, self._context_options())
        if self._context is None:
            raise WeightsError(
                f"llama.cpp cannot run {model.name} with these options.", hint="Is the context too long?"
            )
        self._held.callback(llama.llama_free, self._context)
        llama.llama_set_abort_callback(self._context, _text_is_there(llama), ctypes.addressof(self._flag))
        if lora is not None:
            self._add(lora)
        self._batch = llama.llama_batch_init(options.batch, 0, 1)
        self._held.callback(llama.llama_batch_free, self._batch)
        self._vocab = llama.llama_model_get_vocab(self._model)
        gpu = options.gpu_layers != 0
        self.eyes = Eyes(llama, self._model, mmproj, threads=options.threads, use_gpu=gpu, several=options.several)
        self._held.callback(self.eyes.close)

    def _model_options(self, lora: Path | None) -> Any:
        llama, options = self._llama, self._llama.llama_model_default_params()
        options.n_gpu_layers = ALL_LAYERS if self._options.gpu_layers == -1 else self._options.gpu_layers
        options.load_mode = llama.LLAMA_LOAD_MODE_NONE if lora else llama.LLAMA_LOAD_MODE_MMAP
        # With the extra buffer types, llama.cpp's default build crashes on the first token of 4-bit weights on such
        # CPUs.
        if has_amx():
            options.use_extra_bufts = False
        return options

    def _context_options(self) -> Any:
        options, wanted = self._llama.llama_context_default_params(), self._options
        options.n_ctx = wanted.context
        options.n_batch = options.n_ubatch = min(wanted.batch, wanted.context)
        options.n_threads = options.n_threads_batch = wanted.threads
        options.flash_attn_type = self._llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return options

    def _add(self, lora: Path) -> None:
        llama = self._llama
        adapter = llama.llama_adapter_lora_init(self._model, str(lora).encode())
        if adapter is None:
            raise WeightsError(f"llama.cpp cannot load {lora.name}.", hint="Does it belong to this model?")
        adapters, scales = (llama.llama_adapter_lora_p_ctypes * 1)(adapter), (ctypes.c_float * 1)(1.0)
        if llama.llama_set_adapters_lora(self._context, adapters, 1, scales):
            raise WeightsError(f"{lora.name} does not fit the model.", hint="Does it belong to this model?")

    def close(self) -> None:
        """Let go of everything; the object cannot be used afterwards."""
        with quiet(self._llama):
            self._held.close()

    def stop(self) -> None:
        """Make llama.cpp give up what it computes now; called by any thread."""
        self._flag[0] = b"!"

    def go_on(self) -> None:
        """Take `stop` back."""
        self._flag[0] = b"\0"

    def metadata(self, key: str) -> str | None:
        """Return a text of the model's metadata."""
        size = 1 << 16
        buffer = ctypes.create_string_buffer(size)
        length = self._llama.llama_model_meta_val_str(self._model, key.encode(), buffer, size)
        return buffer.value.decode("utf-8", "replace") if length > 0 else None

    def special(self, kind: str) -> str:
        """Return the text of the first (``bos``) or last (``eos``) token of a sequence; empty if there is none."""
        find = {"bos": self._llama.llama_vocab_bos, "eos": self._llama.llama_vocab_eos}[kind]
        token = find(self._vocab)
        return self._piece(token, special=True).decode("utf-8", "ignore") if token >= 0 else ""

    def read(self, text: str, pictures: Sequence[bytes], check: Check) -> None:
        """Read a prompt in which a marker stands for each picture; what was read before is forgotten.

        Raises:
            VlmError: It does not fit into the context, or llama.cpp failed.
        """
        llama = self._llama
        with self.eyes.bitmaps(pictures) as bitmaps, self.eyes.chunks(text, bitmaps) as chunks:
            length = sum(map(self.eyes.length, chunks))
            if length >= self._options.context:
                raise VlmError(
                    f"Prompt and picture need {length} tokens, n_ctx is {self._options.context}.",
                    hint="Raise the context size, or give fewer examples.",
                )
            llama.llama_memory_clear(llama.llama_get_memory(self._context), True)
            self.past, shown = 0, iter(bitmaps)
            for chunk in chunks:
                check()
                tokens = self.eyes.tokens(chunk)
                if tokens is None:
                    batch = self._options.batch
                    self.past = self.eyes.show(self._context, chunk, next(shown), self.past, batch, check)
                else:
                    self._take(tokens[:-1], check)
                    self._take(tokens[-1:], check)
        if not chunks or tokens is None:
            raise VlmError("The prompt ends with the picture.", hint="Give another chat template.")

    def answer(self, grammar: str | None, most: int, check: Check) -> Generator[bytes, None, None]:
        """Yield the pieces of the greedy answer, one a token, to its end or to `most` tokens.

        Args:
            grammar: GBNF with the start rule ``root``; None for free text.
            most: Tokens at most; the context may end sooner.
            check: Called before each token.

        Raises:
            VlmError: The grammar is not usable, or llama.cpp failed.
        """
        llama, sampler = self._llama, self._sampler(grammar)
        most = min(most, self._options.context - self.past)
        try:
            for number in range(most):
                check()
                token = llama.llama_sampler_sample(sampler, self._context, -1)
                if llama.llama_vocab_is_eog(self._vocab, token):
                    return
                self.said += 1
                yield self._piece(token)
                if number + 1 < most:
                    self._take([token], check)
        finally:
            llama.llama_sampler_free(sampler)

    def _sampler(self, grammar: str | None) -> Any:
        llama = self._llama
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if grammar is not None:
            rule = llama.llama_sampler_init_grammar(self._vocab, grammar.encode(), b"root")
            if rule is None:
                llama.llama_sampler_free(chain)
                raise VlmError("llama.cpp cannot read the grammar of the answer.")
            llama.llama_sampler_chain_add(chain, rule)
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
        return chain

    def _take(self, tokens: Sequence[int], check: Check) -> None:
        """Let the model read tokens, in batches; only the last one's successor can be sampled."""
        for start in range(0, len(tokens), self._options.batch):
            check()
            part = tokens[start : start + self._options.batch]
            self._fill(part)
            code = self._llama.llama_decode(self._context, self._batch)
            if code != 0:
                check()
                raise VlmError("llama.cpp was stopped." if code == ABORTED else f"llama.cpp failed ({code}).")
            self.past += len(part)

    def _fill(self, tokens: Sequence[int]) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at] = token, self.past + at
            batch.seq_id[at][0], batch.n_seq_id[at] = 0, 1
            batch.logits[at] = at == len(tokens) - 1

    def _piece(self, token: int, *, special: bool = False) -> bytes:
        size = PIECE
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._llama.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length


def _text_is_there(llama_cpp: Any) -> Any:
    """Return C's `strlen` as llama.cpp's abort callback: it is true once there is text in the buffer that it is given.

    A callback in Python would need the interpreter's lock some hundred times a token, and wait for it while other
    threads work.
    """
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return ctypes.cast(library.strlen, llama_cpp.llama_cpp.ggml_abort_callback)
