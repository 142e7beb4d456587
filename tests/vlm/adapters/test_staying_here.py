"""What counts as a model on this machine, and that what is meant for one does not leave it."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import HumanMessage

from ferce_agent.chat.models import GuidedChatModel, load_chat_model
from ferce_agent.errors import SettingsError, VlmError
from ferce_agent.vlm.adapters.chat_model import ChatModelVlm, runs_elsewhere
from ferce_agent.vlm.adapters.endpoint import EndpointVlm, is_local
from ferce_agent.vlm.protocol import Request
from tests.vlm.servers import Trouble, bad_server

ANSWER = "<answer>happy</answer>"


def ask_endpoint(url: str) -> str:
    pytest.importorskip("instructor")
    return EndpointVlm(url, "m").ask(Request("Look.", (b"\xff\xd8",))).text


def ask_chat_model(url: str) -> str:
    pytest.importorskip("langchain_openai")
    return str(load_chat_model(f"openai:{url}#m").invoke([HumanMessage("Look.")]).text)


@pytest.mark.parametrize("ask", [ask_endpoint, ask_chat_model])
def test_no_proxy_of_the_environment_sees_it(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, here = Trouble("from the proxy"), Trouble(ANSWER)
    with bad_server(proxy) as elsewhere, bad_server(here) as url:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, elsewhere.removesuffix("/v1"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert ask(url) == ANSWER
    assert (len(here.asked), proxy.asked) == (1, [])


@pytest.mark.parametrize("ask", [ask_endpoint, ask_chat_model])
def test_no_answer_sends_it_on(ask: Any) -> None:
    other = Trouble("from elsewhere")
    with bad_server(other) as elsewhere, bad_server(Trouble(elsewhere)) as url, pytest.raises(Exception, match="307"):
        ask(url)
    assert other.asked == []


def test_a_redirect_is_a_typed_error() -> None:
    with bad_server(Trouble("http://127.0.0.1:9/v1")) as url, pytest.raises(VlmError, match="status 307"):
        ask_endpoint(url)


class Addressed(GenericFakeChatModel):
    base_url: str | None = None


def chat_model(**more: Any) -> Addressed:
    return Addressed(messages=iter(()), **more)


@pytest.mark.parametrize(
    ("model", "elsewhere"),
    [
        (GuidedChatModel(), False),
        (chat_model(), True),
        (chat_model(base_url="https://example.org"), True),
        (chat_model(base_url="http://localhost.example.org"), True),
        (chat_model(base_url="http://[::1"), True),
        (chat_model(base_url="http://127.0.0.1:11434"), False),
        (chat_model(metadata={"remote": False}), False),
        (chat_model(metadata={"remote": True}, base_url="http://localhost"), True),
        (chat_model(metadata={"remote": "no"}), True),
    ],
)
def test_a_chat_model_counts_as_elsewhere_unless_it_shows_otherwise(model: Any, elsewhere: bool) -> None:
    assert runs_elsewhere(model) is elsewhere
    assert ChatModelVlm(model).remote is elsewhere
    assert ChatModelVlm(model, remote=False).remote is False


@pytest.mark.parametrize(
    "url", ["http://0.0.0.0/", "http://127.1/", "http://localhost./", "http://2130706433/", "x", ""]
)
def test_what_is_not_surely_this_machine_is_not(url: str) -> None:
    assert not is_local(url)


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://localhost:port/v1", "http://localhost:99999/v1"])
def test_addresses_that_are_none_are_typed_errors(url: str) -> None:
    for make in (lambda: EndpointVlm(url, "m"), lambda: load_chat_model(f"openai:{url}#m")):
        with pytest.raises(SettingsError, match="address"):
            make()
