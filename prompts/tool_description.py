"""What agents are told of the tool `analyze_expression`."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = (
    "Reads the facial expressions in a photo. Returns who shows which expression, how strongly and how sure that "
    "is, with movements seen, doubts, likely causes from the context you give, and how to answer. An expression is "
    "not a feeling: say 'shows' or 'appears', and do not name an emotion where none is named."
)
