"""The whole page in Chromium, served by the real command: pictures and clips, rules, languages, keyboard, widths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.web.texts import own_texts
from tests.tools import face_films
from tests.web.browsing import NEEDS_BROWSER, chromium
from tests.web.sites import command
from tests.web.tabs import Tab

pytestmark = NEEDS_BROWSER
Open = Callable[..., Tab]
BEFORE = ["GET /api/about", "POST /api/policy", "GET /api/about"]
"""What the page asks the server for by itself: what it is, and what the rules say (the chat asks once more)."""
FILES_OF = """async (kind) => {
  const photo = await (await fetch("/static/sample.jpg")).blob();
  const data = new DataTransfer();
  data.items.add(new File([photo], "face.jpg", { type: "image/jpeg" }));
  const place = document.querySelector("#drop");
  const options = { bubbles: true, cancelable: true };
  if (kind === "drop") place.dispatchEvent(new DragEvent("dragover", { ...options, dataTransfer: data }));
  if (kind === "drop") place.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer: data }));
  if (kind === "paste") place.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
}"""
"""Drops a photo on the page, or pastes one."""
WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  const ours = (node) => node.closest("[lang]") === document.documentElement && !node.closest("[hidden], noscript");
  while (walker.nextNode()) if (ours(walker.currentNode.parentElement)) found.push(walker.currentNode.data);
  for (const one of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    const names = ["aria-label", "placeholder", "title", "alt"];
    if (ours(one)) found.push(...names.map((name) => one.getAttribute(name)).filter(Boolean));
  }
  return found;
}"""
"""All words on the page that are said to be in its language."""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with command() as (_, address, token):
        yield address, token


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def open_tab(browser: Any, server: tuple[str, str]) -> Iterator[Open]:
    tabs = []

    def make(**options: Any) -> Tab:
        tabs.append(Tab(browser, *server, **options))
        return tabs[-1]

    yield make
    for tab in tabs:
        tab.close()


def read_sample(tab: Tab) -> Any:
    tab.page.click("#sample")
    return tab.wait_for_report("photo")


def read_clip(tab: Tab, folder: Path, **film: Any) -> None:
    tab.page.set_input_files("#file", face_films.saved(folder, **film))


def say(tab: Tab, text: str) -> Any:
    """Say something in the chat and return the entry with the whole answer."""
    count = tab.page.locator(".chat-assistant").count()
    tab.page.fill("#chat-text", text)
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function(
        "count => document.querySelectorAll('.chat-assistant').length > count"
        " && !document.querySelector('.chat-log').hasAttribute('aria-busy')",
        arg=count,
    )
    return tab.page.locator(".chat-assistant").last


def test_the_token_leaves_the_address_and_stays_in_the_tab(
    open_tab: Open, browser: Any, server: tuple[str, str]
) -> None:
    tab = open_tab()
    assert tab.page.url == f"{server[0]}/"
    assert tab.sent == BEFORE
    tab.page.reload()
    tab.page.wait_for_selector("#chat textarea")
    assert tab.page.get_attribute("#policy", "data-decision") == "allowed"
    without = Tab(browser, server[0])
    assert "ferce web" in without.page.inner_text("#trouble [role=alert]")
    assert without.page.is_disabled("#choose") and without.page.is_disabled("#sample")
    assert without.sent == []
    assert without.violations() == []
    without.close()


def test_a_photo_by_button_drop_and_paste(open_tab: Open, photo: Path) -> None:
    tab = open_tab()
    with tab.page.expect_file_chooser() as chooser:
        tab.page.click("#choose")
    chooser.value.set_files(photo)
    report = tab.wait_for_report("photo")
    assert report.locator(".face").get_attribute("data-shows") == "happiness"
    assert tab.page.evaluate("document.querySelector('#report .stage img').naturalWidth") > 0
    for count, way in enumerate(["drop", "paste"], 2):
        tab.page.evaluate(FILES_OF, way)
        tab.wait_for_report("photo", count)
    assert tab.sent == [*BEFORE, *["POST /api/photo"] * 3]


def test_what_cannot_be_read_is_said_and_the_rest_goes_on(open_tab: Open, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(photo.read_bytes()[:300])
    (tmp_path / "words.txt").write_text("no picture")
    tab = open_tab()
    tab.page.set_input_files("#file", [tmp_path / "words.txt", tmp_path / "broken.jpg", photo])
    tab.wait_for_report("photo")
    codes = tab.page.eval_on_selector_all("#trouble [role=alert]", "all => all.map((one) => one.dataset.code)")
    assert codes[0] == "page_kind"
    assert codes[1].startswith("image_")
    assert "Nothing was sent" in tab.page.inner_text("#trouble [role=alert] >> nth=0")
    assert tab.sent == [*BEFORE, *["POST /api/photo"] * 2]
    tab.refused(415, 422)


def test_a_clip_shows_how_far_it_is_and_can_be_called_off(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab()
    read_clip(tab, tmp_path, name="long.mp4", seconds=60.0, rate=25)
    tab.page.wait_for_function("() => document.querySelector('#progress-words')?.textContent.match(/[1-9]/)")
    tab.page.wait_for_function("() => document.querySelector('#progress').value > 0")
    tab.page.click("#cancel")
    tab.page.wait_for_selector("#work", state="hidden")
    assert "Cancelled" in tab.page.inner_text("#announcer")
    assert tab.reports() == 0
    assert tab.page.locator("#trouble [role=alert]").count() == 0
    read_clip(tab, tmp_path, seconds=2.0)
    report = tab.wait_for_report("clip")
    assert report.locator(".track").count() == 1
    assert "happiness" in report.locator(".first-line").inner_text()
    assert report.locator("svg.curves").count() == 1
    assert report.locator(".moments img").count() >= 1
    assert tab.violations() == []


def test_a_refused_use_sends_nothing(open_tab: Open, photo: Path) -> None:
    tab = open_tab()
    assert tab.choose_use(domain="recruitment", jurisdiction="eu") == "refused"
    assert all(tab.page.is_disabled(one) for one in ("#choose", "#sample", "#webcam", ".live-start"))
    tab.page.evaluate(FILES_OF, "drop")
    tab.page.evaluate(FILES_OF, "paste")
    assert tab.page.is_visible("#source-refused")
    assert tab.violations() == []
    assert tab.choose_use(domain="own", jurisdiction="unknown") == "allowed"
    read_sample(tab)
    assert tab.sent.count("POST /api/photo") == 1
    assert not [one for one in tab.sent if one.startswith("WS")]
    tab.refused(403)


def test_a_restricted_use_shows_movements_only(open_tab: Open) -> None:
    tab = open_tab()
    assert tab.choose_use(domain="workplace", jurisdiction="eu") == "restricted"
    report = read_sample(tab)
    assert report.locator(".face").get_attribute("data-shows") == ""
    assert report.locator("[data-movement]").count() > 0
    words = report.inner_text().lower()
    assert not [one for one in ("happiness", "sadness", "surprise", "contempt", "disgust") if one in words]
    assert report.locator("[data-code=policy_restricted]").count() == 1


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_nothing_is_too_wide_or_too_small_to_press(width: int, open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab(viewport={"width": width, "height": 800}, has_touch=True, device_scale_factor=2)
    seen = {"empty": (tab.width(), tab.small_targets())}
    read_sample(tab)
    say(tab, "Hello")
    tab.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    seen["photo"] = tab.width(), tab.small_targets()
    if width == 320:
        read_clip(tab, tmp_path, seconds=1.0)
        tab.wait_for_report("clip", 2)
        tab.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        seen["clip"] = tab.width(), tab.small_targets()
    assert seen == dict.fromkeys(seen, (width, []))


def test_accessibility_rules_light_and_dark(open_tab: Open) -> None:
    tab = open_tab()
    assert tab.violations() == []
    read_sample(tab)
    say(tab, "Hello")
    tab.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert tab.violations() == []


def english_left(tab: Tab) -> list[str]:
    """Return what stands on a German page in English, without being marked as such."""
    english, german = own_texts("en"), own_texts("de")
    known = "\n".join(german.values())
    pieces = {piece.strip(" .,:;()“”…") for key, text in english.items() if text != german.get(key)
              for piece in re.split(r"\{\w+\}", text)}  # fmt: skip
    wanted = [one for one in pieces if len(one) > 3 and not re.search(rf"\b{re.escape(one)}\b", known)]
    pattern = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in sorted(wanted, key=len, reverse=True)))
    return [words for words in tab.page.evaluate(WORDS) if pattern.search(words)]


def test_in_german_no_english_is_left(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab(locale="de-AT")
    assert tab.page.get_attribute("html", "lang") == "de"
    assert english_left(tab) == []
    read_sample(tab)
    say(tab, "Look at me!")
    assert "Sie" in tab.page.inner_text("#use")
    assert english_left(tab) == []
    read_clip(tab, tmp_path, seconds=1.0)
    tab.wait_for_report("clip", 2)
    assert english_left(tab) == []
    tab.page.select_option("#language", "en")
    tab.page.wait_for_selector("html[lang=en]")
    assert "Report" in tab.page.inner_text("#report-title")
    assert len(english_left(tab)) > 20, "what is looked for would be found"


def test_the_saved_page_opens_by_itself(open_tab: Open, browser: Any, tmp_path: Path) -> None:
    tab = open_tab()
    read_sample(tab)
    with tab.page.expect_download() as download:
        tab.page.click("#save-page")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert re.fullmatch(r"ferce-photo-[\d-]+T?[\d-]*\.html", path.name)
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda told: said.append(told.text))
        page.goto(path.as_uri())
        assert "happiness" in page.inner_text("body")
        assert page.evaluate("document.querySelector('figure img').naturalWidth") > 0
        assert said == []


def focused(tab: Tab) -> tuple[str, bool]:
    """Return what has the focus: its name, and whether that can be seen."""
    name, seen = tab.page.evaluate(
        """() => { const one = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(one);
        return [one.id || one.className || one.tagName, outlineStyle !== "none" && parseFloat(outlineWidth) > 1]; }"""
    )
    return str(name), bool(seen)


def tab_to(tab: Tab, wanted: str, most: int = 120) -> list[str]:
    """Press Tab until an element has the focus, and return what was passed; each of them shows that it has it."""
    passed = []
    for _ in range(most):
        tab.page.keyboard.press("Tab")
        name, seen = focused(tab)
        assert seen, f"nobody sees that {name} has the focus"
        passed.append(name)
        if tab.page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return passed
    raise AssertionError(f"{wanted} cannot be reached: {passed}")


def test_the_whole_tour_by_keyboard(open_tab: Open) -> None:
    tab = open_tab()
    keys = tab.page.keyboard
    assert tab_to(tab, ".skip") == ["skip"]
    tab_to(tab, "#use-domain")
    keys.type("Personal")
    tab_to(tab, "#use-purpose")
    keys.type("a tour")
    tab.page.wait_for_function("() => document.querySelector('#sample').disabled === false")
    tab_to(tab, "#sample")
    keys.press("Enter")
    tab.wait_for_report("photo")
    tab_to(tab, "#report .face > summary")
    was = tab.page.evaluate("document.querySelector('#report .face').open")
    keys.press("Enter")
    assert tab.page.evaluate("document.querySelector('#report .face').open") is not was
    tab_to(tab, "#save-page")
    with tab.page.expect_download():
        keys.press("Enter")
    tab_to(tab, "#chat-text")
    keys.type("What do you see?")
    keys.press("Enter")
    tab.page.wait_for_selector(".chat-tone")
    assert "happiness" in tab.page.inner_text(".chat-tone")
    assert tab.page.evaluate("document.querySelector('#use-domain').value") == "assistant"
