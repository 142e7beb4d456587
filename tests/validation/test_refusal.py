from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import SettingsError
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.specialist.labels import read_labels

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*Situation.model_fields, "useContext", "plase", "Turns"])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (5, "The context must be text or an object with fields, not 5."),
        ([5], "neither sentences nor turns"),
        (True, "not true"),
        ("x" * 20_001, "text is not usable: it has 20001 characters; at most 20000 are accepted"),
        ({"plase": "home"}, "has no 'plase'. Did you mean place?"),
        ({"earlierReadings": []}, "has no 'earlierReadings'. Did you mean earlier?"),
        ({"turns": [{"speaker": "u", "txt": "x"}]}, "has no 'turns[0].txt'. Did you mean text?"),
        ({"turns": [{"speaker": "u"}]}, "lacks 'turns[0].text'. It is: What is said."),
        ({"turns": "hello"}, "turns is not usable: it must be a list, not 'hello'"),
        ({"people": [{"person": "bob", "name": "x"}]}, "it is 'bob', which does not look like person-1"),
        ({"place": ""}, "place is not usable: it is empty"),
        ({"turns": [{"speaker": "u", "text": "x", "time": "soon"}]}, "'soon', which is no date with time"),
        ({5: "x"}, "has a name that is no text"),
    ],
)
def test_a_wrong_context_is_explained(told: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_situation(told)
    assert message in str(caught.value)


@given(JSON | st.dictionaries(NAMES, JSON, max_size=3))
def test_any_context_is_read_or_explained_in_plain_words(told: Any) -> None:
    try:
        read_situation(told)
    except SettingsError as error:
        message = str(error)
        assert message.startswith("The context")
        assert "[type=" not in message
        assert "pydantic" not in message
        assert message.isprintable()
        assert len(message) < 600


@pytest.mark.parametrize("nothing", [None, "", " , ", (), [], set()])
def test_no_labels(nothing: Any) -> None:
    assert read_labels(nothing) == ()


@pytest.mark.parametrize(
    "given_words",
    [
        "bored, amused",
        "bored;amused",
        "bored\namused",
        '["bored", "amused"]',
        "'bored', 'amused'",
        ["bored", "amused"],
        ("bored", "amused"),
        iter(["bored", "amused"]),
        {"bored": 0, "amused": 1}.keys(),
    ],
)
def test_labels_in_any_form(given_words: Any) -> None:
    assert read_labels(given_words) == ("bored", "amused")


def test_words_of_several_words_and_scripts_stay_whole() -> None:
    assert read_labels("about to cry, at ease") == ("about to cry", "at ease")
    assert read_labels("退屈、楽しい") == ("退屈", "楽しい")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("bored", "One label was given, 'bored'; 2 to 100 are needed."),
        (["bored"], "One label was given"),
        (5, "labels must be words, not 5."),
        (3.5, "labels must be words, not 3.5."),
        (True, "labels must be words, not true."),
        ({"bored": 1}, "labels must be words, not an object with fields."),
        (b"bored, amused", "labels must be words, not bytes."),
        (["bored", 3], "Entry 2 of labels must be a word, not 3."),
        (["bored", ["amused"]], "Entry 2 of labels must be a word, not a list."),
        ("a," * 101 + "b", "102 labels were given."),
        ([f"word {n}" for n in range(101)], "101 labels were given."),
        (["bored", "Bored"], "given twice"),
    ],
)
def test_wrong_labels_are_explained(wrong: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_labels(wrong)
    assert message in str(caught.value)


@given(JSON)
def test_any_labels_are_read_or_explained(labels: Any) -> None:
    try:
        assert all(isinstance(word, str) for word in read_labels(labels))
    except SettingsError as error:
        assert "abel" in str(error)
