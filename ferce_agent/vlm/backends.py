"""From a string to a vision-language model.

``own``, ``llamacpp:…``, ``hf:…``, ``openai:…`` or ``python:…``, with options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from ferce_agent.errors import SettingsError
from ferce_agent.plugins import call_named, find_plugin, plugin_names
from ferce_agent.vlm.own.model import SHIPPED, OwnVlm
from ferce_agent.vlm.protocol import VisionLanguageModel

FORMS: Final = (
    "own, own:FOLDER, llamacpp:MODEL.gguf+MMPROJ.gguf, hf:ORG/NAME, hf:FOLDER, openai:URL#MODEL, "
    "python:MODULE:FUNCTION, later:FOLDER#MODEL, test, test:FILE"
)


def load_vlm(spec: str, threads: int = 2) -> VisionLanguageModel:
    """Build the model that `spec` names; nothing heavy is loaded before the first question.

    ``own`` is the model in the package, ``test`` one for tests that looks at nothing. Options follow a question mark:
    ``own?threads=4``, ``llamacpp:m.gguf+p.gguf?context=8192&threads=4``,
    ``hf:ORG/NAME?dtype=bfloat16&device=cuda&quantisation=4bit``,
    ``openai:http://localhost:8000/v1#NAME?concurrency=8``, ``later:FOLDER#MODEL?where=here``.

    Any other name is looked for among the entry points ``ferce_agent.vlm`` of installed packages: a function that takes
    what follows the colon (an empty text, where nothing does) and `threads`, and returns a vision-language model or a
    LangChain chat model.

    Args:
        spec: The string.
        threads: Threads of local back-ends, where the string does not say.

    Raises:
        SettingsError: The string names no back-end, or an option is unknown or has a value that cannot be used.
        SetupError: An installed package offers the name, and cannot make the model.
    """
    kind, rest = split_spec(spec)
    makers: dict[str, Callable[[str, int], VisionLanguageModel]] = {
        "own": _own,
        "llamacpp": _llamacpp,
        "hf": _huggingface,
        "openai": _endpoint,
        "python": _python,
        "later": _later,
        "test": _scripted,
    }
    if kind in makers and (rest or kind in {"own", "test"}):
        return makers[kind](rest, threads)
    plugin = None if kind in makers else find_plugin("vlm", kind)
    if plugin is None:
        forms = ", ".join([FORMS, *plugin_names("vlm")])
        raise SettingsError(f"'{spec[:120]}' names no vision-language model.", hint=f"Use {forms}.")
    made = as_vlm(plugin.make(rest, threads))
    if made is None:
        raise plugin.unfit("vision-language model")
    return made


def split_spec(spec: str) -> tuple[str, str]:
    """Return the name at the beginning of ``NAME``, ``NAME:REST`` or ``NAME?OPTIONS``, and what follows it."""
    name, rest = re.fullmatch(r"([^:?]*)(.*)", spec.strip(), re.DOTALL).groups()  # type: ignore[union-attr]  # fits all
    return name, rest.removeprefix(":")


def _options(text: str, readers: Mapping[str, Callable[[str], Any]]) -> tuple[str, dict[str, Any]]:
    """Split ``body?name=value&…`` and read the values.

    Raises:
        SettingsError: An option is unknown or has an unusable value.
    """
    body, mark, query = text.rpartition("?")
    if not mark:
        return text, {}
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        try:
            options[name] = readers[name](value)
        except (KeyError, ValueError) as error:
            raise SettingsError(
                f"The option {name}={value[:60]} is not usable.", hint=f"Known options: {', '.join(readers)}."
            ) from error
    return body, options


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(value)
        return value

    return read


def _at_least(least: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        number = int(value)
        if number < least:
            raise ValueError(value)
        return number

    return read


def _own(text: str, threads: int) -> VisionLanguageModel:
    body, options = _options(text, {"threads": _at_least(1)})
    return OwnVlm(Path(body).expanduser() if body else SHIPPED, **{"threads": threads, **options})


def _llamacpp(text: str, threads: int) -> VisionLanguageModel:
    from ferce_agent.vlm.adapters.llamacpp import LlamaCppVlm

    readers: dict[str, Callable[[str], Any]] = {
        "threads": _at_least(1),
        "context": _at_least(64),
        "seed": int,
        "gpu_layers": _at_least(-1),
        "template": lambda name: Path(name).read_text("utf-8"),
    }
    try:
        body, options = _options(text, readers)
    except OSError as error:
        raise SettingsError("The chat template cannot be read.", hint="Give a text file in Jinja.") from error
    model, plus, mmproj = body.partition("+")
    if not plus or not mmproj:
        raise SettingsError(
            "A vision-language model in llama.cpp's format is two files.", hint="llamacpp:MODEL.gguf+MMPROJ.gguf"
        )
    return LlamaCppVlm(Path(model).expanduser(), Path(mmproj).expanduser(), **{"threads": threads, **options})


def _huggingface(text: str, threads: int) -> VisionLanguageModel:
    from ferce_agent.vlm.adapters.huggingface import HuggingFaceVlm

    body, options = _options(
        text,
        {
            "dtype": _one_of("auto", "float32", "bfloat16", "float16"),
            "device": str,
            "quantisation": _one_of("4bit", "8bit"),
            "threads": _at_least(0),
        },
    )
    return HuggingFaceVlm(body, **{"threads": threads, **options})


def _endpoint(text: str, threads: int) -> VisionLanguageModel:  # noqa: ARG001  # the server has its own
    from ferce_agent.vlm.adapters.endpoint import EndpointVlm

    url, mark, rest = text.partition("#")
    model, options = _options(rest, {"concurrency": _at_least(1)})
    if not mark or not model:
        raise SettingsError("The endpoint needs a model.", hint="openai:http://localhost:8000/v1#MODEL")
    return EndpointVlm(url, model, **options)


def _python(text: str, threads: int) -> VisionLanguageModel:  # noqa: ARG001  # the function knows
    """Call a function of an importable module; it returns a vision-language model or a LangChain chat model."""
    made = as_vlm(call_named(text))
    if made is None:
        raise SettingsError(f"python:{text[:120]} gives neither a chat model nor a vision-language model.")
    return made


def _later(text: str, threads: int) -> VisionLanguageModel:  # noqa: ARG001  # nothing is computed
    from ferce_agent.vlm.adapters.later import LaterVlm

    body, options = _options(text, {"where": _one_of("here", "away")})
    folder, mark, model = body.partition("#")
    if not folder or not mark or not model:
        raise SettingsError("Questions to be answered later need a folder and a model.", hint="later:FOLDER#MODEL")
    return LaterVlm(Path(folder).expanduser(), model, remote=options.get("where") != "here")


def _scripted(text: str, threads: int) -> VisionLanguageModel:  # noqa: ARG001  # there is nothing to compute
    from ferce_agent.vlm.adapters.scripted import ScriptedVlm, read_script

    body, _ = _options(text, {})
    return read_script(Path(body).expanduser()) if body else ScriptedVlm()


def as_vlm(made: object) -> VisionLanguageModel | None:
    """Return what a user's function made as a vision-language model; None if it is none and no LangChain chat model."""
    from langchain_core.language_models import BaseChatModel

    from ferce_agent.vlm.adapters.chat_model import ChatModelVlm

    if isinstance(made, BaseChatModel):
        return ChatModelVlm(made)
    return made if isinstance(made, VisionLanguageModel) else None
