"""The expression network and what turns its numbers into probabilities and words."""
