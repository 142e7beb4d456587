"""What can be said between people.

Distance, orientation, likeness of expressions, and what the caller states. No guesses.
"""

from __future__ import annotations

import statistics
from collections import Counter
from itertools import combinations
from typing import Final, Literal

from ferce_agent.context.orientation import nearest_in_sight, orientation
from ferce_agent.context.pairs import face_distance, pair_name
from ferce_agent.inputs.situation import Situation
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report import Evidence, Expression, Group, Person, RelationKind, Relationship, wording
from ferce_agent.vlm.extraction.hygiene import tidy_text

CLOSE: Final = 2.0
"""Face centres nearer than this many face heights count as close together."""
MAX_PAIRS: Final = 15
"""Only the closest pairs are reported."""
MIXED: Final = 0.45
"""From this spread of pleasantness on a group's mood is mixed."""
OPPOSED: Final = 0.35
"""Two expressions are opposed if one is pleasant, the other unpleasant, and their valences are this large.

What counts is the geometric mean of the two valences without sign."""

Mood = Literal["pleasant", "neutral", "unpleasant", "mixed"]
MOODS: Final[dict[Mood, str]] = {
    "pleasant": "in a pleasant mood",
    "neutral": "calm",
    "unpleasant": "in an unpleasant mood",
    "mixed": "in mixed moods",
}


def relate(people: list[Person], situation: Situation | None = None) -> tuple[list[Relationship], list[Evidence]]:
    """Return relationships and their evidence: measured ones for the closest pairs, and those that the caller states.

    The evidence of a stated relation is made by `ferce_agent.context.statements.told_evidence` (``told.relation.1``,
    …).
    """
    pairs = sorted(combinations(people, 2), key=lambda pair: face_distance(*pair))[:MAX_PAIRS]
    relationships = stated(people, situation or Situation())
    evidence: list[Evidence] = []
    for one, two in pairs:
        turned = orientation(one, two) if nearest_in_sight(one, two, people) else None
        for found in (proximity(one, two), turned, likeness(one, two)):
            if found is not None:
                relationships.append(found[0])
                evidence.append(found[1])
    return relationships, evidence


def stated(people: list[Person], situation: Situation) -> list[Relationship]:
    """Return the relations that the caller states between people who are in the picture."""
    known = {person.id: person for person in people}
    found = []
    for number, relation in enumerate(situation.relations, 1):
        if set(relation.people) <= set(known) and relation.people[0] != relation.people[1]:
            one, two = (known[name] for name in relation.people)
            text = f"{pair_name(one, two)}, as the caller says: {tidy_text(relation.relation)}"
            found.append(
                Relationship(
                    people=relation.people,
                    kind="stated",
                    text=text,
                    basis="stated",
                    evidence=(f"told.relation.{number}",),
                    confidence=1.0,
                )
            )
    return found


def group_mood(people: list[Person]) -> tuple[Group | None, list[Evidence]]:
    """Return the mood of at least two read people: mean and spread of the pleasantness of their expressions.

    A person of whom no expression is named counts in the pleasantness, but shows no expression in `dominant` and in the
    words.
    """
    read = [person.expression for person in people if person.expression is not None]
    if len(read) < 2:
        return None, []
    values = [expression.valence.value for expression in read]
    mean, spread = statistics.fmean(values), min(statistics.pstdev(values), 1.0)
    mood: Mood = (
        "mixed" if spread >= MIXED else "pleasant" if mean > 0.2 else "unpleasant" if mean < -0.2 else "neutral"
    )
    entry = Evidence(
        id="group.valence",
        kind="geometry",
        text=f"Pleasantness of {len(read)} expressions: mean {mean:+.2f}, spread {spread:.2f}.",
        value=round(mean, 4),
        person=None,
    )
    whose = f"the {len(read)} people" if len(read) == len(people) else f"the {len(read)} people who could be read"
    dominant, shown = most_shown(read)
    group = Group(
        mood=mood,
        valence=round(max(min(mean, 1.0), -1.0), 4),
        spread=round(spread, 4),
        dominant=dominant,
        text=f"Together {whose} appear {MOODS[mood]}{shown}.",
        evidence=(entry.id,),
    )
    return group, [entry]


def most_shown(read: list[Expression]) -> tuple[Canonical | None, str]:
    """Return the canonical expression that is named for more than half of the people, and how many show what, in words.

    The words count as the report's people do: who is named as showing it, and of whom no expression is named.
    """
    named = Counter(name for one in read for name in CANONICAL if one.primary == name)
    term, count = max(named.items(), key=lambda item: item[1], default=(None, 0))
    if term is None or count * 2 <= len(read):
        return None, ""
    unclear = sum(one.primary is None for one in read)
    rest = f", {unclear} {'is' if unclear == 1 else 'are'} not clear enough to name" if unclear else ""
    return term, f"; {count} of {len(read)} show {wording.term_label(term)}{rest}"


def proximity(one: Person, two: Person) -> tuple[Relationship, Evidence]:
    """Say whether two faces are close together in the picture.

    They are if their centres are nearer than `CLOSE` face heights. Faces of different size may be at different depth,
    so the confidence falls with the ratio of their heights.
    """
    distance = face_distance(one, two)
    heights = sorted((one.face.box.height, two.face.box.height))
    kind = "close_together" if distance < CLOSE else "apart"
    words = "close together" if kind == "close_together" else "apart"
    entry = Evidence(
        id=f"pair.{one.id}.{two.id}.distance",
        kind="geometry",
        text=f"The faces of {pair_name(one, two, inside=True)} are {distance:.1f} face heights apart.",
        value=round(distance, 3),
        person=None,
    )
    relationship = Relationship(
        people=(one.id, two.id),
        kind="close_together" if kind == "close_together" else "apart",
        text=f"{pair_name(one, two)} are {words} in the picture.",
        basis="observed",
        evidence=(entry.id,),
        confidence=round(heights[0] / heights[1], 3),
    )
    return relationship, entry


def likeness(one: Person, two: Person) -> tuple[Relationship, Evidence] | None:
    """Compare two expression distributions by their overlap (sum of the smaller probabilities, 0..1).

    Nothing is said where one face was not read, or where the overlap is neither high (0.6) nor low (0.2).
    """
    if one.expression is None or two.expression is None or one.expression.abstained or two.expression.abstained:
        return None
    left, right = dict(one.expression.distribution.items()), dict(two.expression.distribution.items())
    overlap = sum(min(left[name], right[name]) for name in left)
    if 0.2 < overlap < 0.6:
        return None
    alike = overlap >= 0.6
    apart = one.expression.valence.value * two.expression.valence.value < -(OPPOSED**2)
    kind: RelationKind = "similar_expression" if alike else "opposed_expression" if apart else "different_expression"
    entry = Evidence(
        id=f"pair.{one.id}.{two.id}.likeness",
        kind="geometry",
        text=f"The expressions of {pair_name(one, two, inside=True)} overlap by {overlap:.2f}.",
        value=round(overlap, 4),
        person=None,
    )
    relationship = Relationship(
        people=(one.id, two.id),
        kind=kind,
        text=f"{pair_name(one, two)} show {kind.split('_')[0]} expressions.",
        basis="inferred",
        evidence=(entry.id,),
        confidence=round(min(max(overlap if alike else 1 - overlap, 0.0), 1.0), 4),
    )
    return relationship, entry
