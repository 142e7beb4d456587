from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError, WeightsError
from ferce_agent.ontology.store import ontology
from ferce_agent.specialist.open_vocabulary import FILE_NAME, Alignment, Vocabulary, check_words, features_of, term_of
from ferce_agent.specialist.runner import Specialist
from ferce_agent.specialist.sentence_encoder import DIMENSIONS, TextEncoder
from tests.damage import damaged, written


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary()


def test_the_map_belongs_to_the_shipped_model_and_knows_every_term(vocabulary: Vocabulary) -> None:
    alignment = vocabulary.alignment
    assert Specialist().sha256 in alignment.specialists
    assert alignment.terms == tuple(ontology().terms)
    np.testing.assert_allclose(np.linalg.norm(alignment.vectors, axis=1), 1, atol=0.01)


def test_scores_are_shares_best_first(vocabulary: Vocabulary) -> None:
    features = np.random.default_rng(0).normal(size=264) + vocabulary.alignment.mean
    ranked = vocabulary.rank(features, ["happy", "sad", "confused", "bored"])
    assert sum(one.score for one in ranked) == pytest.approx(1)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert {one.word: one.term for one in ranked}["confused"] == "confusion"


def test_words_of_the_ontology_need_no_encoder(tmp_path: Path) -> None:
    vocabulary = Vocabulary(encoder=TextEncoder(tmp_path))
    vocabulary.vectors(["happy", "anger"])
    with pytest.raises(WeightsError, match="Reinstall"):
        vocabulary.vectors(["happy", "flabbergasted by taxes"])


@pytest.mark.parametrize("word", ["\N{GRINNING FACE}", "开心", "радостный", "سعيد", "12 / 100"])
def test_words_that_the_encoder_does_not_know_are_refused(vocabulary: Vocabulary, word: str) -> None:
    with pytest.raises(SettingsError, match="cannot be ranked"):
        vocabulary.vectors(["happy", word])


def test_threads_get_the_same_vectors() -> None:
    vocabulary = Vocabulary()
    words = [f"tired of number {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: vocabulary.vectors([*words[start:], *words[:start]])[1], range(8)))
    for start, vectors in enumerate(found):
        np.testing.assert_array_equal(np.roll(vectors, start, 0), found[0])


def test_the_encoder_puts_like_words_together() -> None:
    words = TextEncoder().words(["joyful", "cheerful", "furious"])
    assert words.shape == (3, DIMENSIONS)
    assert words[0] @ words[1] > words[0] @ words[2] + 0.1


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
        (["happy", "\ud800"], "printable"),
        (["happy", "zero\u200bwidth"], "printable"),
        (["happy", "ＨＡＰＰＹ"], "'happy' is given twice"),
        (["straße", "STRASSE"], "twice"),
        (["e\u0301poustouflé", "époustouflé"], "twice"),
        (["ﬁne", "fine"], "twice"),
        ("bored", "list of words"),
        ([1, 2], "list of words"),
        (["happy", None], "list of words"),
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


@given(st.data())
def test_damaged_maps_give_one_kind_of_error(data: st.DataObject) -> None:
    original = (resources.files("ferce_agent.weights") / FILE_NAME).read_bytes()
    with written(damaged(data, original)) as path, suppress(WeightsError):
        assert Alignment.load(path).is_sound()


def test_a_map_of_other_faces_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(WeightsError, match="another expression model"):
        vocabulary.rank(np.zeros(20), ["happy", "sad"])


def test_features() -> None:
    assert features_of(np.zeros((2, 256)), np.ones((2, 8))).shape == (2, 264)
