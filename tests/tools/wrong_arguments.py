"""Arguments that a model gets wrong, and a part of what it should be told.

"PHOTO" stands for a photo that can be read.
"""

from __future__ import annotations

from typing import Any, Final

WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({}, "The call lacks 'image'. It is: The photo: a data URL"),
    ({"image": 7}, "image must be text, not 7."),
    ({"image": None}, "image must be text, not null."),
    ({"image": ["a.jpg"]}, "image must be text, not a list."),
    ({"image": "PHOTO", "useContext": {}}, "The call has no 'useContext'. Did you mean use_context?"),
    ({"image": "PHOTO", "contxt": "She won."}, "The call has no 'contxt'. Did you mean context?"),
    ({"img": "PHOTO"}, "The call has no 'img'. Did you mean image?"),
    ({"image": "PHOTO", "quux": 1}, "Known are: image, context, labels, baseline, use_context, detail."),
    ({"image": "PHOTO", "baseline": "/home/anna/anna.json"}, "/home/anna/anna.json cannot be the name of a baseline."),
    ({"image": "PHOTO", "context": 5}, "The context must be text or an object with fields, not 5."),
    ({"image": "PHOTO", "context": [5]}, "neither sentences nor turns"),
    ({"image": "PHOTO", "context": "x" * 20_001}, "it has 20001 characters; at most 20000 are accepted"),
    ({"image": "PHOTO", "context": {"plase": "home"}}, "The context has no 'plase'. Did you mean place?"),
    (
        {"image": "PHOTO", "context": {"turns": [{"txt": "x", "speaker": "u"}]}},
        "has no 'turns[0].txt'. Did you mean text?",
    ),
    ({"image": "PHOTO", "context": {"turns": [{"speaker": "u"}]}}, "lacks 'turns[0].text'."),
    (
        {"image": "PHOTO", "use_context": {"domian": "education"}},
        "The use context has no 'domian'. Did you mean domain?",
    ),
    ({"image": "PHOTO", "use_context": {"domain": "educaton"}}, "Did you mean education?"),
    ({"image": "PHOTO", "use_context": "education"}, "must be an object with fields, not 'education'."),
    ({"image": "PHOTO", "use_context": {"consent": "yes"}}, "it must be true or false, not 'yes'"),
    ({"image": "PHOTO", "labels": "bored"}, "One label was given, 'bored'; 2 to 100 are needed."),
    ({"image": "PHOTO", "labels": ["bored"]}, "2 to 100"),
    ({"image": "PHOTO", "labels": 5}, "labels must be words, not 5."),
    ({"image": "PHOTO", "labels": ["bored", 3]}, "Entry 2 of labels must be a word, not 3."),
    ({"image": "PHOTO", "labels": {"bored": 1}}, "labels must be words, not an object with fields."),
    ({"image": "PHOTO", "labels": ["joyful", "Joyful"]}, "The label 'joyful' is given twice."),
    (
        {"image": "PHOTO", "detail": "ful"},
        "detail is not usable: it must be 'brief' or 'full', not 'ful'. Did you mean full?",
    ),
    ({"image": "PHOTO", "detail": 3}, "it must be 'brief' or 'full', not 3"),
    ({"image": "PHOTO", "context": "{braces}", "labels": "{x}"}, "One label was given, '{x}'"),
]
