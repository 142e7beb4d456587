"""Values made once, queues in front of a model, and calling work off."""
