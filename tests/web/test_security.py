"""What a hostile page, a hostile name and a client without the token get from the application."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ferce_agent.errors import SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.web.app import create_app
from ferce_agent.web.rates import RATES, Rate, Rates
from ferce_agent.web.security import HEADERS, PROTOCOL, Names
from tests.web.sites import ADDRESS, MAY, TOKEN, client_for, site_of

ADDRESSES = [
    ("GET", "/"),
    ("GET", "/static/app.js"),
    ("GET", "/texts/en.json"),
    ("GET", "/api/about"),
    ("POST", "/api/policy"),
    ("POST", "/api/photo"),
    ("POST", "/api/clip"),
    ("POST", "/api/page"),
    ("GET", "/nothing/here"),
    ("POST", "/api/nothing"),
    ("OPTIONS", "/api/photo"),
    ("TRACE", "/"),
]
FOREIGN = [
    "http://evil.example",
    "https://evil.example",
    "null",
    "http://127.0.0.1:3000",
    "http://localhost:8765",
    "http://127.0.0.1",
    "file://",
    "",
    "http://127.0.0.1:8765.evil.example",
    "http://evil.example/http://127.0.0.1:8765",
    "chrome-extension://abcdefgh",
]


@pytest.fixture(scope="module")
def client(engines: Engines) -> TestClient:
    generous = {kind: Rate(10_000, 10_000) for kind in RATES}
    return client_for(site_of(engines, rates=Rates(generous)))


@pytest.fixture(scope="module")
def stranger(client: TestClient) -> TestClient:
    """A client without the token."""
    return TestClient(client.app, base_url=ADDRESS)


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_gets_nothing_whatever_it_asks_for_and_even_with_the_token(
    client: TestClient, origin: str
) -> None:
    for method, path in ADDRESSES:
        answer = client.request(method, path, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_denied"), path


def test_the_own_origin_and_none_are_served(client: TestClient) -> None:
    for origin in (ADDRESS, ADDRESS.upper(), "https://127.0.0.1:8765"):
        assert client.get("/api/about", headers={"Origin": origin}).status_code == 200
    assert client.get("/api/about").status_code == 200
    other = client.get("/api/about", headers={"Host": "localhost:9000", "Origin": "http://localhost:9000"})
    assert other.status_code == 200


def test_what_a_browser_fetches_for_another_site_is_refused(client: TestClient, stranger: TestClient) -> None:
    for site in ("cross-site", "same-site", "sideways"):
        for path in ("/api/about", "/static/app.js", "/texts/en.json", "/"):
            assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403
        link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert stranger.get("/", headers=link).status_code != 403
        assert client.get("/api/about", headers=link).status_code == 403
        framed = {**link, "Sec-Fetch-Dest": "iframe"}
        assert stranger.get("/", headers=framed).status_code == 403
    assert client.get("/api/about", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_proxy_that_was_named_may_tell_another_host(engines: Engines) -> None:
    client = client_for(site_of(engines, names=("faces.example", "other.example:8443")))
    for origin, status in {
        "https://faces.example": 200,
        "https://other.example:8443": 200,
        "http://faces.example": 403,
        "https://faces.example:8443": 403,
        "https://evil.example": 403,
    }.items():
        assert client.get("/api/about", headers={"Origin": origin}).status_code == status, origin
    for name in ("faces.example", "other.example:8443", "other.example"):
        own = {"Host": name, "Origin": f"https://{name}"}
        assert client.get("/api/about", headers=own).status_code == 200
    twice = [("Origin", ADDRESS), ("Origin", "http://evil.example")]
    assert client.get("/api/about", headers=twice).status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8765",
        "10.0.0.7:8765",
        "0.0.0.0:8765",
        "127.0.0.1:8765@evil.example",
        "127.0.0.1:",
        "127.0.0.1:port",
        "[::1",
        "localhost.",
        "",
    ],
)
def test_another_host_gets_nothing(client: TestClient, host: str) -> None:
    for method, path in ADDRESSES:
        assert client.request(method, path, headers={"Host": host}).status_code == 421


WRONG: list[dict[str, str]] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN.upper()}"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": TOKEN},
    {"Cookie": f"token={TOKEN}"},
    {"X-Token": TOKEN},
    {"Authorization": "Bearer \xfc"},
]


@pytest.mark.parametrize("headers", WRONG)
def test_without_the_token_in_its_header_the_interface_is_closed(stranger: TestClient, headers: dict[str, str]) -> None:
    sent = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    for method, path in ADDRESSES:
        answer = stranger.request(method, path, headers=sent, params={"token": TOKEN})
        if path.startswith("/api/"):
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        else:
            assert answer.status_code != 401


def test_the_name_of_the_scheme_may_be_in_any_case(stranger: TestClient) -> None:
    assert stranger.get("/api/about", headers={"authorization": f"bearer  {TOKEN}"}).status_code == 200


def test_every_answer_has_the_headers_and_none_allows_other_origins(client: TestClient, stranger: TestClient) -> None:
    answers = [
        who.request(method, path, headers=headers)
        for who in (client, stranger)
        for method, path in ADDRESSES
        for headers in ({}, {"Origin": "http://evil.example"}, {"Host": "evil.example"})
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http:" not in policy


def websocket(app: Any, headers: dict[str, str], protocols: list[str]) -> int:
    """Return with which status an opening is refused; 404 where only the route is missing."""
    try:
        with TestClient(app, base_url=ADDRESS).websocket_connect(
            "ws://127.0.0.1:8765/api/nothing", headers=headers, subprotocols=protocols
        ):
            return 101
    except WebSocketDisconnect as error:  # with the status, if it was refused with an answer
        return int(getattr(error, "status_code", 404))


@pytest.mark.parametrize(
    ("headers", "protocols", "status"),
    [
        ({"Origin": ADDRESS}, [PROTOCOL, f"token.{TOKEN}"], 404),
        ({}, [f"token.{TOKEN}", PROTOCOL], 404),
        ({"Origin": ADDRESS}, [PROTOCOL], 401),
        ({"Origin": ADDRESS}, [PROTOCOL, "token.wrong"], 401),
        ({"Origin": ADDRESS}, [PROTOCOL, TOKEN], 401),
        ({"Origin": ADDRESS, **MAY}, [PROTOCOL], 401),
        ({"Origin": "http://evil.example"}, [PROTOCOL, f"token.{TOKEN}"], 403),
        ({"Origin": "null"}, [PROTOCOL, f"token.{TOKEN}"], 403),
        ({"Origin": "http://evil.example:8765"}, [PROTOCOL, f"token.{TOKEN}"], 403),
        ({"Host": "evil.example"}, [PROTOCOL, f"token.{TOKEN}"], 421),
    ],
)
def test_a_websocket_opens_only_for_the_page_with_the_token(
    client: TestClient, headers: dict[str, str], protocols: list[str], status: int
) -> None:
    assert websocket(client.app, headers, protocols) == status


def test_wrong_tokens_are_counted_and_the_right_one_is_never_shut_out(engines: Engines) -> None:
    app = create_app(site_of(engines))
    stranger, page = TestClient(app, base_url=ADDRESS), TestClient(app, base_url=ADDRESS, headers=MAY)
    statuses = [stranger.get("/api/about").status_code for _ in range(int(RATES["wrong_token"].burst) + 3)]
    assert statuses.count(401) == RATES["wrong_token"].burst
    refused = stranger.get("/api/about")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert page.get("/api/about").status_code == 200


def test_a_host_that_others_reach_is_known_by_addresses_and_allowed_names() -> None:
    names = Names.of("0.0.0.0", ["faces.example"])
    for good in ("10.0.0.7:8765", "[2001:db8::1]:8765", "localhost:8765", "faces.example", "FACES.example:443"):
        assert names.admits(good), good
    for bad in ("evil.example", "faces.example.evil.example", "10.0.0.7.evil.example", "[::1", "10.0.0.7:99999999"):
        assert not names.admits(bad), bad
    assert Names.of("faces.example").admits("faces.example:8765")
    assert Names.of("127.0.0.1", ["faces.example"]).admits("faces.example")
    assert not Names.of("127.0.0.1").admits("10.0.0.7")


@pytest.mark.parametrize("name", ["https://faces.example", "faces.example/", "", "two words", "*.example", "x:y"])
def test_what_is_no_name_of_a_host_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="no name of a host"):
        Names.of("127.0.0.1", [name])


PARTS = st.sampled_from(
    ["localhost", "127.0.0.1", "[::1]", "evil", ".", ":", "8765", "@", "/", " ", "[", "]", "\0", "ſ"]
)


@given(st.lists(PARTS, max_size=5).map("".join) | st.text(max_size=60))
def test_only_whole_names_with_or_without_a_port_are_admitted(text: str) -> None:
    whole = re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", text.lower(), re.ASCII)
    assert Names.of("127.0.0.1").admits(text) == bool(whole)


def test_unknown_addresses_say_nothing_about_this_machine(client: TestClient) -> None:
    for path in (
        "/static/../site.py",
        "/static/%2e%2e/site.py",
        "/static/%2e%2e%2fsite.py",
        "/static/..%5csite.py",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/static/index.html%00.js",
        "/static/.",
        "/docs",
        "/openapi.json",
        "/api/photo/",
    ):
        answer = client.get(path)
        assert answer.status_code in {404, 405}, path
        assert answer.json()["error"]["code"] in {"not_found", "wrong_method"}
        assert len(answer.content) < 120
