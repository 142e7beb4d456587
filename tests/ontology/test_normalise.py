from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.ontology.normalise import PhraseFinder, Status, normalise, stem
from ferce_agent.ontology.store import ontology


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("happy", "happiness"),
        ("unhappy", "sadness"),
        ("Unhappy.", "sadness"),
        ("happier", "happiness"),
        ("saddest", "sadness"),
        ("angrily", "anger"),
        ("sad-looking", "sadness"),
        ("HAPPILY SURPRISED", "happily_surprised"),
        ("surprised happy", "surprise and happiness"),
        ("rage, that is anger", "rage"),
        ("<b>Fear</b>", "fear"),
        ("not happy but sad", "sadness"),
        ("He is scared", "fear"),
        ("poker-faced", "neutral"),
        ("joyful", "joy"),
        ("dissatisfied", "unknown"),
        ("fearless", "unknown"),
        ("gladiator", "unknown"),
    ],
)
def test_words_are_read_whole(text: str, term: str) -> None:
    found = normalise(text)
    if term == "unknown":
        assert found.status == "unknown"
    elif " and " in term:
        assert found.status == "ambiguous"
        assert set(found.candidates) == set(term.split(" and "))
    else:
        assert (found.status, found.term) == ("found", term)


@pytest.mark.parametrize(
    "text",
    [
        "not happy",
        "isn't angry",
        "isn’t angry",
        "no sign of fear",
        "neither happy nor sad",
        "neither happy nor sad nor angry",
        "hardly smiling",
        "far from happy",
        "anything but happy",
        "without any anger",
        "never surprised",
        "not unhappy",
        "does not look sad",
        "free of contempt",
    ],
)
def test_denied_expressions_are_never_returned(text: str) -> None:
    found = normalise(text)
    assert (found.status, found.term, found.candidates) == ("negated", None, ())


def test_negation_ends_with_its_clause() -> None:
    assert normalise("Not happy. Angry.").term == "anger"
    assert normalise("not only happy").term == "happiness"


def test_only_allowed_terms_are_returned() -> None:
    assert normalise("furious", allowed={"anger", "fear"}).term == "anger"
    assert normalise("furious", allowed={"fear"}).status == "unknown"


def test_every_name_of_every_term_is_read_as_that_term() -> None:
    for term in ontology().terms.values():
        for name in term.names:
            assert normalise(name).term == term.id, name


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    found = normalise(text)
    assert (found.term is not None) == (found.status == "found")
    assert all(0 <= start < end <= len(text) for start, end in found.spans)


@given(st.sampled_from(sorted(ontology().terms)), st.sampled_from(["not", "never", "no", "isn't", "hardly"]))
def test_a_negation_in_front_denies_any_term(name: str, negation: str) -> None:
    assert normalise(f"She is {negation} {ontology().term(name).adjective}").term is None


def test_long_texts_end() -> None:
    """In more than linear time they would not, within what a test is given."""
    for text in ("not happy " * 200_000, "(" * 1_000_000, "a-" * 500_000, "happily " * 200_000):
        assert normalise(text).status in get_args(Status)


@pytest.mark.parametrize(
    ("forms", "same"), [("promote promoted promotes promoting", True), ("blamed blames", True), ("loss lost", False)]
)
def test_stems(forms: str, same: bool) -> None:
    assert (len({stem(word) for word in forms.split()}) == 1) == same


def test_phrases_are_found_with_their_place_and_negation() -> None:
    text = "Nobody died, but she said goodbye to them."
    hits = PhraseFinder({"loss": ["died", "said goodbye"], "win": ["won"]}).find(text)
    assert [(hit.phrase, hit.negated) for hit in hits] == [("died", True), ("said goodbye", False)]
    assert text[hits[1].start : hits[1].end] == "said goodbye"
    assert PhraseFinder({"just": ["fair"]}).find("A fairground") == []
