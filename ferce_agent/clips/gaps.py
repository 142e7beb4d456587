"""Stretches in which a face could not be read, from what was in the way in each frame."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from ferce_agent.report import Gap
from ferce_agent.report.clip import GapReason

LEAST: Final = 0.2
"""Seconds: shorter stretches are no gap, and a face that is readable for less does not end one."""
MOST: Final = 400
"""Gaps kept of one face, the longest; an hour of film may have thousands."""


@dataclass(slots=True)
class GapFinder:
    """Finds the gaps of one face, frame by frame.

    Attributes:
        gaps: What was found so far.
        dropped: Shorter gaps that were left out because there are too many.
    """

    gaps: list[Gap] = field(default_factory=list)
    dropped: int = 0
    _began: float | None = None
    _clear: float | None = None
    _last: float | None = None
    _reasons: Counter[GapReason] = field(default_factory=Counter)

    def push(self, time: float, reason: GapReason | None) -> Gap | None:
        """Take what is in the way in the next frame; return a gap that is over.

        Args:
            time: Of the frame, after all before.
            reason: What is in the way; None where the face can be read.
        """
        over = None
        if reason is None:
            if self._began is not None and self._clear is None:
                self._clear = time
            if self._clear is not None and time - self._clear >= LEAST:
                over = self._end(self._clear)
        else:
            if self._began is None:
                self._began = time
            self._clear = None
            self._reasons[reason] += 1
        self._last = time
        return over

    @property
    def length(self) -> float:
        """How long the gap that is under way has lasted so far, in seconds; 0 without one."""
        if self._began is None or self._last is None or self._clear is not None:
            return 0.0
        return self._last - self._began

    @property
    def reason(self) -> GapReason | None:
        """What was in the way most of the time of the gap that is under way; None without one."""
        return self._reasons.most_common(1)[0][0] if self._reasons else None

    def finish(self, last: float) -> Gap | None:
        """End a gap that is still under way when the face is gone.

        Args:
            last: When the face was last seen.
        """
        return self._end(last if self._clear is None else min(self._clear, last))

    def _end(self, end: float) -> Gap | None:
        began, reason = self._began, self.reason
        self._began = self._clear = None
        self._reasons = Counter()
        if began is None or reason is None or end - began < LEAST:
            return None
        gap = Gap(from_s=round(began, 3), to_s=round(end, 3), reason=reason)
        self.gaps.append(gap)
        if len(self.gaps) > MOST:
            self.gaps.remove(min(self.gaps, key=lambda one: one.to_s - one.from_s))
            self.dropped += 1
        return gap

    def dump(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "gaps": [[gap.from_s, gap.to_s, gap.reason] for gap in self.gaps],
            "dropped": self.dropped,
            "began": self._began,
            "clear": self._clear,
            "last": self._last,
            "reasons": dict(self._reasons),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> GapFinder:
        """Return the finder that a dump was made of."""
        gaps = [Gap(from_s=begin, to_s=end, reason=reason) for begin, end, reason in dump["gaps"]]
        return cls(gaps, dump["dropped"], dump["began"], dump["clear"], dump["last"], Counter(dump["reasons"]))
