"""Generated combinations of face, voice and words with known truth: is the fused answer as good as the best source?

``python -m ferce_agent.evaluation.voice.combinations [--ferplus DIR] [--emodb DIR]``

For each combination a true expression is drawn, and each source answers about an item of that expression that its table
was not measured on. Without data sets the sources are simulated, with them the specialist answers about FER+ test faces
and the voice model about speakers who were left out of its training. A share of the answers cannot be trusted: a
voice unlike the training, a mouth that talks, a poor picture, words that were hardly understood. As far as the source
itself says so, its answer is about another expression then. With ``--installed`` the shipped tables are used, whose
discounts for use that differs from what was measured make the fused answer less sure than it could be here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.metrics import distribution_scores
from ferce_agent.evaluation.voice.combination_sources import Both, all_simulated, faces, voices
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.reasoning.modal_reliability import ModalReliability, ModalTables, Source, installed_tables
from ferce_agent.reasoning.modalities import (
    FLAT,
    GOOD_QUALITY,
    MOUTH_BORNE,
    SPEAKING_TRUST,
    FaceStretch,
    SourceAnswer,
    face_answer,
    fuse_sources,
    named_expression,
    voice_answer,
    words_answer,
)
from ferce_agent.report.speech import Modality, TurnWords, VoiceExpression

MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)
SUBSETS: Final = tuple(chosen for size in (1, 2, 3) for chosen in combinations(MODALITIES, size))
HARMED: Final = 0.2
"""Share of the answers of each source that cannot be fully trusted."""
SECONDS: Final = 3.0
"""Length of a turn."""
NAMED_FROM: Final = 0.5
"""Probability from which on a generated source names its likeliest answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        present: The sources that are there.
        answer: Whose answer: a source by itself, or ``fused``.
        accuracy: Share of combinations whose likeliest expression is the true one.
        nll: Mean negative log-likelihood of the true expression, in nats.
        ece: Expected calibration error, 15 bins.
        brier: Brier score, 0..2.
        named: Share of combinations for which an expression is named; nan for single sources.
        named_right: Share of these that are right; nan likewise.
        nll_gap: Fused: mean NLL less that of the best source, and its standard error; zeros for the others.
        accuracy_gap: Fused: accuracy less that of the best source, and its standard error; likewise.
    """

    present: tuple[Modality, ...]
    answer: str
    accuracy: float
    nll: float
    ece: float
    brier: float
    named: float = float("nan")
    named_right: float = float("nan")
    nll_gap: tuple[float, float] = (0.0, 0.0)
    accuracy_gap: tuple[float, float] = (0.0, 0.0)


def tables_of(sources: Both) -> ModalTables:
    """Return the tables of voice and words, measured on the items that are set apart for that."""
    return ModalTables(_table("voice", sources), _table("words", sources))


def _table(source: Source, sources: Both) -> ModalReliability:
    held = sources[source][0]
    return ModalReliability.measure(
        source, engine="generated", columns=held.columns, shares=held.shares, truth=held.truth
    )


class Generator:
    """Draws combinations.

    Attributes:
        sources: The answers to draw from.
        tables: What was measured on other items.
    """

    def __init__(self, sources: Both, tables: ModalTables, seed: int, harmed: float = HARMED) -> None:
        """Take the sources, and the share of answers that cannot be fully trusted."""
        self.sources, self.tables, self._harmed = sources, tables, harmed
        self._rng = np.random.default_rng(seed)

    def truths(self, present: Sequence[Modality], count: int) -> NDArray[np.int64]:
        """Return true expressions: as often as the face supposes, without a face all equally often; shape (count,)."""
        prior = self.sources["face"][1].prior if "face" in present else FLAT
        return self._rng.choice(len(CANONICAL), count, p=prior)

    def answer(self, source: Modality, truth: int) -> SourceAnswer:
        """Return what a source says about an item of this expression."""
        found = {"face": self._face, "voice": self._voice, "words": self._words}[source](truth)
        assert found is not None
        return found

    def _face(self, truth: int) -> SourceAnswer | None:
        speaking = self._unsure()
        quality = self._rng.random() * GOOD_QUALITY if self._unsure() else 1.0
        shares = self._shares("face", truth, quality / GOOD_QUALITY)
        if speaking and self._rng.random() > SPEAKING_TRUST:  # the mouth forms a sound that looks like an expression
            other = cast("Canonical", self._rng.choice(sorted(MOUTH_BORNE)))
            shares = self.sources["face"][1].draw(CANONICAL.index(other), self._rng)
        top = int(shares.argmax())
        named = CANONICAL[top] if shares[top] >= NAMED_FROM else None
        return face_answer(FaceStretch(shares, named, None, None, SECONDS, quality, speaking), SECONDS)

    def _voice(self, truth: int) -> SourceAnswer | None:
        unlike = self._rng.uniform(0.2, 0.9) if self._unsure() else 0.0
        columns, shares = self.sources["voice"][1].columns, self._shares("voice", truth, 1 - unlike)
        top = int(shares.argmax())
        sure = float(shares[top])
        voice = VoiceExpression(
            probabilities=dict(zip(columns, np.clip(shares, 0, 1).tolist(), strict=True)),
            expression=columns[top] if sure >= NAMED_FROM else None,
            arousal=None,
            valence=None,
            confidence=min(sure, 1.0),
            unlike_training=unlike,
            doubt=() if sure >= NAMED_FROM else ("unclear",),
        )
        return voice_answer(voice, SECONDS, self.tables.voice)

    def _words(self, truth: int) -> SourceAnswer | None:
        heard = self._rng.uniform(0.3, 1.0) if self._unsure() else 1.0
        columns = self.sources["words"][1].columns
        words = TurnWords(
            text=None,
            count=5,
            language="en",
            origin="transcribed",
            confidence=heard,
            expression=cast("Canonical", columns[int(self._shares("words", truth, heard).argmax())]),
            valence=None,
            expression_confidence=1.0,
        )
        return words_answer(words, self.tables.words)

    def _unsure(self) -> bool:
        return bool(self._rng.random() < self._harmed)

    def _shares(self, source: Modality, truth: int, trust: float) -> NDArray[np.float64]:
        about = truth if self._rng.random() < trust else int(self._rng.integers(len(CANONICAL)))
        return self.sources[source][1].draw(about, self._rng)


def measure(generator: Generator, present: tuple[Modality, ...], count: int) -> list[Row]:
    """Return the rows for combinations of these sources: each source by itself, then fused."""
    truth = generator.truths(present, count)
    drawn = [[generator.answer(one, int(true)) for one in present] for true in truth]
    alone = [np.stack([fuse_sources([answers[place]]) for answers in drawn]) for place in range(len(present))]
    fused = np.stack([fuse_sources(answers) for answers in drawn])
    rows = [_row(present, name, one, truth) for name, one in zip(present, alone, strict=True)]
    if len(present) == 1:
        return rows
    named = [named_expression(one, answers) for one, answers in zip(fused, drawn, strict=True)]
    right = [CANONICAL[true] == name for true, name in zip(truth, named, strict=True) if name is not None]
    losses, hits = [_losses(one, truth) for one in alone], [one.argmax(1) == truth for one in alone]
    best, likeliest = min(losses, key=np.mean), max(hits, key=np.mean)
    row = _row(present, "fused", fused, truth)
    return [
        *rows,
        Row(
            *(row.present, row.answer, row.accuracy, row.nll, row.ece, row.brier),
            named=len(right) / count,
            named_right=float(np.mean(right)) if right else float("nan"),
            nll_gap=_gap(_losses(fused, truth) - best),
            accuracy_gap=_gap((fused.argmax(1) == truth).astype(float) - likeliest),
        ),
    ]


def _row(present: tuple[Modality, ...], answer: str, given: NDArray[np.float64], truth: NDArray[np.int64]) -> Row:
    scores = distribution_scores(given, truth)
    accuracy = float((given.argmax(1) == truth).mean())
    return Row(present, answer, accuracy, scores["nll"], scores["ece"], scores["brier"])


def _losses(given: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(np.maximum(given[np.arange(len(truth)), truth], 1e-9)), np.float64)


def _gap(differences: NDArray[np.float64]) -> tuple[float, float]:
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| present | answer | accuracy | NLL | ECE | Brier | named | of these right | NLL against the best source |"
    yield f"|---|---|{'---:|' * 7}"
    for row in rows:
        figures = (row.accuracy, row.nll, row.ece, row.brier)
        gap = f"{row.nll_gap[0]:+.3f} ± {2 * row.nll_gap[1]:.3f}" if row.answer == "fused" else ""
        named = f"{row.named:.2f} | {row.named_right:.3f}" if row.answer == "fused" else " | "
        cells = " | ".join(f"{value:.3f}" for value in figures)
        yield f"| {', '.join(row.present)} | {row.answer} | {cells} | {named} | {gap} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Fusion of face, voice and words on combinations with known truth.")
    parser.add_argument("--ferplus", type=Path, help="Folder of FER+: the specialist's answers instead of made ones.")
    parser.add_argument("--emodb", type=Path, help="Folder of EMO-DB: the voice network's answers likewise.")
    parser.add_argument("--folds", type=Path, default=Path("out/bench-voice"), help="What ferce bench voice kept.")
    parser.add_argument("--installed", action="store_true", help="Fuse by the shipped tables, with their discounts.")
    parser.add_argument("--count", type=int, default=4000, help="Combinations for each set of sources.")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    sources = dict(all_simulated(8000, asked.seed))
    if asked.ferplus:
        sources["face"] = faces(asked.ferplus)
    if asked.emodb:
        sources["voice"] = voices(asked.emodb, asked.folds)
    tables = installed_tables() if asked.installed else tables_of(sources)
    generator = Generator(sources, tables, asked.seed)
    for line in lines([row for present in SUBSETS for row in measure(generator, present, asked.count)]):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
