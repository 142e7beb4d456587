"""The page as Chromium lays it out: its height on a phone, its pages on paper, its width, its keyboard."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.graphs.engines import Engines
from ferce_agent.views.html import to_html

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")]
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=SWITCHES, timeout=120_000)
        yield started
        started.close()


def mosaic(face: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return `count` copies of a portrait side by side, each a little darker than the last."""
    return np.concatenate([cv2.convertScaleAbs(face, alpha=1 - 0.08 * place) for place in range(count)], axis=1)


@pytest.fixture(scope="module")
def page_of(pixels: NDArray[np.uint8], engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from ferce_agent.api import analyze_expression

    folder = tmp_path_factory.mktemp("pages")

    def make(count: int) -> Path:
        path = folder / f"{count}.html"
        if not path.exists():
            picture = mosaic(pixels, count) if count else np.full((300, 400, 3), 120, np.uint8)
            report = analyze_expression(picture[..., ::-1].copy(), "They won the match. She was sad.", engines=engines)
            assert len(report.people) == count
            path.write_text(to_html(report, picture), "utf-8")
        return path

    return make


def opened(browser: Any, path: Path, width: int = 390, height: int = 844, **options: Any) -> Any:
    page = browser.new_page(viewport={"width": width, "height": height}, **options)
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("count", [0, 1, 5])
def test_height_on_a_phone_and_pages_on_paper(count: int, browser: Any, page_of: Any) -> None:
    page = opened(browser, page_of(count))
    assert page.evaluate("document.documentElement.scrollHeight") <= 6000
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= 5
    page.close()


@pytest.mark.parametrize("width", [320, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window_even_unfolded(width: int, scheme: str, browser: Any, page_of: Any) -> None:
    page = opened(browser, page_of(5), width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_keyboard_reaches_a_person_and_unfolds_it(browser: Any, page_of: Any) -> None:
    page = opened(browser, page_of(5))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "card"
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('person-1').closest('details').open")
    page.focus("details.person:nth-of-type(2) > summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('person-2').closest('details').open")
    page.close()


def test_what_a_person_shows_is_on_paper_though_folded(browser: Any, page_of: Any) -> None:
    page = opened(browser, page_of(5))
    page.emulate_media(media="print")
    assert page.is_visible("#person-3 .observed") and page.is_visible("#person-3 .bars")
    assert not page.is_visible("#person-3 .claims")
    page.close()


def test_a_portrait_is_centred_and_not_enlarged(
    browser: Any, pixels: NDArray[np.uint8], engines: Engines, tmp_path: Path
) -> None:
    from ferce_agent.api import analyze_expression

    tall = np.full((1024, 512, 3), 200, np.uint8)
    tall[:512] = pixels
    (tmp_path / "tall.html").write_text(
        to_html(analyze_expression(tall[..., ::-1].copy(), engines=engines), tall), "utf-8"
    )
    page = opened(browser, tmp_path / "tall.html", 1200, 900)
    left, right, wide, natural = page.evaluate(
        "(() => {const i = document.querySelector('figure img'), b = i.getBoundingClientRect(),"
        " f = i.parentNode.getBoundingClientRect(); return [b.left - f.left, f.right - b.right, b.width, "
        "i.naturalWidth]})()"
    )
    assert abs(left - right) < 2 and left > 50
    assert wide <= natural
    page.close()


def test_the_words_at_the_axes_are_free(browser: Any, page_of: Any) -> None:
    page = opened(browser, page_of(1))
    assert page.evaluate(
        "[...document.querySelectorAll('.plot text')].every(t => {const a = t.getBoundingClientRect();"
        "return [...t.parentNode.querySelectorAll('circle, rect')].every(o => {const b = o.getBoundingClientRect();"
        "return a.right <= b.left || a.left >= b.right || a.bottom <= b.top + 1 || a.top >= b.bottom - 1})})"
    )
    page.close()
