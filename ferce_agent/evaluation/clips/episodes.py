"""How exactly expressions are found in clips whose times are known.

Calm faces of FER+ are warped to expressions and back (`morphs`); the clips go through the real chain: following,
reading, smoothing, episodes. An expression counts as begun where the blend has reached a tenth, and as over where it
has gone back to a tenth. What is read is not linear in the blend, so the errors are also told against the times at
which the noise-free probability has made a tenth of its way (`ReadTimes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.clips.following import Follower
from ferce_agent.clips.signals import Channels
from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError
from ferce_agent.evaluation.clips.morphs import (
    CONDITIONS,
    MOVES,
    VISIBLE,
    WARPS,
    Acted,
    Acting,
    Actor,
    Condition,
    Warp,
    frame_times,
    script,
    show,
    smooth_step_place,
    warp_field,
)
from ferce_agent.evaluation.ferplus import load_split
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.measure import measure_face
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings
from ferce_agent.temporal.episodes import EpisodeFinder, FoundEpisode
from ferce_agent.temporal.filtering import Smoother

RATES: Final = (10, 25, 30, 60, 200)
"""Frames a second of the clips."""
CALM: Final = 0.8
"""Least probability of neutral with which a face can act."""
READS: Final = 0.85
"""Least probability of an expression with which a full warp counts as it."""
CALM_VOTES: Final = 9
"""Of ten votes for neutral, how many a face of FER+ needs."""
OVERLAP: Final = 0.5
"""Least intersection over union of times with which an episode is the one that was acted."""
FRAMES_OFF: Final = 2
"""Frames by which an onset or offset may be off; or `SECONDS_OFF`, if that is longer."""
SECONDS_OFF: Final = 0.08
"""Seconds by which it may be off."""
SIDE: Final = 192
"""Pixels to which a face of FER+ is enlarged; a quarter of it is added at each edge."""
CALM_S: Final = 8.0
"""Length of a clip in which nothing is acted, in seconds."""
BLENDS: Final = 21
"""Blends at which the noise-free probability is read."""
PLAYERS: Final = 50
"""Faces that act in a run; the first so many were used to choose the rules, the next are reported."""


class Spanned(Protocol):
    """Anything with an onset and an offset in seconds."""

    @property
    def onset_s(self) -> float:
        """When it begins."""
        ...

    @property
    def offset_s(self) -> float:
        """When it is over."""
        ...


@dataclass(frozen=True, slots=True)
class Player:
    """A calm face and what it can act.

    Attributes:
        actor: The face.
        shows: Expressions as which its full warps are read.
    """

    actor: Actor
    shows: tuple[Canonical, ...]


def audition(pixels: NDArray[np.uint8], pipeline: Pipeline) -> Player | None:
    """Return what a face can act; None if there is no face, it is not calm, or it can act nothing.

    A warp counts only if nothing is in the way of the face: it must not look covered or stretched.

    Args:
        pixels: Picture with one face, shape (H, W, 3), uint8, BGR.
        pipeline: Finds it and reads it.
    """
    calm = _probabilities(pixels, pipeline)
    if calm is None or calm[1][0] < CALM:
        return None
    actor = Actor(pixels, calm[0])
    shows = []
    for expression in WARPS:
        warped = _probabilities(show(actor, Warp(warp_field(actor, expression), expression, 1.0)), pipeline)
        if warped is not None and warped[1][CANONICAL.index(expression)] >= READS:
            shows.append(expression)
    return Player(actor, tuple(shows)) if shows else None


def _probabilities(
    pixels: NDArray[np.uint8], pipeline: Pipeline
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the landmarks and the probabilities of a face with nothing in its way; None where there is none."""
    found, _ = pipeline.find([Frame(pixels)])
    if len(found) != 1 or measure_face(pixels, found[0].detected, found[0].doubts).quality.reasons:
        return None
    return found[0].detected.landmarks, pipeline.look(pixels, found[0].detected).probabilities


def players(folder: Path, pipeline: Pipeline, count: int) -> list[Player]:
    """Return calm faces of the validation split of FER+.

    Raises:
        DataError: The split cannot be read, or has too few faces that can act.
    """
    split = load_split(folder, "valid")
    edge = SIDE // 4
    found = []
    for place in np.flatnonzero(split.votes[:, 0] >= CALM_VOTES):
        large = cv2.resize(split.images[place], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        player = audition(np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8), pipeline)
        if player is not None and len(player.shows) > 1:
            found.append(player)
        if len(found) == count:
            return found
    raise DataError(f"Only {len(found)} faces can act, {count} are needed.", hint="Give a folder with all of FER+.")


@dataclass(frozen=True, slots=True)
class ReadTimes:
    """When the noise-free probability of an acted expression has made a tenth of its way up, and nine tenths down."""

    onset_s: float
    offset_s: float


def read_times(player: Player, acted: Acted, pipeline: Pipeline) -> ReadTimes:
    """Return the times at which the probability says that an expression begins and ends, without noise."""
    field = warp_field(player.actor, acted.expression)
    blends = np.linspace(0, 1, BLENDS)
    warps = (Warp(field, acted.expression, float(blend)) for blend in blends)
    crops = np.stack([align_face(show(player.actor, warp), player.actor.landmarks) for warp in warps])
    place = CANONICAL.index(acted.expression)
    curve = np.array(
        [seen.probabilities[place] for seen in pipeline.specialist.perceive(crops, pipeline.settings.flatten)]
    )
    reached = float(blends[np.argmax(curve >= curve[0] + VISIBLE * (curve.max() - curve[0]))])
    along = smooth_step_place(reached)
    return ReadTimes(acted.start + acted.rise * along, acted.end - acted.fall * along)


@dataclass(frozen=True)
class Heard:
    """One clip: what was acted and what was found.

    Attributes:
        rate: Frames a second.
        condition: What was done to the pictures.
        acted: What was acted.
        read: When it could be read, for each.
        named: Episodes of expressions, with their names.
        moved: Episodes of movements, with their names.
    """

    rate: float
    condition: Condition
    acted: tuple[Acted, ...]
    read: tuple[ReadTimes, ...]
    named: tuple[tuple[str, FoundEpisode], ...]
    moved: tuple[tuple[str, FoundEpisode], ...]

    @lazy_property
    def matches(self) -> tuple[FoundEpisode | None, ...]:
        """For each expression that was acted the episode that is it, or None."""
        return tuple(best_match(one, (one.expression,), self.named) for one in self.acted)

    @lazy_property
    def movements(self) -> tuple[tuple[Acted, FoundEpisode | None], ...]:
        """Each expression that was acted and has a movement, with the episode of that, or None."""
        return tuple(
            (one, best_match(one, MOVES[one.expression], self.moved)) for one in self.acted if MOVES[one.expression]
        )

    @property
    def tolerance(self) -> float:
        """By how many seconds a time may be off."""
        return max(FRAMES_OFF / self.rate, SECONDS_OFF)


def best_match(acted: Acted, names: Sequence[str], found: Iterable[tuple[str, FoundEpisode]]) -> FoundEpisode | None:
    """Return the episode of one of these names that overlaps most with what was acted, if by `OVERLAP` at least."""
    truth = acted.onset_s, acted.offset_s
    rated = [(overlap(truth, (one.onset_s, one.offset_s)), one) for name, one in found if name in names]
    best = max(rated, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] >= OVERLAP else None


def overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the intersection over the union of two spans of time, 0..1."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(both, 0.0) / max(max(one[1], other[1]) - min(one[0], other[0]), 1e-9)


def found_in(frames: Iterable[Frame], pipeline: Pipeline, batch: int = 16) -> list[tuple[str, str, FoundEpisode]]:
    """Return the episodes of all faces of a clip as (kind, name, episode), through the real chain."""
    channels = Channels(pipeline.specialist.card, pipeline.settings.flatten)
    follower = Follower(pipeline)
    chains: dict[int, tuple[Smoother, EpisodeFinder]] = {}
    found: list[FoundEpisode] = []
    for part in _batches(frames, batch):
        for followed in follower.follow(part):
            for sample in followed.samples:
                smoother, finder = chains.setdefault(
                    sample.track, (Smoother(channels.drifts), EpisodeFinder(channels.rules))
                )
                for row in smoother.push(sample.time, *channels.read(sample)):
                    found += finder.push(row)
    follower.finish()
    for smoother, finder in chains.values():
        for row in smoother.finish():
            found += finder.push(row)
        found += finder.finish()
    return [(channels.of(one).kind, channels.of(one).name, one) for one in found]


def _batches(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    part: list[Frame] = []
    for frame in frames:
        part.append(frame)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def hear(player: Player, rate: float, condition: Condition, seed: int, pipeline: Pipeline) -> Heard:
    """Make a clip of a player and return what was found in it.

    Args:
        player: Who acts; one who shows nothing stays calm for `CALM_S`.
        rate: Frames a second.
        condition: What is done to the pictures.
        seed: Of the script, the times and the noise.
        pipeline: Reads the faces.
    """
    rng = np.random.default_rng([seed, round(rate), CONDITIONS.index(condition)])
    shows = rng.permutation(np.array(player.shows, dtype=object))[:2].tolist()
    acted, seconds = script(shows, rng)
    seconds = seconds if acted else CALM_S
    frames = Acting(player.actor, acted, condition).frames(frame_times(seconds, rate, condition, rng), rng)
    found = found_in(frames, pipeline)
    return Heard(
        rate,
        condition,
        acted,
        tuple(read_times(player, one, pipeline) for one in acted),
        tuple((name, one) for kind, name, one in found if kind == "expression"),
        tuple((name, one) for kind, name, one in found if kind == "movement"),
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """What came out for one kind of episode over several clips. Errors are positive where something is told too late.

    Attributes:
        acted: How many there were.
        matched: How many of these were found.
        onsets: Share of the onsets found that are off by no more than allowed, 0..1; NaN without any.
        offsets: The same of the offsets.
        onset_s: Median error of the onsets in seconds.
        offset_s: The same of the offsets.
    """

    acted: int
    matched: int
    onsets: float
    offsets: float
    onset_s: float
    offset_s: float

    @classmethod
    def of(cls, acted: int, errors: Sequence[tuple[float, float, float]]) -> Numbers:
        """Put together how many there were, and (onset error, offset error, tolerance) of each that was found."""
        if not errors:
            return cls(acted, 0, *[float("nan")] * 4)
        table = np.array(errors, np.float64)
        within = (np.abs(table[:, :2]) <= table[:, 2:] + 1e-9).mean(0)
        return cls(acted, len(table), *within.tolist(), *np.median(table[:, :2], axis=0).tolist())


def f1_of(heard: Sequence[Heard]) -> float:
    """Return the F1 of the episodes of expressions at an overlap of `OVERLAP`, 0..1."""
    acted, named = sum(len(clip.acted) for clip in heard), sum(len(clip.named) for clip in heard)
    return 2 * sum(one is not None for clip in heard for one in clip.matches) / max(acted + named, 1)


def expression_numbers(heard: Sequence[Heard], *, read: bool = False) -> Numbers:
    """Return the numbers of the expressions in several clips.

    Args:
        heard: The clips.
        read: Whether times are compared with those at which the noise-free probability changes, and not the blend.
    """
    pairs: Iterator[tuple[Heard, FoundEpisode, Spanned]] = (
        (clip, one, of_read if read else of_blend)
        for clip in heard
        for one, of_blend, of_read in zip(clip.matches, clip.acted, clip.read, strict=True)
        if one is not None
    )
    errors = [
        (one.onset_s - truth.onset_s, one.offset_s - truth.offset_s, clip.tolerance) for clip, one, truth in pairs
    ]
    return Numbers.of(sum(len(clip.acted) for clip in heard), errors)


def movement_numbers(heard: Sequence[Heard]) -> Numbers:
    """Return the numbers of the movements in several clips."""
    errors = [
        (one.onset_s - truth.onset_s, one.offset_s - truth.offset_s, clip.tolerance)
        for clip in heard
        for truth, one in clip.movements
        if one is not None
    ]
    return Numbers.of(sum(len(clip.movements) for clip in heard), errors)


@dataclass(frozen=True, slots=True)
class Suite:
    """Which clips are made.

    Attributes:
        clips: How many for each condition and frame rate.
        rates: Frames a second.
        conditions: What is done to the pictures.
        calm: How many clips of calm faces for each frame rate; their heads move (``motion``).
        chosen: Whether the faces and seeds are used with which the rules were chosen, and not those for reporting.
    """

    clips: int = 2
    rates: Sequence[float] = RATES
    conditions: Sequence[Condition] = CONDITIONS
    calm: int = 2
    chosen: bool = False

    def clips_of(self) -> Iterator[tuple[float, Condition, int, bool]]:
        """Yield frame rate, condition, seed and whether something is acted, for each clip."""
        for rate in self.rates:
            for condition in self.conditions:
                yield from ((rate, condition, 2 * clip + int(not self.chosen), True) for clip in range(self.clips))
            yield from ((rate, "motion", 1000 + 2 * clip + int(not self.chosen), False) for clip in range(self.calm))


def run_episodes(folder: Path, suite: Suite | None = None, threads: int = 1) -> list[Heard]:
    """Make clips of calm FER+ faces in each condition at each frame rate and return what was found in each.

    Args:
        folder: Holds ``valid.parquet`` of FER+.
        suite: Which clips.
        threads: Of the networks.

    Raises:
        DataError: The split cannot be read, or has too few faces that can act.
    """
    suite = suite or Suite()
    pipeline = Pipeline(Settings(threads=threads))
    half = players(folder, pipeline, 2 * PLAYERS)[slice(PLAYERS) if suite.chosen else slice(PLAYERS, None)]
    heard = []
    for rate, condition, seed, acts in suite.clips_of():
        rng = np.random.default_rng([7, seed, round(rate), CONDITIONS.index(condition)])
        player = half[rng.integers(len(half))]
        heard.append(hear(player if acts else replace(player, shows=()), rate, condition, seed, pipeline))
    return heard


def episode_table(heard: Sequence[Heard]) -> str:
    """Return the numbers by frame rate, by condition, of calm faces and over all, as a table in Markdown."""
    groups: list[tuple[str, list[Heard]]] = [
        *(
            (f"{rate:g} fps", [one for one in heard if one.rate == rate])
            for rate in sorted({one.rate for one in heard})
        ),
        *((name, [one for one in heard if one.condition == name and one.acted]) for name in CONDITIONS),
        ("calm", [one for one in heard if not one.acted]),
        ("all", list(heard)),
    ]
    groups = [(name, clips) for name, clips in groups if clips]
    header = ("clips", "acted", "found", "F1", *EDGES, *(f"{edge}, as read" for edge in EDGES), "movements", *EDGES)
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    for name, clips in groups:
        blend, read, moved = expression_numbers(clips), expression_numbers(clips, read=True), movement_numbers(clips)
        cells = (
            name,
            str(blend.acted),
            str(sum(len(clip.named) for clip in clips)),
            f"{f1_of(clips):.3f}" if blend.acted else "-",
            *_edges(blend),
            *_edges(read),
            f"{moved.matched}/{moved.acted}",
            *_edges(moved),
        )
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


EDGES: Final = ("onsets", "offsets")
"""Columns of the table: share within the limits, and median error in milliseconds."""


def _edges(numbers: Numbers) -> tuple[str, str]:
    """Return the share within the limits and the median error, of onsets and offsets."""
    pairs = (numbers.onsets, numbers.onset_s), (numbers.offsets, numbers.offset_s)
    onsets, offsets = ("-" if np.isnan(share) else f"{share:.3f} ({error * 1000:+.0f} ms)" for share, error in pairs)
    return onsets, offsets
