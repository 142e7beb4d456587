"""Clips that are made here, with times that are known: what the reading of clips is measured on."""
