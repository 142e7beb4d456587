"""What a report says of several people in the same words, put together for views that people read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ferce_agent.report import Cause, Conflict

EntryT = TypeVar("EntryT", Cause, Conflict)


def alike(entries: Iterable[EntryT]) -> list[list[EntryT]]:
    """Return causes or conflicts that differ in nothing but the person together, in the order of the first of each."""
    groups: dict[str, list[EntryT]] = {}
    for entry in entries:
        groups.setdefault(entry.model_dump_json(exclude={"person"}), []).append(entry)
    return list(groups.values())
