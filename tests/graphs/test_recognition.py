from __future__ import annotations

import logging
import threading
from typing import Any

import numpy as np
import pytest

from ferce_agent import aanalyze_voice, analyze_voice
from ferce_agent.errors import EngineError
from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.sound_parts import SOUND_RATE, Sound
from ferce_agent.inputs.transcript import Segment, Transcript
from ferce_agent.report import Engine
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.speech_events import SpeechEvent
from ferce_agent.views.voice_brief import voice_brief, voice_brief_text
from ferce_agent.views.voice_page import voice_html
from ferce_agent.views.voice_tables import turns_csv
from ferce_agent.views.voice_text import voice_text
from ferce_agent.voice import listening
from ferce_agent.voice.activity_energy import EnergyScorer

AGREED = {"domain": "assistant", "purpose": "tests", "consent": True}
SECRET = "Zebedee"


@pytest.fixture(autouse=True)
def _by_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find speech by its energy, whether the detector's weights are installed or not: a made sound is none for them."""
    energy = Engine(name="energy", version="1", sha256=None)
    monkeypatch.setattr(listening, "installed_scorer", lambda: (EnergyScorer(), energy))


class Scribe:
    """Writes the same for every stretch."""

    name, version = "scribe", "2"

    def __init__(self, text: str = "My dog died this morning.", *, remote: bool = False, fails: bool = False) -> None:
        self.text, self.remote, self.fails = text, remote, fails
        self.heard: list[Sound] = []

    def transcribe(self, sound: Sound) -> Transcript:
        self.heard.append(sound)
        if self.fails:
            raise EngineError("It is broken.")
        return Transcript((Segment(self.text, sound.first_s, sound.end_s),), "transcribed", "en")


def buzz(seconds: float = 2.0) -> tuple[int, Any]:
    """Return a sound like a vowel between two silences."""
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20)) * (
        1 + 0.5 * np.sin(2 * np.pi * 4 * times)
    )
    quiet = np.random.default_rng(1).normal(0, 1e-4, SOUND_RATE)
    return SOUND_RATE, np.concatenate([quiet, 0.2 * voice, quiet]).astype(np.float32)


def report(scribe: Scribe, **told: Any) -> VoiceReport:
    found = analyze_voice(buzz(), engines=Engines(transcriber=scribe), **told)
    assert found.speech, "the speech detector takes the sound for speech"
    return found


def codes(found: VoiceReport) -> set[str]:
    return {one.code for one in found.degraded}


def test_what_is_said_is_written_down_and_read() -> None:
    scribe = Scribe()
    found = report(scribe)
    words = found.speech[0].words
    assert words is not None
    assert (words.origin, words.text, words.count, words.expression) == ("transcribed", None, 5, "sadness")
    assert found.causes[0].appraisal == "loss"
    provenance = found.provenance
    assert provenance.transcriber is not None
    assert (provenance.transcriber.name, provenance.left_machine) == ("scribe", ())
    assert provenance.timings_ms["transcribe"] >= 0
    (stretch,) = scribe.heard
    assert stretch.duration_s < 3.5
    assert float(np.abs(stretch.samples).max()) > 0.1


def test_a_transcript_that_is_told_comes_first() -> None:
    scribe = Scribe()
    found = report(scribe, transcript="We won the cup!")
    assert scribe.heard == []
    assert found.provenance.transcriber is None


def test_sound_goes_elsewhere_only_where_that_is_allowed() -> None:
    scribe = Scribe(remote=True)
    found = report(scribe)
    assert scribe.heard == []
    assert "policy_restricted" in codes(found)
    assert (found.provenance.left_machine, found.speech[0].words) == ((), None)
    agreed = report(scribe, use=AGREED)
    assert len(scribe.heard) == 1
    assert agreed.provenance.left_machine == ("sound",)


def test_one_that_does_not_say_where_it_runs_counts_as_elsewhere() -> None:
    scribe = Scribe()
    del scribe.remote
    assert Engines(transcriber=scribe).sends_sound
    report(scribe)
    assert scribe.heard == []


def test_where_nothing_may_be_inferred_nothing_is_written_down() -> None:
    scribe = Scribe()
    report(scribe, use={"domain": "workplace", "purpose": "watching", "jurisdiction": "eu"})
    assert scribe.heard == []


def test_a_transcriber_that_fails_costs_only_the_words() -> None:
    found = report(Scribe(fails=True))
    assert "transcriber_failed" in codes(found)
    assert found.speech[0].words is None


@pytest.mark.parametrize("at", ["turn", "first"])
def test_where_it_is_stopped_the_report_says_what_was_not_written_down_and_what_was_sent(at: str) -> None:
    stop = threading.Event()

    class Stopping(Scribe):
        def transcribe(self, sound: Sound) -> Transcript:
            stop.set()
            return super().transcribe(sound)

    def on_event(event: SpeechEvent) -> None:
        if at == event.event:
            stop.set()

    scribe = Stopping(remote=True)
    rate, once = buzz()
    sound = rate, np.concatenate([once, once])
    found = analyze_voice(sound, engines=Engines(transcriber=scribe), use=AGREED, on_event=on_event, stop=stop)
    asked = at == "first"
    assert len(scribe.heard) == asked
    assert found.provenance.left_machine == (("sound",) if asked else ())
    assert [turn.words is not None for turn in found.speech] == ([True, False] if asked else [False])
    (note,) = [one for one in found.degraded if one.stage == "transcribe"]
    assert (note.code, note.count) == ("stopped_early", 1)


async def test_beside_other_work_it_is_stopped_between_two_stretches_too() -> None:
    stop = threading.Event()

    class Stopping(Scribe):
        def transcribe(self, sound: Sound) -> Transcript:
            stop.set()
            return super().transcribe(sound)

    scribe = Stopping()
    rate, once = buzz()
    sound = rate, np.concatenate([once, once])
    found = await aanalyze_voice(sound, engines=Engines(transcriber=scribe), use=AGREED, stop=stop)
    assert len(scribe.heard) == 1
    assert [turn.words is not None for turn in found.speech] == [True, False]


def test_words_that_are_not_kept_are_nowhere(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Any] = []
    found = report(Scribe(f"{SECRET} died and I want to kill myself."), on_event=events.append)
    assert found.guidance.distress
    brief = voice_brief(found)
    views = [voice_text(found, full=True), voice_html(found), voice_brief_text(brief), brief.model_dump_json()]
    printed = capfd.readouterr()
    everything = [*views, turns_csv(found.speech), found.model_dump_json(), repr(events), caplog.text, *printed]
    assert not [text for text in everything if SECRET in text]
    kept = report(Scribe(f"{SECRET} died."), keep_words=True)
    assert SECRET in kept.model_dump_json()
