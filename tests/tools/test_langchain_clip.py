from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip import open_clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.policy.use import UseContext
from ferce_agent.report import ClipReport
from ferce_agent.tools import clip_opening
from ferce_agent.tools.langchain_clip import create_analyze_clip_tool
from tests.tool_calls import call
from tests.tools.face_films import film, is_open, pictures, saved, url
from tests.tools.wrong_clip_arguments import NOT_JSON, WRONG
from tests.views.brief_sizes import tokenizers

ONE: RunnableConfig = {"configurable": {"thread_id": "one"}}
LOOK = {"messages": [HumanMessage("What does the face in the film show?")]}
HIRING = {"domain": "recruitment", "purpose": "rank applicants"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second of the smiling portrait, ten frames a second."""
    return saved(tmp_path)


def test_the_model_gets_a_brief_and_the_program_the_report(clip: Path) -> None:
    answer = call(create_analyze_clip_tool(roots=[clip.parent]), clip=clip.name)
    assert answer.status == "success"
    text = str(answer.content)
    assert "track-1" in text
    assert {name for name, count in tokenizers().items() if count(text) > 700} == set()
    report = ClipReport.model_validate(answer.artifact)
    assert (len(report.tracks), report.source.frames) == (1, 10)
    assert not is_open(clip)


def test_the_whole_report_in_words_on_demand(clip: Path) -> None:
    tool = create_analyze_clip_tool(roots=[clip.parent])
    brief, full = call(tool, clip=clip.name), call(tool, clip=clip.name, detail="full")
    assert len(str(full.content)) > len(str(brief.content))
    assert max(count(str(full.content)) for count in tokenizers().values()) < 25_000
    assert set(full.artifact) == set(brief.artifact)


def test_a_part_of_a_film_and_fewer_frames(clip: Path) -> None:
    tool = create_analyze_clip_tool(roots=[clip.parent])
    part = call(tool, clip=clip.name, start_s=0.3, end_s="0.7")
    source = ClipReport.model_validate(part.artifact).source
    assert source.first_s == pytest.approx(0.3, abs=0.01)
    assert source.frames == 4
    fewer = ClipReport.model_validate(call(tool, clip=clip.name, fps=5).artifact)
    assert fewer.source.frames == 5


def test_possible_micro_expressions_are_looked_for_where_asked(tmp_path: Path) -> None:
    path = saved(tmp_path, "fast.mp4", rate=30)
    tool = create_analyze_clip_tool(roots=[tmp_path])
    codes = [
        {entry.code for entry in ClipReport.model_validate(call(tool, clip=path.name, micro=micro).artifact).degraded}
        for micro in (False, True)
    ]
    assert "micro_not_looked_for" in codes[0]
    assert "micro_not_looked_for" not in codes[1]


def test_where_the_film_is_over_before_the_part_asked_for_the_model_is_told_so(clip: Path) -> None:
    answer = call(create_analyze_clip_tool(roots=[clip.parent]), clip=clip.name, start_s=5)
    assert answer.status == "error"
    assert "(clip_times): The film has no frame in the part that was asked for. It lasts 1.0 s." in str(answer.content)


def test_too_few_frames_a_second_for_micro_expressions_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path, "fast.mp4", rate=30)
    answer = call(create_analyze_clip_tool(roots=[tmp_path]), clip=path.name, micro=True, fps=10)
    report = ClipReport.model_validate(answer.artifact)
    assert "frame_rate_too_low" in {entry.code for entry in report.degraded}


def test_a_folder_of_pictures_and_a_data_url(tmp_path: Path) -> None:
    pictures(tmp_path / "frames")
    answer = call(create_analyze_clip_tool(roots=[tmp_path]), clip="frames")
    assert ClipReport.model_validate(answer.artifact).source.kind == "pictures"
    answer = call(create_analyze_clip_tool(), clip=url())
    assert ClipReport.model_validate(answer.artifact).source.kind == "bytes"


def test_a_film_without_faces_is_no_error() -> None:
    answer = call(create_analyze_clip_tool(), clip=url(faces=False))
    assert answer.status == "success"
    assert ClipReport.model_validate(answer.artifact).tracks == ()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "/dev/video0", "/dev/zero", "https://example.org/x.mp4", "file:///etc/passwd",
        "rtsp://example.org/1", "concat:a.mp4|b.mp4", "", "data:,x", "0", "missing.mp4", "outside.mp4", "elsewhere",
        "data:video/mp4;base64,AAAA",
    ],
)  # fmt: skip
def test_what_it_may_not_open_gives_an_error_message(tmp_path: Path, name: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    film_outside = saved(outside)
    (inside / "outside.mp4").symlink_to(film_outside)
    (inside / "elsewhere").symlink_to(outside, target_is_directory=True)
    answer = call(create_analyze_clip_tool(roots=[inside]), clip=name)
    assert answer.status == "error"
    assert "The clip was not analysed (clip_" in str(answer.content)
    assert str(tmp_path) not in str(answer.content)


def test_a_picture_of_a_folder_that_leads_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    frames = pictures(tmp_path / "root" / "frames")
    other = pictures(tmp_path / "other", 1)
    (frames / "frame-001.jpg").unlink()
    (frames / "frame-001.jpg").symlink_to(other / "frame-000.jpg")
    answer = call(create_analyze_clip_tool(roots=[tmp_path / "root"]), clip="frames")
    if answer.status == "success":  # the others may be read
        report = ClipReport.model_validate(answer.artifact)
        assert report.source.frames == 3
        assert "clip_damaged" in {entry.code for entry in report.degraded}


@pytest.mark.parametrize(("arguments", "message"), [*WRONG, *NOT_JSON])
def test_wrong_arguments_are_explained(clip: Path, arguments: dict[str, Any], message: str) -> None:
    tool = create_analyze_clip_tool(roots=[clip.parent])
    arguments = {name: clip.name if value == "CLIP" else value for name, value in arguments.items()}
    request = {"name": "analyze_clip", "args": dict(arguments), "id": "1", "type": "tool_call"}
    answers = [call(tool, **arguments), tool.invoke(request), asyncio.run(tool.ainvoke(dict(request)))]
    for answer in answers:
        assert isinstance(answer, ToolMessage)
        assert answer.status == "error"
    for text in [*(answer.content for answer in answers), tool.invoke(dict(arguments))]:
        assert str(text).startswith("The clip was not analysed (settings): ")
        assert message in str(text)
        assert "[type=" not in str(text)


def test_a_refused_use_opens_no_file_and_ones_own_rules_cannot_be_loosened(clip: Path) -> None:
    tool = create_analyze_clip_tool(roots=[clip.parent])
    assert "policy_refused" in str(call(tool, clip="/etc/passwd", use_context=HIRING).content)
    assert "policy_refused" in asyncio.run(tool.ainvoke({"clip": "/etc/passwd", "use_context": HIRING}))
    own = Engines(use=UseContext.model_validate({"domain": "workplace", "jurisdiction": "eu"}))
    strict = create_analyze_clip_tool(roots=[clip.parent], engines=own)
    for said in (None, {"domain": "entertainment"}):
        report = ClipReport.model_validate(call(strict, clip=clip.name, use_context=said).artifact)
        assert "policy_restricted" in {entry.code for entry in report.degraded}
        assert all(episode.expression is None for track in report.tracks for episode in track.episodes)


def test_an_error_of_any_other_kind_is_told_and_logged(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def permit(self, use: object, *, heard: bool = False) -> Any:
            raise RuntimeError("secret inside")

    tool = create_analyze_clip_tool(roots=[clip.parent], engines=Broken())
    with caplog.at_level(logging.ERROR):
        answers = [call(tool, clip=clip.name).content, asyncio.run(tool.ainvoke({"clip": clip.name}))]
    for text in answers:
        assert str(text).startswith("The clip was not analysed (engine): Something went wrong inside (RuntimeError).")
        assert "secret" not in str(text)
    assert "secret inside" in caplog.text


def test_what_the_model_is_told_of_the_tool_is_small() -> None:
    tool = create_analyze_clip_tool()
    told = {"clip", "start_s", "end_s", "fps", "micro", "sound", "transcript", "keep_words", "baseline"}
    told |= {"use_context", "detail"}
    assert set(tool.args) == told
    sent = json.dumps(convert_to_openai_tool(tool))
    assert {name: count(sent) for name, count in tokenizers().items() if count(sent) > 1000} == {}
    assert "camera" not in sent


class Caller(BaseChatModel):
    """Calls the tool once, then repeats what it was told."""

    clip: str

    @property
    def _llm_type(self) -> str:
        return "caller"

    def bind_tools(self, tools: Any, **options: Any) -> Runnable[Any, AIMessage]:
        return self.bind(**options)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        told = [str(one.text) for one in messages if isinstance(one, ToolMessage)]
        asked: Any = {"name": "analyze_clip", "args": {"clip": self.clip}, "id": "call-1", "type": "tool_call"}
        reply = AIMessage(" ".join(told)) if told else AIMessage("", tool_calls=[asked])
        return ChatResult(generations=[ChatGeneration(message=reply)])


def agent_for(clip: Path, checkpointer: InMemorySaver | None = None) -> Any:
    tool = create_analyze_clip_tool(roots=[clip.parent])
    return create_agent(Caller(clip=clip.name), [tool], checkpointer=checkpointer)


def stored(saver: InMemorySaver) -> bytes:
    """Return every byte that the memory holds."""
    return repr([*saver.storage.values(), *saver.writes.values(), *saver.blobs.values()]).encode()


async def test_an_agent_with_a_memory_gets_the_report_and_hears_how_far_it_is(clip: Path) -> None:
    saver = InMemorySaver()
    agent = agent_for(clip, saver)
    parts = [part async for part in agent.astream(LOOK, ONE, stream_mode=["custom", "values"])]
    told = [part for mode, part in parts if mode == "custom"]
    progress = [part for part in told if part["event"] == "progress"]
    assert {part["tool"] for part in told} == {"analyze_clip"}
    assert progress[-1]["frames"] == 10
    assert [part["frames"] for part in progress] == sorted(part["frames"] for part in progress)
    assert all(part["of"] is not None and part["frames"] <= part["of"] for part in progress)
    assert "reading" not in {part["event"] for part in told}
    messages = parts[-1][1]["messages"]
    assert "track-1" in str(messages[-1].text)
    (answer,) = [one for one in messages if isinstance(one, ToolMessage)]
    assert ClipReport.model_validate(answer.artifact).tracks
    kept = stored(saver)
    assert b"ndarray" not in kept
    assert b"JFIF" not in kept
    assert film()[2000:2060] not in kept
    assert repr(film()[2000:2040])[2:-1].encode() not in kept


def test_an_agent_without_an_event_loop(clip: Path) -> None:
    assert "track-1" in str(agent_for(clip).invoke(LOOK)["messages"][-1].text)


async def test_the_event_loop_goes_on_while_a_film_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, "longer.mp4", seconds=3.0)
    tool = create_analyze_clip_tool(roots=[tmp_path])
    reading = asyncio.ensure_future(tool.ainvoke({"clip": path.name}))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert "track-1" in await reading
    assert turns > 100


@pytest.mark.parametrize("around", ["tool", "agent"])
async def test_cancelled_half_way_the_work_stops_and_the_film_is_closed(
    tmp_path: Path, around: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = saved(tmp_path, "long.mp4", seconds=60.0), frames_held()
    clips: list[Any] = []
    real = open_clip

    def noted(*arguments: Any, **options: Any) -> Any:
        clips.append(real(*arguments, **options))
        return clips[-1]

    monkeypatch.setattr(clip_opening, "open_clip", noted)
    tool = create_analyze_clip_tool(roots=[tmp_path])
    work = tool.ainvoke({"clip": path.name}) if around == "tool" else agent_for(path).ainvoke(LOOK)
    reading = asyncio.ensure_future(work)
    while not (clips and clips[0].frames_read > 20):
        await asyncio.sleep(0.01)
        assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await ended(path)
    assert clips[0].frames_read < 600
    assert await soon(lambda: frames_held() <= before)  # the batch under way is the last
    assert "track-1" in await tool.ainvoke({"clip": path.name, "end_s": 1})


async def test_cancelled_while_it_is_opened_the_film_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    real, began, go_on = open_clip, threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> Any:
        opened = real(*arguments, **options)
        began.set()
        go_on.wait(60)
        return opened

    monkeypatch.setattr(clip_opening, "open_clip", slow)
    reading = asyncio.ensure_future(create_analyze_clip_tool(roots=[tmp_path]).ainvoke({"clip": path.name}))
    assert await asyncio.to_thread(began.wait, 60)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert is_open(path)
    go_on.set()
    assert await ended(path)


def frames_held() -> int:
    """Return how many pictures of films are in memory."""
    gc.collect()
    return sum(type(one) is Frame for one in gc.get_objects())


async def ended(path: Path) -> bool:
    """Wait until the film is closed and no thread decodes any more."""
    return await soon(
        lambda: not is_open(path) and not [one for one in threading.enumerate() if one.name == "ferce-ahead"]
    )


async def soon(so: Callable[[], bool]) -> bool:
    """Wait until something is so, a minute at most; return whether it is."""
    for _ in range(1200):
        if so():
            return True
        await asyncio.sleep(0.05)
    return False
