"""Who is in a source before a screen: one person in several tracks, or several people, and how many at least.

Nobody is recognised. A source that never shows two faces at once is taken to show one person; in another one each
track counts by the time for which it was seen, and there are at least as many people as faces were seen at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ferce_agent.report import ClipReport, Episode
from ferce_agent.report.clip_events import ClipEvent, EpisodeEvent, ReadingEvent, ReportEvent
from ferce_agent.scenarios.facing import Cone, Tally, Watched, Windows
from ferce_agent.scenarios.preset import Preset

SECOND_HALF: Final = 0.5
"""A face counts in a second in which it was seen for longer than this: of one person no two tracks can be."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What is counted as one person: a source with one face at a time, or one track of another.

    Attributes:
        tallies: Sums by window.
        stretches: Glances away.
    """

    tallies: dict[int, Tally]
    stretches: int

    def total(self, places: Iterable[int]) -> Tally:
        """Return the sums of some windows."""
        whole = Tally()
        for place in places:
            if place in self.tallies:
                whole.add(self.tallies[place])
        return whole


@dataclass(frozen=True, slots=True)
class Seated:
    """Who is in a source.

    Attributes:
        viewers: What is counted as a person each.
        at_once: The most faces seen at once, by window.
        people: How many people at least.
    """

    viewers: tuple[Viewer, ...]
    at_once: dict[int, int]
    people: int

    def people_in(self, places: Iterable[int], least_s: float) -> int:
        """Return how many people at least were seen for so long in some windows together."""
        known = list(places)
        seen = sum(one.total(known).seen_s >= least_s for one in self.viewers)
        return min(seen, max([self.at_once.get(place, 0) for place in known] + [min(seen, 1)]))

    @property
    def readable_s(self) -> float:
        """How long it was known where faces are turned, all together."""
        return sum(tally.seen_s for one in self.viewers for tally in one.tallies.values())


@dataclass
class Seats:
    """One source.

    Attributes:
        windows: What is told apart.
        cone: What counts as turned to the screen.
        preset: Thresholds.
        offset_s: Where the content begins in it.
        tracks: The faces.
        report: Once it was read.
    """

    windows: Windows
    cone: Cone
    preset: Preset
    offset_s: float
    tracks: dict[str, Watched] = field(default_factory=dict)
    report: ClipReport | None = None

    def push(self, event: ClipEvent) -> None:
        """Take what was found in the source."""
        if isinstance(event, ReadingEvent):
            self._track(event.track).push(event)
        elif isinstance(event, EpisodeEvent) and isinstance(event.episode, Episode):
            self._track(event.track).episode(event.episode)
        elif isinstance(event, ReportEvent):
            self._end(event.report)

    def _track(self, name: str) -> Watched:
        if name not in self.tracks:
            self.tracks[name] = Watched(self.windows, self.cone, self.preset, self.offset_s)
        return self.tracks[name]

    def _end(self, report: ClipReport) -> None:
        self.report = report
        for track in report.tracks:
            if track.id in self.tracks and track.eyes is not None:
                self.tracks[track.id].blinks_known = track.eyes.blinks is not None
        for one in self.tracks.values():
            one.finish()
            if not one.blinks_known:
                for tally in one.tallies.values():
                    tally.eyes_s, tally.blinks = 0.0, 0

    @property
    def seconds(self) -> float:
        """How long it is."""
        return 0.0 if self.report is None else max(self.report.source.last_s - self.report.source.first_s, 0.0)

    def seated(self) -> Seated:
        """Return who is in it, once it was read."""
        at_once = self._at_once()
        people = max([*at_once.values(), min(len(self.tracks), 1)])
        viewers = [Viewer(dict(one.tallies), one.stretches) for one in self.tracks.values()]
        return Seated(tuple(viewers if people > 1 else merged(viewers)), at_once, people)

    def _at_once(self) -> dict[int, int]:
        """Return the most faces that were seen at once in each window."""
        crowd: Counter[int] = Counter()
        for one in self.tracks.values():
            crowd.update(second for second, seen in one.seconds.items() if seen > SECOND_HALF)
        most: dict[int, int] = {}
        for second, count in crowd.items():
            place = self.windows.place(second + 0.5)
            if place is not None:
                most[place] = max(most.get(place, 0), count)
        return most


def merged(viewers: Sequence[Viewer]) -> list[Viewer]:
    """Return tracks of one person as one; nothing where there is none."""
    tallies: dict[int, Tally] = {}
    for one in viewers:
        for place, tally in one.tallies.items():
            tallies.setdefault(place, Tally()).add(tally)
    return [Viewer(tallies, sum(one.stretches for one in viewers))] if viewers else []
