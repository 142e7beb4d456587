"""All viewers of an audience together: what may be told of their shares, peaks and differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.scenario import Curve, Indicator, Peak
from ferce_agent.report.timed import TimeSpan
from ferce_agent.scenarios.audience_curves import Part, curve_of, hidden, means_of, parts_of, told_steps
from ferce_agent.scenarios.intervals import mean_of_shares
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.reactions import Comparison, can_peak, compare, corrected, peaks_of
from ferce_agent.scenarios.timeline import Marker
from ferce_agent.scenarios.viewer_records import Record

IS_NOT: Final = "No measure of liking or of what viewers feel, and nothing about a single viewer."

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller chose, and the rules allow.

    Attributes:
        step_s: Length of a step in seconds.
        timeline: What the content shows when.
        seed: Of the tests.
        infer: Whether expressions may be told.
    """

    step_s: float
    timeline: tuple[Marker, ...]
    seed: int
    infer: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that viewers show.

    Attributes:
        id: Of its curve.
        words: What is shown, in words.
        rows: Records of the viewers, shape (viewers, steps).
    """

    id: str
    words: str
    rows: Array

    @property
    def name(self) -> str:
        """What its curve is called."""
        return f"Viewers who show {self.words}"


class Crowd:
    """All viewers together.

    Attributes:
        viewers: How many could be read.
        groups: Groups that may be told apart.
        curves: Shares over time.
        names: Names of the curves, by id.
        hidden_steps: In how many steps there were viewers, and too few.
        is_long: Whether the content is long enough for peaks.
        differing: How groups clearly differ, in words; known once `indicators` was run through.
    """

    def __init__(
        self,
        preset: Preset,
        choices: Choices,
        records: Sequence[Record],
        groups: Sequence[str | None],
        keys: Mapping[str, str],
    ) -> None:
        """Take what the viewers showed.

        Args:
            preset: Thresholds.
            choices: What the caller chose, and the rules allow.
            records: Of each viewer.
            groups: The group of each viewer; None for none.
            keys: What the groups are called in ids.
        """
        self._preset, self._choices = preset, choices
        self._least = int(preset.value("least_people"))
        self.viewers = len(records)
        self._all, self.groups, self._apart = parts_of(groups, keys, self._least)
        self.measures = measures_of(records, self._least, infer=choices.infer)
        self.hidden_steps = 0
        self._told: dict[str, Array] = {}
        self._counting: dict[str, NDArray[np.bool_]] = {}
        for measure in self.measures:
            self._hide(measure)
        self.curves = tuple(self._curves())
        self.names = {one.id: one.name for one in self.curves}
        steps = max((len(one.points) for one in self.curves), default=0)
        self.is_long = steps >= preset.value("least_length")
        self.differing: list[str] = []

    @property
    def parts(self) -> list[Part]:
        """All viewers, and the groups that are told."""
        return [self._all, *self.groups]

    def _hide(self, measure: Measure) -> None:
        """Keep of a measure the steps that may be told, and who counts in its means."""
        known = ~np.isnan(measure.rows)
        told = told_steps(known, self._apart, self._least)
        if measure is self.measures[0]:
            self.hidden_steps = int((known.any(0) & ~told).sum())
        self._told[measure.id] = hidden(measure.rows, told)
        counted = (known & told).sum(1)
        enough = (counted > 0) & (counted >= self._preset.value("least_seen") * told.sum())
        # A viewer must not be had by subtracting means from the curve, or the groups' from that of all: where only few
        # would not count, all do, and where only few would, none does.
        if self._few((counted > 0) & ~enough):
            enough = counted > 0
        self._counting[measure.id] = np.zeros_like(enough) if self._few(enough) else enough

    def _few(self, viewers: NDArray[np.bool_]) -> bool:
        """Return whether some viewers of a part are fewer than may be told."""
        return any(0 < viewers[rows].sum() < self._least for rows in self._apart)

    def rows(self, measure: Measure, part: Part) -> Array:
        """Return the records of some viewers as far as their shares are told."""
        return self._told[measure.id][part.rows]

    def means(self, measure: Measure, part: Part) -> tuple[list[float], list[float]]:
        """Return the share of the time of each viewer who counts, and in how many steps each was read."""
        counting = part.rows[self._counting[measure.id][part.rows]]
        return means_of(self._told[measure.id][counting])

    def _curves(self) -> Iterator[Curve]:
        """Yield the shares over time of what is shown at all."""
        for measure in self.measures:
            for part in self.parts:
                rows = self.rows(measure, part)
                if np.nansum(rows) > 0 or (measure.id == "smile" and not np.isnan(rows).all()):
                    id_, name = measure.id + part.key, measure.name + part.of
                    yield curve_of(id_, name, rows, self._least, self._choices.step_s)

    def peaks(self) -> Iterator[Peak]:
        """Yield where more viewers than by chance show something at once: of all, or of each group."""
        if not self.is_long:
            return
        tested = [
            (curve, rows)
            for measure in self.measures
            for part in self.groups or [self._all]
            if (curve := self._curve(measure.id + part.key)) is not None and can_peak(rows := self.rows(measure, part))
        ]
        for curve, rows in tested:
            alpha = self._preset.value("significance")
            for one in peaks_of(rows, self._least, tests=len(tested), alpha=alpha, seed=self._choices.seed):
                yield self._peak(curve, one.begin, one.end, one.p_value)

    def _curve(self, id_: str) -> Curve | None:
        return next((one for one in self.curves if one.id == id_), None)

    def _peak(self, curve: Curve, begin: int, end: int, p_value: float) -> Peak:
        """Return a peak with its time where the share is highest: in the middle of the steps that are."""
        step = self._choices.step_s
        values = [-1.0 if point.value is None else point.value for point in curve.points[begin:end]]
        highest = [place for place, value in enumerate(values) if value == max(values)]
        at = begin + highest[len(highest) // 2]
        at_s = round((at + 0.5) * step, 3)
        return Peak(
            curve=curve.id,
            span=TimeSpan(from_s=round(begin * step, 3), to_s=round(end * step, 3)),
            at_s=at_s,
            value=max(values),
            p_value=round(p_value, 5),
            marker=shown_at(self._choices.timeline, at_s),
        )

    def indicators(self) -> Iterator[Indicator]:
        """Yield mean shares over the content, of all and of the groups, and how groups differ."""
        for measure in self.measures:
            for part in self.parts:
                yield self._share(measure, part)
        yield from self._differences()

    def _share(self, measure: Measure, part: Part) -> Indicator:
        shares, steps = self.means(measure, part)
        fields = {"id": f"{measure.id}.share{part.key}", "name": f"{measure.name}{part.of}", "unit": "share"}
        if len(shares) < self._least:
            text = f"Not told: at least {self._least} viewers are needed."
            open_ = {"value": None, "low": None, "high": None, "level": None, "withheld": "too_few_people"}
            return Indicator.model_validate({**fields, **open_, "text": text, "is_not": IS_NOT})
        mean, low, high = mean_of_shares(shares, steps)
        whose = f"viewers of {part.name}" if part.name else "viewers"
        return Indicator(
            **fields,
            value=round(mean, 4),
            low=round(low, 4),
            high=round(high, 4),
            seconds=round(sum(steps) * self._choices.step_s, 1),
            people=len(shares),
            text=f"{whose.capitalize()} show {measure.words} for {percent(mean)} of the time "
            f"(between {percent(low)} and {percent(high)}).",
            is_not=IS_NOT,
        )

    def _differences(self) -> Iterator[Indicator]:
        """Yield how each two groups differ, with p-values corrected for all comparisons."""
        pairs = [(measure, one, two) for measure in self.measures for one, two in combinations(self.groups, 2)]
        found: list[tuple[Measure, tuple[Part, Part], int, Comparison]] = []
        for measure, one, two in pairs:
            first, second = self.means(measure, one)[0], self.means(measure, two)[0]
            if min(len(first), len(second)) >= self._least and max(*first, *second) > 0:
                people = len(first) + len(second)
                found.append((measure, (one, two), people, compare(first, second, seed=self._choices.seed)))
        p_values = corrected([each.p_value for *_, each in found])
        for (measure, pair, people, each), p_value in zip(found, p_values, strict=True):
            yield from self._difference(measure, pair, people, each, p_value)

    def _difference(
        self, measure: Measure, parts: tuple[Part, Part], people: int, one: Comparison, p_value: float
    ) -> Iterator[Indicator]:
        """Yield by how much two groups differ, and how likely as much is by chance."""
        first, second = parts
        clear = p_value <= self._preset.value("significance")
        verb = "differ" if clear else "do not clearly differ"
        pair = f"{first.key}{second.key}"
        found = Indicator(
            id=f"{measure.id}.difference{pair}",
            name=f"{measure.name}: {first.name} less {second.name}",
            value=round(one.difference, 4),
            unit="share",
            low=round(one.low, 4),
            high=round(one.high, 4),
            people=people,
            text=f"Viewers of {first.name} and {second.name} {verb} in how much they show {measure.words}: by "
            f"{points(one.difference)} (between {points(one.low)} and {points(one.high)}; p = {p_value:.3g}).",
            is_not=f"{IS_NOT} Viewers who were not parted by chance may differ for other reasons.",
        )
        if clear:
            self.differing.append(found.text)
        yield found
        yield Indicator(
            id=f"{measure.id}.p_value{pair}",
            name=f"{measure.name}: as large a difference of {first.name} and {second.name} by chance",
            value=round(p_value, 5),
            unit="probability",
            low=None,
            high=None,
            level=None,
            limit=self._preset.limit("significance"),
            people=people,
            text=f"By a permutation test over viewers, corrected for all comparisons (Holm): p = {p_value:.3g}.",
            is_not="Not the probability that the groups are alike, and no measure of how much they differ.",
        )


def measures_of(records: Sequence[Record], least: int, *, infer: bool) -> list[Measure]:
    """Return what viewers show, up to the last step with so many; expressions only where they may be read."""
    lengths = sorted((one.steps for one in records), reverse=True)
    steps = lengths[least - 1] if len(lengths) >= least else 0

    def rows(values: Sequence[Array]) -> Array:
        padded = [np.pad(one[:steps], (0, max(steps - len(one), 0)), constant_values=np.nan) for one in values]
        return np.array(padded).reshape(len(padded), steps)

    found = [Measure("smile", "a smile", rows([one.smile for one in records]))]
    for place, name in enumerate(CANONICAL):
        if infer and name != "neutral":
            found.append(Measure(name, name, rows([one.expressions[place] for one in records])))
    return found


def shown_at(timeline: Sequence[Marker], time: float) -> str | None:
    """Return what the content shows at a time; None before the first entry, and without a time line."""
    return next((one.name for one in reversed(timeline) if one.at_s <= time), None)


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return f"{100 * share:.0f} %"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{100 * difference:+.0f} points"
