"""A clip's report as one HTML page: a timeline for each face, moments as pictures, tables. It needs no network.

Its one script moves the cursors of the timelines; the page names the script's digest in its security policy, and
without scripts everything but the cursors is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import ClipReport, Episode, Moment, Track, TrackPoint
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.wording import percent, signed, term_label
from ferce_agent.views.annotate import PALETTE, encode_jpeg
from ferce_agent.views.clip_drawing import Drawing, bars, drawing, gap_places, labelled, units_of
from ferce_agent.views.clip_heard import turns_of
from ferce_agent.views.clip_text import chance_words, eye_words, headline, source_words
from ferce_agent.views.pages import asset, data_url, date_words, templates
from ferce_agent.views.timeline import ORDER, Axis, marks, thinned
from ferce_agent.views.voice_drawing import turn_bars

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES: Final = ("clip.html", "clip_track.html", "clip_fragment.html", "voice_turns.html")
MOST_TRACKS: Final = 12
"""So many faces get a timeline, those that are seen longest; the others are listed."""
MOST_POINTS: Final = (120, 500)
"""Fewest and most points of a face whose exact values the cursor knows."""
ALL_POINTS: Final = 3600
"""Points that the faces share."""
MOST_ROWS: Final = 60
"""Most rows of a table."""
MOST_LISTED: Final = 40
"""Most faces in the overview."""
MOST_MOMENTS: Final = 24
"""Most moments shown as pictures."""
PICTURE_SIDES: Final = (320, 240, 160, 80)
"""Longest side of the picture of a moment in pixels; the first that does not need too many bytes is taken."""
PICTURE_BYTES: Final = 15_000
"""Most bytes of the picture of a moment, but for the smallest."""


def to_clip_html(report: ClipReport, pictures: Mapping[str, bytes] | None = None) -> str:
    """Return a clip's report as one self-contained HTML page.

    All text of the report is escaped and freed of control characters. However long the clip is, the page stays below
    two megabytes: faces, points and rows beyond its limits are left out, and it says so.

    Args:
        report: The report.
        pictures: JPEG pictures by the ids of the report's moments; what cannot be decoded is left out.

    Returns:
        The page; encode it as UTF-8.
    """
    longest = sorted(report.tracks, key=lambda track: track.first_s - track.last_s)[:MOST_TRACKS]
    kept = {track.id for track in longest}
    most = min(max(ALL_POINTS // max(len(kept), 1), MOST_POINTS[0]), MOST_POINTS[1])
    drawings = [drawing(track, most) for track in report.tracks if track.id in kept]
    script, restricted = asset("clip.js"), words_of.is_restricted(report)
    return (
        _environment()
        .get_template("clip.html")
        .render(
            report=report,
            drawings=drawings,
            axis=Axis(report.source.first_s, report.source.last_s),
            curves=_json(
                {
                    "terms": [term_label(name) for name in CANONICAL],
                    "restricted": restricted,
                    "tracks": _curves(drawings),
                }
            ),
            restricted=restricted,
            timelines={shown.track.id for shown in drawings if shown.axis.last > shown.axis.first and shown.points},
            script=_markup(script),
            digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            pictures=_pictures(report, pictures or {}),
            created=date_words(report.provenance.created_at),
            terms=_terms(drawings),
        )
    )


def to_clip_fragment(report: ClipReport) -> str:
    """Return a clip's report as a short piece of HTML for notebooks, without script, style sheet or ids.

    Summary, a row for each face with its time line, what was not done, the notice.
    """
    axis = Axis(report.source.first_s, report.source.last_s)
    return _environment().get_template("clip_fragment.html").render(report=report, axis=axis)


def movement_rows(track: Track) -> list[dict[str, Any]]:
    """Return the movements of a face as rows of a table: name, how often, how long in all, highest peak."""
    found: dict[str, list[Episode]] = {}
    for one in words_of.movements_of(track):
        found.setdefault(words_of.episode_label(one), []).append(one)
    rows = [
        {
            "name": name,
            "times": len(ones),
            "lasting": words_of.lasting(sum(one.offset_s - one.onset_s for one in ones)),
            "peak": max(one.peak for one in ones),
        }
        for name, ones in found.items()
    ]
    return sorted(rows, key=lambda row: -row["times"])


def value_rows(points: Sequence[TrackPoint]) -> list[TrackPoint]:
    """Return the points of the table of values: all, or as many as there are rows."""
    return thinned(points, MOST_ROWS)


def longest_first(episodes: Sequence[Episode], most: int = MOST_ROWS) -> list[Episode]:
    """Return the episodes of the table by onset: all, or as many of the longest as there are rows."""
    chosen = sorted(episodes, key=lambda one: one.onset_s - one.offset_s)[:most]
    return sorted(chosen, key=lambda one: one.onset_s)


def step_of(axis: Axis, points: Sequence[TrackPoint]) -> str:
    """Return how far an arrow key moves the cursor, in seconds: about one point."""
    # Rounded down, so that the last step does not lead beyond the last point.
    step = int((axis.last - axis.first) / max(len(points) - 1, 1) * 1e6) / 1e6
    return f"{max(step, 0.001):.6f}"


def named(moment: Moment) -> str:
    """Return whose face a moment is of, to be put before its words; empty where these begin with it."""
    name = words_of.track_name(moment.track) if moment.track else ""
    return "" if not name or name in moment.text else f"{name}: "


def chart_words(shown: Drawing) -> str:
    """Return the drawing of a face in words, for those who do not see it."""
    names = Counter(words_of.episode_label(one) for one in words_of.expressions_of(shown.track))
    told = ", ".join(f"{name}{f' {times} times' if times > 1 else ''}" for name, times in names.most_common(8))
    span = f"{words_of.clock(shown.axis.first)} to {words_of.clock(shown.axis.last)}"
    return f"{words_of.track_name(shown.track.id)} from {span}. Episodes: {told or 'none'}. The tables below say more."


@once
def _environment() -> Environment:
    environment = templates(PAGES, ("report.css", "clip.css"))
    environment.globals |= {
        "c": words_of,
        "h": heard,
        "turn_bars": turn_bars,
        "turns_of": turns_of,
        "body_marks": body_marks,
        "headline": headline,
        "source_words": source_words,
        "eye_words": eye_words,
        "chance_words": chance_words,
        "chart_words": chart_words,
        "movement_rows": movement_rows,
        "value_rows": value_rows,
        "longest_first": longest_first,
        "gap_places": gap_places,
        "bars_of": lambda track, axis: bars(words_of.expressions_of(track), axis),
        "bars_of_all": bars,
        "colour": _colour,
        "gap_reasons": _gap_reasons,
        "labelled": labelled,
        "marks": marks,
        "named": named,
        "step_of": step_of,
        "most_listed": MOST_LISTED,
        "most_rows": MOST_ROWS,
        "most_moments": MOST_MOMENTS,
        "terms_of": ORDER,
        "signed": signed,
        "percent": percent,
        "place": lambda share: f"{share * 100:.2f}%",
    }
    return environment


def body_marks(track: Track, axis: Axis) -> list[tuple[str, str, str]]:
    """Return postures and gestures for the timeline: each kind once, with its bars and all of it in words."""
    kinds = dict.fromkeys(fact.kind for fact in track.body)
    found = ((kind, [fact for fact in track.body if fact.kind == kind]) for kind in kinds)
    return [
        (
            heard.BODY[kind],
            marks([(fact.span.from_s, fact.span.to_s) for fact in facts], axis),
            "; ".join(map(heard.body_words, facts[:20])),
        )
        for kind, facts in found
    ]


def _gap_reasons(track: Track) -> list[str]:
    """Return why a face could not be read, that of the longest gap first."""
    longest = sorted(track.gaps, key=lambda gap: gap.from_s - gap.to_s)
    return list(dict.fromkeys(words_of.GAP[gap.reason] for gap in longest))


def _colour(hue: str) -> str:
    """Return the colour of a bar; grey for expressions that have none of their own."""
    known = next((name for name in CANONICAL if name == hue), None)
    return "#{:02x}{:02x}{:02x}".format(*PALETTE[known])


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # a file of this package, or JSON with < written as an escape


def _json(data: Any) -> Any:
    """Return data as JSON that can stand within a script element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return _markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _curves(drawings: Sequence[Drawing]) -> dict[str, Any]:
    """Return what the cursors tell, by track: whole numbers, thousandths for probabilities, hundredths for the rest."""
    return {shown.track.id: _curve(shown.track, shown.points) for shown in drawings}


def _curve(track: Track, points: Sequence[TrackPoint]) -> dict[str, Any]:
    units = units_of(track)
    told = [one for one in track.episodes if one.expression or one.movement in words_of.EVENTS]
    episodes = sorted(told, key=lambda one: one.onset_s - one.offset_s)[:200]
    gaps = sorted(track.gaps, key=lambda gap: gap.from_s - gap.to_s)[:200]
    read = [point.distribution for point in points]
    return {
        "t": [round(point.time_s, 3) for point in points],
        "p": [[round(share * 1000) for _, share in one.items()] if one else 0 for one in read],
        "v": [_hundredths(point.valence) for point in points],
        "a": [_hundredths(point.arousal) for point in points],
        "q": [_hundredths(point.quality) for point in points],
        "u": [words_of.movement_label(unit) for unit in units],
        "m": [[_hundredths(point.movements.get(unit)) for unit in units] for point in points],
        "e": [[round(one.onset_s, 2), round(one.offset_s, 2), words_of.episode_label(one)] for one in episodes],
        "g": [[round(gap.from_s, 2), round(gap.to_s, 2), words_of.GAP[gap.reason]] for gap in gaps],
    }


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _terms(drawings: Sequence[Drawing]) -> list[str]:
    """Return the expressions that are drawn anywhere, for the legend."""
    drawn = {band.term for shown in drawings for band in shown.bands}
    drawn |= {bar.hue for shown in drawings for bar in shown.bars}  # type: ignore[misc]
    return [term for term in ORDER if term in drawn]


def _pictures(report: ClipReport, pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Return the pictures of the moments that are shown, small enough for the page, as addresses by id."""
    known = [moment.id for moment in report.moments[:MOST_MOMENTS] if moment.id in pictures]
    small = {name: _smaller(pictures[name]) for name in known}
    return {name: data_url(jpeg) for name, jpeg in small.items() if jpeg is not None}


def _smaller(jpeg: bytes) -> bytes | None:
    """Return a JPEG within `PICTURE_SIDES` and `PICTURE_BYTES`; None for what is no picture."""
    try:
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # no bytes at all
        return None
    if pixels is None:
        return None
    found = b""
    for side in PICTURE_SIDES:
        factor = min(side / max(pixels.shape[:2]), 1)
        size = (max(round(pixels.shape[1] * factor), 1), max(round(pixels.shape[0] * factor), 1))
        found = encode_jpeg(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), 80)
        if len(found) <= PICTURE_BYTES:
            break
    return found
