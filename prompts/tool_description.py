"""What agents are told of each of the tools."""

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
    "moments worth looking at, who speaks when and whether voice and face go together, and what could not be seen or "
    "heard. Times are seconds of the film. Long films take minutes: "
    "give start_s and end_s if only a part matters. An expression is not a feeling: say 'shows' or 'appears', and do "
    "not name an emotion where none is named."
)
VOICE_DESCRIPTION: Final = (
    "Listens to a voice message or another recording of speech, or to the sound track of a film. Returns who speaks "
    "when, how each turn is spoken, what it sounds like and how sure that is, what its words express if you give a "
    "transcript, where voice and words do not go together, and how to answer. Times are seconds. A voice is not "
    "identified, and how it sounds is not a feeling: say 'sounds', and do not name an emotion where none is named."
)
SCENARIO_DESCRIPTION: Final = (
    "Reads films or photos for one of four uses, and returns indicators with their uncertainty, alerts with times, and "
    "what they must not be taken for: driver (closed eyes, looks off the road), engagement (facing a screen, by "
    "slide), audience (shown reactions of five or more consenting viewers, versions compared), moderation (signals for "
    "a human reviewer). Long films take minutes. Nothing here is a decision about a person: pass on the uncertainty, "
    "and do not say what somebody feels, thinks or intends."
)
PHOTO_PANEL_DESCRIPTION: Final = (
    "Shows the user a panel to take or choose a photo; the camera opens only if they press its button. Call it when a "
    "photo of the user would help and none was sent. The reading comes later, as part of the conversation."
)
