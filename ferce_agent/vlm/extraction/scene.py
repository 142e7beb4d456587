"""What a vision-language model says about the whole picture.

Place, activity, posture, and how people are turned to each other.
"""

from __future__ import annotations

import json
from typing import Annotated, Final

from pydantic import Field, ValidationError

from ferce_agent.errors import ExtractionError
from ferce_agent.vlm.extraction.grammar import grammar_of
from ferce_agent.vlm.extraction.hygiene import MAX_TEXT, clean_text
from ferce_agent.vlm.extraction.shape import Written
from ferce_agent.vlm.protocol import Grammar

LINE: Final = 120
"""Longest answer to one question, in characters."""

Line = Annotated[str, Field(max_length=LINE)]


class WrittenScene(Written):
    """The scene as a model writes it; empty texts where nothing can be seen."""

    place: Line = ""
    activity: Line = ""
    posture: Line = ""
    between: Line = ""


def scene_grammar() -> Grammar:
    """Return the grammar of a scene."""
    return grammar_of(WrittenScene)


def read_scene(text: str) -> WrittenScene:
    """Read the first JSON object of an answer; every line is cleaned.

    Raises:
        ExtractionError: It is no scene, or nothing of it can be quoted.
    """
    try:
        document, _ = json.JSONDecoder().raw_decode(text[:MAX_TEXT], text[:MAX_TEXT].index("{"))
        written = WrittenScene.model_validate(document)
    except (ValidationError, ValueError, RecursionError) as error:
        raise ExtractionError("The answer about the scene is not of the asked form.") from error
    cleaned = WrittenScene(**{name: clean_text(line, LINE) for name, line in written.model_dump().items()})
    if not any(cleaned.model_dump().values()):
        raise ExtractionError("The answer about the scene says nothing.")
    return cleaned


def scene_words(scene: WrittenScene) -> str:
    """Return the scene as one line."""
    titles = {"place": "place", "activity": "going on", "posture": "posture", "between": "between the people"}
    return "; ".join(f"{titles[name]}: {line}" for name, line in scene.model_dump().items() if line)
