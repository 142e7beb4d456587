"""The report as an agent reads it: `to_brief` makes the short form, `to_brief_text` writes it in words.

A tool's answer holds both, and clients may show both to their model, so the limits hold for the two together. The least
is told first: who shows what, how sure that is, the caller's word that fits best, the advice. Then
more is added in a fixed order as far as there is room; where there are many people, those with small faces are grouped
by what they show.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ferce_agent.context.counts import FaceCounts, counts_of, faces_found
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.rules import rules
from ferce_agent.report import Cause, Degradation, EmotionReport, Guidance, Person, wording
from ferce_agent.report.brief import (
    Brief,
    BriefCause,
    BriefConflict,
    BriefFaces,
    BriefGuidance,
    BriefPerson,
    BriefPolicy,
    BriefRest,
    Unnamed,
    brief_schema,
)
from ferce_agent.validation.printable import clean
from ferce_agent.views.turn_choice import worth_telling

__all__ = ["Brief", "brief_schema", "budget", "rough_tokens", "to_brief", "to_brief_text"]

FEW: Final = (5, 700)
"""Up to so many people, so many tokens."""
MANY: Final = (30, 2000)
"""From so many people on, so many tokens; in between, in proportion."""
CHARACTERS_PER_TOKEN: Final = 3.5
"""Of English text in common tokenizers, cautiously."""
MARGIN: Final = 1.055
"""Tokenizers with few tokens need so much more than `rough_tokens` says."""
FULL: Final = 'detail="full"'
"""What the caller of a tool sets to get the whole report."""
VISIBLE: Final = 0.4
"""Movements from this intensity on are named."""
LABEL: Final = 24
"""Characters of a caller's label."""
IDS: Final = 5
"""People named of those whom a cause concerns."""
SENTENCE: Final = 160
"""Characters of a sentence of our own tables."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a report goes into the brief; the defaults are the least.

    Attributes:
        people: Most people listed one by one.
        cues: Movements of a person.
        labels: The caller's words of a person.
        doubts: Reason codes of a person.
        strength: Whether the strength of an expression is told.
        height: Whether a person's height in the picture is told, where people differ in that.
        causes: Causes.
        conflicts: What does not go together.
        voice: Turns of a voice message that came with the picture.
        avoid: What not to do.
        courtesy: Whether the tone is told, and in the text what the first rule says and the address of the whole
            report.
        codes: Names of rules, and of what could not be done for the whole picture.
        ids: Ids named of each group of people who are not listed one by one.
    """

    people: int
    cues: int = 0
    labels: int = 1
    doubts: int = 1
    strength: bool = False
    height: bool = False
    causes: int = 0
    conflicts: int = 0
    voice: int = 0
    avoid: int = 0
    courtesy: bool = False
    codes: int = 1
    ids: int = 2


UPGRADES: Final[tuple[dict[str, Any], ...]] = (
    {"causes": 1},
    {"doubts": 2},
    {"strength": True},
    {"cues": 1},
    {"conflicts": 1},
    {"voice": 1},
    {"codes": 2},
    {"courtesy": True},
    {"causes": 2},
    {"height": True},
    {"ids": 6},
    {"cues": 2},
    {"labels": 2},
    {"avoid": 1},
    {"causes": 3, "conflicts": 3},
    {"doubts": 4},
    {"codes": 4},
    {"ids": 12},
    {"avoid": 2},
    {"labels": 3},
    {"cues": 3},
    {"voice": 3},
    {"causes": 6, "conflicts": 6},
    {"codes": 6},
    {"avoid": 3},
)
"""What is added to the least, in this order, as far as there is room; what does not fit is passed over."""
ESSENTIAL: Final[dict[str, Any]] = {"causes": 1, "doubts": 2, "strength": True, "cues": 1}
"""What is told of everyone who is listed, where more than a few people are in the picture; the others are grouped."""


def starts(people: int) -> Iterator[Detail]:
    """Yield what to begin with for so many people, from the most people listed to none but the first."""
    if people > FEW[0]:
        yield from (Detail(number, **ESSENTIAL) for number in (15, 12, 10, 8, 6) if number <= max(people, 6))
    yield from (Detail(number) for number in (5, 4, 3, 2, 1))
    yield Detail(1, labels=0, ids=0)


def budget(people: int) -> int:
    """Return how many tokens a brief on so many people may have, text and structured content together."""
    share = min(max((people - FEW[0]) / (MANY[0] - FEW[0]), 0.0), 1.0)
    return FEW[1] + int(share * (MANY[1] - FEW[1]))


def rough_tokens(text: str) -> int:
    """Return how many tokens a text has, by a cautious estimate that needs no tokenizer.

    Words count one per six letters, digits and a space before them one each, marks that stand together one for two, and
    all at least one per 3.5 characters. Compared with real tokenizers by `python -m tests.views.brief_sizes`.
    """
    words = sum(math.ceil(len(word) / 6) for word in re.findall(r"[^\W\d_]+", text))
    marks = sum(math.ceil(len(run) / 2) for run in re.findall(r"[^\w\s]+|_", text))
    digits = len(re.findall(r"\d", text)) + len(re.findall(r" \d", text))
    return max(words + marks + digits, math.ceil(len(text) / CHARACTERS_PER_TOKEN))


def size(brief: Brief) -> int:
    """Return the tokens of text and structured content together, by a cautious estimate."""
    return rough_tokens(to_brief_text(brief)) + rough_tokens(json.dumps(brief.told(), ensure_ascii=False))


NOTICE: Final = 110
"""Characters of what a rule says."""


def to_brief(report: EmotionReport, more: str | None = None) -> Brief:
    """Return the report in short, within `budget`.

    Args:
        report: The report.
        more: Address of the whole report, if there is one.
    """
    most = budget(len(report.people)) / MARGIN
    for start in starts(len(report.people)):
        best, detail = brief_with(report, start, more), start
        if size(best) <= most:
            break
    for upgrade in UPGRADES:
        richer = replace(detail, **upgrade)
        brief = brief_with(report, richer, more)
        if size(brief) <= most:
            best, detail = brief, richer
    return best


def brief_with(report: EmotionReport, detail: Detail, more: str | None) -> Brief:
    """Return the report in short, with a given amount of detail."""
    counts, by_rule = counts_of(report), has_code(report, "policy_restricted")
    rows = detail.height and len({height_of(person, report) for person in report.people}) > 1
    people = [person_of(person, report, detail, by_rule, rows) for person in report.people[: detail.people]]
    causes = list(causes_of(report))
    return Brief(
        faces=BriefFaces(
            found=counts.found,
            named=counts.named,
            abstained=counts.abstained,
            unread=counts.unread,
            unmeasured=counts.unmeasured,
            left_out=counts.left_out,
        ),
        people=tuple(people),
        rest=tuple(rest_of(report.people[detail.people :], detail, by_rule)),
        mood=report.group.mood if report.group else None,
        causes=tuple(causes[: detail.causes]),
        more_causes=max(0, len(causes) - detail.causes),
        conflicts=tuple(
            BriefConflict(person=one.person, between=one.between) for one in report.conflicts[: detail.conflicts]
        ),
        voice=tuple(voice_of(report, detail.voice)),
        guidance=guidance_of(report.guidance, detail),
        policy=BriefPolicy(decision=report.policy.decision, rules=report.policy.rules[: detail.codes]),
        not_done=codes(note for note in report.degraded if note.person is None)[: detail.codes],
        more=more,
    )


def voice_of(report: EmotionReport, most: int) -> Iterator[str]:
    """Yield the clearest turns of the voice message that came with the picture in words, at most `most`."""
    for turn in worth_telling(report.voice.speech if report.voice is not None else (), most):
        level = "" if turn.arousal is None else f", arousal {turn.arousal:+.2f}"
        if turn.voice is not None and turn.voice.expression is not None:
            sure = f"{wording.confidence_word(turn.voice.confidence)}, {two_decimals(turn.voice.confidence):.2f}"
            yield f"{turn.id} sounds like {turn.voice.expression} ({sure}){level}"
        else:
            doubts = ", ".join(turn.voice.doubt) if turn.voice is not None else "not inferred"
            yield f"{turn.id}: no expression named ({doubts}){level}"


def has_code(report: EmotionReport, code: str) -> bool:
    """Return whether the report says that something could not be done for this reason."""
    return any(note.code == code for note in report.degraded)


def codes(notes: Iterator[Degradation]) -> tuple[str, ...]:
    """Return the reason codes of notes, each once."""
    return tuple(dict.fromkeys(note.code for note in notes))


def person_of(person: Person, report: EmotionReport, detail: Detail, by_rule: bool, rows: bool) -> BriefPerson:
    """Return one person in short, with the height in the picture if `rows`."""
    expression = person.expression
    notes = codes(note for note in report.degraded if note.person == person.id)
    doubts = tuple(dict.fromkeys((*person.face.quality.reasons, *notes)))[: detail.doubts]
    brief = BriefPerson(
        id=person.id,
        where=place_of(person, report, rows),
        unnamed=why_unnamed(person, by_rule),
        cues=tuple(cues_of(person))[: detail.cues],
        doubts=doubts,
        labels=labels_of(person, detail.labels),
        rest=alone_words(person),
    )
    if expression is None:
        return brief
    if expression.primary is None:
        return brief.model_copy(update={"maybe": expression.prediction_set[: 3 if detail.strength else 2]})
    told = expression.primary != "neutral" and detail.strength
    strength = wording.intensity_word(expression.intensity.value) if told else None
    sure = two_decimals(expression.confidence)
    return brief.model_copy(update={"shows": expression.primary, "strength": strength, "confidence": sure})


def alone_words(person: Person) -> str | None:
    """Return what would be told without the person's baseline; None where it was not used."""
    if person.rest is None:
        return None
    doubtful = " (doubtful baseline)" if person.rest.baseline.doubts else ""
    if person.rest.absolute is None:
        return f"movements compared{doubtful}"
    alone = person.rest.absolute.primary or "none named" if person.rest.differs else "the same"
    return f"{alone}{doubtful}"


def why_unnamed(person: Person, by_rule: bool) -> Unnamed | None:
    """Return why no expression of a person is named; None if one is."""
    if person.expression is None:
        return "by_rule" if by_rule else "not_read"
    return person.expression.abstain_reason


def two_decimals(share: float) -> float:
    """Return a share with two decimals that never rounds to certainty or to impossibility."""
    return share if share in (0, 1) else min(max(round(share, 2), 0.01), 0.99)


def place_of(person: Person, report: EmotionReport, rows: bool) -> str:
    """Return where a face lies: in which fifth of the width and, if `rows`, in which outer third of the height."""
    box = person.face.box
    across = (box.x + box.width / 2) / report.source.width
    column = ("far left", "left", "centre", "right", "far right")[min(max(int(across * 5), 0), 4)]
    row = height_of(person, report) if rows else ""
    return f"{column}, {row}" if row else column


def height_of(person: Person, report: EmotionReport) -> str:
    """Return the third of the height in which the middle of a face lies.

    ``top``, ``bottom``, or empty for the middle.
    """
    down = (person.face.box.y + person.face.box.height / 2) / report.source.height
    return "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""


def cues_of(person: Person) -> Iterator[str]:
    """Yield the names of the movements that stand out, strongest first, as the ontology has them."""
    for unit in sorted(person.action_units, key=lambda unit: -unit.intensity):
        if unit.intensity >= VISIBLE and unit.origin != "vlm":
            yield ontology().action_units[unit.id].name.lower()


def labels_of(person: Person, most: int) -> dict[str, float]:
    """Return the caller's words that fit best, cleaned, with their shares."""
    found: dict[str, float] = {}
    for label in sorted(person.labels, key=lambda label: -label.score)[:most]:
        found.setdefault(own_word(label.label), two_decimals(label.score))
    return found


def own_word(text: str) -> str:
    """Return a caller's word as letters, digits, hyphens and apostrophes of any script, normalised (NFKC) and cut."""
    visible = (one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")
    kept = "".join(one if unicodedata.category(one)[0] in "LNM" or one in "-'" else " " for one in visible)
    words = " ".join(kept.split())
    return (words if len(words) <= LABEL else words[: LABEL - 1].rstrip() + "…") or "?"


def rest_of(people: tuple[Person, ...], detail: Detail, by_rule: bool) -> Iterator[BriefRest]:
    """Yield the people who are not listed one by one, grouped by what they show, the largest group first."""
    groups: dict[tuple[str | None, Unnamed | None], list[str]] = {}
    for person in people:
        shown = person.expression.primary if person.expression else None
        groups.setdefault((shown, why_unnamed(person, by_rule)), []).append(person.id)
    for (shows, unnamed), ids in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield BriefRest(count=len(ids), shows=shows, unnamed=unnamed, people=tuple(ids[: detail.ids]))


def causes_of(report: EmotionReport) -> Iterator[BriefCause]:
    """Yield the causes as ids, one entry for all people it may concern, in the report's order.

    Which of the caller's sentences say so is told only where the cause is stated.
    """
    told = {entry.id for entry in report.evidence if entry.kind == "context"}
    groups: dict[tuple[str, str, tuple[str, ...]], list[Cause]] = {}
    for cause in report.causes:
        said = tuple(name for name in cause.evidence if name in told)[:3] if cause.basis == "stated" else ()
        groups.setdefault((cause.appraisal, cause.basis, said), []).append(cause)
    for (_, _, said), causes in groups.items():
        fits = tuple(dict.fromkeys(one.person for one in causes if one.agrees))
        misfits = tuple(dict.fromkeys(one.person for one in causes if not one.agrees))
        yield BriefCause(
            appraisal=causes[0].appraisal,
            basis=causes[0].basis,
            confidence=two_decimals(max(one.confidence for one in causes)),
            said=said,
            fits=whom(fits, report),
            misfits=whom(misfits, report),
            others=sum(len(ids) - IDS for ids in (fits, misfits) if IDS < len(ids) < len(report.people)),
        )


def whom(ids: tuple[str, ...], report: EmotionReport) -> tuple[str, ...]:
    """Return some ids, or ``everyone`` where several people are all meant."""
    return ("everyone",) if len(ids) == len(report.people) > 1 else ids[:IDS]


def guidance_of(guidance: Guidance, detail: Detail) -> BriefGuidance:
    """Return the advice in short; its sentences come from our own table."""
    return BriefGuidance(
        suggestion=sentence(guidance.suggestion),
        tone=sentence(guidance.tone) if detail.courtesy else None,
        avoid=tuple(sentence(one) for one in guidance.avoid[: detail.avoid]),
        acknowledge=guidance.acknowledge,
        pace=guidance.pace,
        step=guidance.step,
        distress=guidance.distress,
    )


def sentence(text: str, most: int = SENTENCE) -> str:
    """Return a sentence of our own tables on one line, cut at a word."""
    plain = clean(text)
    return plain if len(plain) <= most else plain[: most - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def to_brief_text(brief: Brief, whole: str = FULL) -> str:
    """Return a brief in words: one line about the faces, one per person, then causes, advice, rules and gaps.

    Args:
        brief: The brief.
        whole: What whoever reads it sets to get the whole report.
    """
    return "\n".join(line for line in _lines(brief, whole) if line) + "\n"


def _lines(brief: Brief, whole: str) -> Iterator[str]:
    by_rule = any(person.unnamed == "by_rule" for person in brief.people)
    counts = FaceCounts(**brief.faces.model_dump(exclude={"found"}))
    mood = f" Group mood: {brief.mood}." if brief.mood else ""
    yield f"{faces_found(counts, by_rule=by_rule)}.{mood}"
    yield from (_person_line(person) for person in brief.people)
    yield from (_rest_line(rest) for rest in brief.rest)
    if brief.voice:
        yield f"Voice message: {'; '.join(brief.voice)}."
    yield _causes_line(brief)
    if brief.conflicts:
        told = "; ".join(f"{one.person} {wording.code_words(one.between)}" for one in brief.conflicts)
        yield f"Do not go together: {told}."
    yield _advice_line(brief)
    yield _policy_line(brief.policy, lean=brief.guidance.tone is None)
    gaps = f"Not done: {', '.join(brief.not_done)}. " if brief.not_done else ""
    address = f" or {brief.more}" if brief.more and brief.guidance.tone else ""
    yield f"{gaps}Whole report: {whole}{address}."


def _person_line(person: BriefPerson) -> str:
    if person.shows and person.confidence is not None:
        strength = f", {person.strength}" if person.strength else ""
        sure = f"{wording.confidence_word(person.confidence)}, {person.confidence:.2f}"
        line = f"{person.id} ({person.where}) shows {person.shows} ({sure}{strength})"
    else:
        maybe = f"; maybe {' or '.join(person.maybe)}" if person.maybe else ""
        line = f"{person.id} ({person.where}): no expression named ({person.unnamed}{maybe})"
    parts = [line, ", ".join(person.cues)]
    parts.append(f"doubts: {', '.join(person.doubts)}" if person.doubts else "")
    parts.append(", ".join(f'"{word}" {share:.2f}' for word, share in person.labels.items()))
    parts.append(f"against own rest; without baseline: {person.rest}" if person.rest else "")
    return "; ".join(part for part in parts if part)


def _rest_line(rest: BriefRest) -> str:
    shown = f"more show {rest.shows}" if rest.shows else f"more without a named expression ({rest.unnamed})"
    some = "" if rest.count == len(rest.people) else ", …"
    return f"{rest.count} {shown}: {', '.join(rest.people)}{some}" if rest.people else f"{rest.count} {shown}"


def _causes_line(brief: Brief) -> str:
    told = [_cause(one) for one in brief.causes]
    if brief.more_causes:
        told.append(f"{brief.more_causes} {'more ' if told else ''}in the whole report")
    return f"Causes: {'; '.join(told)}." if told else ""


def _cause(one: BriefCause) -> str:
    said = f" by {', '.join(one.said)}" if one.said else ""
    fits = f", fits {', '.join(one.fits)}" if one.fits else ""
    against = f", does not fit {', '.join(one.misfits)}" if one.misfits else ""
    others = f", {one.others} more people" if one.others else ""
    return f"{one.appraisal} ({one.basis}{said}, {one.confidence:.2f}{fits}{against}{others})"


def _advice_line(brief: Brief) -> str:
    advice = brief.guidance
    whom = f" for {brief.people[0].id}" if len(brief.people) > 1 else ""
    tone = f" Tone: {advice.tone}." if advice.tone else ""
    avoid = f" Avoid: {'; '.join(advice.avoid)}." if advice.avoid else ""
    mention = "" if advice.acknowledge else " Do not mention the expression."
    distress = "Signs of distress. " if advice.distress else ""
    return f"Advice{whom}: {distress}{advice.suggestion}{tone}{avoid}{mention}"


def _policy_line(policy: BriefPolicy, lean: bool) -> str:
    known = {rule.id: rule.words for rule in rules()}
    first = next((known[name] for name in policy.rules if name in known), "")
    wanted = first and (policy.decision != "allowed" or not lean)
    words = sentence(first.split(". ")[0].rstrip(".") + ".", NOTICE) if wanted else ""
    return f"Use {policy.decision} ({', '.join(policy.rules)}). {words}".replace(" ()", "").rstrip()
