"""A vision-language model looks at the moments of a clip, one question each, within the time for one picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ferce_agent.clips.composition import moment_id
from ferce_agent.clips.moments import Candidate
from ferce_agent.errors import EngineError
from ferce_agent.graphs.clip_state import ClipContext
from ferce_agent.graphs.engines import Engines
from ferce_agent.reasoning.second_opinion import reading_of
from ferce_agent.report import ClipDegradation
from ferce_agent.vlm.ask import Asker


def to_look_at(moments: Sequence[Candidate], engines: Engines) -> list[int]:
    """Return the places of the moments whose face is shown to the model.

    All whose face was read as in a photo, or only those whose expression is unsure without it, as the settings say.
    """
    only_unsure = engines.settings.vlm_when == "unsure"
    return [
        place
        for place, one in enumerate(moments)
        if one.reading is not None and one.expression is not None and (one.expression.abstained or not only_unsure)
    ]


def look_at(place: int, context: ClipContext) -> dict[str, Any]:
    """Ask the model about one moment.

    Raises:
        VlmError: The model failed, took too long, or gave no usable answer.
    """
    asker, one = _asker(context), _moment(place, context)
    if one is None or one.reading is None or one.picture is None:
        message = "The run went on from a checkpoint, which holds no pictures."
        return {"degraded": [_note(place, "vlm_skipped", message)]}
    began = time.monotonic()
    allowed = asker.time_for(context.engines.time_left(began), context.cancel)
    if allowed is None:
        return {"degraded": [_note(place, "vlm_skipped", "The time budget leaves no room for the model.")]}
    request, shape = asker.faces.request(one.picture.pixels, one.reading.detected, one.reading.embedding, None, allowed)
    answer = asker.ask(request)
    left = asker.time_for_repairs(context.engines.time_left(began), context.cancel)
    again, shape = asker.faces.request(one.picture.pixels, one.reading.detected, one.reading.embedding, None, left)
    found = asker.extract(answer, again, shape)
    seen = reading_of(found, one.expression, one.reading.movements, 0.0)
    return {"looked": [(place, seen)], "sent": [_sent(asker)]}


def failed(place: int, error: BaseException, context: ClipContext) -> dict[str, Any]:
    """Return what follows where the model did not answer: a note, and what it may have been sent."""
    return {"degraded": [_note(place, "vlm_failed", str(error))], "sent": [_sent(_asker(context))]}


def _note(place: int, code: Any, message: str) -> ClipDegradation:
    return ClipDegradation(stage="look", code=code, message=f"{moment_id(place)}: {message}"[:2000])


def _sent(asker: Asker) -> tuple[str, tuple[str, ...]]:
    prompt = asker.faces.prompt_for(None)
    return prompt.reference, asker.faces.sees(prompt, None)


def _asker(context: ClipContext) -> Asker:
    if context.engines.asker is None:
        raise EngineError("No vision-language model is configured.", hint="Name one with --vlm.")
    return context.engines.asker


def _moment(place: int, context: ClipContext) -> Candidate | None:
    return None if context.reading is None else context.reading.analysis.moments[place]
