"""LangGraph workflows: state, nodes and edges. The work itself is done by functions of the packages below."""
