"""Photos over real HTTP: equal reports, groups, refusals, deadlines, draining."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jsonschema
import pytest

from ferce_agent.api import analyze_expression
from ferce_agent.evaluation.speed import vga_photo
from ferce_agent.graphs.engines import Engines
from ferce_agent.report.brief import Brief
from ferce_agent.service.clients import Clients, Quota, digest_of
from ferce_agent.service.readers import OwnThreads
from ferce_agent.service.service import Service
from ferce_agent.web import places
from tests.service.servers import HeldReaders, Served, port_is_closed, served, until

PHOTO = vga_photo()


def post(one: Served, data: bytes = PHOTO, **chosen: Any) -> httpx.Response:
    with one.client() as client:
        return client.post("/v1/photos", content=data, **chosen)


@pytest.fixture(scope="module")
def lines() -> list[dict[str, object]]:
    return []


@pytest.fixture(scope="module")
def site(engines: Engines, lines: list[dict[str, object]]) -> Iterator[Served]:
    service = Service(engines, OwnThreads(engines), log=lambda fields: lines.append(dict(fields)))
    with served(service) as one:
        yield one


def same(told: dict[str, Any]) -> dict[str, Any]:
    provenance = {key: value for key, value in told["provenance"].items() if key not in {"timings_ms", "created_at"}}
    return {**told, "provenance": provenance}


def test_reports_are_those_of_the_library_as_body_and_as_form(site: Served, engines: Engines) -> None:
    wanted = analyze_expression(PHOTO, "She won.", labels=["amused", "bored"], engines=engines).model_dump(mode="json")
    told = {"context": "She won.", "labels": ["amused", "bored"]}
    with site.client() as client:
        plain = client.post("/v1/photos", content=PHOTO, params=told)
        form = client.post("/v1/photos", files={"photo": ("me.jpg", PHOTO)}, data=told)
    assert plain.status_code == form.status_code == 200, plain.text
    assert same(plain.json()) == same(form.json()) == same(wanted)


def test_views(site: Served) -> None:
    assert post(site, params={"view": "brief"}).json()["faces"] == {"found": 1, "named": 1}
    words = post(site, headers={"accept": "text/plain"})
    assert words.headers["content-type"].startswith("text/plain")
    assert "person-1" in words.text
    assert "Whole report: view=full." in words.text
    assert post(site, params={"view": "all"}).status_code == 400


@pytest.mark.parametrize(
    ("chosen", "status", "code"),
    [
        ({"data": b"no picture"}, 415, "image_format"),
        ({"data": b""}, 415, "image_format"),
        ({"data": PHOTO[:9000]}, 422, "image_truncated"),
        ({"data": b"x" * (33 * 2**20)}, 413, "request_too_large"),
        ({"params": {"mood": "x"}}, 400, "settings"),
        ({"params": {"use": '{"domain": "recruitment", "jurisdiction": "eu"}'}}, 403, "policy_refused"),
        ({"params": {"use": "{"}}, 400, "bad_request"),
        ({"params": {"timeout_s": "soon"}}, 400, "settings"),
        ({"headers": {"host": "evil.example"}}, 421, "access_denied"),
        ({"headers": {"origin": "https://evil.example"}}, 403, "access_denied"),
        ({"headers": {"content-type": "multipart/form-data"}}, 400, "bad_request"),
    ],
)
def test_what_cannot_be_used_is_a_typed_error(site: Served, chosen: dict[str, Any], status: int, code: str) -> None:
    answer = post(site, **chosen)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_requests_at_the_same_time_are_read_together_and_a_bad_photo_costs_no_other(engines: Engines) -> None:
    readers = HeldReaders(engines)
    with served(Service(engines, readers)) as one, ThreadPoolExecutor(6) as pool:
        first = pool.submit(post, one)
        assert readers.came.wait(60)
        others = [pool.submit(post, one, data) for data in (PHOTO, PHOTO[:9000], PHOTO, b"none", PHOTO)]
        until(lambda: one.service.batcher.queued == 5)
        readers.go_on.set()
        answers = [each.result() for each in (first, *others)]
    assert readers.groups == [1, 5]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 200, 415, 200]
    alone = same(answers[0].json())
    assert all(same(answer.json()) == alone for answer in answers if answer.status_code == 200)


def test_a_full_queue_refuses_and_a_deadline_ends_waiting(engines: Engines) -> None:
    readers = HeldReaders(engines)
    with served(Service(engines, readers, most_held=2)) as one, ThreadPoolExecutor(2) as pool:
        first = pool.submit(post, one)
        assert readers.came.wait(60)
        late = post(one, headers={"x-request-timeout": "0.2"})
        assert (late.status_code, late.json()["error"]["code"]) == (504, "deadline")
        second = pool.submit(post, one)
        until(lambda: one.service.batcher.places.held == 2)
        refused = post(one)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
        with one.client() as client:
            assert client.get("/readyz").status_code == 503
        readers.go_on.set()
        assert (first.result().status_code, second.result().status_code) == (200, 200)
    assert readers.groups == [1, 1]  # the late one was never read


def test_a_photo_that_could_not_be_answered_in_time_is_refused_at_once(site: Served) -> None:
    assert post(site, params={"timeout_s": 0.000001}).status_code == 429


def test_what_was_accepted_is_finished_and_nothing_new_is_taken(engines: Engines) -> None:
    readers = HeldReaders(engines)
    with served(Service(engines, readers)) as one, ThreadPoolExecutor(1) as pool, one.client() as client:
        until(lambda: client.get("/readyz").status_code == 200)
        first = pool.submit(post, one)
        assert readers.came.wait(60)
        one.server.handle_exit(15, None)
        assert client.get("/readyz").json() == {"status": "draining"}
        assert client.get("/healthz").status_code == 200
        refused = client.post("/v1/photos", content=PHOTO)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        readers.go_on.set()
        assert first.result().status_code == 200
        one.thread.join(60)
        assert port_is_closed(one.address)


def test_tokens_and_quotas(engines: Engines) -> None:
    clients = Clients({digest_of("s3cret"): "clinic"}, Quota(per_minute=0.1))
    with served(Service(engines, OwnThreads(engines), clients=clients)) as one:
        good, wrong = {"authorization": "Bearer s3cret"}, {"authorization": "Bearer other"}
        assert post(one).status_code == 401
        refused = post(one, headers=wrong)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert post(one, headers=good).status_code == 200
        beyond = post(one, headers=good)
        assert (beyond.status_code, beyond.json()["error"]["code"]) == (429, "too_many_requests")
        assert int(beyond.headers["retry-after"]) >= 1
        with one.client() as client:
            assert client.get("/healthz").status_code == 200
            assert client.get("/metrics").status_code == 401


def test_bytes_that_come_without_a_length_count_too(engines: Engines) -> None:
    clients = Clients(quota=Quota(megabytes_per_minute=len(PHOTO) / 1e6))
    with served(Service(engines, OwnThreads(engines), clients=clients)) as one, one.client() as client:
        assert client.post("/v1/photos", content=iter([PHOTO[:9000], PHOTO[9000:]])).status_code == 200
        refused = client.post("/v1/photos", content=PHOTO)
        assert refused.status_code == 429
        assert "bytes" in refused.json()["error"]["message"]


def test_who_hangs_up_is_no_error_of_the_server(site: Served, lines: list[dict[str, object]]) -> None:
    host, port = site.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half:
        head = f"POST /v1/photos HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: gone\r\nContent-Length: 99999\r\n\r\n"
        half.sendall(head.encode() + PHOTO[:99])
    until(lambda: any(line["id"] == "gone" for line in lines))
    line = next(line for line in lines if line["id"] == "gone")
    assert (line["status"], "code" in line) == (499, False)
    until(lambda: site.service.batcher.places.held == 0)


def test_a_photo_that_comes_slowly_gives_its_place_to_another_one(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(Service(engines, OwnThreads(engines), most_held=1)) as one:
        host, port = one.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            head = f"POST /v1/photos HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(PHOTO)}\r\n\r\n"
            slow.sendall(head.encode() + PHOTO[:99])
            until(lambda: one.service.batcher.places.held == 1)
            monkeypatch.setattr(places, "SLOW_S", float("inf"))
            assert post(one).status_code == 429
            monkeypatch.setattr(places, "SLOW_S", 0.0)
            assert post(one).status_code == 200
            assert slow.recv(65536).startswith(b"HTTP/1.1 408")


def test_probes_may_ask_for_the_head_alone(site: Served) -> None:
    with site.client() as client:
        until(lambda: client.head("/readyz").status_code == 200)
        assert client.head("/healthz").status_code == 200
        refused = client.options("/v1/photos")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert not [name for name in refused.headers if name.startswith("access-control")]


def test_ids_logs_and_metrics_tell_nothing_of_what_was_sent(site: Served, lines: list[dict[str, object]]) -> None:
    lines.clear()
    answer = post(site, params={"context": "Zaphod won the race."}, headers={"x-request-id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    other = post(site, b"Zaphod", headers={"x-request-id": "no id \t at all"})
    assert len(other.headers["x-request-id"]) == 32
    ids = ("abc-1", other.headers["x-request-id"])
    until(lambda: {line["id"] for line in lines} >= set(ids))
    good, bad = (next(line for line in lines if line["id"] == one) for one in ids)
    assert {key: good[key] for key in ("client", "route", "status", "faces", "bytes_in")} == {
        "client": "local",
        "route": "/v1/photos",
        "status": 200,
        "faces": 1,
        "bytes_in": len(PHOTO),
    }
    assert bad["code"] == "image_format"
    with site.client() as client:
        figures = client.get("/metrics").text
    assert 'ferce_requests_total{route="/v1/photos",status="200"}' in figures
    assert 'ferce_refused_total{code="image_format"}' in figures
    assert "ferce_group_photos_bucket" in figures
    assert "ferce_models_loaded 1.0" in figures
    assert "Zaphod" not in json.dumps(lines) + figures


def test_the_openapi_document_names_the_real_reports(site: Served) -> None:
    with site.client() as client:
        document = client.get("/openapi.json").json()
        schema = client.get("/v1/schemas/emotion-report").json()
        assert client.get("/v1/schemas/nothing").status_code == 404
        assert client.get("/docs").json()["error"]["code"] == "not_found"
    asked = document["paths"]["/v1/photos"]["post"]
    answers = asked["responses"]
    full, brief = (
        document["components"]["schemas"][one["$ref"].rpartition("/")[2]]
        for one in answers["200"]["content"]["application/json"]["schema"]["anyOf"]
    )
    assert set(full["properties"]) == set(schema["properties"])
    assert set(brief["properties"]) == set(Brief.model_fields)
    assert "Retry-After" in answers["429"]["headers"]
    assert {"/v1/clips", "/v1/voices", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])
    assert "security" not in document
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_the_document_shows_as_examples_is_answered_as_it_says(site: Served) -> None:
    with site.client() as client:
        document = client.get("/openapi.json").json()
        asked = document["paths"]["/v1/photos"]["post"]
        told = {one["name"]: one["schema"]["examples"][0] for one in asked["parameters"] if "examples" in one["schema"]}
        assert set(told) == {"context", "labels", "use", "timeout_s", "X-Request-Timeout"}
        seconds = str(told.pop("X-Request-Timeout"))
        told["timeout_s"] = 60  # 2.5 s are short for a busy machine
        answer = client.post("/v1/photos", content=PHOTO, params=told, headers={"x-request-timeout": seconds})
        brief = client.post("/v1/photos", content=PHOTO, params={"view": "brief"})
        refused = client.post("/v1/photos", content=b"none")
    for one in (answer, brief, refused):
        wanted = asked["responses"][str(one.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(one.json(), {**wanted, "components": document["components"]})


def test_the_document_says_who_needs_a_token(engines: Engines) -> None:
    clients = Clients({digest_of("s3cret"): "clinic"})
    good = {"authorization": "Bearer s3cret"}
    with served(Service(engines, OwnThreads(engines), clients=clients)) as one, one.client(headers=good) as client:
        document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == document["paths"]["/readyz"]["get"]["security"] == []
    assert "security" not in document["paths"]["/v1/photos"]["post"]
