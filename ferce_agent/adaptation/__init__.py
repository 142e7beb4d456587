"""Adapters: what a few labelled pictures of one deployment change in the expression model's answer."""
