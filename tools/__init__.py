"""What agents call: the LangChain tool and the MCP server."""
