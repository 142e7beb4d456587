"""Plans past this machine as Markdown tables and plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ferce_agent.evaluation.scale.inputs import Inputs
from ferce_agent.evaluation.scale.plans import WORKS, Plan, is_film, machine_of
from ferce_agent.evaluation.scale.prediction import Prediction
from ferce_agent.evaluation.scale.service_times import ServiceTimes


@dataclass(frozen=True, slots=True)
class ScaleTables:
    """All that is told.

    Attributes:
        inputs: Prices, limits, failures.
        times: Measured times.
        plans: The plans.
        prediction: What the simulation told of a real batch; None if it was left out.
    """

    inputs: Inputs
    times: ServiceTimes
    plans: list[Plan]
    prediction: Prediction | None

    def as_dict(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "inputs": {"numbers": self.inputs.numbers, "sources": self.inputs.sources},
            "times": self.times.rows(),
            "plans": [{**asdict(one), "bottleneck": one.bottleneck} for one in self.plans],
            "prediction": None if self.prediction is None else self.prediction.as_dict(),
        }

    def to_markdown(self) -> str:
        """Return everything as Markdown."""
        parts = [
            ("Measured times", times_table(self.times)),
            ("One machine", machine_table(self.inputs, self.times)),
            ("Machines, hours, money", plan_table(self.plans)),
            ("What holds it up", used_table(self.plans)),
            ("Inputs and their sources", source_table(self.inputs)),
        ]
        if self.prediction is not None:
            parts.insert(2, ("The simulation against a real batch", prediction_text(self.prediction)))
        return "\n\n".join(f"### {title}\n\n{body}" for title, body in parts)


def times_table(times: ServiceTimes) -> str:
    """Return the measured times, in milliseconds an item."""
    lines = ["| what | stage | median | 95 % | samples |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {row['what']} | {row['stage']} | {row['median_ms']:,.2f} ms | {row['p95_ms']:,.2f} ms | {row['samples']} |"
        for row in times.rows()
    ]
    return "\n".join([*lines, "", f"In {times.workers} processes at the same time."])


def machine_table(inputs: Inputs, times: ServiceTimes) -> str:
    """Return what one simulated machine reads, and where its cores' time goes."""
    lines = ["| one machine reads | a second | used | time on the cores |", "|---|---:|---|---|"]
    names = {"photos": ("10 B photos", False), "photos, with a model": ("10 B photos", True)}
    if any(is_film(work) for work in WORKS) and ("film, a minute", "read") in times.seconds:
        names["minutes of film"] = ("1 M hours of film", False)
    for name, (work, model) in names.items():
        one = machine_of(inputs, times, work, model=model, rng=np.random.default_rng(0))
        lines.append(f"| {name} | {one.passed.rate:,.2f} | {_shares(one.passed.used)} | {_shares(one.stages)} |")
    return "\n".join(lines)


def prediction_text(told: Prediction) -> str:
    """Return a prediction beside what came true."""
    return "\n".join(
        (
            f"| {told.photos:,} photos, {told.workers} workers | seconds |",
            "|---|---:|",
            f"| predicted | {told.predicted:.1f} ({told.low:.1f} to {told.high:.1f}) |",
            f"| taken | {told.taken:.1f} |",
            f"| error | {told.error:+.1%} |",
        )
    )


def plan_table(plans: list[Plan]) -> str:
    """Return what each work takes: median, and the lowest and highest over the seeds."""
    lines = [
        "| work | model | rented | machines | GPUs | hours | machine-hours | dollars | failures | read twice |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in plans:
        hours = _interval(one.hours, 1 if one.hours[0] >= 10 else 2) + ("" if one.in_time else ", late")
        cells = (
            *_what(one),
            f"{one.machines:,}",
            f"{one.gpus:,}",
            hours,
            _interval(one.machine_hours, 0 if one.machine_hours[0] >= 100 else 1),
            _interval(one.dollars, 0 if one.dollars[0] >= 100 else 2),
            f"{one.failures:,.0f}",
            f"{one.read_again:.4%}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def used_table(plans: list[Plan]) -> str:
    """Return the bottleneck of each plan, and how much of each resource is used."""
    lines = ["| work | model | rented | bottleneck | used |", "|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_what(one))} | {one.bottleneck} | {_shares(one.used)} |" for one in plans]
    return "\n".join(lines)


def source_table(inputs: Inputs) -> str:
    """Return all inputs, and where they are from."""
    lines = ["| part | figures | sources |", "|---|---|---|"]
    for table, numbers in inputs.numbers.items():
        figures = "<br>".join(f"{name} = {value:g}" for name, value in numbers.items())
        lines.append(f"| {table} | {figures} | {'<br>'.join(inputs.sources[table].values())} |")
    return "\n".join(lines)


def _what(one: Plan) -> tuple[str, str, str]:
    return one.work, "yes" if one.model else "no", "spot" if one.spot else "on demand"


def _interval(values: tuple[float, float, float], digits: int) -> str:
    middle, low, high = (f"{value:,.{digits}f}" for value in values)
    return f"{middle} [{low}, {high}]"


def _shares(shares: object) -> str:
    named = shares.items() if isinstance(shares, dict) else ()
    return ", ".join(f"{name} {share:.1%}" for name, share in sorted(named, key=lambda pair: -pair[1]) if share > 0)
