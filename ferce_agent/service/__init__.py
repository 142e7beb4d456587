"""The server for programs: photos, clips and voices over HTTP, and MCP on the same port; many clients at once."""
