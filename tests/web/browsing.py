"""Chromium on the served page: how it is started, what its camera shows, and the page opened with the token."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.evaluation.web_camera import camera_switches
from ferce_agent.web.site import Site

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
NEEDS_BROWSER = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")]


@contextmanager
def driver() -> Iterator[Any]:
    """Start Playwright, of which a thread can have one at a time."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        yield started


@contextmanager
def launched(driven: Any, film: Path | None = None, *, allowed: bool = True, more: Sequence[str] = ()) -> Iterator[Any]:
    """Start Chromium.

    Args:
        driven: Playwright.
        film: What its camera shows; without one it has no camera.
        allowed: Whether pages may use the camera; otherwise nobody answers the question, and Chromium refuses, unless
            the page's context grants it.
        more: Further switches.
    """
    switches = [*SWITCHES, *(camera_switches(film) if film else ()), *more]
    if allowed:
        switches.append("--use-fake-ui-for-media-stream")
    started = driven.chromium.launch(executable_path=BROWSER, args=switches, timeout=120_000)
    yield started
    started.close()


@contextmanager
def chromium(film: Path | None = None) -> Iterator[Any]:
    """Start Playwright and Chromium; with a film its camera shows that, and pages may use it."""
    with driver() as driven, launched(driven, film) as started:
        yield started


def opened(browser: Any, site: Site, *, script: str = "", **options: Any) -> Any:
    """Open the page with its token, and wait until all its parts are there.

    Args:
        browser: Chromium.
        site: What serves the page.
        script: Runs before the page's own scripts.
        options: Of the new page, such as its `viewport`.
    """
    page = browser.new_page(**{"locale": "en-GB", "viewport": {"width": 1000, "height": 900}, **options})
    page.add_init_script(script)
    page.goto(f"http://127.0.0.1:{site.port}/#token={site.token}")
    page.wait_for_selector("#chat textarea")
    return page
