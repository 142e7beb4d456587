"""Scene and posture: stated by the caller, seen by a vision-language model, or unknown; never invented."""

from __future__ import annotations

from collections.abc import Sequence

from ferce_agent.inputs.situation import Situation
from ferce_agent.report import Evidence, Person, Posture, Scene
from ferce_agent.vlm.extraction.hygiene import tidy_text
from ferce_agent.vlm.extraction.scene import WrittenScene, scene_words


def scene_evidence(seen: WrittenScene | None) -> list[Evidence]:
    """Return what a vision-language model says about the whole picture as evidence; nothing if it was not asked."""
    if seen is None:
        return []
    text = f"The vision-language model says of the picture: {scene_words(seen)}."
    return [Evidence(id="scene.vlm", kind="vlm", text=text, value=None, person=None)]


def scene_of(context: Sequence[Evidence], seen: Sequence[Evidence]) -> Scene:
    """Return the scene: the caller's words where there are any, else the model's; the other stays in the evidence."""
    ids = tuple(entry.id for entry in (*context, *seen))
    if context:
        return Scene(basis="stated", text=tidy_text(" ".join(entry.text for entry in context), 600), evidence=ids)
    if seen:
        return Scene(basis="observed", text=seen[0].text, evidence=ids)
    return Scene(basis="unknown", text=None, evidence=())


def postures_of(people: Sequence[Person], situation: Situation, told: Sequence[Evidence]) -> dict[str, Posture]:
    """Return the posture per person.

    The caller's for the largest face, else what a vision-language model says of a person.
    """
    found: dict[str, Posture] = {}
    for person in people:
        if person.vlm is not None and person.vlm.body:
            found[person.id] = Posture(basis="observed", text=person.vlm.body, evidence=(f"{person.id}.vlm",))
    stated = [entry for entry in told if entry.id == "told.posture"]
    if stated and people and situation.posture:
        found[people[0].id] = Posture(basis="stated", text=stated[0].text, evidence=(stated[0].id,))
    return found
