"""Runs of scenarios on real pictures: the rules first, sources that fail, events, stopping, cancelling."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.graph import END, START, StateGraph
from numpy.typing import NDArray
from typing_extensions import TypedDict

from ferce_agent import arun_scenario, run_scenario, stream_scenario
from ferce_agent.errors import (
    CameraError,
    ClipFormatError,
    ClipNotFoundError,
    DataError,
    EngineError,
    FerceError,
    ImageNotFoundError,
    PolicyError,
    SettingsError,
)
from ferce_agent.graphs.engines import Engines
from ferce_agent.graphs.scenario_sources import plan
from ferce_agent.graphs.scenario_work import stated
from ferce_agent.inputs.frames import Frame
from ferce_agent.policy.use import UseContext
from ferce_agent.report.clip_events import ClipEvent, ReadingEvent
from ferce_agent.report.scenario import ScenarioReport
from ferce_agent.report.scenario_events import ScenarioEvent, ScenarioReportEvent, SourceEvent
from ferce_agent.scenarios.driver import DriverStudy
from ferce_agent.scenarios.preset import preset, presets
from ferce_agent.scenarios.study import study_of
from ferce_agent.settings import Settings
from tests.bad_calls import WRONG_KINDS, nested
from tests.clips.moving import film, head_of

AGREED = {"consent": True}


@pytest.fixture(scope="module")
def frames(pixels: NDArray[np.uint8]) -> list[Frame]:
    return list(film(head_of(pixels), 1.0))


def codes(report: ScenarioReport) -> set[str]:
    return {one.code for one in report.degraded}


class Watched:
    """A film that notes whether anybody began to read it."""

    def __init__(self, frames: list[Frame]) -> None:
        self.frames, self.read = frames, False

    def __iter__(self) -> Iterator[Frame]:
        self.read = True
        yield from self.frames


def test_photos_and_films_are_read_and_what_fails_is_told(photo: Path, frames: list[Frame], engines: Engines) -> None:
    events: list[ScenarioEvent] = []
    gone = photo.parent / "gone.jpg"
    report = run_scenario("moderation", [photo, frames, gone], engines=engines, on_event=events.append)
    assert [one.kind for one in report.sources] == ["photo", "clip", "photo"]
    assert [one.people for one in report.sources] == [1, 1, 0]
    assert "source_failed" in codes(report)
    done = {one.source: one.failed for one in events if isinstance(one, SourceEvent)}
    assert done[0] is None and done[1] is None and "gone.jpg" in str(done[2])
    assert isinstance(events[-1], ScenarioReportEvent) and events[-1].report == report
    assert {"yunet"} < {one.name for one in report.engines}
    assert report.policy.decision == "allowed" and "moderation-people-decide" in report.policy.rules
    assert ScenarioReport.model_validate_json(report.model_dump_json()) == report


def test_a_film_of_a_driver_is_followed(frames: list[Frame], engines: Engines) -> None:
    report = run_scenario("driver", frames, engines=engines, options={"speed_kmh": 30})
    assert report.sources[0].readable_s > 0.8
    assert report.settings["speed_kmh"] == 30 and report.settings["sleep_s"] == 3.0
    assert report.title == preset("driver").title
    assert {one.id for one in report.indicators} >= {"perclos", "away"}


def test_a_single_picture_is_no_film_of_a_driver(photo: Path, frames: list[Frame], engines: Engines) -> None:
    for source in (photo, photo.read_bytes()):
        with pytest.raises(ClipFormatError, match="A single picture is no film"):
            run_scenario("driver", source, engines=engines)
    report = run_scenario("audience", [photo, frames], engines=engines, use_context=AGREED)
    assert "source_failed" in codes(report)


def test_no_expression_of_a_driver_is_read(
    frames: list[Frame], engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ClipEvent] = []
    taken = DriverStudy.clip

    def noting(study: DriverStudy, number: int, event: ClipEvent) -> list[ScenarioEvent]:
        seen.append(event)
        return taken(study, number, event)

    monkeypatch.setattr(DriverStudy, "clip", noting)
    run_scenario("driver", frames, engines=engines)
    points = [one.point for one in seen if isinstance(one, ReadingEvent)]
    assert points and all(one.distribution is None and one.movements for one in points)


def test_a_refused_use_opens_nothing(frames: list[Frame], engines: Engines) -> None:
    source = Watched(frames)
    with pytest.raises(PolicyError, match="audience-needs-consent"):
        run_scenario("audience", [source], engines=engines)
    with pytest.raises(PolicyError, match="no-recruitment"):
        run_scenario("engagement", [source], engines=engines, use_context={"domain": "recruitment"})
    own = Engines(use=UseContext(domain="insurance"))
    with pytest.raises(PolicyError, match="no-insurance"):
        run_scenario("driver", source, engines=own)
    assert not source.read
    report = run_scenario("audience", [source], engines=engines, use_context=AGREED)
    assert source.read and "too_few_people" in codes(report)


def test_where_expressions_may_not_be_read_none_are(photo: Path, engines: Engines) -> None:
    report = run_scenario("moderation", photo, engines=engines, use_context={"domain": "education"})
    assert "policy_restricted" in codes(report) and not report.alerts
    assert report.policy.decision == "restricted"


def test_what_the_caller_says_of_the_use_comes_first() -> None:
    driver = preset("driver")
    assert stated(driver, None, None).domain == "safety"
    said = stated(driver, {"domain": "workplace", "jurisdiction": "eu"}, "self")
    assert (said.domain, said.basis, said.observer) == ("workplace", "safety", "self")
    assert stated(driver, UseContext(basis="none"), None).basis == "none"
    with pytest.raises(SettingsError, match="observers"):
        stated(driver, {"observer": "clinician"}, "self")


def test_no_vision_language_model_takes_part(photo: Path) -> None:
    class Asked:
        name, version, remote, most_pictures = "never", "1", True, 1

        def ask(self, _: Any) -> Any:
            raise AssertionError("it was asked")

    engines = Engines(vlm=Asked())
    alone = engines.alone(replace(engines.settings, max_faces=2))
    assert alone.asker is None and alone.settings.max_faces == 2
    assert alone.pipeline.specialist is engines.pipeline.specialist
    assert engines.alone(Settings(face_threshold=0.9)).pipeline.detector is not engines.pipeline.detector
    assert run_scenario("moderation", photo, engines=engines).sources[0].people == 1


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("drivers", {"sources": "a.mp4"}, "no scenario 'drivers'"),
        ("driver", {}, "nothing to read"),
        ("driver", {"sources": ["a.mp4", "b.mp4"]}, "one source at a time, not 2"),
        ("driver", {"sources": "a.mp4", "options": {"speed": 3}}, "speed"),
        ("driver", {"sources": "a.mp4", "options": 3}, "options must be fields"),
        ("driver", {"sources": np.zeros((9, 9, 3), np.uint8)}, "does not take photos"),
        ("driver", {"camera": True}, "camera must be a number"),
        ("moderation", {"camera": 0}, "does not take cameras"),
        ("moderation", {"sources": {"person": "x"}}, "does not take sessions"),
        ("moderation", {"groups": {"a": ["x.jpg"]}}, "compares no groups"),
        ("moderation", {"groups": ["x.jpg"]}, "groups must be sources by name"),
        ("engagement", {"sources": ["a", "b"], "options": {"offset_s": [1.0]}}, "values of offset_s"),
        ("driver", {"sources": "a.mp4", "engines": 3}, "engines must be"),
        ("driver", {"sources": "a.mp4", "on_event": 3}, "on_event must be"),
        ("driver", {"sources": "a.mp4", "use_context": {"domain": "x"}}, "domain"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_read(name: str, given: Any, error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        run_scenario(name, **given)


def test_where_nothing_can_be_read_that_is_an_error(engines: Engines) -> None:
    with pytest.raises(ClipNotFoundError):
        run_scenario("driver", "gone.mp4", engines=engines)
    with pytest.raises(ImageNotFoundError):
        run_scenario("moderation", "gone.jpg", engines=engines)
    with pytest.raises(DataError, match="None of the 2 sources"):
        run_scenario("moderation", ["gone.jpg", "gone.mp4"], engines=engines)
    with pytest.raises(CameraError):
        run_scenario("driver", camera=77, engines=engines)


def test_missing_weights_end_the_run(photo: Path, tmp_path: Path) -> None:
    engines = Engines(Settings(weights=tmp_path / "none.onnx"))
    with pytest.raises(FerceError) as caught:
        run_scenario("moderation", [photo, photo], engines=engines)
    assert caught.value.code == "weights"


def test_a_stopped_run_reports_what_was_read(frames: list[Frame], photo: Path, engines: Engines) -> None:
    stop = threading.Event()

    def after_the_first(event: ScenarioEvent) -> None:
        if isinstance(event, SourceEvent):
            stop.set()

    report = run_scenario("moderation", [photo, frames, photo], engines=engines, on_event=after_the_first, stop=stop)
    assert len(report.sources) == 1
    assert [one.count for one in report.degraded if one.code == "stopped_early"] == [2]
    with pytest.raises(EngineError, match="stopped"):
        run_scenario("moderation", photo, engines=engines, stop=stop)


def test_a_film_that_is_read_in_part_is_told(photo: Path, frames: list[Frame], engines: Engines) -> None:
    stop = threading.Event()

    def stopped() -> Iterator[Frame]:
        yield from frames[:6]
        stop.set()
        yield from frames[6:]

    report = run_scenario("moderation", [photo, stopped()], engines=engines, stop=stop)
    assert [(one.code, one.source) for one in report.degraded if one.code == "stopped_early"] == [("stopped_early", 1)]
    stop.clear()
    merged = run_scenario("audience", [frames, stopped()], engines=engines, use_context=AGREED, stop=stop)
    (note,) = [one for one in merged.degraded if one.code == "stopped_early"]
    assert note.source is None and note.count == 1 and len(merged.sources) == 1


@pytest.mark.parametrize("name", ["sources", "camera", "groups", "options", "end_s", "use_context", "observer"])
def test_whatever_is_given_there_is_a_report_or_a_typed_error(name: str, photo: Path, engines: Engines) -> None:
    for wrong in [*WRONG_KINDS, "x" * 100_000, "\0", nested(600), {"": []}, [[[]]], object()]:
        given = {"sources": photo, name: wrong}
        for scenario in ("moderation", "engagement", "wellbeing"):
            try:
                report = run_scenario(scenario, engines=engines, **given)
            except FerceError as error:
                assert error.message, (name, wrong)
            else:
                assert report.scenario == scenario


async def test_the_loop_goes_on_while_a_film_is_read(frames: list[Frame], engines: Engines) -> None:
    going = threading.Event()

    def waiting() -> Iterator[Frame]:
        yield from frames[:6]
        assert going.wait(60), "the loop did not go on"
        yield from frames[6:]

    async def go_on() -> None:
        going.set()

    report, _ = await asyncio.gather(arun_scenario("driver", waiting(), engines=engines), go_on())
    assert report.sources[0].readable_s > 0.8
    assert report == report.model_copy() and report.scenario == "driver"


async def test_who_leaves_the_stream_ends_the_work(frames: list[Frame], engines: Engines) -> None:
    read = []

    def endless() -> Iterator[Frame]:
        number = 0
        while True:
            read.append(number)
            yield Frame(frames[number % len(frames)].pixels, number / 12)
            number += 1

    async with aclosing(stream_scenario("driver", endless(), engines=engines)) as events:
        async for event in events:
            if event.event == "progress" and event.time_s > 1:
                break
    before = len(read)
    await asyncio.sleep(0)
    assert len(read) == before  # the thread that reads is over


async def test_a_stream_ends_with_the_report(photo: Path, engines: Engines) -> None:
    events = [event async for event in stream_scenario("moderation", [photo], engines=engines)]
    assert [one.event for one in events] == ["progress", "source", "report"]
    with pytest.raises(PolicyError):
        _ = [event async for event in stream_scenario("audience", [photo], engines=engines)]


def test_a_graph_around_hears_of_the_scenario_and_of_no_single_face(frames: list[Frame], engines: Engines) -> None:
    class Around(TypedDict):
        found: str

    def node(_: Around) -> dict[str, str]:
        return {"found": run_scenario("audience", [frames], engines=engines, use_context=AGREED).summary}

    builder: Any = StateGraph(Around)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    parts = list(builder.compile().stream({"found": ""}, stream_mode=["custom", "updates"], subgraphs=True))
    told: list[Any] = [part for path, mode, part in parts if mode == "custom"]
    assert told and {one["tool"] for one in told} == {"run_scenario"}
    assert {one["event"] for one in told} == {"progress", "source"}
    assert [path for path, _, _ in parts if path] == []


def test_kinds_of_sources(photo: Path, tmp_path: Path, frames: list[Frame]) -> None:
    moderation, audience = preset("moderation"), preset("audience")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.jpg").write_bytes(photo.read_bytes())
    (folder / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    (folder / "notes.txt").write_text("notes")
    mixed = plan(moderation, folder)
    assert [(one.kind, one.given.name) for one in mixed] == [("clip", "a.mp4"), ("photo", "b.jpg")]
    assert [one.given.name for one in plan(audience, folder)] == ["a.mp4"]
    assert [one.given for one in plan(moderation, str(folder), anywhere=False)] == [str(folder)]
    (folder / "a.mp4").unlink()
    assert [(one.kind, one.given) for one in plan(audience, folder)] == [("clip", folder)]
    given = [frames, photo.read_bytes(), "x.png", [(0.0, frames[0].pixels)]]
    assert [one.kind for one in plan(moderation, given)] == ["clip", "photo", "photo", "clip"]
    grouped = plan(audience, ["a.mp4"], groups={"one": ["b.mp4", "c.mp4"], "two": "d.mp4"})
    assert [one.group for one in grouped] == [None, "one", "one", "two"]
    with pytest.raises(DataError, match="no photo and no film"):
        plan(moderation, tmp_path / "folder" / "..")


def test_options_and_limits_share_no_name() -> None:
    for one in presets():
        assert not set(study_of(one.name).options_type.model_fields) & set(one.limits), one.name
