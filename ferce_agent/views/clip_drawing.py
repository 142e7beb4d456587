"""What is drawn of a face in a clip: its curves, bars, movements and gaps as shapes over a time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import Episode, Gap, Track, TrackPoint
from ferce_agent.report import clip_wording as words_of
from ferce_agent.views.timeline import Axis, Band, area, curve, heat, hill, marks, packed, stack, thinned

DRAWN_POINTS: Final = 240
"""Most points of a drawn curve: there are not many more pixels."""
HEAT_ROWS: Final = 8
"""Movements shown over time, those that get strongest."""
LEAST_MOVEMENT: Final = 0.2
"""A movement that never gets stronger than this is not shown over time."""
MOST_BARS: Final = 300
"""Most episodes that are drawn of a face, the longest."""
MOST_GAPS: Final = 100
"""Most gaps that are drawn of a face, the longest."""
LEAST_LABEL: Final = 0.03
"""Share of the width from which on a bar has a label."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An episode as it is drawn.

    Attributes:
        row: In which row, from the top.
        left: Left edge, 0 to 1.
        width: Width, 0 to 1.
        path: Its hill.
        hue: Class that gives its colour.
        label: What it is of.
        title: All about it in a line.
    """

    row: int
    left: float
    width: float
    path: str
    hue: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A movement over time.

    Attributes:
        unit: Id of the action unit.
        name: What it is called.
        levels: Level and path of each strength.
        peak: Its highest intensity.
    """

    unit: str
    name: str
    levels: list[tuple[int, str]]
    peak: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything drawn of one face.

    Attributes:
        track: The face.
        axis: From its first to its last time.
        bands: Expressions, from the bottom to the top.
        valence: Line of valence from -1 at the bottom to 1 at the top.
        arousal: The same of arousal.
        quality: Area below quality from 0 to 1.
        bars: Episodes of expressions.
        heat: Movements.
        events: Name, number and bars of blinks and the like.
        points: The points whose values are told.
    """

    track: Track
    axis: Axis
    bands: list[Band]
    valence: str
    arousal: str
    quality: str
    bars: list[Bar]
    heat: list[HeatRow]
    events: list[tuple[str, int, str]]
    points: list[TrackPoint]


def drawing(track: Track, most_points: int) -> Drawing:
    """Return what is drawn of a face, and of which at most `most_points` points the exact values are told."""
    axis = Axis(track.first_s, track.last_s)
    points = thinned(track.samples, DRAWN_POINTS)
    return Drawing(
        track=track,
        axis=axis,
        bands=stack(points, axis),
        valence=curve([(point.time_s, point.valence) for point in points], axis, -1, 1),
        arousal=curve([(point.time_s, point.arousal) for point in points], axis, -1, 1),
        quality=area([(point.time_s, 0.0, point.quality) for point in points], axis),
        bars=bars(words_of.expressions_of(track), axis),
        heat=heat_rows(track, axis),
        events=events(track, axis),
        points=thinned(track.samples, most_points),
    )


def bars(episodes: Sequence[Episode], axis: Axis) -> list[Bar]:
    """Return episodes as bars in rows in which none overlap; if there are very many, the longest."""
    if len(episodes) > MOST_BARS:
        longest = sorted(episodes, key=lambda one: one.onset_s - one.offset_s)[:MOST_BARS]
        episodes = sorted(longest, key=lambda one: one.onset_s)
    spans = [(axis.at(one.onset_s), axis.at(one.offset_s)) for one in episodes]
    rows = packed(spans, apart=0.004, most=4)
    return [
        Bar(
            row=row,
            left=start,
            width=max(end - start, 0.004),
            path=hill(axis, one.onset_s, one.apex_s, one.offset_s),
            hue=one.expression if one.expression in CANONICAL else "other",
            label=words_of.episode_label(one),
            title=words_of.episode_words(one),
        )
        for one, row, (start, end) in zip(episodes, rows, spans, strict=True)
    ]


def labelled(found: Sequence[Bar]) -> list[Bar]:
    """Return the bars that are wide enough for a label and do not overlap one that has one."""
    chosen: list[Bar] = []
    for bar in found:
        if bar.width > LEAST_LABEL and (not chosen or bar.left >= chosen[-1].left + chosen[-1].width):
            chosen.append(bar)
    return chosen


def heat_rows(track: Track, axis: Axis) -> list[HeatRow]:
    """Return the movements that get strongest, strongest first."""
    peaks = {unit: max(point.movements.get(unit, 0.0) for point in track.samples) for unit in units_of(track)}
    chosen = sorted((unit for unit in peaks if peaks[unit] >= LEAST_MOVEMENT), key=lambda unit: -peaks[unit])
    return [
        HeatRow(
            unit,
            words_of.movement_label(unit),
            heat([(point.time_s, point.movements.get(unit)) for point in track.samples], axis),
            peaks[unit],
        )
        for unit in chosen[:HEAT_ROWS]
    ]


def units_of(track: Track) -> list[str]:
    """Return the action units that were read of a face."""
    return list(dict.fromkeys(unit for point in track.samples for unit in point.movements))


def events(track: Track, axis: Axis) -> list[tuple[str, int, str]]:
    """Return blinks and the like: name, how often, and its bars."""
    times: dict[str, list[tuple[float, float]]] = {}
    for one in words_of.movements_of(track):
        if one.movement in words_of.EVENTS:
            times.setdefault(words_of.EVENTS[str(one.movement)], []).append((one.onset_s, one.offset_s))
    if track.micro:
        times["possible micro-expression"] = [(micro.onset_s, micro.offset_s) for micro in track.micro]
    return [(name, len(found), marks(found, axis)) for name, found in times.items()]


def gap_places(track: Track, axis: Axis, least: float = 0.0) -> list[tuple[float, float, Gap]]:
    """Return left edge and width of the gaps that are drawn: at least `least` wide; if there are many, the longest."""
    longest = sorted(track.gaps, key=lambda gap: gap.from_s - gap.to_s)[:MOST_GAPS]
    places = [(axis.at(gap.from_s), axis.at(gap.to_s) - axis.at(gap.from_s), gap) for gap in longest]
    return [(left, width, gap) for left, width, gap in places if width >= least]
