"""Generated people whose calm face is read as anger: how the pictures are made, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.scenarios.baselines import Counts, Seen, baseline_tables
from ferce_agent.evaluation.scenarios.typical_rest import measured
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.specialist.runner import Specialist
from ferce_agent.temporal.typical_rest import typical_rest


def test_without_data_the_table_says_what_is_needed(tmp_path: Path) -> None:
    for data in (None, tmp_path):
        assert "--data" in baseline_tables(data, 3)[0]["note"]


def test_an_expression_is_named_from_its_least_probability_on() -> None:
    shares = np.array([0.3, 0.0, 0.0, 0.0, 0.7, 0.0, 0.0, 0.0])
    assert Seen(shares, {}, 0.7).named() == "anger"
    assert Seen(shares, {}, 0.71).named() is None
    assert Seen(shares, {}, 0.5).named(shares[::-1]) == "sadness"


def test_shares_of_a_row_are_those_of_the_counts() -> None:
    row = Counts(2, 16, [8, 2], {"anger": 10, "happiness": 10}, {"anger": 9, "happiness": 10}).row("frown")
    assert (row["false_removed"], row["true_kept"]["anger"], row["true_kept_all"]) == (0.75, 0.9, 0.95)
    assert Counts().row("droop")["false_removed"] is None


def test_the_rest_that_comes_with_the_package_is_that_of_its_weights(tmp_path: Path) -> None:
    usual = typical_rest()
    assert usual.specialist == Specialist().sha256
    assert usual.odds.argmax() == CANONICAL.index("neutral")
    with pytest.raises(DataError):
        measured(tmp_path, Specialist())
