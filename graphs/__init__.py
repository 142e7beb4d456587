"""LangGraph workflows: state, nodes and edges. The work itself is in the engines."""
