"""The words of a use context, without anything else, so that the command line can list them at once."""

from __future__ import annotations

from typing import Literal

Domain = Literal[
    "general",
    "assistant",
    "healthcare",
    "safety",
    "research",
    "entertainment",
    "workplace",
    "education",
    "recruitment",
    "law_enforcement",
    "migration",
    "insurance",
    "credit",
    "deception_detection",
    "identification",
]
"""Area of life in which a report is used."""
Jurisdiction = Literal["eu", "other", "unknown"]
"""Whose law holds; an unknown one is treated like the EU's where that is stricter."""
Grounds = Literal["none", "medical", "safety"]
"""Reason that lifts the EU's ban at work and in education."""
Observer = Literal["self", "clinician", "third_party"]
"""Who reads a report on a person: the person, a therapist or physician of the person's, or somebody else."""
