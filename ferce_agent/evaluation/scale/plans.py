"""Machines, hours and money for large batches, from measured times, and what holds each of them up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.evaluation.scale.fleets import Fleet, FleetRun, run_fleet
from ferce_agent.evaluation.scale.inputs import NUMBERS, Inputs
from ferce_agent.evaluation.scale.queues import Passed, simulate
from ferce_agent.evaluation.scale.service_times import FILM, WORKFLOW, ServiceTimes

CORES: Final = "cores"
NETWORK: Final = "network"
FETCHES: Final = "fetches under way"
ANSWERS: Final = "answers under way"
REQUESTS: Final = "storage requests"
GPUS: Final = "GPUs"
"""Resources that may hold a batch up."""
STAGES: Final = ("first byte", "transfer", "decode", "read", "write", "workflow", "answer")
RESOURCES: Final = (FETCHES, NETWORK, CORES, CORES, CORES, CORES, ANSWERS)
"""Stages of a photo, and the resource that each takes."""
SIMULATED: Final = 3000
"""Items with which a machine is simulated."""
SHARD: Final = {"photos": 1024, "film": 60}
"""Photos, and minutes of film, in a shard: what is lost with a core that fails."""
HEADROOM: Final = 0.9
"""As many machines and GPUs are taken that so much of their rate would do."""
WORKS: Final = {
    "1 M photos": 10**6,
    "100 M photos": 10**8,
    "10 B photos": 10**10,
    "1 M hours of film": 60 * 10**6,
}
"""What is planned, in photos, or minutes of film."""
Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """What is planned.

    Attributes:
        work: Name of the work, one of `WORKS`.
        model: Whether a vision-language model is asked.
        spot: Whether machines are rented that can be taken away.
    """

    work: str
    model: bool = False
    spot: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What one piece of work takes; pairs of the lowest and highest are over the seeds.

    Attributes:
        work: Name of the work.
        model: Whether a vision-language model is asked.
        spot: Whether machines are rented that can be taken away.
        machines: Machines.
        gpus: GPUs for the model.
        hours: Median, lowest, highest.
        machine_hours: The same.
        dollars: The same, for machines, GPUs and requests.
        failures: Machines that failed or were taken away, median.
        read_again: Share of the items that was read twice, median.
        used: Share of the time that each resource was busy, from 0 to 1.
        in_time: Whether the hours that were asked for suffice, at the median.
    """

    work: str
    model: bool
    spot: bool
    machines: int
    gpus: int
    hours: tuple[float, float, float]
    machine_hours: tuple[float, float, float]
    dollars: tuple[float, float, float]
    failures: float
    read_again: float
    used: Mapping[str, float]
    in_time: bool

    @property
    def bottleneck(self) -> str:
        """The resource that is used most."""
        return max(self.used, key=lambda name: self.used[name])


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated machine.

    Attributes:
        passed: What became of its items.
        spread: Standard deviation of an item's time on a core, as a share of its mean.
        stages: Share of the cores' time in each stage.
    """

    passed: Passed
    spread: float
    stages: Mapping[str, float]


def plan_all(inputs: Inputs, times: ServiceTimes, seeds: int = 10) -> list[Plan]:
    """Return the plans of all works: photos with and without a model, film where it was measured.

    Args:
        inputs: Prices, limits, failures.
        times: Measured times.
        seeds: Runs of each, over which the intervals are.
    """
    plans = []
    for work in WORKS:
        if is_film(work) and (FILM, "read") not in times.seconds:
            continue
        for model in (False,) if is_film(work) else (False, True):
            plans += [plan(inputs, times, Case(work, model, spot), seeds) for spot in (False, True)]
    return plans


def is_film(work: str) -> bool:
    """Return whether a work is of film."""
    return work.endswith("film")


def plan(inputs: Inputs, times: ServiceTimes, case: Case, seeds: int = 10) -> Plan:
    """Simulate one work; see `plan_all`."""
    work, model = case.work, case.model
    items, wanted = WORKS[work], inputs.number("hours", work)
    rngs = [np.random.default_rng([seed, len(work), model, case.spot]) for seed in range(seeds)]
    made = [machine_of(inputs, times, work, model=model, rng=rng) for rng in rngs]
    rate = float(np.median([one.passed.rate for one in made]))
    seconds = max(wanted * 3600 - inputs.number("machine", "start_seconds"), 60.0)
    machines = math.ceil(items / (rate * HEADROOM * seconds))
    gpus, shared, share = _shared(inputs, machines * rate, work, model=model)
    runs = [
        run_fleet(items, _fleet(inputs, one, case, machines, share), rng) for one, rng in zip(made, rngs, strict=True)
    ]
    own = {name: float(np.median([one.passed.used[name] for one in made])) * share for name in made[0].passed.used}
    hours = _middle_and_ends([run.hours for run in runs])
    return Plan(
        work=work,
        model=model,
        spot=case.spot,
        machines=machines,
        gpus=gpus,
        hours=hours,
        machine_hours=_middle_and_ends([run.machine_hours for run in runs]),
        dollars=_middle_and_ends([_dollars(inputs, run, gpus, case) for run in runs]),
        failures=float(np.median([run.failures for run in runs])),
        read_again=float(np.median([run.read_again for run in runs])) / items,
        used={name: value for name, value in {**own, **shared}.items() if value > 0},
        in_time=hours[0] <= wanted,
    )


def machine_of(inputs: Inputs, times: ServiceTimes, work: str, *, model: bool, rng: Generator) -> Machine:
    """Simulate one machine that has more to do than it can.

    Its cores decode, read and write; the storage and the network bring what comes next meanwhile. With a model the
    whole workflow of a photo stands for reading, and some photos wait for an answer, while others are read.
    """
    matrix = _film_times(inputs, times, rng) if is_film(work) else _photo_times(inputs, times, model=model, rng=rng)
    servers = {
        FETCHES: inputs.count("storage", "connections"),
        NETWORK: 1,
        CORES: inputs.count("machine", "cores"),
        ANSWERS: inputs.count("model", "answers_under_way"),
    }
    fetched = servers[FETCHES] * inputs.count("storage", "photos_in_an_object")
    ahead = fetched + servers[CORES] + servers[ANSWERS]
    passed = simulate(matrix, RESOURCES, servers, np.zeros(len(matrix)), ahead)
    on_cores = [place for place, name in enumerate(RESOURCES) if name == CORES]
    each = matrix[:, on_cores].sum(1)
    stages = {STAGES[place]: float(matrix[:, place].sum() / each.sum()) for place in on_cores}
    return Machine(passed, float(each.std() / each.mean()), {name: share for name, share in stages.items() if share})


def drawn_kinds(inputs: Inputs, count: int, rng: Generator) -> list[str]:
    """Return kinds of photos, drawn by the mix."""
    names = NUMBERS["mix"]
    shares = np.array([inputs.number("mix", name) for name in names])
    return [names[place] for place in rng.choice(len(names), count, p=shares / shares.sum())]


def core_times(times: ServiceTimes, kinds: list[str], stages: tuple[str, ...], rng: Generator) -> Times:
    """Return the seconds of photos in stages, each drawn from those that were measured; shape (photos, stages)."""
    found = np.zeros((len(kinds), len(stages)))
    for kind in set(kinds):
        rows = np.array([place for place, one in enumerate(kinds) if one == kind])
        for column, stage in enumerate(stages):
            found[rows, column] = rng.choice(times.seconds[kind, stage], len(rows))
    return found


def _photo_times(inputs: Inputs, times: ServiceTimes, *, model: bool, rng: Generator) -> Times:
    kinds = drawn_kinds(inputs, SIMULATED, rng)
    matrix = np.zeros((SIMULATED, len(STAGES)))
    first = np.arange(SIMULATED) % inputs.count("storage", "photos_in_an_object") == 0
    matrix[first, 0] = rng.gamma(4.0, inputs.number("storage", "seconds_to_first_byte") / 4, int(first.sum()))
    matrix[:, 1] = np.array([times.sizes[kind] for kind in kinds]) * 8 / inputs.number("machine", "network_bits")
    speed = inputs.number("machine", "speed")
    if not model:
        matrix[:, 2:5] = core_times(times, kinds, ("decode", "read", "write"), rng) / speed
        return matrix
    matrix[:, [5, 4]] = core_times(times, kinds, (WORKFLOW, "write"), rng) / speed
    is_asked = rng.random(SIMULATED) < inputs.number("model", "share_asked")
    matrix[is_asked, 6] = rng.exponential(inputs.number("model", "seconds_an_answer"), int(is_asked.sum()))
    return matrix


def _film_times(inputs: Inputs, times: ServiceTimes, rng: Generator) -> Times:
    matrix = np.zeros((SIMULATED, len(STAGES)))
    first = np.arange(SIMULATED) % SHARD["film"] == 0
    matrix[first, 0] = rng.gamma(4.0, inputs.number("storage", "seconds_to_first_byte") / 4, int(first.sum()))
    matrix[:, 1] = times.sizes[FILM] * 8 / inputs.number("machine", "network_bits")
    matrix[:, 3] = rng.choice(times.seconds[FILM, "read"], SIMULATED) / inputs.number("machine", "speed")
    return matrix


def _shared(inputs: Inputs, rate: float, work: str, *, model: bool) -> tuple[int, dict[str, float], float]:
    """Return GPUs, how much of what all machines share is used, and the share of their rate that it lets them have."""
    limit = inputs.number("storage", "gets_a_second") * inputs.number("storage", "prefixes")
    wanted = {REQUESTS: rate / _in_an_object(inputs, work) / limit}
    gpus = 0
    if model:
        answers = rate * inputs.number("model", "share_asked")
        one = inputs.number("model", "answers_a_second_of_a_gpu")
        gpus = math.ceil(answers / (one * HEADROOM))
        wanted[GPUS] = answers / (gpus * one) if gpus else 0.0
    share = 1 / max(1.0, *wanted.values())
    return gpus, {name: value * share for name, value in wanted.items()}, share


def _in_an_object(inputs: Inputs, work: str) -> float:
    return SHARD["film"] if is_film(work) else inputs.number("storage", "photos_in_an_object")


def _fleet(inputs: Inputs, one: Machine, case: Case, machines: int, share: float) -> Fleet:
    shard = SHARD["film" if is_film(case.work) else "photos"]
    return Fleet(
        machines=machines,
        cores=inputs.count("machine", "cores"),
        rate=one.passed.rate * share,
        shard=shard,
        spread=one.spread / math.sqrt(shard),
        slowness=inputs.number("machine", "slowness"),
        hours_to_failure=inputs.number("spot" if case.spot else "machine", "hours_to_failure"),
        start_seconds=inputs.number("machine", "start_seconds"),
    )


def _dollars(inputs: Inputs, run: FleetRun, gpus: int, case: Case) -> float:
    price = inputs.number("machine", "dollars_an_hour") * (inputs.number("spot", "price_share") if case.spot else 1.0)
    gets = (WORKS[case.work] + run.read_again) / _in_an_object(inputs, case.work)
    asked = gets / 1000 * inputs.number("storage", "dollars_per_thousand_gets")
    return run.machine_hours * price + gpus * run.hours * inputs.number("model", "gpu_dollars_an_hour") + asked


def _middle_and_ends(values: list[float]) -> tuple[float, float, float]:
    return float(np.median(values)), min(values), max(values)
