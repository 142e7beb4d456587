"""How well micro-movements are found: on generated clips, and on CAS(ME)² or SAMM Long Videos of the reader's own.

The generated suite: faces of two public-domain photos, each also mirrored, with short movements of 0.04 to 0.5 s and 1
to 3 % of the eye distance, at 30 and 200 frames a second, among what is taken for them: blinks, speech, longer
expressions, head turns, changes of the light, H.264. A movement counts as found where intersection over union is 0.5 or
more, as in the MEGC protocol (`ferce_agent.evaluation.clips.megc`). The thresholds were chosen on other seeds and other
faces.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ferce_agent.clips.following import Follower
from ferce_agent.clips.micro import MicroSpotter
from ferce_agent.errors import DataError, EngineError
from ferce_agent.evaluation.clips.megc import Counts, Interval, MegcScores, matches, megc_scores
from ferce_agent.evaluation.clips.micro_faces import MicroClip, Plan, PosedFace, draw, rendered
from ferce_agent.evaluation.datasets.long_films import READERS, LongFilm
from ferce_agent.inputs.frames import Frame
from ferce_agent.pipeline import Pipeline
from ferce_agent.temporal.micro import FoundMicro

DISTURBANCES: Final = {
    "none": "swaying only",
    "blinks": "blinks",
    "speech": "speech",
    "macro": "longer expressions",
    "turns": "head turns and nods",
    "light": "changes of the light",
    "h264": "H.264, blinks, longer expressions",
    "all": "everything but H.264 together",
}
"""What the clips of the suite have in them beside the micro-movements, by `MicroClip.disturbance`."""
RATES: Final = ((30.0, 20.0), (200.0, 6.0))
"""Frames a second and seconds of each clip."""
HELD_OUT: Final = (7000, 8000)
"""First seeds of the suite, which is drawn once from each; the thresholds were chosen on seeds below 1000."""
BATCH: Final = 16
"""Frames that are followed at a time."""


@dataclass(frozen=True, slots=True)
class MicroOutcome:
    """What was found in one clip.

    Attributes:
        clip: Its plan.
        found: What was found.
        hits: Pairs of places in `found` and in `clip.micro` that are the same movement.
    """

    clip: MicroClip
    found: tuple[FoundMicro, ...]
    hits: tuple[tuple[int, int], ...]

    @property
    def counts(self) -> Counts:
        """Right, wrong and missed ones."""
        right = len(self.hits)
        return Counts(right, len(self.found) - right, len(self.clip.micro) - right)


def suite_faces(pipeline: Pipeline) -> list[PosedFace]:
    """Return the faces of the suite: two photos, each also mirrored; one where matplotlib is not installed.

    Raises:
        EngineError: No face is found in a photo.
    """
    faces = []
    for path in _photos():
        photo = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
        found = pipeline.detect(photo)
        if not found:
            raise EngineError(f"No face was found in {path.name}.")
        faces += [PosedFace.of(photo, found[0].landmarks, mirrored=mirrored) for mirrored in (False, True)]
    return faces


def _photos() -> Iterator[Path]:
    """Yield Eileen Collins (NASA) and, out of matplotlib's sample data, Grace Hopper (US Navy); public domain both."""
    yield Path(__file__).parents[1] / "astronaut.jpg"
    spec = importlib.util.find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "mpl-data/sample_data/grace_hopper.jpg"
        if path.is_file():
            yield path


def suite_plans(seed: int, rates: Sequence[tuple[float, float]] = RATES) -> list[MicroClip]:
    """Return the clips of the suite, drawn from a seed: one for each disturbance and rate."""
    plans = [Plan(name, rate, seconds) for rate, seconds in rates for name in DISTURBANCES]
    return [draw(plan, seed + place) for place, plan in enumerate(plans)]


def measured(pipeline: Pipeline, clip: MicroClip, face: PosedFace) -> MicroOutcome:
    """Follow and search one generated clip, as the product does."""
    found = spot(pipeline, (frame for frame, _ in rendered(clip, face)), clip.frame_rate)
    given = [Interval(one.onset_s, one.offset_s) for one in found]
    truth = [Interval(one.onset_s, one.offset_s) for one in clip.micro]
    return MicroOutcome(clip, tuple(found), tuple(matches(given, truth, frame=0.0)))


def spot(pipeline: Pipeline, frames: Iterable[Frame], frame_rate: float) -> list[FoundMicro]:
    """Return the micro-movements of all faces of a film, by apex.

    Args:
        pipeline: What finds and reads faces.
        frames: In the order of their times.
        frame_rate: Frames a second.
    """
    follower = Follower(pipeline, infer=False)
    shapes = pipeline.specialist.card.blendshapes
    spotters: dict[int, MicroSpotter] = {}
    found: list[FoundMicro] = []
    for batch in _batches(frames):
        for frame, followed in zip(batch, follower.follow(batch), strict=True):
            for sample in followed.samples:
                spotter = spotters.setdefault(sample.track, MicroSpotter(frame_rate, shapes=shapes))
                found += spotter.push(frame, sample)
            for track in followed.ended:
                if track in spotters:
                    found += spotters.pop(track).finish()
    for spotter in spotters.values():
        found += spotter.finish()
    return sorted(found, key=lambda one: one.apex_s)


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def run_micro(
    pipeline: Pipeline | None = None,
    *,
    seeds: Sequence[int] = HELD_OUT,
    rates: Sequence[tuple[float, float]] = RATES,
    progress: Callable[[int, int], None] | None = None,
) -> list[MicroOutcome]:
    """Measure the generated suite.

    Args:
        pipeline: What finds and reads faces; None for a new one.
        seeds: The suite is drawn from each.
        rates: Frames a second and seconds of the clips.
        progress: Told how many clips are done, of how many.
    """
    pipeline = pipeline or Pipeline()
    faces = suite_faces(pipeline)
    clips = [(clip, place) for seed in seeds for place, clip in enumerate(suite_plans(seed, rates))]
    outcomes = []
    for done, (clip, place) in enumerate(clips):
        outcomes.append(measured(pipeline, clip, faces[place % len(faces)]))
        if progress is not None:
            progress(done + 1, len(clips))
    return outcomes


def micro_table(outcomes: Sequence[MicroOutcome]) -> str:
    """Return the numbers of the suite as Markdown tables: all, then by rate, disturbance, duration and strength."""
    lines = [
        "| clips | movements | precision | recall | F1 | false alarms a minute |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    groups: dict[str, list[MicroOutcome]] = {"all": list(outcomes)}
    for one in outcomes:
        groups.setdefault(f"{one.clip.frame_rate:g} frames a second", []).append(one)
    for one in outcomes:
        groups.setdefault(DISTURBANCES[one.clip.disturbance], []).append(one)
    lines += [_row(name, group) for name, group in groups.items()]
    caption = "Found, of how many, by how far the skin moves at most, in percent of the distance between the eyes:"
    return "\n".join([*lines, "", caption, "", *_shares(outcomes)])


def _row(name: str, group: Sequence[MicroOutcome]) -> str:
    counts = sum((one.counts for one in group), Counts())
    minutes = sum(one.clip.seconds for one in group) / 60
    numbers = f"{counts.precision:.2f} | {counts.recall:.2f} | {counts.f1:.2f} | {counts.wrong / minutes:.2f}"
    return f"| {name} | {counts.right + counts.missed} | {numbers} |"


def _shares(outcomes: Sequence[MicroOutcome]) -> Iterator[str]:
    """Yield a table of the share that was found, by duration and strength, for each frame rate."""
    strengths = sorted({move.strength for one in outcomes for move in one.clip.micro})
    yield f"| frames a second | duration | {' | '.join(f'{strength:g} %' for strength in strengths)} |"
    yield "|---:|---:" + "|---" * len(strengths) + "|"
    moves = [
        (one.clip.frame_rate, round(move.offset_s - move.onset_s, 3), move.strength, _is_hit(one, place))
        for one in outcomes
        for place, move in enumerate(one.clip.micro)
    ]
    for rate, duration in sorted({move[:2] for move in moves}):
        cells = []
        for strength in strengths:
            hits = [move[3] for move in moves if move[:3] == (rate, duration, strength)]
            cells.append(f"{sum(hits)} of {len(hits)}" if hits else "")
        yield f"| {rate:g} | {duration:g} s | {' | '.join(cells)} |"


def _is_hit(outcome: MicroOutcome, place: int) -> bool:
    return any(annotated == place for _, annotated in outcome.hits)


@dataclass(frozen=True, slots=True)
class MegcResult:
    """What was measured on a data set.

    Attributes:
        kind: ``cas-me2`` or ``samm-lv``.
        scores: The protocol's numbers. Nothing is named here, since a movement is no proof of an emotion; so there is
            no recognition F1 and no STRS.
        films: How many films were searched.
        seconds: How long they are together.
    """

    kind: str
    scores: MegcScores
    films: int
    seconds: float

    def text(self) -> str:
        """Return the numbers in a few lines."""
        spotting = self.scores.spotting
        return (
            f"{self.kind}: {self.films} films, {self.seconds / 60:.1f} minutes, micro-expressions, IoU >= 0.5\n"
            f"TP {spotting.right}, FP {spotting.wrong}, FN {spotting.missed}; precision {spotting.precision:.4f}, "
            f"recall {spotting.recall:.4f}, F1 {spotting.f1:.4f}\n"
            "Recognition and STRS: not measured; movements are found, not named."
        )


def run_megc(
    folder: Path,
    kind: str,
    *,
    pipeline: Pipeline | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MegcResult:
    """Search the films of CAS(ME)² or SAMM Long Videos and score what is found by the MEGC protocol.

    Args:
        folder: Of the data set; see `ferce_agent.evaluation.datasets.long_films` for what lies in it.
        kind: ``cas-me2`` or ``samm-lv``.
        pipeline: What finds and reads faces; None for a new one.
        progress: Told how many films are done, of how many.

    Raises:
        DataError: The kind is not known, or the folder is not as expected.
    """
    if kind not in READERS:
        raise DataError(f"There is no reader for '{kind[:40]}'.", hint=f"Known: {', '.join(READERS)}.")
    films = READERS[kind](folder)
    pipeline = pipeline or Pipeline()
    found: dict[str, list[Interval]] = {}
    for place, film in enumerate(films):
        found[film.name] = _in_frames(spot(pipeline, film.frames(), film.frame_rate), film)
        if progress is not None:
            progress(place + 1, len(films))
    truth = {film.name: [Interval(one.onset, one.offset) for one in film.micro] for film in films}
    seconds = sum(len(film.pictures) / film.frame_rate for film in films)
    return MegcResult(kind, megc_scores(found, truth), len(films), seconds)


def _in_frames(found: Sequence[FoundMicro], film: LongFilm) -> list[Interval]:
    rate = film.frame_rate
    return [Interval(round(one.onset_s * rate), round(one.offset_s * rate)) for one in found]
