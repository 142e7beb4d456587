from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ferce_agent.errors import SettingsError, SetupError, WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.perception.specialist import Specialist
from ferce_agent.perception.vocabulary import (
    DIMENSIONS,
    Alignment,
    TextEncoder,
    Vocabulary,
    check_words,
    features_of,
    term_of,
)

needs_encoder = pytest.mark.skipif(not TextEncoder.available(), reason="make test installs the sentence encoder")


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary()


def test_the_map_belongs_to_the_shipped_model_and_knows_every_term(vocabulary: Vocabulary) -> None:
    alignment = vocabulary.alignment
    assert {Specialist(precision=name).sha256 for name in ("full", "int8")} == set(alignment.specialists)
    assert alignment.terms == tuple(ontology().terms)
    np.testing.assert_allclose(np.linalg.norm(alignment.vectors, axis=1), 1, atol=0.01)


def test_scores_are_shares_best_first(vocabulary: Vocabulary) -> None:
    features = np.random.default_rng(0).normal(size=264) + vocabulary.alignment.mean
    ranked = vocabulary.rank(features, ["happy", "sad", "confused", "bored"])
    assert sum(one.score for one in ranked) == pytest.approx(1)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert {one.word: one.term for one in ranked}["confused"] == "confusion"


def test_words_of_the_ontology_need_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextEncoder, "available", staticmethod(lambda: False))
    vocabulary = Vocabulary()
    vocabulary.vectors(["happy", "anger"])
    with pytest.raises(SetupError, match="make vocabulary"):
        vocabulary.vectors(["happy", "flabbergasted by taxes"])


@needs_encoder
def test_the_encoder_puts_like_words_together() -> None:
    words = TextEncoder().words(["joyful", "cheerful", "furious"])
    assert words.shape == (3, DIMENSIONS)
    assert words[0] @ words[1] > words[0] @ words[2] + 0.1


@needs_encoder
def test_foreign_words_are_encoded_once(vocabulary: Vocabulary) -> None:
    vocabulary.vectors(["ready to party", "happy"])
    encoder, calls = vocabulary.encoder, []
    original = encoder.words
    encoder.words = lambda words: calls.append(words) or original(words)  # type: ignore[method-assign, func-returns-value]
    try:
        _, vectors = vocabulary.vectors(["ready to party", "happy", "about to sneeze"])
    finally:
        encoder.words = original  # type: ignore[method-assign]
    assert calls == [["about to sneeze"]]
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["happy"], "2 to 100"),
        ([], "2 to 100"),
        ([str(i) for i in range(101)], "2 to 100"),
        (["happy", "Happy "], "twice"),
        (["happy", "  "], "empty"),
        (["happy", "x" * 61], "longer"),
        (["happy", "a\x07b"], "printable"),
    ],
)
def test_unusable_labels(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        check_words(words)


def test_only_exact_names_are_terms() -> None:
    assert term_of("Happy") == "happiness"
    assert term_of("happy about the weather") is None
    assert term_of("unheard-of") is None


def test_a_wrong_file_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    with pytest.raises(WeightsError):
        Alignment.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="no map"):
        Alignment.load(path)


def test_features() -> None:
    assert features_of(np.zeros((2, 256)), np.ones((2, 8))).shape == (2, 264)
