"""`ferce bench compare`: are two runs' answers on the same items significantly different? McNemar's exact test."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ferce_agent.errors import DataError, MissingExtraError
from ferce_agent.evaluation.results import SCHEMA


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair of perceivers on one set.

    Attributes:
        dataset: Name of the set.
        first: Perceiver of the first file.
        second: Perceiver of the second file.
        items: Number of items both answered about.
        same: Share of them on which both said the same, right or wrong.
        first_accuracy: Accuracy of the first.
        second_accuracy: Accuracy of the second.
        only_first: Items that only the first got right.
        only_second: Items that only the second got right.
        p_value: Two-sided exact p-value of McNemar's test: how surprising the split of the disagreements is if both are
            equally good.
    """

    dataset: str
    first: str
    second: str
    items: int
    same: float
    first_accuracy: float
    second_accuracy: float
    only_first: int
    only_second: int
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947) for the two counts of one-sided successes.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise MissingExtraError("scipy", "bench") from error
    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def compare(first: Path, second: Path) -> list[Comparison]:
    """Compare every perceiver of one result file with every one of the other, on the sets both have.

    A file is compared with itself in pairs.

    Raises:
        DataError: A file is no result of `ferce bench run`, or the sets differ.
    """
    left, right = read_result(first), read_result(second)
    found = []
    for one in left["sets"]:
        for other in (entry for entry in right["sets"] if entry["name"] == one["name"]):
            if one["sha256"] != other["sha256"]:
                raise DataError(
                    f"The two runs used different pictures of {one['name']}.", hint="Run both on the same set."
                )
            for index, a in enumerate(one["perceivers"]):
                others = other["perceivers"][index + 1 :] if first.samefile(second) else other["perceivers"]
                found += [_pair(one, a, b) for b in others]
    if not found:
        raise DataError("The two files have no set in common.", hint="Compare runs on the same data.")
    return found


def _pair(entry: dict[str, Any], a: dict[str, Any], b: dict[str, Any]) -> Comparison:
    gold = np.array(entry["gold"])
    said_a, said_b = np.array(a["said"]), np.array(b["said"])
    right_a, right_b = said_a == gold, said_b == gold
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return Comparison(
        entry["name"], a["perceiver"], b["perceiver"], len(gold), float((said_a == said_b).mean()),
        float(right_a.mean()), float(right_b.mean()), only_a, only_b, mcnemar(only_a, only_b),
    )  # fmt: skip


def read_result(path: Path) -> dict[str, Any]:
    """Read a result file.

    Raises:
        DataError: It is missing or something else.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text("utf-8"))
        fine = result["schema"] == SCHEMA and all("gold" in entry for entry in result["sets"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path.name} is no result of ferce bench run.", hint="Give its results.json.") from error
    if not fine:
        raise DataError(f"{path.name} was written by another version.", hint="Run the benchmark again.")
    return result


def to_table(comparisons: list[Comparison]) -> str:
    """Return the comparisons as a Markdown table."""
    lines = [
        "| set | first | second | items | same answer | accuracy | only first right | only second right | p |",
        "|---|---|---|---:|---:|---|---:|---:|---:|",
    ]
    lines += [
        f"| {c.dataset} | {c.first} | {c.second} | {c.items} | {c.same:.4f} | {c.first_accuracy:.4f} vs "
        f"{c.second_accuracy:.4f} | {c.only_first} | {c.only_second} | {c.p_value:.2g} |"
        for c in comparisons
    ]
    return "\n".join(lines)
