"""The chat panel in Chromium, with the real server, the offline chat model and scripted ones."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from ferce_agent.graphs.engines import Engines
from ferce_agent.web.site import Site
from ferce_agent.web.texts import LANGUAGES
from tests.web.browsing import NEEDS_BROWSER, chromium, opened
from tests.web.live_client import served

pytestmark = NEEDS_BROWSER
HOSTILE = "Hello <img src=x onerror='window.hacked=1'> <script>window.hacked=1</script> <b>and</b>\nwelcome."


def scripted(text: str) -> GenericFakeChatModel:
    """A chat model that says the same again and again, in pieces."""
    return GenericFakeChatModel(messages=(AIMessage(text) for _ in itertools.count()))


class Halting(GenericFakeChatModel):
    """Says a few words, then no more until it is let go."""

    go_on: Any

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="A few words "))
        self.go_on.wait(60)
        yield ChatGenerationChunk(message=AIMessageChunk(content="and many more."))


class Failing(GenericFakeChatModel):
    """Answers nothing."""

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        raise RuntimeError("no answer")
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as one:
        yield one


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    one = opened(browser, site)
    yield one
    one.close()


@contextmanager
def page_with(browser: Any, engines: Engines, model: Any) -> Iterator[Any]:
    with served(Site(engines, chat_model=model)) as site:
        one = opened(browser, site)
        yield one
        one.close()


def say(page: Any, text: str) -> None:
    page.fill("#chat-text", text)
    page.keyboard.press("Enter")


def answered(page: Any, count: int) -> Any:
    """Wait for the whole answer, the `count`-th, and return its entry."""
    page.wait_for_function(
        "count => document.querySelectorAll('.chat-assistant').length === count &&"
        " !document.querySelector('.chat-log').hasAttribute('aria-busy')",
        arg=count,
        timeout=60_000,
    )
    return page.locator(".chat-assistant").last


def sent(page: Any, act: Any) -> dict[str, Any]:
    """Return what the page sends to the chat while something is done."""
    with page.expect_request("**/api/chat") as request:
        act()
    body: dict[str, Any] = json.loads(request.value.post_data)
    return body


def attach(page: Any, photo: Path) -> None:
    page.set_input_files(".chat-attach input[type=file]", photo)
    page.wait_for_selector(".chat-photo img")


def test_a_hostile_answer_is_only_words(browser: Any, engines: Engines) -> None:
    with page_with(browser, engines, scripted(HOSTILE)) as page:
        say(page, HOSTILE)
        entry = answered(page, 1)
        assert entry.locator(".chat-words").text_content() == HOSTILE
        assert page.locator(".chat-user .chat-words").text_content() == HOSTILE
        assert page.locator(".chat-log").locator("img, script, b:not(.chat-who, .chat-tone b)").count() == 0
        assert page.evaluate("window.hacked") is None


def test_the_tone_and_why_are_told_and_shown(page: Any, photo: Path) -> None:
    say(page, "I can't go on any more.")
    careful = answered(page, 1)
    assert careful.get_attribute("data-manner") == "gentle"
    assert "your words speak of distress or danger" in careful.locator(".chat-tone").inner_text()
    page.reload()
    page.wait_for_selector("#chat-text")
    attach(page, photo)
    say(page, "Look at my photo!")
    warm = answered(page, 1)
    assert warm.get_attribute("data-manner") == "warm"
    assert re.search(r"in the photo, the face shows happiness \(.*likely\)", warm.locator(".chat-tone").inner_text())
    edges = [
        page.evaluate(
            "manner => { const one = document.createElement('div'); one.className = 'chat-assistant';"
            " one.dataset.manner = manner; document.body.append(one); const style = getComputedStyle(one);"
            " return style.borderLeftColor + style.borderLeftStyle; }",
            manner,
        )
        for manner in ("warm", "gentle", "steady", "plain", "any")
    ]
    assert len(set(edges)) == 5


def test_the_report_of_a_photo_in_the_chat_is_kept_and_can_be_shown(page: Any, photo: Path) -> None:
    attach(page, photo)
    body = sent(page, lambda: say(page, "Hello"))
    assert body["readings"] == []
    assert body["messages"][-1]["photo"].startswith("data:image/jpeg;base64,")
    entry = answered(page, 1)
    assert "1 of 1" in page.inner_text(".chat-known summary")
    entry.locator(".chat-show").click()
    assert "happiness" in page.inner_text("#report")
    body = sent(page, lambda: say(page, "And now?"))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert all("photo" not in message for message in body["messages"])
    assert len(body["readings"]) == 1
    assert body["new"] == 0, "the assistant knows it already"
    answered(page, 2)
    page.uncheck(".chat-readings input")
    assert "0 of 1" in page.inner_text(".chat-known summary")
    assert sent(page, lambda: say(page, "And now?"))["readings"] == []
    answered(page, 3)


def test_the_keys(page: Any) -> None:
    page.focus("#chat-text")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert page.locator(".chat-turn").count() == 0
    body = sent(page, lambda: page.keyboard.press("Enter"))
    assert body["messages"] == [{"role": "user", "text": "one\ntwo"}]
    answered(page, 1)
    assert page.evaluate("document.activeElement.id") == "chat-text"
    assert page.input_value("#chat-text") == ""
    page.keyboard.press("Enter")
    assert page.locator(".chat-user").count() == 1, "an empty message is not sent"


def test_a_pasted_picture_goes_with_the_message_and_nowhere_else(page: Any) -> None:
    page.evaluate(
        "async () => { const canvas = new OffscreenCanvas(8, 8); canvas.getContext('2d').fillRect(0, 0, 8, 8);"
        " const data = new DataTransfer(); data.items.add(new File([await canvas.convertToBlob()], 'x.png',"
        " { type: 'image/png' })); const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true,"
        " cancelable: true }); document.getElementById('chat-text').dispatchEvent(paste); }"
    )
    page.wait_for_selector(".chat-photo img")
    assert page.is_hidden("#work")
    page.locator(".chat-photo button").press("Enter")
    assert page.is_hidden(".chat-photo")
    assert page.evaluate("document.activeElement.closest('.chat-attach') !== null")


def test_what_the_camera_shows_goes_along_only_while_it_is_on_and_asked_for(page: Any) -> None:
    assert page.is_hidden("#chat-live")
    page.evaluate(
        "async () => { const now = await import('/static/live_now.js'); const canvas = new OffscreenCanvas(64, 48);"
        " canvas.getContext('2d').fillRect(0, 0, 64, 48); window.now = now;"
        " now.setLiveNow(() => canvas.convertToBlob({ type: 'image/jpeg' })); }"
    )
    assert "photo" not in sent(page, lambda: say(page, "Hello"))["messages"][-1]
    answered(page, 1)
    page.check("#chat-live")
    assert sent(page, lambda: say(page, "Hello"))["messages"][-1]["photo"].startswith("data:image/jpeg")
    answered(page, 2)
    page.evaluate("now.setLiveNow(null)")
    assert page.is_hidden("#chat-live")
    assert "photo" not in sent(page, lambda: say(page, "Hello"))["messages"][-1]
    answered(page, 3)


def test_an_answer_can_be_stopped(browser: Any, engines: Engines) -> None:
    go_on = threading.Event()
    with page_with(browser, engines, Halting(messages=iter(()), go_on=go_on)) as page:
        say(page, "Hello")
        page.wait_for_function("() => document.querySelector('.chat-assistant .chat-words')?.textContent.length > 5")
        page.focus(".chat-stop")
        page.keyboard.press("Enter")
        entry = answered(page, 1)
        go_on.set()
        assert entry.locator(".chat-words").text_content() == "A few words"
        assert entry.locator(".chat-stopped").is_visible()
        assert page.evaluate("document.activeElement.id") == "chat-text"
        body = sent(page, lambda: say(page, "Go on"))
        assert [message["text"] for message in body["messages"]] == ["Hello", "A few words", "Go on"]
        assert answered(page, 2).locator(".chat-words").text_content() == "A few words and many more."


def test_a_conversation_can_be_forgotten_even_under_way(browser: Any, engines: Engines) -> None:
    go_on = threading.Event()
    with page_with(browser, engines, Halting(messages=iter(()), go_on=go_on)) as page:
        say(page, "A secret")
        page.wait_for_function("() => document.querySelector('.chat-assistant .chat-words')?.textContent.length > 5")
        page.click(".chat-forget")
        page.wait_for_selector(".chat-send", state="visible")
        go_on.set()
        assert page.locator(".chat-turn").count() == 0
        assert page.evaluate("() => document.activeElement.id") == "chat-text"
        assert [one["text"] for one in sent(page, lambda: say(page, "Hello"))["messages"]] == ["Hello"]
        answered(page, 1)


def test_what_fails_is_told_and_what_was_written_is_not_lost(browser: Any, engines: Engines) -> None:
    with page_with(browser, engines, Failing(messages=iter(()))) as page:
        say(page, "Hello")
        page.wait_for_selector(".chat-problem")
        assert "A model failed" in page.inner_text(".chat-problem")
        assert page.input_value("#chat-text") == "Hello"
        assert page.locator(".chat-send").is_visible()


def test_it_is_said_where_the_assistant_is_not_told_of_expressions(page: Any) -> None:
    assert page.is_hidden(".chat-note")
    page.select_option("#use-domain", "workplace")
    page.wait_for_selector("#use .verdict.held")
    page.focus("#chat-text")
    page.wait_for_selector(".chat-note", state="visible")
    assert "runs on this computer" in page.inner_text(".chat-model")


@pytest.mark.parametrize("language", LANGUAGES)
def test_accessibility_rules(language: str, browser: Any, site: Site) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(browser, site, locale=language, viewport={"width": 320, "height": 700}, color_scheme="dark")
    say(page, "Hello")
    answered(page, 1)
    assert page.get_attribute("html", "lang") == language
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = axe.run(page, context="#chat").response["violations"]
    assert [one["id"] for one in found] == []
    page.close()
