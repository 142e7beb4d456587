"""Sessions: readings of one person over days, in a local store, and what changed against the person's own past."""
