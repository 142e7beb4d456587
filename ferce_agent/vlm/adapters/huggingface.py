"""Vision-language models in Hugging Face's format, run by transformers on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.concurrency.turns import Turns
from ferce_agent.errors import FerceError, MissingExtraError, SettingsError, VlmError, WeightsError
from ferce_agent.vlm.own.model import OWN_PRESET
from ferce_agent.vlm.own.test_time_augmentation import looks
from ferce_agent.vlm.protocol import Answer, Patience, Preset, Request, admitted

if TYPE_CHECKING:
    from PIL import Image

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantisation = Literal["", "4bit", "8bit"]
GRAMMARS: Final = 8
"""Compiled grammars that a model keeps."""


PRESETS: Final[dict[str, Preset]] = {
    "ferce-vlm": OWN_PRESET,
    "unifer": Preset(side=224, max_tokens=1024, prompt="ferbench"),
    "qwen": Preset(side=448, prompt="perceive"),
}
"""By a part of the model's name. ``ferce-vlm``: a folder written by `ferce vlm export`.

UniFER-7B: picture size, length and form of the question as in its published evaluation."""


def preset_for(name: str) -> Preset:
    """Return the preset of a model id or folder name."""
    lower = Path(name).name.lower()  # the folders above may be called anything
    return next((preset for part, preset in PRESETS.items() if part in lower), Preset())


class HuggingFaceVlm:
    """Any model that `AutoModelForImageTextToText` loads, from a folder or, if the user names one, from the hub."""

    remote = False

    def __init__(
        self,
        model: str,
        *,
        dtype: Dtype = "auto",
        device: str = "auto",
        quantisation: Quantisation = "",
        threads: int = 0,
    ) -> None:
        """Choose the model; nothing is loaded before the first question.

        Args:
            model: Folder, or ``ORG/NAME`` on the hub; the hub is only asked if there is no such folder.
            dtype: Number format; ``auto`` takes that of the weights on a GPU and float32 on a CPU.
            device: ``cpu``, ``cuda``, ``auto``.
            quantisation: ``4bit`` or ``8bit`` with bitsandbytes (needs a GPU); empty for none.
            threads: Threads of torch; 0 leaves torch's own choice.

        Raises:
            SettingsError: The name is neither a folder nor of the form ORG/NAME.
        """
        if not Path(model).is_dir() and (model.count("/") != 1 or model.startswith((".", "/", "~"))):
            raise SettingsError(
                f"'{model[:120]}' is neither a folder nor ORG/NAME.", hint="hf:./my-model or hf:ORG/NAME"
            )
        self.model, self.dtype, self.device = model, dtype, device
        self.quantisation, self.threads = quantisation, threads
        self.name, self.version = "transformers", Path(model).name
        self.preset = preset_for(model)
        self.most_pictures = 1 if self.preset.aligned else 8
        self.turns, self._alone = Turns(), Turns()
        self._grammars: dict[str, Any] = {}

    def ask(self, request: Request) -> Answer:
        """Return the model's greedy answer; see `VisionLanguageModel.ask`.

        Raises:
            MissingExtraError: transformers is not installed.
            WeightsError: The model cannot be loaded.
            VlmTimeoutError: No answer in time.
            VlmError: The model failed.
        """
        with admitted(self._alone, self.name, request) as patience:
            try:
                with _threads(self.threads):
                    return self._generate(request, patience)
            except FerceError:
                raise
            except Exception as error:  # a model's own code may raise anything
                raise VlmError(
                    f"{self.version} could not answer: {type(error).__name__}: {str(error)[:200]}"
                ) from error

    def check(self) -> None:
        """Look whether the packages, and in a folder the model's files, are there, without loading them.

        Raises:
            MissingExtraError: transformers is not installed.
            WeightsError: The folder holds no model.
        """
        for package in ("torch", "transformers"):
            if find_spec(package) is None:
                raise MissingExtraError(package, "transformers")
        folder = Path(self.model)
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise WeightsError(
                f"{folder.name} holds no config.json.", hint="Give the folder of a model for transformers."
            )

    def prepare(self) -> None:
        """Load the model.

        Raises:
            MissingExtraError: transformers is not installed.
            WeightsError: The model cannot be loaded.
        """
        _ = self._loaded

    @lazy_property
    def _loaded(self) -> tuple[Any, Any]:
        """Processor and model."""
        try:
            import torch
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise MissingExtraError("transformers", "transformers") from error
        device = self.device if self.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
        options: dict[str, Any] = {"dtype": self._dtype(device)}
        if self.quantisation:
            options["quantization_config"] = _bitsandbytes(self.quantisation)
        try:
            processor = AutoProcessor.from_pretrained(self.model)  # type: ignore[no-untyped-call]
            network: Any = AutoModelForImageTextToText.from_pretrained(self.model, **options)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise WeightsError(
                f"transformers cannot load {self.version}: {str(error).splitlines()[0][:200]}",
                hint="Check the folder, or the name and the connection to the hub.",
            ) from error
        network.eval()
        return processor, network if self.quantisation else network.to(device)

    def _dtype(self, device: str) -> Any:
        import torch

        if self.dtype == "auto":
            return "auto" if device != "cpu" else torch.float32
        return getattr(torch, self.dtype)

    def _generate(self, request: Request, patience: Patience) -> Answer:
        import torch
        from transformers import StoppingCriteriaList

        processor, network = self._loaded
        inputs = self._inputs(processor, network, request)
        generated = network.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=self.preset.max_tokens
            if request.grammar is None and self.preset.max_tokens
            else request.max_tokens,
            stopping_criteria=StoppingCriteriaList([lambda ids, _: torch.full((len(ids),), patience.over)]),
            logits_processor=self._constraint(processor, network, request),
        )
        if patience.over:
            raise patience.error(self.name)
        new = generated[0, inputs["input_ids"].shape[1] :]
        text = processor.decode(new, skip_special_tokens=True)
        return Answer(text, constrained=request.grammar is not None, tokens=len(new))

    def _inputs(self, processor: Any, network: Any, request: Request) -> Any:
        from PIL import Image

        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in request.pictures]
        if self.preset.side:
            pictures = [picture.resize((self.preset.side, self.preset.side)) for picture in pictures]
        content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": request.prompt}]
        message = [{"role": "user", "content": content}]
        text = processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        inputs = processor(text=[text], images=pictures, return_tensors="pt").to(network.device)
        return _several_looks(processor, network, inputs, pictures[0]) if self.preset.looks else inputs

    def _constraint(self, processor: Any, network: Any, request: Request) -> list[Any]:
        """Return the logits processor that enforces the grammar; a fresh one for every answer."""
        if request.grammar is None:
            return []
        try:
            from xgrammar.contrib.hf import LogitsProcessor
        except ImportError as error:
            raise MissingExtraError("xgrammar", "transformers") from error
        compiled = self._compiled(request.grammar.gbnf, processor, network)
        return [LogitsProcessor(compiled)]

    def _compiled(self, gbnf: str, processor: Any, network: Any) -> Any:
        """Return the compiled grammar; the latest ones are kept. Called by one thread at a time."""
        import xgrammar

        if gbnf in self._grammars:
            return self._grammars[gbnf]
        while len(self._grammars) >= GRAMMARS:
            self._grammars.pop(next(iter(self._grammars)))
        size = network.get_output_embeddings().weight.shape[0]
        info = xgrammar.TokenizerInfo.from_huggingface(processor.tokenizer, vocab_size=size)
        return self._grammars.setdefault(gbnf, xgrammar.GrammarCompiler(info).compile_grammar(gbnf))


def _several_looks(processor: Any, network: Any, inputs: Any, picture: Image.Image) -> dict[str, Any]:
    """Return inputs whose picture tokens are the mean of several looks at the picture, embedded already."""
    import torch

    several = list(looks(np.asarray(picture)))
    pixels = processor.image_processor(images=several, return_tensors="pt")["pixel_values"].to(network.device)
    with torch.no_grad():
        said = network.get_image_features(pixel_values=pixels.to(network.dtype)).pooler_output
        embedded = network.get_input_embeddings()(inputs["input_ids"])
    embedded[inputs["input_ids"] == network.config.image_token_id] = torch.stack(list(said)).mean(0)
    return {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"], "inputs_embeds": embedded}


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let torch use so many threads.

    Torch has one such number for the process, which is put back afterwards. 0 leaves it alone.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "transformers") from error
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _bitsandbytes(quantisation: Quantisation) -> Any:
    from transformers import BitsAndBytesConfig

    if quantisation == "4bit":
        return BitsAndBytesConfig(load_in_4bit=True)  # type: ignore[no-untyped-call]
    return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
