from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import RequestError, RequestTimeoutError, RequestTooLargeError, SettingsError
from ferce_agent.web.asked import Patience, read_asked, read_fields
from ferce_agent.web.clip_routes import ClipAsked
from ferce_agent.web.photo_routes import PhotoAsked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Body:
    """A body in parts, which counts how many of them were read."""

    def __init__(self, parts: list[bytes], pause: float = 0.0) -> None:
        self.parts, self.pause, self.read = parts, pause, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            await asyncio.sleep(self.pause)
            self.read += 1
            yield part


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(told=st.dictionaries(st.text(), JSON, max_size=4), file=st.binary(max_size=200), size=st.integers(1, 64))
def test_what_is_sent_is_read_however_it_is_cut(told: dict[str, Any], file: bytes, size: int) -> None:
    body = json.dumps(told).encode() + b"\n" + file
    assert asyncio.run(read_asked(Body(pieces(body, size)), 200)) == (told, file)


@given(body=st.binary(max_size=300), size=st.integers(1, 64))
def test_any_bytes_give_an_object_or_a_typed_error(body: bytes, size: int) -> None:
    try:
        told, file = asyncio.run(read_asked(Body(pieces(body, size)), 100, most_line=100))
    except RequestError as error:
        assert len(error.message) > 15
    else:
        assert isinstance(told, dict)
        assert body.endswith(file)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"5",
        b'"x"',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"{'a': 1}",
        b'{"a": 1',
        b'\xff{"a": 1}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        '{"a": 1}'.encode("utf-16"),
    ],
)
async def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(RequestError, match=r"JSON"):
        await read_asked(Body([line, b"\nfile"]), 100)


async def test_nothing_is_read_beyond_a_limit() -> None:
    endless = Body([b"{}\n", *[b"x" * 1000] * 1000])
    with pytest.raises(RequestTooLargeError, match="5,000 bytes"):
        await read_asked(endless, 5000)
    assert endless.read == 7
    long_line = Body([b"{" * 1000] * 1000)
    with pytest.raises(RequestTooLargeError, match="line of JSON"):
        await read_asked(long_line, 10**9, most_line=5000)
    assert long_line.read == 6
    exact = Body([b"{}\n", *[b"x" * 1000] * 5])
    assert len((await read_asked(exact, 5000))[1]) == 5000


async def test_a_body_that_trickles_or_stalls_is_given_up() -> None:
    trickle = Body([b"{}\n", *[b"x"] * 10_000], pause=0.01)
    with pytest.raises(RequestTimeoutError, match="too slowly"):
        await read_asked(trickle, 10**6, patience=Patience(grace_s=0.1, least_pace=10_000))
    assert trickle.read < 100
    stalled = Body([b"{}\n"], pause=3600)
    with pytest.raises(RequestTimeoutError):
        await read_asked(stalled, 10**6, patience=Patience(grace_s=0.05))
    steady = Body([b"{}\n", *[b"x" * 100] * 30], pause=0.01)
    assert len((await read_asked(steady, 10**6, patience=Patience(grace_s=0.2, least_pace=100)))[1]) == 3000


def test_fields_are_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"has no 'contxt'\. Did you mean context"):
        read_fields({"contxt": "x"}, PhotoAsked)
    with pytest.raises(SettingsError, match="labels"):
        read_fields({"labels": "bored"}, PhotoAsked)
    for wrong in ({"fps": 0}, {"fps": -1}, {"start_s": -1}, {"end_s": "x"}, {"micro": "perhaps"}, {"camera": 0}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            read_fields(wrong, ClipAsked)
