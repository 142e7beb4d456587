from __future__ import annotations

import gc
import json
import threading

import pytest

from ferce_agent.report import EmotionReport
from ferce_agent.tools.reports import ADDRESS, ReportGoneError, ReportStore
from tests.factories import make_report


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def name_of(address: str | None) -> str:
    assert address is not None
    return address.removeprefix(ADDRESS)


def test_a_report_comes_back_whole() -> None:
    store = ReportStore()
    report = make_report()
    assert EmotionReport.model_validate_json(store.get(name_of(store.keep(report)))) == report
    store.clear()


def test_addresses_cannot_be_guessed() -> None:
    store = ReportStore(most=1000)
    names = {name_of(store.keep(make_report())) for _ in range(200)}
    assert len(names) == 200
    assert {len(name) for name in names} == {16}
    for wrong in ("", "1", "../x", next(iter(names))[:-1], next(iter(names)).swapcase()):
        with pytest.raises(ReportGoneError, match=r"reports are kept for 15 minutes.*detail"):
            store.get(wrong)
    store.clear()


def test_reports_are_kept_for_a_while() -> None:
    clock = Clock()
    store = ReportStore(seconds=60, clock=clock)
    name = name_of(store.keep(make_report()))
    clock.now = 59
    assert json.loads(store.get(name))
    clock.now = 61
    with pytest.raises(ReportGoneError, match="1 minutes"):
        store.get(name)
    assert len(store) == 0
    store.clear()


def test_number_and_bytes_are_bounded_and_the_oldest_goes_first() -> None:
    size = len(make_report().model_dump_json().encode())
    by_number, by_bytes = ReportStore(most=3), ReportStore(most_bytes=3 * size + 10)
    for store in (by_number, by_bytes):
        names = [name_of(store.keep(make_report())) for _ in range(5)]
        assert len(store) == 3
        assert store.get(names[-1])
        with pytest.raises(ReportGoneError):
            store.get(names[1])
        store.clear()
    assert ReportStore(most_bytes=size - 1).keep(make_report()) is None
    assert ReportStore(most=0).keep(make_report()) is None


def test_old_reports_go_even_if_nobody_asks() -> None:
    clock = Clock()
    store = ReportStore(seconds=60, clock=clock)
    store.keep(make_report())
    timer = store._timer
    assert timer is not None
    assert timer.daemon
    timer.cancel()
    clock.now = 61
    store._look()  # what the timer does
    assert not store._kept
    assert store._timer is None


def test_no_timer_is_left_after_clearing() -> None:
    store = ReportStore()
    store.keep(make_report())
    timer = store._timer
    store.clear()
    assert timer is not None
    timer.join(10)
    assert timer not in threading.enumerate()
    gc.collect()


def test_threads_share_a_store() -> None:
    store, failures = ReportStore(most=20), []

    def work() -> None:
        for _ in range(30):
            try:
                store.keep(make_report())
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store) == 20
    store.clear()
