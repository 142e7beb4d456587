"""The answers of a tab: shown again, deleted, and what happens to the focus while new ones come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ferce_agent.web.site import Site
from ferce_agent.web.texts import own_texts
from tests.web.browsing import NEEDS_BROWSER, opened

pytestmark = NEEDS_BROWSER
FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    tab = opened(browser, site)
    tab.wait_for_selector("#policy[data-decision]")
    yield tab
    tab.close()


def read(page: Any) -> None:
    """Have the sample photo read, without moving the focus."""
    count = page.locator("#answers li").count()
    page.evaluate("document.getElementById('sample').click()")
    page.wait_for_selector(f"#answers li:nth-child({count + 1})")


def test_an_answer_is_shown_again_and_deleted(page: Any) -> None:
    read(page)
    first = page.query_selector("#report article")
    read(page)
    assert not first.is_visible()
    page.locator("#answers li").last.locator("[data-answer]").click()
    assert page.evaluate(FOCUSED) == "report"
    assert page.locator("#answers [aria-current]").count() == 1
    assert page.locator("#answers li").last.locator("[aria-current]").count() == 1
    page.locator("#answers .delete").last.click()
    assert page.locator("#answers li").count() == 1
    assert own_texts("en")["report.empty"] in page.inner_text("#report")
    page.locator("#answers .delete").click()
    assert own_texts("en")["history.empty"] in page.inner_text("#history")
    assert page.evaluate(FOCUSED) == "choose"


def test_a_new_answer_leaves_the_focus_where_it_is_in_the_list(page: Any) -> None:
    read(page)
    page.locator("#answers .delete").focus()
    before = page.evaluate(FOCUSED)
    read(page)
    assert page.evaluate(FOCUSED) == before
    assert page.locator("#answers li").last.locator(":focus").count() == 1


def test_a_report_that_is_being_read_is_not_replaced(page: Any) -> None:
    read(page)
    page.locator("#report summary").first.focus()
    shown = page.query_selector("#report article")
    read(page)
    assert shown.is_visible()
    assert page.locator("#report summary:focus").count() == 1
    assert page.inner_text("#announcer").startswith(own_texts("en")["history.added"].split("{")[0])


def test_nothing_of_it_is_kept_beyond_the_tab(page: Any) -> None:
    read(page)
    assert page.evaluate("[localStorage.length, Object.keys(sessionStorage).join()]") == [0, "ferce.token"]
    page.reload()
    page.wait_for_selector("#policy[data-decision]")
    assert page.locator("#answers li").count() == 0
