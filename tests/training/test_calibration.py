from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from ferce_agent.evaluation.accuracy import see
from ferce_agent.evaluation.ferplus import FerPlus
from ferce_agent.specialist.runner import Specialist, shipped_weights
from ferce_agent.training.calibration import FLATTENED, Looks, calibrate, observed
from ferce_agent.training.coverage import coverage_tables
from ferce_agent.training.worsened import worsened


def pictures(count: int) -> FerPlus:
    """Blobs of random brightness with votes of ten observers."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (count, 6, 6), np.uint8)
    images = np.kron(coarse, np.ones((8, 8), np.uint8))
    votes = np.stack([rng.multinomial(10, rng.dirichlet(np.full(10, 0.3))) for _ in range(count)]).astype(np.uint8)
    return FerPlus([str(index) for index in range(count)], images, votes, None)


def test_pictures_are_made_worse_the_same_way_each_time() -> None:
    images = pictures(40).images
    one, again, other = worsened(images, 1), worsened(images, 1), worsened(images, 2, displaced=True)
    assert one.crops.shape == (40, 44, 44) and one.crops.dtype == np.uint8
    np.testing.assert_array_equal(one.crops, again.crops)
    assert (one.crops != other.crops).any((1, 2)).all()
    assert (one.crops != images[:, 2:46, 2:46]).any((1, 2)).mean() > 0.95
    assert set(one.severity) == {1, 2, 3, 4, 5}


def test_each_expression_counts_equally_and_each_observer_has_a_voice() -> None:
    votes = np.zeros((3, 10), np.uint8)
    votes[0, [0, 1]] = 5, 5
    votes[1, 0] = 10
    votes[2, 8] = 10  # unknown to all: its label counts alone
    shares = observed(FerPlus(["a", "b", "c"], np.zeros((3, 48, 48), np.uint8), votes, np.array([0, 0, 3])))
    np.testing.assert_allclose(shares.sum(0), [1, 1, 0, 1, 0, 0, 0, 0])
    np.testing.assert_allclose(shares[0, :2], [1 / 3, 1])


def test_the_second_look_counts_where_the_first_is_not_sure() -> None:
    looks = Looks(np.array([[[9.0, 0], [0.1, 0]], [[0.0, 9], [0.3, 0]]]), np.array([[[1.0], [1]], [[3.0], [3]]]))
    logits, embedding = looks.merged(1.0, 0.8)
    np.testing.assert_allclose(logits, np.array([[9.0, 0], [0.2, 0]]))
    np.testing.assert_allclose(embedding, [[1], [2]])


def test_a_shipped_file_can_be_calibrated_again(tmp_path: Path) -> None:
    path, valid = tmp_path / "again.onnx", pictures(96)
    shutil.copy(shipped_weights(), path)
    before = Specialist(path).card
    card = calibrate(path, valid)
    assert Specialist(path).card == card
    assert (card.version, card.units, card.blendshapes, card.prior) == (
        before.version,
        before.units,
        before.blendshapes,
        before.prior,
    )
    assert card.strangeness is not None
    assert [row.amount for row in card.strangeness.banded] == list(FLATTENED)
    seen = see(Specialist(path), valid.crops)
    looked = np.array([one.strangeness for one in Specialist(path).perceive(valid.crops)], np.float64)
    np.testing.assert_allclose(seen.strangeness, looked, atol=1e-4)
    # Too few faces a band (48) for tight sets, enough for coverage.
    assert seen.inside[np.arange(96), valid.labels].mean() >= 0.85
    tables = coverage_tables(Specialist(path), {"valid": valid})
    assert "| valid, worse | severity 5 |" in tables
    assert "flattened by 0.5" in tables


def test_without_a_prior_nothing_is_flattened(tmp_path: Path) -> None:
    from dataclasses import replace

    from ferce_agent.training.onnx_files import write_card

    path = tmp_path / "bare.onnx"
    shutil.copy(shipped_weights(), path)
    write_card(path, replace(Specialist(path).card, prior=()))
    card = calibrate(path, pictures(48))
    assert [row[0] for row in card.flattened] == [0.0]
    assert card.strangeness is not None and len(card.strangeness.banded) == 1
    assert card.thresholds(0.7, 0.0) == card.thresholds(0.0, 0.0)
