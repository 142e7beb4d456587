"""Arguments of the clip tool that a model gets wrong, and a part of what it should be told.

"CLIP" stands for a film that can be read.
"""

from __future__ import annotations

import math
from typing import Any, Final

WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({}, "The call lacks 'clip'. It is: The film: the path"),
    ({"clip": 7}, "clip must be text, not 7."),
    ({"clip": None}, "clip must be text, not null."),
    ({"clip": ["a.mp4"]}, "clip must be text, not a list."),
    ({"image": "CLIP"}, "The call has no 'image'."),
    ({"video": "CLIP"}, "The call has no 'video'."),
    ({"clip": "CLIP", "start": 1}, "The call has no 'start'. Did you mean start_s?"),
    ({"clip": "CLIP", "camera": 0}, "Known are: clip, start_s, end_s, fps, micro, sound, transcript,"),
    ({"clip": "CLIP", "start_s": -1}, "start_s must be at least 0"),
    ({"clip": "CLIP", "start_s": "0:05"}, "start_s must be a number of seconds, not '0:05'."),
    ({"clip": "CLIP", "start_s": True}, "start_s must be a number of seconds, not true."),
    ({"clip": "CLIP", "start_s": [1]}, "start_s must be a number of seconds, not a list."),
    ({"clip": "CLIP", "end_s": "nan"}, "end_s must be a number of seconds, not 'nan'."),
    ({"clip": "CLIP", "end_s": 10**400}, "end_s must be a number of seconds, not a very large number."),
    ({"clip": "CLIP", "end_s": 1e300}, "end_s must be at least 0 and at most 31536000"),
    ({"clip": "CLIP", "end_s": 0}, "end_s (0) must be after start_s (0)."),
    ({"clip": "CLIP", "start_s": 2, "end_s": 1}, "end_s (1) must be after start_s (2)."),
    ({"clip": "CLIP", "start_s": "2", "end_s": "2.0"}, "end_s (2) must be after start_s (2)."),
    ({"clip": "CLIP", "fps": 0}, "fps must be more than 0"),
    ({"clip": "CLIP", "fps": "fast"}, "fps must be a number of frames a second, not 'fast'."),
    ({"clip": "CLIP", "micro": "perhaps"}, "it must be true or false, not 'perhaps'"),
    ({"clip": "CLIP", "sound": "loud"}, "it must be true or false, not 'loud'"),
    ({"clip": "CLIP", "baseline": "anna.json"}, "anna.json cannot be the name of a baseline."),
    ({"clip": "CLIP", "transcript": 3}, "transcript must be text, not 3."),
    (
        {"clip": "CLIP", "transcript": "x" * 200_001},
        "The transcript has 200,001 characters; at most 200,000 are taken.",
    ),
    ({"clip": "CLIP", "use_context": {"domian": "education"}}, "The use context has no 'domian'. Did you mean domain?"),
    ({"clip": "CLIP", "use_context": "education"}, "must be an object with fields, not 'education'."),
    ({"clip": "CLIP", "detail": "ful"}, "it must be 'brief' or 'full', not 'ful'. Did you mean full?"),
]
NOT_JSON: Final[list[tuple[dict[str, Any], str]]] = [
    ({"clip": "CLIP", "start_s": math.nan}, "start_s must be a number of seconds, not nan."),
    ({"clip": "CLIP", "end_s": math.inf}, "end_s must be a number of seconds, not a very large number."),
    ({"clip": "CLIP", "fps": b"5"}, "fps must be a number of frames a second, not bytes."),
]
"""Only Python can send these."""
