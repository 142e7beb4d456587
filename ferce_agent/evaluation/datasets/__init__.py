"""Readers of labelled sets, one small class per layout."""
