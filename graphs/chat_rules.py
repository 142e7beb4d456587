"""What the rules let a chat model know about faces and voices: everything, visible movements only, or nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage

from ferce_agent.graphs.chat_state import ChatState, Remembered
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.decide import ASK_THEM, decide
from ferce_agent.policy.use import UseContext, UseLike, read_use

FACE: Final = "face"
"""Where an answer of the assistant says whether it was given in knowledge of a face."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a chat model may be told.

    Attributes:
        faces: Whether it may be told anything about a face or a voice; if not, it gets what was said in words only.
        inferred: Whether expressions may be read and told; if not, visible movements only.
        note: Why it is told nothing about faces and voices; empty where it is.
    """

    faces: bool = True
    inferred: bool = True
    note: str = ""

    def admits(self, reading: Remembered) -> bool:
        """Return whether the model may be told of a reading.

        One made under other rules may say more than is allowed now.
        """
        return self.faces and self.fits(reading)

    def fits(self, reading: Remembered) -> bool:
        """Return whether a reading says no more than the rules allow to read now, whoever is told of it."""
        return self.inferred or not reading.get("inferred", True)

    def state(self, state: ChatState) -> ChatState:
        """Return what the model may know of a thread.

        Readings, and answers given in knowledge of them, only where allowed.
        """
        if self.faces and self.inferred:
            return state
        messages = [one for one in state["messages"] if not _tells_of_a_face(one)]
        return ChatState(
            **{**state, "messages": messages, "reports": list(filter(self.admits, state.get("reports", ())))}
        )


def _tells_of_a_face(message: BaseMessage) -> bool:
    # Calls of the tool have no words; an answer of an earlier version does not say what it was given in knowledge of.
    told = isinstance(message, AIMessage) and not message.tool_calls
    return told and message.additional_kwargs.get(FACE) is not False


def telling(engines: Engines, use: UseLike | None, *, remote: bool) -> Telling:
    """Return what a chat model may be told.

    Args:
        engines: They bring the use of whoever runs them.
        use: What is said about this turn.
        remote: Whether the chat model runs elsewhere.

    Raises:
        PolicyError: The use is refused.
        SettingsError: The use cannot be read.
    """
    allowed = engines.permit(use)
    sending = decide(read_use(use), remote=remote, own=engines.use)
    if not remote or sending.may_send:
        return Telling(inferred=allowed.may_infer)
    way = f" {ASK_THEM}" if sending.lacks_consent else ""
    note = f"The chat model runs elsewhere and is told nothing about faces and voices. Rule: {sending.cited}.{way}"
    return Telling(faces=False, inferred=allowed.may_infer, note=note)


def bound_by(engines: Engines, use: UseContext) -> Engines:
    """Return the same engines, with models and all, under a use of its own; what that leaves open stays as it was."""
    _ = engines.asker  # one model for both
    bound = copy.copy(engines)
    bound.use = use.completed_by(engines.use)
    return bound
