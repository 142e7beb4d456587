"""The numbers of people before a screen: which may be told, and with which intervals.

A number of a group rests on at least five people, of whom none makes up more than half, in every window that counts;
windows with fewer count in nothing else, so that their numbers cannot be had by subtraction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ferce_agent.report.scenario import Indicator
from ferce_agent.scenarios.facing import Tally
from ferce_agent.scenarios.intervals import independent_looks, mean_of_rates, mean_of_shares, rate, wilson
from ferce_agent.scenarios.preset import Preset
from ferce_agent.scenarios.viewers import Seated, Viewer

RATE_S: Final = 10.0
"""Least time for a rate of one person, as of blinks in clips (`ferce_agent.temporal.eyes`)."""


@dataclass(frozen=True, slots=True)
class Told:
    """A number of a window, or why there is none.

    Attributes:
        value: The number; None where it is withheld.
        low: Lower end of its interval.
        high: Upper end.
        people: How many people it rests on.
        seconds: How much time it rests on.
        withheld: Why it is.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    people: int = 0
    seconds: float = 0.0
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the numbers.

    Attributes:
        id: Of its indicator and curve.
        name: What it is called.
        text: What was found, for a value with its interval.
        is_not: What it must not be taken for.
        time: How long it could be seen.
        count: What is counted; None for the share of the time.
    """

    id: str
    name: str
    text: str
    is_not: str
    time: Callable[[Tally], float]
    count: Callable[[Tally], int] | None = None


FACING: Final = Measure(
    "facing",
    "Turned to the screen",
    "Faces are turned to the screen for {} of the time in which that could be seen",
    "No measure of attention or understanding: who looks at a screen may think of something else.",
    lambda tally: tally.seen_s,
)
AWAY: Final = Measure(
    "glances_away_per_minute",
    "Glances away from the screen",
    "Faces turn away from the screen {} times a minute",
    "No sign of boredom: people look away to think, to write and to listen.",
    lambda tally: tally.seen_s,
    lambda tally: tally.away,
)
BLINKS: Final = Measure(
    "blinks_per_minute",
    "Blinks",
    "People blink {} times a minute",
    "No sign of tiredness or stress: how often people blink depends on light, air, lenses and what they read.",
    lambda tally: tally.eyes_s,
    lambda tally: tally.blinks,
)
BROWS: Final = Measure(
    "brows_lowered_per_minute",
    "Lowered brows",
    "Brows are lowered {} times a minute",
    "No sign of confusion or displeasure: brows are lowered in effort, in bright light and with bad eyesight, too.",
    lambda tally: tally.brows_s,
    lambda tally: tally.lowered,
)
TOGETHER: Final = Measure(
    "brows_with_lids_or_tilt_per_minute",
    "Lowered brows with tight lids or a tilted head",
    "Brows are lowered with tight lids or a tilted head {} times a minute",
    "No proof of confusion: in tutoring such movements went along with it, as they do with effort and bright light.",
    lambda tally: tally.brows_s,
    lambda tally: tally.together,
)


WHY: Final = {
    "too_few_people": "too few people were seen together for long enough",
    "not_enough_time": "no face was seen long enough",
    "no_face": "no face was seen",
    "eyes_not_judged": "eyes could not be judged",
}
"""Reason codes in words."""


class Room:
    """All sources together, and what may be told of them.

    Attributes:
        seated: Who is in each source.
        viewers: What is counted as a person each.
        people: How many people at least.
        many: Whether a source shows several.
        alone: Whether the numbers of one person are told.
    """

    def __init__(self, preset: Preset, seated: Sequence[Seated], *, alone: bool) -> None:
        """Take what was seen.

        Args:
            preset: Thresholds.
            seated: Who is in each source.
            alone: Whether the numbers of one person were asked for and may be told.
        """
        self.seated = tuple(seated)
        self.viewers: tuple[Viewer, ...] = tuple(viewer for one in seated for viewer in one.viewers)
        self.people = sum(one.people for one in seated)
        self.many = any(one.people > 1 for one in seated)
        self.alone = alone and self.people == 1
        self._preset = preset
        self._least_s = preset.value("least_time")
        self._least = 1 if self.alone else int(preset.value("least_people"))

    @property
    def last(self) -> int:
        """The last window in which anything was seen."""
        return max((place for one in self.viewers for place in one.tallies), default=0)

    def total(self) -> Tally:
        """Return the sums of everybody."""
        whole = Tally()
        for one in self.viewers:
            whole.add(one.total(one.tallies))
        return whole

    def published(self) -> list[int]:
        """Return the windows of which something may be told."""
        places = sorted({place for one in self.viewers for place in one.tallies})
        return [place for place in places if self.why_not(FACING, [place]) is None]

    def why_not(self, measure: Measure, places: Sequence[int]) -> str | None:
        """Return the reason code why nothing may be told of some windows; None where it may."""
        if not self.people:
            return "no_face"
        if measure is BLINKS and self.total().eyes_s == 0:
            return "eyes_not_judged"
        seen = self._times(measure, places)
        if not self.alone and self._people(measure, places) < self._least:
            return "too_few_people"
        if not seen:
            return "not_enough_time"
        if not self.alone and max(seen) > self._preset.value("largest_part") * sum(seen):
            return "too_few_people"
        return None

    def _counting(self, measure: Measure, places: Sequence[int]) -> list[Tally]:
        """Return the sums of everybody who was seen long enough.

        In a group whoever counts in a window counts with it in the whole, and nobody else: a person who counted in one
        of them alone could be had by subtraction.
        """
        if self.alone:
            least = self._least_s if measure.count is None or len(places) == 1 else RATE_S
            return [total for one in self.viewers if measure.time(total := one.total(places)) >= least]
        found = []
        for one in self.viewers:
            long = [place for place in places if measure.time(one.total([place])) >= self._least_s]
            if long:
                found.append(one.total(long))
        return found

    def _times(self, measure: Measure, places: Sequence[int]) -> list[float]:
        return [measure.time(one) for one in self._counting(measure, places)]

    def _people(self, measure: Measure, places: Sequence[int]) -> int:
        """Return how many people at least are behind a number."""
        at_once = sum(one.people_in(places, self._least_s) for one in self.seated)
        return min(at_once, len(self._counting(measure, places)))

    def told(self, measure: Measure, places: Sequence[int]) -> Told:
        """Return a number over those of some windows of which it may be told, or why there is none."""
        known = [place for place in places if self.why_not(measure, [place]) is None]
        reason = self.why_not(measure, known or places)
        if reason is not None or not known:
            return Told(withheld=reason or "too_few_people")
        tallies, people = self._counting(measure, known), self._people(measure, known)
        seconds = round(sum(measure.time(one) for one in tallies), 2)
        value, low, high = (
            self._share(tallies, people) if measure.count is None else self._rate(measure, tallies, people)
        )
        return Told(value, low, high, people, seconds)

    def _rate(self, measure: Measure, tallies: Sequence[Tally], people: int) -> tuple[float, float, float]:
        """Return how often a minute something happened."""
        assert measure.count is not None
        counts, minutes = [measure.count(one) for one in tallies], [measure.time(one) / 60 for one in tallies]
        return rate(counts[0], minutes[0]) if self.alone else mean_of_rates(counts, minutes, people)

    def _share(self, tallies: Sequence[Tally], people: int) -> tuple[float, float, float]:
        """Return which share of the time faces were turned to the screen.

        The ends of the interval take the cone so much narrower and wider as angles may be wrong.
        """
        values, narrow, wide = (
            [getattr(one, name) / one.seen_s for one in tallies] for name in ("facing_s", "narrow_s", "wide_s")
        )
        if self.alone:
            looks = self._looks(tallies[0].seen_s)
            return values[0], wilson(narrow[0], looks)[0], wilson(wide[0], looks)[1]
        weights = [one.seen_s for one in tallies]
        mean, *_ = mean_of_shares(values, weights, people)
        return mean, mean_of_shares(narrow, weights, people)[1], mean_of_shares(wide, weights, people)[2]

    def _looks(self, seconds: float) -> float:
        """Return how many independent looks so much time of the one person is worth."""
        one, whole = self.viewers[0], self.total()
        away = whole.seen_s - whole.facing_s
        looks = independent_looks(whole.facing_s, away, one.stretches, self._preset.value("glance"))
        return looks * seconds / whole.seen_s


def indicator(measure: Measure, told: Told, *, prefix: str = "", of: str = "") -> Indicator:
    """Return a number as the report has it."""
    text = f"{measure.text.format(in_words(measure, told))}." if told.value is not None else ""
    return Indicator(
        id=prefix + measure.id,
        name=measure.name + of,
        value=rounded(told.value),
        unit=unit_of(measure),
        low=rounded(told.low),
        high=rounded(told.high),
        level=None if told.low is None else 0.95,
        seconds=told.seconds if told.value is not None else None,
        people=told.people if told.value is not None else None,
        withheld=told.withheld,
        text=text or f"Not told: {WHY.get(told.withheld or '', told.withheld)}.",
        is_not=measure.is_not,
    )


def unit_of(measure: Measure) -> str:
    """Return the unit of a number."""
    return "share" if measure.count is None else "per_minute"


def in_words(measure: Measure, told: Told) -> str:
    """Return a value with its interval in words."""
    if told.value is None or told.low is None or told.high is None:
        return "–"
    if measure.count is None:
        return f"{percent(told.value)} (between {percent(told.low)} and {percent(told.high)})"
    return f"{told.value:.1f} (between {told.low:.1f} and {told.high:.1f})"


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return f"{100 * share:.0f} %"


def rounded(value: float | None) -> float | None:
    """Return a number with as many digits as can be told apart."""
    return None if value is None else round(value, 4)
