"""How right the warnings of the scenario *driver* are: on generated drives as signals, and on generated films.

A drive is right if every warning that is due was told at its time and none besides. Seeds below `HELD_OUT` were looked
at while thresholds were chosen; the numbers that are told are of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.errors import SetupError
from ferce_agent.evaluation.clips.eye_films import marked_faces
from ferce_agent.evaluation.scenarios.drive_plans import generated
from ferce_agent.evaluation.scenarios.drive_truth import Due, due
from ferce_agent.evaluation.scenarios.driver_films import DriverFilm, driver_film, opening
from ferce_agent.evaluation.scenarios.drives import Drive, Manner, strongest
from ferce_agent.faces.landmarks import FaceLandmarker
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline, default_pipeline
from ferce_agent.policy.decide import permit
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent
from ferce_agent.report.scenario_events import AlertEvent, ScenarioEvent
from ferce_agent.scenarios import preset
from ferce_agent.scenarios.driver import DriverStudy
from ferce_agent.scenarios.driver_alerts import AlertBook
from ferce_agent.scenarios.driver_speed import DriverOptions, Speed
from ferce_agent.scenarios.driver_watch import DriverWatch
from ferce_agent.temporal.glances import AWAY_YAW

HELD_OUT: Final = 1000
"""Seeds from here on were not looked at while thresholds were chosen."""
TIMED: Final = {"microsleep": "closures", "long_glance": "glances"}
"""Warnings whose beginning and end are compared with the truth."""
AT_ONCE: Final = ("microsleep", "sleep", "yawn", "long_glance", "long_glance urgent")
"""Warnings of something that lasts as long as its limit: it is known to the frame when they could be told."""
NEAR_S: Final = 0.15
"""A closure or glance is timed if its beginning, or end, is no further from the truth."""
BATCH: Final = 8
FILM_SPEED: Final = 80.0
"""Speed in the films, in km/h."""


@dataclass(frozen=True, slots=True)
class Told:
    """A warning that was told.

    Attributes:
        kind: As `Due.kind`.
        event: How it was told.
    """

    kind: str
    event: AlertEvent


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one drive went.

    Attributes:
        hours: Its length.
        right: Whether all warnings that were due were told, and no others.
        due: How many were due.
        missed: Kinds of those that were not told.
        false: Kinds of those that were told and not due.
        latencies: Seconds between the first frame at which it could be known and when it was told.
        errors: Seconds by which beginnings and ends differ from the truth, by what.
    """

    hours: float
    right: bool
    due: int
    missed: tuple[str, ...]
    false: tuple[str, ...]
    latencies: tuple[float, ...]
    errors: tuple[tuple[str, float], ...]


def driver_tables(pixels: int, signals: int, seed: int) -> list[dict[str, Any]]:
    """Return how right warnings are, a row for each kind of drive and of film.

    Args:
        pixels: Generated films, some 40 seconds each; they are read by the product from their pixels, with the landmark
            model, which the preset reads with where it is installed, and without.
        signals: Generated drives as signals, some two minutes each.
        seed: Of all of them; from `HELD_OUT` on for numbers that are to be told.

    Returns:
        Rows with ``suite`` (``signals``, ``pixels, landmarks`` where these are installed, ``pixels``), ``kind``,
        ``drives``, ``right`` (share) with ``low`` and ``high`` (95 %, Wilson), ``due``, ``missed``, ``false``,
        ``hours``, ``false_per_hour``, ``closures_timed`` and ``glances_timed`` (share of their beginnings and ends
        within 150 ms), ``latency_50_s``, ``latency_95_s`` and ``latency_100_ms`` (share told no more than 100 ms after
        it could be known).
    """
    found: list[tuple[str, str, Outcome]] = []
    for number in range(signals):
        kind, drive = generated(number, seed)
        found.append(("signals", kind, outcome(drive, list(told_of(drive)))))
    if pixels:
        pipeline, faces = default_pipeline(), marked_faces()
        ways = {"pixels, landmarks": True, "pixels": False} if landmarks_installed() else {"pixels": False}
        for suite, landmarks in ways.items():
            for number in range(pixels):
                kind, film = driver_film(faces, number, seed)
                told = list(told_of_film(film, pipeline, landmarks=landmarks))
                found.append((suite, kind, outcome(truth_of(film), told)))
    rows = []
    for suite in dict.fromkeys(one[0] for one in found):
        of = [one for one in found if one[0] == suite]
        kinds = dict.fromkeys(one[1] for one in of)
        rows += [_row(suite, kind, [one[2] for one in of if one[1] == kind]) for kind in kinds]
        rows.append(_row(suite, "all", [one[2] for one in of]))
    return rows


def landmarks_installed() -> bool:
    """Return whether the landmark model can be used."""
    try:
        FaceLandmarker().load()
    except SetupError:
        return False
    return True


def told_of(drive: Drive) -> Iterator[Told]:
    """Yield what is told of a drive as signals."""
    watch = DriverWatch(preset("driver"), Speed(DriverOptions(speeds=drive.speeds)), AlertBook(0))
    for sample in drive.samples:
        yield from (_named(event) for event in watch.push(sample))
    yield from (_named(event) for event in watch.finish())


def told_of_film(film: DriverFilm, pipeline: Pipeline, *, landmarks: bool) -> Iterator[Told]:
    """Yield what is told of a film, read from its pixels.

    Args:
        film: The film.
        pipeline: What reads it.
        landmarks: Whether the landmark model measures eyes, mouth and direction.
    """
    chosen = preset("driver")
    study = DriverStudy(
        chosen, DriverOptions(speed_kmh=FILM_SPEED), permit(chosen.use, remote=False, scenario="driver")
    )
    study.begin(0, None)
    analysis = ClipAnalysis(pipeline, infer=False, landmarks=landmarks, body=False)
    analysis.readings = True
    for event in _events(film, analysis):
        yield from _alerts(study.clip(0, event))
    study.finish()


def _events(film: DriverFilm, analysis: ClipAnalysis) -> Iterator[ClipEvent]:
    waiting: list[Frame] = []
    count = 0
    for frame in film:
        waiting.append(frame)
        if len(waiting) == BATCH:
            yield from analysis.feed(waiting)
            count += len(waiting)
            yield ProgressEvent(time_s=waiting[-1].time, frames=count, of=None)
            waiting = []
    yield from analysis.feed(waiting)
    yield ProgressEvent(time_s=film.seconds, frames=count + len(waiting), of=None)
    yield from analysis.finish()


def _alerts(events: Sequence[ScenarioEvent]) -> Iterator[Told]:
    return (_named(event) for event in events if isinstance(event, AlertEvent))


def _named(event: AlertEvent) -> Told:
    urgent = event.event == "alert_rises" and event.alert.kind == "long_glance"
    return Told("long_glance urgent" if urgent else event.alert.kind, event)


def truth_of(film: DriverFilm) -> Drive:
    """Return a film as what truly happened in it."""
    times = np.arange(round(film.seconds * film.fps)) / film.fps
    lids, yaw, mouth, hidden = (strongest(each, times) for each in (film.lids, film.yaw, film.mouth, film.hidden))
    seen = hidden <= 0.5
    return Drive(
        manner=Manner(film.fps, glasses="covered" if film.glasses else "none"),
        speeds=((0.0, FILM_SPEED),),
        times=times,
        lids=lids,
        away=np.abs(yaw) / AWAY_YAW,
        sunk=np.zeros(len(times)),
        mouth=opening(mouth),  # at 0.5 it is wide open, as in `ferce_agent.clips.eyes`
        eyes_read=seen & (np.abs(yaw) < 45.0) & (not film.glasses),
        head_read=seen,
        speed=np.full(len(times), FILM_SPEED),
        samples=(),
    )


def outcome(drive: Drive, told: Sequence[Told]) -> Outcome:
    """Return how a drive went."""
    wanted = due(drive, preset("driver"))
    left = [one for one in told if one.event.event != "alert_ends"]
    ends = {one.event.alert.id: one.event for one in told if one.event.event == "alert_ends"}
    missed: list[str] = []
    latencies: list[float] = []
    errors: list[tuple[str, float]] = []
    for one in sorted(wanted, key=lambda each: not each.needed):
        near = [each for each in left if each.kind == one.kind and one.earliest <= each.event.time_s <= one.latest]
        if not near:
            missed += [one.kind] if one.needed else []
            continue
        first = near[0]
        left.remove(first)
        if one.needed and one.kind in AT_ONCE:
            latencies.append(first.event.time_s - one.known_s)
        if one.needed and one.kind in TIMED:
            errors += _errors(one, first.event, ends.get(first.event.alert.id))
    return Outcome(
        hours=float(drive.times[-1]) / 3600,
        right=not missed and not left,
        due=sum(one.needed for one in wanted),
        missed=tuple(missed),
        false=tuple(one.kind for one in left),
        latencies=tuple(latencies),
        errors=tuple(errors),
    )


def _errors(one: Due, begin: AlertEvent, end: AlertEvent | None) -> Iterator[tuple[str, float]]:
    """Yield how far beginning and end are from the truth, where that was seen; an end that was not told is far."""
    if one.onset_s is not None:
        yield TIMED[one.kind], abs(begin.alert.onset_s - one.onset_s)
    if one.offset_s is not None:
        over = None if end is None else end.alert.offset_s
        yield TIMED[one.kind], abs(over - one.offset_s) if over is not None else float("inf")


def _row(suite: str, kind: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    many, right = len(outcomes), sum(one.right for one in outcomes)
    low, high = _wilson(right, many)
    hours = sum(one.hours for one in outcomes)
    false = sum(len(one.false) for one in outcomes)
    late = np.array([each for one in outcomes for each in one.latencies])
    row: dict[str, Any] = {
        "suite": suite,
        "kind": kind,
        "drives": many,
        "right": right / many,
        "low": low,
        "high": high,
    }
    row |= {"due": sum(one.due for one in outcomes), "missed": sum(len(one.missed) for one in outcomes)}
    row |= {"false": false, "hours": hours, "false_per_hour": false / hours}
    for what in TIMED.values():
        errors = [error for one in outcomes for name, error in one.errors if name == what]
        row[f"{what}_timed"] = _share(np.array(errors) <= NEAR_S)
    row["latency_50_s"], row["latency_95_s"] = np.percentile(late, [50, 95]).tolist() if len(late) else (None, None)
    row["latency_100_ms"] = _share(late <= 0.1 + 1e-6)
    return row


def _share(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _wilson(right: int, many: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, right / many
    middle = (share + z**2 / (2 * many)) / (1 + z**2 / many)
    half = z / (1 + z**2 / many) * np.sqrt(share * (1 - share) / many + z**2 / (4 * many**2))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))
