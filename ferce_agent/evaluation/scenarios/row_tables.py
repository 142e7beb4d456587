"""Rows of plain data as Markdown: one table for each set of columns, and goals beside what was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Final

from ferce_agent.evaluation.gates.shares import Goal

Row = Mapping[str, Any]
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A number that one row is to reach.

    Attributes:
        what: What it counts.
        column: Where it stands.
        limit: The goal.
        at_most: Whether it is an upper limit.
        where: Which row: what its other columns hold.
    """

    what: str
    column: str
    limit: float
    at_most: bool = False
    where: Row = field(default_factory=dict)

    def of(self, rows: Sequence[Row]) -> Goal:
        """Return the goal beside what the first such row holds; nothing where there is none."""
        fitting = (row for row in rows if self.column in row and all(row.get(k) == v for k, v in self.where.items()))
        value = next(fitting, {}).get(self.column)
        return Goal(self.what, None if value is None else float(value), self.limit, self.at_most)


def row_tables(rows: Sequence[Row]) -> str:
    """Return rows as Markdown, those with the same columns in one table, in the order in which each first comes."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(sorted(row)), []).append(row)
    return "\n\n".join(_table(some) for some in alike.values())


def cell(value: object) -> str:
    """Return a value as a table tells it: shares and times with three digits, an interval in brackets."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {cell(part)}" for name, part in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        return _several([cell(part) for part in value])
    if isinstance(value, Real) and not isinstance(value, int):
        return f"{float(value):.3f}".replace("-0.000", "0.000")
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _several(parts: Sequence[str]) -> str:
    """Return a value with its interval, a range, or a list."""
    if len(parts) == 3:
        return f"{parts[0]} [{parts[1]}, {parts[2]}]"
    return " to ".join(parts) if len(parts) == 2 else ", ".join(parts) or NOTHING


def _table(rows: Sequence[Row]) -> str:
    columns = list(rows[0])
    head = [column.replace("_", " ") for column in columns]
    marks = ["---:" if isinstance(rows[0][column], Real) else "---" for column in columns]
    body = [[cell(row[column]) for column in columns] for row in rows]
    lines = ["| " + " | ".join(line) + " |" for line in [head, *body]]
    return "\n".join([lines[0], "|" + "|".join(marks) + "|", *lines[1:]])
