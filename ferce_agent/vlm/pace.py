"""How long a vision-language model usually takes, and whether a question is worth starting in the time that is left."""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, field

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.vlm.protocol import Allowance


@dataclass(slots=True)
class Pace:
    """How long the model usually takes: the median of its latest answers.

    An answer that did not come in time would have taken longer than was waited, and counts as 1.5 times that. Each
    time the model is left out for lack of time the estimate shrinks by a tenth, so that a slow first answer does not
    exclude it for ever.

    Attributes:
        seconds: How long the latest 16 answers took.
        patience: Factor on their median, 1 after each answer, less after the model was left out.
    """

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    patience: float = 1.0

    @property
    def usual(self) -> float:
        """Seconds of a usual answer; 0 before the first."""
        return self.patience * statistics.median(self.seconds) if self.seconds else 0.0

    def note(self, seconds: float, *, in_time: bool) -> None:
        """Remember an answer."""
        self.seconds.append(seconds if in_time else seconds * 1.5)
        self.patience = 1.0

    def left_out(self) -> None:
        """Remember that the model was not asked for lack of time."""
        self.patience *= 0.9

    def time_for(self, left: float | None, most: float, cancel: Cancellation | None = None) -> Allowance | None:
        """Return how long a question may take, or None if it is not worth starting.

        Args:
            left: Seconds left of the picture's budget; None for no budget. The budget counts everything, also waiting
                for the model's turn.
            most: Seconds that one answer may take.
            cancel: Set by the caller when the whole run is called off.
        """
        if left is None or (left > self.usual and left > 0):
            return allowance(left, most, cancel)
        self.left_out()
        return None


def allowance(left: float | None, most: float, cancel: Cancellation | None = None) -> Allowance:
    """Return the time for an answer and its repairs: what is left of the budget, at most `most` seconds."""
    cancel = cancel or Cancellation()
    if left is None:
        return Allowance(most, None, cancel)
    left = max(left, 0.0)
    return Allowance(min(left, most), time.monotonic() + left, cancel)
