"""The suites of `ferce bench scenarios`: what each is measured on, its goals, and its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.evaluation.gates.shares import told
from ferce_agent.evaluation.scenarios.row_tables import Wanted, row_tables
from ferce_agent.views.progress import Display

SEED: Final = 1000
"""Of everything that is drawn; what was looked at while thresholds were chosen has smaller ones."""


@dataclass(frozen=True, slots=True)
class ScenarioChoices:
    """What is measured.

    Attributes:
        suites: Names of `SUITES`, in any order; empty for all that can be made with what is given.
        data: Folder with FER+ in ``ferplus/`` and labelled photos in ``wildfaces/``; None leaves out what needs it.
        quick: A few of each only, to see that all runs; too few to tell numbers.
        seed: Of everything that is drawn.
    """

    suites: tuple[str, ...] = ()
    data: Path | None = None
    quick: bool = False
    seed: int = SEED


@dataclass(frozen=True, slots=True)
class Suite:
    """One thing that is measured.

    Attributes:
        measure: Returns the rows of its tables.
        about: What is measured on what, for a reader of the tables.
        goals: What is to be reached.
        needs: Folder below ``--data`` without which it cannot run; empty for none.
    """

    measure: Callable[[ScenarioChoices], list[dict[str, Any]]]
    about: str
    goals: tuple[Wanted, ...] = ()
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one suite found.

    Attributes:
        name: Of the suite.
        rows: Of its tables.
    """

    name: str
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, with goals and whether they are met."""
        goals = [one.of(self.rows) for one in SUITES[self.name].goals]
        told_goals = [{"what": one.what, "value": one.value, "limit": one.limit, "met": one.met} for one in goals]
        return {"suite": self.name, "rows": self.rows, "goals": told_goals}

    def to_markdown(self) -> str:
        """Return the tables with heading and goals."""
        suite = SUITES[self.name]
        goals = "\n".join(f"- {told(one.of(self.rows))}" for one in suite.goals)
        parts = [f"### {self.name.capitalize()}", suite.about, row_tables(self.rows), goals]
        return "\n\n".join(part for part in parts if part)


def measure_scenarios(choices: ScenarioChoices) -> Iterator[Measured]:
    """Yield what each suite found, as soon as it is done.

    Raises:
        SettingsError: A suite is asked for that is none, or that needs a folder, and none is given.
        DataError: A folder cannot be used.
    """
    names = chosen(choices)
    with Display(len(names), "Measuring") as display:
        for done, name in enumerate(names):
            display.show(done, name)
            yield Measured(name, SUITES[name].measure(choices))


def chosen(choices: ScenarioChoices) -> tuple[str, ...]:
    """Return the suites that run, in their own order.

    Raises:
        SettingsError: One of those asked for is none, or needs a folder, and none is given.
        DataError: The folder lacks what one of those asked for needs.
    """
    unknown = [name for name in choices.suites if name not in SUITES]
    if unknown:
        raise SettingsError(f"'{unknown[0][:40]}' is no suite.", hint=f"Those there are: {', '.join(SUITES)}.")
    if not choices.suites:
        return tuple(name for name in SUITES if _ready(name, choices.data))
    lacking = [name for name in choices.suites if not _ready(name, choices.data)]
    if lacking and choices.data is None:
        raise SettingsError(
            f"{lacking[0]} needs labelled pictures.", hint=f"Give the folder that has {_needs(lacking[0])} with --data."
        )
    if lacking:
        raise DataError(f"The folder {choices.data} has no {_needs(lacking[0])}, which {lacking[0]} needs.")
    return tuple(name for name in SUITES if name in choices.suites)


def left_out(choices: ScenarioChoices) -> str:
    """Return a sentence on the suites that do not run for want of data; empty where all those wanted do."""
    names = [] if choices.suites else [name for name in SUITES if not _ready(name, choices.data)]
    if not names:
        return ""
    why = "--data DIR was not given" if choices.data is None else "not below the folder of --data"
    return f"Left out: {', '.join(f'{name} ({_needs(name)})' for name in names)}: {why}."


def _needs(name: str) -> str:
    return f"{SUITES[name].needs}/"


def _ready(name: str, data: Path | None) -> bool:
    needs = SUITES[name].needs
    return not needs or (data is not None and (data / needs).is_dir())


def _driver(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.driver import driver_tables

    return driver_tables(pixels=1 if choices.quick else 12, signals=5 if choices.quick else 200, seed=choices.seed)


def _engagement(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.engagement import engagement_tables

    return engagement_tables(choices.seed, groups=2, films=1) if choices.quick else engagement_tables(choices.seed)


def _audience(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.audience import audience_tables

    return audience_tables(choices.seed, films=1, audiences=4) if choices.quick else audience_tables(choices.seed)


def _moderation(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.moderation import moderation_tables

    return moderation_tables(choices.data, choices.seed)


def _baselines(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.baselines import baseline_tables

    return baseline_tables(choices.data, 3 if choices.quick else 60, seed=choices.seed)


def _sessions(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.sessions import session_tables

    return session_tables(1 if choices.quick else 20, choices.seed)


def _wellbeing(choices: ScenarioChoices) -> list[dict[str, Any]]:
    from ferce_agent.evaluation.scenarios.wellbeing import wellbeing_tables

    return wellbeing_tables(1 if choices.quick else 200, choices.seed)


_DRIVER: Final = (
    ("right", "warnings right", 0.95),
    ("closures_timed", "closures within 150 ms", 0.95),
    ("glances_timed", "glances within 150 ms", 0.95),
    ("latency_100_ms", "told within 100 ms", 0.95),
)
_SHIFT: Final = {"planted": "all measures calmer by 1 SD of readings", "missing": "15 % of days missing"}
_CALM: Final = {"planted": "nothing", "missing": "15 % of days missing"}
_SPARSE: Final = {"planted": "nothing", "missing": "40 % of days missing"}

SUITES: Final[dict[str, Suite]] = {
    "driver": Suite(
        _driver,
        "Generated drives of two minutes as signals, and generated films of 40 seconds read from their pixels. A drive "
        "is right if every warning that is due is told at its time, and no other.",
        tuple(
            Wanted(f"{kind}: {what}", column, limit, where={"suite": kind, "kind": "all"})
            for kind in ("signals", "pixels")
            for column, what, limit in _DRIVER
        ),
    ),
    "engagement": Suite(
        _engagement,
        "Made people before four slides of half a minute, turned to the screen for 95, 60, 85 and 40 % of the time on "
        "average, in films that begin at different times; angles are read with errors. And films of five heads that "
        "turn away, read from their pixels.",
        (
            Wanted("error of the share of a slide, 20 people", "error", 0.05, at_most=True, where={"people": 20}),
            Wanted("held by the intervals, 20 people", "held", 0.93, where={"what": "slides", "people": 20}),
            Wanted("slides in their true order, 20 people", "order", 0.95, where={"people": 20}),
            Wanted("error of the share, read from pixels", "error", 0.05, at_most=True, where={"what": "pixels"}),
            Wanted("numbers told of four people", "told", 0, at_most=True, where={"what": "too few"}),
            Wanted("patterns told at school in the EU", "told", 0, at_most=True, where={"people": 6}),
        ),
    ),
    "audience": Suite(
        _audience,
        "Made viewers of three minutes of content, half of whom smile at each of three planted moments, or at nothing "
        "in common; and two versions of a minute. Intervals are of 95 %.",
        (
            Wanted("planted peaks found, 40 viewers", "found", 0.9, where={"what": "peaks", "viewers": 40}),
            Wanted("error of their times in seconds, 95 %", "error_95_s", 2.0, at_most=True, where={"viewers": 40}),
            Wanted("seconds held by their intervals", "held", 0.93, where={"what": "intervals of seconds"}),
        ),
    ),
    "moderation": Suite(
        _moderation,
        "Labelled photos, which no model learnt from; the preset's limits were chosen while looking at photos of this "
        "set. Intervals are of 95 %.",
        needs="wildfaces",
    ),
    "baselines": Suite(
        _baselines,
        "Calm faces of FER+'s test split, warped so that they rest with low brows, narrow eyes or low corners of the "
        "mouth and are read as anger or sadness; other pictures of the same faces read with and without a baseline.",
        (
            Wanted("false anger and sadness removed", "false_removed", 0.7, where={"look": "frown, squint and droop"}),
            Wanted("true expressions kept", "true_kept_all", 0.95, where={"look": "frown, squint and droop"}),
            Wanted("true expressions kept, usual faces", "true_kept_all", 0.95, where={"look": "usual"}),
        ),
        needs="ferplus",
    ),
    "sessions": Suite(
        _sessions,
        "Simulated readings of thirteen weeks and four more, in which a shift is planted, or nothing is.",
        (
            Wanted("a shift of 1 SD found within its week", "within_week", 0.9, where=_SHIFT),
            Wanted("false alarms a month", "false_month", 0.05, at_most=True, where=_CALM),
        ),
    ),
    "wellbeing": Suite(
        _wellbeing,
        "Simulated lives of thirteen weeks and four more; found within its week is what that Sunday's report tells.",
        (
            Wanted("a shift of 1 SD found within its week", "within_week", 0.9, where=_SHIFT),
            Wanted("false alarms a month", "false_month", 0.05, at_most=True, where=_CALM),
            Wanted("false alarms a month, 40 % of days missing", "false_month", 0.05, at_most=True, where=_SPARSE),
        ),
    ),
}
"""In the order in which they run."""
