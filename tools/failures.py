"""Errors as a model reads them: a code, what was wrong, what to do; nothing of the inside."""

from __future__ import annotations

import logging
from typing import Literal

from pydantic import BaseModel, ValidationError

from ferce_agent.errors import EngineError, FerceError
from ferce_agent.tools.arguments import argument_error

logger = logging.getLogger(__name__)

What = Literal["photo", "clip", "voice", "scenario"]
"""What a tool was to analyse, or to run."""


def typed(error: Exception, what: What) -> FerceError:
    """Return an error of this package.

    The error itself, or in place of any other one that says nothing about its inside.

    Anything untyped is a bug; it is logged with its traceback.
    """
    if isinstance(error, FerceError):
        return error
    logger.error("analysing a %s failed", what, exc_info=error)
    return EngineError(
        f"Something went wrong inside ({type(error).__name__}).",
        hint="This is a bug; please tell the maintainers what was sent.",
    )


def refusal_words(error: FerceError, what: What) -> str:
    """Return an error as a model reads it."""
    done = "run" if what == "scenario" else "analysed"
    return f"The {what} was not {done} ({error.code}): {error}"


def argument_words(error: Exception, model: type[BaseModel], what: What) -> str:
    """Return what is wrong with the arguments of a tool, for the model.

    Args:
        error: What LangChain found.
        model: The tool's arguments.
        what: What the tool analyses or runs.
    """
    plain = argument_error(error, model) if isinstance(error, ValidationError) else EngineError(str(error))
    return refusal_words(plain, what)


def tool_error(error: Exception, what: What) -> Exception:
    """Return an error as a message for the model; what steers a graph passes as it is."""
    # Not at the top: the MCP server needs this module, but neither of these two, which take a second to import.
    from langchain_core.tools import ToolException
    from langgraph.errors import GraphBubbleUp

    return error if isinstance(error, GraphBubbleUp) else ToolException(refusal_words(typed(error, what), what))
