"""How quickly the local page answers, measured in Chromium: the first press of a fresh server, and the live view.

The server runs as `ferce web` in a process of its own, the browser has a camera that shows an acted film of 640x480 at
30 frames a second. The delay is from the time at which the camera took a picture to the time at which what it shows was
drawn over the video, both by the browser's clock.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from ferce_agent.errors import EngineError, MissingExtraError
from ferce_agent.evaluation.clips.speed import KEPT, RATE, ClipSpeedRow, film_of, there_and_back
from ferce_agent.evaluation.web_camera import camera_switches, write_y4m
from ferce_agent.evaluation.web_speed import GOAL_MS, GOAL_RATE, Served, acted_film, cpu_share, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names under which Chromium is looked for."""
GOAL_S: Final = 5.0
"""Most seconds from the first press to the report."""
CLIP_S: Final = 4.0
"""Length of the sample clip, in seconds."""
WARM_S: Final = 3.0
"""Seconds of the live view that do not count."""
WAIT_MS: Final = 120_000
"""Milliseconds that anything on the page may take."""
OBSERVE: Final = """
window.shown = [];
new PerformanceObserver((list) => {
  const seen = list.getEntriesByName("ferce.live");
  shown.push(...seen.map(({ startTime, duration }) => [startTime + duration, duration]));
}).observe({ type: "measure" });
"""
"""Collects when each picture's reading was drawn, and how long after the picture was taken; both in milliseconds."""


@dataclass(frozen=True, slots=True)
class LiveSeen:
    """What the page showed of the camera.

    Attributes:
        shown: When each reading was drawn, in milliseconds, and how many milliseconds after its picture was taken.
        server: CPU seconds of the server a second; None where the system does not tell.
        browser: CPU seconds of all processes of the browser a second.
    """

    shown: list[tuple[float, float]]
    server: float | None
    browser: float

    def rate(self) -> float:
        """Return how many readings were drawn a second."""
        times = [at for at, _ in self.shown]
        return (len(times) - 1) * 1000 / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def delays_ms(self) -> list[float]:
        """Return the delays in milliseconds; one that is no number where nothing was drawn."""
        return [delay for _, delay in self.shown] or [float("nan")]


def find_browser() -> Path | None:
    """Return Chromium's path, by its usual names; None where there is none, or no Playwright to drive it."""
    if find_spec("playwright") is None:
        return None
    return next((Path(path) for path in map(shutil.which, BROWSERS) if path), None)


def measure_page(browser: Path, *, seconds: float = 20.0) -> list[ClipSpeedRow]:
    """Start the server and a browser, use the page as somebody would, and return how long that took.

    Args:
        browser: Chromium's path.
        seconds: How long the live view is measured.

    Raises:
        MissingExtraError: Playwright is not installed.
        EngineError: The server or the browser did not start, or the page does not answer.
    """
    try:
        from playwright.sync_api import Error
    except ImportError as error:
        raise MissingExtraError("playwright", "dev") from error
    with tempfile.TemporaryDirectory() as folder, served() as server:
        try:
            with opened(browser, server, acted_camera(Path(folder))) as (started, page):
                return [*first_rows(page, Path(folder)), *live_rows(watched(started, page, server, seconds))]
        except Error as error:
            reason = error.message.splitlines()[0]
            raise EngineError(f"The page could not be measured: {reason}", hint="Open it: ferce web --open") from error


def acted_camera(folder: Path) -> Path:
    """Write the film of the camera, there and back again, and return its path."""
    film = acted_film()
    jpegs = (np.frombuffer(film[there_and_back(number)], np.uint8) for number in range(2 * KEPT - 2))
    frames = (np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8) for jpeg in jpegs)
    return write_y4m(folder / "camera.y4m", frames, RATE)


@contextmanager
def opened(browser: Path, server: Served, camera: Path) -> Iterator[tuple[Browser, Page]]:
    """Open the page in a browser with a camera that it may use, while the block lasts."""
    from playwright.sync_api import sync_playwright

    switches = ["--disable-gpu", "--no-first-run", *camera_switches(camera)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        switches.append("--no-sandbox")  # Chromium refuses to start for root with it
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=browser, args=switches, timeout=WAIT_MS)
        context = started.new_context(permissions=["camera"], viewport={"width": 1280, "height": 900})
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(OBSERVE)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/#token={server.token}")
        yield started, page
        started.close()


def first_rows(page: Page, folder: Path) -> list[ClipSpeedRow]:
    """Press the button of the sample photo, then give a clip, and return how long each report took."""
    began = time.perf_counter()
    page.click("#sample")
    page.wait_for_selector("#report [data-kind=photo]")
    photo_s = time.perf_counter() - began
    clip = folder / "clip.mp4"
    clip.write_bytes(film_of(1, CLIP_S))
    began = time.perf_counter()
    page.set_input_files("#file", clip)
    page.wait_for_selector("#report [data-kind=clip]")
    clip_s = time.perf_counter() - began
    name = f"page: report of a clip of {CLIP_S:g} s"
    return [_seconds("page, fresh server: first press to report", photo_s), _seconds(name, clip_s)]


def _seconds(name: str, value: float) -> ClipSpeedRow:
    return ClipSpeedRow(name, round(value, 2), round(value, 2), "s", GOAL_S)


def watched(browser: Browser, page: Page, server: Served, seconds: float) -> LiveSeen:
    """Switch the camera on, and return what the page showed in so many seconds after a warm-up."""
    page.click(".live-start")
    page.wait_for_selector(".live-faces li[data-expression]")
    page.wait_for_timeout(WARM_S * 1000)
    page.evaluate("shown.length = 0")
    before = time.perf_counter(), server.cpu_s(), browser_cpu_s(browser)
    page.wait_for_timeout(seconds * 1000)
    after = time.perf_counter(), server.cpu_s(), browser_cpu_s(browser)
    shown = [(float(at), float(delay)) for at, delay in page.evaluate("shown")]
    page.click(".live-stop")
    page.wait_for_selector("#live[data-state=off]")
    return LiveSeen(shown, cpu_share(before[:2], after[:2]), (after[2] - before[2]) / (after[0] - before[0]))


def browser_cpu_s(browser: Browser) -> float:
    """Return the seconds of CPU time that all processes of a browser have used."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return float(sum(process["cpuTime"] for process in told["processInfo"]))


def live_rows(seen: LiveSeen) -> list[ClipSpeedRow]:
    """Return the measurements of the live view as rows of a table."""
    delays, rate, used = seen.delays_ms(), round(seen.rate(), 1), round(seen.browser, 2)
    middle, worst = round(statistics.median(delays), 1), round(float(np.percentile(delays, 95)), 1)
    rows = [
        ClipSpeedRow("page: pictures shown", rate, rate, "frames/s", GOAL_RATE),
        ClipSpeedRow("page: taken to drawn", middle, worst, "ms", GOAL_MS),
        ClipSpeedRow("page: CPU seconds a second, browser", used, used, "s", None),
    ]
    if seen.server is not None:
        used = round(seen.server, 2)
        rows.append(ClipSpeedRow("page: CPU seconds a second, server", used, used, "s", None))
    return rows
