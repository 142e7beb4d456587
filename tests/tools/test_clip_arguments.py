from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import ClipTooLargeError, InputError, SettingsError
from ferce_agent.tools.arguments import input_schema, read_arguments
from ferce_agent.tools.clip_arguments import MOST_TEXT, AnalyzeClipInput, read_clip
from tests.tools.wrong_clip_arguments import NOT_JSON, WRONG


@pytest.mark.parametrize(("arguments", "message"), [*WRONG, *NOT_JSON])
def test_wrong_arguments_are_explained(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_arguments(arguments, AnalyzeClipInput)
    assert message in str(caught.value)


def test_what_models_send_instead_of_numbers_and_objects_is_understood() -> None:
    use = '{"domain": "research", "consent": true}'
    asked = read_arguments(
        {"clip": Path("a.mp4"), "start_s": "1.5", "end_s": 3, "fps": None, "micro": "true", "use_context": use},
        AnalyzeClipInput,
    )
    assert (asked.clip, asked.start_s, asked.end_s, asked.fps, asked.micro) == ("a.mp4", 1.5, 3.0, None, True)
    assert asked.use_context is not None
    assert asked.use_context.consent is True


def test_a_film_too_large_for_a_request_is_refused() -> None:
    assert read_clip("data:" + "A" * 1000)
    with pytest.raises(ClipTooLargeError, match="path of a file"):
        read_clip("data:video/mp4;base64," + "A" * MOST_TEXT)


def test_the_schema_says_what_may_be_sent() -> None:
    schema = input_schema(AnalyzeClipInput)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["clip"]
    jsonschema.validate({"clip": "a.mp4", "start_s": 1, "end_s": 2.5, "fps": 5, "micro": True}, schema)
    assert '"null"' not in json.dumps(schema)


Anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = [*AnalyzeClipInput.model_fields, "x", ""]


@given(st.dictionaries(st.sampled_from(NAMES), Anything, max_size=4))
def test_anything_is_read_or_refused_in_plain_words(arguments: dict[str, Any]) -> None:
    try:
        asked = read_arguments({"clip": "a.mp4", **arguments}, AnalyzeClipInput)
    except InputError as error:
        assert 15 < len(str(error)) < 2000
        assert "pydantic" not in str(error)
    else:
        for number in (asked.start_s, asked.end_s, asked.fps):
            assert number is None or (math.isfinite(number) and number >= 0)
        assert asked.end_s is None or asked.end_s > (asked.start_s or 0)
