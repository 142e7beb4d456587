"""The chat over HTTP: answers line by line, readings as context, rules, typed errors, clients that hang up."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from ferce_agent.chat.models import load_chat_model
from ferce_agent.errors import FerceError
from ferce_agent.graphs.engines import Engines
from ferce_agent.report import EmotionReport
from ferce_agent.web.app import create_app
from ferce_agent.web.asked import read_fields
from ferce_agent.web.chat_routes import ANSWER_CHARACTERS, MOST_READINGS, ChatAsked, Said
from ferce_agent.web.places import Places
from ferce_agent.web.rates import Rate, Rates
from ferce_agent.web.site import CHAT_CHARACTERS, Site
from tests.chat.streaming import Stream, streaming_server
from tests.chat.test_replies import report_of
from tests.clip_reports import make_restricted_clip_report
from tests.graphs.test_chat import scripted
from tests.graphs.test_chat_readings import SAD_CLIP, now
from tests.graphs.test_chat_rules import WORK, elsewhere
from tests.web.sites import ADDRESS, MAY, client_for, command, site_of
from tests.web.test_routes import GENEROUS, REFUSED, error_of, lines_of


@pytest.fixture(scope="module")
def client(engines: Engines) -> TestClient:
    return client_for(site_of(engines, rates=Rates(GENEROUS)))


@pytest.fixture(scope="module")
def url(photo: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


def data_of(report: Any) -> Any:
    return json.loads(now(report).model_dump_json())


def asked(words: str = "Hello", *before: tuple[str, str], photo: str | None = None, **more: Any) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": role, "text": text} for role, text in before]
    messages.append({"role": "user", "text": words, **({} if photo is None else {"photo": photo})})
    return {"messages": messages, **more}


def send(client: TestClient, body: Any) -> Any:
    return client.post("/api/chat", content=json.dumps(body))


def told(client: TestClient, body: Any) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    """Return the tone, the whole answer, and all lines; the pieces must be the whole."""
    answer = send(client, body)
    assert answer.status_code == 200, answer.text
    lines = lines_of(answer)
    (tone,) = [one for one in lines if one["event"] == "tone"]
    whole = lines[-1]["text"]
    assert lines[-1]["event"] == "done"
    assert "".join(one["text"] for one in lines if one["event"] == "words") == whole
    return tone, whole, lines


def test_an_answer_comes_word_by_word_after_its_tone(client: TestClient) -> None:
    tone, whole, lines = told(client, asked("It rained.", readings=[data_of(SAD_CLIP)]))
    assert [lines[0]["event"], lines[1]["event"]] == ["tone", "words"]
    assert len(lines) > 8
    assert tone["line"] == "Gentle and unhurried, because the end of the clip shows sadness (likely)."
    assert (tone["manner"], tone["pace"], tone["photo"]) == ("gentle", "slower", "read")
    assert "you seem sad" in whole.lower()


@pytest.mark.parametrize(("report", "manner"), [(report_of("happiness"), "warm"), (SAD_CLIP, "gentle")])
def test_the_tone_follows_the_latest_reading(client: TestClient, report: Any, manner: str) -> None:
    other = report_of("anger") if manner == "warm" else report_of("happiness")
    tone, whole, _ = told(
        client, asked("It rained.", ("user", "Hi"), ("assistant", "Hello."), readings=[data_of(other), data_of(report)])
    )
    assert (tone["manner"], tone["photo"]) == (manner, "earlier")
    assert "seem" not in whole
    tone, whole, _ = told(client, asked("It rained.", ("assistant", "Hi."), readings=[data_of(report)], new=1))
    assert tone["photo"] == "read"
    assert "you seem" in whole.lower()


def test_a_photo_in_the_message_is_read_and_its_report_comes_first(client: TestClient, url: str) -> None:
    tone, whole, lines = told(client, asked("I got the job.", photo=url, readings=[data_of(SAD_CLIP)], new=0))
    assert [one["event"] for one in lines[:2]] == ["answer", "tone"]
    report = EmotionReport.model_validate(lines[0]["report"])
    assert lines[0]["kind"] == "photo"
    assert report.people[0].expression
    assert tone["because_values"] == {"expression": "happiness", "confidence": report.people[0].expression.confidence}
    assert "you seem happy" in whole.lower()
    assert [one["event"] for one in lines].count("answer") == 1


def test_a_photo_that_cannot_be_read_is_answered_to(client: TestClient) -> None:
    tone, whole, lines = told(client, asked("Hello", photo="data:image/png;base64,AAAA"))
    assert (tone["photo"], tone["because_code"]) == ("failed", "photo_failed")
    assert "image_format" in whole
    assert "answer" not in {one["event"] for one in lines}


def test_an_old_reading_says_nothing_about_now(client: TestClient) -> None:
    old = json.loads(now(SAD_CLIP, timedelta(minutes=31)).model_dump_json())
    assert told(client, asked(readings=[old]))[0]["because_code"] == "none"


def test_distress_comes_first(client: TestClient) -> None:
    tone, whole, _ = told(client, asked("I want to die.", readings=[data_of(report_of("happiness"))]))
    assert (tone["because_code"], tone["manner"]) == ("distress", "gentle")
    assert "emergency" in whole


def test_a_restricted_use_tells_no_expression(client: TestClient, url: str) -> None:
    given = [data_of(SAD_CLIP), data_of(make_restricted_clip_report())]
    tone, whole, lines = told(client, asked("How do I look?", readings=given, use=WORK))
    assert tone["because_code"] == "rule_movements"
    assert "sad" not in whole
    assert "lip corner puller" in whole
    tone, whole, lines = told(client, asked("How do I look?", photo=url, use=WORK))
    assert lines[0]["report"]["people"][0]["expression"] is None
    assert tone["because_code"] == "rule_movements"
    assert "happ" not in whole


def test_a_refused_use_is_refused_before_any_model_is_asked(engines: Engines) -> None:
    model = elsewhere()
    refused = send(client_for(site_of(engines, chat_model=model)), asked(use=REFUSED))
    assert (refused.status_code, error_of(refused)["code"]) == (403, "policy_refused")
    assert model._sent == []


def test_a_model_elsewhere_is_told_nothing_of_faces_and_says_so(engines: Engines) -> None:
    model = elsewhere()
    client = client_for(site_of(engines, chat_model=model))
    tone, whole, _ = told(client, asked(readings=[data_of(SAD_CLIP)]))
    assert tone["because_code"] == "rule"
    assert "runs elsewhere" in whole
    assert "sad" not in model.told
    assert told(client, asked(readings=[data_of(SAD_CLIP)], use={"consent": True}))[0]["because_code"] == "clip_shows"
    assert "sadness" in model.told


BAD: list[tuple[Any, int]] = [
    ([], 400),
    ({}, 400),
    ({"messages": []}, 400),
    ({"messages": "Hello"}, 400),
    ({"messages": [{"role": "system", "text": "Obey."}]}, 400),
    (asked(""), 400),
    (asked("  "), 400),
    ({"messages": [{"role": "assistant", "text": "Hi"}]}, 400),
    ({"messages": [{"role": "user", "text": "Hi", "name": "x"}]}, 400),
    ({"messages": [{"role": "user", "text": "a", "photo": "data:,x"}, {"role": "user", "text": "b"}]}, 400),
    (asked(photo="/etc/passwd"), 400),
    (asked(photo="https://example.org/x.jpg"), 400),
    (asked("x" * (CHAT_CHARACTERS + 1)), 413),
    (asked("Hello", ("user", "x" * (CHAT_CHARACTERS + 1)), ("assistant", "Hi")), 413),
    ({"messages": [{"role": "user", "text": "Hi"}] * 101}, 400),
    (asked(readings=[{}] * (MOST_READINGS + 1)), 400),
    (asked(readings=[{}]), 400),
    (asked(readings=[{"tracks": 3}]), 400),
    (asked(readings=["report"]), 400),
    (asked(new=1), 400),
    (asked(new=-1), 400),
    (asked(use={"domaine": "x"}), 400),
    (asked(use=3), 400),
    (asked(more=1), 400),
]


@pytest.mark.parametrize(("body", "status"), BAD)
def test_what_cannot_be_used_is_a_typed_error(client: TestClient, body: Any, status: int) -> None:
    answer = send(client, body)
    assert answer.status_code == status, answer.text
    assert error_of(answer)


def test_a_long_answer_may_come_back_and_is_cut(engines: Engines) -> None:
    model = scripted("I see.")
    told(client_for(site_of(engines, chat_model=model)), asked("Hello", ("user", "Hi"), ("assistant", "x" * 200_000)))
    assert [len(one.text) for one in model._sent[0][1:]] == [2, ANSWER_CHARACTERS, 5]


def test_a_model_elsewhere_gets_its_answers_back_unless_they_tell_of_a_face(engines: Engines) -> None:
    model = elsewhere()
    client = client_for(site_of(engines, chat_model=model))
    _, whole, lines = told(client, asked("Hello"))
    assert (whole, lines[-1]["face"]) == ("I see.", False)
    for face, there in ((False, True), (True, False), (None, False)):
        messages = asked("And now?", ("user", "Hello"), ("assistant", "Gooseberries."))["messages"]
        messages[1] |= {} if face is None else {"face": face}
        before = len(model._sent)
        told(client, {"messages": messages})
        assert any("Gooseberries." in str(one.text) for one in model._sent[before]) is there
    consent = told(client, asked(readings=[data_of(SAD_CLIP)], use={"consent": True}))[2]
    assert consent[-1]["face"] is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(["role", "text", "x"]), parts, max_size=3)
    ),
    max_leaves=6,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]) | JSON, "text": st.text(max_size=4) | JSON},
    optional={"photo": st.sampled_from(["data:,", "x"]) | JSON},
)


@given(
    st.fixed_dictionaries(
        {"messages": st.lists(MESSAGE, max_size=3) | JSON},
        optional={"readings": st.lists(JSON, max_size=3) | JSON, "new": JSON, "use": JSON, "more": JSON},
    )
)
def test_any_body_is_understood_or_a_typed_error(body: dict[str, Any]) -> None:
    try:
        found = read_fields(body, ChatAsked).checked()
    except FerceError as error:
        assert error.message
        return
    assert found.messages[-1].role == "user"
    assert len(found.conversation()) == len(found.messages) == len(body["messages"])
    assert 0 <= found.context().new <= len(found.readings)


def test_what_is_no_json_or_too_much_is_a_typed_error(client: TestClient) -> None:
    assert client.post("/api/chat", content=b"\xff").status_code == 400
    assert client.post("/api/chat", content=b"x", headers={"Content-Length": str(10**9)}).status_code == 413
    assert client.post("/api/chat", content=json.dumps(asked()), headers={"Authorization": ""}).status_code == 401


def test_busy_and_too_often_are_typed_errors(engines: Engines) -> None:
    full = send(client_for(site_of(engines, chats=Places(held=0, worked_on=1))), asked())
    assert (full.status_code, error_of(full)["code"]) == (429, "too_many_requests")
    client = client_for(site_of(engines, rates=Rates({**GENEROUS, "chat": Rate(2, 0.01)})))
    assert [send(client, asked()).status_code for _ in range(3)] == [200, 200, 429]


def test_the_server_keeps_no_conversation(client: TestClient) -> None:
    told(client, asked("My cat is called Gooseberry.", readings=[data_of(SAD_CLIP)]))
    tone, _, _ = told(client, asked("How do I look?"))
    assert (tone["because_code"], tone["photo"]) == ("none", "none")


def with_server(engines: Engines, address: str) -> Site:
    return site_of(engines, chat_model=load_chat_model(f"openai:{address}#m"))


@pytest.fixture
def openai() -> Any:
    return pytest.importorskip("langchain_openai")


def test_a_servers_pieces_arrive_as_they_come(engines: Engines, openai: Any) -> None:
    stream = Stream((" You", " seem ", "fine. "))
    with streaming_server(stream) as address:
        _, whole, lines = told(client_for(with_server(engines, address)), asked())
    assert whole == "You seem fine."
    assert [one["text"] for one in lines if one["event"] == "words"] == ["You", " seem", " fine."]


def test_a_failing_model_is_a_typed_error_at_the_end(engines: Engines, openai: Any) -> None:
    with streaming_server(Stream(status=400)) as address:
        answer = send(client_for(with_server(engines, address)), asked())
    tone, error = lines_of(answer)
    assert (tone["event"], error["event"], error["error"]["code"]) == ("tone", "error", "engine")
    assert "could not answer" in error["error"]["message"]


async def test_a_client_that_hangs_up_cancels_the_models_call(engines: Engines, openai: Any) -> None:
    stream = Stream(("You", "<wait>"))
    with streaming_server(stream) as address:
        site = with_server(engines, address)
        app, said, gone = create_app(site), asyncio.Event(), asyncio.Event()
        body = [{"type": "http.request", "body": json.dumps(asked()).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if body:
                return body.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def take(message: Any) -> None:
            if b'"words"' in message.get("body", b""):
                said.set()

        headers = [(name.lower().encode(), value.encode()) for name, value in MAY.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/api/chat",
            "raw_path": b"/api/chat",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", ADDRESS.removeprefix("http://").encode()), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8765),
        }
        running = asyncio.create_task(app(scope, receive, take))
        await asyncio.wait_for(said.wait(), 60)
        assert await asyncio.to_thread(stream.waiting.wait, 60)
        gone.set()
        await asyncio.wait_for(running, 60)
        assert await asyncio.to_thread(stream.gone.wait, 60), "the model's server still writes"
        assert not stream.go_on.is_set()
        assert site.chats.free == 6


@given(st.lists(st.text(alphabet="ab \n", max_size=4)), st.text(alphabet=" (note)\n", max_size=6))
def test_what_is_sent_is_always_the_beginning_of_the_whole(pieces: list[str], note: str) -> None:
    said = Said()
    sent = "".join(said.add(one) for one in pieces)
    whole = "".join(pieces).strip()
    assert sent == whole
    assert sent + said.rest(whole + note) == whole + note
    assert said.rest("other") == ("other" if not sent else "")


@pytest.mark.slow
def test_the_real_server_streams_an_answer(url: str, openai: Any) -> None:
    stream = Stream(("You", "<wait>", " seem fine."))
    with streaming_server(stream) as model, command("--model", f"openai:{model}#m") as (process, address, token):
        headers = {"Authorization": f"Bearer {token}"}
        body = json.dumps(asked("Hello", photo=url))
        pieces = []
        with httpx.stream("POST", f"{address}/api/chat", content=body, headers=headers, timeout=120) as answer:
            for one in answer.iter_lines():
                found = json.loads(one)
                pieces.append(found.get("text", found["event"]))
                if found["event"] == "words":
                    stream.go_on.set()  # the first piece is here while the model has not gone on
        assert pieces == ["answer", "tone", "You", " seem fine.", "You seem fine."]
        process.terminate()
        assert process.stdout
