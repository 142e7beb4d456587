"""The sound of films in the clip workflow: heard beside the pictures, never a reason to fail."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from ferce_agent import ClipReport, Engines, analyze_clip, stream_clip
from ferce_agent.errors import TranscriptError
from ferce_agent.graphs.clip import build_clip_graph
from ferce_agent.graphs.clip_state import ClipContext
from ferce_agent.inputs.clip import open_clip
from ferce_agent.inputs.sound_parts import Sound
from ferce_agent.inputs.transcript import Transcript
from ferce_agent.report.clip_events import SpeechEvent
from tests.clips.speech_films import talking_film
from tests.tools.face_films import film
from tests.tools.test_langchain_clip import stored

WORDS = "What a lovely surprise, thank you so much"


@pytest.fixture(scope="module")
def talking() -> bytes:
    return talking_film("speaks")


@pytest.fixture(scope="module")
def report(talking: bytes) -> ClipReport:
    return analyze_clip(talking, transcript=WORDS)


def codes(report: ClipReport) -> set[str]:
    return {entry.code for entry in report.degraded}


def test_who_speaks_and_how_stands_in_the_report(report: ClipReport) -> None:
    (turn,) = report.speech
    assert report.sound is not None and report.sound.kind == "clip"
    assert report.listened is not None and report.listened.activity.name
    assert 0.4 < turn.start_s < 0.65 and 2.0 < turn.end_s < 2.4
    assert turn.speaker == "track-1" and (turn.speaker_confidence or 0) >= 0.6
    assert turn.prosody.pitch_hz is not None and 80 < turn.prosody.pitch_hz < 260
    assert "sound_not_read" not in codes(report)
    assert {entry.kind for entry in report.evidence if entry.id in turn.evidence} >= {"prosody", "words", "movement"}


def test_words_are_counted_and_not_kept(report: ClipReport, talking: bytes) -> None:
    words = report.speech[0].words
    assert words is not None
    assert (words.count, words.text, words.language) == (8, None, "en")
    assert "lovely" not in report.model_dump_json()
    kept = analyze_clip(talking, transcript=WORDS, keep_words=True).speech[0].words
    assert kept is not None and kept.text == WORDS


def test_the_face_of_who_speaks_is_fused_with_the_words(report: ClipReport) -> None:
    (fused,) = report.fused
    assert (fused.track, fused.turn) == ("track-1", "speech-1")
    assert {share.modality for share in fused.shares} >= {"face", "words"}
    assert sum(fused.probabilities.values()) == pytest.approx(1, abs=0.01)


def test_sound_can_be_left_out(talking: bytes) -> None:
    silent = analyze_clip(talking, sound=False)
    assert silent.source.audio and silent.sound is None and silent.speech == ()
    assert "sound_not_read" in codes(silent)


def test_a_film_without_sound_says_nothing_about_it() -> None:
    report = analyze_clip(film(0.6))
    assert report.sound is None and report.listened is None
    assert not codes(report) & {"sound_not_read", "no_speech", "words_not_heard"}


@pytest.mark.parametrize("way", ["path", "stream", "clip", "data"])
def test_every_way_of_giving_a_film_is_listened_to(way: str, talking: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(talking)
    stream = io.BytesIO(talking)
    if way == "clip":
        with open_clip(path, end_s=1.5) as clip:
            report = analyze_clip(clip)
        assert report.speech[0].end_s <= 1.55
    else:
        given: dict[str, Any] = {"path": path, "stream": stream, "data": talking}
        report = analyze_clip(given[way])
    assert report.speech and report.sound is not None
    assert not stream.closed and stream.tell() == 0
    assert not any(thread.name == "ferce-listen" for thread in threading.enumerate())


def test_a_stream_that_cannot_be_wound_back_says_so(talking: bytes) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise OSError("a pipe")

    report = analyze_clip(Pipe(talking))
    assert report.tracks and not report.speech
    assert "sound_not_read" in codes(report)


def test_what_cannot_be_heard_costs_only_the_sound(talking: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no ears")

    monkeypatch.setattr("ferce_agent.voice.listening.listen", broken)
    report = analyze_clip(talking)
    (entry,) = [entry for entry in report.degraded if entry.stage == "listen"]
    assert report.tracks and report.sound is None
    assert entry.code == "step_failed" and "no ears" in entry.message


def test_a_transcript_that_cannot_be_used_is_refused_before_anything_is_opened(talking: bytes) -> None:
    with pytest.raises(TranscriptError):
        analyze_clip(talking, transcript=3)  # type: ignore[arg-type]


def test_where_rules_allow_no_inference_only_how_it_is_spoken_is_told(talking: bytes) -> None:
    use = {"domain": "workplace", "jurisdiction": "eu"}
    report = analyze_clip(talking, transcript=WORDS, use_context=use)
    (turn,) = report.speech
    assert turn.voice is None and turn.arousal is None and report.fused == () and report.conflicts == ()
    assert turn.words is not None and turn.words.expression is None
    assert turn.prosody.pitch_hz is not None
    (note,) = [entry for entry in report.degraded if entry.code == "policy_restricted"]
    assert "how turns are spoken" in note.message


def test_where_a_transcriber_may_not_be_asked_the_report_does_not_say_that_there_is_none(talking: bytes) -> None:
    class Never:
        name, version, remote = "never", "1", False

        def transcribe(self, sound: Sound) -> Transcript:
            raise AssertionError("asked against the rules")

    engines = Engines(transcriber=Never())
    report = analyze_clip(talking, use_context={"domain": "workplace", "jurisdiction": "eu"}, engines=engines)
    (note,) = [entry for entry in report.degraded if entry.code == "words_not_heard"]
    assert note.message.endswith("no transcriber is set up that may be asked.")


async def test_turns_are_told_as_events(talking: bytes) -> None:
    events = [event async for event in stream_clip(talking)]
    told = [event.turn for event in events if isinstance(event, SpeechEvent)]
    assert [turn.id for turn in told] == ["speech-1"]
    assert events[-1].event == "report" and events[-1].report.speech == tuple(told)


def test_a_run_that_goes_on_from_a_checkpoint_listens_again(talking: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(talking)
    graph = build_clip_graph(InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    context = ClipContext(engines=Engines(), roots=(tmp_path,))
    graph.invoke({"clip": str(path)}, config, context=context, interrupt_before=["compose"])
    assert graph.get_state(config).next == ("compose",)
    report = ClipReport.model_validate(graph.invoke(None, config, context=context)["report"])
    assert report.speech[0].speaker == "track-1"


def test_no_words_reach_a_checkpoint(talking: bytes, tmp_path: Path) -> None:
    memory = InMemorySaver()
    graph = build_clip_graph(memory)
    path = tmp_path / "film.mp4"
    path.write_bytes(talking)
    config: Any = {"configurable": {"thread_id": "1"}}
    context = ClipContext(engines=Engines(), roots=(tmp_path,))
    made = graph.invoke({"clip": str(path), "transcript": WORDS}, config, context=context)["report"]
    assert made["speech"][0]["words"]["count"] == 8
    assert b"lovely" not in stored(memory)


def test_a_reading_that_is_stopped_is_heard_up_to_there(talking: bytes) -> None:
    stop = threading.Event()
    stop.set()
    report = analyze_clip(talking, stop=stop)
    assert all(turn.start_s <= report.source.last_s for turn in report.speech)
