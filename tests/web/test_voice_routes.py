"""A voice message sent to the page's server: its answer, what is refused, and the saved page of its report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ferce_agent.evaluation.voice.vowels import syllables
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import VoiceReport
from ferce_agent.settings import Settings
from ferce_agent.web.site import VOICE_BYTES
from tests.inputs.sounds import coded
from tests.voice_reports import make_voice_report
from tests.web.sites import body, client_for, site_of


@pytest.fixture(scope="module")
def message() -> bytes:
    """A second of silence, three of syllables, a second of silence: an Ogg file as a phone records it."""
    still = np.zeros(16_000, np.float32)
    spoken = np.concatenate([still, syllables(3.0), still])
    return coded("opus", samples=np.repeat(spoken, 3))


@pytest.fixture(scope="module")
def answer(engines: Engines, message: bytes) -> dict[str, Any]:
    response = client_for(site_of(engines)).post("/api/voice", content=body(message, transcript="I have won."))
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_the_answer_is_a_report_with_its_brief(answer: dict[str, Any]) -> None:
    report = VoiceReport.model_validate(answer["report"])
    assert answer["kind"] == "voice"
    assert report.source.media_type == "audio/ogg"
    assert report.speech
    assert 0.5 < report.speech[0].start_s < 1.5
    assert report.speech[0].words is not None
    assert report.speech[0].words.text is None, "words are kept only where that is asked for"
    assert answer["brief"]["turns"][0]["id"] == "speech-1"
    assert "speech-1" in answer["brief_text"]


def test_words_are_kept_where_that_is_asked_for(engines: Engines, message: bytes) -> None:
    asked = body(message, transcript="I have won.", keep_words=True)
    told = client_for(site_of(engines)).post("/api/voice", content=asked).json()["report"]
    assert told["speech"][0]["words"]["text"] == "I have won."


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (body(b""), 415, "sound_format"),
        (body(b"no sound at all" * 99), 415, "sound_format"),
        (body(b"\0" * (VOICE_BYTES + 1)), 413, "request_too_large"),
        (body(b"x", louder=True), 400, "settings"),
        (b"no json\nx", 400, "bad_request"),
        (body(b"x", use={"domain": "recruitment", "jurisdiction": "eu"}), 403, "policy_refused"),
    ],
)
def test_what_cannot_be_used_is_refused(engines: Engines, sent: bytes, status: int, code: str) -> None:
    response = client_for(site_of(engines)).post("/api/voice", content=sent)
    told = response.json()["error"]
    assert (response.status_code, told["code"]) == (status, code)
    assert told["message"]


def test_silence_is_told_and_not_made_up(engines: Engines) -> None:
    silence = coded("wav", samples=np.zeros(3 * 44_100, np.float32))
    told = client_for(site_of(engines)).post("/api/voice", content=body(silence)).json()["report"]
    assert told["speech"] == []
    assert "no_speech" in {entry["code"] for entry in told["degraded"]}


def test_nobody_without_the_token_is_heard(engines: Engines, message: bytes) -> None:
    client = client_for(site_of(engines))
    client.headers.pop("authorization")
    assert client.post("/api/voice", content=body(message)).status_code == 401


def test_the_chat_is_told_of_a_voice_message(engines: Engines, answer: dict[str, Any]) -> None:
    for report in (answer["report"], make_voice_report().model_dump(mode="json")):
        asked = body(b"", messages=[{"role": "user", "text": "I am home."}], readings=[report])
        response = client_for(site_of(engines)).post("/api/chat", content=asked)
        assert response.status_code == 200, response.text
        assert json.loads(response.text.splitlines()[-1])["event"] == "done"


def test_the_report_is_saved_as_a_page(engines: Engines) -> None:
    report = make_voice_report("Remember the blue bicycle.")
    asked = body(b"", report=report.model_dump(mode="json"))
    response = client_for(site_of(engines)).post("/api/page", content=asked)
    assert response.status_code == 200
    assert "blue bicycle" in response.text
    wrong = body(b"", report={"speech": "many"})
    assert client_for(site_of(engines)).post("/api/page", content=wrong).status_code == 400


def test_a_vision_language_model_has_no_part_in_a_voice() -> None:
    engines = Engines(Settings(vlm="python:none:none"))
    silence = coded("wav", samples=np.zeros(44_100, np.float32))
    assert client_for(site_of(engines)).post("/api/voice", content=body(silence)).status_code == 200
