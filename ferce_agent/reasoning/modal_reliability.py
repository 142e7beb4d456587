"""How far the answers of a voice model, or of words, can be trusted: a measured table in a JSON file.

The file (``weights/voice.json``, ``weights/words.json``) is `ModalReliability` as plain data::

    {"source": "voice", "engine": "1.0", "items": 535, "accuracy": 0.78, "weight": 0.9, "discount": 0.5,
     "columns": ["anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"],
     "table": [[…7 numbers…], …8 rows…], "arousal_error": 0.35, "valence_error": null, "note": "…"}

`table` has a row for each canonical expression, in the order of `CANONICAL`, and a column for each term that the source
can name; rows sum to one. `measure` makes all of it from answers about items that the source was not trained on:

    ModalReliability.measure("voice", engine=version, columns=terms, shares=probabilities, truth=canonical_index)
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import DataError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.fusion import SHARED_WEIGHTS, WEIGHTS, best_exponent, confusion

Source = Literal["voice", "words"]
"""A source that enters by a table; the face is what they are fused with."""
LEAST_ITEMS: Final = 30
"""Items that must have been named."""
MOST_WEIGHT: Final = 2.0
"""No file may ask for a larger exponent."""
ROUNDING: Final = 0.005
"""How far the sum of a row may be from one."""
HINTS: Final[dict[Source, str]] = {
    "voice": "Make it with: ferce train voice",
    "words": "Make it with: python -m ferce_agent.evaluation.voice.said_words",
}


@dataclass(frozen=True, slots=True)
class ModalReliability:
    """How a source did on labelled items that it was not trained on.

    Attributes:
        source: Which source.
        engine: Version of what answered; the table is about no other.
        items: Number of labelled items that it answered.
        accuracy: Share of them, 0..1, whose likeliest answer is a form of the true expression.
        weight: Exponent w that fits these items best, 0..2; above 1 only for answers that are shares of several terms,
            see `ferce_agent.reasoning.fusion.SHARED_WEIGHTS`.
        discount: Factor 0..1 on the exponent, because use differs from the items (acted, studio, another language);
            a convention, said in `note`.
        columns: Ontology ids of the K answers.
        table: Shape (8, K): rows true expressions in canonical order, columns answers; positive, rows sum to one.
        arousal_error: Root mean square error of its arousal on the scale -1..1; None where it was never measured, its
            arousal is not fused then.
        valence_error: The same of valence.
        note: What it was measured on, and why it is discounted.
    """

    source: Source
    engine: str
    items: int
    accuracy: float
    weight: float
    discount: float
    columns: tuple[str, ...]
    table: tuple[tuple[float, ...], ...]
    arousal_error: float | None = None
    valence_error: float | None = None
    note: str = ""

    @property
    def exponent(self) -> float:
        """The exponent for an answer that can be trusted fully, 0..2."""
        return self.weight * self.discount

    @property
    def array(self) -> NDArray[np.float64]:
        """The table, shape (8, K)."""
        return np.array(self.table, np.float64)

    @classmethod
    def measure(  # noqa: PLR0913
        cls,
        source: Source,
        *,
        engine: str,
        columns: tuple[str, ...],
        shares: NDArray[np.float64],
        truth: NDArray[np.int64],
        discount: float = 1.0,
        note: str = "",
    ) -> Self:
        """Fit table and exponent to N answers; the exponent by cross-fitting, without any face.

        Beforehand all expressions that occur are taken to be equally likely.

        Args:
            source: Which source.
            engine: Version of what answered.
            columns: Ontology ids of the K answers.
            shares: Probabilities of the answers, shape (N, K); a row of zeros where nothing was named.
            truth: Index of the true expression in canonical order, shape (N,).
            discount: See the attribute.
            note: See the attribute.

        Raises:
            DataError: Fewer than 30 items were named.
        """
        named = np.where(shares.sum(1) > 0, shares.argmax(1), -1)
        seen = named >= 0
        if int(seen.sum()) < LEAST_ITEMS:
            raise DataError(f"The {source} named an expression in {int(seen.sum())} items.", hint="30 are needed.")
        forms = [ontology().canonical_of(name) for name in columns]
        right = [CANONICAL[true] in forms[one] for true, one in zip(truth[seen], named[seen], strict=True)]
        table = confusion(truth, named, len(columns))
        occurring = np.bincount(truth, minlength=len(CANONICAL)) > 0
        prior = np.broadcast_to(occurring / occurring.sum(), (len(truth), len(CANONICAL)))
        labels_only = bool((np.sort(shares, axis=1)[:, :-1] == 0).all())
        return cls(
            source=source,
            engine=engine,
            items=int(seen.sum()),
            accuracy=round(float(np.mean(right)), 4),
            weight=best_exponent(prior, shares, truth, WEIGHTS if labels_only else SHARED_WEIGHTS),
            discount=discount,
            columns=columns,
            table=tuple(tuple(round(float(value), 6) for value in row) for row in table),
            note=note,
        )

    def with_errors(self, arousal: float | None, valence: float | None) -> Self:
        """Return it with measured errors of arousal and valence (root mean squares, scale -1..1)."""
        return replace(self, arousal_error=arousal, valence_error=valence)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path, source: Source) -> ModalReliability:
        """Read the table of a source.

        Raises:
            DataError: The file is missing, is about another source, or holds impossible numbers.
        """
        try:
            fields = json.loads(path.read_text("utf-8"))
            table = tuple(tuple(float(value) for value in row) for row in fields.pop("table"))
            made = cls(**{**fields, "columns": tuple(map(str, fields["columns"]))}, table=table)
            fine = _is_possible(made)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise DataError(f"{path.name} is no reliability table.", hint=HINTS[source]) from error
        if made.source != source:
            raise DataError(f"{path.name} is about another source than the {source}.", hint=HINTS[source])
        if not fine:
            raise DataError(f"{path.name} holds impossible numbers.", hint=HINTS[source])
        return made


def _is_possible(made: ModalReliability) -> bool:
    table = made.array  # a ragged table raises ValueError
    shares = np.array([made.accuracy, made.weight / MOST_WEIGHT, made.discount], np.float64)
    errors = np.array([one for one in (made.arousal_error, made.valence_error) if one is not None], np.float64)
    return (
        table.shape == (len(CANONICAL), len(made.columns))
        and set(made.columns) <= set(ontology().terms)
        and len(set(made.columns)) == len(made.columns)
        and bool((table > 0).all())
        and bool((np.abs(table.sum(1) - 1) < ROUNDING).all())
        and bool(((shares >= 0) & (shares <= 1)).all())
        and bool((np.isfinite(errors) & (errors > 0)).all())
    )


@dataclass(frozen=True, slots=True)
class ModalTables:
    """The tables that voice and words are fused by.

    Attributes:
        voice: Of the voice model; None where it was never measured: the voice is reported then, but not fused.
        words: Of what words express; None likewise.
    """

    voice: ModalReliability | None = None
    words: ModalReliability | None = None


@once
def installed_tables() -> ModalTables:
    """Return the tables among the shipped weights; a missing file is no error, a damaged one is.

    Raises:
        DataError: A file is there and cannot be used.
    """
    return ModalTables(_installed("voice"), _installed("words"))


def _installed(source: Source) -> ModalReliability | None:
    path = Path(str(files("ferce_agent.weights") / f"{source}.json"))
    return ModalReliability.load(path, source) if path.exists() else None
