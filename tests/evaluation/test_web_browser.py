from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from ferce_agent.errors import EngineError
from ferce_agent.evaluation import web_browser
from ferce_agent.evaluation.web_browser import LiveSeen, find_browser, live_rows, measure_page
from ferce_agent.evaluation.web_camera import camera_switches, write_y4m


def test_rates_and_delays_come_from_what_was_drawn() -> None:
    seen = LiveSeen([(1000.0 + 50 * number, 80.0 if number else 300.0) for number in range(21)], 0.3, 0.6)
    rate, delay, browser, server = live_rows(seen)
    assert (rate.value, rate.met) == (20.0, True)
    assert (delay.value, delay.worst, delay.met) == (80.0, 80.0, True)
    assert (browser.value, server.value, server.met) == (0.6, 0.3, None)


def test_nothing_drawn_meets_no_goal() -> None:
    rate, delay, _ = live_rows(LiveSeen([], None, 0.1))
    assert (rate.value, rate.met) == (0.0, False)
    assert math.isnan(delay.value)
    assert not delay.met


def test_without_playwright_or_chromium_there_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert find_browser() is None
    monkeypatch.undo()
    monkeypatch.setattr(web_browser, "find_spec", lambda _: None)
    assert find_browser() is None


def test_a_film_for_a_camera_is_read_back_as_it_was(tmp_path: Path) -> None:
    frames = [np.full((48, 64, 3), (level, 120, 200), np.uint8) for level in (60, 90, 120)]
    film = write_y4m(tmp_path / "film.y4m", frames, 30)
    assert film.read_bytes().startswith(b"YUV4MPEG2 W64 H48 F30:1 ")
    reader = cv2.VideoCapture(str(film))
    assert reader.get(cv2.CAP_PROP_FPS) == 30
    for frame in frames:
        found, pixels = reader.read()
        assert found
        assert np.abs(pixels.astype(int) - frame).max() < 8
    assert not reader.read()[0]
    assert camera_switches(film)[-1].endswith("film.y4m")


@pytest.mark.slow
def test_what_is_no_browser_is_said(tmp_path: Path) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "chromium").chmod(0o755)
    with pytest.raises(EngineError, match="could not be measured"):
        measure_page(tmp_path / "chromium", seconds=3)


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed")
def test_the_page_is_measured() -> None:
    browser = find_browser()
    assert browser is not None
    rows = {row.name: row.value for row in measure_page(browser, seconds=3)}
    assert rows["page, fresh server: first press to report"] > 0
    assert rows["page: report of a clip of 4 s"] > 0
    assert rows["page: pictures shown"] > 0
    assert 0 < rows["page: taken to drawn"] < 5000
    assert rows["page: CPU seconds a second, browser"] > 0
