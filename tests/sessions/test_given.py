"""Files with chats and reports: whatever they hold, it is either read or refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferce_agent.errors import InputError
from ferce_agent.sessions.given import own_messages, read_given
from tests.factories import make_report

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "type", "content", "text", "people", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANYTHING)
def test_any_json_is_a_chat_or_refused(tmp_path: Path, held: Any) -> None:
    file = tmp_path / "chat.json"
    file.write_text(json.dumps(held), "utf-8")
    try:
        found = read_given(file).held
    except InputError as error:
        assert error.message and error.hint
    else:
        assert isinstance(found, tuple) and all(isinstance(one, str) for one in found)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["user", "human", "assistant", "system", "tool"]), st.text(max_size=9))))
def test_only_the_persons_own_messages_count(messages: list[tuple[str, str]]) -> None:
    held = [{"role": role, "content": text} for role, text in messages]
    assert own_messages(held) == tuple(text for role, text in messages if role in ("user", "human"))


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    make_report().save(one)
    other.write_bytes(one.read_bytes())
    assert read_given(one) == read_given(other)
    other.write_bytes(one.read_bytes() + b"\n")
    assert read_given(one).sha256 != read_given(other).sha256


def test_an_error_quotes_no_words(tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    for held in ('{"people": "my secret"}', '[{"role": "user", "content": {"my": "secret"}}]', '["my secret"'):
        file.write_text(held, "utf-8")
        with pytest.raises(InputError) as caught:
            read_given(file)
        assert "secret" not in f"{caught.value.message} {caught.value.hint}"
