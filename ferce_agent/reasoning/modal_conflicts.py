"""Face, voice and words that do not go together: the patterns of `modal_conflicts.toml` and how sure they are.

A conflict is shown with the readings it allows; none of them is asserted, and it is not averaged away.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.speech import ConflictKind, Modality, ModalityConflict
from ferce_agent.report.timed import TimeSpan

CLEAR: Final = 0.5
"""Least probability that a source gives to its side of a conflict, for it to count as clear."""
LEAST_CONFIDENCE: Final = 0.1
"""Least confidence of a conflict that is reported."""
KINDS: Final[dict[frozenset[Modality], ConflictKind]] = {
    frozenset({"face", "voice"}): "face_and_voice",
    frozenset({"face", "words"}): "face_and_words",
    frozenset({"voice", "words"}): "voice_and_words",
}
MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; see the file.

    Attributes:
        name: Its token in reports.
        sides: For each of the two sources, the places of its expressions in canonical order.
        text: The conflict in a sentence.
        readings: What could explain it.
        unsteady: Whether the voice must be unsteady, too.
    """

    name: str
    sides: Mapping[Modality, tuple[int, ...]]
    text: str
    readings: tuple[str, ...]
    unsteady: bool = False

    @property
    def kind(self) -> ConflictKind:
        """Which sources do not go together."""
        return KINDS[frozenset(self.sides)]


@dataclass(frozen=True, slots=True, eq=False)
class Stance:
    """Where one source stands that is in no doubt.

    Attributes:
        given: The probabilities that it gives, canonical order, shape (8,).
        likely: The probabilities once its measured errors and the trust in it are allowed for, shape (8,).
    """

    given: NDArray[np.float64]
    likely: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement belongs.

    Attributes:
        span: The stretch.
        track: Whose face.
        turn: Which turn of speech.
        evidence: Ids of what it rests on.
        unsteady: Whether the voice is unsteady there.
    """

    span: TimeSpan
    track: str | None
    turn: str | None
    evidence: tuple[str, ...]
    unsteady: bool = False


def parse_patterns(text: str) -> tuple[Pattern, ...]:
    """Return the patterns of a file like `modal_conflicts.toml`.

    Raises:
        SettingsError: It is damaged, names an unknown expression, or a pattern has not just two sources.
    """
    try:
        table = tomllib.loads(text)
        return tuple(_pattern(entry, table) for entry in table["pattern"])
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise SettingsError(f"The patterns of conflicts cannot be read: {error}.") from error


def _pattern(entry: Mapping[str, Any], table: Mapping[str, Any]) -> Pattern:
    sides = {one: tuple(CANONICAL.index(name) for name in entry[one]) for one in MODALITIES if one in entry}
    if frozenset(sides) not in KINDS:
        raise ValueError(f"{entry['name']} needs two of {', '.join(MODALITIES)}")
    added = tuple(str(table[f"{one}_reading"]) for one in sides)
    readings = (*map(str, entry["readings"]), *added)
    return Pattern(str(entry["name"]), sides, str(entry["text"]), readings, bool(entry.get("unsteady", False)))


@once
def patterns() -> tuple[Pattern, ...]:
    """Return the patterns in the order of the file.

    Raises:
        SettingsError: The file is damaged.
    """
    return parse_patterns((files("ferce_agent.reasoning") / "modal_conflicts.toml").read_text("utf-8"))


def find_conflict(stances: Mapping[Modality, Stance], place: Place) -> ModalityConflict | None:
    """Return the surest conflict between sources, None where there is none or nobody speaks.

    Args:
        stances: The sources that are in no doubt.
        place: Where it belongs; without a turn of speech there is no conflict.
    """
    if place.turn is None:
        return None
    found = [(confidence_of(one, stances), one) for one in patterns() if place.unsteady or not one.unsteady]
    confidence, pattern = max(found, key=lambda pair: pair[0])
    if confidence < LEAST_CONFIDENCE:
        return None
    return ModalityConflict(
        kind=pattern.kind,
        pattern=pattern.name,
        span=place.span,
        track=place.track,
        turn=place.turn,
        text=pattern.text,
        readings=pattern.readings,
        confidence=round(confidence, 4),
        evidence=place.evidence,
    )


def confidence_of(pattern: Pattern, stances: Mapping[Modality, Stance]) -> float:
    """Return how surely both sources of a pattern stand on their sides, 0..1; 0 where one is missing or not clear.

    The product over the two of the probability of its side, its measured errors allowed for.
    """
    if not set(pattern.sides) <= set(stances):
        return 0.0
    confidence = 1.0
    for modality, side in pattern.sides.items():
        stance = stances[modality]
        if stance.given[list(side)].sum() < CLEAR:
            return 0.0
        confidence *= float(stance.likely[list(side)].sum())
    return min(confidence, 1.0)
