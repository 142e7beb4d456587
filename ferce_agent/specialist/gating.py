"""What follows for a face from what the gate network says of it: no person, or a person with doubts.

The thresholds are those of the weight file's card.
"""

from __future__ import annotations

from typing import Final

from ferce_agent.faces.orientation import Reading
from ferce_agent.report import QualityReason
from ferce_agent.specialist.gates import REGIONS, GateCard

SURELY_NOT: Final = 0.5
"""Under this share of the card's threshold a detection is no face."""
PERHAPS: Final = 1.5
"""Under this share of the card's threshold it may be none: 0.5 % of the faces in FER+ (validation) and press photos."""
MOST: Final = 0.9
"""Whatever the card says, from this probability on a detection is a face."""
COVERED: Final[dict[str, QualityReason]] = {
    "eyes": "eyes_covered",
    "nose": "nose_covered",
    "mouth": "mouth_covered",
}
"""Reason codes of covered regions."""


def is_face(reading: Reading, card: GateCard) -> bool:
    """Return whether a detection may be a person's face, or the picture of one: else it is no person of the report."""
    return reading.human >= SURELY_NOT * card.human or reading.drawn >= card.drawn


def doubts_about(reading: Reading, card: GateCard, *, turned: bool) -> tuple[QualityReason, ...]:
    """Return what makes a face doubtful, by reason codes.

    Args:
        reading: What the network says.
        card: Its thresholds.
        turned: Whether nothing confirms which way up the face is.
    """
    found: list[QualityReason] = []
    if reading.human < min(PERHAPS * card.human, MOST):
        found.append("maybe_not_a_face")
    if turned:
        found.append("not_upright")
    if reading.drawn >= card.drawn:
        found.append("drawn")
    return (*found, *(COVERED[region] for region in REGIONS if reading.covered[region] >= card.covered[region]))
