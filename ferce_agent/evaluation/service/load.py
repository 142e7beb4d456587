"""`python -m ferce_agent.evaluation.service.load ADDRESS`: what a server of photos holds, at fixed rates of arrival.

ADDRESS is where photos are posted as they are, with a report or an error as the answer. Four questions: the most photos
a second; delays at one rate; what is left of the most when twice as many arrive; whether each of many requests, some of
them bad, has its right answer, also while reader processes are killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np

from ferce_agent.errors import EngineError
from ferce_agent.evaluation.service.drive import GOOD, Driven, drive, find_locust, good_and_bad, with_bad
from ferce_agent.evaluation.service.processes import Watched, cpu_s, growth, readers, watched

GOAL_RATE: Final = 70.0
"""Photos a second at which delays are measured."""
GOAL_MS: Final = 100.0
"""Most milliseconds for 95 % of the photos at that rate."""
GOAL_SHARE: Final = 0.9
"""Least share of the peak that is left when twice as many arrive."""
FIRST_RATE: Final = 20.0
STEP: Final = 1.25
HIGHEST_RATE: Final = 2000.0
"""Rates that are tried for the peak: from the first one up to the highest, each so many times the one before."""
KEPT_UP: Final = 0.95
"""A server keeps up with a rate if it reads so much of it."""
FEW: Final = 5
"""Samples of which the median is memory at a time."""
SETTLED: Final = 1000
"""Requests after which caches are full, and from which on growth of memory counts."""
MOST_KB: Final = 2.0
"""Most kilobytes that a request may leave behind: a report has 7, the photo 70 to 90, so that whatever of a request
is kept shows; what an allocator does not give back is less."""
Send = Callable[[float, Sequence[int]], Driven]
"""Sends bodies at a rate."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the server's processes that live throughout, after `SETTLED` requests and later.

    Attributes:
        settled_mb: Megabytes after those requests.
        end_mb: Megabytes at the end.
        all_mb: Megabytes of all its processes at the end.
        kb_per_request: Kilobytes that each request left behind: the slope after those requests.
        low: Its 95 % interval.
        high: Its 95 % interval.
    """

    settled_mb: float
    end_mb: float
    all_mb: float
    kb_per_request: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        """Whether each request leaves more than `MOST_KB` behind, beyond what chance explains."""
        return self.low > MOST_KB


@dataclass(frozen=True, slots=True)
class Held:
    """What a server held.

    Attributes:
        ladder: Rising rates, up to the first that it did not keep up with.
        steady: At `GOAL_RATE`.
        overload: At twice the peak.
        mixed: Many requests, one in a hundred of them bad.
        killed: Readers that were killed meanwhile.
        memory: Memory meanwhile; None if it was not looked at, or too shortly.
        front_ms: CPU milliseconds at `GOAL_RATE` that a photo takes in the process that talks to clients; None if it
            was not looked at, or reads photos itself.
    """

    ladder: tuple[Driven, ...]
    steady: Driven
    overload: Driven
    mixed: Driven
    killed: int
    memory: Memory | None
    front_ms: float | None = None

    @property
    def peak(self) -> float:
        """Most photos a second that were read at any rate of the ladder."""
        return max(one.good for one in self.ladder)

    @property
    def left(self) -> float:
        """Photos a second at twice the peak, as a share of it."""
        return self.overload.good / self.peak

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return asdict(self) | {"peak": self.peak, "left": self.left}


def measure_load(send: Send, *, seconds: float, mix: Sequence[int], pid: int = 0, kill_every_s: float = 0.0) -> Held:
    """Measure a server.

    Args:
        send: Sends bodies at a rate.
        seconds: How long each rate lasts.
        mix: The bodies of the last part, good and bad.
        pid: The server's process, whose memory and CPU time are looked at; 0 if it runs elsewhere.
        kill_every_s: Seconds between two kills of readers in the last part; 0 for none.

    Raises:
        EngineError: The server reads no photo.
    """
    ladder = climbed(send, seconds)
    peak = max(one.good for one in ladder)
    if not peak:
        raise EngineError("The server reads no photo.", hint=f"Its answers by status: {ladder[0].statuses}.")
    before = cpu_s(pid)
    steady = send(GOAL_RATE, [0] * round(GOAL_RATE * seconds))
    front_ms = (cpu_s(pid) - before) * 1000 / steady.requests if pid and readers(pid) else None
    overload = send(2 * peak, [0] * round(2 * peak * seconds))
    with watched(pid, kill_every_s) if pid else nullcontext(Watched()) as seen:
        mixed = send(min(GOAL_RATE, 0.7 * peak), mix)
    return Held(ladder, steady, overload, mixed, seen.killed, memory_of(seen, len(mix), mixed.offered), front_ms)


def memory_of(seen: Watched, requests: int, rate: float) -> Memory | None:
    """Return what memory did while requests came at a rate; None if there are too few samples.

    Args:
        seen: What was seen of the processes.
        requests: How many requests came.
        rate: How many came a second.
    """
    samples = seen.samples[round(len(seen.samples) * min(SETTLED / max(requests, 1), 0.5)) :]
    slope = growth(samples, skip=0.0)
    if slope is None:
        return None
    settled, end = (float(np.median([mb for _, mb in part])) for part in (samples[:FEW], samples[-FEW:]))
    each = [one * 1000 / (60 * rate) for one in slope]
    return Memory(settled, end, float(np.median(seen.everything[-FEW:])), *each)


def climbed(send: Send, seconds: float) -> tuple[Driven, ...]:
    """Return what became of rising rates, up to and with the first one that the server did not keep up with."""
    rate, ladder = FIRST_RATE, list[Driven]()
    while rate <= HIGHEST_RATE:
        ladder.append(send(rate, [0] * round(rate * seconds)))
        if ladder[-1].good < KEPT_UP * rate:
            break
        rate *= STEP
    return tuple(ladder)


def to_table(held: Held) -> str:
    """Return what a server held as a Markdown table and sentences."""
    rows = [("rising", one) for one in held.ladder]
    rows += [("steady", held.steady), ("twice the peak", held.overload), ("good and bad", held.mixed)]
    return "\n".join(
        (
            "| part | offered/s | read/s | p50 / p95 / p99 | right | refused | wrong | no answer | client |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(name, one) for name, one in rows),
            "",
            f"Peak: {held.peak:.1f} photos a second. At {GOAL_RATE:g} a second 95 % take at most "
            f"{held.steady.p95_ms:.0f} ms (goal: {GOAL_MS:g} ms). At twice the peak {held.left:.0%} of it is left "
            f"(goal: {GOAL_SHARE:.0%}). {held.mixed.requests:,} requests, good and bad, while {held.killed} readers "
            f"were killed: {held.mixed.right:,} right, {held.mixed.refused:,} told to come again, "
            f"{held.mixed.unanswered} without an answer, {held.mixed.wrong} with a wrong one, of which "
            f"{held.mixed.different} with the right status. Memory: {_remembered(held.memory)}.{_front(held.front_ms)}",
        )
    )


def _remembered(memory: Memory | None) -> str:
    if memory is None:
        return "not looked at"
    return (
        f"{memory.settled_mb:.0f} MB after {SETTLED:,} requests and {memory.end_mb:.0f} MB at the end (all processes: "
        f"{memory.all_mb:.0f} MB); each request left {memory.kb_per_request:+.2f} kB [{memory.low:+.2f}, "
        f"{memory.high:+.2f}] (goal: not beyond {MOST_KB:g}): it {'grows' if memory.grows else 'does not grow'}"
    )


def _front(milliseconds: float | None) -> str:
    if not milliseconds:
        return ""
    return (
        f" The process that talks to clients takes {milliseconds:.2f} ms of CPU a photo: one core of it carries "
        f"{1000 / milliseconds:.0f} a second."
    )


def _row(name: str, one: Driven) -> str:
    times = " / ".join(f"{ms:.0f}" for ms in (one.p50_ms, one.p95_ms, one.p99_ms))
    return (
        f"| {name} | {one.offered:.0f} | {one.good:.1f} | {times} ms | {one.right} | {one.refused} | {one.wrong} "
        f"| {one.unanswered} | {one.client_cpu:.0%} |"
    )


@click.command()
@click.argument("address")
@click.option("--seconds", default=15.0, show_default=True, help="How long each rate lasts.")
@click.option("--requests", default=10_000, show_default=True, help="Requests of the part with bad ones.")
@click.option("--pid", default=0, help="The server's process, on this machine: its memory is looked at.")
@click.option("--kill-every", default=0.0, help="With --pid: kill one of its readers every so many seconds.")
@click.option("--locust", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The program locust.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(  # noqa: PLR0913  # one parameter per option
    address: str, seconds: float, requests: int, pid: int, kill_every: float, locust: Path | None, as_json: bool
) -> None:
    """Measure what the server at ADDRESS holds; FERCE_TOKEN is sent as bearer token if it is set."""
    bodies, command = good_and_bad(), find_locust(locust)
    mix = with_bad(requests, len(bodies), good=GOOD)
    held = measure_load(
        lambda rate, sequence: drive(address, rate, bodies, sequence, command),
        seconds=seconds,
        mix=mix,
        pid=pid,
        kill_every_s=kill_every,
    )
    click.echo(json.dumps(held.as_dict(), indent=2) if as_json else to_table(held))


if __name__ == "__main__":
    main()
