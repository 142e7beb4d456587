"""One viewer of content: in each step of time whether a smile and each expression was shown, where it was read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.reasoning.expression import LEAST_QUALITY
from ferce_agent.report.clip_events import ReadingEvent
from ferce_agent.report.face import QualityReason
from ferce_agent.scenarios.preset import Preset
from ferce_agent.temporal.held import LONGEST_STEP_S

SMILE: Final = "AU12"
"""The movement of a smile: raised mouth corners."""
NO_FACE: Final[frozenset[QualityReason]] = frozenset({"maybe_not_a_face", "drawn"})
"""What is not read as a viewer."""
CALM: Final = 0.2
"""Share of the time in which a viewer smiles least; how far its end is raised counts as the resting face."""
HIGHEST_REST: Final = 0.4
"""A face is not taken to rest with mouth corners raised further."""
SECOND_FACE_S: Final = 3.0
"""A second face in view for longer is told about."""
FIRST_STEP_S: Final = 0.1
"""Time that the first reading of a face stands for."""

Array = NDArray[np.float64]


@dataclass(slots=True)
class Step:
    """Sums of one face in one step, each weighted with the seconds that a reading stands for.

    Attributes:
        smile_s: How long the mouth could be seen.
        smile: Raised mouth corners.
        shares_s: How long expressions could be read.
        shares: Probabilities of the expressions, FER+ order.
    """

    smile_s: float = 0.0
    smile: float = 0.0
    shares_s: float = 0.0
    shares: list[float] = field(default_factory=lambda: [0.0] * len(CANONICAL))


@dataclass(frozen=True, slots=True)
class Record:
    """What one viewer showed, one value a step.

    Attributes:
        smile: 1 where a smile was shown, 0 where not, NaN where it was not read, shape (steps,).
        expressions: The same of each expression, FER+ order, shape (8, steps).
    """

    smile: Array
    expressions: Array

    @property
    def steps(self) -> int:
        """How many steps."""
        return len(self.smile)


class ViewerRecord:
    """Collects what one source shows of its viewer: the face that is seen longest."""

    def __init__(self, preset: Preset, step_s: float, offset_s: float, length_s: float) -> None:
        """Begin before the first reading.

        Args:
            preset: Thresholds.
            step_s: Length of a step.
            offset_s: Where in the source the content begins.
            length_s: How long the content is; infinity for as long as the source.
        """
        self._preset, self._step_s = preset, step_s
        self._offset_s, self._length_s = offset_s, length_s
        self._tracks: dict[str, dict[int, Step]] = defaultdict(lambda: defaultdict(Step))
        self._last: dict[str, float] = {}

    def push(self, event: ReadingEvent) -> None:
        """Take what one frame shows of one face."""
        time = event.point.time_s - self._offset_s
        last = self._last.get(event.track)
        passed = FIRST_STEP_S if last is None else min(max(time - last, 0.0), LONGEST_STEP_S)
        self._last[event.track] = time
        if not 0 <= time < self._length_s or event.point.quality < LEAST_QUALITY or NO_FACE & set(event.reasons):
            return
        step = self._tracks[event.track][int(time / self._step_s + 1e-9)]
        smile, shares = event.point.movements.get(SMILE), event.point.distribution
        if smile is not None:
            step.smile_s += passed
            step.smile += passed * smile
        if shares is not None:
            step.shares_s += passed
            step.shares = [
                before + passed * share for before, (_, share) in zip(step.shares, shares.items(), strict=True)
            ]

    @property
    def readable_s(self) -> float:
        """How long the viewer's face could be read."""
        return sum(max(one.smile_s, one.shares_s) for one in self._main().values())

    @property
    def is_shared(self) -> bool:
        """Whether a second face was in view for a while."""
        steps = [set(one) for one in self._tracks.values()]
        both = sum(sum(place in one for one in steps) > 1 for place in set().union(*steps))
        return both * self._step_s > SECOND_FACE_S

    def _main(self) -> dict[int, Step]:
        """Return the steps of the face that is seen longest, and where it is not seen, of the next one."""
        order = sorted(self._tracks.values(), key=lambda one: sum(step.smile_s for step in one.values()))
        merged: dict[int, Step] = {}
        for one in order:
            merged |= one
        return merged

    def record(self) -> Record | None:
        """Return what the viewer showed; None where no face was read."""
        steps = self._main()
        if not steps:
            return None
        count, least = max(steps) + 1, self._preset.value("readable") * self._step_s
        smile, shares = np.full(count, np.nan), np.full((len(CANONICAL), count), np.nan)
        for place, one in steps.items():
            if one.smile_s >= least:
                smile[place] = one.smile / one.smile_s
            if one.shares_s >= least:
                shares[:, place] = np.array(one.shares) / one.shares_s
        shown = np.where(np.isnan(shares), np.nan, shares >= self._preset.value("named"))
        return Record(self._smiles(smile), shown)

    def _smiles(self, levels: Array) -> Array:
        """Return where the mouth corners are raised, clearly above how the viewer's face rests."""
        seen = levels[~np.isnan(levels)]
        if not len(seen):
            return levels
        rest = min(float(np.quantile(seen, CALM)), HIGHEST_REST)
        bound = max(self._preset.value("smile"), rest + self._preset.value("smile_rise"))
        return np.where(np.isnan(levels), np.nan, levels >= bound)
