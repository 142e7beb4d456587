from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferce_agent.errors import InputError, SettingsError, SoundTooLargeError
from ferce_agent.prompts.tool_description import VOICE_DESCRIPTION
from ferce_agent.tools.arguments import input_schema, read_arguments
from ferce_agent.tools.clip_arguments import MOST_TEXT
from ferce_agent.tools.voice_arguments import AnalyzeVoiceInput, read_voice
from tests.tools.test_clip_arguments import Anything
from tests.tools.wrong_voice_arguments import NOT_JSON, WRONG
from tests.views.brief_sizes import tokenizers


@pytest.mark.parametrize(("arguments", "message"), [*WRONG, *NOT_JSON])
def test_wrong_arguments_are_explained(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_arguments(arguments, AnalyzeVoiceInput)
    assert message in str(caught.value)


def test_what_models_send_instead_of_numbers_and_objects_is_understood() -> None:
    use = '{"domain": "research", "consent": true}'
    asked = read_arguments(
        {
            "voice": Path("a.wav"),
            "start_s": "1.5",
            "end_s": 3,
            "transcript": " ",
            "keep_words": "true",
            "use_context": use,
        },
        AnalyzeVoiceInput,
    )
    assert (asked.voice, asked.start_s, asked.end_s, asked.transcript) == ("a.wav", 1.5, 3.0, None)
    assert asked.keep_words is True
    assert asked.use_context is not None
    assert asked.use_context.consent is True


def test_a_recording_too_large_for_a_request_is_refused() -> None:
    assert read_voice("data:" + "A" * 1000)
    with pytest.raises(SoundTooLargeError, match="path of a file"):
        read_voice("data:audio/wav;base64," + "A" * MOST_TEXT)


def test_the_schema_says_what_may_be_sent_and_is_small() -> None:
    schema = input_schema(AnalyzeVoiceInput)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["voice"]
    jsonschema.validate({"voice": "a.wav", "start_s": 1, "transcript": "Hello.", "keep_words": True}, schema)
    assert '"null"' not in json.dumps(schema)
    for name, count in tokenizers().items():
        assert count(VOICE_DESCRIPTION) < 140, name
        assert count(json.dumps(schema)) < 700, name


NAMES = [*AnalyzeVoiceInput.model_fields, "x", ""]


@given(st.dictionaries(st.sampled_from(NAMES), Anything, max_size=4))
def test_anything_is_read_or_refused_in_plain_words(arguments: dict[str, Any]) -> None:
    try:
        asked = read_arguments({"voice": "a.wav", **arguments}, AnalyzeVoiceInput)
    except InputError as error:
        assert 15 < len(str(error)) < 2000
        assert "pydantic" not in str(error)
    else:
        for number in (asked.start_s, asked.end_s):
            assert number is None or (math.isfinite(number) and number >= 0)
        assert asked.end_s is None or asked.end_s > (asked.start_s or 0)
        assert asked.transcript is None or asked.transcript.strip()
