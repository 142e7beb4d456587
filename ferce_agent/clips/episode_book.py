"""The episodes of one face as the report has them: named, numbered, rounded, and bounded in number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.expression import LEAST_SHARE
from ferce_agent.report import REGIONS, Episode, MicroMovement, Region
from ferce_agent.temporal.episodes import FoundEpisode
from ferce_agent.temporal.eye_events import EyeEvent

MOST: Final = 1000
"""Episodes kept of one face; of more, the shortest and weakest go."""
MOST_SURE: Final = 1 - (len(CANONICAL) - 1) * LEAST_SHARE
"""No expression is told as certain: a photo leaves each of the others `LEAST_SHARE`, and so does an episode."""
COVERED_S: Final = 0.1
"""A part of the face that is covered for longer than this during an episode could not be seen throughout."""
REMEMBERED: Final = 300
"""Stretches in which a part of the face was covered that are remembered, the latest."""


@dataclass(slots=True)
class EpisodeBook:
    """Collects the episodes of one face.

    Attributes:
        track: Id of the face in the report.
        episodes: What was found so far.
        micro: The same of possible micro-expressions.
        dropped: Episodes that were left out because there are too many.
    """

    track: str
    episodes: list[Episode] = field(default_factory=list)
    micro: list[MicroMovement] = field(default_factory=list)
    dropped: int = 0
    _number: int = 0
    _covered: list[tuple[Region, float, float]] = field(default_factory=list)

    def see(self, time: float, hidden: tuple[Region, ...]) -> None:
        """Note which parts of the face are covered in the next frame."""
        for region in hidden:
            last = next((at for at in reversed(range(len(self._covered))) if self._covered[at][0] == region), None)
            if last is not None and time - self._covered[last][2] <= COVERED_S:
                self._covered[last] = (region, self._covered[last][1], time)
            else:
                self._covered.append((region, time, time))
        del self._covered[:-REMEMBERED]

    def expression(self, term: str, found: FoundEpisode) -> Episode:
        """Add an episode of an expression."""
        return self._add(found, expression=term, rests_on=self._seen(found.onset_s, found.offset_s))

    def movement(self, unit: str, found: FoundEpisode) -> Episode:
        """Add an episode of an action unit."""
        return self._add(found, movement=unit, rests_on=self._seen(found.onset_s, found.offset_s))

    def eyes(self, event: EyeEvent) -> Episode:
        """Add something that eyes, mouth or head did."""
        return self._add(event, movement=event.kind, kind="eyes")

    def flow(self, found: Any) -> MicroMovement:
        """Add a possible micro-expression (`ferce_agent.temporal.micro.FoundMicro`)."""
        name = f"{self.track}.micro-{len(self.micro) + 1}"
        made = MicroMovement(
            id=name,
            regions=found.regions,
            onset_s=time_of(found.onset_s),
            apex_s=time_of(found.apex_s),
            offset_s=time_of(found.offset_s),
            strength=round(found.strength, 2),
            confidence=unit_of(found.confidence),
            evidence=(f"{name}.flow",),
        )
        if len(self.micro) < MOST:
            self.micro.append(made)
        else:
            self.dropped += 1
        return made

    def _seen(self, onset_s: float, offset_s: float) -> tuple[Region, ...]:
        hidden = {
            region for region, begin, end in self._covered if min(end, offset_s) - max(begin, onset_s) > COVERED_S
        }
        return tuple(region for region in REGIONS if region not in hidden)

    def _add(self, found: FoundEpisode | EyeEvent, *, kind: str = "", **fields: Any) -> Episode:
        self._number += 1
        name = f"{self.track}.episode-{self._number}"
        onset, apex, offset = time_of(found.onset_s), time_of(found.apex_s), time_of(found.offset_s)
        what = kind or ("probability" if fields.get("expression") else "movement")
        most = MOST_SURE if fields.get("expression") else 1.0
        made = Episode(
            id=name,
            **{"expression": None, "movement": None, **fields},
            onset_s=onset,
            apex_s=min(max(apex, onset), offset),
            offset_s=offset,
            onset_seen=found.onset_seen,
            offset_seen=found.offset_seen,
            peak=unit_of(min(found.peak, most)),
            rise_s=round(max(apex - onset, 0.0), 3),
            fall_s=round(max(offset - apex, 0.0), 3),
            confidence=unit_of(min(found.confidence, most)),
            evidence=(f"{name}.{what}",),
        )
        self.episodes.append(made)
        if len(self.episodes) > MOST:
            self.episodes.remove(min(self.episodes, key=weight))
            self.dropped += 1
        return made

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "track": self.track,
            "episodes": [one.model_dump(mode="json") for one in self.episodes],
            "micro": [one.model_dump(mode="json") for one in self.micro],
            "dropped": self.dropped,
            "number": self._number,
            "covered": [list(one) for one in self._covered],
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> EpisodeBook:
        """Return the book that a dump was made of."""
        episodes = [Episode.model_validate(one) for one in dump["episodes"]]
        micro = [MicroMovement.model_validate(one) for one in dump["micro"]]
        covered = [(region, begin, end) for region, begin, end in dump["covered"]]
        return cls(dump["track"], episodes, micro, dump["dropped"], dump["number"], covered)


def weight(episode: Episode) -> float:
    """Return how much an episode counts where not all can be kept: strength and sureness, over up to two seconds."""
    lasting = min(episode.offset_s - episode.onset_s, 2.0)
    return episode.peak * episode.confidence * (0.1 + lasting) * (3.0 if episode.expression else 1.0)


def time_of(seconds: float) -> float:
    """Return a time of the report, at least 0, in milliseconds."""
    return round(max(seconds, 0.0), 3)


def unit_of(value: float) -> float:
    """Return a number of the report between 0 and 1, with four digits."""
    return round(min(max(value, 0.0), 1.0), 4)
