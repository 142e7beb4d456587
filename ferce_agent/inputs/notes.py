"""Notes on what could not be read as it should be, of films and of sounds: they grow while the source is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

MOST_STRETCHES: Final = 50
"""Stretches that are noted one by one; later ones are added to the last of them."""
NEAR_S: Final = 1.0
"""Stretches of the same kind that lie nearer to each other are noted as one, in seconds."""
CodeT = TypeVar("CodeT", bound=str)
"""The reason codes of one kind of source."""


@dataclass(frozen=True)  # a frozen generic with slots cannot be made through an alias in Python 3.11
class Note(Generic[CodeT]):
    """Something about a film or a sound that could not be read as it should be.

    Attributes:
        code: Reason code.
        message: What happened and what to do about it.
        from_s: Where the stretch that it concerns begins, in seconds; None for the whole source.
        to_s: Where it ends; None where that is not known.
        count: How many things it concerns, at least 1, where that is known.
    """

    code: CodeT
    message: str
    from_s: float | None = None
    to_s: float | None = None
    count: int | None = None


class Notes(Generic[CodeT]):
    """The notes of a source; each entry may still be replaced by a fuller one."""

    def __init__(self) -> None:
        """Begin without any."""
        self._notes: list[Note[CodeT]] = []

    def __iter__(self) -> Iterator[Note[CodeT]]:
        """Yield the notes there are now."""
        return iter(tuple(self._notes))

    def has(self, code: CodeT) -> bool:
        """Return whether there is a note of this kind."""
        return any(note.code == code for note in self._notes)

    def put(self, note: Note[CodeT]) -> None:
        """Keep a note in place of the earlier one of its kind."""
        self._notes = [*(kept for kept in self._notes if kept.code != note.code), note]

    def stretch(self, note: Note[CodeT]) -> None:
        """Keep a note about a stretch; one that is near the stretch before it becomes part of that."""
        same = [index for index, kept in enumerate(self._notes) if kept.code == note.code]
        last = self._notes[same[-1]] if same else None
        if last is None or (len(same) < MOST_STRETCHES and (note.from_s or 0) > (last.to_s or 0) + NEAR_S):
            self._notes.append(note)
            return
        count = (last.count or 0) + (note.count or 0)
        self._notes[same[-1]] = replace(last, to_s=max(last.to_s or 0, note.to_s or 0), count=count or None)
