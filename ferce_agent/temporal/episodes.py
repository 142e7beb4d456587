"""Episodes in smoothed curves: from where a curve leaves its level over its apex to where it is back.

An episode opens where its channel reaches the rule's `on` and closes where it falls under `off` (hysteresis). Its onset
and offset are told by the shape of the curve (`ferce_agent.temporal.edges`). All that is kept is a few seconds of rows
and a few numbers for each open episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import erf, exp, inf, isfinite, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import InputError, SettingsError
from ferce_agent.temporal.edges import Edge, find_edge
from ferce_agent.temporal.filtering import BRIDGED_S, SmoothedRow, from_plain, plain

BEFORE_S: Final = 2.0
"""Seconds before an opening in which the onset is searched."""
AFTER_S: Final = 1.0
"""Seconds that are waited for after an opening and after a closing, to see the rise and the fall whole."""
GAP_S: Final = 0.5
"""A gap longer than this ends an episode."""
MERGED_S: Final = 0.3
"""Pieces closer than this are one episode."""
LEAST_ROWS: Final = 3
"""An episode has at least so many rows: fewer cannot be told from a wrong reading."""
MOST_ROWS: Final = 4096
"""Rows that are kept at most, whatever the frame rate."""
FLOOR_RISE: Final = 0.02
"""By how much the lowest level of late rises in a second, for rules with a rise."""

HIGH: Final = 1e9
"""A level that any reading is under."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EpisodeRule:
    """When a channel has an episode.

    Attributes:
        on: Value from which on an episode opens.
        off: Value under which it closes; not above `on`.
        least_s: Shortest episode in seconds, from onset to offset.
        share: Share of the rise at which an episode has begun, and of the fall at which it is over, in (0, 0.5].
        channel: Which value of a row the rule is for; None for that at the rule's own place.
        least: Which value of a row is the least value at which the channel counts as there at that time: an episode
            opens only there, and is told only if its mean reaches the mean of it. None where `on` alone decides.
        rise: How far an episode rises over the lowest level of late; 0 where the value alone counts. With a rise an
            episode is told only if it was seen to rise or to fall: what is always there is how the face looks.
        log_odds: Whether the values are log-odds; then peaks and confidences are probabilities.
        doubt: Standard deviation of what is wrong in the same way in all readings. Where it is above 0, the confidence
            is the probability that the true mean is above `off`; otherwise it is the mean value.
        longest_s: Longest episode in seconds; one that goes on is told in pieces.
    """

    on: float
    off: float
    least_s: float = 0.15
    share: float = 0.1
    channel: int | None = None
    least: int | None = None
    rise: float = 0.0
    log_odds: bool = False
    doubt: float = 0.0
    longest_s: float = 600.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: `off` is above `on`, or a duration or the share makes no sense.
        """
        if not (self.off <= self.on and self.least_s >= 0 and 0 < self.share <= 0.5 and self.longest_s > AFTER_S):
            raise SettingsError(
                "A rule for episodes makes no sense.",
                hint="Give off <= on, a share up to 0.5 and a longest episode of more than a second.",
            )

    def shown(self, value: float) -> float:
        """Return a value of the channel as it is told: log-odds as a probability."""
        return 1 / (1 + exp(-min(max(value, -50.0), 50.0))) if self.log_odds else value


@dataclass(frozen=True, slots=True)
class FoundEpisode:
    """One episode of one channel.

    Attributes:
        channel: Place of its rule.
        onset_s: When it begins to rise.
        apex_s: When it is strongest.
        offset_s: When it has gone back.
        peak: Value at the apex; a probability where the rule has log-odds.
        confidence: See `EpisodeRule.doubt`.
        onset_seen: Whether the onset was seen; False where it was under way before.
        offset_seen: The same of the offset.
    """

    channel: int
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float
    confidence: float
    onset_seen: bool
    offset_seen: bool


@dataclass(slots=True)
class _Open:
    """An episode under way.

    Attributes:
        opened: Time of the row in which it opened.
        last: Time of the last row in which it was not under `off`.
        seen: Time of the last row in which it was read.
        apex: When it was strongest so far.
        peak: Its value then.
        core: Sums of `_terms` from the opening to the last row in which it counted as there.
        since: Sums over the rows after that.
        onset: Where it began; None until that was looked for.
        closed: Whether it has fallen under `off`.
    """

    opened: float
    last: float
    seen: float
    apex: float
    peak: float
    core: list[float]
    since: list[float]
    onset: Edge | None = None
    closed: bool = False

    @classmethod
    def at(cls, time: float) -> _Open:
        """Return an episode that opens now."""
        return cls(time, time, time, time, -inf, [0.0] * 4, [0.0] * 4)


class EpisodeFinder:
    """Finds the episodes of several channels in rows that come one after another."""

    def __init__(self, rules: Sequence[EpisodeRule]) -> None:
        """Prepare.

        Args:
            rules: For each channel that can have episodes.
        """
        self.rules = tuple(rules)
        self._channels = np.array([at if rule.channel is None else rule.channel for at, rule in enumerate(rules)], int)
        self._on = np.array([rule.on for rule in rules], np.float64)
        self._rise = np.array([rule.rise for rule in rules], np.float64)
        self._least = np.array([-1 if rule.least is None else rule.least for rule in rules], int)
        self._begin()

    def _begin(self) -> None:
        self._times: list[float] = []
        self._rows: list[Array] = []
        self._open: dict[int, _Open] = {}
        self._floor = np.full(len(self.rules), np.nan)
        """Lowest level of late of each channel."""
        self._free = np.full(len(self.rules), -np.inf)
        """When the last episode of each channel ended, or its last gap: no onset is searched before."""
        self._seen = np.full(len(self.rules), -np.inf)
        """When each channel was read last."""

    def push(self, row: SmoothedRow) -> list[FoundEpisode]:
        """Take a row and return the episodes that are known to be over.

        Raises:
            InputError: The time does not grow, or the row has too few channels.
        """
        if self._times and row.time <= self._times[-1]:
            raise InputError(f"The time {row.time:g} s does not follow {self._times[-1]:g} s.")
        if self.rules and len(row.values) <= max(self._channels.max(), self._least.max()):
            raise InputError(f"A row of {len(row.values)} channels does not fit the rules.")
        self._keep(row)
        values = row.values[self._channels]
        read = ~np.isnan(values)
        found = self._ended_by_gaps(row.time, read)
        on = self._learned(row, values)
        self._seen[read] = row.time
        for place in np.flatnonzero(values >= on).tolist():
            found += self._there(place, row.time)
        if self._open:
            numbers = row.values.tolist()
            for place, state in list(self._open.items()):
                if read[place]:
                    self._follow(place, state, row, numbers)
                found += self._done(place, state, row.time)
        return found

    def finish(self) -> list[FoundEpisode]:
        """Return the episodes that are left. A row after them begins anew."""
        found = [one for place in list(self._open) for one in self._told(place)]
        self._begin()
        return found

    def _keep(self, row: SmoothedRow) -> None:
        """Keep the row, and let go of rows that are too old; not at every row, as that costs time."""
        self._times.append(row.time)
        self._rows.append(row.values)
        oldest = row.time - BEFORE_S - AFTER_S - MERGED_S
        if len(self._times) > MOST_ROWS or self._times[len(self._times) // 3] < oldest:
            count = max(int(np.searchsorted(self._times, oldest)), len(self._times) - 2 * MOST_ROWS // 3)
            del self._times[:count], self._rows[:count]

    def _learned(self, row: SmoothedRow, values: Array) -> Array:
        """Return from which value on each channel's episode opens now, and learn the lowest levels."""
        on = self._on
        if (self._least >= 0).any():
            on = np.where(self._least >= 0, np.fmax(on, row.values[self._least]), on)
        quiet = np.ones(len(self.rules), bool)
        quiet[list(self._open)] = False
        risen = self._floor + FLOOR_RISE * np.clip(row.time - self._seen, 0, 1) * quiet
        first = np.isnan(self._floor)
        # At first nothing is known: what is high already counts as risen.
        self._floor = np.where(first, np.minimum(values, self._on - self._rise), np.fmin(values, risen))
        return np.where(self._rise > 0, np.fmax(on, self._floor + self._rise), on)

    def _ended_by_gaps(self, now: float, read: NDArray[np.bool_]) -> list[FoundEpisode]:
        """End what was not read for too long; what is read again begins anew."""
        lost = now - self._seen > GAP_S
        found = [one for place in list(self._open) if lost[place] for one in self._told(place)]
        self._free[lost & read] = np.nextafter(now, -np.inf)
        return found

    def _there(self, place: int, now: float) -> list[FoundEpisode]:
        """Open an episode, or go on with one that had fallen for a moment."""
        found = []
        state = self._open.get(place)
        if state is not None and state.closed and now - state.last > MERGED_S:
            found, state = self._told(place), None
        if state is None:
            state = self._open[place] = _Open.at(now)
        state.closed = False
        return found

    def _follow(self, place: int, state: _Open, row: SmoothedRow, numbers: list[float]) -> None:
        """Take a row, whose values are `numbers`, into an episode under way."""
        rule, channel = self.rules[place], int(self._channels[place])
        value = numbers[channel]
        state.seen = row.time
        terms = _terms(rule, numbers, channel, float(row.deviations[channel]))
        state.since = [total + term for total, term in zip(state.since, terms, strict=True)]
        off = max(rule.off, float(self._floor[place]) + rule.rise / 2) if rule.rise else rule.off
        state.closed = state.closed or value < off
        if state.closed:
            return
        state.last = row.time
        if value > state.peak:
            state.peak, state.apex = value, row.time
        if value >= rule.on and (rule.least is None or value >= numbers[rule.least]):
            state.core = [total + term for total, term in zip(state.core, state.since, strict=True)]
            state.since = [0.0] * len(state.core)

    def _done(self, place: int, state: _Open, now: float) -> list[FoundEpisode]:
        """Look for the onset when the rise was seen, and tell an episode that has been over for long enough."""
        if state.onset is None and now - state.opened >= AFTER_S:
            state.onset = self._onset(place, state)
        over = state.closed and now - state.last >= AFTER_S
        return self._told(place) if over or now - state.opened > self.rules[place].longest_s else []

    def _curve(self, place: int, begin: float, end: float) -> tuple[Array, Array]:
        """Return times and values of a channel between two times, without what was not read; shape (N,) each."""
        first, after = np.searchsorted(self._times, begin), np.searchsorted(self._times, end, side="right")
        channel = self._channels[place]
        values = np.array([row[channel] for row in self._rows[first:after]], np.float64)
        read = ~np.isnan(values)
        return np.array(self._times[first:after], np.float64)[read], values[read]

    def _onset(self, place: int, state: _Open) -> Edge:
        begin = state.opened - BEFORE_S
        end = max(min(state.opened + AFTER_S, state.last), state.opened)
        times, values = self._curve(place, max(begin, self._free[place]), end)
        cut = self._times[0] < begin > self._free[place] and times.size > 0 and times[0] - begin <= BRIDGED_S
        return find_edge(times, values, state.opened, self.rules[place].share, cut=bool(cut))

    def _offset(self, place: int, state: _Open) -> Edge:
        if not state.closed:
            return Edge(state.last, seen=False)
        times, values = self._curve(place, max(state.last - AFTER_S, state.opened), state.seen)
        cut = state.seen - state.last >= AFTER_S - BRIDGED_S
        edge = find_edge(-times[::-1], values[::-1], -state.last, self.rules[place].share, cut=cut)
        return Edge(-edge.time, seen=edge.seen)

    def _told(self, place: int) -> list[FoundEpisode]:
        """Close an episode and return it if it is one."""
        state = self._open.pop(place)
        onset, offset = state.onset or self._onset(place, state), self._offset(place, state)
        begin = max(min(onset.time, state.apex), self._free[place])
        end = max(offset.time, state.apex)
        self._free[place] = end
        if not state.closed:
            self._floor[place] = HIGH  # it may go on; then its level is no rise any more
        rows = np.searchsorted(self._times, end, side="right") - np.searchsorted(self._times, begin)
        rule, count = self.rules[place], state.core[0]
        value, least, variance = (total / max(count, 1) for total in state.core[1:])
        if rows < LEAST_ROWS or end - begin < rule.least_s or count == 0 or value < least:
            return []
        if rule.rise and not (onset.seen or offset.seen):
            return []
        shown = rule.shown(state.peak), _confidence(rule, value, variance)
        return [FoundEpisode(place, begin, state.apex, end, *shown, onset.seen, offset.seen)]

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data, for `load` with the same rules."""
        return {
            "times": list(self._times),
            "rows": [plain(row) for row in self._rows],
            "open": [[place, _state_dump(state)] for place, state in self._open.items()],
            "floor": plain(self._floor),
            "free": plain(self._free),
            "seen": plain(self._seen),
        }

    @classmethod
    def load(cls, rules: Sequence[EpisodeRule], dump: dict[str, Any]) -> EpisodeFinder:
        """Return a finder that goes on where the one that gave `dump` stood.

        Raises:
            InputError: It is not what `dump` gives, or belongs to other rules.
        """
        made = cls(rules)
        try:
            made._times = [float(time) for time in dump["times"]]
            made._rows = [from_plain(row) for row in dump["rows"]]
            made._open = {int(place): _state_load(state) for place, state in dump["open"]}
            made._floor = from_plain(dump["floor"])
            made._free, made._seen = (from_plain(dump[name], -np.inf) for name in ("free", "seen"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("The state of the episodes cannot be read.", hint="Start the clip again.") from error
        if len(made._floor) != len(made.rules):
            raise InputError("The state of the episodes belongs to other rules.", hint="Start the clip again.")
        return made


def _terms(rule: EpisodeRule, numbers: list[float], channel: int, deviation: float) -> list[float]:
    """Return what is summed of a row: 1, the value, the least value, and the variance.

    Where no least value could be read it is 1, which no mean reaches.
    """
    least = 0.0 if rule.least is None else rule.shown(numbers[rule.least])
    return [1.0, rule.shown(numbers[channel]), least if isfinite(least) else 1.0, deviation**2]


def _confidence(rule: EpisodeRule, mean: float, variance: float) -> float:
    """Return how sure it is that an episode was there, 0..1; see `EpisodeRule.doubt`."""
    if not rule.doubt:
        return float(min(max(mean, 0.0), 1.0))
    return 0.5 * (1 + erf((mean - rule.shown(rule.off)) / sqrt(2 * (rule.doubt**2 + variance))))


def _state_dump(state: _Open) -> dict[str, Any]:
    onset = None if state.onset is None else list(state.onset)
    return asdict(state) | {"onset": onset, "peak": state.peak if isfinite(state.peak) else None}


def _state_load(fields: dict[str, Any]) -> _Open:
    onset = None if fields["onset"] is None else Edge(float(fields["onset"][0]), bool(fields["onset"][1]))
    peak = -inf if fields["peak"] is None else float(fields["peak"])
    sums = {name: [float(value) for value in fields[name]] for name in ("core", "since")}
    return _Open(**{**fields, **sums, "onset": onset, "peak": peak})
