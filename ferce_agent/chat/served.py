"""The chatbot as a LangGraph server runs it; the factory is named in `langgraph.json`."""

from __future__ import annotations

from ferce_agent.chat.models import GuidedChatModel
from ferce_agent.graphs.chat import build_chat_graph
from ferce_agent.graphs.chat_pictures import ChatGraph


def graph() -> ChatGraph:
    """Return the chatbot with the offline model. A server brings its own memory."""
    return build_chat_graph(GuidedChatModel())
