"""Arguments of the scenario tool that a model gets wrong, and a part of what it should be told.

"FILM" stands for a film that can be read.
"""

from __future__ import annotations

from typing import Any, Final

DRIVE: Final = {"scenario": "driver", "sources": ["FILM"]}
WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({"sources": ["FILM"]}, "The call lacks 'scenario'."),
    ({"scenario": "wellbeing", "sources": ["me"]}, "'driver', 'engagement', 'audience' or 'moderation'"),
    ({"scenario": "driver"}, "There is nothing to read for driver."),
    ({"scenario": "driver", "sources": []}, "There is nothing to read for driver."),
    ({"scenario": "driver", "sources": [7]}, "A source must be text, not 7."),
    ({"scenario": "driver", "sources": {"a": "FILM"}}, "A source must be text, not an object"),
    ({"scenario": "driver", "sources": ["FILM"] * 201}, "There are 201 sources; at most 200 are taken."),
    ({"scenario": "audience", "groups": ["FILM"]}, "groups must be sources by name, not a list."),
    ({"scenario": "audience", "groups": {str(n): [] for n in range(21)}}, "There are 21 groups; at most 20"),
    (DRIVE | {"camera": 0}, "The call has no 'camera'."),
    (DRIVE | {"observer": "self"}, "The call has no 'observer'."),
    (DRIVE | {"use_context": {"observer": "self"}}, "observer is not yours to say."),
    (DRIVE | {"use_context": '{"observer": "clinician"}'}, "observer is not yours to say."),
    (DRIVE | {"use_context": {"domian": "safety"}}, "The use context has no 'domian'. Did you mean domain?"),
    (DRIVE | {"end_s": 0}, "end_s must be more than 0"),
    (DRIVE | {"options": "fast"}, "options must be fields by name, not 'fast'."),
    (DRIVE | {"options": {"speed_kph": 50}}, "Did you mean speed_kmh?"),
    (DRIVE | {"detail": "ful"}, "Did you mean full?"),
    ({"scenario": "engagement", "sources": ["FILM"], "options": {"markers": "slides.csv"}}, "files are not read here"),
    ({"scenario": "engagement", "sources": ["FILM"], "options": {"own": True}}, "is not an agent's to say"),
    ({"scenario": "driver", "sources": ["FILM", "FILM"]}, "reads one source at a time, not 2."),
]
