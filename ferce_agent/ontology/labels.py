"""The eight canonical expressions, in the order of the FER+ votes.

This tuple is code and not data because weight files depend on its order; the ontology file is checked against it.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Canonical = Literal["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
"""Id of a canonical expression."""

CANONICAL: Final[tuple[Canonical, ...]] = get_args(Canonical)
"""Canonical ids in FER+ order; the order of every distribution in this package."""
