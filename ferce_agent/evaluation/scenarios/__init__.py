"""Benchmarks of sessions and scenarios: made data with known events, and what is found of them."""
