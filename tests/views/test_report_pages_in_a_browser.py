"""The pages of scenarios and sessions as Chromium lays them out: width, contrast and names of what is drawn, paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.session import SessionReport
from tests import scenario_reports, session_reports

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")]
PAGES: dict[str, Callable[[], ScenarioReport | SessionReport]] = {
    "drive": scenario_reports.drive,
    "audience": scenario_reports.audience,
    "distress": scenario_reports.distress,
    "session": session_reports.changed,
    "sparse": session_reports.sparse,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.mark.parametrize("name", tuple(PAGES))
def test_page_fits_a_phone_and_breaks_no_rule_of_accessibility(name: str, browser: Any, tmp_path: Path) -> None:
    path = PAGES[name]().save(tmp_path / "page.html")
    page = browser.new_context(viewport={"width": 360, "height": 800}, bypass_csp=True).new_page()
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        broken = axe.Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"][:90] for node in rule["nodes"]][:3]) for rule in broken] == []
    page.context.close()


def test_a_report_has_few_pages_on_paper(browser: Any, tmp_path: Path) -> None:
    path = scenario_reports.drive().save(tmp_path / "page.html")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= 4
    page.close()
