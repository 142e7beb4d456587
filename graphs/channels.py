"""Channels of values that one run passes between its nodes: they are never written into a checkpoint.

A checkpoint is kept, copied and read by others. What is found in a face on the way to the report has no business there,
and a later run on the same thread, with another picture, must not find it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.channels import UntrackedValue


class Gathered(UntrackedValue[list[Any]]):
    """A list to which the nodes of a run add."""

    __slots__ = ()

    def update(self, values: Sequence[list[Any]]) -> bool:
        """Add what the nodes of a step give, in the order of the nodes."""
        if not values:
            return False
        before: list[Any] = self.value if self.is_available() else []
        self.value = [*before, *(item for added in values for item in added)]
        return True
