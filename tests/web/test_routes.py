"""Photos, clips, rules and pages through the application: the right answer, or a typed error with its status."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import UseContext
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.web.answers import clip_answer
from ferce_agent.web.places import Places
from ferce_agent.web.rates import RATES, Rate, Rates
from ferce_agent.web.site import CLIP_BYTES, PHOTO_BYTES, VOICE_BYTES, Site
from tests.bad_calls import bad_calls, small_picture
from tests.bad_clip_calls import bad_clip_calls, small_film
from tests.bad_inputs import bad_inputs
from tests.web.sites import TOKEN, body, client_for, site_of

GENEROUS = {kind: Rate(100_000, 100_000) for kind in RATES}
REFUSED = {"domain": "recruitment", "jurisdiction": "eu"}
SAID = ("Traceback", "pydantic", "/home", "/work", "/tmp", "/usr", "site-packages", ".py", TOKEN)
"""What no answer may hold."""


@pytest.fixture(scope="module")
def client(engines: Engines) -> TestClient:
    return client_for(site_of(engines, rates=Rates(GENEROUS)))


def error_of(answer: Any) -> dict[str, str]:
    """Return the error in an answer, which says what was wrong and nothing about this machine."""
    (error,) = answer.json().values()
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] not in {"", "error"}
    assert 15 < len(error["message"]) < 1500
    assert not [word for word in SAID if word in answer.text or word in str(answer.headers)], answer.text
    return dict(error)


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(one) for one in answer.text.splitlines()]


def test_a_photo_gives_report_brief_and_words(client: TestClient, photo: Path) -> None:
    answer = client.post("/api/photo", content=body(photo.read_bytes(), context="She won.", labels=["proud", "bored"]))
    assert answer.status_code == 200
    told = answer.json()
    report = EmotionReport.model_validate(told["report"])
    assert (told["kind"], report.people[0].expression.primary if report.people[0].expression else "") == (
        "photo",
        "happiness",
    )
    assert told["brief"]["people"][0]["shows"] == "happiness"
    assert "happiness" in told["brief_text"]
    assert {one.label for one in report.people[0].labels} == {"proud", "bored"}
    assert not [word for word in ("/work", "/tmp", "/home", TOKEN) if word in answer.text]


def test_a_clip_gives_events_and_then_the_answer(client: TestClient) -> None:
    answer = client.post("/api/clip", content=body(small_film(), fps=10))
    *events, last = lines_of(answer)
    assert {one["event"] for one in events} <= {"progress", "cut", "track_begins", "track_ends", "degraded", "moment"}
    assert "progress" in {one["event"] for one in events}
    assert (last["event"], last["kind"]) == ("answer", "clip")
    assert ClipReport.model_validate(last["report"]).source.frames == 2
    assert last["brief"]
    assert last["brief_text"]
    assert last["pictures"] == {}


def test_the_rules_are_told_before_anything_is_sent(client: TestClient) -> None:
    free = client.post("/api/policy", content=b'{"use": {"domain": "entertainment"}}').json()
    assert (free["decision"], free["infer"]) == ("allowed", True)
    bound = client.post("/api/policy", content=b'{"use": {"domain": "workplace", "jurisdiction": "eu"}}').json()
    assert (bound["decision"], bound["infer"]) == ("restricted", False)
    assert "eu-ai-act-5-1-f" in bound["rules"]
    assert "only visible movements" in bound["note"]
    refused = client.post("/api/policy", content=json.dumps({"use": REFUSED}))
    assert (refused.status_code, error_of(refused)["code"]) == (403, "policy_refused")
    wrong = client.post("/api/policy", content=b'{"use": {"domaine": "chat"}}')
    assert (wrong.status_code, error_of(wrong)["code"]) == (400, "settings")


def test_about_tells_use_limits_and_models(photo: Path) -> None:
    engines = Engines(use=UseContext(domain="entertainment", consent=True))
    told = client_for(site_of(engines)).get("/api/about").json()
    assert told["use"] == {"domain": "entertainment", "consent": True}
    assert told["limits"] == {
        "photo_bytes": PHOTO_BYTES,
        "clip_bytes": CLIP_BYTES,
        "voice_bytes": VOICE_BYTES,
        "chat_characters": 4000,
    }
    assert (told["chat"]["remote"], told["chat"]["by_rule"]) == (False, True)
    assert (told["vlm"], told["voice"]) == (None, True)


@pytest.mark.parametrize("path", ["/api/photo", "/api/clip"])
def test_a_refused_use_is_refused_before_anything_is_decoded(
    client: TestClient, engines: Engines, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("ferce_agent.inputs.photo.decode", forbidden)
    monkeypatch.setattr("ferce_agent.inputs.clip.open_bytes", forbidden)
    refused = client.post(path, content=body(b"no file at all", use=REFUSED))
    assert (refused.status_code, error_of(refused)["code"]) == (403, "policy_refused")
    bound = Engines(use=UseContext(domain="recruitment", jurisdiction="eu"))
    for use in ({}, {"domain": "entertainment"}, {"jurisdiction": "other"}, {"domain": None}):
        answer = client_for(site_of(bound)).post(path, content=body(small_picture(), use=use))
        assert (answer.status_code, error_of(answer)["code"]) == (403, "policy_refused")


def test_a_server_that_restricts_is_not_loosened(photo: Path) -> None:
    bound = Engines(use=UseContext(domain="workplace", jurisdiction="eu", purpose="team mood"))
    for use in ({}, {"domain": "entertainment"}, {"purpose": "a game"}, {"jurisdiction": "other"}):
        answer = client_for(site_of(bound)).post("/api/photo", content=body(photo.read_bytes(), use=use))
        assert answer.status_code == 200
        assert answer.json()["report"]["people"][0]["expression"] is None
        assert answer.json()["report"]["policy"]["decision"] == "restricted"


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("/api/photo", b"", 400, "bad_request"),
        ("/api/photo", b"\xff\xd8\xff\xe0", 400, "bad_request"),
        ("/api/photo", body(b""), 415, "image_format"),
        ("/api/photo", body(b"no picture"), 415, "image_format"),
        ("/api/photo", body(small_picture()[:100]), 422, "image_truncated"),
        ("/api/photo", body(small_picture(), contxt="x"), 400, "settings"),
        ("/api/photo", body(small_picture(), labels=["one"]), 400, "settings"),
        ("/api/photo", body(small_picture(), context="x" * 100_000), 400, "settings"),
        ("/api/photo", b"{" + b" " * 2**21, 413, "request_too_large"),
        ("/api/photo", body(b"\0" * (PHOTO_BYTES + 1)), 413, "request_too_large"),
        ("/api/clip", body(b""), 415, "clip_format"),
        ("/api/clip", body(b"no film"), 415, "clip_format"),
        ("/api/clip", body(small_film()[:200]), 415, "clip_format"),
        ("/api/clip", body(small_film(), start_s=5, end_s=1), 400, "settings"),
        ("/api/clip", body(small_film(), start_s=80), 400, "clip_times"),
        ("/api/clip", body(small_film(), camera=0), 400, "settings"),
        ("/api/clip", body(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), 415, "clip_format"),
        ("/api/page", body(b"", report={}), 400, "settings"),
        ("/api/page", body(b"", report={"tracks": []}), 400, "settings"),
        ("/api/page", body(b""), 400, "settings"),
        ("/api/policy", b"use", 400, "bad_request"),
        ("/api/policy", body(b"x"), 413, "request_too_large"),
    ],
)
def test_what_cannot_be_used_is_a_typed_error_with_its_status(
    client: TestClient, path: str, content: bytes, status: int, code: str
) -> None:
    answer = client.post(path, content=content)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)


@pytest.mark.slow
def test_bad_pictures_and_lines_say_nothing_about_this_machine(client: TestClient) -> None:
    for bad in bad_inputs(count=160):
        if isinstance(bad.source, bytes) and len(bad.source) < 10**6:
            answer = client.post("/api/photo", content=body(bad.source))
            assert 400 <= answer.status_code < 500, bad.name
            error_of(answer)
    for call in bad_calls(count=240):
        told = {**call.arguments, "use": call.arguments.get("use_context")}
        told.pop("image", None), told.pop("use_context", None)
        if told["use"] is None:
            del told["use"]
        answer = client.post("/api/photo", content=body(b"x", **told))
        assert 400 <= answer.status_code < 500, call.name
        error_of(answer)


@pytest.mark.slow
def test_bad_films_and_times_say_nothing_about_this_machine(client: TestClient) -> None:
    for call in bad_clip_calls(count=90):
        told = {name: value for name, value in call.arguments.items() if name not in {"clip", "use_context"}}
        clip = call.arguments.get("clip")
        is_url = isinstance(clip, str) and ";base64," in clip and clip.isascii() and len(clip) < 100_000
        try:
            data = base64.b64decode(str(clip).partition(",")[2], validate=True) if is_url else b"no film"
        except ValueError:
            continue
        answer = client.post("/api/clip", content=body(data, **told))
        if answer.status_code != 200:
            assert 400 <= answer.status_code < 500, (call.name, answer.text)
            error_of(answer)
        elif lines_of(answer)[-1]["event"] != "answer":
            assert lines_of(answer)[-1]["event"] == "error", call.name
        else:
            ClipReport.model_validate(lines_of(answer)[-1]["report"])


def test_nothing_that_is_sent_is_written_to_disk(
    client: TestClient, photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file was to be written")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    large = photo.read_bytes() + b"\0" * 8_000_000  # trailing bytes after the end of a JPEG are legal
    assert client.post("/api/photo", content=body(large)).status_code == 200
    assert lines_of(client.post("/api/clip", content=body(small_film())))[-1]["event"] == "answer"
    assert list(tmp_path.iterdir()) == []


def test_a_page_to_save(client: TestClient, photo: Path, report: EmotionReport) -> None:
    told = report.model_dump(mode="json")
    for picture in (photo.read_bytes(), b""):
        answer = client.post("/api/page", content=body(picture, report=told))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert ("data:image/jpeg;base64," in answer.text) == bool(picture)
        assert "happiness" in answer.text
    hostile = {**told, "summary": "<script>alert(1)</script>"}
    assert "<script>alert" not in client.post("/api/page", content=body(b"", report=hostile)).text
    other = client.post("/api/page", content=body(small_picture(), report=told))
    assert (other.status_code, error_of(other)["code"]) == (422, "image_shape")


def test_a_page_of_a_clip_to_save(client: TestClient) -> None:
    last = lines_of(client.post("/api/clip", content=body(small_film())))[-1]
    answer = client.post("/api/page", content=body(b"", report=last["report"], pictures=last["pictures"]))
    assert answer.status_code == 200
    assert "<html" in answer.text
    wrong = client.post("/api/page", content=body(b"", report=last["report"], pictures={"moment-1": "ü"}))
    assert (wrong.status_code, error_of(wrong)["code"]) == (400, "settings")


def test_pictures_of_moments_come_as_data_urls(client: TestClient) -> None:
    report = ClipReport.model_validate(lines_of(client.post("/api/clip", content=body(small_film())))[-1]["report"])
    told = clip_answer(report, {"moment-1": b"\xff\xd8\xff"})
    assert base64.b64decode(told["pictures"]["moment-1"].partition("base64,")[2]) == b"\xff\xd8\xff"


def test_whoever_asks_too_often_is_told_when_to_come_back(engines: Engines) -> None:
    rates = Rates({**RATES, "photo": Rate(2, 6), "clip": Rate(1, 6), "page": Rate(1, 6), "about": Rate(1, 6)})
    client = client_for(site_of(engines, rates=rates))
    for path, allowed in (("/api/photo", 2), ("/api/clip", 1), ("/api/page", 1), ("/api/policy", 1)):
        statuses = [client.post(path, content=b"").status_code for _ in range(allowed)]
        assert 429 not in statuses
        refused = client.post(path, content=b"")
        assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_requests")
        assert 1 <= int(refused.headers["Retry-After"]) <= 10


def test_a_full_server_says_so_and_places_come_back(engines: Engines, photo: Path) -> None:
    site = site_of(engines, photos=Places(held=1, worked_on=1), clips=Places(held=1, worked_on=1))
    client = client_for(site)
    for path, places, data in (
        ("/api/photo", site.photos, photo.read_bytes()),
        ("/api/clip", site.clips, small_film()),
    ):
        with places.one():
            refused = client.post(path, content=body(data))
            assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_requests")
        for content in (body(data), b"", body(b"x"), body(data)):
            assert client.post(path, content=content).status_code != 429


def test_what_goes_wrong_inside_says_nothing_about_the_inside(
    site_that_breaks: Site, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_for(site_that_breaks, raise_server_exceptions=False)
    answer = client.post("/api/photo", content=body(small_picture(), context="words of a client"))
    assert (answer.status_code, error_of(answer)["code"]) == (500, "engine")
    assert "secret of the inside" not in answer.text + caplog.text
    assert "words of a client" not in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.fixture
def site_that_breaks(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Site:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret of the inside")

    monkeypatch.setattr("ferce_agent.web.photo_routes.aanalyze_expression", broken)
    return site_of(engines)
