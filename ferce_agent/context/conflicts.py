"""Words and faces that do not go together.

The emotion of the words themselves, and conflicts with the interpretations they allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ferce_agent.context.causes import StatedAppraisal, concerns
from ferce_agent.context.statements import Statement
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.ontology.normalise import normalise
from ferce_agent.ontology.store import ontology
from ferce_agent.report import Conflict, Evidence, Person, TextEmotion, wording

GOOD: Final = frozenset({"pleasant", "desirable", "just", "congruent_with_ideals", "not_dangerous"})
"""Appraisals of good events."""
BAD: Final = frozenset(
    {
        "unpleasant",
        "undesirable",
        "loss",
        "unjust",
        "dangerous",
        "not_congruent_with_ideals",
        "unavoidable",
        "deliberate",
    }
)
"""Appraisals of bad events; those in neither set can be good or bad."""
CLEAR: Final = 0.5
"""Least probability of the expressions on one side for a face to count as clearly pleasant or unpleasant."""
LIKELY: Final = 0.25
"""Least probability at which mere likeness to examples counts as a good or bad event."""
MEANT: Final = 0.35
"""Least strength, 0..1, of what the words express for them to count as clearly pleasant or unpleasant."""

SMILE_AT_BAD: Final[tuple[str, ...]] = (
    "politeness, or a smile kept up for others",
    "relief that it is over or was not worse",
    "irony, or laughing it off",
    "the picture caught another moment",
)
"""What may explain a pleased face at something bad; none of it is asserted."""
FROWN_AT_GOOD: Final[tuple[str, ...]] = (
    "being moved, as in tears of joy",
    "strain or tiredness after the effort",
    "worry about what follows",
    "the picture caught another moment",
)
"""What may explain a displeased face at something good."""
CALM_AT_STRONG_WORDS: Final[tuple[str, ...]] = (
    "the words are stronger than what is shown, as people often stay composed",
    "irony or exaggeration in the words",
    "the picture caught another moment",
)
"""What may explain a calm face beside the person's own strong words."""


def face_side(person: Person) -> int:
    """Return 1 for a clearly pleasant face, -1 for a clearly unpleasant one, else 0 (neutral, surprise, unclear)."""
    if person.expression is None:
        return 0
    shares = dict(person.expression.distribution.items())
    if shares["happiness"] >= CLEAR:
        return 1
    bad = sum(shares[name] for name in ("sadness", "anger", "disgust", "fear", "contempt"))
    return -1 if bad >= CLEAR else 0


def event_side(found: Sequence[StatedAppraisal]) -> int:
    """Return 1 where good events are told, -1 for bad ones, 0 where neither or both are.

    Cues decide where there are any, by the sums of their weights; else the good and the bad appraisal with the largest
    weight by likeness to examples. The two sides must differ notably.
    """
    found = [one for one in found if one.cued or one.likely >= LIKELY]
    cued = [one for one in found if one.cued and (one.appraisal.id in GOOD or one.appraisal.id in BAD)]
    add = sum if cued else max
    good = add([one.weight for one in cued or found if one.appraisal.id in GOOD] or [0.0])
    bad = add([one.weight for one in cued or found if one.appraisal.id in BAD] or [0.0])
    if good == bad or min(good, bad) > (0.6 if cued else 0.85) * max(good, bad):
        return 0
    return 1 if good > bad else -1


def text_emotion(
    said: Sequence[Statement], stated: Sequence[StatedAppraisal], speaker: str, face: Person | None
) -> TextEmotion | None:
    """Estimate what the words of one speaker (or of the caller, "") express; None where they express nothing.

    Words of feeling count fully, cues of events by half, mere likeness by its probability; orders, stories and
    hypotheticals do not count.
    """
    votes: dict[Canonical, float] = dict.fromkeys(CANONICAL, 0.0)
    used: list[str] = []
    for one in said:
        if one.speaker != speaker or not one.real:
            continue
        before = sum(votes.values())
        real = " ".join(sentence.text for sentence in one.sentences if sentence.real)
        for name in normalise(real).candidates:
            family = ontology().canonical_of(name)
            for term in family:
                votes[term] += 1 / len(family)
        for found in (item for item in stated if item.statement.id == one.id):
            clear = 1.0 if found.cued else found.likely
            for term in found.appraisal.expressions:
                votes[term] += 0.5 * clear / len(found.appraisal.expressions)
        if sum(votes.values()) > before:
            used.append(one.id)
    total = sum(votes.values())
    if total <= 0:
        return None
    return _text_emotion(votes, total, used, speaker, face)


def _text_emotion(
    votes: dict[Canonical, float], total: float, used: list[str], speaker: str, face: Person | None
) -> TextEmotion:
    terms = ontology().terms
    valence = sum(share * float(terms[name].valence) for name, share in votes.items()) / total
    first, second = sorted(votes, key=lambda name: -votes[name])[:2]
    primary = first if votes[first] > votes[second] else None
    confidence = min(votes[first] / total * (1 - 0.5 ** (total * 2)), 0.95)
    side = 0 if abs(valence) < MEANT else (1 if valence > 0 else -1)
    shown = face_side(face) if face is not None else 0
    who = f"The words of {speaker}" if speaker else "The caller's words"
    return TextEmotion(
        speaker=speaker or None,
        primary=primary,
        valence=round(max(min(valence, 1.0), -1.0), 4),
        confidence=round(confidence, 4),
        agrees=None if side == 0 or shown == 0 else side == shown,
        text=f"{who} by themselves express {wording.term_label(primary) if primary else 'mixed emotions'}.",
        evidence=tuple(used[:10]),
    )


def text_emotions(
    said: Sequence[Statement], stated: Sequence[StatedAppraisal], people: Sequence[Person]
) -> list[TextEmotion]:
    """Return the emotion of the caller's own words and of each speaker, compared with the speaker's face if known."""
    known = {person.id: person for person in people}
    speakers = dict.fromkeys(one.speaker for one in said if one.source == "words")
    found = []
    for speaker in list(speakers)[:8]:
        person = next((one.person for one in said if one.speaker == speaker and one.person), "")
        face = known.get(person) if speaker else (people[0] if len(people) == 1 else None)
        emotion = text_emotion(said, stated, speaker, face)
        if emotion is not None:
            found.append(emotion)
    return found


def find_conflicts(
    people: Sequence[Person], said: Sequence[Statement], stated: Sequence[StatedAppraisal]
) -> tuple[list[Conflict], list[Evidence]]:
    """Return where a face does not go with the event told, or with the person's own words.

    The face's side of it is returned as new evidence.
    """
    conflicts: list[Conflict] = []
    evidence: list[Evidence] = []
    for person in people:
        events = [item for item in stated if concerns(item, person)]
        own = [one for one in said if one.real and one.person == person.id]
        named = any(item.about for item in events)
        if person.expression is None or (person.id != people[0].id and not own and not named):
            continue
        found = _conflict(person, events, own, stated)
        if found is not None:
            conflicts.append(found[0])
            evidence.append(found[1])
    return conflicts, evidence


def _conflict(
    person: Person, events: Sequence[StatedAppraisal], own: Sequence[Statement], stated: Sequence[StatedAppraisal]
) -> tuple[Conflict, Evidence] | None:
    assert person.expression is not None
    side, told = face_side(person), event_side(events)
    words = text_emotion(own, stated, own[0].speaker, person) if own else None
    spoken = 0 if words is None or abs(words.valence) < MEANT else (1 if words.valence > 0 else -1)
    term, share = person.expression.distribution.ranked()[0]
    shown = Evidence(
        id=f"{person.id}.shown",
        kind="probability",
        text=f"{wording.person_name(person.id)} {wording.shows(term)} ({wording.percent(share)}).",
        value=share,
        person=person.id,
    )
    if side and told == -side:
        readings: tuple[str, ...] = SMILE_AT_BAD if side > 0 else FROWN_AT_GOOD
        ids = tuple(dict.fromkeys(found.statement.id for found in events))
        between, text = "situation", f"{_face(side)}, while what is told is {_event(told)}."
    elif side and spoken == -side and words is not None:
        readings = SMILE_AT_BAD if side > 0 else FROWN_AT_GOOD
        ids, between = words.evidence, "words"
        text = f"{_face(side)}, while the person's own words are {_event(spoken)}."
    elif term == "neutral" and share >= CLEAR and words is not None and words.confidence >= 0.6 and spoken:
        readings, ids, between = CALM_AT_STRONG_WORDS, words.evidence, "words"
        text = f"The face is calm, while the person's own words are {_event(spoken)}."
    else:
        return None
    conflict = Conflict(
        person=person.id,
        between="face_and_situation" if between == "situation" else "face_and_words",
        text=text,
        readings=readings,
        evidence=(shown.id, *ids[:6]),
        confidence=round(min(share, 0.9) * 0.9, 4),
    )
    return conflict, shown


def _face(side: int) -> str:
    return "The face looks pleased" if side > 0 else "The face looks displeased"


def _event(side: int) -> str:
    return "something good" if side > 0 else "something bad"
