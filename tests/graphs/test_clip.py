from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from numpy.typing import NDArray
from typing_extensions import TypedDict

from ferce_agent import aanalyze_clip, analyze_clip, stream_clip
from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.clips.composition import CAMERA_ON, policy_of
from ferce_agent.errors import ClipAccessError, ClipFormatError, FerceError, InputError, PolicyError
from ferce_agent.evaluation.clips.speed import film_of
from ferce_agent.graphs.clip import build_clip_graph, graph
from ferce_agent.graphs.clip_held import FIELDS
from ferce_agent.graphs.clip_state import ClipContext
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import open_camera
from ferce_agent.inputs.frames import Frame
from ferce_agent.policy.use import UseContext
from ferce_agent.report import ClipReport
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent
from ferce_agent.settings import Settings
from tests.clips.moving import RATE, film, head_of

SECONDS = 2.0
WORK = UseContext(domain="workplace", jurisdiction="eu")
THREAD: Any = {"configurable": {"thread_id": "one"}}


@pytest.fixture(scope="module")
def head(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return head_of(pixels)


@pytest.fixture(scope="module")
def frames(head: NDArray[np.uint8]) -> list[Frame]:
    return list(film(head, SECONDS))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return {"events": [], "pictures": {}}


@pytest.fixture(scope="module")
def clip_report(frames: list[Frame], engines: Engines, told: dict[str, Any]) -> ClipReport:
    return analyze_clip(frames, engines=engines, on_event=told["events"].append, pictures=told["pictures"])


def codes(report: ClipReport) -> set[str]:
    return {entry.code for entry in report.degraded}


def same(one: ClipReport, other: ClipReport) -> bool:
    return one.model_copy(update={"provenance": other.provenance}) == other


def test_the_portrait_smiles_all_along(clip_report: ClipReport) -> None:
    (track,) = clip_report.tracks
    assert track.first_s == 0
    assert track.last_s == pytest.approx(SECONDS - 1 / RATE, abs=1e-3)
    assert track.frames == clip_report.source.frames == round(SECONDS * RATE)
    assert clip_report.source.frame_rate == pytest.approx(RATE, abs=0.01)
    (smile,) = [one for one in track.episodes if one.expression]
    assert smile.expression == "happiness"
    assert not smile.onset_seen
    assert not smile.offset_seen
    assert track.summary.shares["happiness"] > 0.9
    assert track.summary.movement_rate < 0.05
    assert track.summary.liveliness == "calm"
    assert "happiness" in clip_report.summary
    assert "feels" not in clip_report.model_dump_json()
    assert ClipReport.model_validate_json(clip_report.model_dump_json()) == clip_report


def test_what_was_not_done_is_said(clip_report: ClipReport) -> None:
    assert {"micro_not_looked_for", "vlm_not_configured"} <= codes(clip_report)
    assert not {"no_face", "step_failed", "clip_damaged"} & codes(clip_report)


def test_the_events_tell_it_in_order(clip_report: ClipReport, told: dict[str, Any]) -> None:
    events: list[ClipEvent] = told["events"]
    kinds = [event.event for event in events]
    assert kinds[0] == "progress"
    assert kinds[-1] == "report"
    readings = [event for event in events if isinstance(event, ReadingEvent)]
    assert [event.frame for event in readings] == list(range(round(SECONDS * RATE)))
    assert all(one.point.time_s < two.point.time_s for one, two in pairwise(readings))
    assert any(one.eyes is not None and one.eyes.left is not None and one.eyes.mouth is not None for one in readings)
    assert kinds.index("track_begins") < kinds.index("reading")
    assert kinds.count("moment") == len(clip_report.moments)
    assert kinds.index("track_ends") < kinds.index("moment")


def test_moments_have_small_pictures_and_a_photo_s_reading(clip_report: ClipReport, told: dict[str, Any]) -> None:
    (apex,) = [one for one in clip_report.moments if one.why == "apex"]
    assert apex.expression is not None
    assert apex.expression.primary == "happiness"
    picture = cv2.imdecode(np.frombuffer(told["pictures"][apex.id], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert max(picture.shape) <= 320
    assert set(told["pictures"]) <= {one.id for one in clip_report.moments}


async def test_asynchronous_and_one_frame_at_a_time_it_is_the_same(
    frames: list[Frame], engines: Engines, clip_report: ClipReport
) -> None:
    assert same(await aanalyze_clip(iter(frames), engines=engines), clip_report)
    analysis = ClipAnalysis(engines.pipeline, infer=True)
    for frame in frames:
        analysis.feed([frame])
    analysis.finish()
    assert len(analysis.moments) == len(clip_report.moments)


def test_by_rule_only_movements_are_told(frames: list[Frame], engines: Engines) -> None:
    events: list[ClipEvent] = []
    report = analyze_clip(frames, engines=engines, use_context=WORK, on_event=events.append)
    assert report.policy.decision == "restricted"
    assert "policy_restricted" in codes(report)
    assert "step_failed" not in codes(report)
    (track,) = report.tracks
    assert not [one for one in track.episodes if one.expression]
    assert "It shows a smile most of the time." in report.summary
    assert track.summary.valence is None
    assert track.summary.shares == {}
    assert all(point.distribution is None and point.valence is None for point in track.samples)
    assert all(one.expression is None for one in report.moments)
    assert not [e for e in events if isinstance(e, ReadingEvent) and e.point.distribution is not None]
    assert "happiness" not in report.summary


def test_a_refused_use_opens_nothing(engines: Engines) -> None:
    def frames() -> Iterator[Frame]:
        raise AssertionError("opened")
        yield

    with pytest.raises(PolicyError):
        analyze_clip(frames(), engines=engines, use_context={"domain": "recruitment"})


def test_a_film_without_a_face_says_so(engines: Engines) -> None:
    grey = [Frame(np.full((60, 80, 3), 120, np.uint8), number / 10) for number in range(5)]
    report = analyze_clip(grey, engines=engines)
    assert report.tracks == ()
    assert "no_face" in codes(report)


def test_what_flashes_up_is_left_out_and_counted(head: NDArray[np.uint8], engines: Engines) -> None:
    report = analyze_clip(film(head, 1.5, lambda time: time < 0.1), engines=engines)
    assert report.tracks == ()
    assert {"no_face", "brief_faces_left_out"} <= codes(report)


def test_a_single_frame_is_enough_for_a_face(frames: list[Frame], engines: Engines) -> None:
    report = analyze_clip(frames[:1], engines=engines)
    assert len(report.tracks) == 1
    assert report.tracks[0].frames == 1


def test_what_breaks_off_is_reported_up_to_there(frames: list[Frame], engines: Engines) -> None:
    def breaking() -> Iterator[Frame]:
        yield from frames[:10]
        raise OSError("the cable was pulled")

    report = analyze_clip(breaking(), engines=engines)
    assert report.source.frames == 10
    assert "clip_damaged" in codes(report)
    assert len(report.tracks) == 1
    assert "Not all of it was read" in report.summary


def test_what_breaks_at_once_is_an_error(engines: Engines) -> None:
    with pytest.raises(FerceError):
        analyze_clip(iter(()), engines=engines)
    with pytest.raises(InputError):
        analyze_clip(b"no film at all", engines=engines)
    with pytest.raises(ClipAccessError):
        analyze_clip(engines=engines)


class Endless:
    """Frames that never end, which are counted."""

    def __init__(self, frames: list[Frame]) -> None:
        self.frames, self.given = frames, 0

    def __iter__(self) -> Iterator[Frame]:
        while True:
            pixels = self.frames[self.given % len(self.frames)].pixels
            yield Frame(pixels, self.given / RATE)
            self.given += 1

    def is_let_go(self) -> bool:
        """Return whether nobody takes frames any more."""
        given = self.given
        time.sleep(0.3)
        return self.given == given


async def test_closing_the_stream_ends_the_work_and_lets_go_of_the_film(frames: list[Frame], engines: Engines) -> None:
    endless = Endless(frames)
    seen: list[str] = []
    async with aclosing(stream_clip(iter(endless), engines=engines)) as events:
        async for event in events:
            seen.append(event.event)
            if event.event == "reading":
                break
    assert "report" not in seen
    assert endless.is_let_go()


async def test_cancelling_the_task_ends_the_work(frames: list[Frame], engines: Engines) -> None:
    endless, begun = Endless(frames), asyncio.Event()
    work = asyncio.create_task(aanalyze_clip(iter(endless), engines=engines, on_event=lambda _: begun.set()))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert endless.is_let_go()


def test_stopping_it_gives_the_report_of_what_was_read(frames: list[Frame], engines: Engines) -> None:
    endless, stop = Endless(frames), threading.Event()

    def on_event(event: ClipEvent) -> None:
        if isinstance(event, ReadingEvent):
            stop.set()

    report = analyze_clip(iter(endless), engines=engines, on_event=on_event, stop=stop)
    assert "stopped_early" in codes(report)
    assert len(report.tracks) == 1
    assert endless.is_let_go()


def test_an_error_of_the_listener_comes_through_and_ends_the_work(frames: list[Frame], engines: Engines) -> None:
    endless = Endless(frames)

    def on_event(_: ClipEvent) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        analyze_clip(iter(endless), engines=engines, on_event=on_event)
    assert endless.is_let_go()


def test_ctrl_c_ends_the_work_while_the_caller_only_waits(frames: list[Frame], engines: Engines) -> None:
    endless = Endless(frames)

    def frames_until_interrupted() -> Iterator[Frame]:
        for frame in endless:
            if endless.given == 20:
                signal.raise_signal(signal.SIGINT)  # Python delivers it to the main thread
            yield frame

    with pytest.raises(KeyboardInterrupt):
        analyze_clip(frames_until_interrupted(), engines=engines)
    assert endless.is_let_go()


def test_a_model_looks_at_moments_only(frames: list[Frame]) -> None:
    report = analyze_clip(frames, engines=Engines(Settings(vlm="test")))
    asked = [one for one in report.moments if one.vlm is not None]
    assert [one.why for one in asked] == ["apex"]
    assert report.provenance.vlm is not None
    assert report.provenance.prompts
    assert report.provenance.left_machine == ()


def test_a_camera_s_report_says_that_it_was_on(clip_report: ClipReport, engines: Engines) -> None:
    decision = engines.permit(None)
    camera = clip_report.source.model_copy(update={"kind": "camera"})
    assert policy_of(decision, camera).notice.endswith(CAMERA_ON)
    assert CAMERA_ON not in policy_of(decision, clip_report.source).notice


@pytest.fixture(scope="module")
def file(frames: list[Frame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen seconds of film in a file, at two frames a second."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    size = frames[0].pixels.shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 2.0, size)
    for number in range(26):
        writer.write(frames[number % len(frames)].pixels)
    writer.release()
    return path


def test_a_camera_is_read_until_it_is_gone(file: Path, engines: Engines) -> None:
    camera = open_camera(0, opener=lambda _: cv2.VideoCapture(str(file)))
    report = analyze_clip(camera, engines=engines)
    assert report.source.kind == "camera"
    assert report.policy.notice.endswith(CAMERA_ON)
    assert report.source.frames > 0


def opened(file: Path) -> bool:
    """Return whether this process holds the file open."""
    folder = Path("/proc/self/fd")
    return any(os.path.realpath(name) == str(file) for name in folder.iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files can only be listed on Linux")
async def test_a_file_is_closed_however_the_run_ends(file: Path, engines: Engines) -> None:
    with file.open("rb"):
        assert opened(file)
    async with aclosing(stream_clip(file, engines=engines)) as events:
        async for _ in events:
            break  # the reader is anywhere in the film by now, or has finished
    assert not opened(file)
    with pytest.raises(ZeroDivisionError):
        analyze_clip(file, engines=engines, on_event=lambda _: 1 / 0)  # type: ignore[arg-type]
    assert not opened(file)
    analyze_clip(file, engines=engines, end_s=1.0)
    assert not opened(file)


def check_no_film(saver: InMemorySaver, file: Path) -> None:
    stored = json.dumps([str(entry) for entry in saver.list(None)], default=str) + str(saver.blobs) + str(saver.writes)
    assert "JFIF" not in stored
    assert "base64" not in stored
    assert len(stored) < 3_000_000


def test_a_stopped_clip_goes_on_where_it_was(file: Path, engines: Engines) -> None:
    saver = InMemorySaver()
    made, context = build_clip_graph(saver), ClipContext(engines=engines, roots=(file.parent,))
    whole = ClipReport.model_validate(
        build_clip_graph(InMemorySaver()).invoke({"clip": str(file)}, THREAD, context=context)["report"]
    )
    for part in made.stream({"clip": str(file)}, THREAD, context=context, stream_mode="values"):
        if part.get("progress"):
            break  # the first ten seconds are read
    assert made.get_state(THREAD).next == ("read",)
    last = ClipReport.model_validate(made.invoke(None, THREAD, context=context)["report"])
    assert last.source.frames == whole.source.frames == 26
    assert last.source.sha256 == whole.source.sha256
    assert [one.first_s for one in last.tracks] == [one.first_s for one in whole.tracks]
    assert [one.frames for one in last.tracks] == [one.frames for one in whole.tracks]
    check_no_film(saver, file)


def test_another_film_is_not_gone_on_with(file: Path, engines: Engines, frames: list[Frame]) -> None:
    made = build_clip_graph(InMemorySaver())
    for part in made.stream({}, THREAD, context=ClipContext(engines=engines, clip=file), stream_mode="values"):
        if part.get("progress"):
            break
    other = file.with_name("other.avi")
    other.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(ClipFormatError):
        made.invoke(None, THREAD, context=ClipContext(engines=engines, clip=other))


def test_a_path_needs_roots_and_a_data_url_is_not_kept(file: Path, engines: Engines) -> None:
    saver = InMemorySaver()
    compiled = build_clip_graph(saver)
    with pytest.raises(InputError):
        compiled.invoke({"clip": str(file)}, THREAD, context=ClipContext(engines=engines))
    url = f"data:video/x-msvideo;base64,{base64.b64encode(file.read_bytes()).decode()}"
    asked = {"clip": url, "end_s": 2.0}
    made = compiled.invoke(asked, {"configurable": {"thread_id": "two"}}, context=ClipContext(engines=engines))
    assert made["report"]["source"]["kind"] == "bytes"
    check_no_film(saver, file)


def test_an_unknown_field_is_a_message(engines: Engines) -> None:
    with pytest.raises(InputError, match="no field"):
        build_clip_graph(False).invoke({"clips": "x"}, context=ClipContext(engines=engines))


def test_a_server_can_describe_it() -> None:
    served = graph()
    assert set(served.get_input_jsonschema()["properties"]) == set(FIELDS)
    assert "report" in served.get_output_jsonschema()["properties"]
    assert served.get_context_jsonschema() is not None


def test_inside_another_graph_its_events_are_seen(frames: list[Frame], engines: Engines) -> None:
    class Outer(TypedDict):
        found: int

    def node(_: Outer) -> Outer:
        return {"found": len(analyze_clip(frames[:6], engines=engines).tracks)}

    builder: Any = StateGraph(Outer)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    compiled = builder.compile(checkpointer=InMemorySaver())
    parts: list[Any] = list(compiled.stream({"found": 0}, THREAD, stream_mode=["custom", "values"]))
    assert parts[-1][1] == {"found": 1}
    told = [part for mode, part in parts if mode == "custom"]
    assert all(part["tool"] == "analyze_clip" for part in told)
    assert {"progress", "track_begins"} <= {part["event"] for part in told}
    assert "reading" not in {part["event"] for part in told}


def test_faces_beyond_the_limit_are_counted(head: NDArray[np.uint8]) -> None:
    pair = [Frame(np.hstack([one.pixels, one.pixels]), one.time) for one in film(head, 0.5)]
    report = analyze_clip(pair, engines=Engines(Settings(max_faces=1)))
    (entry,) = [one for one in report.degraded if one.code == "more_faces_than_limit"]
    assert entry.count == 1
    assert len(report.tracks) == 1


def test_two_people_who_smile_are_followed_apart(head: NDArray[np.uint8], engines: Engines) -> None:
    def pair() -> Iterator[Frame]:
        for one, other in zip(film(head, 2.0), film(np.asarray(head[:, ::-1]), 2.0), strict=True):
            yield Frame(np.hstack([one.pixels, other.pixels]), one.time)

    pictures: dict[str, bytes] = {}
    report = analyze_clip(pair(), engines=engines, pictures=pictures)
    assert [one.id for one in report.tracks] == ["track-1", "track-2"]
    (together,) = [one for one in report.moments if one.why == "together"]
    assert together.track is None
    assert together.id in pictures
    assert "2 faces were followed" in report.summary


def test_with_a_memory_a_model_looks_too_and_nothing_of_it_is_kept(frames: list[Frame]) -> None:
    saver = InMemorySaver()
    context = ClipContext(engines=Engines(Settings(vlm="test")), clip=frames)
    made = ClipReport.model_validate(build_clip_graph(saver).invoke({}, THREAD, context=context)["report"])
    assert [one.why for one in made.moments if one.vlm is not None] == ["apex"]
    last = saver.get_tuple(THREAD)
    assert last is not None
    kept = {name: value for name, value in last.checkpoint["channel_values"].items() if value not in (None, [], {})}
    assert set(kept) <= {*FIELDS, "report"}


def test_leaving_the_loop_over_events_early_says_nothing(tmp_path: Path) -> None:
    """A loop that ends with `break` closes nothing itself; the interpreter's clean-up must find nothing to tell."""
    path = tmp_path / "film.mp4"
    path.write_bytes(film_of(1, 2.0))
    code = (
        "import asyncio, sys\nfrom ferce_agent import stream_clip\n"
        "async def first():\n    async for event in stream_clip(sys.argv[1]):\n"
        "        if event.event == 'reading':\n            break\nasyncio.run(first())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
