"""Measurements of batches."""
