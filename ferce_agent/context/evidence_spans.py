"""Which words of a sentence carry an appraisal: a short run of words, by the encoder's pieces and by cue words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

LONGEST: Final = 8
"""Words of a span at most."""
CUE: Final = 8.0
"""What a cue adds to its own words; half of it to the words beside, and so on. Words score about 0 to 25."""
PEAK: Final = 5.0
"""A word that scores so much less than the best one counts e times less: one telling word outweighs many vague ones."""
CLAUSE: Final = 12
"""Words of a span at most where that makes the clause whole."""
MARK: Final = re.compile(r"[,;:()\"“”—–]")
"""A mark between two clauses."""
JOINING: Final = frozenset(
    [
        "and",
        "but",
        "or",
        "so",
        "because",
        "while",
        "when",
        "where",
        "who",
        "which",
        "that",
        "after",
        "before",
        "until",
        "since",
        "though",
        "although",
    ]
)
"""Words that begin a clause."""
WORD: Final = re.compile(r"\w(?:\S*\w)?")
"""A word without the marks around it."""


def carrying_words(
    text: str,
    appraisal: str,
    pieces: Sequence[tuple[int, int, Mapping[str, float]]] = (),
    cues: Sequence[tuple[int, int]] = (),
) -> tuple[int, int]:
    """Return the place of the words that carry an appraisal: first and one past the last character in `text`.

    They are the run of `LONGEST` words with the best scores, widened to whole clauses of at most `CLAUSE` words. A
    sentence of at most `LONGEST` words, or one about which nothing is known, is returned whole.

    Args:
        text: The sentence.
        appraisal: Id of the appraisal.
        pieces: First and one past the last character of each piece of a word, and how much it speaks for each
            appraisal, as in `EventScores.words`.
        cues: First and one past the last character of each cue word or phrase of this appraisal.
    """
    words = [match.span() for match in WORD.finditer(text)]
    if len(words) <= LONGEST or not (pieces or cues):
        return (words[0][0], words[-1][1]) if words else (0, len(text))
    cued = [index for index, word in enumerate(words) if any(_meet(word, cue) for cue in cues)]
    scores = [
        _carried(word, appraisal, pieces) + CUE * max((0.5 ** abs(index - near) for near in cued), default=0.0)
        for index, word in enumerate(words)
    ]
    best = max(scores)
    scores = [math.exp((score - best) / PEAK) for score in scores]
    first = max(range(len(words) - LONGEST + 1), key=lambda at: sum(scores[at : at + LONGEST]))
    first, last = _whole_clause(text, words, first, first + LONGEST - 1)
    return words[first][0], words[last][1]


def _whole_clause(text: str, words: Sequence[tuple[int, int]], first: int, last: int) -> tuple[int, int]:
    """Widen a run of words to the ends of its clauses, to the side that ends sooner first, while it stays short."""
    starts = [
        at == 0 or bool(MARK.search(text[words[at - 1][1] : start])) or text[start:end].lower() in JOINING
        for at, (start, end) in enumerate(words)
    ]
    before = next(at for at in range(first, -1, -1) if starts[at])
    after = next((at - 1 for at in range(last + 1, len(words)) if starts[at]), len(words) - 1)
    sides = sorted([(first - before, 0), (after - last, 1)])
    for more, side in sides:
        if last - first + 1 + more <= CLAUSE:
            first, last = (first - more, last) if side == 0 else (first, last + more)
    return first, last


def _meet(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return one[0] < two[1] and two[0] < one[1]


def _carried(word: tuple[int, int], appraisal: str, pieces: Sequence[tuple[int, int, Mapping[str, float]]]) -> float:
    own = [scores.get(appraisal, 0.0) for first, last, scores in pieces if _meet(word, (first, last))]
    return sum(own) / len(own) if own else 0.0
