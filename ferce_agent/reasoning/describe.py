"""One face in words: what was measured, what that is read as, and on which evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.against_rest import rest_words
from ferce_agent.reasoning.movements import movement_claim, movement_evidence
from ferce_agent.report import (
    REGIONS,
    ActionUnitReading,
    Claim,
    Description,
    Distribution,
    Evidence,
    Expression,
    Face,
    slug,
    wording,
)
from ferce_agent.report.baseline import AgainstRest

STRONG_MOVEMENT: Final = 0.4
"""Movements from this intensity on are named in the description."""
NOTABLE_SIGN: Final = 0.15
"""A second expression of at least this probability is mentioned."""


def evidence_for(
    person: str, face: Face, expression: Expression | None, measured: Sequence[ActionUnitReading] = ()
) -> list[Evidence]:
    """Return the measurements of one face as entries of evidence.

    Quality, pose, movements and, if the expression was read, notable probabilities and the ontology's prototype (the
    movements that are typical of the named expression).

    Args:
        person: Id of the person, such as ``person-1``; begins the ids of the entries.
        face: Where and how readable the face is.
        expression: What it shows; None if that was not read.
        measured: Its action units.
    """
    entries = [
        Evidence(
            id=f"{person}.quality",
            kind="quality",
            text=readability(face),
            value=face.quality.score,
            person=person,
        ),
        Evidence(id=f"{person}.pose", kind="pose", text=head_pose(face), value=face.pose.yaw, person=person),
        *movement_evidence(person, expression, measured),
    ]
    if expression is None:
        return entries
    for name, share in notable(expression.distribution):
        text = f"Calibrated probability of {name}: {wording.percent(share, 1)}."
        entries.append(
            Evidence(id=f"{person}.probability.{name}", kind="probability", text=text, value=share, person=person)
        )
    if expression.primary is not None and (prototype := prototype_words(expression.primary)):
        identity = f"{person}.ontology.{slug(expression.primary)}"
        entries.append(Evidence(id=identity, kind="ontology", text=prototype, value=None, person=person))
    return entries


def notable(distribution: Distribution) -> list[tuple[str, float]]:
    """Return the three most probable expressions and any other above 0.05, most probable first."""
    return [(name, share) for rank, (name, share) in enumerate(distribution.ranked()) if rank < 3 or share > 0.05]


def readability(face: Face) -> str:
    """Say how large and how readable the face is."""
    return f"The face is {face.quality.size_px:.0f} pixels across, {wording.quality_words(face.quality)}."


def head_pose(face: Face) -> str:
    """Say how the head is turned: in words where it is notable, and in degrees."""
    pose = face.pose
    notable_turn = max(abs(pose.yaw), abs(pose.pitch)) > 20 or abs(pose.roll) > 15
    turn = "turned" if notable_turn else "facing the camera"
    return f"The head is {turn} ({wording.pose_words(pose)})."


def prototype_words(term_id: str) -> str:
    """Say which action units the ontology lists for a term; empty if none."""
    units = [ontology().action_units[unit] for unit in ontology().term(term_id).action_units]
    if not units:
        return ""
    movements = ", ".join(f"{unit.movement} ({unit.id})" for unit in units)
    return f"Movements typical of {ontology().term(term_id).adjective} faces in the ontology: {movements}."


def describe(
    face: Face,
    expression: Expression | None,
    measured: Sequence[ActionUnitReading] = (),
    rest: AgainstRest | None = None,
) -> Description:
    """Return the face in words, measured and inferred apart; with a baseline, what differs without it."""
    observed = f"{head_pose(face)} {seen_movements(measured)}{readability(face)}"
    return Description(observed=observed, inferred=f"{inferred_words(expression, face)} {rest_words(rest)}".strip())


def seen_movements(measured: Sequence[ActionUnitReading]) -> str:
    """Say which movements stand out, strongest first, with a space at the end; empty where nothing measured any."""
    if not measured:
        return ""
    strong = sorted((unit for unit in measured if unit.intensity >= STRONG_MOVEMENT), key=lambda unit: -unit.intensity)
    if not strong:
        return "No movement of the face stands out. "
    names = [ontology().action_units[unit.id].movement for unit in strong[:5]]
    return f"Seen: {', '.join(names)}. "


def inferred_words(expression: Expression | None, face: Face) -> str:
    """Return in hedged words what a face shows."""
    if expression is None:
        return "The expression could not be read."
    if expression.primary is None:
        reason = wording.abstention(expression, face.quality)
        likeliest = tuple(name for name, _ in expression.distribution.ranked()[:2])
        options = " or ".join((expression.prediction_set if len(expression.prediction_set) > 1 else likeliest)[:3])
        return f"No expression is named, because {reason}; it may show {options}."
    ranked = expression.distribution.ranked()
    sure = wording.confidence_word(expression.confidence)
    strength = "" if expression.primary == "neutral" else f", {wording.intensity_word(expression.intensity.value)}"
    second, share = ranked[1]
    signs = share >= NOTABLE_SIGN and not expression.components and second != "neutral"
    rest = f"; there are signs of {second}" if signs else ""
    return f"The face {wording.shows(expression.primary)} ({sure}{strength}){rest}.{_basis(expression)}"


def _basis(expression: Expression) -> str:
    """Say which parts of the face this rests on, where some are covered; with a space before it."""
    if len(expression.rests_on) == len(REGIONS):
        return ""
    return f" This rests on the {' and the '.join(expression.rests_on)} alone."


def rationale_for(
    person: str, face: Face, expression: Expression | None, measured: Sequence[ActionUnitReading] = ()
) -> list[Claim]:
    """Explain the named expression, or the abstention, by the evidence at hand."""
    if expression is None:
        return []
    movements = movement_claim(person, expression, measured)
    return [probability_claim(person, expression), *([movements] if movements else []), quality_claim(person, face)]


def quality_claim(person: str, face: Face) -> Claim:
    """State whether the picture limits what can be read."""
    problems = [wording.QUALITY[reason] for reason in face.quality.reasons]
    text = (
        f"The reading is limited: {'; '.join(problems)}." if problems else "Nothing in the picture limits the reading."
    )
    ids = (f"{person}.quality", f"{person}.pose") if "extreme_pose" in face.quality.reasons else (f"{person}.quality",)
    return Claim(text=text, basis="observed", evidence=ids, status="supported")


def probability_claim(person: str, expression: Expression) -> Claim:
    """State the two leading probabilities and what follows from them."""
    (first, high), (second, low) = expression.distribution.ranked()[:2]
    parts = [part.term for part in expression.components] or [first, second]
    lead = f"The expression model gives {first} {wording.percent(high)} and {second} {wording.percent(low)}"
    if expression.abstain_reason == "unsure":
        lead += ", not enough to name one"
    elif expression.components:
        lead += ", together a compound expression"
    ids = tuple(f"{person}.probability.{part}" for part in parts)
    return Claim(text=f"{lead}.", basis="observed", evidence=ids, status="supported")
