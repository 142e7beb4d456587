"""A denial of a denial, a denial for now only, and a work that is merely mentioned excuse no words of distress."""

import pytest

from ferce_agent.context.distress import lexicons, speaks_of_distress


@pytest.mark.parametrize(
    "text",
    [
        "Hardly a night passes when I don't want to die",
        "I can't promise I won't kill myself",
        "I won't kill myself for now",
        "Es vergeht kein Tag, an dem ich nicht sterben will",
        "Я пока не хочу умирать, но убью себя",
        "My poem is over and I'm going to kill myself",
        "There's smoke everywhere and we can't get out",
        "Il me frappe même devant les enfants",
    ],
)
def test_still_distress(text: str) -> None:
    assert speaks_of_distress(text)


@pytest.mark.parametrize(
    "text",
    ["I don't want to die", "I never said I wanted to die", "My favourite song says I want to die", "I'm not suicidal"],
)
def test_denied_or_quoted(text: str) -> None:
    assert not speaks_of_distress(text)


def test_a_word_of_another_language_is_no_slip() -> None:
    spanish = next(one for one in lexicons() if one.code == "es")
    assert spanish.spelling.corrected("suicidal") == "suicidal"
    assert spanish.spelling.corrected("suicidio") == "suicidio"
