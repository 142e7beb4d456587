from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.open_vocabulary import Alignment
from ferce_agent.specialist.sentence_encoder import TextEncoder
from ferce_agent.training import vocabulary as training
from ferce_agent.training.network import UNITS
from ferce_agent.training.vocabulary import Faces, canonical_aucs, family_accuracy, fit, target_terms, wordings

TERMS = list(ontology().terms.values())


def made_faces(count: int, seed: int) -> Faces:
    """Faces whose first eight features tell the votes, with noise; units are still."""
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.full(8, 0.15), count).astype(np.float32)
    features = np.concatenate([votes * 4, rng.normal(size=(count, 12))], 1) + rng.normal(0, 0.2, (count, 20))
    return Faces(features.astype(np.float32), votes, np.zeros((count, len(UNITS)), np.float32))


def test_targets_by_hand() -> None:
    votes = np.zeros((3, 8), np.float32)
    votes[0, 1] = 1  # all happy
    votes[1, [1, 2]] = 0.5  # happily surprised
    votes[2, 0] = 1  # neutral
    shares = target_terms(Faces(np.zeros((3, 1), np.float32), votes, np.zeros((3, len(UNITS)), np.float32)), TERMS)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    names = [term.id for term in TERMS]
    assert shares[0].argmax() == names.index("happiness")
    assert shares[0, names.index("happily_surprised")] == 0
    assert shares[0, names.index("grief")] == 0
    compounds = [index for index, term in enumerate(TERMS) if term.kind == "compound"]
    assert compounds[int(shares[1, compounds].argmax())] == names.index("happily_surprised")
    assert shares[2].argmax() == names.index("neutral")


def test_open_mouths_and_wide_eyes_make_lively_words_likelier() -> None:
    votes = np.zeros((2, 8), np.float32)
    votes[:, 1] = 1
    units = np.zeros((2, len(UNITS)), np.float32)
    units[1, [UNITS.index("AU5"), UNITS.index("AU26")]] = 1
    shares = target_terms(Faces(np.zeros((2, 1), np.float32), votes, units), TERMS)
    names = [term.id for term in TERMS]
    lively, calm = names.index("excitement"), names.index("contentment")
    assert shares[1, lively] / shares[1, calm] > 3 * shares[0, lively] / shares[0, calm]


def test_wordings_hold_names_and_definition() -> None:
    term = ontology().term("amusement")
    texts = wordings(term)
    assert "a laughing face" in texts
    assert term.definition in texts


@pytest.mark.slow
def test_the_map_learns_seen_words_and_carries_over_to_unseen_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "STEPS", 200)
    faces, held = made_faces(1500, 0), made_faces(400, 1)
    encoder = TextEncoder()
    alignment = fit(faces, encoder, 1, (), ("abc",))
    aucs = canonical_aucs(alignment, held)
    assert min(aucs.values()) > 0.85
    assert family_accuracy(alignment, held) > 0.6
    alignment.save(tmp_path / "v.npz")
    again = Alignment.load(tmp_path / "v.npz")
    assert again.specialists == ("abc",)
    np.testing.assert_allclose(
        again.compare(held.features, again.vectors[:8]),
        alignment.compare(held.features, alignment.vectors[:8]),
        atol=0.2,
    )
    blind = fit(faces, encoder, 1, ("disgust",))
    assert set(canonical_aucs(blind, held)) == set(CANONICAL)
