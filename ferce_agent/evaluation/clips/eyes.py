"""How well blinks, closures, gaze and open mouths are measured, on generated films with known times.

Two questions: whether a signal follows what was drawn (`signal_rows`), and whether events are found at their times
(`film_rows`); for the specialist, and for MediaPipe's landmark model where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.eyes import EyeReader, Method
from ferce_agent.clips.samples import TrackSample
from ferce_agent.errors import FerceError
from ferce_agent.evaluation.clips.eye_films import Closure, EyeFilm, MarkedFace, marked_faces
from ferce_agent.evaluation.tables import number
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.landmarks import FaceLandmarker
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import BATCH, Pipeline
from ferce_agent.temporal.eye_events import CLOSED, EyeEvent, EyeNumbers
from ferce_agent.temporal.eyes import EyeWatch

RATES: Final = (15.0, 30.0, 60.0, 200.0)
"""Frame rates of the films."""
MOST_FRAMES: Final = 1800
"""Frames of a film, so that high rates do not take the longest."""
NEAR_S: Final = 0.1
"""A blink that is found is the drawn one if the middles are no further apart."""
STEPS: Final = 11
"""Pictures for each signal."""


@dataclass(frozen=True)
class SignalRow:
    """How a signal follows what was drawn.

    Attributes:
        face: Whose.
        method: Which model.
        signal: ``lids``, ``mouth`` or ``gaze``.
        least: Its value at the least that was drawn.
        most: Its value at the most.
        correlation: With what was drawn, over all pictures; None if it does not move or is not measured.
    """

    face: str
    method: Method
    signal: str
    least: float | None
    most: float | None
    correlation: float | None


@dataclass(frozen=True)
class FilmRow:
    """What was found in a film.

    Attributes:
        face: Whose.
        method: Which model.
        fps: Frames a second.
        drawn: Blinks that were drawn.
        counted: Blinks in the sums; None where they are not counted.
        right: Blinks that were found and drawn.
        wrong: Blinks that were found and not drawn.
        length_error_s: Median difference of the length of a blink that was found to the drawn one's.
        closures_drawn: Closures of more than half a second that were drawn.
        closures: Closures that were found; None where the eyes could not be judged.
        closed_share: Share of the frames in which the eyes were found at least 80 % closed.
        closed_share_drawn: The same as drawn.
        perclos: PERCLOS as found; None where the film is shorter than a minute, or the eyes could not be judged.
        perclos_drawn: The same as drawn; None where the film is shorter than a minute.
        yawns_drawn: Yawns that were drawn.
        yawns: Yawns that were found.
    """

    face: str
    method: Method
    fps: float
    drawn: int
    counted: int | None
    right: int
    wrong: int
    length_error_s: float | None
    closures_drawn: int
    closures: int | None
    closed_share: float
    closed_share_drawn: float
    perclos: float | None
    perclos_drawn: float | None
    yawns_drawn: int
    yawns: int

    @property
    def precision(self) -> float | None:
        """Share of the found blinks that were drawn."""
        return self.right / (self.right + self.wrong) if self.counted and self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of the drawn blinks that were found."""
        return self.right / self.drawn if self.counted is not None and self.drawn else None


@dataclass(frozen=True)
class EyeResults:
    """All numbers.

    Attributes:
        signals: How the signals follow.
        films: What was found in the films.
        landmarks: Whether the landmark model was installed.
    """

    signals: tuple[SignalRow, ...]
    films: tuple[FilmRow, ...]
    landmarks: bool


def run_eyes(pipeline: Pipeline, *, seconds: float = 20.0, rates: Sequence[float] = RATES) -> EyeResults:
    """Measure both models.

    Args:
        pipeline: Its detector and specialist are used.
        seconds: Length of a film, of `MOST_FRAMES` at most; a last one of 65 seconds at the lowest rate is for PERCLOS.
        rates: Frame rates of the films.
    """
    readers = list(readers_of(pipeline))
    faces = marked_faces()
    signals = [row for face in faces for row in signal_rows(pipeline, readers, face)]
    films = [_film(face, fps, min(seconds, MOST_FRAMES / fps)) for face in faces for fps in rates]
    films += [_film(face, min(rates), 65.0, drowsy=True) for face in faces]
    rows = [row for film in films for row in film_rows(pipeline, readers, film)]
    return EyeResults(tuple(signals), tuple(rows), len(readers) > 1)


def readers_of(pipeline: Pipeline) -> Iterator[EyeReader]:
    """Yield what reads eyes: the specialist, and the landmark model where it is installed."""
    shapes = pipeline.specialist.card.blendshapes
    yield EyeReader(shapes)
    try:
        yield EyeReader(shapes, FaceLandmarker())
    except FerceError:  # not installed: the results say so
        return


def _film(face: MarkedFace, fps: float, seconds: float, *, drowsy: bool = False) -> EyeFilm:
    """Return a film with a blink about every two seconds, and closures of one to two seconds."""
    random = np.random.default_rng(round(fps) + round(seconds))
    closures: list[Closure] = []
    time = 1.5
    while time < seconds - 2.5:
        long = len(closures) % (3 if drowsy else 6) == 2
        length = random.uniform(1.0, 1.8) if long else random.uniform(0.18, 0.4)
        rest = length - 0.3 if long else length * random.uniform(0.1, 0.3)
        closures.append(Closure(time, length, rest))
        time += length + random.uniform(1.2, 2.2)
    yawns = [Closure(18.0, 4.5, 2.5), Closure(47.0, 5.0, 3.0)] if drowsy else []
    return EyeFilm(face, fps, seconds, closures, yawns, seed=round(fps))


def samples_of(pipeline: Pipeline, frames: Iterator[Frame]) -> Iterator[tuple[Frame, TrackSample]]:
    """Yield the frames in which a face is found, with what the specialist measures of the largest."""
    while part := list(islice(frames, BATCH)):
        found = [(frame, faces[0]) for frame in part if (faces := pipeline.detector.detect(frame.pixels))]
        if not found:
            continue
        raw = pipeline.specialist.run(np.stack([align_face(frame.pixels, face.landmarks) for frame, face in found]))
        for place, (frame, face) in enumerate(found):
            pose = estimate_pose(face.landmarks)
            turn = np.array([pose.yaw, pose.pitch, pose.roll])
            make = partial(TrackSample, frame.time, 1, face.box, face.landmarks, face.score, False, turn, 1.0, (), None)
            yield frame, make(raw.units[place], raw.blendshapes[place], 0.0)


def signal_rows(pipeline: Pipeline, readers: Sequence[EyeReader], face: MarkedFace) -> Iterator[SignalRow]:
    """Yield how the signals of one face follow lids, mouth and irises that are moved in steps."""
    drawn = {"lids": np.linspace(0, 1, STEPS), "mouth": np.linspace(0, 0.6, STEPS), "gaze": np.linspace(-1, 1, STEPS)}
    for signal, amounts in drawn.items():
        pictures = [_with(face, signal, float(amount)) for amount in amounts]
        frames = (Frame(picture, float(at)) for at, picture in enumerate(pictures))
        seen = list(samples_of(pipeline, frames))
        for reader in readers:
            values = np.array([_measured(reader, signal, frame, sample) for frame, sample in seen])
            yield _signal_row(
                face.name, reader.method, signal, amounts[[round(frame.time) for frame, _ in seen]], values
            )


def _with(face: MarkedFace, signal: str, amount: float) -> NDArray[np.uint8]:
    if signal == "lids":
        return face.drawn(closed=amount)
    return face.drawn(mouth=amount) if signal == "mouth" else face.drawn(gaze=amount)


def _measured(reader: EyeReader, signal: str, frame: Frame, sample: TrackSample) -> float:
    seen = reader.read(sample, frame)
    return {"lids": (seen.left + seen.right) / 2, "mouth": seen.jaw, "gaze": seen.direction.gaze_x}[signal]


def _signal_row(
    face: str, method: Method, signal: str, amounts: NDArray[np.float64], values: NDArray[np.float64]
) -> SignalRow:
    if not np.isfinite(values).all() or len(values) < STEPS:
        return SignalRow(face, method, signal, None, None, None)
    moves = values.std() > 1e-6
    correlation = float(np.corrcoef(amounts, values)[0, 1]) if moves else None
    return SignalRow(face, method, signal, float(values[0]), float(values[-1]), correlation)


def film_rows(pipeline: Pipeline, readers: Sequence[EyeReader], film: EyeFilm) -> Iterator[FilmRow]:
    """Yield what is found in a film with each model."""
    watches = [EyeWatch() for _ in readers]
    events: list[list[EyeEvent]] = [[] for _ in readers]
    closed = [0 for _ in readers]
    frames = 0
    for frame, sample in samples_of(pipeline, iter(film)):
        frames += 1
        for place, (reader, watch) in enumerate(zip(readers, watches, strict=True)):
            events[place] += watch.push(reader.read(sample, frame))
            closed[place] += watch.closure >= CLOSED
    for reader, watch, found, count in zip(readers, watches, events, closed, strict=True):
        found += watch.finish()
        yield _film_row(film, reader.method, found, watch.summary(), count / max(frames, 1))


def _film_row(
    film: EyeFilm, method: Method, found: Sequence[EyeEvent], sums: EyeNumbers, closed_share: float
) -> FilmRow:
    blinks = [one for one in film.closures if one.seconds <= 0.5]
    seen = [event for event in found if event.kind == "blink"]
    pairs = list(_matched(blinks, seen))
    errors = [event.offset_s - event.onset_s - true.seconds for true, event in pairs]
    shut = np.array([film.closed(time) >= CLOSED for time in film.times()], float)
    minute = round(60 * film.fps)
    rolling = np.convolve(shut, np.ones(minute) / minute, "valid") if len(shut) >= minute else None
    return FilmRow(
        face=film.face.name,
        method=method,
        fps=film.fps,
        drawn=len(blinks),
        counted=sums.blinks,
        right=len(pairs),
        wrong=len(seen) - len(pairs),
        length_error_s=float(np.median(errors)) if errors else None,
        closures_drawn=len(film.closures) - len(blinks),
        closures=sums.closures,
        closed_share=closed_share,
        closed_share_drawn=float(shut.mean()),
        perclos=sums.perclos,
        perclos_drawn=None if rolling is None else float(rolling.max()),
        yawns_drawn=len(film.yawns),
        yawns=sums.yawns,
    )


def _matched(blinks: Sequence[Closure], found: Sequence[EyeEvent]) -> Iterator[tuple[Closure, EyeEvent]]:
    """Yield each drawn blink with the found one that is nearest, if it is near; each is used once."""
    left = list(found)
    for true in blinks:
        middle = true.onset + true.seconds / 2
        near = min(left, key=lambda event: abs((event.onset_s + event.offset_s) / 2 - middle), default=None)
        if near is not None and abs((near.onset_s + near.offset_s) / 2 - middle) <= NEAR_S:
            left.remove(near)
            yield true, near


def eye_tables(results: EyeResults) -> str:
    """Return the numbers as Markdown."""
    lines = ["| signal | face | model | least | most | correlation |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.signal} | {row.face} | {row.method} | {number(row.least, 2)} | {number(row.most, 2)} "
        f"| {number(row.correlation, 2)} |"
        for row in results.signals
    ]
    lines += [
        "",
        "| face | model | frames a second | blinks | precision | recall | length error, s | closures found of drawn "
        "| closed time, drawn | PERCLOS, drawn | yawns found of drawn |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_film_line(row) for row in results.films]
    missing = "" if results.landmarks else "\nThe landmark model is not installed: make landmarks"
    return "\n".join(lines) + missing


def _film_line(row: FilmRow) -> str:
    cells = [
        row.face,
        row.method,
        f"{row.fps:g}",
        str(row.drawn),
        number(row.precision, 2),
        number(row.recall, 2),
        number(row.length_error_s, 3),
        f"{'–' if row.closures is None else row.closures} of {row.closures_drawn}",
        f"{row.closed_share:.3f}, {row.closed_share_drawn:.3f}",
        f"{number(row.perclos)}, {number(row.perclos_drawn)}",
        f"{row.yawns} of {row.yawns_drawn}",
    ]
    return f"| {' | '.join(cells)} |"
