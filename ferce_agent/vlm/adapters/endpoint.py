"""Any server that speaks OpenAI's chat protocol: vLLM, Ollama, llama.cpp's servers, a cloud.

Structured answers by instructor.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.concurrency.turns import Turns
from ferce_agent.errors import MissingExtraError, SettingsError, VlmError
from ferce_agent.vlm.protocol import Answer, Patience, Request, admitted, timed_out

KEY_VARIABLE: Final = "FERCE_API_KEY"
GRAMMAR_SERVERS: Final = frozenset({"me", "llamacpp"})
"""``owned_by`` of models of llama-cpp-python's and llama.cpp's servers.

They take a grammar and ignore a JSON schema.
"""
STRAIGHT: Final[dict[str, Any]] = {
    "mounts": dict.fromkeys(("all://", "http://", "https://")),
    "follow_redirects": False,
}
"""Options of httpx for a server on this machine.

No proxy of the environment is used and no redirect is followed, so that nothing leaves the machine.
"""
ATTEMPTS: Final = 3
"""Attempts, in all, at a valid structured answer, and at reaching a busy server."""


class EndpointVlm:
    """A model behind an OpenAI-compatible address.

    Busy servers (429, 5xx, cut connections) are asked again with growing pauses, or after the pause they ask for
    (``Retry-After``). At most `concurrency` questions are under way at once.
    """

    def __init__(self, url: str, model: str, *, key: str | None = None, concurrency: int = 4) -> None:
        """Choose address and model.

        Args:
            url: Base address, usually ending in ``/v1``.
            model: Name of the model there.
            key: API key; default: the environment variable ``FERCE_API_KEY``, and ``OPENAI_API_KEY`` for api.openai.com
                only.
            concurrency: Most questions at once.

        Raises:
            SettingsError: The address is no http(s) address, or plain http to another machine carries a key.
        """
        way = access(url, key)
        self.url, self.model = url.rstrip("/"), model
        self.remote, self._key = way.remote, way.key
        self.name, self.version = "endpoint", model
        self.most_pictures = 8
        self.turns, self._slots = Turns(concurrency), Turns(concurrency)

    def ask(self, request: Request) -> Answer:
        """Return the model's answer; see `VisionLanguageModel.ask`.

        Raises:
            MissingExtraError: instructor is not installed.
            VlmTimeoutError: No answer in time.
            VlmError: The server cannot be reached, refuses, or never gave an answer of the asked form.
        """
        client = self._client
        with admitted(self._slots, self.name, request) as patience:
            try:
                with _not_printed(logging.getLogger("instructor")):
                    return self._answer(client, request, patience)
            except VlmError:
                raise
            except Exception as error:  # openai, httpx and instructor each have their own errors
                raise self._explain(error, request) from error

    def check(self) -> None:
        """Look whether the package is there; the server is not asked.

        Raises:
            MissingExtraError: instructor is not installed.
        """
        if find_spec("instructor") is None:
            raise MissingExtraError("instructor", "endpoint")

    @lazy_property
    def _client(self) -> Any:
        try:
            import instructor  # noqa: F401
            from openai import DefaultHttpxClient, OpenAI
        except ImportError as error:
            raise MissingExtraError("instructor", "endpoint") from error
        straight = None if self.remote else DefaultHttpxClient(**STRAIGHT)
        client = OpenAI(base_url=self.url, api_key=self._key or "none", max_retries=ATTEMPTS - 1, http_client=straight)
        weakref.finalize(self, client.close)
        return client

    @lazy_property
    def _takes_grammar(self) -> bool:
        """Whether the server enforces a grammar rather than a schema; asked once."""
        try:
            models = self._client.with_options(timeout=5, max_retries=0).models.list()
            return any(getattr(model, "owned_by", "") in GRAMMAR_SERVERS for model in models.data)
        except Exception:  # a server without this list is asked with a schema, and what it answers is validated
            return False

    def _answer(self, client: Any, request: Request, patience: Patience) -> Answer:
        common: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": request.content()}],
            "max_tokens": request.max_tokens,
            "temperature": 0,
            "timeout": max(patience.left, 0.01),
        }
        if request.grammar is None:
            made = client.chat.completions.create(**common)
            text = made.choices[0].message.content if made.choices else ""
            return Answer(text or "", tokens=_tokens(made))
        return self._structured(client, request, patience, common)

    def _structured(self, client: Any, request: Request, patience: Patience, common: dict[str, Any]) -> Answer:
        import instructor

        grammar = request.grammar
        assert grammar is not None
        if self._takes_grammar:
            # These servers refuse or ignore a schema, and a response format would take the grammar's place.
            common["extra_body"] = {"grammar": grammar.gbnf, "response_format": None}
        refused: list[str] = []
        asker = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA)

        def before(*_: object, **__: object) -> None:
            if patience.over:
                raise patience.error(self.name)

        asker.on("completion:kwargs", before)
        asker.on("parse:error", lambda error, **_: refused.append(" ".join(str(error).split())[:200]))
        written, made = asker.create_with_completion(
            response_model=grammar.model, context=dict(grammar.context), max_retries=ATTEMPTS - 1, **common
        )
        text = written.model_dump_json()
        return Answer(text, constrained=self._takes_grammar, tokens=_tokens(made), repairs=tuple(refused))

    def _explain(self, error: Exception, request: Request) -> VlmError:
        """Say what went wrong in one line, without the answer's content."""
        import openai
        from instructor.core.exceptions import InstructorRetryException

        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, VlmError):
                return cause
            if isinstance(cause, openai.APITimeoutError):
                return timed_out(self.name, request)
            if isinstance(cause, openai.APIConnectionError):
                return VlmError("The endpoint cannot be reached.", hint=f"Is the server at {self.url} running?")
            if isinstance(cause, openai.APIStatusError):
                return VlmError(
                    f"The endpoint answered with status {cause.status_code}.", hint=_advice(cause.status_code)
                )
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, InstructorRetryException):
            return VlmError(f"The endpoint gave no valid answer in {ATTEMPTS} attempts.", hint="Try a larger model.")
        return VlmError(
            f"The endpoint's answer cannot be read ({type(error).__name__}).", hint="Is it a chat endpoint?"
        )


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is reached.

    Attributes:
        remote: Whether it is another machine.
        key: API key; None for servers that need none.
    """

    remote: bool
    key: str | None


def access(url: str, key: str | None = None) -> Access:
    """Check an address and find its key: the given one, ``FERCE_API_KEY``, or for api.openai.com ``OPENAI_API_KEY``.

    Raises:
        SettingsError: The address is no http(s) address, or plain http to another machine carries a key.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not (parts.username or parts.query)
        _ = parts.port
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable or not parts.hostname:
        raise SettingsError("The endpoint needs an http(s) address.", hint="openai:http://localhost:8000/v1#MODEL")
    remote, found = not is_loopback(parts.hostname), key or os.environ.get(KEY_VARIABLE)
    if not found and parts.hostname == "api.openai.com":
        found = os.environ.get("OPENAI_API_KEY")
    if found and remote and parts.scheme == "http":
        raise SettingsError("An API key is only sent over https.", hint="Use https, or unset the key.")
    return Access(remote, found)


def is_local(url: str) -> bool:
    """Return whether an address is one of this machine."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Return whether a host name is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _not_printed(logger: logging.Logger) -> Iterator[None]:
    """Keep a library's log from standard error, where it goes if nobody handles it.

    Instructor's repeats whole requests.

    Handlers of the application hear it as before, and afterwards the logger has no other ones than before.
    """
    handler = logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _advice(status: int) -> str:
    if status in {401, 403}:
        return f"Set {KEY_VARIABLE}."
    if status == 404:
        return "Check the address and the model's name."
    if status == 429:
        return "The server limits the rate; try later or ask less at once."
    return "See the log of the server." if status >= 500 else "Does the model take images?"


def _tokens(made: Any) -> int | None:
    usage = getattr(made, "usage", None)
    return getattr(usage, "completion_tokens", None)
