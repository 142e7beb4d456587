"""From a vision-language model's words to a checked perception: JSON first, then tags, then prose.

The text is untrusted: it may repeat what is printed in the picture. Only ontology terms, checked numbers and cleaned,
shortened sentences leave this module.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from ferce_agent.errors import ExtractionError
from ferce_agent.ontology.normalise import Normalisation, normalise
from ferce_agent.ontology.store import ontology
from ferce_agent.vlm.extraction.hygiene import MAX_TEXT, ORDERS, clean_text
from ferce_agent.vlm.extraction.perception import ExtractedPerception, Part
from ferce_agent.vlm.extraction.prose import find_certainty, find_cues, find_intensity
from ferce_agent.vlm.extraction.shape import AnswerShape, shape_for

ANSWER_TAG: Final = re.compile(r"<answer>(.{0,400}?)</answer>", re.IGNORECASE | re.DOTALL)
THINK_TAG: Final = re.compile(r"<think>(.{0,4000}?)</think>", re.IGNORECASE | re.DOTALL)


def read_answer(text: str, shape: AnswerShape | None = None) -> ExtractedPerception:
    """Read an answer in any form.

    A perception without a term says in `problem` why; it may still hold cues.

    Args:
        text: The model's words.
        shape: The labels the model was offered; the eight canonical ones if left out.

    Raises:
        ExtractionError: The answer was meant to be structured, and is not; the message says what is wrong with it.
    """
    shape = shape or shape_for()
    text = text[:MAX_TEXT]
    answer = ANSWER_TAG.search(text)
    if answer is None and "{" in text and '"labels"' in text:
        return read_json(text, shape)
    return read_words(text, answer.group(1) if answer else None, shape)


def read_json(text: str, shape: AnswerShape) -> ExtractedPerception:
    """Read the first JSON object of a text.

    Raises:
        ExtractionError: It is no JSON, or not of the shape.
    """
    try:
        document, _ = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text, text.index("{"))
        return shape.read(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ExtractionError(
            f"The answer's {place or 'content'} is wrong: {clean_text(first['msg'], 300)}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ExtractionError("The answer is not complete JSON.") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read_words(text: str, answer: str | None, shape: AnswerShape) -> ExtractedPerception:
    """Read tags or prose.

    The label from the answer tag (else from the whole text), everything else from the reasoning.
    """
    thought = THINK_TAG.search(text)
    reasons = thought.group(1) if thought else text
    found = find_label(answer if answer is not None else text, shape)
    term = found.term if found.status == "found" else None
    return ExtractedPerception(
        term=term,
        parts=(Part(term, 1.0),) if term else (),
        intensity=find_intensity(reasons),
        certainty=find_certainty(reasons),
        cues=find_cues(reasons),
        sentence=clean_text(reasons),
        problem="" if term else f"The answer names no single expression ({found.status}).",
        form="prose" if answer is None else "tags",
    )


def find_label(text: str, shape: AnswerShape) -> Normalisation:
    """Return the offered expression that a text names; a finer word of the ontology counts as the offered one above it.

    Sentences that give orders are not read, so that words printed in the picture name nothing.
    """
    exact = {word.lower(): term for word, term in shape.labels.items()}.get(text.strip().strip(".!\"'").lower())
    if exact is not None:
        return Normalisation("found", exact, (exact,), ())
    allowed = set(shape.labels.values())
    kept = " ".join(part for part in re.split(r"(?<=[.!?\n])\s+", text) if not ORDERS.search(part))
    found = normalise(kept)
    if found.term is None or found.term in allowed or allowed & set(ontology().ancestors(found.term)):
        return found
    return replace(found, status="unknown", term=None)
