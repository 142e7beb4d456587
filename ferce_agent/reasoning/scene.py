"""The scene of a report: stated by the caller, seen by a vision-language model, or unknown; never invented."""

from __future__ import annotations

from collections.abc import Sequence

from ferce_agent.extraction.hygiene import tidy_text
from ferce_agent.extraction.scene import WrittenScene, scene_words
from ferce_agent.report import Evidence, Scene


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
