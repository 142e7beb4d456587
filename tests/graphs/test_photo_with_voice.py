"""A voice message beside a photo through Python, the chat and the command."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from langchain_core.messages import HumanMessage

from ferce_agent import aanalyze_expression, analyze_expression
from ferce_agent.chat.models import GuidedChatModel
from ferce_agent.cli import main
from ferce_agent.errors import InputError, SettingsError
from ferce_agent.evaluation.speed import demo_photo
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_state import ChatContext
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.photo import load_picture
from ferce_agent.report import EmotionReport
from tests.graphs.test_chat_voices import part
from tests.tools.voices import message, saved
from tests.voice_reports import make_voice_report

SAID = "Marmalade again. I lost my job."


def without_time(report: EmotionReport) -> dict[str, Any]:
    return report.model_dump(mode="json", exclude={"provenance", "voice"})


def test_the_voice_stands_beside_the_face_which_is_read_as_without_it(engines: Engines) -> None:
    plain = analyze_expression(demo_photo(), engines=engines)
    heard = analyze_expression(demo_photo(), voice=message(), transcript=SAID, engines=engines)
    assert plain.voice is None
    assert heard.voice is not None
    assert len(heard.voice.speech) == 1
    assert heard.people == plain.people
    assert heard.summary == plain.summary
    assert "armalade" not in heard.model_dump_json()
    kept = analyze_expression(demo_photo(), voice=message(), transcript=SAID, keep_words=True, engines=engines)
    assert "armalade" in kept.model_dump_json()


async def test_without_blocking_it_says_the_same(engines: Engines) -> None:
    asked: dict[str, Any] = {"voice": message(), "transcript": SAID, "voice_of": "person-1", "engines": engines}
    blocking = await asyncio.to_thread(lambda: analyze_expression(demo_photo(), **asked))
    assert without_time(await aanalyze_expression(demo_photo(), **asked)) == without_time(blocking)


def test_a_report_may_be_given_in_place_of_the_sound(engines: Engines) -> None:
    found = analyze_expression(demo_photo(), voice=make_voice_report(), engines=engines)
    assert found.voice is not None
    assert found.voice.speech == make_voice_report().speech


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"voice": b"RIFF"}, InputError, "sound"),
        ({"voice": "/nowhere/gone.wav"}, InputError, "gone.wav"),
        ({"voice": message(), "voice_of": "person-9"}, SettingsError, "who is not in this report"),
        ({"voice": message(), "voice_of": 1}, SettingsError, "voice_of must be text, not 1."),
        ({"voice_of": "person-1"}, SettingsError, "voice_of is given, but no voice."),
        ({"transcript": "Hello."}, SettingsError, "transcript is given, but no voice."),
        ({"voice": message(), "transcript": 7}, InputError, "transcript"),
    ],
)
def test_what_cannot_be_used_is_refused(engines: Engines, more: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        analyze_expression(demo_photo(), engines=engines, **more)
    with pytest.raises(error, match=words):
        asyncio.run(aanalyze_expression(demo_photo(), engines=engines, **more))


def test_where_nothing_may_be_inferred_nothing_is(engines: Engines) -> None:
    use = {"domain": "workplace", "jurisdiction": "eu"}
    found = analyze_expression(demo_photo(), voice=message(), transcript=SAID, use_context=use, engines=engines)
    assert found.voice is not None
    assert found.conflicts == ()
    assert found.voice.fused == ()
    assert all(turn.voice is None or turn.voice.expression is None for turn in found.voice.speech)
    assert all(person.expression is None for person in found.people)


def test_a_chat_message_with_both_is_answered_by_one_report(engines: Engines) -> None:
    graph, context = build_chat_graph(GuidedChatModel(), engines=engines), ChatContext()
    name = context.keep(load_picture(demo_photo()))
    content: list[Any] = [{"type": "text", "text": f"[photo {name}]"}, part(transcript="Marmalade again.")]
    graph.invoke({"messages": [HumanMessage(content)]}, context=context)
    (report,) = context.made
    assert report.voice is not None
    assert report.voice.speech[0].id == "speech-1"
    assert "armalade" not in report.voice.model_dump_json()


def test_the_command_takes_a_voice(tmp_path: Path) -> None:
    path = saved(tmp_path)
    result = CliRunner().invoke(main, ["analyze", str(demo_photo()), "--voice", str(path), "--json"])
    assert result.exit_code == 0, result.output
    assert EmotionReport.model_validate(json.loads(result.stdout)).voice is not None
    several = CliRunner().invoke(main, ["analyze", str(demo_photo()), str(demo_photo()), "--voice", str(path)])
    assert several.exit_code == 2
    assert "single photo" in several.stderr
    gone = CliRunner().invoke(main, ["analyze", str(demo_photo()), "--voice", "gone.wav"])
    assert gone.exit_code != 0
    assert "sound_not_found" in gone.stderr
