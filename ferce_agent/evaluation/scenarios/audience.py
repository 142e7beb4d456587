"""How well the audience scenario finds what was planted: peaks, differences of two versions, and its intervals.

Viewers are made (`ferce_agent.evaluation.scenarios.made_audiences`). Where time allows it they are films whose readings
go through the whole study; what needs many audiences begins with what was read of each viewer in each second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ferce_agent.evaluation.scenarios.made_audiences import (
    DELAY_S,
    LASTS_S,
    MadeAudience,
    by_steps,
    lost_readings,
    made_films,
    made_records,
    planted_smiles,
)
from ferce_agent.evaluation.scenarios.made_viewers import made_events
from ferce_agent.policy.decide import permit
from ferce_agent.policy.use import UseContext
from ferce_agent.report.scenario import Indicator, Peak
from ferce_agent.scenarios.audience import AudienceOptions, AudienceStudy
from ferce_agent.scenarios.crowd import Choices, Crowd
from ferce_agent.scenarios.intervals import wilson
from ferce_agent.scenarios.preset import preset
from ferce_agent.scenarios.study import Findings

VIEWERS: Final = (8, 20, 40)
"""Sizes of audiences."""
SECONDS: Final = 180
MOMENTS: Final = (30.0, 85.0, 140.0)
"""Length of the content, and when something is shown in it that viewers smile at."""
GROUPS: Final = (8, 20)
"""Viewers of each of two versions."""
MORE: Final = 0.1
"""By how much more of the time viewers of the first version smile where a difference is planted."""
PEOPLE: Final = 20_000
"""So many viewers stand for everybody: what an interval has to hold is their share."""

Row = dict[str, Any]


@dataclass
class Counted:
    """What was found in several audiences.

    Attributes:
        planted: Moments that were planted.
        errors: How far in seconds the peaks are from the moments that they belong to.
        false: Peaks that belong to no moment.
        disturbed: Audiences with such a peak.
        seconds: Content, all together.
    """

    planted: int = 0
    errors: list[float] = field(default_factory=list)
    false: int = 0
    disturbed: int = 0
    seconds: int = 0

    def add(self, peaks: Sequence[Peak], moments: Sequence[float], seconds: int) -> None:
        """Count the peaks of one audience."""
        middle = (sum(DELAY_S) + sum(LASTS_S) / 2) / 2
        near = [[one for one in peaks if _belongs(one, moment)] for moment in moments]
        self.planted += len(moments)
        self.errors += [
            min(abs(one.at_s - moment - middle) for one in found)
            for moment, found in zip(moments, near, strict=True)
            if found
        ]
        false = sum(not any(_belongs(one, moment) for moment in moments) for one in peaks)
        self.false += false
        self.disturbed += false > 0
        self.seconds += seconds


def _belongs(peak: Peak, moment: float) -> bool:
    """Return whether a peak is highest while viewers smile at a moment, or in the second after it."""
    return moment <= peak.at_s <= moment + DELAY_S[1] + LASTS_S[1] + 1


def audience_tables(seed: int, *, films: int = 6, audiences: int = 60) -> list[Row]:
    """Return what was found of what was planted.

    Args:
        seed: Of everything that is drawn.
        films: Audiences of each size whose films go through the whole study.
        audiences: Audiences of each size that begin with what was read of each viewer; pairs of versions are four times
            as many.

    Returns:
        Rows with ``what`` and ``viewers`` (of each version): for ``peaks`` how many were ``planted``, the share
        ``found`` of them (``found_95`` is its interval), the error of their times (``error_50_s``, ``error_95_s``),
        ``false_per_hour`` of content and ``disturbed``, the share of the audiences with a false peak; for ``versions``
        by how much more of the time the first one's viewers smile (``planted``), how often they are said to
        ``differ``, and how often the interval of the difference holds it (``held``); for ``intervals`` how often they
        hold the share of everybody (``held``) and how wide they are (``width``).
    """
    rows = [_peaks(count, films, seed + count) for count in VIEWERS]
    rows += [_calm(count, audiences, seed + 100 + count) for count in VIEWERS]
    rows += [_versions(count, more, 4 * audiences, seed + 200 + count) for count in GROUPS for more in (0.0, MORE)]
    return rows + [row for count in VIEWERS for row in _intervals(count, audiences, seed + 300 + count)]


def _peaks(count: int, films: int, seed: int) -> Row:
    """Return how well planted moments are found in films that go through the study."""
    source, found = np.random.default_rng(seed), Counted()
    for _ in range(films):
        audience = MadeAudience(count, SECONDS, MOMENTS)
        peaks = [one for one in studied(audience, source).peaks if one.curve == "smile"]
        found.add(peaks, MOMENTS, SECONDS)
    errors = np.array(found.errors)
    return {
        "what": "peaks",
        "viewers": count,
        "planted": found.planted,
        "found": len(errors) / found.planted,
        "found_95": wilson(len(errors) / found.planted, found.planted),
        "error_50_s": float(np.percentile(errors, 50)) if len(errors) else None,
        "error_95_s": float(np.percentile(errors, 95)) if len(errors) else None,
        "false_per_hour": 3600 * found.false / found.seconds,
    }


def studied(audience: MadeAudience, source: np.random.Generator) -> Findings:
    """Return what the study finds of an audience's films."""
    use = permit(UseContext(domain="entertainment", consent=True), remote=False, scenario="audience")
    study = AudienceStudy(preset("audience"), AudienceOptions(length_s=audience.seconds), use)
    smiles, lost = planted_smiles(audience, source), lost_readings(audience, source)
    for number, film in enumerate(made_films(smiles, lost, source)):
        study.begin(number, None)
        for event in made_events([film]):
            study.clip(number, event)
    return study.finish()


def _calm(count: int, audiences: int, seed: int) -> Row:
    """Return how often peaks are told where viewers smile at nothing in common."""
    source, found = np.random.default_rng(seed), Counted()
    for number in range(audiences):
        crowd = _crowd([MadeAudience(count, SECONDS)], source, number)
        found.add(list(crowd.peaks()), (), SECONDS)
    return {
        "what": "peaks of nothing",
        "viewers": count,
        "audiences": audiences,
        "disturbed": found.disturbed / audiences,
        "disturbed_95": wilson(found.disturbed / audiences, audiences),
        "false_per_hour": 3600 * found.false / found.seconds,
    }


def _crowd(audiences: Sequence[MadeAudience], source: np.random.Generator, seed: int) -> Crowd:
    """Return the viewers of one version, or of several, as groups a, b and so on."""
    records = [
        one for each in audiences for one in made_records(planted_smiles(each, source), lost_readings(each, source))
    ]
    names = [
        "abcd"[at] if len(audiences) > 1 else None for at, each in enumerate(audiences) for _ in range(each.viewers)
    ]
    keys = {name: name for name in names if name is not None}
    return Crowd(preset("audience"), Choices(1.0, (), seed, infer=True), records, names, keys)


def _versions(count: int, more: float, audiences: int, seed: int) -> Row:
    """Return how often two versions are told to differ."""
    source, differ, held = np.random.default_rng(seed), 0, 0
    usual = MadeAudience(count, 60)
    other = MadeAudience(count, 60, smiling=usual.smiling + more)
    for number in range(audiences):
        told = {one.id: one for one in _crowd([other, usual], source, number).indicators()}
        chance, difference = told["smile.p_value.a.b"], told["smile.difference.a.b"]
        differ += chance.value is not None and chance.value <= preset("audience").value("significance")
        held += _holds(difference, more)
    return {
        "what": "versions",
        "viewers": count,
        "audiences": audiences,
        "planted": more,
        "differ": differ / audiences,
        "differ_95": wilson(differ / audiences, audiences),
        "held": held / audiences,
    }


def _holds(one: Indicator, truth: float) -> bool:
    return one.low is not None and one.high is not None and one.low <= truth <= one.high


def _intervals(count: int, audiences: int, seed: int) -> Iterator[Row]:
    """Yield how often intervals hold the share of everybody: of each second, and of the whole time."""
    source = np.random.default_rng(seed)
    moments = (20.0, 40.0)
    everybody = by_steps(planted_smiles(MadeAudience(PEOPLE, 60, moments), source))
    second, whole = everybody.mean(0).tolist(), float(everybody.mean())
    of_seconds: list[tuple[float | None, float | None, float]] = []
    of_means: list[tuple[float | None, float | None, float]] = []
    for number in range(audiences):
        crowd = _crowd([MadeAudience(count, 60, moments)], source, number)
        of_seconds += [(one.low, one.high, true) for one, true in zip(crowd.curves[0].points, second, strict=True)]
        mean = next(one for one in crowd.indicators() if one.id == "smile.share")
        of_means.append((mean.low, mean.high, whole))
    for what, found in (("intervals of seconds", of_seconds), ("intervals of means", of_means)):
        told = [(low, high, true) for low, high, true in found if low is not None and high is not None]
        yield {
            "what": what,
            "viewers": count,
            "held": sum(low <= true <= high for low, high, true in told) / len(told),
            "width": sum(high - low for low, high, _ in told) / len(told),
        }
