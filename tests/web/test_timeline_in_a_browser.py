"""The running timeline as Chromium draws it, from real live frames."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ferce_agent.report.face import Box, Distribution
from ferce_agent.report.live import LiveFace, LiveFrame
from ferce_agent.web.site import Site
from tests.web.browsing import NEEDS_BROWSER, opened

pytestmark = NEEDS_BROWSER
HAPPY = [0xF0, 0xE4, 0x42]
"""Colour of happiness."""
HOSTILE = "<img src=x onerror='window.hacked=1'>"


def frame(time: float, *faces: LiveFace) -> dict[str, Any]:
    """A picture of a camera, and what it shows, as the page gets it."""
    made = LiveFrame(frame=round(time * 10), time_s=time, width=640, height=480, faces=faces, skipped=0)
    return made.model_dump(mode="json")


def face(state: str = "shown", *, track: int = 1, valence: float | None = 0.6, reasons: tuple[str, ...] = ()) -> Any:
    named = {"expression": "happiness", "confidence": 0.9, "since_s": 0.0} if state == "shown" else {}
    rest = {"neutral": 0.1, "surprise": 0.0, "sadness": 0.0, "anger": 0.0, "disgust": 0.0, "fear": 0.0, "contempt": 0.0}
    return LiveFace.model_validate(
        {
            "track": f"track-{track}",
            "box": Box(x=10, y=10, width=100, height=100),
            "state": state,
            **{"expression": None, "confidence": None, "since_s": None, **named},
            "reasons": reasons,
            "distribution": Distribution(happiness=0.9, **rest) if state == "shown" else None,
            "valence": valence if state == "shown" else None,
            "arousal": 0.1 if state == "shown" else None,
            "movements": {},
        }
    )


def acted() -> list[dict[str, Any]]:
    """Six seconds of happiness, three in which the mouth is covered, three in which nothing is clear."""
    shown = [frame(tenth / 10, face()) for tenth in range(60)]
    covered = [frame(tenth / 10, face("not_read", reasons=("mouth_covered",))) for tenth in range(60, 90)]
    return [*shown, *covered, *(frame(tenth / 10, face("unsure")) for tenth in range(90, 121))]


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    one = opened(browser, site, device_scale_factor=2)
    one.evaluate(
        "async () => { const { Timeline } = await import('/static/timeline.js'); window.timeline = new Timeline();"
        " document.getElementById('report').prepend(timeline.element); timeline.element.scrollIntoView(); }"
    )
    yield one
    one.close()


def push(page: Any, frames: list[dict[str, Any]]) -> None:
    """Show frames, and wait until the last of them is drawn and told."""
    page.evaluate("frames => { timeline.clear(); for (const one of frames) timeline.push(one); }", frames)
    page.wait_for_selector(f'#report .timeline-box[data-told-s="{frames[-1]["time_s"]:g}"]')


def colour(page: Any, seconds_ago: float, lane: int = 0) -> list[int]:
    """The colour in the middle of a lane's band, above its words."""
    found: list[int] = page.evaluate(
        "([ago, lane]) => { const c = document.querySelector('#report .timeline-canvas'), d = devicePixelRatio;"
        " const left = c.clientWidth < 480 ? 64 : 76, x = left + (1 - ago / 60) * (c.clientWidth - left);"
        " return [...c.getContext('2d').getImageData(x * d, (lane * 58 + 7) * d, 1, 1).data].slice(0, 3); }",
        [seconds_ago, lane],
    )
    return found


def summary(page: Any) -> str:
    return str(page.inner_text("#report .timeline-summary"))


def test_what_is_shown_and_what_is_not_readable_look_different(page: Any) -> None:
    push(page, acted())
    assert page.evaluate("document.querySelector('#report .timeline-canvas').width") == 2 * page.evaluate(
        "document.querySelector('#report .timeline-canvas').clientWidth"
    )
    assert colour(page, 9) == HAPPY
    assert all(colour(page, ago) != HAPPY for ago in (4.5, 1.5, 30))
    covered = {tuple(colour(page, 3.2 + step / 10)) for step in range(25)}
    assert len(covered) > 1, "what is not readable is hatched"
    assert page.inner_text("#report .timeline-box .legend").split() == ["happiness"]


def test_the_last_seconds_are_told_in_words(page: Any) -> None:
    push(page, acted())
    assert summary(page) == (
        "In the last 10 seconds: Face 1: happiness 4.0 s, not readable: the mouth is covered 3.0 s, not clear 3.0 s."
    )
    described = page.get_attribute("#report .timeline-canvas", "aria-describedby")
    assert page.locator(f"#report [id={described}]").count() == 1
    push(page, [frame(tenth / 10) for tenth in range(20)])
    assert summary(page) == "No face in the last 10 seconds."


def test_a_table_on_request(page: Any) -> None:
    push(page, acted())
    assert page.locator("#report .timeline-table tr").count() == 0
    page.focus("#report .timeline-box summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#report .timeline-table tbody tr")  # it is made once the browser tells of the opening
    rows = [row.split("\t") for row in page.locator("#report .timeline-table tbody tr").all_inner_texts()]
    assert rows == [
        ["Face 1", "0:00.0", "0:06.0", "happiness"],
        ["Face 1", "0:06.0", "0:09.0", "not readable: the mouth is covered"],
        ["Face 1", "0:09.0", "0:12.0", "not clear"],
    ]


def test_a_minute_and_no_more(page: Any) -> None:
    push(page, [*(frame(time, face()) for time in range(30)), *(frame(time, face(track=2)) for time in range(30, 130))])
    page.click("#report .timeline-box summary")
    page.wait_for_selector("#report .timeline-table tbody tr")
    rows = page.locator("#report .timeline-table tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["Face 2"], "who has been gone for a minute has no lane"
    assert rows[0].split("\t")[1] == "1:09.0"


def test_where_nothing_was_read_nothing_is_drawn(page: Any) -> None:
    push(page, [frame(0.0, face()), frame(1.0, face()), frame(11.0, face()), frame(12.0, face())])
    assert colour(page, 11.5) == HAPPY == colour(page, 0.5)
    assert colour(page, 6) != HAPPY


def test_by_rule_only_movements(page: Any) -> None:
    push(page, [frame(tenth / 10, face("restricted")) for tenth in range(50)])
    assert "movements only" in summary(page)
    assert colour(page, 2) != HAPPY


def test_the_reason_is_told_at_the_place(page: Any) -> None:
    push(page, acted())
    box = page.locator("#report .timeline-canvas").bounding_box()
    x = 76 + (1 - 4.5 / 60) * (box["width"] - 76)
    page.mouse.move(box["x"] + x, box["y"] + 15)
    assert page.get_attribute("#report .timeline-canvas", "title") == "not readable: the mouth is covered, 3.0 s"


def test_many_readings_are_few_drawings(browser: Any, site: Site) -> None:
    one = opened(browser, site)
    one.clock.install()
    drawings = one.evaluate(
        "async frames => { const { Timeline } = await import('/static/timeline.js'); const line = new Timeline();"
        " document.getElementById('report').prepend(line.element); let count = 0;"
        " const clear = CanvasRenderingContext2D.prototype.clearRect;"
        " CanvasRenderingContext2D.prototype.clearRect = function (...at) {"
        "   if (this.canvas.matches('.timeline-canvas')) count += 1; return clear.apply(this, at); };"
        " for (const one of frames) line.push(one); return count; }",
        acted(),
    )
    assert drawings <= 2
    one.close()


def test_hostile_words_stay_words(page: Any) -> None:
    hostile = json.loads(json.dumps(acted()).replace("mouth_covered", HOSTILE).replace("track-1", f"track-{HOSTILE}"))
    push(page, hostile)
    page.click("#report .timeline-box summary")
    assert HOSTILE in summary(page)
    assert page.locator("#report .timeline-box img").count() == 0
    assert page.evaluate("window.hacked") is None
