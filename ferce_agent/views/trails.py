"""Where each face was in each frame, in little memory: what an annotated film is drawn from."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ferce_agent.report.clip_events import ReadingEvent

MOST_PLACES: Final = 1_000_000
"""Places that are kept, of 25 bytes each; of more, every second one, and those between are interpolated."""
FARTHEST_S: Final = 0.3
"""Between two places of a face that are further apart in time it was not seen."""
UNREAD: Final = 255
"""Stands for the probability of calm where it was not read."""

Place = tuple[float, float, float, float]
"""x, y, width and height in pixels of the frame."""


@dataclass(slots=True)
class Trail:
    """The places of one face.

    Attributes:
        times: Seconds of the film, growing.
        boxes: x, y, width and height of each, one after the other.
        calm: Probability of a neutral expression in percent; `UNREAD` where it was not read.
    """

    times: array[float] = field(default_factory=lambda: array("d"))
    boxes: array[float] = field(default_factory=lambda: array("f"))
    calm: array[int] = field(default_factory=lambda: array("B"))

    def halve(self) -> None:
        """Keep every second place."""
        boxes = array("f")
        for index in range(0, len(self.times), 2):
            boxes.extend(self.boxes[4 * index : 4 * index + 4])
        self.times, self.boxes, self.calm = self.times[::2], boxes, self.calm[::2]

    def place(self, index: int) -> Place:
        """Return one of the places."""
        x, y, width, height = self.boxes[4 * index : 4 * index + 4]
        return x, y, width, height


class Trails:
    """The places of all faces, taken from the readings as they come."""

    def __init__(self, most: int = MOST_PLACES) -> None:
        """Begin without any.

        Args:
            most: Places that are kept at most, about.
        """
        self._most, self._kept, self._every = most, 0, 1
        self._trails: dict[str, Trail] = {}
        self._seen: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many places are kept."""
        return self._kept

    def add(self, event: ReadingEvent) -> None:
        """Take where a face is in one frame; a reading that is not later than the last of its face is passed over."""
        trail = self._trails.setdefault(event.track, Trail())
        number = self._seen[event.track] = self._seen.get(event.track, -1) + 1
        time = event.point.time_s
        if number % self._every or (trail.times and time <= trail.times[-1]):
            return
        box, read = event.box, event.point.distribution
        trail.times.append(time)
        trail.boxes.extend((box.x, box.y, box.width, box.height))
        trail.calm.append(UNREAD if read is None else round(100 * read.neutral))
        self._kept += 1
        if self._kept >= self._most:
            self._thin()

    def _thin(self) -> None:
        for trail in self._trails.values():
            trail.halve()
        self._every *= 2
        self._kept = sum(len(trail.times) for trail in self._trails.values())

    def at(self, time: float) -> Iterator[tuple[str, Place]]:
        """Yield each face that is seen at a time, and its place, interpolated between those that are known."""
        farthest = FARTHEST_S * self._every
        for track, trail in self._trails.items():
            after = bisect_left(trail.times, time)
            if after < len(trail.times) and trail.times[after] - time < 1e-4:
                yield track, trail.place(after)
            elif 0 < after < len(trail.times) and trail.times[after] - trail.times[after - 1] <= farthest:
                start, end = trail.times[after - 1], trail.times[after]
                yield track, _between(trail.place(after - 1), trail.place(after), (time - start) / (end - start))
            elif after and time - trail.times[after - 1] < 1e-4:
                yield track, trail.place(after - 1)

    def calm(self, track: str, time: float, within: float = 0.5) -> float | None:
        """Return the mean probability of a neutral expression around a time; None where nothing was read.

        Args:
            track: Whose face.
            time: Seconds of the film.
            within: Seconds before and after it that count.
        """
        trail = self._trails[track]
        start, end = bisect_left(trail.times, time - within), bisect_left(trail.times, time + within)
        read = [value for value in trail.calm[start:end] if value != UNREAD]
        return sum(read) / len(read) / 100 if read else None


def _between(one: Place, other: Place, share: float) -> Place:
    x, y, width, height = (a + share * (b - a) for a, b in zip(one, other, strict=True))
    return x, y, width, height
