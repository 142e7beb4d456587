"""How far the expression of words alone agrees with what is shown: the table that words are fused by.

``python -m ferce_agent.evaluation.voice.said_words [--out FILE]``

The items are the written situations of `ferce bench situations` about one person whose face goes with what is told:
their writers gave the face together with the words. The words are read as those of a turn of speech. That is far from
spoken words of the person herself, and the rules were tuned on two of the three sets, though for causes and not for
this; therefore the exponent is discounted, by convention.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from ferce_agent.context.events import EventMatcher
from ferce_agent.context.turn_alignment import Said
from ferce_agent.context.turn_words import turn_words
from ferce_agent.errors import DataError
from ferce_agent.evaluation.cases import SETS, Case, load_cases
from ferce_agent.graphs.engines import Engines
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.modal_reliability import ModalReliability
from ferce_agent.reasoning.modalities import words_term
from ferce_agent.report.speech import TurnWords

DISCOUNT: Final = 0.7
"""See the head of the module."""
UNTUNED: Final = "held_out"
"""The set on which no rule was tuned."""
BANDS: Final = (0.0, 0.2, 0.35, 1.0)
"""Bands of confidence, in which the share of right answers is shown."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of one situation.

    Attributes:
        name: The set it is from.
        truth: The likeliest expression of the face that was written for it.
        valence: Pleasantness of that face, -1..1.
        words: What is read from the words.
    """

    name: str
    truth: str
    valence: float
    words: TurnWords

    @property
    def right(self) -> bool:
        """Whether the words express what the face shows."""
        return words_term(self.words) == self.truth


def heard_words(matcher: EventMatcher | None) -> list[Heard]:
    """Read the words of all situations that fit."""
    return [
        _heard(name, case, matcher)
        for name in SETS
        for case in load_cases(name)
        if case.kind == "one_person" and not case.expect.get("conflict") and case.situation.text
    ]


def _heard(name: str, case: Case, matcher: EventMatcher | None) -> Heard:
    shown = case.people[0].expression
    if shown is None or not case.situation.text:
        raise DataError(f"The case {case.id} has no expression or no words.")
    said = Said(case.situation.text, len(case.situation.text.split()), "told")
    words = turn_words(said, keep=False, matcher=matcher)
    return Heard(name, shown.distribution.ranked()[0][0], shown.valence.value, words)


def table_of(heard: Sequence[Heard]) -> ModalReliability:
    """Measure the table of words.

    Raises:
        DataError: Words express something in fewer than 30 situations.
    """
    named = [words_term(one.words) for one in heard]
    shares = np.array([[float(name == column) for column in CANONICAL] for name in named])
    made = ModalReliability.measure(
        "words",
        engine=ontology().version,
        columns=CANONICAL,
        shares=shares,
        truth=np.array([list(CANONICAL).index(one.truth) for one in heard]),  # type: ignore[arg-type]
        discount=DISCOUNT,
        note="Written situations about one person, told in English; discounted, because the person's own spoken "
        "words differ.",
    )
    return replace(made, valence_error=valence_error([one for one in heard if one.name == UNTUNED]))


def valence_error(heard: Sequence[Heard]) -> float | None:
    """Return the root mean square error of the words' pleasantness; None where none was understood."""
    errors = [one.words.valence - one.valence for one in heard if one.words.valence is not None]
    return round(float(np.sqrt(np.mean(np.square(errors)))), 4) if errors else None


def lines(heard: Sequence[Heard], table: ModalReliability) -> Iterator[str]:
    """Yield the lines of the report."""
    for name in SETS:
        own = [one for one in heard if one.name == name]
        said = [one for one in own if words_term(one.words) is not None]
        yield (
            f"{name}: {len(own)} situations, an expression in {len(said)}, right in {sum(one.right for one in said)}, "
            f"error of valence {valence_error(own)}"
        )
    for low, high in pairwise(BANDS):
        band = [one for one in heard if words_term(one.words) and low <= (one.words.expression_confidence or 0) < high]
        yield f"confidence {low:.2f} to {high:.2f}: {sum(one.right for one in band)} of {len(band)} right"
    yield f"exponent {table.weight:.2f} times {table.discount:.2f}, {table.items} items, accuracy {table.accuracy:.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report, and write the table if asked."""
    parser = argparse.ArgumentParser(description="How far words alone agree with the face written for them.")
    parser.add_argument("--out", type=Path, help="Write the table, such as ferce_agent/weights/words.json.")
    asked = parser.parse_args(arguments)
    heard = heard_words(Engines().events)
    table = table_of(heard)
    for line in lines(heard, table):
        print(line)  # noqa: T201
    if asked.out:
        table.save(asked.out)


if __name__ == "__main__":
    main()
