"""A clip's report as a figure: for each face one row a quantity over the time of the film.

All that is drawn is named at the left of its row, so nothing has to be told by its colour. Where there is no reading
the rows are interrupted and hatched, and the reason stands below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ferce_agent.errors import SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import ClipReport, Episode, Track, TrackPoint, wording
from ferce_agent.report import clip_wording as words_of
from ferce_agent.views.clip_drawing import LEAST_MOVEMENT, MOST_BARS, MOST_GAPS, units_of
from ferce_agent.views.figure_style import (
    COLOURS,
    HATCH,
    INK,
    PAPER,
    QUIET,
    RULE,
    SMALL,
    TEXT,
    ReportFigure,
    font,
    in_lines,
    new_figure,
    styled,
    told,
    width_of,
)
from ferce_agent.views.timeline import ORDER, Axis, packed, runs, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

MOST_TRACKS: Final = 4
"""So many faces are drawn, those that are seen longest, unless one is asked for."""
DRAWN_POINTS: Final = 400
"""Most points of a curve."""
LEAST_SHARE: Final = 0.1
"""An expression whose probability is never above this has no row."""
MOST_MOVEMENTS: Final = 4
"""Movements that have a row, those that get strongest."""
MOST_TOLD: Final = 6
"""Gaps and moments that are told in words below a face; the figure says how many more there are."""
MOST_LANES: Final = 5
"""Rows of episodes."""
MOST_LINES: Final = 12
"""Cuts that are drawn through all rows."""
LEAST_BAR: Final = 6.0
"""Width of the narrowest bar with an apex, in points."""
ROW: Final = 0.25
"""Height of a row in inches."""
LANE: Final = 1.4
"""Height of a row of episodes, with its labels, in rows."""
LINE: Final = 0.17
"""Height of a line of text in inches."""
LABELS: Final = 1.9
"""What the names and numbers beside the rows take of the width, in inches."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One row with a curve.

    Attributes:
        name: What stands at its left.
        value: What is drawn of a point; None: not read.
        colour: Of the area below the curve.
        strength: How opaque the area is, 0 to 1.
        signed: Whether it goes from -1 to 1 instead of from 0 to 1.
        peak: What stands at its right.
    """

    name: str
    value: Callable[[TrackPoint], float | None]
    colour: str
    signed: bool = False
    strength: float = 1.0
    peak: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """An episode in its row.

    Attributes:
        episode: The episode.
        row: Which row of episodes, from 0.
        text: Its label; empty where there is no room.
        at: Where the label begins, in seconds.
    """

    episode: Episode
    row: int
    text: str
    at: float


def clip_figure(report: ClipReport, track: str | None = None, *, width: float = 7.0) -> ReportFigure:
    """Return a clip's report as a figure; see `ClipReport.plot`.

    Args:
        report: The report.
        track: Id of the one face to draw; None: those that are seen longest.
        width: Width of the figure in inches, 3 to 20.

    Raises:
        SettingsError: There is no such track, or `width` is out of range.
    """
    shown = _shown(report, track)
    rows = [_Rows(report, one, width) for one in shown]
    heads = [_heading(one, width) for one in shown]
    below = [_below(report, one, width) for one in shown]
    notes = _notes(report, len(shown) if track is None else len(report.tracks), width)
    high = [
        one.count * ROW + LINE * (head.count("\n") + words.count("\n") + 2) + 0.35
        for one, head, words in zip(rows, heads, below, strict=True)
    ]
    high.append(LINE * (notes.count("\n") + 1) + 0.1)
    figure = new_figure(width, sum(high))
    parts = list(figure.subfigures(len(high), 1, height_ratios=high, squeeze=False)[:, 0])
    for part, one, head, words in zip(parts, rows, heads, below, strict=False):
        _block(part, one, report, (head, words))
    parts[-1].text(0.01, 0.5, notes, ha="left", va="center", **font(SMALL))
    return figure


def _shown(report: ClipReport, track: str | None) -> list[Track]:
    """Return the tracks to draw, in the order of the report."""
    if track is not None:
        found = [one for one in report.tracks if one.id == track]
        if not found:
            known = ", ".join(one.id for one in report.tracks) or "none"
            raise SettingsError(f"The clip has no track {track!r}.", hint=f"Its tracks: {known}.")
        return found
    longest = sorted(report.tracks, key=lambda one: one.first_s - one.last_s)[:MOST_TRACKS]
    return [one for one in report.tracks if one in longest]


def _axis(report: ClipReport) -> Axis:
    first, last = report.source.first_s, report.source.last_s
    return Axis(first, last) if last > first else Axis(max(first - 0.5, 0.0), last + 0.5)


def _heading(track: Track, width: float) -> str:
    seen = f"{words_of.track_name(track.id)}, {words_of.clock(track.first_s)} to {words_of.clock(track.last_s)}"
    unread = words_of.unread_s(track.gaps)
    said = f", not read for {words_of.lasting(unread)}" if unread else ""
    unnamed = "" if words_of.expressions_of(track) else ", no expression is named"
    return in_lines(seen + said + unnamed, (width - 0.2) * 72, TEXT, "bold")


def _below(report: ClipReport, track: Track, width: float) -> str:
    """Return in words where a face could not be read and why, and its moments."""
    gaps = sorted(track.gaps, key=lambda gap: gap.from_s - gap.to_s)
    told_gaps = sorted(gaps[:MOST_TOLD], key=lambda gap: gap.from_s)
    texts = [_listed("Not read (hatched)", [words_of.gap_words(gap) for gap in told_gaps], len(gaps) - MOST_TOLD)]
    moments = [(number, one) for number, one in enumerate(report.moments, 1) if one.track in {track.id, None}]
    listed = [
        f"{number} {words_of.clock(one.time_s)} {words_of.MOMENT[one.why]}" for number, one in moments[:MOST_TOLD]
    ]
    texts.append(_listed("Moments", listed, len(moments) - MOST_TOLD))
    if track.eyes is None:
        texts.append("The eyes were not measured.")
    return "\n".join(in_lines(text, (width - 0.2) * 72, most=8) for text in texts if text)


def _listed(what: str, texts: Sequence[str], more: int) -> str:
    rest = f"; {more} more" if more > 0 else ""
    return f"{what}: {'; '.join(texts)}{rest}." if texts else ""


def _notes(report: ClipReport, drawn: int, width: float) -> str:
    """Return what concerns the whole clip: none found, some left out, what was not done, the notice of the rules."""
    left_out = len(report.tracks) - drawn
    notes = [] if report.tracks else [report.summary]
    notes += [f"{left_out} faces seen more briefly are not drawn; plot(track=…) draws one."] if left_out > 0 else []
    notes += [one.message for one in report.degraded if one.track is None]
    use = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    return "\n".join(in_lines(note, (width - 0.2) * 72) for note in [*notes, use + report.policy.notice] if note)


class _Rows:
    """What is drawn of a face, by rows from the top."""

    def __init__(self, report: ClipReport, track: Track, width: float) -> None:
        self.track, self.axis = track, (axis := _axis(report))
        self.blank = "not inferred" if words_of.is_restricted(report) else "not read"
        self.points = thinned(track.samples, DRAWN_POINTS)
        self.second = max(width - LABELS, 1.0) * 72 / (axis.last - axis.first)
        """Points of the drawing a second."""
        self.lanes = list(_lanes(words_of.expressions_of(track), axis, self.second))
        self.curves = [*_expressions(track), *_states(track), *_movement_curves(track)]
        self.events = _events(track)

    @property
    def lane_rows(self) -> int:
        return max((lane.row for lane in self.lanes), default=-1) + 1

    @property
    def count(self) -> float:
        """Heights of all rows together, in rows; the first is that of moments and cuts."""
        return 1 + LANE * self.lane_rows + len(self.curves) + len(self.events)


def _expressions(track: Track) -> list[Curve]:
    read = [point.distribution for point in track.samples if point.distribution is not None]
    curves = []
    for term in ORDER:
        peak = max((getattr(shares, term) for shares in read), default=0.0)
        if peak >= LEAST_SHARE:
            strength = 0.4 if term == "neutral" else 1.0  # what is mostly there takes less ink
            curve = Curve(wording.term_label(term), _share(term), COLOURS[term], strength=strength)
            curves.append(replace(curve, peak=wording.percent(peak)))
    return curves or [Curve("expression", lambda _: None, "none", peak="—")]


def _share(term: str) -> Callable[[TrackPoint], float | None]:
    return lambda point: None if point.distribution is None else float(getattr(point.distribution, term))


def _states(track: Track) -> list[Curve]:
    """Return valence and arousal, and how wide the eyes are open, where they were read at all."""
    found = [
        Curve("valence (−1 to 1)", lambda point: point.valence, QUIET, signed=True),
        Curve("arousal (−1 to 1)", lambda point: point.arousal, QUIET, signed=True),
        Curve("eyes open", lambda point: point.eyes_open, "none"),
    ]
    return [curve for curve in found if any(curve.value(point) is not None for point in track.samples)]


def _movement_curves(track: Track) -> list[Curve]:
    peaks = {unit: max(point.movements.get(unit, 0.0) for point in track.samples) for unit in units_of(track)}
    chosen = sorted((unit for unit in peaks if peaks[unit] >= LEAST_MOVEMENT), key=lambda unit: (-peaks[unit], unit))
    return [
        Curve(words_of.movement_label(unit), _movement(unit), QUIET, peak=f"{peaks[unit]:.2f}")
        for unit in chosen[:MOST_MOVEMENTS]
    ]


def _movement(unit: str) -> Callable[[TrackPoint], float | None]:
    return lambda point: point.movements.get(unit)


def _events(track: Track) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return blinks and the like, and possible micro-expressions: name and (from, length) of each."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in words_of.movements_of(track):
        if one.movement in words_of.EVENTS:
            spans = found.setdefault(words_of.EVENTS[str(one.movement)], [])
            spans.append((one.onset_s, one.offset_s - one.onset_s))
    if track.micro:
        found["possible micro"] = [(one.onset_s, one.offset_s - one.onset_s) for one in track.micro]
    return list(found.items())


def _lanes(episodes: Sequence[Episode], axis: Axis, second: float) -> Iterator[Lane]:
    """Yield the episodes in rows in which neither bars nor labels overlap; in the last row labels may be left out."""
    longest = sorted(episodes, key=lambda one: one.onset_s - one.offset_s)[:MOST_BARS]
    chosen = sorted(longest, key=lambda one: one.onset_s)
    places = [_label_place(one, axis, second) for one in chosen]
    spans = [(min(one.onset_s, at), max(one.offset_s, end)) for one, (_, at, end) in zip(chosen, places, strict=True)]
    rows = packed(spans, apart=4 / second, most=MOST_LANES)
    taken = -1.0
    for one, row, (text, at, end) in zip(chosen, rows, places, strict=True):
        if row == MOST_LANES - 1:
            text, taken = ("", taken) if at < taken else (text, end + 4 / second)
        yield Lane(one, row, text, at)


def _label_place(one: Episode, axis: Axis, second: float) -> tuple[str, float, float]:
    """Return the label of an episode and from when to when it reaches, moved to the left at the right edge."""
    text = told(f"{words_of.episode_label(one)} {wording.percent(one.confidence)}")
    wide = width_of(text) / second
    at = max(min(one.onset_s, axis.last - wide), axis.first)
    return text, at, at + wide


def _block(part: SubFigure, rows: _Rows, report: ClipReport, texts: tuple[str, str]) -> None:
    part.suptitle(texts[0], x=0.01, ha="left", **font(TEXT, weight="bold"))
    part.supxlabel(texts[1], x=0.01, ha="left", **font(SMALL))
    axes = styled(part.subplots())
    axes.set(xlim=(rows.axis.first, rows.axis.last), ylim=(rows.count, 0))
    names: list[tuple[float, str]] = [(0.7, "moments")]
    if len(report.cuts_s) > MOST_LINES:
        names.append((0.0, f"cuts ({len(report.cuts_s)})"))
    _moments(axes, rows, report)
    _cuts(axes, rows, report)
    top = 1.0 + LANE * rows.lane_rows
    if rows.lanes:
        names.append((1.0 + LANE * rows.lane_rows / 2, "episodes"))
        _episodes(axes, rows.lanes, rows.second)
    for curve in rows.curves:
        _curve(axes, rows, curve, top)
        names.append((top + 0.6, curve.name))
        top += 1
    for name, spans in rows.events:
        axes.broken_barh([(at, max(long, 1.5 / rows.second)) for at, long in spans], (top + 0.3, 0.6), facecolor=INK)
        names.append((top + 0.6, f"{name} ({len(spans)})"))
        top += 1
    _gaps(axes, rows)
    _named(axes, rows, names)


def _named(axes: Axes, rows: _Rows, names: Sequence[tuple[float, str]]) -> None:
    axes.set_yticks([at for at, _ in names], [told(name) for _, name in names])
    axes.tick_params(axis="y", length=0)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    span = rows.axis.last - rows.axis.first
    ticks = rows.axis.ticks(4 if rows.second * span < 250 else 7)
    axes.set_xticks([rows.axis.first + at * span for at, _ in ticks], [name for _, name in ticks])
    axes.spines["left"].set_visible(False)


def _moments(axes: Axes, rows: _Rows, report: ClipReport) -> None:
    """Draw numbered marks at the moments; a number that would lie on another is left out."""
    own = [(number, one.time_s) for number, one in enumerate(report.moments, 1) if one.track in {rows.track.id, None}]
    if not own:
        return  # an empty line without a clip would be laid out at the corner of the figure
    axes.plot([at for _, at in own], [0.85] * len(own), "v", markersize=3.5, color=INK, clip_on=False)
    for at, text in _apart([(at, str(number)) for number, at in own], rows.second):
        axes.text(at, 0.6, text, ha="center", va="bottom", **font(SMALL))


def _cuts(axes: Axes, rows: _Rows, report: ClipReport) -> None:
    """Draw a line at each cut; where there are very many, only its upper end."""
    few = len(report.cuts_s) <= MOST_LINES
    low = rows.count if few else 0.15
    axes.vlines(report.cuts_s, 0, low, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5, clip_on=False)
    for at, text in _apart([(at, "cut") for at in report.cuts_s] if few else [], rows.second):
        axes.annotate(text, (at, 0), (0, 1), textcoords="offset points", ha="center", va="bottom", **font(SMALL))


def _apart(labels: Sequence[tuple[float, str]], second: float) -> Iterator[tuple[float, str]]:
    """Yield the labels, centred at these times, that do not lie on one before."""
    free = float("-inf")
    for at, text in sorted(labels):
        half = width_of(text) / 2 / second
        if at - half > free:
            yield at, text
            free = at + half + 3 / second


def _episodes(axes: Axes, lanes: Sequence[Lane], second: float) -> None:
    """Draw each episode as a bar with its apex; an end that was not seen is open."""
    lows = [1.0 + LANE * lane.row + 1.05 for lane in lanes]
    for lane, low in zip(lanes, lows, strict=True):
        one = lane.episode
        known = one.expression if one.expression in CANONICAL else None
        axes.fill_between([one.onset_s, one.offset_s], low, low + 0.3, facecolor=COLOURS[known], linewidth=0)
        if lane.text:
            box = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.5}
            axes.text(lane.at, low - 0.08, lane.text, ha="left", va="bottom", bbox=box, **font(SMALL))
    found = [(lane.episode, low) for lane, low in zip(lanes, lows, strict=True)]
    _edges(axes, found)
    wide = [(one.apex_s, low + 0.15) for one, low in found if (one.offset_s - one.onset_s) * second > LEAST_BAR]
    xs, ys = [at for at, _ in wide], [low for _, low in wide]
    if wide:
        axes.plot(xs, ys, "D", markersize=3, mfc=PAPER, mec=INK, mew=0.8, clip_on=False)


def _edges(axes: Axes, found: Sequence[tuple[Episode, float]]) -> None:
    """Draw the outlines of bars at these heights, without the ends that were not seen."""
    starts, stops = [one.onset_s for one, _ in found], [one.offset_s for one, _ in found]
    for more in (0.0, 0.3):
        axes.hlines([low + more for _, low in found], starts, stops, color=INK, linewidth=0.6)
    ends = [(one.onset_s, low) for one, low in found if one.onset_seen]
    ends += [(one.offset_s, low) for one, low in found if one.offset_seen]
    xs, lows = [at for at, _ in ends], [low for _, low in ends]
    axes.vlines(xs, lows, [low + 0.3 for low in lows], color=INK, linewidth=0.6, clip_on=False)


def _curve(axes: Axes, rows: _Rows, curve: Curve, top: float) -> None:
    """Draw a curve as an area in its row, interrupted where it was not read; 1 is as high as nine tenths of a row."""
    floor, height = (top + 0.55, 0.42) if curve.signed else (top + 1.0, 0.9)
    axes.plot([rows.track.first_s, rows.track.last_s], [floor, floor], color=RULE, linewidth=0.6)
    times = [point.time_s for point in rows.points]
    values = [curve.value(point) for point in rows.points]
    edge = [float("nan") if value is None else floor - height * value for value in values]
    axes.fill_between(times, floor, edge, facecolor=curve.colour, alpha=curve.strength, linewidth=0)
    axes.plot(times, edge, color=INK, linewidth=0.6)
    single = [run[0] for run in runs(list(zip(times, edge, strict=True)), _is_read) if len(run) == 1]
    axes.vlines([at for at, _ in single], [up for _, up in single], floor, color=INK, linewidth=1.0)
    if curve.peak == "—":
        axes.text(1.01, top + 0.6, rows.blank, va="center", transform=axes.get_yaxis_transform(), **font(SMALL))
    elif curve.peak:
        side = axes.get_yaxis_transform()
        axes.text(
            1.01, top + 0.6, f"max {curve.peak}", ha="left", va="center", transform=side, **font(SMALL, color=QUIET)
        )


def _is_read(place: tuple[float, float]) -> bool:
    return not math.isnan(place[1])


def _gaps(axes: Axes, rows: _Rows) -> None:
    """Hatch where the face could not be read, and shade where it is not there."""
    top = 1.0 + LANE * rows.lane_rows
    longest = sorted(rows.track.gaps, key=lambda gap: gap.from_s - gap.to_s)[:MOST_GAPS]
    for gap in longest:
        span = [gap.from_s, max(gap.to_s, gap.from_s + 1 / rows.second)]
        axes.fill_between(span, top, rows.count, facecolor="none", edgecolor=QUIET, hatch=HATCH, linewidth=0.4)
    for since, to in ((rows.axis.first, rows.track.first_s), (rows.track.last_s, rows.axis.last)):
        if to > since:
            axes.fill_between([since, to], top, rows.count, facecolor="#f0f0f0", linewidth=0)
