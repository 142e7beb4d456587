"""Parts of a clip's report for readers with little room: a stretch of the film, or fewer samples."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport
from ferce_agent.report.clip import (
    Between,
    ClipDegradation,
    Episode,
    Gap,
    MicroMovement,
    Track,
    TrackPoint,
)
from ferce_agent.report.speech import SpeechTurn
from ferce_agent.report.timed import TimeSpan
from ferce_agent.views.brief import rough_tokens

HOW: Final = "Give two times in seconds, the first before the second, such as 60 and 120."


def part_of(report: ClipReport, from_s: float, to_s: float) -> ClipReport:
    """Return a valid report with what lies, at least partly, within a stretch of the film.

    Everyone who is seen or who speaks in it is kept, with the summary of the whole film; what else does not touch the
    stretch is left out.

    Args:
        report: The whole report.
        from_s: Beginning of the stretch, in seconds of the film.
        to_s: Its end.

    Raises:
        SettingsError: The end is not after the beginning, or one of them is below 0 or no number.
    """
    if not 0 <= from_s < to_s or not isfinite(to_s):
        raise SettingsError(f"There is no part of a film from {from_s:g} to {to_s:g}.", hint=HOW)
    stretch = TimeSpan(from_s=from_s, to_s=to_s)
    speech = tuple(turn for turn in report.speech if _touches(turn, stretch))
    fused = tuple(one for one in report.fused if _touches(one.span, stretch))
    conflicts = tuple(one for one in report.conflicts if _touches(one.span, stretch))
    speak = {turn.speaker for turn in speech} | {one.track for one in fused} | {one.track for one in conflicts}
    seen = (track for track in report.tracks if _touches(track, stretch) or track.id in speak)
    tracks = tuple(_part_of_track(track, stretch) for track in seen)
    kept = {track.id for track in tracks}
    part = report.model_copy(
        update={
            "tracks": tracks,
            "moments": tuple(
                one
                for one in report.moments
                if from_s <= one.time_s <= to_s and (one.track is None or one.track in kept)
            ),
            "between": tuple(_between(report, kept, stretch)),
            "speech": speech,
            "fused": fused,
            "conflicts": conflicts,
            "cuts_s": tuple(time for time in report.cuts_s if from_s <= time <= to_s),
            "degraded": tuple(_degraded(report, kept, stretch)),
        }
    )
    used = set(part.references())
    return part.model_copy(update={"evidence": tuple(entry for entry in report.evidence if entry.id in used)})


def _part_of_track(track: Track, stretch: TimeSpan) -> Track:
    return track.model_copy(
        update={
            "episodes": tuple(one for one in track.episodes if _touches(one, stretch)),
            "micro": tuple(one for one in track.micro if _touches(one, stretch)),
            "gaps": tuple(one for one in track.gaps if _touches(one, stretch)),
            "body": tuple(one for one in track.body if _touches(one.span, stretch)),
            "samples": tuple(one for one in track.samples if stretch.from_s <= one.time_s <= stretch.to_s),
        }
    )


def _between(report: ClipReport, kept: set[str], stretch: TimeSpan) -> Iterator[Between]:
    spans = {entry.id: entry.span for entry in report.evidence}
    for one in report.between:
        if kept.issuperset(one.tracks) and any(_touches(spans[name], stretch) for name in one.evidence):
            yield one


def _touches(what: Track | Episode | MicroMovement | Gap | SpeechTurn | TimeSpan, stretch: TimeSpan) -> bool:
    if isinstance(what, Track):
        first, last = what.first_s, what.last_s
    elif isinstance(what, SpeechTurn):
        first, last = what.start_s, what.end_s
    elif isinstance(what, Gap | TimeSpan):
        first, last = what.from_s, what.to_s
    else:
        first, last = what.onset_s, what.offset_s
    return first <= stretch.to_s and last >= stretch.from_s


def _degraded(report: ClipReport, kept: set[str], stretch: TimeSpan) -> list[ClipDegradation]:
    """Return what could not be done in the stretch or anywhere; that nobody was seen in it, if so."""
    found = [
        entry
        for entry in report.degraded
        if (entry.track is None or entry.track in kept) and (entry.span is None or _touches(entry.span, stretch))
    ]
    if not kept and not any(entry.code == "no_face" for entry in found):
        message = f"No face was seen between {stretch.from_s:g} and {stretch.to_s:g} s."
        found.append(ClipDegradation(stage="part", code="no_face", message=message, span=stretch))
    return found


def thinned(report: ClipReport, points: int) -> ClipReport:
    """Return the report with at most so many samples of each face, at even distances in their order."""
    tracks = tuple(
        track.model_copy(update={"samples": _evenly(track.samples, points)}) if len(track.samples) > points else track
        for track in report.tracks
    )
    return report.model_copy(update={"tracks": tracks})


def _evenly(samples: tuple[TrackPoint, ...], points: int) -> tuple[TrackPoint, ...]:
    """Return so many of the samples; from two on the first and the last are among them."""
    if points < 2:
        return samples[:points]
    last = len(samples) - 1
    return tuple(samples[round(number * last / (points - 1))] for number in range(points))


def fitting(report: ClipReport, tokens: int) -> ClipReport | None:
    """Return the report with as many samples as a number of tokens has room for; None if there is none for the rest.

    Args:
        report: The whole report.
        tokens: Most tokens of its JSON, by `rough_tokens`.
    """
    made, least = report, rough_tokens(thinned(report, 0).model_dump_json())
    if least > tokens:
        return None
    points = max((len(track.samples) for track in report.tracks), default=0)
    while (size := rough_tokens(made.model_dump_json())) > tokens:
        points = min(points - 1, int(points * (tokens - least) / (size - least)))
        made = thinned(report, points)
    return made
