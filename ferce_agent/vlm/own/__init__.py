"""Our own model's files."""
