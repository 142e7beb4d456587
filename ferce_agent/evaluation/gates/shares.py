"""Shares of outcomes as tables, with goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a group of trials.

    Attributes:
        group: Its name.
        trials: How many there are.
        values: By column; None where there is nothing to tell.
    """

    group: str
    trials: int
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that is to be reached.

    Attributes:
        what: What is counted.
        value: The number; None where there was nothing to count.
        limit: The goal.
        at_most: Whether it is an upper limit.
    """

    what: str
    value: float | None
    limit: float
    at_most: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there was nothing to count."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class Table:
    """The outcomes of one suite, or of a part of it.

    Attributes:
        title: What was tried.
        lines: One a group; all have the same columns.
        goals: What is to be reached.
        notes: What a reader must know, such as what was left out.
    """

    title: str
    lines: tuple[Line, ...]
    goals: tuple[Goal, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        goals = [{**asdict(goal), "met": goal.met} for goal in self.goals]
        lines = [{**asdict(line), "values": dict(line.values)} for line in self.lines]
        return {"title": self.title, "lines": lines, "goals": goals, "notes": list(self.notes)}

    def to_markdown(self) -> str:
        """Return the table with its heading, goals and notes."""
        parts = [f"### {self.title}"]
        if self.lines:
            columns = list(self.lines[0].values)
            rows = [["", "trials", *columns], *([line.group, f"{line.trials:,}", *_cells(line)] for line in self.lines)]
            head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
            parts.append("\n".join([head, "|---|" + "---:|" * (len(columns) + 1), *rest]))
        if self.goals:
            parts.append("\n".join(f"- {told(goal)}" for goal in self.goals))
        parts += [f"*{note}*" for note in self.notes]
        return "\n\n".join(parts)


def _cells(line: Line) -> list[str]:
    return [
        "–" if value is None else f"{value:.3f}" if abs(value) <= 1 else f"{value:.1f}"
        for value in line.values.values()
    ]


def told(goal: Goal) -> str:
    """Return a goal as a line tells it: what, the number, the limit, and whether it is met."""
    number = "–" if goal.value is None else f"{goal.value:.3f}"
    end = {None: "nothing to count", True: "met", False: "missed"}[goal.met]
    return f"{goal.what}: {number} (goal {'<=' if goal.at_most else '>='} {goal.limit:g}: {end})"


def share(hits: Sequence[bool]) -> float | None:
    """Return the share of true values; None of none."""
    return sum(hits) / len(hits) if hits else None
