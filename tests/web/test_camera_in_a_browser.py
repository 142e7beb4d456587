"""The live view in Chromium with a camera whose face smiles from time to time; the server is the real command."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browsing import NEEDS_BROWSER, driver, launched
from tests.web.camera import smiling_camera
from tests.web.sites import command
from tests.web.tabs import Tab

pytestmark = NEEDS_BROWSER
Server = tuple[str, str]
SECONDS = 90_000
"""How long anything may take, in milliseconds; only a failure waits for it."""
LIT = "() => watched.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === 'live').length"
"""How many tracks of cameras are live."""
SHOWN = """([expression, colour]) => {
  const face = document.querySelector(".live-faces li");
  if (!face || face.dataset.expression === undefined) return false;
  const { width, height } = document.querySelector(".live-overlay");
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(document.querySelector(".live-overlay"), 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let [drawn, yellow] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    drawn += data[at + 3] > 0;
    yellow += data[at + 3] === 255 && colour.every((part, place) => data[at + place] === part);
  }
  const happy = face.dataset.expression === "happiness";
  return drawn > 100 && happy === (expression === "happiness") && happy === yellow > 100;
}"""
"""Whether the live view says that the face shows an expression, or not, and the overlay is drawn in its colour."""
NAMED = """() => {
  window.named = new Set();
  const look = () => document.querySelectorAll(".live-faces [data-expression]").forEach(
    (one) => named.add(one.dataset.expression));
  new MutationObserver(look).observe(document.querySelector(".live-faces"), { childList: true, subtree: true });
}"""
"""Collects all expressions that the live view names."""
HAPPY = [0xF0, 0xE4, 0x42]
"""Colour of happiness."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    film = smiling_camera(tmp_path_factory.mktemp("camera"))
    with driver() as driven, launched(driven, film, allowed=False) as started:
        yield started


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with command() as (_, address, token):
        yield address, token


@pytest.fixture
def tab(browser: Any, server: Server) -> Iterator[Tab]:
    """A tab whose user lets the page use the camera."""
    one = Tab(browser, *server, permissions=["camera"])
    yield one
    one.close()


def begin(tab: Tab) -> None:
    tab.page.click(".live-start")
    tab.page.wait_for_selector("#live[data-state=on]", timeout=SECONDS)


def end(tab: Tab, by: str = ".live-stop") -> None:
    tab.page.click(by)
    tab.page.wait_for_selector("#live[data-state=off]", timeout=SECONDS)


def pictures(tab: Tab) -> int:
    """Return how many pictures were sent."""
    return sum(isinstance(one, int) for one in tab.frames())


def wait_for(tab: Tab, expression: str) -> None:
    tab.page.wait_for_function(SHOWN, arg=[expression, HAPPY], timeout=SECONDS)


def test_nothing_is_opened_or_sent_before_the_button_is_pressed(tab: Tab) -> None:
    tab.page.click("#webcam")
    assert tab.page.evaluate("document.activeElement.className") == "live-start"
    tab.page.click("#sample")
    tab.wait_for_report("photo")
    assert tab.page.evaluate("watched.cameras") == 0
    assert tab.frames() == []
    assert not [one for one in tab.sent if one.startswith("WS")]
    assert tab.page.is_hidden(".live-light")


def test_the_overlay_changes_when_the_smile_comes_and_stop_ends_it_all(tab: Tab) -> None:
    begin(tab)
    assert tab.page.evaluate(LIT) == 1
    assert tab.page.inner_text(".live-light") == "The camera is on"
    for expression in ("happiness", "", "happiness"):
        wait_for(tab, expression)
    tab.page.wait_for_function("() => document.querySelector('#live').dataset.delayMs > 0")
    assert "happiness" in tab.page.inner_text(".timeline-box .legend")
    tab.page.click(".live-stop")
    report = tab.wait_for_report("clip")
    assert tab.page.evaluate(LIT) == 0
    assert tab.page.evaluate("document.querySelector('#live video').srcObject") is None
    tab.page.wait_for_selector("#live[data-state=off]", timeout=SECONDS)
    assert "happiness" in report.locator(".first-line").inner_text()
    assert report.locator(".moments img").count() >= 1
    assert json.loads(str(tab.frames()[0]))["kind"] == "start"
    assert json.loads(str(tab.frames()[-1])) == {"kind": "stop"}, "nothing is sent after that"
    assert pictures(tab) > 10
    assert tab.sent.count("WS /api/live") == 1


def test_a_camera_that_is_refused(browser: Any, server: Server) -> None:
    tab = Tab(browser, *server)
    tab.page.click(".live-start")
    tab.page.wait_for_selector(".live-message.problem")
    assert "does not let this page use the camera" in tab.page.inner_text(".live-message")
    assert tab.page.get_attribute("#live", "data-state") == "off"
    assert tab.page.evaluate("document.activeElement.className") == "live-start"
    assert tab.violations() == []
    assert pictures(tab) == 0
    tab.page.click("#sample")
    tab.wait_for_report("photo")
    tab.context.grant_permissions(["camera"])
    begin(tab)
    wait_for(tab, "happiness")
    end(tab)
    tab.close()


def test_a_server_that_is_gone_ends_the_camera_and_is_told(browser: Any) -> None:
    with command() as (process, address, token):
        tab = Tab(browser, address, token, permissions=["camera"])
        begin(tab)
        wait_for(tab, "happiness")
        process.send_signal(signal.SIGKILL)
        tab.page.wait_for_selector("#live[data-state=off]", timeout=SECONDS)
    assert "Is “ferce web” still running?" in tab.page.inner_text(".live-message")
    assert tab.page.evaluate(LIT) == 0
    tab.page.click("#sample")
    tab.page.wait_for_selector("#trouble [role=alert]")
    assert tab.page.get_attribute("#trouble [role=alert]", "data-code") == "page_sample"
    tab.said = [one for one in tab.said if "ERR_CONNECTION_REFUSED" not in one and "ERR_EMPTY_RESPONSE" not in one]
    tab.close()


def test_a_restricted_use_shows_no_expression_and_another_use_ends_it(tab: Tab) -> None:
    assert tab.choose_use(domain="workplace", jurisdiction="eu") == "restricted"
    tab.page.evaluate(NAMED)
    begin(tab)
    tab.page.wait_for_function(
        "() => document.querySelector('.live-faces li[data-state=restricted] .live-movements')", timeout=SECONDS
    )
    tab.page.select_option("#use-domain", "general")
    tab.page.wait_for_selector("#live[data-state=off]", timeout=SECONDS)
    assert "Another use was chosen" in tab.page.inner_text(".live-message")
    assert tab.page.evaluate(LIT) == 0
    assert tab.page.evaluate("[...named]") == [""]
    report = tab.wait_for_report("clip")
    assert "happiness" not in report.inner_text()


def test_on_a_phone_by_keyboard_in_the_dark(browser: Any, server: Server) -> None:
    tab = Tab(
        browser, *server, permissions=["camera"], viewport={"width": 320, "height": 640}, has_touch=True, locale="de"
    )
    tab.page.focus(".live-start")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#live[data-state=on]", timeout=SECONDS)
    wait_for(tab, "happiness")
    assert tab.page.evaluate("document.activeElement.className") == "live-stop"
    assert tab.page.evaluate(
        "() => { const { top, bottom } = document.querySelector('.live-stop').getBoundingClientRect();"
        " return top >= 0 && bottom <= innerHeight; }"
    ), "the stop is in sight"
    assert "Die Kamera ist an" in tab.page.inner_text(".live-light")
    assert (tab.width(), tab.small_targets()) == (320, [])
    assert tab.violations(("dark", "light")) == []
    tab.page.keyboard.press("Enter")
    tab.wait_for_report("clip")
    assert tab.page.evaluate(LIT) == 0
    assert (tab.width(), tab.small_targets()) == (320, [])
    tab.close()
