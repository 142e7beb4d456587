"""Voice messages on the page in Chromium: a sound file, and a recording by a microphone that plays a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferce_agent.evaluation.voice.vowels import syllables
from tests.inputs.sounds import coded
from tests.voice_reports import make_voice_report, with_speech
from tests.web.browsing import NEEDS_BROWSER, driver, launched
from tests.web.sites import command
from tests.web.tabs import Tab

pytestmark = NEEDS_BROWSER
SECONDS = 90_000
"""How long anything may take, in milliseconds; only a failure waits for it."""
LIVE = "() => watched.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === 'live').length"
"""How many tracks of microphones are live."""
SHOW = """async (answer) => {
  const { showAnswer } = await import("/static/report.js");
  const place = document.querySelector("#report");
  place.replaceChildren(showAnswer(answer));
  place.querySelectorAll("details").forEach((one) => { one.open = true; });
}"""
"""Shows an answer without asking the server."""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""By how much the page is wider than the window."""


def message() -> Any:
    """Five seconds with three of syllables in the middle, at 48 kHz."""
    still = np.zeros(16_000, np.float32)
    return np.repeat(np.concatenate([still, syllables(3.0), still]), 3)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with command() as (_, address, token):
        yield address, token


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    sound = tmp_path_factory.mktemp("microphone") / "message.wav"
    sound.write_bytes(coded("wav", samples=message()[:: 48_000 // 44_100 or 1]))
    switches = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}"]
    with driver() as driven, launched(driven, allowed=False, more=switches) as started:
        yield started


@pytest.fixture
def tab(browser: Any, server: tuple[str, str]) -> Iterator[Tab]:
    one = Tab(browser, *server, permissions=["microphone"])
    yield one
    one.close()


def test_a_sound_file_becomes_a_report_of_turns(tab: Tab, tmp_path: Path) -> None:
    file = tmp_path / "message.ogg"
    file.write_bytes(coded("opus", samples=message()))
    tab.page.set_input_files("#file", file)
    report = tab.wait_for_report("voice")
    assert report.locator(".turns li").count() >= 1
    assert "Turn 1, 0:0" in report.locator(".turns").inner_text()
    assert report.locator(".timeline").get_attribute("aria-label")
    assert "POST /api/voice" in tab.sent
    assert tab.page.locator("#history [data-answer=voice]").count() == 1
    assert tab.violations() == []


def test_a_message_is_recorded_on_a_press_only_and_the_microphone_is_let_go(tab: Tab) -> None:
    assert tab.page.evaluate("watched.cameras") == 0
    tab.page.click("#record")
    tab.page.wait_for_selector("#recorder[data-state=on]", timeout=SECONDS)
    assert tab.page.evaluate(LIVE) == 1
    assert "microphone is on" in tab.page.inner_text("#recorder")
    tab.page.wait_for_timeout(4500)
    tab.page.click("#record-stop")
    report = tab.wait_for_report("voice")
    assert tab.page.evaluate(LIVE) == 0
    assert tab.page.get_attribute("#recorder", "data-state") == "off"
    assert report.locator(".turns li").count() >= 1
    assert tab.violations() == []


def test_a_discarded_recording_is_not_sent(tab: Tab) -> None:
    tab.page.click("#record")
    tab.page.wait_for_selector("#recorder[data-state=on]", timeout=SECONDS)
    tab.page.click("#record-discard")
    tab.page.wait_for_selector("#recorder[data-state=off]")
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate(LIVE) == 0
    assert "POST /api/voice" not in tab.sent


def test_a_refused_microphone_is_said_and_files_still_work(browser: Any, server: tuple[str, str]) -> None:
    one = Tab(browser, *server)
    one.page.click("#record")
    one.page.wait_for_selector("#recorder [role=alert]")
    assert "sound file instead" in one.page.inner_text("#recorder")
    assert one.page.is_enabled("#choose")
    one.close()


@pytest.mark.parametrize("width", [320, 1000])
def test_what_is_heard_in_a_clip_and_a_message_fits_a_phone(tab: Tab, width: int) -> None:
    tab.page.set_viewport_size({"width": width, "height": 700})
    film = {"kind": "clip", "report": json.loads(with_speech(words="Well.").model_dump_json()), "brief": {}}
    spoken = {"kind": "voice", "report": json.loads(make_voice_report("Well.").model_dump_json()), "brief": {}}
    for answer in (film, spoken):
        tab.page.evaluate(SHOW, {**answer, "brief_text": "In words."})
        told = tab.page.inner_text("#report")
        assert "sounds like anger (likely, 81%)" in told
        assert "several expressions are possible" in told
        assert "politeness, or a smile kept up for others" in told
        assert tab.page.evaluate(WIDER) <= 0
    tab.page.evaluate(SHOW, {**film, "brief_text": "In words."})
    assert "off camera" in tab.page.inner_text("#report")
    assert "arms are crossed" in tab.page.inner_text("#report")
    assert tab.violations() == []
