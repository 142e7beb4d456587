from __future__ import annotations

import numpy as np
import pytest

from ferce_agent.context.sentence_vectors import ReadsWords, WordEncoder
from ferce_agent.specialist.sentence_encoder import TextEncoder


def test_a_sentence_is_the_mean_of_its_pieces_whatever_is_read_beside_it() -> None:
    encoder = WordEncoder()
    text = "The dog died."
    alone = encoder.encode_words([text])[0]
    beside = encoder.encode_words([text, "A much longer sentence about nothing in particular, told beside it."])[0]
    assert np.linalg.norm(alone.vector) == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(alone.vector, beside.vector)
    assert [text[first:last] for first, last in alone.places] == ["The", "dog", "died", "."]
    assert alone.pieces.shape == (4, alone.vector.size)


def test_only_the_encoder_of_words_reads_words() -> None:
    assert isinstance(WordEncoder(), ReadsWords)
    assert not isinstance(TextEncoder(), ReadsWords)
