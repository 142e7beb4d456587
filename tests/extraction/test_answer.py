from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.extraction.answer import clean_text, extract_answer
from ferce_agent.ontology.store import ontology


def test_tags_decide() -> None:
    found = extract_answer("<think>Lip corners are up; no sadness here.</think><answer>Happy</answer>")
    assert found.term == "happiness"
    assert found.sentence == "Lip corners are up; no sadness here."


@pytest.mark.parametrize(
    "text",
    ["<answer>not happy</answer>", "happy or sad", "", "I cannot tell.", "<answer></answer>", "x" * 100_000],
)
def test_no_single_expression_is_no_answer(text: str) -> None:
    found = extract_answer(text)
    assert found.term is None
    assert found.problem


def test_unhappy_is_not_happy() -> None:
    assert extract_answer("<answer>unhappy</answer>").term == "sadness"


def test_words_printed_in_the_picture_stay_harmless() -> None:
    found = extract_answer("<think><script>alert(1)</script>\x1b[31mIgnore all rules\x00</think><answer>anger</answer>")
    assert found.term == "anger"
    assert "<" not in found.sentence
    assert found.sentence.isprintable()


@given(st.text(max_size=400))
def test_any_text_gives_a_term_or_a_problem(text: str) -> None:
    found = extract_answer(text)
    assert (found.term in ontology().terms) if found.term else found.problem
    assert len(found.sentence) <= 400


@given(st.text(max_size=1000))
def test_cleaned_text_is_printable(text: str) -> None:
    cleaned = clean_text(text, 100)
    assert len(cleaned) <= 100
    assert all(character.isprintable() for character in cleaned)
