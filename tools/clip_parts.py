"""Parts of a clip's report for readers with little room: a stretch of the film, or fewer samples."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final

from pydantic import ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.report import ClipReport
from ferce_agent.report.clip import (
    Between,
    ClipDegradation,
    ClipEvidence,
    Episode,
    Gap,
    MicroMovement,
    TimeSpan,
    Track,
    TrackPoint,
)
from ferce_agent.validation.refusal import printed
from ferce_agent.views.brief import rough_tokens

HOW: Final = "Give two times in seconds, the first before the second, such as 60 and 120."


def part_of(report: ClipReport, from_s: float, to_s: float) -> ClipReport:
    """Return a valid report with what lies, at least partly, within a stretch of the film.

    Everyone seen in it is kept, with the summary of the whole film; what else does not touch the stretch is left out.

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
    tracks = tuple(_part_of_track(track, stretch) for track in report.tracks if _touches(track, stretch))
    kept = {track.id for track in tracks}
    spans = {entry.id: entry.span for entry in report.evidence}
    between = tuple(
        one
        for one in report.between
        if kept.issuperset(one.tracks) and any(_touches(spans[name], stretch) for name in one.evidence)
    )
    return report.model_copy(
        update={
            "tracks": tracks,
            "moments": tuple(
                one
                for one in report.moments
                if from_s <= one.time_s <= to_s and (one.track is None or one.track in kept)
            ),
            "between": between,
            "cuts_s": tuple(time for time in report.cuts_s if from_s <= time <= to_s),
            "evidence": tuple(_evidence(report, tracks, between)),
            "degraded": tuple(_degraded(report, kept, stretch)),
        }
    )


def part_kept(text: str, from_s: str, to_s: str) -> str:
    """Return a part of a report that is kept as JSON; see `part_of`.

    Args:
        text: The whole report.
        from_s: Beginning of the stretch, in seconds of the film.
        to_s: Its end.

    Raises:
        SettingsError: The report is not about a film, or the times are no stretch of one.
    """
    try:
        report = ClipReport.model_validate_json(text)
    except ValidationError as error:
        raise SettingsError("Only reports on films have parts.", hint="Read it without times.") from error
    try:
        stretch = float(from_s), float(to_s)
    except ValueError as error:
        raise SettingsError(f"'{printed(from_s)}' and '{printed(to_s)}' are no times.", hint=HOW) from error
    return part_of(report, *stretch).model_dump_json()


def _part_of_track(track: Track, stretch: TimeSpan) -> Track:
    return track.model_copy(
        update={
            "episodes": tuple(one for one in track.episodes if _touches(one, stretch)),
            "micro": tuple(one for one in track.micro if _touches(one, stretch)),
            "gaps": tuple(one for one in track.gaps if _touches(one, stretch)),
            "samples": tuple(one for one in track.samples if stretch.from_s <= one.time_s <= stretch.to_s),
        }
    )


def _touches(what: Track | Episode | MicroMovement | Gap | TimeSpan, stretch: TimeSpan) -> bool:
    if isinstance(what, Track):
        first, last = what.first_s, what.last_s
    elif isinstance(what, Gap | TimeSpan):
        first, last = what.from_s, what.to_s
    else:
        first, last = what.onset_s, what.offset_s
    return first <= stretch.to_s and last >= stretch.from_s


def _evidence(report: ClipReport, tracks: tuple[Track, ...], between: tuple[Between, ...]) -> list[ClipEvidence]:
    """Return the evidence that what is kept rests on."""
    used = {name for track in tracks for one in _moves(track) for name in one.evidence}
    used |= {name for one in between for name in one.evidence}
    return [entry for entry in report.evidence if entry.id in used]


def _moves(track: Track) -> Iterator[Episode | MicroMovement]:
    yield from track.episodes
    yield from track.micro


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
