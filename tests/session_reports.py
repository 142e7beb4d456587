"""Reports of sessions for tests: of simulated lives, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ferce_agent.concurrency.lazy import once
from ferce_agent.policy.use import UseContext
from ferce_agent.report.session import Entry, SessionReport
from ferce_agent.sessions.reporting import session_report
from tests.sessions.lives import after, changed_life, life, make_consent, make_entry

SELF = UseContext(observer="self", consent=True)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def report_of(entries: Iterable[Entry], **more: Any) -> SessionReport:
    """The report of some readings for the person."""
    return session_report(entries, make_consent(), person="anna", use=SELF, now=NOW, **more)


@once
def changed() -> SessionReport:
    """A life with a change in its last week."""
    return report_of(changed_life(91), to_day=after(97))


@once
def steady() -> SessionReport:
    """A life without a change."""
    return report_of(life(4))


@once
def sparse() -> SessionReport:
    """Twenty readings in the first of fourteen weeks, with words of distress in two."""
    entries = [
        one.model_copy(update={"distress": "likely"}) if at in (3, 15) else one for at, one in enumerate(life(3))
    ]
    return report_of(entries[:20], to_day=after(97))


@once
def single() -> SessionReport:
    """A single reading."""
    return report_of([make_entry()])


@once
def empty() -> SessionReport:
    """No reading."""
    return report_of([], to_day=after(10))


EVERY: dict[str, Callable[[], SessionReport]] = {
    "changed": changed,
    "steady": steady,
    "sparse": sparse,
    "single": single,
    "empty": empty,
}
"""All of them, by name."""
