"""The context step as a whole.

From the people found and what is told to scene, relations, causes, words and conflicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ferce_agent.context.causes import find_causes, stated_appraisals
from ferce_agent.context.conflicts import find_conflicts, text_emotions
from ferce_agent.context.crisis import statements_in_crisis
from ferce_agent.context.events import EventMatcher
from ferce_agent.context.listening import notes_on_words
from ferce_agent.context.relationships import group_mood, relate
from ferce_agent.context.scene import postures_of, scene_evidence, scene_of
from ferce_agent.context.statements import statements, told_evidence
from ferce_agent.inputs.situation import Situation
from ferce_agent.report import (
    Cause,
    Conflict,
    Degradation,
    Evidence,
    Group,
    Person,
    Posture,
    Relationship,
    Scene,
    TextEmotion,
)
from ferce_agent.vlm.extraction.scene import WrittenScene

MAX_TOLD: Final = 40
"""Statements that are listed as evidence whether or not a claim rests on them; all are read."""
UNKNOWN = Scene(basis="unknown", text=None, evidence=())


@dataclass(frozen=True, slots=True)
class Understanding:
    """Everything the context step finds; empty where nothing was told and only one person is shown.

    Attributes:
        scene: Where and in what situation.
        postures: How people hold the body, by person id; those that are unknown are left out.
        relationships: Between the people.
        group: Mood of the people together; None for fewer than two who were read.
        text_emotions: What the words alone express, by speaker.
        causes: Causes of each read face, likeliest first.
        conflicts: Where face and situation, words or other people do not go together.
        evidence: New entries on which the other fields rest.
        crisis: Ids of the statements that speak of distress ("I can't go on").
        degraded: What of the words was not understood or not read.
    """

    scene: Scene = UNKNOWN
    postures: dict[str, Posture] = field(default_factory=dict)
    relationships: tuple[Relationship, ...] = ()
    group: Group | None = None
    text_emotions: tuple[TextEmotion, ...] = ()
    causes: tuple[Cause, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    crisis: tuple[str, ...] = ()
    degraded: tuple[Degradation, ...] = ()


def screened(situation: Situation) -> Understanding:
    """Return only whether the words speak of distress and what of them is not understood.

    This is what stays if all else fails.
    """
    said = statements(situation)
    crisis = statements_in_crisis(said, situation)
    cited = [entry for entry in told_evidence(said, situation, crisis) if entry.id in crisis]
    return Understanding(evidence=tuple(cited), crisis=crisis, degraded=tuple(notes_on_words(said)))


def understand(
    people: Sequence[Person],
    situation: Situation,
    seen: WrittenScene | None = None,
    matcher: EventMatcher | None = None,
    prompted: bool = False,
) -> Understanding:
    """Bring people and situation together.

    Args:
        people: As read, largest face first.
        situation: What the caller tells.
        seen: What a vision-language model said about the whole picture, if it was asked.
        matcher: Compares sentences with examples, where a sentence encoder is at hand.
        prompted: Whether a vision-language model is told the situation, too.
    """
    said = statements(situation)
    crisis = statements_in_crisis(said, situation)
    told = told_evidence(said, situation, crisis)
    around = scene_evidence(seen)
    relationships, measured = relate(list(people), situation)
    group, mood = group_mood(list(people))
    stated = stated_appraisals(said, matcher)
    causes, more = find_causes(people, stated, situation.earlier)
    conflicts, shown = find_conflicts(people, said, stated)
    emotions = text_emotions(said, stated, people)
    cited = (
        *(one.evidence for one in causes),
        *(one.evidence for one in conflicts),
        *(one.evidence for one in emotions),
    )
    used = {*crisis, *(name for names in cited for name in names)}
    told = [entry for number, entry in enumerate(told) if number < MAX_TOLD or entry.id in used or _is_field(entry)]
    return Understanding(
        scene=scene_of([entry for entry in told if _describes(entry)][:MAX_TOLD], around),
        postures=postures_of(people, situation, told),
        relationships=tuple(relationships),
        group=group,
        text_emotions=tuple(emotions),
        causes=tuple(causes),
        conflicts=tuple(conflicts),
        crisis=crisis,
        evidence=(*told, *around, *measured, *mood, *more, *shown),
        degraded=tuple(notes_on_words(said, situation, prompted=prompted, compared=matcher is not None)),
    )


def _is_field(entry: Evidence) -> bool:
    """Return whether an entry tells of one field: relations and posture are cited by it."""
    return entry.id.startswith("told.")


def _describes(entry: Evidence) -> bool:
    """Return whether an entry tells of the scene: not turns, names, relations or posture."""
    return entry.id.startswith(("context.", "told.event", "told.place", "told.scene"))


def prefer(understood: Understanding, person: str, appraisal: str | None) -> Understanding:
    """Return the understanding with one person's causes of an appraisal first; unchanged for None."""
    causes = sorted(understood.causes, key=lambda cause: cause.person != person or cause.appraisal != appraisal)
    return understood if appraisal is None else replace(understood, causes=tuple(causes))
