"""Data sets, metrics and measurements."""
