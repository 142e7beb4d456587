"""What agents are told of the tools `analyze_expression` and `analyze_clip`."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = (
    "Reads the facial expressions in one photo. Returns who shows which expression, how strongly and how sure that "
    "is, with movements seen, doubts, likely causes from the context you give, and how to answer. An expression is "
    "not a feeling: say 'shows' or 'appears', and do not name an emotion where none is named."
)
CLIP_DESCRIPTION: Final = (
    "Reads facial expressions over time in a film, an animated picture or a folder of pictures in order; not for "
    "single photos. Returns who is seen from when to when, what each face shows and when that begins, peaks and ends, "
    "moments worth looking at, and what could not be seen. Times are seconds of the film. Long films take minutes: "
    "give start_s and end_s if only a part matters. An expression is not a feeling: say 'shows' or 'appears', and do "
    "not name an emotion where none is named."
)
