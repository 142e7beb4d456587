"""The one protocol of vision-language models: pictures, a prompt and a grammar in, text out."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, runtime_checkable

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.turns import Turns, until
from ferce_agent.errors import FerceError, VlmCancelledError, VlmError, VlmTimeoutError

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
        seconds: How long the model may take, from the moment it begins with this question.
        deadline: Moment of `time.monotonic` after which the answer is of no use, however long it waited for its turn.
        cancel: Set when nobody waits for the answer any more; an adapter stops at the next token or chunk. Several
            requests may share one.
        began: Called in the thread that asks when the model begins with this question.
    """

    prompt: str
    pictures: tuple[bytes, ...]
    grammar: Grammar | None = None
    max_tokens: int = 512
    seconds: float = 60.0
    deadline: float | None = None
    cancel: Cancellation = field(default_factory=Cancellation)
    began: Callable[[], None] | None = field(default=None, compare=False)

    def content(self) -> list[dict[str, Any]]:
        """Return pictures and prompt as parts of an OpenAI message; data URLs, no back-end gets an address to open."""
        urls = [f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" for picture in self.pictures]
        pictures: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return [*pictures, {"type": "text", "text": self.prompt}]


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a question may take, and who may call it off; the fields are those of `Request`.

    Attributes:
        seconds: How long the model may take, from the moment it begins.
        deadline: Moment of `time.monotonic` after which the answer is of no use; None for none.
        cancel: Set when nobody waits for the answer any more.
    """

    seconds: float = 60.0
    deadline: float | None = None
    cancel: Cancellation = field(default_factory=Cancellation)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said.

    Attributes:
        text: Its words.
        constrained: Whether the back-end enforced the request's grammar while decoding.
        tokens: Length in tokens; None if the back-end does not tell.
        repairs: Why earlier attempts were refused, where the back-end itself asked again.
        seconds: How long the model took, without waiting for its turn; None if nobody looked.
    """

    text: str
    constrained: bool = False
    tokens: int | None = None
    repairs: tuple[str, ...] = ()
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Preset:
    """How a family of models wants to be asked. A model has it as `preset`; without one it is asked like any other.

    Attributes:
        side: Pictures are resized to this square side; 0 leaves them as they are.
        max_tokens: Longest answer; 0 leaves it to the request.
        prompt: Prompt that suits the model best.
        aligned: Side of the aligned grey face crop that the model wants instead of a piece of the photo; 0 for the
            photo.
        scenes: Whether it can say anything about more than a face.
        looks: Whether it reads the mean of several looks at the crop (`ferce_agent.vlm.own.test_time_augmentation`).
    """

    side: int = 0
    max_tokens: int = 0
    prompt: str = "perceive"
    aligned: int = 0
    scenes: bool = True
    looks: bool = False


PLAIN: Final = Preset()
LOADING: Final = 600.0
"""Seconds that loading a model may take before whoever waits is told so."""


def preset_of(vlm: VisionLanguageModel) -> Preset:
    """Return how a model wants to be asked."""
    preset = getattr(vlm, "preset", PLAIN)
    return preset if isinstance(preset, Preset) else PLAIN


@runtime_checkable
class VisionLanguageModel(Protocol):
    """Anything that looks at a picture and answers in words.

    More that a model may have:

    - ``turns`` (`Turns`): the queue of those who ask; a model without one is asked by any number of threads at once.
    - ``prepare()``: loads what it needs, so that the first answer takes no longer than the next.
    - ``check()``: says with a `SetupError` which file or package it lacks, without loading anything.

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
    """Wait for the model's turn, then for its answer, no longer than the request allows.

    The clock of `request.seconds` runs from the moment the model begins with this question: neither the questions
    before it nor loading the model count. A call that is abandoned, called off or interrupted is told to stop, and
    keeps the model until it has.

    Raises:
        VlmTimeoutError: No answer in time.
        VlmCancelledError: The request was called off.
        VlmError: The model failed in any other way, or said nothing.
    """
    stop = Cancellation()
    with request.cancel.calling(stop.set):
        try:
            answer = _Call(vlm, replace(request, cancel=stop)).answer()
        finally:
            stop.set()
    if not answer.text.strip():
        raise VlmError(f"{vlm.name} gave an empty answer.", hint="Try another model or prompt.")
    return answer


class _Call:
    """One question, asked in a thread of its own."""

    def __init__(self, vlm: VisionLanguageModel, request: Request) -> None:
        self._vlm, self._request = vlm, request
        self._turns: Turns | None = getattr(vlm, "turns", None)
        self._news: SimpleQueue[Literal["began", "ended", "stop"]] = SimpleQueue()
        self._began = time.monotonic()
        self._found: Answer | BaseException | None = None

    def answer(self) -> Answer:
        """Wait for the turn and the answer; see `ask_in_time` for errors."""
        self._wait_for_turn()
        thread = threading.Thread(target=self._work, name="ferce-vlm")
        try:
            thread.start()
        except BaseException:
            self._leave()
            raise
        request = self._request
        with request.cancel.calling(lambda: self._news.put("stop")):
            news = self._next(until(request.deadline, LOADING))
            if news == "began":
                if request.began is not None:
                    request.began()
                news = self._next(until(request.deadline, request.seconds))
        if news == "ended":
            return self._result()
        if news == "stop":
            raise called_off(self._vlm.name)
        raise timed_out(self._vlm.name, request, time.monotonic() - self._began)

    def _wait_for_turn(self) -> None:
        if self._turns is None:
            return
        request = self._request
        # Nobody before this one may take longer than that; whoever does has got stuck.
        longest = LOADING + (self._turns.ahead + 1) * request.seconds
        if self._turns.enter(request.cancel, until(request.deadline, longest)):
            return
        if request.cancel.is_set():
            raise called_off(self._vlm.name)
        raise VlmTimeoutError(
            f"{self._vlm.name} was busy with other questions until the time was over.",
            hint="Allow more time, or ask about less at once.",
        )

    def _leave(self) -> None:
        if self._turns is not None:
            self._turns.leave()

    def _work(self) -> None:
        try:
            prepare = getattr(self._vlm, "prepare", None)
            if prepare is not None:
                prepare()
            self._began = time.monotonic()
            self._news.put("began")
            self._found = replace(self._vlm.ask(self._request), seconds=time.monotonic() - self._began)
        except BaseException as error:  # handed to the thread that asked
            self._found = error
        finally:
            self._leave()
            self._news.put("ended")

    def _next(self, seconds: float) -> str | None:
        try:
            return self._news.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except Empty:
            return None

    def _result(self) -> Answer:
        found = self._found
        if isinstance(found, Answer):
            return found
        if isinstance(found, FerceError):
            raise found
        # An adapter may wrap any library; its errors are all the same to the report.
        raise VlmError(f"{self._vlm.name} failed: {type(found).__name__}.", hint="See the log of the model.") from found


def timed_out(name: str, request: Request, worked: float | None = None) -> VlmTimeoutError:
    """Return the error of a request that took too long; `worked` is how many seconds the model spent on it."""
    return VlmTimeoutError(
        f"{name} gave no answer within {request.seconds:g} s.",
        hint="Allow more time or use a faster model.",
        seconds=request.seconds if worked is None else worked,
    )


def called_off(name: str) -> VlmCancelledError:
    """Return the error of a request that nobody wants any more."""
    return VlmCancelledError(f"The question to {name} was called off.")


@contextmanager
def admitted(turns: Turns, name: str, request: Request) -> Iterator[Patience]:
    """Wait for a place among those who ask a model directly.

    Yields the clock of the answer, which starts with the place.

    Raises:
        VlmTimeoutError: No place within the request's seconds.
        VlmCancelledError: The request was called off.
    """
    with turns.taken(request.cancel, until(request.deadline, request.seconds)) as inside:
        if not inside:
            raise called_off(name) if request.cancel.is_set() else timed_out(name, request, 0.0)
        yield Patience(request)


class Patience:
    """Says whether a request that is being answered is still wanted: its clock, together with its cancellation."""

    def __init__(self, request: Request) -> None:
        """Start the clock."""
        self._request = request
        self._end = time.monotonic() + until(request.deadline, request.seconds)

    @property
    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(self._end - time.monotonic(), 0.0)

    @property
    def over(self) -> bool:
        """Whether to stop: called off, or out of time."""
        return self._request.cancel.is_set() or self.left <= 0

    def error(self, name: str) -> VlmError:
        """Return the error that says why to stop.

        Args:
            name: Name of the model, for the message.
        """
        return called_off(name) if self._request.cancel.is_set() else timed_out(name, self._request)
