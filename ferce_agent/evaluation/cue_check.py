"""Do the movements that a vision-language model names show in the face?

Every named cue is compared with the measured action units.
"""

from __future__ import annotations

from collections import Counter

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.evaluation.perceivers.base import Sample
from ferce_agent.reasoning.movements import readings
from ferce_agent.reasoning.second_opinion import cue_status
from ferce_agent.specialist.runner import Specialist
from ferce_agent.vlm.extraction.prose import find_cues


class CueCheck:
    """Counts supported, contradicted and unverified cues of written answers.

    The specialist is loaded with the first of them.
    """

    @lazy_property
    def _specialist(self) -> Specialist:
        return Specialist()

    def count(self, sample: Sample, answer: str) -> Counter[str]:
        """Return how many movements of an answer have which status, for a face that is not changed in any way."""
        cues = find_cues(answer)
        if not cues:
            return Counter()
        measured = readings(self._specialist.perceive(sample.aligned()[None])[0].units)
        return Counter(cue_status(cue.unit, measured) for cue in cues)
