"""The metrics of the Micro-Expression Grand Challenges (MEGC) for finding and naming movements in long films.

- *Spotting* (since MEGC 2019; He et al. 2020, "Spotting macro- and micro-expression intervals in long video
  sequences"): a found interval is a true positive where the frames it shares with an annotated one are at least half of
  the frames of both together (intersection over union of 0.5 or more, both ends included). Counts are summed over all
  films, then precision, recall and F1 are taken once.
- *Recognition and STRS* (since MEGC 2022; Liong, See and Chan 2023, "Spot-then-recognize", Signal Processing: Image
  Communication 110): F1 of the emotion words over the true positives, from the means of precision and recall over the
  words that are annotated or given; STRS is the product of both F1.

Here each annotated interval matches one found interval at most, by the assignment with the most matches and among these
the largest overlap. The organisers' script counts a found interval once for every annotated one it matches; annotated
intervals do not overlap by half, so that the numbers agree except where several found ones match the same one: there it
counts all of them as right, and here one is right and the others are false alarms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ferce_agent.errors import DataError

LEAST_OVERLAP: Final = 0.5
"""Least intersection over union at which two intervals are the same movement."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A movement in one film.

    Attributes:
        onset: First frame, or seconds.
        offset: Last frame, or seconds; not before the onset.
        word: The emotion's word; empty where none is given.
    """

    onset: float
    offset: float
    word: str = ""

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            DataError: The offset lies before the onset, or one of them is no number.
        """
        if not self.onset <= self.offset < np.inf:
            raise DataError(f"An interval from {self.onset:g} to {self.offset:g} is not in order.")


@dataclass(frozen=True, slots=True)
class Counts:
    """What was right and wrong, and the measures that follow.

    Attributes:
        right: True positives.
        wrong: False positives: found and not annotated.
        missed: False negatives: annotated and not found.
    """

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the sums, as over several films."""
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of the found ones that are right; 0 where nothing was found."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Share of the annotated ones that were found; 0 where nothing is annotated."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 2 right / (2 right + wrong + missed); 0 where there is nothing."""
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)


@dataclass(frozen=True, slots=True)
class MegcScores:
    """The protocol's numbers.

    Attributes:
        spotting: Counts over all films.
        recognition_f1: F1 of the words over the true positives; None where no words were given or nothing was found.
        strs: Spotting F1 times recognition F1; None where there is no recognition F1.
    """

    spotting: Counts
    recognition_f1: float | None
    strs: float | None


def overlap(one: Interval, two: Interval, frame: float = 1.0) -> float:
    """Return the intersection over union of two intervals, 0..1.

    Args:
        one: The first.
        two: The second.
        frame: What a single frame lasts: 1 for frames, where both ends are included; 0 for seconds.
    """
    shared = min(one.offset, two.offset) - max(one.onset, two.onset) + frame
    lengths = one.offset - one.onset + two.offset - two.onset + 2 * frame
    return max(shared, 0.0) / max(lengths - max(shared, 0.0), 1e-12)


def matches(found: Sequence[Interval], annotated: Sequence[Interval], frame: float = 1.0) -> list[tuple[int, int]]:
    """Return which found interval is which annotated one: pairs of places in both lists.

    Args:
        found: Of one film.
        annotated: Of the same film.
        frame: See `overlap`.
    """
    if not found or not annotated:
        return []
    from scipy.optimize import linear_sum_assignment

    shares = np.array([[overlap(one, two, frame) for two in annotated] for one in found])
    # Each match counts more than all overlaps together, so that the number of matches comes first.
    worth = np.where(shares >= LEAST_OVERLAP, len(found) + len(annotated) + shares, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if shares[i, j] >= LEAST_OVERLAP]


def megc_scores(
    found: Mapping[str, Sequence[Interval]], annotated: Mapping[str, Sequence[Interval]], frame: float = 1.0
) -> MegcScores:
    """Return the protocol's numbers over several films.

    Args:
        found: Intervals by film. A film that is missing had nothing found.
        annotated: Intervals by film, of every film that was looked at, also without any.
        frame: See `overlap`.

    Raises:
        DataError: Something was found in a film that is not annotated.
    """
    strangers = sorted(set(found) - set(annotated))
    if strangers:
        raise DataError(
            f"Films without annotations: {', '.join(strangers[:3])}.", hint="Give an empty list for such films."
        )
    counts = Counts()
    words: list[tuple[str, str]] = []
    for film, truth in annotated.items():
        here = found.get(film, ())
        pairs = matches(here, truth, frame)
        counts += Counts(len(pairs), len(here) - len(pairs), len(truth) - len(pairs))
        words += [(here[i].word, truth[j].word) for i, j in pairs]
    every = {one.word for films in (found, annotated) for film in films.values() for one in film} - {""}
    recognition = recognition_f1(words, every)
    return MegcScores(counts, recognition, None if recognition is None else counts.f1 * recognition)


def recognition_f1(words: Sequence[tuple[str, str]], every: Iterable[str]) -> float | None:
    """Return F1 of mean precision and mean recall over the words; None where nothing was named.

    Args:
        words: Given and annotated word of each true positive.
        every: All words that count, also those without a true positive.
    """
    if not any(given for given, _ in words):
        return None
    counts = [
        Counts(
            sum(given == word == true for given, true in words),
            sum(given == word != true for given, true in words),
            sum(given != word == true for given, true in words),
        )
        for word in sorted(every)
    ]
    precision = float(np.mean([one.precision for one in counts]))
    recall = float(np.mean([one.recall for one in counts]))
    return 2 * precision * recall / max(precision + recall, 1e-12)
