"""Arguments of the voice tool that a model gets wrong, and a part of what it should be told.

"VOICE" stands for a recording that can be read.
"""

from __future__ import annotations

import math
from typing import Any, Final

WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({}, "The call lacks 'voice'. It is: The recording: a data URL"),
    ({"voice": 7}, "voice must be text, not 7."),
    ({"voice": None}, "voice must be text, not null."),
    ({"voice": ["a.wav"]}, "voice must be text, not a list."),
    ({"clip": "VOICE"}, "The call has no 'clip'."),
    ({"audio": "VOICE"}, "The call has no 'audio'."),
    ({"voice": "VOICE", "start": 1}, "The call has no 'start'. Did you mean start_s?"),
    ({"voice": "VOICE", "microphone": 0}, "Known are: voice, transcript, keep_words, start_s, end_s, baseline"),
    ({"voice": "VOICE", "baseline": "/home/anna/anna.json"}, "/home/anna/anna.json cannot be the name of a baseline."),
    ({"voice": "VOICE", "baseline": "anna.json"}, "anna.json cannot be the name of a baseline."),
    ({"voice": "VOICE", "baseline": 7}, "7 cannot be the name of a baseline."),
    ({"voice": "VOICE", "transcript": 7}, "transcript must be text, not 7."),
    ({"voice": "VOICE", "transcript": ["Hello."]}, "transcript must be text, not a list."),
    ({"voice": "VOICE", "transcript": {"text": "Hi"}}, "transcript must be text, not an object with fields."),
    ({"voice": "VOICE", "transcript": "a" * 200_001}, "The transcript has 200,001 characters; at most 200,000"),
    ({"voice": "VOICE", "keep_words": "perhaps"}, "it must be true or false, not 'perhaps'"),
    ({"voice": "VOICE", "start_s": -1}, "start_s must be at least 0"),
    ({"voice": "VOICE", "start_s": "0:05"}, "start_s must be a number of seconds, not '0:05'."),
    ({"voice": "VOICE", "start_s": True}, "start_s must be a number of seconds, not true."),
    ({"voice": "VOICE", "end_s": "nan"}, "end_s must be a number of seconds, not 'nan'."),
    ({"voice": "VOICE", "end_s": 0}, "end_s (0) must be after start_s (0)."),
    ({"voice": "VOICE", "start_s": 2, "end_s": 1}, "end_s (1) must be after start_s (2)."),
    ({"voice": "VOICE", "use_context": {"domian": "education"}}, "The use context has no 'domian'."),
    ({"voice": "VOICE", "use_context": "education"}, "must be an object with fields, not 'education'."),
    ({"voice": "VOICE", "detail": "ful"}, "it must be 'brief' or 'full', not 'ful'. Did you mean full?"),
]
NOT_JSON: Final[list[tuple[dict[str, Any], str]]] = [
    ({"voice": "VOICE", "start_s": math.nan}, "start_s must be a number of seconds, not nan."),
    ({"voice": "VOICE", "end_s": math.inf}, "end_s must be a number of seconds, not a very large number."),
    ({"voice": b"RIFF"}, "voice must be text, not bytes."),
]
"""Only Python can send these."""
