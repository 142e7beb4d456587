"""Words for the numbers and codes of a report, shared by the report's own sentences and all views made for people.

Thresholds are lower bounds: a value on a bound takes the stronger word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ferce_agent.ontology.store import ontology
from ferce_agent.report import (
    AbstainReason,
    Basis,
    DegradedCode,
    EmotionReport,
    Expression,
    HeadPose,
    Origin,
    Person,
    Quality,
    QualityReason,
    RelationKind,
    Support,
    VlmReading,
)

CONFIDENCE: Final = (
    (0.90, "very likely"),
    (0.66, "likely"),
    (0.50, "more likely than not"),
    (0.33, "possible"),
    (0.00, "barely supported"),
)
"""(lower bound, word) for a probability; the upper bounds are those of the IPCC (Mastrandrea et al. 2010, table 1)."""

INTENSITY: Final = (
    (0.85, "very strong"),
    (0.60, "strong"),
    (0.35, "moderate"),
    (0.15, "slight"),
    (0.05, "barely visible"),
    (0.00, "not visible"),
)
"""(lower bound, word) for the strength of an expression or an action unit, 0 to 1; our own convention."""

VALENCE: Final = (
    (0.50, "clearly pleasant"),
    (0.15, "rather pleasant"),
    (-0.15, "neither pleasant nor unpleasant"),
    (-0.50, "rather unpleasant"),
    (-1.00, "clearly unpleasant"),
)
"""(lower bound, word) for valence, -1 to 1; our own convention."""

AROUSAL: Final = (
    (0.50, "very activated"),
    (0.15, "rather activated"),
    (-0.15, "neither calm nor activated"),
    (-0.50, "rather calm"),
    (-1.00, "very calm"),
)
"""(lower bound, word) for arousal, -1 to 1; our own convention."""

READABILITY: Final = ((0.75, "easy to read"), (0.40, "readable"), (0.00, "hard to read"))
"""(lower bound, word) for the quality score of a face, 0 to 1; our own convention."""

QUALITY: Final[dict[QualityReason, str]] = {
    "too_small": "the face is small",
    "blurred": "the face is blurred",
    "too_dark": "the face is dark",
    "too_bright": "the face is overexposed",
    "low_contrast": "the face has little contrast",
    "extreme_pose": "the head is turned far from the camera",
    "cut_by_frame": "the face is cut off by the edge of the picture",
    "bad_landmarks": "eyes, nose and mouth do not lie as in a face",
    "stretched": "the face is stretched or squeezed",
    "not_upright": "it is not clear which way up the face is",
    "maybe_not_a_face": "it may not be a face",
    "drawn": "it may be a drawing, a statue or a print",
    "eyes_covered": "the eyes are covered",
    "nose_covered": "the nose is covered",
    "mouth_covered": "the mouth is covered",
    "likely_occluded": "part of the face is probably covered",
}
"""What makes a face hard to read, in words."""

ABSTAIN: Final[dict[AbstainReason, str]] = {
    "unsure": "no probability is high enough, or it changes from look to look",
    "low_quality": "the face is too hard to read",
    "covered": "what is not covered of the face does not carry one",
}
"""Why no expression is named, in words."""

SUPPORT: Final[dict[Support, tuple[str, str]]] = {
    "supported": ("✓", "supported"),
    "contradicted": ("✗", "contradicted"),
    "unverified": ("?", "not verified"),
}
"""(symbol, word) for how a claim stands against the measurements."""

BASIS: Final[dict[Basis | str, str]] = {
    "observed": "seen in the picture",
    "stated": "said by the caller",
    "inferred": "concluded",
    "unknown": "unknown",
}
"""What a statement rests on, in words."""

ORIGIN: Final[dict[Origin, str]] = {
    "measured": "measured",
    "derived": "calculated",
    "vlm": "described by a vision-language model",
}
"""Where a number comes from, in words."""

DEGRADED: Final[dict[DegradedCode, str]] = {
    "no_face": "No face found",
    "more_faces_than_limit": "Some faces left out",
    "face_failed": "A face was not read",
    "vlm_not_configured": "No vision-language model set up",
    "vlm_failed": "The vision-language model did not answer",
    "vlm_skipped": "The vision-language model was not asked",
    "action_units_not_measured": "Facial movements were not measured",
    "context_failed": "The context could not be used",
    "language_not_understood": "A language was not understood",
    "words_not_read": "Words were not read",
    "sentences_not_compared": "Sentences were not compared with examples",
    "policy_restricted": "Not inferred by rule",
    "baseline_not_applied": "Not read against the person's baseline",
    "first_frame_only": "Only the first frame was read",
    "timeout": "Time ran out",
}
"""A heading for each reason code of `degraded`."""

RELATION: Final[dict[RelationKind, str]] = {
    "close_together": "close together",
    "apart": "apart",
    "similar_expression": "similar expressions",
    "different_expression": "different expressions",
    "opposed_expression": "opposed expressions",
    "facing_each_other": "turned towards each other",
    "facing": "one turned towards the other",
    "facing_away": "turned away from each other",
    "facing_same_way": "turned the same way",
    "stated": "as said by the caller",
}
"""What holds between two people, in words."""

TIE_MARGIN: Final = 0.005
"""Shares that differ by less look equal when they are written with two decimals."""


def word_for(value: float, scale: Sequence[tuple[float, str]]) -> str:
    """Return the word of the highest bound that `value` reaches, or the last word below all bounds.

    Args:
        value: The number.
        scale: (lower bound, word), from the highest bound to the lowest, such as `CONFIDENCE`.
    """
    return next((word for bound, word in scale if value >= bound), scale[-1][1])


def confidence_word(value: float) -> str:
    """Return a plain word for a probability, 0 to 1; see `CONFIDENCE`."""
    return word_for(value, CONFIDENCE)


def intensity_word(value: float) -> str:
    """Return a plain word for a strength, 0 to 1; see `INTENSITY`."""
    return word_for(value, INTENSITY)


def percent(value: float, decimals: int = 0) -> str:
    """Return a share, 0 to 1, as a percentage that never rounds to certainty or to impossibility.

    0.9996 reads ``>99%`` and 0.0004 reads ``<1%``; only exact 0 and 1 read ``0%`` and ``100%``.
    """
    step = 10.0**-decimals
    shown = round(value * 100, decimals)
    if value > 0 and shown <= 0:
        return f"<{step:.{decimals}f}%"
    if value < 1 and shown >= 100:
        return f">{100 - step:.{decimals}f}%"
    return f"{shown:.{decimals}f}%"


def signed(value: float) -> str:
    """Return a number with two decimals and its sign, ``0.00`` without one."""
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if text in {"+0.00", "−0.00"} else text


def milliseconds(value: float) -> str:
    """Return a duration in milliseconds, or in seconds from 1,000 ms on."""
    return f"{value / 1000:.1f} s" if value >= 999.5 else f"{value:.0f} ms" if value >= 9.95 else f"{value:.1f} ms"


def code_words(code: str) -> str:
    """Return a machine-readable name as words: ``close_together`` reads ``close together``."""
    return code.replace("_", " ")


def term_label(term: str) -> str:
    """Return the ontology's label of an expression."""
    return ontology().terms[term].label


def appraisal_label(appraisal: str) -> str:
    """Return the ontology's label of an appraisal."""
    return ontology().appraisals[appraisal].label


def person_name(person_id: str) -> str:
    """Return ``Person 1`` for ``person-1``."""
    return person_id.replace("person-", "Person ", 1)


def people_names(ids: Sequence[str]) -> str:
    """Return ``Person 1``, or ``Persons 1, 2 and 4`` for several ids."""
    if len(ids) == 1:
        return person_name(ids[0])
    *first, last = map(person_number, ids)
    return f"Persons {', '.join(first)} and {last}"


def person_number(person_id: str) -> str:
    """Return ``1`` for ``person-1``."""
    return person_id.removeprefix("person-")


def shows(term: str) -> str:
    """Return what a face with this expression does: ``shows happiness``, ``appears happily surprised``."""
    entry = ontology().terms[term]
    if term == "neutral":
        return "shows a neutral expression"
    # Compound terms are adjectives themselves; the others are nouns with an adjective beside them.
    return f"{'appears' if entry.adjective == entry.label else 'shows'} {entry.label}"


def short_name(person: Person) -> str:
    """Return the expression in a word or two for labels: its name, ``unsure`` or ``not read``."""
    if person.expression is None:
        return "not read"
    return "unsure" if person.expression.primary is None else term_label(person.expression.primary)


def headline(person: Person) -> str:
    """Return one line on what a person shows, how sure that is, and how strong."""
    name = person_name(person.id)
    expression = person.expression
    if expression is None:
        # Movements without an expression: it was left out by rule.
        return f"{name}: no expression is inferred" if person.action_units else f"{name} could not be read"
    if expression.primary is None:
        return f"{name}: no expression is named, {_abstention(expression, person.face.quality)}"
    sure = f"({confidence_word(expression.confidence)}, {percent(expression.confidence)})"
    return f"{name} {shows(expression.primary)} {sure}{_strength(expression)}"


def _strength(expression: Expression) -> str:
    if expression.primary == "neutral":
        return ""
    return f", {intensity_word(expression.intensity.value)}"


def _abstention(expression: Expression, quality: Quality) -> str:
    reason = abstention(expression, quality)
    first, second = expression.distribution.ranked()[:2]
    if first[1] - second[1] < TIE_MARGIN:
        return f"{reason} ({term_label(first[0])} and {term_label(second[0])} come first, {percent(first[1])} each)"
    return f"{reason} (likeliest: {term_label(first[0])}, {percent(first[1])})"


def quality_words(quality: Quality) -> str:
    """Return how readable a face is, and what stands in the way."""
    reasons = "; ".join(QUALITY[reason] for reason in quality.reasons)
    return f"{word_for(quality.score, READABILITY)} ({quality.score:.2f} of 1){': ' if reasons else ''}{reasons}"


def pose_words(pose: HeadPose) -> str:
    """Return the head rotation with directions as seen in the picture."""
    turned = f"{abs(pose.yaw):.0f}° {'right' if pose.yaw > 0 else 'left'}"
    raised = f"{abs(pose.pitch):.0f}° {'up' if pose.pitch > 0 else 'down'}"
    leaning = f"{abs(pose.roll):.0f}° leaning {'clockwise' if pose.roll > 0 else 'anticlockwise'}"
    return f"{turned}, {raised}, {leaning}"


def vlm_words(seen: VlmReading) -> str:
    """Return what a vision-language model says in one paragraph: label, strength, posture, and how it was obtained."""
    if seen.components:
        named = " and ".join(f"{term_label(part.term)} {percent(part.weight)}" for part in seen.components)
    else:
        named = term_label(seen.primary) if seen.primary else "no single expression"
    strength = f", {intensity_word(seen.intensity)}" if seen.intensity is not None and seen.primary != "neutral" else ""
    sure = f", by its own account {seen.certainty}" if seen.certainty else ""
    against = {True: "in line with the measurement", False: "against the measurement", None: "not comparable"}
    counts = f"counted with weight {seen.weight:.2f}" if seen.weight else "not counted in the probabilities"
    body = f" Posture: {seen.body}." if seen.body else ""
    repaired = f" Asked again {len(seen.repairs)} times." if seen.repairs else ""
    return f"{named}{strength}{sure}; {against[seen.agrees]}, {counts}.{body}{repaired}"


def main_doubt(person: Person, report: EmotionReport) -> str:
    """Return the weightiest reason to doubt what is said about one person, in a few words; empty where there is none.

    In this order: nothing was read; no expression is named; what was asked and could not be done; the model or a
    measurement says otherwise; something in the way of the face; a second expression that is as well supported.
    """
    gaps = [entry.message for entry in report.degraded if entry.person == person.id]
    expression = person.expression
    if expression is None:
        return gaps[0] if gaps else "no expression is inferred"
    if expression.primary is None:
        return _unnamed(person, expression)
    return next(iter(gaps), "") or _contradiction(person, report) or _obstacle(person, expression)


def abstention(expression: Expression, quality: Quality) -> str:
    """Return in words why no expression is named: what is most in the way of the face, where that is the reason."""
    if expression.abstain_reason == "low_quality" and quality.reasons:
        return QUALITY[quality.reasons[0]]
    return ABSTAIN[expression.abstain_reason or "unsure"]


def _unnamed(person: Person, expression: Expression) -> str:
    reason = abstention(expression, person.face.quality)
    shares = [f"{term_label(term)} {percent(share)}" for term, share in expression.distribution.ranked()[:2]]
    return f"{reason} ({', '.join(shares)})"


def _contradiction(person: Person, report: EmotionReport) -> str:
    seen = person.vlm
    if seen is not None and seen.agrees is False and seen.primary:
        return f"the vision-language model says {term_label(seen.primary)}"
    if any(claim.status == "contradicted" for claim in person.rationale):
        return "a measured movement speaks against it"
    conflict = any(entry.person == person.id for entry in report.conflicts)
    return "it does not go with what is known of the situation" if conflict else ""


def _obstacle(person: Person, expression: Expression) -> str:
    if person.face.quality.reasons:
        return QUALITY[person.face.quality.reasons[0]]
    parts: set[str | None] = {part.term for part in expression.components} or {expression.primary}
    others = [term_label(term) for term in expression.prediction_set if term not in parts]
    return f"it could also be {' or '.join(others)}" if others else ""
