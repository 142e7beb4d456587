"""Typed causes: from the caller's words, from other people's expressions, and from a change over time.

Each statement that tells of something real is searched for the ontology's cues of an appraisal ("funeral": loss). A
statement of a loss is evidence of a loss; that the face shows sadness *because of* it remains an interpretation, so the
confidence is bounded. Where nothing is stated, another person's expression or a clear change since an earlier reading
may be named, as inferred. Nothing else.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.events import NOTHING, EventMatcher, EventScores
from ferce_agent.context.evidence_spans import carrying_words
from ferce_agent.context.negation import affirmed, opposed, tells_of_bad
from ferce_agent.context.pairs import face_distance
from ferce_agent.context.statements import Sentence, Statement, is_plain_act
from ferce_agent.inputs.situation import EarlierReading
from ferce_agent.ontology.labels import Canonical
from ferce_agent.ontology.normalise import PhraseFinder, PhraseHit, normalise
from ferce_agent.ontology.store import Appraisal, ontology
from ferce_agent.report import Alternative, Cause, Evidence, Person, Span, wording
from ferce_agent.vlm.extraction.hygiene import shorten

# Three kinds of numbers follow, tuned on the development and the fresh cases of `ferce bench situations`. Confidences,
# shares and probabilities are 0..1. Weights say how clearly a sentence makes an appraisal: its cue words give 0.4 and a
# tenth for each of their characters, likeness to examples up to 3.3. Ranks add to a weight how well it suits a face.
# Weights and ranks have no unit; only their order and the bounds below count.

MAX_CAUSES: Final = 5
"""Causes reported per person."""
STATED_CONFIDENCE: Final = 0.7
"""Confidence of a stated cause that agrees with the face; halved where it does not agree."""
INFERRED_CONFIDENCE: Final = 0.4
"""Highest confidence of a cause that nobody stated."""
AGREES: Final = 0.4
"""Least probability of the expected expressions for a cause to agree with the face."""
CLEAR: Final = 0.5
"""Least probability at which another person's expression counts as a cause."""
CHANGE: Final = 0.5
"""Least change of pleasantness that counts as a change."""
NEARBY: Final = 6.0
"""Only people within so many face heights are looked at as a cause."""
FITS: Final = 1.0
"""What the rank gains for each unit of probability of the expressions that the appraisal leads one to expect."""
OPEN: Final = 0.2
"""The probability assumed there for an appraisal that leads one to expect no expression in particular."""
EXPLAINS: Final = 1.2
"""What the rank gains for each unit of `explained`: how well the whole sentence explains the face."""
FEELING_WORDS: Final = 6
"""A sentence of at most so many words that names an expression tells of a feeling, not of an event."""
NAMED: Final = 0.4
"""What the rank gains where the sentence names the person."""
LATER: Final = 0.1
"""What the rank loses for each statement before this one: what happened is told first, what came of it after."""
LATEST: Final = 40
"""Statements before this one that are counted for `LATER`, at most."""
ASIDE: Final = 0.5
"""What the rank loses where a statement says where somebody is, or is an assistant's, rather than what happens."""
OWN_WORDS: Final = 0.5
"""What the rank gains where the person says it, and not somebody else."""
LIKENESS: Final = 2.5
"""Weight of an appraisal to which the sentence classifier gives the probability `FULL`."""
FULL: Final = 0.3
"""Probability at which likeness has the weight `LIKENESS`; the weight changes with the logarithm, see `SLOPE`."""
SLOPE: Final = 0.25
"""Part of `LIKENESS` gained or lost when the probability grows or shrinks by the factor e.

So an appraisal 55 times less likely than `FULL` has no weight."""
SECONDS: Final = 7
"""Likeliest appraisals of a sentence that are considered, at most; what the face shows decides between them."""
OFTEN: Final = 1.5
"""Factor on the odds that a sentence tells of nothing: callers tell of no event more often than the examples do."""
IDLE: Final = 0.55
"""From this probability on a sentence tells of nothing that would explain an expression."""
FIRM: Final = 1.6
"""Least weight of a cue that counts in a sentence of plain acts, or in one that tells of nothing (`IDLE`)."""
CERTAIN: Final = 0.2
"""Least probability of an appraisal without cues that does not suit the face, or of any where the face is neutral."""
NEAR: Final = 0.2
"""Least probability of an appraisal without cues, as a share of that of the likeliest one of its sentence."""
OPPOSED: Final = 0.7
"""The same share where one of the two is good and the other bad."""
NEWS: Final = 3
"""A sentence of fewer words ("Unbelievable!") comments on what another tells."""
BRIEF: Final = 0.4
"""Weight that appraisals of such a short sentence lose."""
WEAK: Final = frozenset(
    {"goal_important", "not_familiar", "familiar", "urgent", "predictable", "expected", "not_urgent"}
)
"""Appraisals that say how much is at stake rather than what happened.

They are left out where cues of the same sentence say what happened, and lose the weight `YIELD` where only likeness to
examples does."""
YIELD: Final = 0.7
"""Weight that appraisals in `WEAK` lose beside others of the same sentence."""
GENERIC: Final = frozenset({"desirable", "undesirable"})
"""Appraisals that nearly every good or bad event has."""
BROAD: Final = 0.1
"""Weight that appraisals in `GENERIC` lose, so that a more specific one that is as clear comes first."""

COMPARED: Final = 200
"""Different sentences that the sentence classifier reads; in the others only cues count, and the report says so."""
UNREAD: Final = EventScores({})
"""Scores of a sentence that the sentence classifier did not read."""

FROM_OTHERS: Final[dict[tuple[str, str], str]] = {
    ("fear", "anger"): "dangerous",
    ("fear", "contempt"): "unpleasant",
    ("fear", "fear"): "dangerous",
    ("sadness", "anger"): "unpleasant",
    ("sadness", "contempt"): "unpleasant",
    ("sadness", "sadness"): "undesirable",
    ("fear", "sadness"): "undesirable",
    ("sadness", "fear"): "undesirable",
    ("anger", "anger"): "caused_by_other",
    ("anger", "contempt"): "unjust",
    ("anger", "happiness"): "caused_by_other",
    ("disgust", "disgust"): "unpleasant",
    ("disgust", "happiness"): "unpleasant",
    ("contempt", "happiness"): "not_congruent_with_ideals",
    ("surprise", "surprise"): "not_expected",
    ("surprise", "happiness"): "not_expected",
    ("surprise", "anger"): "not_expected",
    ("surprise", "fear"): "not_expected",
    ("surprise", "sadness"): "not_expected",
    ("fear", "surprise"): "not_expected",
    ("happiness", "happiness"): "pleasant",
    ("happiness", "surprise"): "pleasant",
}
"""(what a person shows, what somebody nearby shows) -> id of the appraisal that this suggests; our own choice."""


@dataclass(frozen=True, slots=True)
class StatedAppraisal:
    """An appraisal that a sentence makes likely.

    Attributes:
        appraisal: The ontology's entry.
        statement: Where it is said.
        about: People it is about; empty for anybody.
        phrase: The words that carry it, cut to 80 characters.
        span: First and one past the last character of these words in the statement's text.
        sentence: First character of the sentence in the statement's text.
        weight: How clearly it is said: cues count by number and length, likeness to examples by its probability. No
            unit; see the top of the module.
        cued: Whether a cue of the ontology says so; else only likeness to examples does.
        near: Probability of all appraisals of the sentence by likeness to examples; empty where nothing was compared.
    """

    appraisal: Appraisal
    statement: Statement
    about: tuple[str, ...]
    phrase: str
    span: tuple[int, int]
    sentence: int
    weight: float
    cued: bool = True
    near: Mapping[str, float] = field(default_factory=dict)

    @property
    def likely(self) -> float:
        """Its probability by likeness to examples; 1 where nothing was compared."""
        return self.near.get(self.appraisal.id, 1.0)


class Shares(Protocol):
    """Probabilities of the eight expressions."""

    def items(self) -> Iterator[tuple[Canonical, float]]:
        """Yield each expression with its probability."""

    def ranked(self) -> list[tuple[Canonical, float]]:
        """Return them, most probable first."""


class Shown(Protocol):
    """What a face shows, or what a voice sounds like."""

    @property
    def distribution(self) -> Shares:
        """The probabilities."""


class Bearer(Protocol):
    """Somebody whose expression may have a cause: a person of a report, or whoever speaks in a turn of speech."""

    @property
    def id(self) -> str:
        """Id in the report."""

    @property
    def expression(self) -> Shown | None:
        """The expression; None where it was not read."""


@once
def cue_finder() -> PhraseFinder:
    """Return the finder of the ontology's cues, keyed by appraisal id."""
    return PhraseFinder({name: appraisal.cues for name, appraisal in ontology().appraisals.items()})


def stated_appraisals(said: Sequence[Statement], matcher: EventMatcher | None = None) -> list[StatedAppraisal]:
    """Return each appraisal that a sentence about something real makes and does not negate.

    Args:
        said: Statements, in the order they were told.
        matcher: Compares sentences with examples; without it only cues count.

    Returns:
        Sentence by sentence in the order told, within a sentence the clearest first.

    Raises:
        WeightsError: The matcher's classifier or encoder cannot be read.
    """
    jobs = [(one, sentence) for one in said for sentence in one.sentences if sentence.real]
    texts = list(dict.fromkeys(sentence.text for _, sentence in jobs))[:COMPARED]
    texts += [other for text in texts if (other := affirmed(text)) is not None and other not in texts]
    read = dict(zip(texts, matcher.read(texts), strict=True)) if matcher else {}
    return [
        found
        for one, part in jobs
        for found in appraisals_in(one, part, read.get(part.text, UNREAD), read.get(affirmed(part.text) or ""))
    ]


def names_feeling(text: str) -> bool:
    """Return whether a short sentence says how somebody feels rather than what happened ("I am furious")."""
    return len(text.split()) <= FEELING_WORDS and bool(normalise(text).candidates)


def appraisals_in(
    statement: Statement, sentence: Sentence, reading: EventScores = UNREAD, undenied: EventScores | None = None
) -> list[StatedAppraisal]:
    """Return the appraisals of one sentence, clearest first.

    Of cues that overlap the longer one counts ("lost the game" is not also "game"). What is at stake (`WEAK`) counts
    less than what happened.

    Args:
        statement: Holds the sentence.
        sentence: The sentence.
        reading: What the sentence classifier says of it; `UNREAD` where no encoder is at hand.
        undenied: What it says of the sentence without its denial; None if the sentence denies nothing.
    """
    hits: dict[str, list[PhraseHit]] = {}
    denied = False
    for hit in _longest(cue_finder().find(sentence.text)):
        denied |= hit.negated
        if not hit.negated:
            hits.setdefault(hit.key, []).append(hit)
    denied |= undenied is not None and tells_of_bad(undenied.near)
    weights = {name: 0.4 + sum(hit.end - hit.start for hit in found) / 10 for name, found in hits.items()}
    if is_plain_act(sentence.text):
        weights = {name: weight for name, weight in weights.items() if weight >= FIRM}
    elif reading.near and (hits or not (denied or names_feeling(sentence.text))):
        weights = _with_likeness(weights, reading.near)
    if not WEAK.issuperset(hits):
        weights = {name: weight for name, weight in weights.items() if name not in WEAK}
    elif not WEAK.issuperset(weights):
        weights = {name: weight - (YIELD if name in WEAK else 0.0) for name, weight in weights.items()}
    weights = {name: weight - (BROAD if name in GENERIC else 0.0) for name, weight in weights.items()}
    if len(sentence.text.split()) < NEWS and statement.source == "words":
        weights = {name: weight - BRIEF for name, weight in weights.items()}
    kept = sorted(weights.items(), key=lambda item: -item[1])
    return [_stated(name, weight, hits, statement, sentence, reading) for name, weight in kept]


def _longest(hits: Sequence[PhraseHit]) -> list[PhraseHit]:
    kept: list[PhraseHit] = []
    for hit in sorted(hits, key=lambda hit: hit.start - hit.end):
        if all(
            other.end <= hit.start or hit.end <= other.start or (other.start, other.end) == (hit.start, hit.end)
            for other in kept
        ):
            kept.append(hit)
    return kept


def _with_likeness(cued: dict[str, float], near: Mapping[str, float]) -> dict[str, float]:
    """Add what the sentence classifier says.

    A sentence that tells of nothing loses its weak cues, others gain appraisals.
    """
    near = as_told(near)
    if near[NOTHING] >= IDLE:
        return {name: weight for name, weight in cued.items() if weight >= FIRM}
    ranked = sorted((name for name in near if name != NOTHING), key=lambda name: -near[name])[:SECONDS]
    merged = dict(cued)
    for name in {*ranked, *cued}:
        clear = max(1 + SLOPE * math.log(max(near.get(name, 0.0), 1e-4) / FULL), 0.0)
        if name in cued or clear > 0:
            merged[name] = cued.get(name, 0.0) + LIKENESS * clear
    return merged


def as_told(near: Mapping[str, float]) -> dict[str, float]:
    """Return the classifier's probabilities corrected for how often callers tell of nothing in particular (`OFTEN`).

    Args:
        near: Probability of each appraisal and of ``nothing``, summing to one; so does the result.
    """
    whole = 1 + (OFTEN - 1) * near[NOTHING]
    return {name: share * (OFTEN if name == NOTHING else 1.0) / whole for name, share in near.items()}


def _stated(  # noqa: PLR0913
    name: str,
    weight: float,
    hits: Mapping[str, Sequence[PhraseHit]],
    statement: Statement,
    sentence: Sentence,
    reading: EventScores,
) -> StatedAppraisal:
    pointing = hits.get(name) or [hit for found in hits.values() for hit in found]
    first, last = carrying_words(sentence.text, name, reading.words, [(hit.start, hit.end) for hit in pointing])
    return StatedAppraisal(
        ontology().appraisals[name],
        statement,
        sentence.about,
        shorten(sentence.text[first:last], 80),
        (sentence.start + first, sentence.start + last),
        sentence.start,
        weight,
        name in hits,
        reading.near,
    )


def expected_share(person: Bearer, appraisal: Appraisal) -> float:
    """Return the probability, 0..1, that the face shows an expression this appraisal leads one to expect.

    0 for a face that was not read.
    """
    if person.expression is None:
        return 0.0
    shares = dict(person.expression.distribution.items())
    return min(sum(shares[name] for name in appraisal.expressions), 1.0)


def concerns(item: StatedAppraisal, person: Bearer) -> bool:
    """Return whether something stated may be about a person.

    It is if the sentence names the person; or if it names nobody, and is not said by somebody else in the picture.
    """
    if item.about:
        return person.id in item.about
    return not item.statement.person or item.statement.person == person.id


def find_causes(
    people: Sequence[Person],
    stated: Sequence[StatedAppraisal],
    earlier: Sequence[EarlierReading] = (),
) -> tuple[list[Cause], list[Evidence]]:
    """Return the causes offered for each read face, likeliest first, and the evidence that is new.

    What is stated comes first; other people's expressions and changes are only looked at for a face that nothing stated
    explains.

    Args:
        people: As read, largest face first; those without an expression get no cause.
        stated: From `stated_appraisals`.
        earlier: What the same people showed before, oldest first.
    """
    causes: list[Cause] = []
    evidence: list[Evidence] = []
    for person in people:
        if person.expression is None:
            continue
        own = [item for item in stated if concerns(item, person)]
        ranked = sorted(own, key=lambda item: -rank(person, item))
        found = [cause_for(person, item, ranked) for item in distinct(clearest(person, ranked))[:MAX_CAUSES]]
        if not any(cause.agrees for cause in found):
            inferred = (from_change(person, earlier), from_people(person, people))
            for cause, entry in (one for one in inferred if one is not None):
                found.append(cause)
                evidence.append(entry)
        causes += found
    return causes, evidence


def clearest(person: Bearer, ranked: Sequence[StatedAppraisal]) -> list[StatedAppraisal]:
    """Return the appraisals that may become causes of a face's expression, in the order given.

    All that cues say are kept. Of those that rest on likeness to examples alone each sentence keeps its likeliest, the
    best ranked, and one more that suits the face, as far as they are likely enough (`CERTAIN`, `NEAR`, `OPPOSED`).

    Args:
        person: Whose face it is.
        ranked: What may be about the person, by falling `rank`.
    """
    calm = person.expression is not None and leading(person)[0] == "neutral"
    kept: list[StatedAppraisal] = []
    taken: Counter[tuple[str, int]] = Counter()
    for item in ranked:
        place = (item.statement.id, item.sentence)
        suits = expected_share(person, item.appraisal) >= AGREES
        first = max((name for name in item.near if name != NOTHING), key=lambda name: item.near[name], default="")
        foremost = not first or item.likely >= item.near[first]
        if not item.cued and item.likely < CERTAIN and (calm or not suits):
            continue
        against = opposed(item.appraisal.id, first)
        if not item.cued and first and item.likely < (OPPOSED if against else NEAR) * item.near[first]:
            continue  # a face that smiles makes no good news of bad
        if item.cued or foremost or taken[place] == 0 or (taken[place] == 1 and suits):
            kept.append(item)
            taken[place] += 1
    return kept


def rank(person: Bearer, item: StatedAppraisal) -> float:
    """Return how well a stated appraisal explains a face; no unit, larger is better.

    It is the appraisal's weight, with what is gained and lost by who says it of whom, when and where, and by how well
    it suits the face. What else the same sentence may be appraised as counts, too: of two sentences that one is
    preferred of which more interpretations explain the face.
    """
    own = OWN_WORDS if item.statement.person == person.id else 0.0
    if person.id in item.about:
        own += NAMED
    aside = ASIDE if item.statement.is_aside else 0.0
    aside += LATER * min(item.statement.order, LATEST)
    fit = expected_share(person, item.appraisal) if item.appraisal.expressions else OPEN
    return item.weight + own - aside + FITS * fit + EXPLAINS * explained(person, item.near)


def explained(person: Bearer, near: Mapping[str, float]) -> float:
    """Return the probability of the expressions that a sentence leads one to expect, as the face shows them.

    It is the mean of `expected_share` over all that the sentence may be appraised as, weighted by `near`; 0 for a face
    that was not read.

    Args:
        person: Whose face it is.
        near: Probability of each appraisal of the sentence, and of ``nothing``.
    """
    if person.expression is None:
        return 0.0
    shares, known = dict(person.expression.distribution.items()), ontology().appraisals
    return sum(
        share * sum(shares[expression] for expression in known[name].expressions)
        for name, share in near.items()
        if name != NOTHING
    )


def distinct(items: Sequence[StatedAppraisal]) -> list[StatedAppraisal]:
    """Return the first item of each appraisal, in the order given."""
    first: dict[str, StatedAppraisal] = {}
    for item in items:
        first.setdefault(item.appraisal.id, item)
    return list(first.values())


def cause_for(person: Person, item: StatedAppraisal, stated: Sequence[StatedAppraisal]) -> Cause:
    """Build one stated cause; it agrees if the face shows what one would expect with a probability of `AGREES`.

    The confidence is `STATED_CONFIDENCE` times (1 + share) / 2 if it agrees, else times (1 - share) / 2, where share is
    `expected_share`.

    Args:
        person: Whose face it is.
        item: The appraisal.
        stated: What else may be about the person, by falling `rank`; gives the alternatives.
    """
    share = expected_share(person, item.appraisal)
    agrees = share >= AGREES
    text = f"The context states something appraised as {item.appraisal.reading} (“{item.phrase}”)."
    if not agrees:
        text += " The face does not show what that would lead one to expect."
    others = distinct([other for other in stated if other.appraisal.id != item.appraisal.id])
    return Cause(
        person=person.id,
        appraisal=item.appraisal.id,
        text=text,
        basis="stated",
        evidence=(item.statement.id,),
        agrees=agrees,
        confidence=round(STATED_CONFIDENCE * (0.5 + 0.5 * share if agrees else 0.5 * (1 - share)), 4),
        alternatives=tuple(alternative(other.appraisal) for other in others[:2]),
        source=item.statement.source,
        span=Span(evidence=item.statement.id, start=item.span[0], end=item.span[1]),
    )


def alternative(appraisal: Appraisal) -> Alternative:
    """Return an appraisal as another interpretation of a cause."""
    return Alternative(appraisal=appraisal.id, text=f"Something appraised as {appraisal.reading}.")


def leading(person: Bearer) -> tuple[str, float]:
    """Return the likeliest expression of a read face, which may be neutral, and its probability."""
    assert person.expression is not None
    return person.expression.distribution.ranked()[0]


def from_people(person: Person, people: Sequence[Person]) -> tuple[Cause, Evidence] | None:
    """Return another person's clear expression as a possible cause, and its entry of evidence.

    Of several people the one with the clearest expression nearby counts: probability over one plus the distance in face
    heights. None where the face shows nothing clear, or `FROM_OTHERS` knows nothing for the pair.
    """
    shown, sure = leading(person)
    candidates = [
        other
        for other in people
        if other.id != person.id
        and other.expression is not None
        and leading(other)[1] >= CLEAR
        and (shown, leading(other)[0]) in FROM_OTHERS
        and face_distance(person, other) <= NEARBY
    ]
    if sure < CLEAR or not candidates:
        return None
    other = max(candidates, key=lambda one: leading(one)[1] / (1 + face_distance(person, one)))
    term, share = leading(other)
    appraisal = ontology().appraisals[FROM_OTHERS[shown, term]]
    entry = Evidence(
        id=f"{person.id}.others.{other.id}",
        kind="geometry",
        text=f"{wording.person_name(other.id)}, {face_distance(person, other):.1f} face heights away, "
        f"{wording.shows(term)} ({wording.percent(share)}).",
        value=share,
        person=person.id,
    )
    text = (
        f"{wording.person_name(other.id)} nearby {wording.shows(term)}; the situation may be appraised as "
        f"{appraisal.reading}."
    )
    return _inferred(person, appraisal, text, entry, "people", share), entry


def from_change(person: Person, earlier: Sequence[EarlierReading]) -> tuple[Cause, Evidence] | None:
    """Return a clear change since the last earlier reading as a sign that something happened in between.

    A change is clear if the pleasantness moved by `CHANGE`, or if the face is now clearly surprised and was not.
    None where nothing changed or nothing earlier is known.
    """
    assert person.expression is not None
    own = [reading for reading in earlier if reading.person == person.id]
    if not own:
        return None
    before, now = own[-1], person.expression.valence.value
    shown, share = leading(person)
    moved = now - before.valence
    startled = shown == "surprise" and share >= CLEAR and before.primary != "surprise"
    if not startled and abs(moved) < CHANGE:
        return None
    name = "not_expected" if startled else "desirable" if moved > 0 else "undesirable"
    appraisal = ontology().appraisals[name]
    was = wording.term_label(before.primary) if before.primary else "no clear expression"
    entry = Evidence(
        id=f"{person.id}.change",
        kind="geometry",
        text=f"Earlier: {was}, pleasantness {before.valence:+.2f}; now {wording.term_label(shown)}, {now:+.2f}.",
        value=round(moved, 4),
        person=person.id,
    )
    text = (
        f"The expression changed since the last reading; something in between may be appraised as {appraisal.reading}."
    )
    return _inferred(person, appraisal, text, entry, "change", min(abs(moved), 1.0)), entry


def _inferred(  # noqa: PLR0913
    person: Person, appraisal: Appraisal, text: str, entry: Evidence, source: str, strength: float
) -> Cause:
    return Cause(
        person=person.id,
        appraisal=appraisal.id,
        text=text,
        basis="inferred",
        evidence=(entry.id,),
        agrees=expected_share(person, appraisal) >= AGREES or not appraisal.expressions,
        confidence=round(INFERRED_CONFIDENCE * strength, 4),
        alternatives=(),
        source="people" if source == "people" else "change",
    )
