from __future__ import annotations

import asyncio
import json
import logging
import threading
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
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.keeping.baselines import save_baseline
from ferce_agent.keeping.places import FOLDER
from ferce_agent.policy.use import UseContext
from ferce_agent.report import VoiceReport
from ferce_agent.report.baseline import Level
from ferce_agent.tools import voice_opening
from ferce_agent.tools.langchain_voice import create_analyze_voice_tool
from tests.baselines import make_baseline
from tests.tool_calls import call
from tests.tools.face_films import film, is_open
from tests.tools.test_langchain_clip import HIRING, stored
from tests.tools.voices import conversation, message, saved, silence, url
from tests.tools.wrong_voice_arguments import NOT_JSON, WRONG
from tests.views.brief_sizes import tokenizers

ONE: RunnableConfig = {"configurable": {"thread_id": "one"}}
ASK: Any = {"messages": [HumanMessage("How do these two voice messages sound?")]}
SAID = "I lost my job today. Quixotic marmalade."


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """Two seconds of speech."""
    return saved(tmp_path)


def report_of(answer: ToolMessage) -> VoiceReport:
    assert answer.status == "success", answer.content
    return VoiceReport.model_validate(answer.artifact)


def test_the_model_gets_a_brief_and_the_program_the_report(voice: Path) -> None:
    answer = call(create_analyze_voice_tool(roots=[voice.parent]), voice=voice.name)
    report, text = report_of(answer), str(answer.content)
    assert "speech-1" in text
    assert {name for name, count in tokenizers().items() if count(text) > 700} == set()
    (turn,) = report.speech
    assert [turn.start_s, turn.end_s] == pytest.approx([0.5, 2.5], abs=0.2)
    assert not is_open(voice)


def test_the_model_names_a_kept_baseline_and_never_a_file(voice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(voice.parent / "kept"))
    save_baseline(make_baseline(voice={"pitch_st": Level(value=10.0, spread=1.0, error=0.5)}), "anna")
    tool = create_analyze_voice_tool(roots=[voice.parent])
    (turn,) = report_of(call(tool, voice=voice.name, baseline="Anna")).speech
    assert turn.usual is not None and turn.usual.baseline.id == "a1b2c3"
    (voice.parent / "berta.json").write_text(make_baseline().model_dump_json(), encoding="utf-8")
    for name in ("berta", "berta.json", str(voice.parent / "berta.json"), "../kept/baselines/anna"):
        answer = call(tool, voice=voice.name, baseline=name)
        assert answer.status == "error" and "baseline" in str(answer.content), name
        assert "anna" not in str(answer.content).replace(name, "")  # nor are others told


def test_words_are_kept_only_where_that_is_asked_for_and_never_in_the_brief(voice: Path) -> None:
    tool = create_analyze_voice_tool(roots=[voice.parent])
    plain, kept = (call(tool, voice=voice.name, transcript=SAID, keep_words=keep) for keep in (False, True))
    assert "marmalade" not in str(plain) + str(kept.content)
    assert "marmalade" in str(report_of(kept).speech[0].words)
    words = report_of(plain).speech[0].words
    assert words is not None
    assert words.count == 7


def test_subtitles_are_understood(voice: Path) -> None:
    cues = "1\n00:00:00,500 --> 00:00:02,400\nI am so happy, I won the prize!\n"
    report = report_of(call(create_analyze_voice_tool(roots=[voice.parent]), voice=voice.name, transcript=cues))
    words = report.speech[0].words
    assert words is not None
    assert words.expression == "happiness"


def test_a_transcript_is_never_the_name_of_a_file(voice: Path) -> None:
    (voice.parent / "secret.srt").write_text("1\n00:00:00,500 --> 00:00:02,400\nmarmalade\n", "utf-8")
    tool = create_analyze_voice_tool(roots=[voice.parent])
    for name in ("secret.srt", str(voice.parent / "secret.srt"), "/etc/passwd"):
        answer = call(tool, voice=voice.name, transcript=name, keep_words=True, detail="full")
        assert "marmalade" not in str(answer) and "root:" not in str(answer)


def test_the_whole_report_in_words_on_demand(tmp_path: Path) -> None:
    long = saved(tmp_path, "long.wav", conversation(20.0))
    tool = create_analyze_voice_tool(roots=[tmp_path])
    brief, full = call(tool, voice=long.name), call(tool, voice=long.name, detail="full")
    assert len(str(full.content)) > len(str(brief.content))
    assert max(count(str(full.content)) for count in tokenizers().values()) < 25_000
    assert set(full.artifact) == set(brief.artifact)
    part = report_of(call(tool, voice=long.name, start_s=4.5, end_s="9"))
    assert [part.source.first_s, part.source.last_s] == pytest.approx([4.5, 9.0], abs=0.05)


def test_a_data_url_and_silence_and_a_film_without_sound() -> None:
    tool = create_analyze_voice_tool()
    assert report_of(call(tool, voice=url())).source.kind == "bytes"
    silent = report_of(call(tool, voice=url(silence())))
    assert silent.speech == ()
    assert "no_speech" in {entry.code for entry in silent.degraded}
    mute = call(tool, voice=url(film()).replace("audio/wav", "video/mp4"))
    assert mute.status == "error"
    assert "(no_sound)" in str(mute.content)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "/etc/passwd", "/dev/zero", "https://example.org/x.wav", "file:///etc/passwd",
        "rtsp://example.org/1", "concat:a.wav|b.wav", "", "data:,x", "missing.wav", "outside.wav",
        "data:audio/wav;base64,AAAA",
    ],
)  # fmt: skip
def test_what_it_may_not_open_gives_an_error_message(tmp_path: Path, name: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "outside.wav").symlink_to(saved(outside))
    answer = call(create_analyze_voice_tool(roots=[inside]), voice=name)
    assert answer.status == "error"
    assert "The voice was not analysed (sound_" in str(answer.content)
    assert str(tmp_path) not in str(answer.content)


@pytest.mark.parametrize(("arguments", "message"), [*WRONG, *NOT_JSON])
def test_wrong_arguments_are_explained(voice: Path, arguments: dict[str, Any], message: str) -> None:
    tool = create_analyze_voice_tool(roots=[voice.parent])
    arguments = {name: voice.name if value == "VOICE" else value for name, value in arguments.items()}
    request = {"name": "analyze_voice", "args": dict(arguments), "id": "1", "type": "tool_call"}
    for answer in [call(tool, **arguments), asyncio.run(tool.ainvoke(dict(request)))]:
        assert isinstance(answer, ToolMessage)
        assert answer.status == "error"
        assert str(answer.content).startswith("The voice was not analysed (settings): ")
        assert message in str(answer.content)
        assert "[type=" not in str(answer.content)


def test_a_refused_use_opens_no_file_and_ones_own_rules_cannot_be_loosened(voice: Path) -> None:
    tool = create_analyze_voice_tool(roots=[voice.parent])
    assert "policy_refused" in str(call(tool, voice="/etc/passwd", use_context=HIRING).content)
    assert "policy_refused" in asyncio.run(tool.ainvoke({"voice": "/etc/passwd", "use_context": HIRING}))
    own = Engines(use=UseContext.model_validate({"domain": "workplace", "jurisdiction": "eu"}))
    strict = create_analyze_voice_tool(roots=[voice.parent], engines=own)
    for said in (None, {"domain": "entertainment"}):
        report = report_of(call(strict, voice=voice.name, transcript=SAID, use_context=said))
        assert "policy_restricted" in {entry.code for entry in report.degraded}
        assert all(turn.voice is None or turn.voice.expression is None for turn in report.speech)
        assert all(turn.arousal is None and turn.valence is None for turn in report.speech)
        assert report.speech[0].prosody.pitch_hz is not None


def test_an_error_of_any_other_kind_is_told_and_logged(voice: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Engines):
        def permit_sound(self, use: object, **more: Any) -> Any:
            raise RuntimeError("secret inside")

    tool = create_analyze_voice_tool(roots=[voice.parent], engines=Broken())
    with caplog.at_level(logging.ERROR):
        answers = [call(tool, voice=voice.name).content, asyncio.run(tool.ainvoke({"voice": voice.name}))]
    for text in answers:
        assert str(text).startswith("The voice was not analysed (engine): Something went wrong inside (RuntimeError).")
        assert "secret" not in str(text)
    assert "secret inside" in caplog.text


def test_what_the_model_is_told_of_the_tool_is_small() -> None:
    tool = create_analyze_voice_tool()
    assert set(tool.args) == {
        "voice",
        "transcript",
        "keep_words",
        "start_s",
        "end_s",
        "baseline",
        "use_context",
        "detail",
    }
    sent = json.dumps(convert_to_openai_tool(tool))
    assert {name: count(sent) for name, count in tokenizers().items() if count(sent) > 900} == {}
    assert "microphone" not in sent


class Caller(BaseChatModel):
    """Calls the tool for several recordings at once, then repeats what it was told."""

    voices: list[str]

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
        asked: Any = [
            {"name": "analyze_voice", "args": {"voice": voice}, "id": f"call-{number}", "type": "tool_call"}
            for number, voice in enumerate(self.voices)
        ]
        reply = AIMessage(" ".join(told)) if told else AIMessage("", tool_calls=asked)
        return ChatResult(generations=[ChatGeneration(message=reply)])


async def test_an_agent_with_a_memory_listens_to_several_at_once_and_keeps_no_samples(tmp_path: Path) -> None:
    saved(tmp_path)
    saved(tmp_path, "other.wav", conversation(6.0))
    saver = InMemorySaver()
    tool = create_analyze_voice_tool(roots=[tmp_path])
    agent = create_agent(Caller(voices=["message.wav", "other.wav", "gone.wav"]), [tool], checkpointer=saver)
    parts: list[Any] = [part async for part in agent.astream(ASK, ONE, stream_mode=["custom", "values"])]
    told = [part for mode, part in parts if mode == "custom"]
    assert {part["tool"] for part in told} == {"analyze_voice"}
    assert {"progress", "turn"} >= {part["event"] for part in told} >= {"turn"}
    answers = [one for one in parts[-1][1]["messages"] if isinstance(one, ToolMessage)]
    assert [one.status for one in answers] == ["success", "success", "error"]
    assert [len(VoiceReport.model_validate(one.artifact).speech) for one in answers[:2]] == [1, 2]
    assert "sound_not_found" in str(answers[2].content)
    kept = stored(saver)
    assert b"ndarray" not in kept
    for data in (message(), conversation(6.0)):
        assert data[20000:20060] not in kept
        assert repr(data[20000:20040])[2:-1].encode() not in kept
    assert url()[5000:5060].encode() not in kept


def test_an_agent_without_an_event_loop(voice: Path) -> None:
    tool = create_analyze_voice_tool(roots=[voice.parent])
    agent = create_agent(Caller(voices=[voice.name]), [tool])
    assert "speech-1" in str(agent.invoke(ASK)["messages"][-1].text)


async def test_the_event_loop_goes_on_while_it_listens(tmp_path: Path) -> None:
    path = saved(tmp_path, "longer.wav", conversation(30.0))
    listening = asyncio.ensure_future(create_analyze_voice_tool(roots=[tmp_path]).ainvoke({"voice": path.name}))
    turns = 0
    while not listening.done():
        await asyncio.sleep(0)
        turns += 1
    assert "speech-" in await listening
    assert turns > 100


async def test_cancelled_half_way_the_work_stops_and_the_recording_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, "long.wav", conversation(600.0))
    opened: list[SoundStream] = []
    real = open_sound

    def noted(*arguments: Any, **options: Any) -> SoundStream:
        opened.append(real(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(voice_opening, "open_sound", noted)
    tool = create_analyze_voice_tool(roots=[tmp_path])
    listening = asyncio.ensure_future(tool.ainvoke({"voice": path.name}))
    while not (opened and opened[0].level.seconds > 0):
        await asyncio.sleep(0.01)
        assert not listening.done()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert await soon_closed(path)
    assert opened[0].level.seconds < 500
    monkeypatch.undo()
    assert "speech-1" in await tool.ainvoke({"voice": path.name, "end_s": 3})


async def test_cancelled_while_it_is_opened_the_recording_is_closed(
    voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, began, go_on = open_sound, threading.Event(), threading.Event()

    def slow(*arguments: Any, **options: Any) -> SoundStream:
        opened = real(*arguments, **options)
        began.set()
        go_on.wait(60)
        return opened

    monkeypatch.setattr(voice_opening, "open_sound", slow)
    tool = create_analyze_voice_tool(roots=[voice.parent])
    listening = asyncio.ensure_future(tool.ainvoke({"voice": voice.name}))
    assert await asyncio.to_thread(began.wait, 60)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert is_open(voice)
    go_on.set()
    assert await soon_closed(voice)


async def soon_closed(path: Path) -> bool:
    """Wait until a file is closed, a minute at most; return whether it is."""
    for _ in range(1200):
        if not is_open(path):
            return True
        await asyncio.sleep(0.05)
    return False
