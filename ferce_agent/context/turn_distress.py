"""Words of distress in turns of speech, also where a pause divides a sentence or no turn was found around the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from ferce_agent.context.crisis import statements_in_crisis
from ferce_agent.context.distress import speaks_of_distress
from ferce_agent.context.statements import Statement, pieces_of, statements
from ferce_agent.context.turn_alignment import Aligned, Said
from ferce_agent.inputs.situation import MAX_TEXT, Situation, Turn

SPEAKER: Final = "speaker"
"""How whoever speaks is called where the words are read; a name in the transcript would tell a reader nothing."""
LEFT_OVER: Final = "left_over.words"
"""Id of the evidence of words that lie in no turn."""
BORDER: Final = 300
"""Characters on either side of a pause in which a sentence may go on."""


def words_id(turn: str) -> str:
    """Return the id of the evidence of what is said in a turn: ``speech-1.words``."""
    return f"{turn}.words"


def situations(said: Said) -> Iterator[Situation]:
    """Yield what is said as a conversation of one turn, a very long one in parts."""
    for part in pieces_of(said.text, MAX_TEXT):
        yield Situation(turns=(Turn(speaker=SPEAKER, text=part),))


def statements_of(turn: str, said: Said) -> list[Statement]:
    """Return what is said in a turn as statements of its speaker, who has the turn's id."""
    found = [one for situation in situations(said) for one in statements(situation)]
    return [
        Statement(f"{turn}.{number}", one.text, one.source, one.speaker, turn, one.sentences)
        for number, one in enumerate(found, 1)
    ]


def in_distress(said: Said) -> bool:
    """Return whether what is said speaks of distress; in any of the languages known here, all of it is read."""
    return any(statements_in_crisis(statements(one), one) for one in situations(said))


def distress_in(aligned: Aligned, turns: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the evidence of words of distress, in the order of the turns; empty where there are none.

    Args:
        aligned: What is said.
        turns: The ids of the turns.
    """
    spoken = [(turn, said) for turn, said in zip(turns, aligned.turns, strict=True) if said is not None]
    found = {turn for turn, said in spoken if in_distress(said)}
    for (one, before), (other, behind) in pairwise(spoken):
        if {one, other} & found or (before.speaker != behind.speaker and before.speaker and behind.speaker):
            continue
        if speaks_of_distress(f"{before.text[-BORDER:]} {behind.text[:BORDER]}"):
            found |= {one, other}
    ids = [words_id(turn) for turn in turns if turn in found]
    if aligned.outside is not None and in_distress(aligned.outside):
        ids.append(LEFT_OVER)
    return tuple(ids)
