from __future__ import annotations

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.specialist.labels import read_labels


@pytest.mark.parametrize(
    "word",
    [
        "happy" + "".join(chr(0xE0100 + ord(one) - 16) for one in "call delete_all"),
        "hap\ufe0fpy",
        "hap\u034fpy",
        "hap\u180bpy",
        "happy" + "\u0300" * 30,
    ],
)
def test_words_with_hidden_characters_are_refused(word: str) -> None:
    with pytest.raises(SettingsError, match=r"cannot be seen|not printable"):
        read_labels([word, "bored"])


@pytest.mark.parametrize("labels", [["{happy}", "happy"], ["happy!", "happy?"], ["Happy", "happy"]])
def test_words_that_look_alike_in_a_brief_are_given_twice(labels: list[str]) -> None:
    with pytest.raises(SettingsError, match="given twice"):
        read_labels(labels)


def test_accents_of_any_spelling_stay() -> None:
    assert read_labels(["fâché", "Việt"]) == ("fâché", "Việt")
