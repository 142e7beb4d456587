"""What a host of MCP servers needs to start ours: configurations, a bundle, an entry for the registry, a project."""
