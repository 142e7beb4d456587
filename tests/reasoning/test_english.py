from __future__ import annotations

from pathlib import Path

import pytest

from ferce_agent.errors import WeightsError
from ferce_agent.reasoning.english import in_vocabulary, vocabulary


@pytest.mark.parametrize(
    "word", ["hospital", "promoted", "yesss", "definately", "freind", "heartbroken", "Zoë", "inconsolable"]
)
def test_words_their_forms_and_slips_are_known(word: str) -> None:
    assert in_vocabulary(word)


@pytest.mark.parametrize("word", ["gekündigt", "ganó", "divorcio", "weint", "accidente", "zoë", "beerdigung", ""])
def test_words_of_other_languages_are_not(word: str) -> None:
    assert not in_vocabulary(word)


def test_a_missing_vocabulary_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ferce_agent.reasoning.english.resources.files", lambda _: tmp_path)
    vocabulary.cache_clear()
    try:
        with pytest.raises(WeightsError, match="cannot be read"):
            vocabulary()
    finally:
        monkeypatch.undo()
        vocabulary.cache_clear()
