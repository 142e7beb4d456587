from __future__ import annotations

import pytest

from ferce_agent.context.english import common_words, in_vocabulary, vocabulary


@pytest.mark.parametrize(
    "word", ["hospital", "promoted", "yesss", "definately", "freind", "heartbroken", "Zoë", "inconsolable"]
)
def test_words_their_forms_and_slips_are_known(word: str) -> None:
    assert in_vocabulary(word)


@pytest.mark.parametrize("word", ["gekündigt", "ganó", "divorcio", "weint", "accidente", "zoë", "beerdigung", ""])
def test_words_of_other_languages_are_not(word: str) -> None:
    assert not in_vocabulary(word)


def test_without_the_encoders_words_the_common_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferce_agent.context.english.TOKENIZER_NAME", "missing.json")
    vocabulary.cache_clear()
    try:
        assert vocabulary() == common_words()
    finally:
        vocabulary.cache_clear()
