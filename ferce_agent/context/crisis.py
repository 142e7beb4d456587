"""Which of the statements speak of distress; every field a caller may fill is looked through, as it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ferce_agent.context.distress import languages_of_distress, speaks_of_distress
from ferce_agent.context.statements import Statement
from ferce_agent.inputs.situation import Situation


def statements_in_crisis(said: Sequence[Statement], situation: Situation) -> tuple[str, ...]:
    """Return the ids of the evidence that speaks of distress, in the order it was told.

    Words of danger count whatever a sentence is about (questions, stories of oneself, hypotheses, words that are cut
    out as code); words of great sorrow alone count in sentences about something real.
    """
    found: list[str] = []
    for name, words in _fields(situation):
        own = [one for one in said if one.id == name or one.id.startswith(f"{name}.")]
        if speaks_of_distress(words):
            exact = [one.id for one in own if languages_of_distress(one.text)]
            found += exact or [one.id for one in own[:1]] or [name if name.count(".") else "told.words"]
        else:
            found += [one.id for one in own if _is_strained(one)]
    return tuple(found)


def _is_strained(statement: Statement) -> bool:
    return any(one.real and speaks_of_distress(one.text, strain=True) for one in statement.sentences)


def _fields(situation: Situation) -> Iterator[tuple[str, str]]:
    """Yield the beginning of the ids of each field's evidence, and its words as they were given."""
    if situation.text:
        yield "context", situation.text
    for name in ("event", "place", "scene", "posture"):
        if words := getattr(situation, name):
            yield f"told.{name}", words
    for number, turn in enumerate(situation.turns, 1):
        yield f"turn.{number}", f"{turn.speaker}:\n{turn.text}"
    for number, known in enumerate(situation.people, 1):
        yield f"told.person.{number}", known.name
    for number, relation in enumerate(situation.relations, 1):
        yield f"told.relation.{number}", relation.relation
