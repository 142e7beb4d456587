from __future__ import annotations

import asyncio
import gc
import json
import struct
import tempfile
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from ferce_agent.graphs.engines import Engines
from ferce_agent.inputs.clip_feed import Feed
from ferce_agent.report import ClipReport
from ferce_agent.report.live import LiveFrame
from ferce_agent.web import live_session
from ferce_agent.web.live_session import LiveSession
from ferce_agent.web.outbox import MOST_WAITING, Outbox
from ferce_agent.web.places import Places
from ferce_agent.web.rates import RATES, Rate, Rates
from ferce_agent.web.site import Site
from tests.web.live_client import connected, encoded, frame, quiet, rest, served, smile_film, started, told


@pytest.fixture
def site(engines: Engines) -> Iterator[Site]:
    with served(Site(engines)) as site:
        yield site


def stop(client: ClientConnection) -> list[dict[str, Any]]:
    client.send('{"kind": "stop"}')
    return rest(client)


def refused(client: ClientConnection) -> tuple[str, int]:
    """Return the code of the error that the server tells, and how it hangs up."""
    *_, last = rest(client)
    assert last["event"] == "error", last
    assert last["error"]["message"]
    assert "Traceback" not in json.dumps(last)
    with pytest.raises(ConnectionClosed) as closed:
        client.recv()
    assert closed.value.rcvd is not None
    return last["error"]["code"], closed.value.rcvd.code


def test_each_picture_is_answered_and_a_report_follows(site: Site, pixels: NDArray[np.uint8]) -> None:
    jpeg = encoded(pixels)
    with started(site, {"purpose": "a test"}) as client:
        frames = []
        for number in range(8):
            client.send(frame(jpeg, number / 10))
            while (event := told(client))["event"] != "live":
                assert event["event"] == "track_begins"
            frames.append(LiveFrame.model_validate(event))
        events = stop(client)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000
    assert [(one.frame, one.time_s) for one in frames] == [(number, number / 10) for number in range(8)]
    assert {(one.width, one.height) for one in frames} == {(512, 512)}
    (face,) = frames[-1].faces
    assert (face.state, face.expression) == ("shown", "happiness")
    assert {event["event"] for event in events} >= {"track_ends", "moment", "answer"}
    assert not {"reading", "progress", "report"} & {event["event"] for event in events}
    answer = events[-1]
    report = ClipReport.model_validate(answer["report"])
    assert (answer["event"], answer["kind"], report.source.kind) == ("answer", "clip", "camera")
    assert report.source.frames == 8
    assert set(answer["pictures"]) <= {moment.id for moment in report.moments}
    assert all(url.startswith("data:image/jpeg;base64,") for url in answer["pictures"].values())
    assert answer["brief"]
    assert answer["brief_text"]


def test_a_use_that_is_refused_opens_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a picture was taken")

    monkeypatch.setattr(Feed, "put", never)
    with connected(site) as client:
        client.send(json.dumps({"kind": "start", "use": {"domain": "recruitment"}}))
        with suppress(ConnectionClosed):  # the refusal may come first
            client.send(quiet(0.0))
        assert refused(client) == ("policy_refused", 1008)


def test_a_restricted_use_shows_movements_only(site: Site, pixels: NDArray[np.uint8]) -> None:
    use = {"domain": "education"}
    assert not site.engines.permit(use).may_infer
    jpeg = encoded(pixels)
    with started(site, use) as client:
        for number in range(5):
            client.send(frame(jpeg, number / 10))
            while (event := told(client))["event"] != "live":
                pass
        (face,) = event["faces"]
        assert (face["state"], face["expression"], face["distribution"]) == ("restricted", None, None)
        assert face["movements"]
        answer = stop(client)[-1]
    assert not [one for one in answer["report"]["tracks"][0]["episodes"] if one["expression"]]


BAD_STARTS = [
    ("", "bad_request"),
    ("{", "bad_request"),
    ("[]", "bad_request"),
    ("[" * 5000, "bad_request"),
    ('"\\ud800"', "bad_request"),
    ("x" * 70_000, "bad_request"),
    ('{"kind": "stop"}', "settings"),
    ("{}", "settings"),
    ('{"kind": "start", "token": "x"}', "settings"),
    ('{"kind": "start", "use": []}', "settings"),
    ('{"kind": "start", "use": {"domain": "no such"}}', "settings"),
    ('{"kind": "start", "use": {"who": "no such"}}', "settings"),
    (b"", "bad_request"),
    (quiet(0.0), "bad_request"),
]


@pytest.mark.parametrize(("message", "code"), BAD_STARTS, ids=range(len(BAD_STARTS)))
def test_what_does_not_start_a_reading(site: Site, message: str | bytes, code: str) -> None:
    with connected(site) as client:
        client.send(message)
        assert refused(client) == (code, 1008)


BAD_MESSAGES = [
    (b"", "bad_request"),
    (b"\0" * 7, "bad_request"),
    (b"\0" * 8, "image_format"),
    (struct.pack("<d", 0.0) + b"GIF89a" + bytes(60), "image_format"),
    (struct.pack("<d", float("nan")) + quiet(0)[8:], "clip_times"),
    (struct.pack("<d", -1.0) + quiet(0)[8:], "clip_times"),
    (quiet(0, (2000, 1500)), "image_too_large"),
    (quiet(0, (64, 4)), "image_shape"),
    (struct.pack("<d", 0.0) + b"\xff\xd8\xff" + bytes(2 * 2**20), "image_too_large"),
    ("hello", "bad_request"),
    ('{"kind": "start"}', "settings"),
    ('{"kind": "stop", "why": "x"}', "settings"),
]


@pytest.mark.parametrize(("message", "code"), BAD_MESSAGES, ids=range(len(BAD_MESSAGES)))
def test_what_is_no_picture_ends_the_reading(site: Site, message: str | bytes, code: str) -> None:
    with started(site) as client:
        client.send(message)
        assert refused(client) == (code, 1008)
    with started(site) as client:  # its place is free again
        client.send(quiet(0.0))
        assert told(client)["event"] == "live"


@pytest.fixture(scope="module")
def patient_site(engines: Engines) -> Iterator[Site]:
    """A site that lets clients come as often as they like."""
    with served(Site(engines, rates=Rates({**RATES, "live": Rate(1e6, 1e6)}))) as site:
        yield site


MESSAGES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=60),
    st.floats(0, 10).map(quiet),
    st.binary(max_size=40).map(lambda data: quiet(1.0)[:200] + data),
    st.sampled_from(['{"kind": "start"}', '{"kind": "stop"}', '{"kind": "stop", "kind": 3}']),
)


@settings(max_examples=40)
@given(st.booleans(), st.lists(MESSAGES, max_size=6))
def test_whatever_is_sent_ends_with_an_answer_or_a_typed_error(
    patient_site: Site, starts: bool, messages: list[str | bytes]
) -> None:
    with connected(patient_site) as client:
        with suppress(ConnectionClosed):
            for message in ['{"kind": "start"}'] * starts + messages + ['{"kind": "stop"}']:
                client.send(message)
        *_, last = rest(client)
        assert last["event"] in {"answer", "error"}
        assert last["event"] == "answer" or last["error"]["code"] in CODES
    wait_until(lambda: patient_site.live.free == 3)


CODES = {
    "bad_request",
    "settings",
    "image_format",
    "image_truncated",
    "image_too_large",
    "image_shape",
    "clip_times",
    "clip_format",
}


def test_a_damaged_picture_is_left_out(site: Site) -> None:
    noise = encoded(np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8))
    with started(site) as client:
        client.send(quiet(0.0))
        assert told(client)["event"] == "live"
        client.send(frame(noise[: len(noise) // 2], 0.1))
        answer = stop(client)[-1]
    assert answer["report"]["source"]["frames"] == 1
    (note,) = [one for one in answer["report"]["degraded"] if one["code"] == "clip_damaged"]
    assert note["count"] == 1


def test_a_flood_is_read_as_far_as_it_can_be(site: Site) -> None:
    with started(site) as client:
        for number in range(300):
            client.send(quiet(number / 1000))
        events = stop(client)
    live = [LiveFrame.model_validate(event) for event in events if event["event"] == "live"]
    numbers = [one.frame for one in live]
    assert numbers == sorted(set(numbers))
    answer = events[-1]
    assert answer["event"] == "answer"
    thinned = [one["count"] for one in answer["report"]["degraded"] if one["code"] == "frames_thinned"]
    assert answer["report"]["source"]["frames"] + sum(thinned) == 300


def test_stopping_without_a_picture_says_so(site: Site) -> None:
    with started(site) as client:
        client.send('{"kind": "stop"}')
        assert refused(client) == ("clip_format", 1008)


def test_a_silent_client_gets_its_answer(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    init = LiveSession.__init__
    monkeypatch.setattr(LiveSession, "__init__", lambda self, site, socket: init(self, site, socket, idle_s=0.2))
    with served(Site(engines)) as site, started(site) as client:
        client.send(quiet(0.0))
        events = rest(client)
    assert events[-1]["event"] == "answer"


def test_who_does_not_start_is_sent_away(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_session, "START_S", 0.1)
    with served(Site(engines)) as site, connected(site) as client:
        assert refused(client) == ("request_timeout", 1008)


def test_only_so_many_at_once(engines: Engines) -> None:
    with served(Site(engines, live=Places(held=2, worked_on=2))) as site:
        with started(site), started(site) as second:
            with connected(site) as third:
                assert refused(third) == ("too_many_requests", 1008)
            second.send(quiet(0.0))
            assert told(second)["event"] == "live"
        wait_until(lambda: site.live.free == 2)
        with started(site) as again:
            again.send(quiet(0.0))
            assert told(again)["event"] == "live"


def test_only_so_often(engines: Engines) -> None:
    with served(Site(engines, rates=Rates({**RATES, "live": Rate(2, 0.001)}))) as site:
        for _ in range(2):
            with started(site):
                pass
        with connected(site) as client:
            assert refused(client) == ("too_many_requests", 1008)


def test_a_wrong_token_opens_nothing(site: Site) -> None:
    with pytest.raises(InvalidStatus):
        connected(site, token="wrong")


def wait_until(condition: Any) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Weak references to the readings, and the feeds of them, that the server makes."""
    with warnings.catch_warnings():
        # What a client of an earlier test left open is not this test's: it collects what it left itself.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    made: list[weakref.ref[Any]] = []
    init = LiveSession.__init__

    def kept(self: LiveSession, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        made.extend([weakref.ref(self), weakref.ref(self._feed)])

    monkeypatch.setattr(LiveSession, "__init__", kept)
    return made


def all_gone(sessions: list[weakref.ref[Any]]) -> bool:
    gc.collect()
    return all(one() is None for one in sessions)


def is_reading() -> bool:
    return any(one.name == "ferce-ahead" for one in threading.enumerate())


@pytest.mark.parametrize("ends", ["stops", "vanishes", "hangs up", "fails"])
def test_nothing_is_left(
    site: Site,
    pixels: NDArray[np.uint8],
    sessions: list[weakref.ref[Any]],
    tmp_path: Path,
    ends: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = started(site)
    for number in range(4):
        client.send(frame(encoded(pixels), number / 10))
        while told(client)["event"] != "live":
            pass
    assert is_reading()
    if ends == "stops":
        assert stop(client)[-1]["event"] == "answer"
    elif ends == "vanishes":
        client.socket.shutdown(2)
    elif ends == "hangs up":
        client.close()
    else:
        client.send(b"")
        assert refused(client)[0] == "bad_request"
    wait_until(lambda: not is_reading())
    assert len(sessions) == 2
    wait_until(lambda: all_gone(sessions))
    assert not list(tmp_path.iterdir())
    assert site.live.free == 3


def test_a_client_that_goes_while_the_report_is_made(site: Site, sessions: list[weakref.ref[Any]]) -> None:
    client = started(site)
    client.send(quiet(0.0))
    client.send('{"kind": "stop"}')
    client.close()
    wait_until(lambda: not is_reading() and all_gone(sessions))


async def taken_from(outbox: Outbox) -> list[str]:
    found = []
    while (text := await outbox.take()) is not None:
        found.append(text)
    return found


async def _filled() -> tuple[list[str], bool]:
    outbox = Outbox()
    for number in range(10):
        outbox.put(f"picture {number}", passes=True)
        if number % 5 == 0:
            outbox.put(f"event {number}")
    outbox.close()
    first = await taken_from(outbox)
    full = Outbox()
    try:
        for _ in range(MOST_WAITING + 1):
            full.put("event")
    except Exception as error:
        return first, type(error).__name__ == "RequestTimeoutError"
    return first, False


def test_pictures_pass_and_events_stay() -> None:
    told, refused = asyncio.run(_filled())
    assert told == ["event 0", "event 5", "picture 8", "picture 9"]
    assert refused


@pytest.mark.slow
def test_the_label_changes_when_the_smile_comes(site: Site) -> None:
    film, shown = smile_film(), []
    with started(site) as client:
        for number, (seconds, jpeg) in enumerate(film):
            client.send(frame(jpeg, seconds))
            while (event := told(client))["event"] != "live":
                pass
            assert event["frame"] == number
            shown.append((seconds, event["faces"][0]["expression"] if event["faces"] else None))
        answer = stop(client)[-1]
    assert not [seconds for seconds, expression in shown if expression == "happiness" and seconds < 1.2]
    first = next(seconds for seconds, expression in shown if expression == "happiness")
    assert first < 1.9
    assert {expression for seconds, expression in shown if seconds >= first} == {"happiness"}
    (track,) = answer["report"]["tracks"]
    (smile,) = [one for one in track["episodes"] if one["expression"] == "happiness"]
    assert 1.1 < smile["onset_s"] < 1.7


@pytest.mark.slow
def test_two_at_once_do_not_meet(site: Site) -> None:
    film = smile_film()
    with started(site) as one, started(site) as other:
        last: dict[str, Any] = {}
        for seconds, jpeg in film[::3]:
            one.send(frame(jpeg, seconds))
            other.send(frame(film[0][1], seconds))
            for name, client in (("one", one), ("other", other)):
                while (event := told(client))["event"] != "live":
                    pass
                last[name] = event["faces"][0]["expression"] if event["faces"] else None
        assert last["one"] == "happiness"
        assert last["other"] != "happiness"
        assert stop(one)[-1]["event"] == "answer"
        assert stop(other)[-1]["event"] == "answer"
