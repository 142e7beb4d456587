"""What is drawn of turns of speech: bars over a time axis, in rows in which none overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import SpeechTurn
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.clip_wording import clock
from ferce_agent.report.wording import term_label
from ferce_agent.views.timeline import SIZE, Axis, packed

MOST_TURNS: Final = 300
"""Most turns that are drawn, the longest."""
LEAST_WIDTH: Final = 0.004
"""Least width of a bar, a share of the axis."""


@dataclass(frozen=True, slots=True)
class TurnBar:
    """A turn as it is drawn.

    Attributes:
        turn: The turn.
        row: In which row, from the top.
        left: Left edge, 0 to 1.
        width: Width, 0 to 1.
        path: Its bar: a box where an expression is named, a low one where none is.
        arousal: A bar from the middle up or down, as far as the voice is activated or calm; empty if not known.
        hue: Class that gives its colour.
        label: What it sounds like; empty where no expression is named.
        title: All about it in a line.
    """

    turn: SpeechTurn
    row: int
    left: float
    width: float
    path: str
    arousal: str
    hue: str
    label: str
    title: str


def turn_bars(turns: Sequence[SpeechTurn], axis: Axis) -> list[TurnBar]:
    """Return turns as bars by their beginning; if there are very many, the longest."""
    longest = sorted(turns, key=lambda one: one.start_s - one.end_s)[:MOST_TURNS]
    drawn = sorted(longest, key=lambda one: one.start_s)
    spans = [(axis.at(one.start_s), axis.at(one.end_s)) for one in drawn]
    return [_bar(turn, row, axis) for turn, row in zip(drawn, packed(spans, most=3), strict=True)]


def _bar(turn: SpeechTurn, row: int, axis: Axis) -> TurnBar:
    left, right = axis.at(turn.start_s), axis.at(turn.end_s)
    named = turn.voice.expression if turn.voice is not None else None
    start, end = axis.x(turn.start_s), max(axis.x(turn.end_s), axis.x(turn.start_s) + 4)
    top = SIZE // 10 if named else SIZE // 2
    return TurnBar(
        turn=turn,
        row=row,
        left=left,
        width=max(right - left, LEAST_WIDTH),
        path=_box(start, end, top, SIZE),
        arousal="" if turn.arousal is None else _level(start, end, turn.arousal),
        hue=named if named in CANONICAL else "other",
        label=term_label(named) if named else "",
        title=turn_title(turn),
    )


def _box(left: int, right: int, top: int, bottom: int) -> str:
    return f"M{left} {top}H{right}V{bottom}H{left}z"


def _level(left: int, right: int, value: float) -> str:
    """Return a bar from the middle: up for a positive value, down for a negative one; a hair thick at 0."""
    middle = SIZE // 2
    edge = round(middle - value * middle)
    if abs(edge - middle) < 12:
        return _box(left, right, middle - 12, middle + 12)
    return _box(left, right, min(edge, middle), max(edge, middle))


def turn_title(turn: SpeechTurn) -> str:
    """Return a turn in a line: who, when, what it sounds like, how activated."""
    who = heard.speaker_name(turn)
    arousal = heard.arousal_words(turn.arousal)
    parts = [heard.voice_words(turn.voice), *([arousal] if arousal else [])]
    start = f"{heard.turn_name(turn.id)}, {clock(turn.start_s)} to {clock(turn.end_s)}"
    return f"{start}{f', {who}' if who else ''}: {'; '.join(parts)}"
