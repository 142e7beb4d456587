"""From an answer to a perception, asking again where the answer cannot be used; each refused attempt is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ferce_agent.errors import ExtractionError, VlmTimeoutError
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.vlm.extraction.answer import read_answer
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.protocol import Answer, Request

REPAIR_PROMPT = "repair"

Ask = Callable[[Request], Answer]
"""Asks once; raises `VlmError`."""


def extract_with_repairs(
    ask: Ask, answer: Answer, request: Request, shape: AnswerShape, *, repairs: int = 2
) -> ExtractedPerception:
    """Read an answer; one that names nothing usable is asked for again, with the reason.

    Args:
        ask: How to ask again.
        answer: The first answer.
        request: What it answers; its seconds are the model's time for all repairs together.
        shape: Labels on offer.
        repairs: How many more attempts.

    Raises:
        ExtractionError: No attempt gave a usable answer.
        VlmError: The model failed, or took too long, before any attempt could be read.
    """
    left = request.seconds
    refused: list[str] = []
    best: ExtractedPerception | None = None
    for attempt in range(repairs + 1):
        refused += answer.repairs
        try:
            found = read_answer(answer.text, shape)
            best = replace(found, constrained=answer.constrained)
            if found.term is not None:
                break
            refused.append(found.problem)
        except ExtractionError as error:
            refused.append(error.message)
        if attempt == repairs or left <= 0:
            break
        try:
            began = time.monotonic()
            answer = ask(again(request, refused[-1], left))
        except VlmTimeoutError:
            break
        left -= time.monotonic() - began if answer.seconds is None else answer.seconds
    if best is None:
        raise ExtractionError(f"No usable answer in {len(refused)} attempts: {refused[-1]}")
    return replace(best, repairs=tuple(refused))


def again(request: Request, problem: str, seconds: float) -> Request:
    """Return the question once more, with what was wrong with the last answer."""
    prompt = f"{request.prompt}\n\n{load_prompt(REPAIR_PROMPT).render(problem=problem)}"
    return replace(request, prompt=prompt, seconds=seconds, began=None)
