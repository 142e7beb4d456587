"""What happens in generated drives, chosen by chance: plans for `ferce_agent.evaluation.scenarios.drives`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from ferce_agent.evaluation.scenarios.drives import (
    CALM_S,
    RATES,
    Drive,
    Glasses,
    Manner,
    Plan,
    closing,
    made,
    ramp,
)

GLASSES: Final[tuple[Glasses, ...]] = ("covered", "read_as_open", "read_as_shut", "read_as_narrow")
KINDS: Final = ("plain", "dark glasses", "turned heads", "missing frames", "noise")
"""Kinds of drives; each is one in five."""
REST_S: Final = (3.0, 6.0)
"""Seconds between two things that happen."""
Act = Callable[[Generator, Plan, float, bool], float]
"""Plans something from a time on, in a drive whose head may turn far; returns when it is over."""


def generated(number: int, seed: int) -> tuple[str, Drive]:
    """Return a kind of drive and a drive of it; the same for the same arguments.

    Args:
        number: Which of the benchmark's drives.
        seed: Of the benchmark.
    """
    rng = np.random.default_rng((seed, number))
    kind = KINDS[number % len(KINDS)]
    plan = _plan(rng, far=kind == "turned heads")
    noisy = kind == "noise"
    camera = (float(rng.uniform(-20, 20)) if kind != "turned heads" else 0.0, float(rng.uniform(-8, 8)))
    manner = Manner(
        fps=float(rng.choice(RATES)),
        jitter=float(rng.choice([0.0, 0.5])),
        glasses=GLASSES[int(rng.integers(len(GLASSES)))] if kind == "dark glasses" else "none",
        dropouts=float(rng.uniform(0.05, 0.2)) if kind == "missing frames" else 0.0,
        open_=float(rng.uniform(0.05, 0.25)),
        shut=float(rng.uniform(0.85, 1.0)),
        camera=camera,
        noise=(0.05, 3.0, 3.0) if noisy else (float(rng.uniform(0.01, 0.035)), 1.5, 1.5),
        seed=int(rng.integers(2**31)),
    )
    return kind, made(plan, manner)


def _plan(rng: Generator, *, far: bool) -> Plan:
    plan = Plan(seconds=0.0, speeds=None)
    now = CALM_S
    acts: list[Act] = [_closure, _closure, _glance, _glance, _yawn, _nod, _look_down, _talk]
    if rng.uniform() < 0.35:
        acts.append(_short_glances)
    if rng.uniform() < 0.3:
        acts.append(_drowsy)
    for place in rng.permutation(len(acts)).tolist():
        now = acts[place](rng, plan, now, far) + float(rng.uniform(*REST_S))
    plan.seconds = now
    _blinks(rng, plan)
    plan.speeds = _speeds(rng, now)
    return plan


def _speeds(rng: Generator, seconds: float) -> tuple[tuple[float, float], ...] | None:
    way = int(rng.integers(5))
    if way == 0:
        return None
    if way < 4:
        return ((0.0, float((12.0, 35.0, 90.0)[way - 1])),)
    return ((0.0, 35.0), (seconds / 3, 70.0), (2 * seconds / 3, 110.0))


def _blinks(rng: Generator, plan: Plan) -> None:
    """Plan a blink every few seconds where the eyes do nothing else."""
    times = np.arange(0, plan.seconds, 0.02)
    taken = np.zeros(len(times), np.bool_)
    for one in plan.lids:
        taken |= one(times) > 0
    now = 1.0
    while now < plan.seconds - 1:
        near = slice(max(int((now - 0.5) / 0.02), 0), int((now + 1.0) / 0.02))
        if not taken[near].any():
            length = float(rng.uniform(0.15, 0.32))
            plan.lids.append(ramp(now, length / 3, length * 0.15, length * 0.52))
        now += float(rng.uniform(2.0, 5.0))


def _closure(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    """A long blink, a microsleep, or sleep."""
    least, most = ((0.2, 0.38), (0.7, 2.3), (3.6, 5.0))[int(rng.integers(3))]
    seconds = float(rng.uniform(least, most))
    plan.lids.append(closing(rng, now + 0.3, seconds))
    return now + 0.6 + seconds


def _glance(rng: Generator, plan: Plan, now: float, far: bool) -> float:
    """A look to the side, short, long at any speed, or long at high speed only."""
    least, most = ((0.6, 2.6), (4.2, 5.0), (7.2, 9.5))[int(rng.integers(3))]
    seconds = float(rng.uniform(least, most))
    turn = float(rng.uniform(50, 75) if far and rng.uniform() < 0.7 else rng.uniform(30, 42))
    side = float(rng.choice([-1.0, 1.0]))
    plan.yaw.append(ramp(now, 0.25, seconds, 0.25, side * turn))
    return now + 0.5 + seconds


def _short_glances(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    """Many short looks away."""
    for _ in range(9):
        seconds = float(rng.uniform(1.2, 2.0))
        plan.yaw.append(ramp(now, 0.2, seconds, 0.2, float(rng.uniform(30, 40))))
        now += 0.4 + seconds + float(rng.uniform(0.8, 1.2))
    return now


def _yawn(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    seconds = float(rng.uniform(2.6, 5.0))
    plan.mouth.append(ramp(now, 0.8, seconds, 0.8, float(rng.uniform(0.7, 0.9))))
    return now + 1.6 + seconds


def _talk(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    for _ in range(12):
        plan.mouth.append(ramp(now, 0.1, float(rng.uniform(0.05, 0.3)), 0.1, float(rng.uniform(0.2, 0.7))))
        now += float(rng.uniform(0.5, 0.8))
    return now


def _nod(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    """The head sinks with the lids and jerks up."""
    sink, rest, rise = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.2, 0.3))
    plan.pitch.append(ramp(now, sink, rest, rise, -float(rng.uniform(21, 26))))
    plan.lids.append(ramp(now, sink, rest, rise, 0.9))
    return now + sink + rest + rise


def _look_down(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    """A look at the dashboard with the eyes open, and two nods of agreement: neither is to be told."""
    plan.pitch.append(ramp(now, 0.2, float(rng.uniform(0.5, 1.5)), 0.2, -float(rng.uniform(10, 22))))
    now += 3.0
    for _ in range(2):
        plan.pitch.append(ramp(now, 0.15, 0.05, 0.15, -10.0))
        now += 0.5
    return now


def _drowsy(rng: Generator, plan: Plan, now: float, far: bool) -> float:  # noqa: ARG001
    """Slow blinks, each too short for a microsleep."""
    end = now + 75.0
    while now < end:
        seconds = float(rng.uniform(0.32, 0.4))
        plan.lids.append(closing(rng, now, seconds))
        now += seconds + float(rng.uniform(0.9, 1.2))
    return now
