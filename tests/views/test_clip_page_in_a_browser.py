"""A clip's page as Chromium lays it out: its width on a phone, its pages on paper, its cursor by keyboard and mouse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.report import ClipReport
from ferce_agent.views.clip_page import to_clip_html
from tests.clip_reports import (
    make_clip_report,
    make_covered_clip_report,
    make_empty_clip_report,
    make_long_clip_report,
)
from tests.views.test_clip_page import noise
from tests.views.test_page_in_a_browser import BROWSER, browser, opened

__all__ = ["browser"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")]
MAKERS: dict[str, Callable[[], ClipReport]] = {
    "two": make_clip_report,
    "none": make_empty_clip_report,
    "covered": make_covered_clip_report,
    "hour": make_long_clip_report,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, make in MAKERS.items():
        report = make()
        pictures = {moment.id: noise(200) for moment in report.moments}
        (folder / f"{name}.html").write_text(to_clip_html(report, pictures), "utf-8")
    return {name: folder / f"{name}.html" for name in MAKERS}


@pytest.fixture
def two(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    page = opened(browser, pages["two"], 1000)
    yield page
    page.close()


@pytest.mark.parametrize("name", list(MAKERS))
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (360, "dark"), (768, "light"), (1400, "dark")])
def test_nothing_is_wider_than_the_window(
    name: str,
    width: int,
    scheme: str,
    browser: Any,
    pages: dict[str, Path],
) -> None:
    page = opened(browser, pages[name], width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_two_people_fit_on_two_sheets(two: Any) -> None:
    assert len(re.findall(rb"/Type\s*/Page\b", two.pdf(format="A4"))) <= 3
    two.emulate_media(media="print")
    assert not two.is_visible(".controls") and two.is_visible(".lanes")


def test_the_script_runs_within_its_policy(browser: Any, pages: dict[str, Path]) -> None:
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in pages.values():
        page.goto(path.as_uri())
    assert said == []
    page.close()


def test_arrow_keys_move_the_cursor_and_the_line_says_the_values(two: Any) -> None:
    two.focus("#track-1 ~ .timeline input")
    for _ in range(16):
        two.keyboard.press("ArrowRight")
    told = two.inner_text("#track-1 ~ .timeline output")
    assert (
        told.startswith("0:01.61: happiness 88%") and "lip corner puller 0.90" in told and "within: happiness" in told
    )
    assert two.get_attribute("#track-1 ~ .timeline input", "aria-valuetext") == "0:01.61"
    two.keyboard.press("End")
    assert two.inner_text("#track-1 ~ .timeline output").startswith("0:12.00")
    line = two.evaluate("document.querySelector('.cursor').getBoundingClientRect().left")
    right = two.evaluate("document.querySelector('.timeline .graph').getBoundingClientRect().right")
    assert abs(line - right) < 3


def test_a_gap_says_why(two: Any) -> None:
    graph = two.locator("#track-1 ~ .timeline .graph").first
    graph.scroll_into_view_if_needed()
    box = graph.bounding_box()
    two.mouse.move(box["x"] + box["width"] * 5.7 / 12, box["y"] + 20)
    told = two.inner_text("#track-1 ~ .timeline output")
    assert "no reading: the mouth is covered" in told and "%" not in told


def test_a_moment_leads_to_its_place(two: Any) -> None:
    two.click("button[data-track=track-2]")
    assert two.inner_text("#track-2 ~ .timeline output").startswith("0:03.0")


def test_without_scripts_everything_but_the_cursor_is_there(browser: Any, pages: dict[str, Path]) -> None:
    page = opened(browser, pages["two"], java_script_enabled=False)
    assert page.is_visible(".lanes") and not page.is_visible(".controls") and not page.is_visible("button")
    page.click("details.more >> nth=0")
    assert page.is_visible("table >> nth=0")
    page.close()


def test_controls_and_regions_have_names(browser: Any, pages: dict[str, Path]) -> None:
    page = opened(browser, pages["hour"])
    assert page.evaluate(
        "[...document.querySelectorAll('input, [role=img], [role=region], [role=slider]')]"
        ".every(one => (one.getAttribute('aria-label') || '').length > 5)"
    )
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(after <= before + 1 for before, after in itertools.pairwise(levels))
    page.close()
