"""The one protocol of vision-language models: pictures, a prompt and a grammar in, text out."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from ferce_agent.errors import FerceError, VlmError, VlmTimeoutError

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Grammar:
    """What an answer must look like, in the three forms that back-ends understand.

    Attributes:
        gbnf: Grammar in llama.cpp's notation with the start rule ``root``; xgrammar reads it too.
        schema: JSON Schema of the same answers.
        model: Pydantic model of the same answers, validated with `context`.
        context: Validation context of `model`.
    """

    gbnf: str
    schema: Mapping[str, Any]
    model: type[BaseModel]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a vision-language model.

    Attributes:
        prompt: The question.
        pictures: JPEG files, without metadata: examples first, the picture the question is about last.
        grammar: What the answer must look like; None for free text.
        max_tokens: Longest answer.
        seconds: How long the whole answer may take.
        cancel: Set when nobody waits for the answer any more; an adapter stops at the next token or chunk.
    """

    prompt: str
    pictures: tuple[bytes, ...]
    grammar: Grammar | None = None
    max_tokens: int = 512
    seconds: float = 60.0
    cancel: threading.Event = field(default_factory=threading.Event)

    def content(self) -> list[dict[str, Any]]:
        """Return pictures (as data URLs: no back-end is ever given an address to open) and prompt as parts of an OpenAI message."""
        urls = [f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" for picture in self.pictures]
        pictures: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return [*pictures, {"type": "text", "text": self.prompt}]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said.

    Attributes:
        text: Its words.
        constrained: Whether the back-end enforced the request's grammar while decoding.
        tokens: Length in tokens; None if the back-end does not tell.
        repairs: Why earlier attempts were refused, where the back-end itself asked again.
    """

    text: str
    constrained: bool = False
    tokens: int | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """How a family of models wants to be asked. A model has it as `preset`; without one it is asked like any other.

    Attributes:
        side: Pictures are resized to this square side; 0 leaves them as they are.
        max_tokens: Longest answer; 0 leaves it to the request.
        prompt: Prompt that suits the model best.
        aligned: Side of the aligned grey face crop that the model wants instead of a piece of the photo; 0 for the photo.
        scenes: Whether it can say anything about more than a face.
        looks: Whether it reads the mean of several looks at the crop (`ferce_agent.perception.looks`).
    """

    side: int = 0
    max_tokens: int = 0
    prompt: str = "perceive"
    aligned: int = 0
    scenes: bool = True
    looks: bool = False


PLAIN: Final = Preset()


def preset_of(vlm: VisionLanguageModel) -> Preset:
    """Return how a model wants to be asked."""
    preset = getattr(vlm, "preset", PLAIN)
    return preset if isinstance(preset, Preset) else PLAIN


@runtime_checkable
class VisionLanguageModel(Protocol):
    """Anything that looks at a picture and answers in words.

    Attributes:
        name: Name for the report's provenance.
        version: Version for the report's provenance: a file name, a model id.
        remote: True if the picture leaves the machine.
        most_pictures: How many pictures one question may hold.
    """

    name: str
    version: str
    remote: bool
    most_pictures: int

    def ask(self, request: Request) -> Answer:
        """Return the model's answer.

        Raises:
            VlmError: The model could not answer.
            SetupError: A package or a file is missing.
        """
        ...


def ask_in_time(vlm: VisionLanguageModel, request: Request) -> Answer:
    """Ask, but wait no longer than the request allows; an abandoned call is told to stop and ends in a background thread.

    Raises:
        VlmTimeoutError: No answer in time.
        VlmError: The model failed in any other way, or said nothing.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="ferce-vlm")
    try:
        answer = executor.submit(vlm.ask, request).result(request.seconds)
    except FutureTimeoutError as error:
        raise timed_out(vlm.name, request) from error
    except FerceError:
        raise
    except Exception as error:  # an adapter may wrap any library; its errors are all the same to the report
        raise VlmError(f"{vlm.name} failed: {type(error).__name__}.", hint="See the log of the model.") from error
    finally:
        request.cancel.set()
        executor.shutdown(wait=False, cancel_futures=True)
    if not answer.text.strip():
        raise VlmError(f"{vlm.name} gave an empty answer.", hint="Try another model or prompt.")
    return answer


def timed_out(name: str, request: Request) -> VlmTimeoutError:
    """Return the error of a request that took too long."""
    return VlmTimeoutError(
        f"{name} gave no answer within {request.seconds:g} s.", hint="Allow more time or use a faster model."
    )


class Patience:
    """Says after how many seconds from now a request is no longer wanted."""

    def __init__(self, request: Request) -> None:
        """Start the clock."""
        self._request = request
        self._end = time.monotonic() + request.seconds

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def over(self) -> bool:
        """Whether to stop: cancelled, or out of time."""
        return self._request.cancel.is_set() or self.left <= 0
