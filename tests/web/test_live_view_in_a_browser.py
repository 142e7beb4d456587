"""The live view in Chromium with a camera that shows a portrait: when it opens, how it ends, what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.evaluation.web_camera import write_y4m
from ferce_agent.graphs.engines import Engines
from ferce_agent.web.site import Site
from ferce_agent.web.texts import own_texts
from tests.web.browsing import NEEDS_BROWSER, driver, launched, opened
from tests.web.live_client import served

pytestmark = NEEDS_BROWSER
WORDS = own_texts("en")
WATCH = """
window.asked = 0; window.sockets = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  window.asked += 1;
  return window.stream = await ask(wanted);
};
window.WebSocket = class extends WebSocket { constructor(...given) { super(...given); window.sockets += 1; } };
"""
"""Counts how often the page asks for the camera and opens a connection, and keeps hold of the camera."""


@pytest.fixture(scope="module")
def film(pixels: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portrait that moves a little, 640x480."""
    face = cv2.resize(pixels, (480, 480), interpolation=cv2.INTER_AREA)
    frames = []
    for number in range(30):
        canvas = np.full((480, 640, 3), 110, np.uint8)
        left = 60 + abs(number - 15)
        canvas[:, left : left + 480] = face
        frames.append(canvas)
    return write_y4m(tmp_path_factory.mktemp("camera") / "portrait.y4m", frames, 30)


@pytest.fixture(scope="module")
def driven() -> Iterator[Any]:
    with driver() as started:
        yield started


@pytest.fixture(scope="module")
def browser(driven: Any, film: Path) -> Iterator[Any]:
    with launched(driven, film) as started:
        yield started


@pytest.fixture(scope="module")
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as one:
        yield one


def watched(browser: Any, site: Site) -> Any:
    """Open the page, and watch what it does with the camera."""
    page = opened(browser, site, script=WATCH)
    page.wait_for_selector(".live-start:not([disabled])")
    return page


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    one = watched(browser, site)
    yield one
    one.close()


def start(page: Any) -> None:
    page.click(".live-start")
    page.wait_for_selector('#live[data-state="on"]', timeout=60_000)
    page.wait_for_selector(".live-faces li[data-expression]", timeout=60_000)


def tracks(page: Any) -> list[str]:
    found: list[str] = page.evaluate("() => stream.getTracks().map(one => one.readyState)")
    return found


def off(page: Any) -> str:
    """Wait until the live view is off, and return what it says."""
    page.wait_for_selector('#live[data-state="off"]', timeout=60_000)
    return str(page.inner_text(".live-message"))


def test_nothing_is_opened_before_the_press_and_all_ends_with_stop(page: Any) -> None:
    assert page.get_attribute("#live", "data-state") == "off"
    assert page.evaluate("() => [asked, sockets]") == [0, 0]
    start(page)
    assert page.evaluate("() => [asked, sockets]") == [1, 1]
    assert page.inner_text(".live-light") == WORDS["live.light.on"]
    assert page.evaluate("() => document.activeElement.className") == "live-stop", "Enter stops at once"
    assert page.locator(".live-faces li").first.get_attribute("data-expression") == "happiness"
    page.wait_for_selector("#live[data-fps][data-delay-ms]")
    page.keyboard.press("Enter")
    assert tracks(page) == ["ended"], "the light is out before the report is made"
    assert off(page) == WORDS["live.done"]
    assert "happiness" in page.inner_text("#report")
    assert page.evaluate("() => document.querySelector('.live-stage video').srcObject") is None
    assert "1 of 1" in page.inner_text(".chat-known summary")
    start(page)
    page.click(".live-stop")
    assert off(page) == WORDS["live.done"], "it can be used again"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("stream.getTracks()[0].dispatchEvent(new Event('ended'))", "live.camera.unplugged"),
        ("window.dispatchEvent(new Event('pagehide'))", "live.ended"),
    ],
)
def test_an_unplugged_camera_and_a_page_that_is_left(event: str, words: str, page: Any) -> None:
    start(page)
    page.evaluate(f"() => {{ {event} }}")
    assert tracks(page) == ["ended"]
    assert off(page) == WORDS[words]
    assert page.is_enabled(".live-start")


def test_a_tab_that_is_hidden_for_long(browser: Any, site: Site) -> None:
    page = watched(browser, site)
    page.clock.install()
    start(page)
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { get: () => true });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    assert tracks(page) == ["live"]
    page.clock.fast_forward(21_000)
    assert tracks(page) == ["ended"]
    assert off(page) == WORDS["live.hidden"]
    page.close()


def test_another_use_ends_the_reading(page: Any) -> None:
    start(page)
    page.select_option("#use-domain", "workplace")
    assert tracks(page) == ["ended"]
    assert off(page) == WORDS["live.use_changed"]
    page.wait_for_selector(".live-start:not([disabled])")
    start(page)
    assert page.locator(".live-faces li").first.get_attribute("data-state") == "restricted"
    assert page.locator(".live-faces li").first.get_attribute("data-expression") == ""
    page.select_option("#use-domain", "recruitment")
    assert tracks(page) == ["ended"]
    page.wait_for_selector(".live-start[disabled]")
    page.wait_for_selector("text=" + WORDS["live.waits"])


def test_a_server_that_is_gone(browser: Any, engines: Engines) -> None:
    with served(Site(engines)) as site:
        page = watched(browser, site)
        start(page)
    assert WORDS["error.no_connection"] in off(page)
    assert tracks(page) == ["ended"]
    page.close()


def test_refused_and_missing_cameras(driven: Any, film: Path, site: Site) -> None:
    for camera, allowed, words in ((film, False, "refused"), (None, True, "missing")):
        with launched(driven, camera, allowed=allowed) as browser:
            page = watched(browser, site)
            page.click(".live-start")
            assert off(page) == WORDS[f"live.camera.{words}"]
            assert page.evaluate("() => document.activeElement.className") == "live-start"
            page.fill("#chat-text", "Hello")
            page.keyboard.press("Enter")
            page.wait_for_selector(".chat-assistant .chat-words:not(:empty)")


def test_an_old_reading_claims_less(page: Any) -> None:
    lines = page.evaluate(
        "async () => { const { labelLines } = await import('/static/overlay.js');"
        " const face = { state: 'shown', expression: 'happiness', confidence: 0.95, reasons: [],"
        " movements: { AU12: 0.8 } }; return [0, 700, 1400].map(age => labelLines(face, age, 2)); }"
    )
    assert lines == [
        ["happiness, very likely", "lip corners pulled up"],
        ["happiness, a moment ago", "lip corners pulled up"],
        ["1.4 s ago: happiness, a moment ago"],
    ]


def test_the_picture_is_a_mirror_and_the_overlay_follows_it(page: Any) -> None:
    start(page)
    dark = (
        "() => { const c = document.querySelector('.live-overlay'), w = c.width;"
        " const data = c.getContext('2d').getImageData(0, 0, w, c.height).data; let sum = 0, count = 0;"
        " for (let i = 3; i < data.length; i += 4) if (data[i]) { sum += (i >> 2) % w; count += 1; }"
        " return count ? sum / count / w : null; }"
    )
    page.wait_for_function(dark)
    assert page.evaluate("() => getComputedStyle(document.querySelector('.live-stage video')).transform") == (
        "matrix(-1, 0, 0, 1, 0, 0)"
    )
    mirrored = page.evaluate(dark)
    page.uncheck("#live-mirror")
    page.wait_for_function(f"() => Math.abs(({dark})() - {mirrored}) > 0.02")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.live-stage video')).transform") == "none"
