"""Generated drives as signals: eyes, mouth and head of a driver in each frame, with what truly happened.

A drive has blinks, and some of: closures of the eyes, yawns, nods, looks away, many short looks, a drowsy minute. Faces
differ in the scale of their lids and in where the camera stands; readings have noise that lasts; some drivers wear dark
glasses, some heads turn so far that nothing is read, some frames are missing. The sizes are own choices. What is
planted keeps clear of the limits (`CLEAR`), so that it is known what a warning is right for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import nan
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.temporal.eye_events import EyeSample
from ferce_agent.temporal.glances import AWAY_PITCH, AWAY_YAW, Direction

RATES: Final = (10.0, 15.0, 20.0, 25.0, 30.0, 50.0)
"""Frames a second."""
CALM_S: Final = 15.0
"""Every drive begins with so many seconds in which the driver blinks and looks at the road."""
CLEAR: Final = 0.15
"""Nothing planted lies within this share of a limit."""
HIDDEN_YAW: Final = 45.0
"""Degrees beyond which the eyes of a turned head cannot be read."""
LOST_YAW: Final = 60.0
"""Degrees beyond which nothing of a turned head is read."""
CLOSES_S: Final = (0.08, 0.15)
"""How long lids take to close, and to open again."""
Glasses = Literal["none", "covered", "read_as_open", "read_as_shut", "read_as_narrow"]
"""Dark glasses, and what is read behind them: nothing, or always the same."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a drive differs from others.

    Attributes:
        fps: Frames a second.
        jitter: Largest deviation of a frame's time, as share of the distance of frames.
        glasses: Whether the driver wears dark glasses, and what is read behind them.
        dropouts: Share of the frames that are missing, in runs.
        open_: How far open eyes read as closed.
        shut: How far closed eyes read as closed.
        camera: Yaw and pitch of a face that looks at the road, in degrees.
        noise: Standard deviation of lids (0..1), of yaw and of pitch (degrees).
        seed: Of all noise.
    """

    fps: float
    jitter: float = 0.0
    glasses: Glasses = "none"
    dropouts: float = 0.0
    open_: float = 0.12
    shut: float = 0.95
    camera: tuple[float, float] = (0.0, 0.0)
    noise: tuple[float, float, float] = (0.03, 1.5, 1.5)
    seed: int = 0


@dataclass
class Plan:
    """What happens in a drive: each entry gives a number over time, and the largest of a kind counts.

    Attributes:
        seconds: Length of the drive.
        lids: How far the eyes are closed, 0..1.
        yaw: Degrees by which the head is turned from the road.
        pitch: Degrees by which it is raised.
        mouth: How far the mouth is open, 0..1.
        speeds: Speed over time: pairs of seconds and km/h, each lasting until the next; None if it is not known.
    """

    seconds: float
    lids: list[Callable[[Array], Array]] = field(default_factory=list)
    yaw: list[Callable[[Array], Array]] = field(default_factory=list)
    pitch: list[Callable[[Array], Array]] = field(default_factory=list)
    mouth: list[Callable[[Array], Array]] = field(default_factory=list)
    speeds: tuple[tuple[float, float], ...] | None = ((0.0, 80.0),)


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive as it is read, and as it was.

    Attributes:
        manner: How it is read.
        speeds: Speed over time as given to the scenario, once a second; None if it is not known.
        times: Of all frames, also those that are missing, shape (N,).
        lids: True closure of the eyes, shape (N,).
        away: True distance of the direction from the road, 1 = away, shape (N,).
        sunk: Degrees by which the head truly points lower than the road, shape (N,).
        mouth: True opening of the mouth, shape (N,).
        eyes_read: Frames in which eyes could be read, shape (N,).
        head_read: Frames in which the head could be read, shape (N,).
        speed: True speed, shape (N,); NaN where it is not known.
        samples: What is read; frames that are missing are left out.
    """

    manner: Manner
    speeds: tuple[tuple[float, float], ...] | None
    times: Array
    lids: Array
    away: Array
    sunk: Array
    mouth: Array
    eyes_read: NDArray[np.bool_]
    head_read: NDArray[np.bool_]
    speed: Array
    samples: tuple[EyeSample, ...]


def ramp(onset: float, rise: float, hold: float, fall: float, height: float = 1.0) -> Callable[[Array], Array]:
    """Return a number over time that rises, stays, and falls.

    Args:
        onset: When it begins to rise, in seconds.
        rise: How long it rises.
        hold: How long it stays.
        fall: How long it falls.
        height: How high it rises.
    """
    corners = np.cumsum([onset, rise, hold, fall])
    return lambda times: np.interp(times, corners, [0.0, height, height, 0.0])


def closing(rng: Generator, onset: float, closed: float) -> Callable[[Array], Array]:
    """Return lids that are at least 80 % closed for so many seconds, from about `onset` on."""
    down, up = rng.uniform(*CLOSES_S), rng.uniform(*CLOSES_S) * 1.5
    return ramp(onset - 0.8 * down, down, max(closed - 0.2 * (down + up), 0.0), up)


def made(plan: Plan, manner: Manner) -> Drive:
    """Return a drive as planned, read in a manner."""
    rng = np.random.default_rng(manner.seed)
    times = np.arange(round(plan.seconds * manner.fps)) / manner.fps
    times = times + rng.uniform(-0.5, 0.5, len(times)) * manner.jitter / manner.fps
    times = times - times[0]
    lids, yaw, pitch, mouth = (strongest(each, times) for each in (plan.lids, plan.yaw, plan.pitch, plan.mouth))
    missing = _missing(rng, len(times), manner.dropouts, manner.fps)
    head = ~missing & (np.abs(yaw + manner.camera[0]) < LOST_YAW)
    eyes = head & (np.abs(yaw + manner.camera[0]) < HIDDEN_YAW) & (manner.glasses == "none")
    known = _stairs(plan.speeds, times)
    return Drive(
        manner=manner,
        speeds=_each_second(plan),
        times=times,
        lids=np.clip(lids, 0, 1),
        away=np.hypot(yaw / AWAY_YAW, pitch / AWAY_PITCH),
        sunk=-pitch,
        mouth=mouth,
        eyes_read=eyes,
        head_read=head,
        speed=known,
        samples=tuple(_samples(rng, manner, times, (np.clip(lids, 0, 1), yaw, pitch, mouth), head)),
    )


def _samples(
    rng: Generator, manner: Manner, times: Array, true: tuple[Array, Array, Array, Array], head: NDArray[np.bool_]
) -> Iterator[EyeSample]:
    lids, yaw, pitch, mouth = true
    span = manner.shut - manner.open_
    left, right = (
        np.clip(_behind(rng, manner, manner.open_ + span * lids, times) + error, 0, 1)
        for error in (_noise(rng, times, manner.noise[0]), _noise(rng, times, manner.noise[0]))
    )
    across = yaw + manner.camera[0] + _noise(rng, times, manner.noise[1])
    up = pitch + manner.camera[1] + _noise(rng, times, manner.noise[2])
    wide = np.clip(mouth + 0.05 + np.abs(_noise(rng, times, 0.03)), 0, 1)
    hidden = (np.abs(yaw + manner.camera[0]) >= HIDDEN_YAW) | (manner.glasses == "covered")
    for place in np.flatnonzero(head).tolist():
        eyes = (nan, nan) if hidden[place] else (float(left[place]), float(right[place]))
        direction = Direction(float(across[place]), float(up[place]), nan, nan)
        yield EyeSample(float(times[place]), *eyes, float(wide[place]), direction)


def _behind(rng: Generator, manner: Manner, lids: Array, times: Array) -> Array:
    """Return what is read of the lids, behind dark glasses if they are worn."""
    always = {"read_as_open": 0.2, "read_as_shut": 0.9, "read_as_narrow": 0.55}.get(manner.glasses)
    if always is None:
        return lids
    drift = 0.05 * np.sin(2 * np.pi * times / rng.uniform(15, 40) + rng.uniform(0, 6))
    glints = np.zeros(len(times))
    for at in rng.uniform(0, times[-1], max(int(times[-1] / 20), 1)).tolist():
        glints = np.maximum(glints, ramp(at, 0.05, rng.uniform(0.05, 0.2), 0.05, rng.uniform(0.1, 0.25))(times))
    return np.asarray(always + drift + np.where(always > 0.5, -glints, glints), np.float64)


def _noise(rng: Generator, times: Array, spread: float) -> Array:
    """Return noise of which half of the variance lasts for about half a second."""
    steps = rng.normal(0, spread * np.sqrt(0.5), len(times))
    white = rng.normal(0, spread * np.sqrt(0.5), len(times))
    slow = np.empty(len(times))
    kept = np.exp(-np.diff(times, prepend=times[0]) / 0.5)
    last = steps[0]
    for place in range(len(times)):
        last = kept[place] * last + np.sqrt(1 - kept[place] ** 2) * steps[place]
        slow[place] = last
    return np.asarray(slow + white, np.float64)


def _missing(rng: Generator, many: int, share: float, fps: float) -> NDArray[np.bool_]:
    """Return which frames are missing: runs of 0.1 to 2 s."""
    missing = np.zeros(many, np.bool_)
    while share > 0 and missing.mean() < share:
        begin = int(rng.integers(many))
        missing[begin : begin + max(round(rng.uniform(0.1, 2.0) * fps), 1)] = True
    missing[: round(CALM_S * fps / 2)] = False
    return missing


def strongest(parts: list[Callable[[Array], Array]], times: Array) -> Array:
    """Return the part that is furthest from 0 at each time."""
    total = np.zeros(len(times))
    for part in parts:
        values = part(times)
        total = np.where(np.abs(values) > np.abs(total), values, total)
    return total


def _stairs(speeds: tuple[tuple[float, float], ...] | None, times: Array) -> Array:
    if speeds is None:
        return np.full(len(times), nan)
    begins = np.array([one[0] for one in speeds])
    values = np.array([one[1] for one in speeds])
    return np.asarray(values[np.searchsorted(begins, times, "right") - 1], np.float64)


def _each_second(plan: Plan) -> tuple[tuple[float, float], ...] | None:
    if plan.speeds is None:
        return None
    seconds = np.unique(np.concatenate([np.arange(0.0, plan.seconds), [one[0] for one in plan.speeds]]))
    return tuple(zip(seconds.tolist(), _stairs(plan.speeds, seconds).tolist(), strict=True))
