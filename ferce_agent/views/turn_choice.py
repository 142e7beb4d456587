"""Which turns of speech are told about where not all are."""

from __future__ import annotations

from ferce_agent.report import SpeechTurn


def worth_telling(turns: tuple[SpeechTurn, ...], most: int) -> tuple[SpeechTurn, ...]:
    """Return at most `most` turns by their beginning: those with a named expression first, longer ones before shorter.

    Args:
        turns: The turns by their beginning.
        most: How many.
    """

    def weight(turn: SpeechTurn) -> tuple[bool, bool, float]:
        named = turn.voice is not None and turn.voice.expression is not None
        strong = named and turn.voice is not None and turn.voice.expression != "neutral"
        return not strong, not named, turn.start_s - turn.end_s

    chosen = {turn.id for turn in sorted(turns, key=weight)[:most]}
    return tuple(turn for turn in turns if turn.id in chosen)
