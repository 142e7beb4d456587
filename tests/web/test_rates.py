from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import TooManyRequestsError
from ferce_agent.web.rates import RATES, Kind, Rate, Rates, network


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def allowed(rates: Rates, client: str, kind: Kind = "photo") -> bool:
    try:
        rates.take(kind, client)
    except TooManyRequestsError:
        return False
    return True


@given(
    burst=st.integers(1, 20),
    per_minute=st.floats(0.5, 600),
    waits=st.lists(st.floats(0, 200), min_size=1, max_size=60),
)
def test_never_more_than_the_burst_and_what_flowed_in(burst: int, per_minute: float, waits: list[float]) -> None:
    clock = Clock()
    rates, times = Rates({"photo": Rate(burst, per_minute)}, clock=clock), []
    for wait in waits:
        clock.now += wait
        if allowed(rates, "10.0.0.1"):
            times.append(clock.now)
    for first, began in enumerate(times):
        for taken, at in zip(count(1), times[first:], strict=False):
            assert taken <= burst + (at - began) * per_minute / 60 + 1e-6


@given(burst=st.integers(1, 20), per_minute=st.floats(0.5, 600), late=st.floats(0, 1000))
def test_whoever_waits_as_long_as_the_error_says_is_let_in(burst: int, per_minute: float, late: float) -> None:
    clock = Clock()
    rates = Rates({"photo": Rate(burst, per_minute)}, clock=clock)
    clock.now = late
    for _ in range(burst):
        rates.take("photo", "10.0.0.1")
    with pytest.raises(TooManyRequestsError) as told:
        rates.take("photo", "10.0.0.1")
    assert told.value.hint
    clock.now += told.value.seconds + 1e-6
    rates.take("photo", "10.0.0.1")
    assert not allowed(rates, "10.0.0.1")


@given(st.lists(st.tuples(st.sampled_from(sorted(RATES)), st.text(max_size=80)), max_size=300))
def test_what_is_kept_stays_bounded(requests: list[tuple[Kind, str]]) -> None:
    rates = Rates(clock=Clock(), most_kept=16)
    for kind, client in requests:
        allowed(rates, client, kind)
        assert len(rates) <= 16


def test_clients_and_kinds_do_not_count_for_each_other() -> None:
    rates = Rates({"photo": Rate(1, 1), "clip": Rate(1, 1)}, clock=Clock())
    assert allowed(rates, "10.0.0.1")
    assert not allowed(rates, "10.0.0.1")
    assert allowed(rates, "10.0.0.2")
    assert allowed(rates, "10.0.0.1", "clip")


def test_a_network_of_one_machine_is_one_client() -> None:
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:10.0.0.1") == network("10.0.0.1") == "10.0.0.1"
    assert network("fe80::1%eth0") == network("fe80::2%eth0")
    assert len(network("x" * 1000)) == 64


def test_what_is_beyond_a_full_bucket_can_be_owed() -> None:
    clock = Clock()
    rates = Rates({"bytes": Rate(10, 60)}, clock=clock)
    assert rates.take("bytes", "clinic", 40) == 10
    rates.owe("bytes", "clinic", 30)
    clock.now += 30
    with pytest.raises(TooManyRequestsError) as told:
        rates.take("bytes", "clinic", 1)
    assert told.value.seconds == pytest.approx(1)
    clock.now += 1
    assert rates.take("bytes", "clinic", 1) == 1


def test_a_refusal_says_of_what_there_is_too_much() -> None:
    rates = Rates({"bytes": Rate(1e6, 6e6), "call": Rate(1, 5)}, clock=Clock())
    rates.take("bytes", "clinic", 1e6)
    rates.take("call", "clinic")
    with pytest.raises(TooManyRequestsError, match=r"^Too many bytes \(at most 6 MB a minute\)\."):
        rates.take("bytes", "clinic", 1)
    with pytest.raises(TooManyRequestsError, match=r"^Too many requests of this kind \(at most 5 a minute\)\."):
        rates.take("call", "clinic")
