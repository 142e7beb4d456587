"""`analyze_voice` and `aanalyze_voice`: every kind of sound, events, rules, ends, and what is refused."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.graph import END, START, MessagesState, StateGraph
from numpy.typing import NDArray
from pydantic import TypeAdapter

from ferce_agent import aanalyze_voice, analyze_voice
from ferce_agent.errors import FerceError, InputError, NoSoundError, PolicyError, SettingsError, SoundNotFoundError
from ferce_agent.evaluation.voice.vowels import syllables
from ferce_agent.inputs.sound import Sound, open_sound
from ferce_agent.keeping.baselines import save_baseline
from ferce_agent.keeping.places import FOLDER
from ferce_agent.report.baseline import Level
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.speech_events import SpeechEvent
from tests.baselines import make_baseline
from tests.damage import damaged
from tests.inputs.films import film
from tests.inputs.sounds import coded
from tests.tools.face_films import is_open
from tests.tools.voices import conversation, saved

RATE = 16_000
EVENTS: TypeAdapter[SpeechEvent] = TypeAdapter(SpeechEvent)


def message(*seconds: float) -> NDArray[np.float32]:
    """Return speech of so many seconds each, with pauses."""
    parts = [np.concatenate([np.zeros(RATE), syllables(length, seed=at)]) for at, length in enumerate(seconds)]
    return np.concatenate([*parts, np.zeros(RATE)]).astype(np.float32)


SPOKEN = message(2.0)


def codes(report: VoiceReport) -> set[str]:
    return {entry.code for entry in report.degraded}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "message.au"
    file.write_bytes(coded("au", samples=SPOKEN))
    return file


def test_every_way_to_give_a_sound(path: Path) -> None:
    given: dict[str, Any] = {
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "stream": io.BytesIO(path.read_bytes()),
        "array": (RATE, SPOKEN),
        "stereo": (RATE, np.stack([SPOKEN, SPOKEN], 1)),
        "sound": Sound(SPOKEN, RATE),
        "blocks": (Sound(SPOKEN[at : at + RATE], RATE, at / RATE) for at in range(0, len(SPOKEN), RATE)),
        "opened": open_sound((RATE, SPOKEN)),
    }
    for name, sound in given.items():
        report = analyze_voice(sound)
        assert len(report.speech) == 1, name
        assert report.source.kind in {"file", "bytes", "samples", "blocks"}, name


def test_the_same_report_without_blocking_the_loop() -> None:
    def plain(report: VoiceReport) -> dict[str, Any]:
        return report.model_dump(exclude={"provenance"})

    assert plain(asyncio.run(aanalyze_voice((RATE, SPOKEN)))) == plain(analyze_voice((RATE, SPOKEN)))


def test_events_tell_how_far_it_is_and_end_with_the_report() -> None:
    for run in (analyze_voice, lambda *args, **more: asyncio.run(aanalyze_voice(*args, **more))):
        events: list[SpeechEvent] = []
        report = run((RATE, message(1.5, 1.5)), on_event=events.append)
        kinds = [event.event for event in events]
        assert kinds.count("turn") == 2 and kinds[-1] == "report" and kinds.count("report") == 1
        times = [event.time_s for event in events if event.event == "progress"]
        assert times == sorted(times) and times[-1] == pytest.approx(report.source.last_s, abs=0.01)
        assert [event.turn for event in events if event.event == "turn"] == [turn.id for turn in report.speech]
        assert all(EVENTS.validate_json(event.model_dump_json()) == event for event in events)


def test_a_part_of_it_keeps_the_times() -> None:
    samples = message(1.5, 1.5)
    report = analyze_voice((RATE, samples), start_s=3.0)
    assert report.source.first_s == 3.0
    assert len(report.speech) == 1 and report.speech[0].start_s > 3.0
    assert analyze_voice((RATE, samples), end_s=3.0).source.last_s == 3.0


def test_a_transcript_file_goes_with_it(tmp_path: Path) -> None:
    subtitles = tmp_path / "said.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:03,000\nWe won the final!\n")
    report = analyze_voice((RATE, SPOKEN), transcript=subtitles, keep_words=True)
    words = report.speech[0].words
    assert words is not None and words.text == "We won the final!"


def test_the_rules_come_first(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        analyze_voice(tmp_path / "nothing.wav", use={"domain": "recruitment"})
    report = analyze_voice((RATE, SPOKEN), use={"domain": "workplace", "jurisdiction": "eu"})
    assert report.speech[0].voice is None and report.speech[0].arousal is None
    assert report.provenance.voice is None
    assert "policy_restricted" in codes(report)


@pytest.mark.parametrize(
    ("sound", "asked", "error"),
    [
        (None, {}, InputError),
        ("nothing.wav", {}, SoundNotFoundError),
        (b"", {}, InputError),
        (b"no sound", {}, InputError),
        ((RATE, SPOKEN), {"start_s": -1}, SettingsError),
        ((RATE, SPOKEN), {"start_s": 2, "end_s": 1}, SettingsError),
        ((RATE, SPOKEN), {"start_s": 100}, NoSoundError),
        ((RATE, SPOKEN), {"transcript": 7}, InputError),
        ((RATE, SPOKEN), {"context": 7}, SettingsError),
        ((RATE, SPOKEN), {"use": {"domain": "circus"}}, SettingsError),
        ((RATE, SPOKEN), {"engines": "fast"}, SettingsError),
        ((RATE, SPOKEN), {"on_event": "print"}, SettingsError),
        ((RATE, np.zeros((2, 3, 4))), {}, InputError),
    ],
)
def test_what_cannot_be_used_is_said(sound: Any, asked: dict[str, Any], error: type[FerceError]) -> None:
    with pytest.raises(error) as one:
        analyze_voice(sound, **asked)
    with pytest.raises(error) as other:
        asyncio.run(aanalyze_voice(sound, **asked))
    assert str(one.value) == str(other.value)


def test_a_film_without_a_sound_track() -> None:
    with pytest.raises(NoSoundError):
        analyze_voice(film(times=5))


def test_an_end_before_the_end_still_reports() -> None:
    stop = threading.Event()

    def on_event(event: SpeechEvent) -> None:
        if event.event == "turn":
            stop.set()

    for run in (analyze_voice, lambda *args, **more: asyncio.run(aanalyze_voice(*args, **more))):
        stop.clear()
        report = run(
            (RATE, np.concatenate([message(1.5), np.zeros(600 * RATE, np.float32)])), on_event=on_event, stop=stop
        )
        assert len(report.speech) == 1
        assert "stopped_early" in codes(report)


async def test_cancelling_ends_the_work_and_closes_the_sound(tmp_path: Path) -> None:
    path = saved(tmp_path, "long.wav", conversation(600.0))
    begun = asyncio.Event()
    heard: list[SpeechEvent] = []

    def on_event(event: SpeechEvent) -> None:
        heard.append(event)
        begun.set()

    task = asyncio.create_task(aanalyze_voice(path, on_event=on_event))
    await begun.wait()
    assert is_open(path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_open(path)
    assert heard[-1].event != "report"


async def test_cancelling_ends_the_reading_of_blocks_that_never_end() -> None:
    taken = 0

    def endless() -> Iterator[Sound]:
        nonlocal taken
        while True:
            taken += 1
            time.sleep(0.001)
            yield Sound(np.zeros(RATE, np.float32), RATE)

    begun = asyncio.Event()
    task = asyncio.create_task(aanalyze_voice(endless(), on_event=lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    until = taken
    await asyncio.sleep(0.05)
    assert taken == until


def test_an_error_of_a_listener_ends_it() -> None:
    def on_event(event: SpeechEvent) -> None:
        raise ZeroDivisionError

    for run in (analyze_voice, lambda *args, **more: asyncio.run(aanalyze_voice(*args, **more))):
        with pytest.raises(ZeroDivisionError):
            run((RATE, SPOKEN), on_event=on_event)


def test_a_graph_around_it_sees_the_progress() -> None:
    def node(state: MessagesState) -> dict[str, Any]:
        assert analyze_voice((RATE, SPOKEN)).speech
        return {}

    graph: Any = StateGraph(MessagesState)
    graph.add_node("listen", node)
    graph.add_edge(START, "listen")
    graph.add_edge("listen", END)
    events = list(graph.compile().stream({"messages": []}, stream_mode="custom"))
    assert {event["tool"] for event in events} == {"analyze_voice"}
    assert {event["event"] for event in events} == {"progress", "turn"}


def test_several_threads_at_once() -> None:
    found: list[VoiceReport] = []
    threads = [threading.Thread(target=lambda: found.append(analyze_voice((RATE, SPOKEN)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({report.model_dump_json(exclude={"provenance"}) for report in found}) == 1 and len(found) == 4


ORIGINALS = {kind: coded(kind, samples=np.repeat(message(1.0), 3)) for kind in ("wav 24 bits", "opus", "mov", "ac3")}


@settings(max_examples=40)
@given(st.data(), st.sampled_from(sorted(ORIGINALS)))
def test_damaged_files_give_an_error_of_ours_or_a_valid_report(data: st.DataObject, kind: str) -> None:
    content = damaged(data, ORIGINALS[kind])
    try:
        report = analyze_voice(content)
    except InputError as error:
        assert str(error) and error.code
    else:
        assert VoiceReport.model_validate(report.model_dump()) == report


def test_the_sound_track_of_a_film_has_the_times_of_the_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as output:
        pictures: Any = output.add_stream("mpeg4", rate=10)
        pictures.width = pictures.height = 64
        pictures.pix_fmt = "yuv420p"
        sound: Any = output.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(40):
            output.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")))
        frame = av.AudioFrame.from_ndarray(SPOKEN[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        output.mux(sound.encode(frame))
        output.mux(pictures.encode(None))
        output.mux(sound.encode(None))
    report = analyze_voice(tmp_path / "film.mp4")
    assert report.source.media_type.startswith("video/")
    assert len(report.speech) == 1
    assert report.speech[0].start_s == pytest.approx(1.0, abs=0.2)


def test_a_baseline_is_given_by_itself_by_name_or_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    level = Level(value=18.0, spread=1.2, error=0.5)
    made = make_baseline(voice={"pitch_st": level})
    save_baseline(made, "anna")
    (tmp_path / "anna.json").write_text(made.model_dump_json(), encoding="utf-8")
    told = [
        analyze_voice((RATE, SPOKEN), baseline=one).speech[0].usual for one in (made, "Anna", tmp_path / "anna.json")
    ]
    assert told[0] is not None and told[0] == told[1] == told[2]
    for wrong in ("bob", tmp_path / "bob.json", 3):
        with pytest.raises(InputError, match=r"[Bb]aseline|bob"):
            analyze_voice((RATE, SPOKEN), baseline=wrong)  # type: ignore[arg-type]
