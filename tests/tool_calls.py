"""A model's tool call, sent through a real ToolNode in a real graph."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode


def call(tool: Any, **arguments: Any) -> ToolMessage:
    """Send a model's tool call through a real ToolNode in a real graph."""
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([tool]))
    builder.add_edge(START, "tools")
    builder.add_edge("tools", END)
    request = {"name": tool.name, "args": arguments, "id": "1", "type": "tool_call"}
    answer = builder.compile().invoke({"messages": [AIMessage("", tool_calls=[request])]})["messages"][-1]
    assert isinstance(answer, ToolMessage)
    return answer
