"""How many faces were found, and what became of each.

The one source of every number of faces in a report's sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ferce_agent.report import Degradation, EmotionReport, Person


@dataclass(frozen=True, slots=True)
class FaceCounts:
    """Every face found counts in exactly one of these.

    Attributes:
        named: An expression is named.
        abstained: Read, but not clearly enough to name an expression.
        unread: In the report, but without an expression: reading failed, or a rule forbids it.
        unmeasured: Found, but it could not be handled at all and is not in the report.
        left_out: Found beyond the limit (`max_faces`) and not in the report.
    """

    named: int = 0
    abstained: int = 0
    unread: int = 0
    unmeasured: int = 0
    left_out: int = 0

    @property
    def found(self) -> int:
        """All faces found."""
        return self.listed + self.unmeasured + self.left_out

    @property
    def listed(self) -> int:
        """Faces in the report."""
        return self.read + self.unread

    @property
    def read(self) -> int:
        """Faces whose expression was read, named or not."""
        return self.named + self.abstained


def count_faces(people: Iterable[Person], notes: Iterable[Degradation]) -> FaceCounts:
    """Count the people of a report and the faces that its notes say are missing."""
    listed, told = list(people), list(notes)
    read = [person.expression for person in listed if person.expression is not None]
    named = sum(expression.primary is not None for expression in read)
    return FaceCounts(
        named=named,
        abstained=len(read) - named,
        unread=len(listed) - len(read),
        unmeasured=sum(note.code == "face_failed" and note.person is None for note in told),
        left_out=sum(note.count or 0 for note in told if note.code == "more_faces_than_limit"),
    )


def counts_of(report: EmotionReport) -> FaceCounts:
    """Count the faces of a report."""
    return count_faces(report.people, report.degraded)


def faces_found(counts: FaceCounts, *, by_rule: bool = False) -> str:
    """Return how many faces were found and, where they fared differently, how many fared how; without a full stop.

    Args:
        counts: The numbers; those in brackets add up to the faces found.
        by_rule: Whether no expression was read because a rule forbids it; then nothing is said about reading.
    """
    if counts.found == 0:
        return "No face was found in the picture"
    found = "One face was found" if counts.found == 1 else f"{counts.found} faces were found"
    parts = [(counts.listed, "in this report")] if by_rule else shares(counts)
    missing = [(counts.unmeasured, "could not be measured"), (counts.left_out, "left out by the limit")]
    told = [f"{number} {words}" for number, words in (*parts, *missing) if number]
    return found if len(told) < 2 and counts.listed else f"{found} ({', '.join(told)})"


def shares(counts: FaceCounts) -> list[tuple[int, str]]:
    """Return how the faces in the report fared, as numbers with words."""
    return [
        (counts.named, "with a named expression"),
        (counts.abstained, "not clear enough to name"),
        (counts.unread, "could not be read"),
    ]
