"""Shipped weights, each with a model card."""
