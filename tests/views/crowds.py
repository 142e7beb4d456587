"""Reports on any number of people, with everything a report can hold."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any, get_args

from ferce_agent.context.guidance import advice_table
from ferce_agent.context.relationships import group_mood
from ferce_agent.ontology.store import ontology
from ferce_agent.policy.rules import rules
from ferce_agent.report import (
    ActionUnitReading,
    Alternative,
    Cause,
    Claim,
    Conflict,
    Degradation,
    DegradedCode,
    Description,
    EmotionReport,
    Evidence,
    Guidance,
    Person,
    Policy,
    Posture,
    QualityReason,
    RankedLabel,
    Relationship,
    Scene,
    SeenCue,
    Source,
    TextEmotion,
    VlmReading,
)
from tests.factories import make_expression, make_face, make_person, make_report

SIZE = (1600, 1200)
"""Pixels of the picture."""


def crowd(count: int, seed: int = 0, *, words: str = "Some words.", rich: bool = True) -> EmotionReport:
    """Return a report on `count` people, the same for the same seed.

    Args:
        count: How many people.
        seed: For everything that varies.
        words: What stands in every field that a model, a picture or the caller may fill.
        rich: Whether there are labels, causes, conflicts, doubts and a model's words; else only people who show
            something.
    """
    rng = random.Random(seed)
    people = tuple(somebody(number, rng, words, rich) for number in range(1, count + 1))
    group, mood = group_mood(list(people))
    told = Evidence(id="context.1", kind="context", text=words, value=None, person=None)
    turn = Evidence(id="turn.3", kind="context", text=words, value=None, person=None)
    around: dict[str, Any] = surroundings(people, rng, words) if rich else {"causes": ()}
    return make_report(
        source=Source(width=SIZE[0], height=SIZE[1], sha256="c" * 64, media_type="image/jpeg"),
        people=people,
        summary=words,
        group=group,
        guidance=advice(rng),
        policy=Policy(
            decision="allowed", rules=tuple(rule.id for rule in rng.sample(rules(), 3)), notice="Tell the people shown."
        ),
        evidence=(told, turn, *mood),
        **({"degraded": around.pop("degraded", ())} | around),
    )


def advice(rng: random.Random) -> Guidance:
    of_photos = [advice for name, advice in advice_table().items() if name != "changed"]  # that one is for clips
    return Guidance(**dict(rng.choice(of_photos)), evidence=(), distress=rng.random() < 0.3)


def somebody(number: int, rng: random.Random, words: str, rich: bool) -> Person:
    """Return a person somewhere in the picture who shows something, or nothing clear, or could not be read."""
    share = rng.choice([0.34, 0.51, 0.7, 0.9, 0.999])
    term = rng.choice(["happiness", "neutral", "sadness", "disgustedly_surprised", "surprisedly_contemptuous"])
    expression = make_expression(confidence=share).model_copy(update={"primary": term})
    if rich and rng.random() < 0.3:
        expression = make_expression(None, 0.38, prediction_set=("sadness", "neutral", "fear", "contempt"))
    units = rng.sample(list(ontology().action_units.values()), 4)
    readings = [
        ActionUnitReading(id=unit.id, name=words, intensity=rng.random(), origin=rng.choice(["measured", "vlm"]))
        for unit in units
    ]
    reasons = rng.sample(get_args(QualityReason), rng.choice([0, 0, 1, 3])) if rich else []
    face = make_face(rng.uniform(-50, SIZE[0]), rng.uniform(-50, SIZE[1]), reasons=tuple(reasons))
    changes: dict[str, Any] = {"face": face, "action_units": tuple(readings), "rationale": ()}
    if rich:
        changes |= model_words(words) | {"labels": labels(rng, words)}
    unread = rich and rng.random() < 0.1
    return make_person(number, expression=None if unread else expression, **changes)


def labels(rng: random.Random, words: str) -> tuple[RankedLabel, ...]:
    said = [f"{rng.choice(['bored', 'about to cry', 'quietly overwhelmed by it all', words])} {n}" for n in range(12)]
    return tuple(RankedLabel(label=one[:60], term=None, score=round(1 / 12, 3)) for one in said)


def model_words(words: str) -> dict[str, Any]:
    """Return what a vision-language model says of a person, and everything made of it."""
    seen = VlmReading(
        primary="happiness",
        components=(),
        intensity=0.5,
        certainty="sure",
        cues=(SeenCue(action_unit="AU12", text=words, status="unverified"),),
        words=words,
        body=words,
        agrees=True,
        weight=0.0,
        form="prose",
        constrained=False,
        repairs=(words,),
    )
    claim = Claim(text=words, basis="inferred", evidence=("context.1",), status="unverified")
    return {
        "vlm": seen,
        "posture": Posture(basis="observed", text=words, evidence=("context.1",)),
        "description": Description(observed=words, inferred=words),
        "rationale": (claim,),
    }


def surroundings(people: tuple[Person, ...], rng: random.Random, words: str) -> dict[str, Any]:
    """Return scene, relations, causes, conflicts and notes."""
    appraisals = list(ontology().appraisals)
    bases = ("stated", "observed", "inferred")
    causes = [
        Cause(
            person=person.id,
            appraisal=rng.choice(appraisals),
            text=words,
            basis=rng.choice(bases),
            evidence=("context.1", "turn.3"),
            agrees=rng.random() < 0.5,
            confidence=rng.random(),
            alternatives=(Alternative(appraisal="loss", text=words),),
        )
        for person in people
        for _ in range(3)
    ]
    conflicts = [
        Conflict(
            person=person.id,
            between="face_and_situation",
            text=words,
            readings=(words,),
            evidence=("context.1",),
            confidence=0.5,
        )
        for person in people[:4]
    ]
    related = [
        Relationship(
            people=(one.id, two.id), kind="stated", text=words, basis="stated", evidence=("context.1",), confidence=1
        )
        for one, two in pairwise(people)
    ]
    spoken = TextEmotion(
        speaker=words, primary="anger", valence=-0.5, confidence=0.5, agrees=None, text=words, evidence=("turn.3",)
    )
    codes = rng.sample([code for code in get_args(DegradedCode) if code not in {"no_face", "policy_restricted"}], 4)
    notes = [Degradation(stage="vlm", code=code, message=words, person=None) for code in codes]
    notes += [Degradation(stage="vlm", code="vlm_failed", message=words, person=person.id) for person in people[::3]]
    return {
        "scene": Scene(basis="observed", text=words, evidence=("context.1",)),
        "relationships": tuple(related),
        "causes": tuple(causes),
        "conflicts": tuple(conflicts),
        "text_emotions": (spoken,),
        "degraded": tuple(notes),
    }
