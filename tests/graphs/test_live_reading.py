"""A camera, or a feed, that gives more pictures than can be read: what is read is the newest, and nothing queues."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ferce_agent.api import analyze_clip, stream_clip
from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.graphs.clip_state import Backlog
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import open_camera
from ferce_agent.inputs.clip_feed import Feed, open_feed
from ferce_agent.inputs.frames import Frame
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ProgressEvent, ReadingEvent, ReportEvent

GREY = np.full((120, 160, 3), 110, np.uint8)


class Gate:
    """Lets the analysis read one picture at a time, and keeps which ones it read."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.read: list[float] = []
        feed = ClipAnalysis.feed

        def gated(analysis: ClipAnalysis, frames: Sequence[Frame]) -> Any:
            self.read += [frame.time for frame in frames]
            self.begun.release()
            assert self.go.acquire(timeout=30)
            return feed(analysis, frames)

        patch.setattr(ClipAnalysis, "feed", gated)

    def wait(self) -> None:
        assert self.begun.acquire(timeout=30)


def test_a_slow_reading_takes_the_newest_picture_of_a_feed(monkeypatch: pytest.MonkeyPatch, engines: Engines) -> None:
    gate, feed, reports = Gate(monkeypatch), Feed(), []
    feed.put(GREY, 0.0)
    thread = threading.Thread(target=lambda: reports.append(analyze_clip(open_feed(feed), engines=engines)))
    thread.start()
    for turn in range(4):
        gate.wait()
        for number in range(1, 6):
            feed.put(GREY, turn + number / 5)
            time.sleep(0.005)  # whoever took pictures ahead would have this one by now
        if turn == 3:
            feed.close()
        gate.go.release()
    gate.wait()
    gate.go.release()
    thread.join(30)
    assert gate.read == [0, 1, 2, 3, 4]
    (report,) = reports
    assert report.source.kind == "camera"
    assert [one.count for one in report.degraded if one.code == "frames_thinned"] == [16]


class Recording:
    """What OpenCV's capture is, as far as it is used: a camera that gives a picture whenever it is told to."""

    def __init__(self) -> None:
        self.wanted = threading.Semaphore(0)
        self.given = threading.Semaphore(0)
        self.open = True

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        if not self.wanted.acquire(timeout=0.01):
            return False, None
        self.given.release()
        return True, GREY

    def get(self, _: int) -> float:
        return 0.0

    def isOpened(self) -> bool:  # noqa: N802
        return self.open

    def release(self) -> None:
        self.open = False

    def give(self, count: int) -> None:
        """Give pictures, and wait until all but the last were surely taken."""
        for _ in range(count + 1):
            self.wanted.release()
            assert self.given.acquire(timeout=30)


def test_a_slow_reading_takes_the_newest_picture_of_a_camera(monkeypatch: pytest.MonkeyPatch, engines: Engines) -> None:
    gate, recording, stop = Gate(monkeypatch), Recording(), threading.Event()
    recording.wanted.release()
    camera = open_camera(0, opener=lambda _: recording)
    reports: list[ClipReport] = []
    thread = threading.Thread(target=lambda: reports.append(analyze_clip(camera, engines=engines, stop=stop)))
    thread.start()
    for _ in range(4):
        gate.wait()
        recording.give(10)
        gate.go.release()
    gate.wait()
    stop.set()
    gate.go.release()
    thread.join(30)
    assert len(gate.read) == 5
    (thinned,) = [one.count for one in reports[0].degraded if one.code == "frames_thinned"]
    assert thinned is not None
    assert thinned >= 4 * 9


def test_calling_off_ends_a_silent_feed(engines: Engines) -> None:
    async def run() -> None:
        feed = Feed()
        feed.put(GREY, 0.0)
        async for event in stream_clip(open_feed(feed), engines=engines):
            if isinstance(event, ProgressEvent) and event.frames:
                break
        while not feed.closed:
            await asyncio.sleep(0.01)

    before = threading.active_count()
    asyncio.run(asyncio.wait_for(run(), 30))
    assert not [one for one in threading.enumerate() if one.name == "ferce-ahead"]
    assert threading.active_count() <= before + 1


def test_a_feed_that_is_closed_gives_a_report(engines: Engines, pixels: NDArray[np.uint8]) -> None:
    async def run() -> list[Any]:
        feed, events = Feed(), []
        jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
        feed.put(jpeg, 0.0)
        async for event in stream_clip(open_feed(feed), engines=engines):
            events.append(event)
            if isinstance(event, ProgressEvent):
                feed.put(jpeg, event.frames / 10 + 0.1)
                if event.frames == 6:
                    feed.close()
        return events

    *events, last = asyncio.run(run())
    assert all(isinstance(event.strangeness, float) for event in events if isinstance(event, ReadingEvent))
    assert isinstance(last, ReportEvent)
    assert len(last.report.tracks) == 1
    assert not [one for one in last.report.degraded if one.code == "stopped_early"]


def test_the_page_s_example_works(pixels: NDArray[np.uint8], capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "clips.md").read_text("utf-8")
    (code,) = [block for block in re.findall(r"^```python\n(.*?)^```", page, re.S | re.M) if "Feed()" in block]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/clips.md", "exec"), names)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    report = names["read"]([(number / 10, jpeg) for number in range(5)])
    assert report.source.kind == "camera"
    assert capsys.readouterr().out.splitlines()[-1] == "report"


def test_a_backlog_waits_until_enough_was_taken() -> None:
    backlog = Backlog()
    for _ in range(3):
        backlog.put()
    thread = threading.Thread(target=backlog.catch_up, args=(1,))
    thread.start()
    backlog.took()
    thread.join(0.05)
    assert thread.is_alive()
    backlog.took()
    thread.join(10)
    assert not thread.is_alive()


def test_a_backlog_that_ended_waits_for_nobody() -> None:
    backlog = Backlog()
    backlog.put()
    thread = threading.Thread(target=backlog.catch_up, args=(0,))
    thread.start()
    backlog.end()
    thread.join(10)
    assert not thread.is_alive()
