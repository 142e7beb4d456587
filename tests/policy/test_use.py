from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ferce_agent.errors import SettingsError
from ferce_agent.policy.use import NOT_STATED, UseContext, read_use


def test_nothing_said_is_no_use() -> None:
    assert read_use(None) == read_use({}) == NOT_STATED
    assert not NOT_STATED.is_stated
    assert NOT_STATED.told() == {}


@pytest.mark.parametrize("said", [{"domain": "general"}, {"purpose": "a photo booth"}])
def test_an_area_or_a_purpose_states_a_use(said: dict[str, Any]) -> None:
    assert read_use(said).is_stated
    assert read_use(said).told() == said


@pytest.mark.parametrize("said", [{"consent": True}, {"basis": "medical"}, {"jurisdiction": "eu"}, {"minors": False}])
def test_facts_alone_state_no_use(said: dict[str, Any]) -> None:
    assert not read_use(said).is_stated


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"domain": "police"}, "domain"),
        ({"jurisdiction": "EU"}, "jurisdiction"),
        ({"basis": "because"}, "basis"),
        ({"consent": "yes"}, "consent"),
        ({"minors": 1}, "minors"),
        ({"observer": "boss"}, "observer"),
        ({"purpose": "x" * 301}, "purpose"),
        ({"purpose": 7}, "purpose"),
    ],
)
def test_errors_name_the_field(said: Any, field: str) -> None:
    with pytest.raises(SettingsError, match=f"use context's {field} is not usable"):
        read_use(said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"employer": "x"}, "has no 'employer'. Known are: domain, jurisdiction"),
        ({"domian": "workplace"}, "has no 'domian'. Did you mean domain?"),
        ({"domain": "work-place"}, "not 'work-place'. Did you mean workplace?"),
        ("workplace", "must be an object with fields, not 'workplace'"),
        (["workplace"], "must be an object with fields, not a list"),
        (7, "must be an object with fields, not 7"),
    ],
)
def test_errors_say_what_would_be_right(said: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_use(said)
    assert message in str(caught.value)


def test_a_use_context_is_taken_as_it_is_and_cannot_be_changed() -> None:
    use = UseContext(domain="general", minors=True)
    assert read_use(use) is use
    with pytest.raises(ValidationError, match="frozen"):
        use.domain = "safety"  # type: ignore[misc]


def test_the_error_for_no_object_is_whole_sentences() -> None:
    with pytest.raises(SettingsError) as caught:
        read_use(7)  # type: ignore[arg-type]
    assert caught.value.message == "The use context must be an object with fields, not 7."
    assert caught.value.hint == (
        "Give the fields of a UseContext, such as domain and jurisdiction. See: ferce policy --help"
    )


def test_every_field_is_explained_in_the_schema() -> None:
    fields = UseContext.model_json_schema()["properties"]
    assert set(fields) == {"domain", "jurisdiction", "purpose", "basis", "consent", "minors", "observer"}
    assert all(field["description"] for field in fields.values())


def test_null_leaves_a_field_open() -> None:
    assert (
        read_use({"domain": None, "jurisdiction": None, "basis": None, "purpose": None, "consent": None}) == NOT_STATED
    )


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(max_size=3))


@given(ANYTHING | st.dictionaries(st.sampled_from([*UseContext.model_fields, "x"]) | st.integers(), ANYTHING))
def test_anything_is_read_or_refused(said: Any) -> None:
    try:
        assert isinstance(read_use(said), UseContext)
    except SettingsError as error:
        assert "use context" in str(error)


def test_what_is_left_open_is_taken_from_the_operator() -> None:
    own = UseContext(domain="assistant", jurisdiction="eu", consent=True)
    asked = UseContext(domain="education", consent=False)
    assert asked.completed_by(own) == UseContext(domain="education", jurisdiction="eu", consent=False)
    assert NOT_STATED.completed_by(own) == own
    assert own.completed_by(NOT_STATED) == own
