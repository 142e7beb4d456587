from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import DataError
from ferce_agent.evaluation.ferplus import is_majority, load_split, vote_targets

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "ferplus"


def test_targets_follow_the_paper() -> None:
    votes = np.array(
        [
            [5, 4, 1, 0, 0, 0, 0, 0, 0, 0],  # the single vote is an outlier
            [2, 0, 0, 0, 0, 0, 0, 0, 3, 5],  # mostly "not a face"
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing but outliers
        ],
        np.uint8,
    )
    targets, usable = vote_targets(votes)
    np.testing.assert_allclose(targets[0, :3], [5 / 9, 4 / 9, 0], rtol=1e-6)
    assert usable.tolist() == [True, False, False]


def test_a_majority_holds_more_than_half_of_the_votes_but_for_outliers() -> None:
    votes = np.array(
        [
            [5, 4, 1, 0, 0, 0, 0, 0, 0, 0],  # five of nine: the single vote is an outlier
            [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],
            [4, 1, 1, 0, 0, 0, 0, 0, 4, 0],  # "unknown" counts
            [0, 0, 0, 0, 0, 0, 0, 0, 2, 8],  # nor is "not a face" an expression
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ],
        np.uint8,
    )
    assert is_majority(votes).tolist() == [True, False, False, False, False]


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test\.parquet"):
        load_split(tmp_path, "test")


def test_a_damaged_file_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "test.parquet").write_bytes(b"PAR1 no parquet at all")
    with pytest.raises(DataError, match="not a readable"):
        load_split(tmp_path, "test")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the FER+ data are not in the repository")
def test_the_benchmark_split_is_complete() -> None:
    data = load_split(SHARED, "test")
    assert len(data) == 3573
    assert data.gold is not None
    assert (data.votes[:, :8].argmax(1) == data.gold).all()
    assert data.crops.shape == (3573, 44, 44)
    assert is_majority(data.votes).sum() == 3137
