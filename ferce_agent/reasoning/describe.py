"""One face in words: what was measured, what that is read as, and on which evidence."""

from __future__ import annotations

from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report import Claim, Description, Distribution, Evidence, Expression, Face, QualityReason, slug

REASON_WORDS: Final[dict[QualityReason, str]] = {
    "too_small": "small in the picture",
    "blurred": "blurred",
    "too_dark": "very dark",
    "too_bright": "very bright",
    "low_contrast": "low in contrast",
    "extreme_pose": "strongly turned",
    "cut_by_frame": "cut by the frame",
    "likely_occluded": "likely covered in part",
}
"""Quality reasons in words that follow "the face is"."""


def evidence_for(person: str, face: Face, expression: Expression | None) -> list[Evidence]:
    """List the measurements of one face: quality, pose and, if it was read, the notable probabilities and the prototype."""
    entries = [
        Evidence(
            id=f"{person}.quality",
            kind="quality",
            text=quality_words(face),
            value=face.quality.score,
            person=person,
        ),
        Evidence(id=f"{person}.pose", kind="pose", text=pose_words(face), value=face.pose.yaw, person=person),
    ]
    if expression is None:
        return entries
    for name, share in notable(expression.distribution):
        text = f"Calibrated probability of {name}: {share:.2f}."
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


def quality_words(face: Face) -> str:
    """Say how readable the face is."""
    quality = face.quality
    problems = ", ".join(REASON_WORDS[reason] for reason in quality.reasons) or "well readable"
    return f"The face is {quality.size_px:.0f} pixels wide or high, {problems} (quality {quality.score:.2f})."


def pose_words(face: Face) -> str:
    """Say how the head is turned, in words and degrees."""
    pose = face.pose
    words = [
        word
        for angle, limit, high, low in (
            (pose.yaw, 15, "turned to the right of the picture", "turned to the left of the picture"),
            (pose.pitch, 15, "raised", "lowered"),
            (pose.roll, 10, "tilted clockwise", "tilted counter-clockwise"),
        )
        if abs(angle) > limit
        for word in (high if angle > 0 else low,)
    ]
    turn = " and ".join(words) or "facing the camera"
    return f"Head {turn} (yaw {pose.yaw:.0f}, pitch {pose.pitch:.0f}, roll {pose.roll:.0f} degrees)."


def prototype_words(term_id: str) -> str:
    """Say which action units the ontology lists for a term; empty if none."""
    units = [ontology().action_units[unit] for unit in ontology().term(term_id).action_units]
    if not units:
        return ""
    movements = ", ".join(f"{unit.movement} ({unit.id})" for unit in units)
    return f"Typical movements of {ontology().term(term_id).label} in the ontology: {movements}."


def describe(face: Face, expression: Expression | None) -> Description:
    """Return the face in words, measured and inferred apart."""
    return Description(observed=f"{pose_words(face)} {quality_words(face)}", inferred=inferred_words(expression))


def inferred_words(expression: Expression | None) -> str:
    """Return the hedged reading of a face."""
    if expression is None:
        return "The expression could not be read."
    ranked = expression.distribution.ranked()
    if expression.primary is None:
        because = (
            "the face is too hard to read" if expression.abstain_reason == "low_quality" else "the signs are mixed"
        )
        options = " or ".join(expression.prediction_set[:3])
        return f"No expression is named, because {because}; it may show {options}."
    label = ontology().term(expression.primary).label
    hedge = "clearly shows" if expression.confidence >= 0.85 else "appears to show"
    strength = "" if expression.primary == "neutral" else f"{strength_word(expression.intensity.value)} "
    name = "a neutral expression" if expression.primary == "neutral" else f"{strength}{label}"
    second, share = ranked[1]
    rest = f", with signs of {second}" if share >= 0.15 and not expression.components and second != "neutral" else ""
    return f"The face {hedge} {name}{rest}."


def strength_word(intensity: float) -> str:
    """Return slight (under 0.5), moderate (under 0.8) or strong."""
    return "slight" if intensity < 0.5 else "moderate" if intensity < 0.8 else "strong"


def rationale_for(person: str, expression: Expression | None, evidence: list[Evidence]) -> list[Claim]:
    """Explain the named expression, or the abstention, by the evidence at hand."""
    if expression is None:
        return []
    known = {entry.id for entry in evidence}
    claims = [probability_claim(person, expression)]
    identity = f"{person}.ontology.{slug(expression.primary or '')}"
    if identity in known:
        label = ontology().term(expression.primary or "").label
        text = f"The movements typical of {label} would be expected; no engine measured them."
        claims.append(Claim(text=text, basis="inferred", evidence=(identity,), status="unverified"))
    quality = next(entry for entry in evidence if entry.kind == "quality")
    claims.append(Claim(text=quality.text, basis="observed", evidence=(quality.id,), status="supported"))
    return claims


def probability_claim(person: str, expression: Expression) -> Claim:
    """State the two leading probabilities and what follows from them."""
    (first, high), (second, low) = expression.distribution.ranked()[:2]
    parts = [part.term for part in expression.components] or [first, second]
    lead = f"The expression model gives {first} {high:.2f} and {second} {low:.2f}"
    if expression.abstain_reason == "unsure":
        lead += ", too even to name one"
    elif expression.components:
        lead += ", together a compound expression"
    ids = tuple(f"{person}.probability.{part}" for part in parts)
    return Claim(text=f"{lead}.", basis="observed", evidence=ids, status="supported")
