from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ferce_agent.errors import MissingExtraError
from ferce_agent.evaluation.service.drive import (
    GOOD,
    Body,
    Driven,
    drive,
    driven,
    find_locust,
    good_and_bad,
    is_right,
    with_bad,
)
from ferce_agent.evaluation.service.load import measure_load, memory_of, to_table
from ferce_agent.evaluation.service.processes import Watched, cpu_s, family, growth, resident_mb, watched

BODIES = (Body("photo", b"."), Body("bad", b"", status=415))


def test_one_in_a_hundred_is_bad_and_each_kind_comes() -> None:
    sequence = with_bad(1000, 5)
    assert sum(body > 0 for body in sequence) == 10
    assert set(sequence) == {0, 1, 2, 3, 4}
    assert with_bad(300, 1) == [0] * 300
    assert set(with_bad(1000, 5, good=2)[:50]) == {0, 1}
    assert sum(body > 1 for body in with_bad(1000, 5, good=2)) == 10


def test_bad_inputs_have_the_status_of_their_error() -> None:
    good, bad = good_and_bad()[:GOOD], good_and_bad()[GOOD:]
    assert {one.status for one in good} == {200}
    assert {400, 422} & {one.status for one in bad}
    assert all(400 <= one.status < 500 for one in bad)


def test_every_request_is_counted_once_by_what_became_of_it() -> None:
    lines = [
        (0, 0, 100.0, 200),
        (1, 0, 300.0, 200),
        (2, 1, 5.0, 415),
        (3, 0, 1.0, 429),
        (4, 0, 9.0, 0),
        (5, 1, 2.0, 200),
    ]
    spent = {"cpu_s": 0.1, "seconds": 2.0}
    found = driven(10.0, BODIES, lines, spent)
    assert (found.right, found.refused, found.unanswered, found.wrong) == (3, 1, 1, 1)
    other = driven(10.0, BODIES, lines, spent, {1})
    assert (other.right, other.refused, other.unanswered, other.wrong, other.different) == (2, 1, 1, 2, 1)
    assert found.p50_ms == 100.0
    assert found.good == pytest.approx(3 / 0.502)
    assert found.client_cpu == pytest.approx(0.05)


def simulated(rate: float, sequence: object) -> Driven:
    """Return what a server gives that reads 50 photos a second, and 45 when more arrive."""
    good = rate if rate <= 50 else 45.0
    return Driven(rate, 100, 90, 10, 0, 0, good, 10.0, 20.0, 30.0, {200: 90, 429: 10}, 0.1)


def test_the_ladder_ends_where_the_server_does_not_keep_up() -> None:
    held = measure_load(simulated, seconds=1, mix=[0])
    assert [round(one.offered, 1) for one in held.ladder] == [20.0, 25.0, 31.2, 39.1, 48.8, 61.0]
    assert held.peak == pytest.approx(48.8, abs=0.1)
    assert held.overload.offered == pytest.approx(2 * held.peak)
    assert to_table(held).endswith("Memory: not looked at.")
    assert to_table(replace(held, front_ms=1.6)).endswith(
        "1.60 ms of CPU a photo: one core of it carries 625 a second."
    )


def test_an_answer_that_belongs_to_another_photo_is_not_right() -> None:
    first, second, *_ = good_and_bad()
    assert first.told is not None
    assert first.told != second.told
    later = {**first.told, "provenance": {**first.told["provenance"], "timings_ms": {"read": 1.0}, "created_at": "now"}}
    assert is_right(first, json.dumps(later))
    assert not is_right(second, json.dumps(later))
    assert not is_right(first, "{")
    assert is_right(replace(first, told=None), "")


@pytest.mark.parametrize(("kept_kb", "grows"), [(0.0, False), (7.0, True)])
def test_what_a_request_leaves_behind_is_found(kept_kb: float, grows: bool) -> None:
    shaken = [(float(second), 300 + 0.07 * kept_kb * second + 3 * (second % 7 == 0)) for second in range(143)]
    memory = memory_of(Watched(shaken, [500.0] * len(shaken)), 10_000, 70.0)
    assert memory is not None
    assert memory.kb_per_request == pytest.approx(kept_kb, abs=0.5)
    assert memory.grows is grows


def test_growth_is_found_in_spite_of_peaks() -> None:
    samples = [(float(second), 100 + second / 60 + (500 if second % 17 == 3 else 0)) for second in range(120)]
    slope, low, high = growth(samples) or (0.0, 0.0, 0.0)
    assert low <= slope <= high
    assert slope == pytest.approx(1.0, abs=0.1)
    assert growth(samples[:5]) is None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_a_process_and_its_children_are_seen() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child, watched(os.getpid()):
        assert {os.getpid(), child.pid} <= set(family(os.getpid()))
        assert resident_mb(family(os.getpid())) > resident_mb([child.pid]) > 1
        before = cpu_s(os.getpid())
        sum(range(10**6))
        assert 0 < before <= cpu_s(os.getpid())


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    told = tmp_path / "port"
    process = subprocess.Popen([sys.executable, "-m", "tests.evaluation.service.answering", str(told)])
    try:
        for _ in range(600):
            if told.exists() and told.read_text("ascii"):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{told.read_text('ascii')}/photos"
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_real_server_is_driven_by_locust_and_refuses_what_is_too_much(address: str) -> None:
    try:
        locust = find_locust()
    except MissingExtraError:
        pytest.skip("locust is not installed")
    bodies = [replace(body, told=None) for body in good_and_bad()]
    calm = drive(address, 10.0, bodies, with_bad(40, len(bodies), every=4, good=GOOD), locust)
    reports = drive(address, 10.0, good_and_bad(), [0] * 3, locust)
    assert (reports.wrong, reports.different) == (3, 3)  # its reports are empty
    assert calm.right == calm.requests == 40
    assert set(calm.statuses) == {body.status for body in bodies}
    crowded = drive(address, 400.0, bodies, [0] * 400, locust)
    assert crowded.refused > 0
    assert crowded.right + crowded.refused == 400
