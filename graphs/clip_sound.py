"""The sound of a run's film: when listening begins, and what came of it at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.clips.speech import Listening
from ferce_agent.errors import FerceError, InputError, SoundFormatError
from ferce_agent.graphs.clip_opening import opened, switch
from ferce_agent.graphs.clip_state import ClipContext, ClipState
from ferce_agent.graphs.recognition import transcriber_for
from ferce_agent.graphs.sound_track import Ears, SoundTrack
from ferce_agent.inputs.transcript import read_transcript
from ferce_agent.policy.decide import Decision
from ferce_agent.report import ClipDegradation
from ferce_agent.report.speech import SoundDegradation

if TYPE_CHECKING:
    from ferce_agent.clips.source import Film
    from ferce_agent.inputs.clip import Origin
    from ferce_agent.voice.listening import Heard

CLOSING_S: Final = 5.0
"""Seconds that are waited at most for a stream to be free after its pictures were read."""
NOT_AGAIN: Final = (
    "The film has a sound track; it is read only where the film can be read a second time: give a path, its bytes, or "
    "a stream that can be wound back."
)
"""Why the sound of some films is not read."""


def read_words(state: ClipState, context: ClipContext) -> None:
    """Read the transcript, and check what is wanted of the sound, before the film is opened.

    Raises:
        InputError: The transcript cannot be used.
        SettingsError: `sound` or `keep_words` is neither true nor false.
    """
    switch(state, "sound"), switch(state, "keep_words")
    if context.transcript is not None:
        context.transcript = read_transcript(context.transcript)


def begin_to_listen(state: ClipState, context: ClipContext, decision: Decision) -> None:
    """Begin to listen to the sound of the film that is being read, where that is wanted.

    A stream has only one place at a time: it is listened to once its pictures were read.
    """
    reading = context.reading
    if reading is None or reading.origin is None or reading.origin.is_shared or not reading.info.audio:
        return
    if switch(state, "sound", usual=True):
        context.listen_to(SoundTrack(reading.origin, reading.window, ears_of(state, context, decision)))


def ears_of(state: ClipState, context: ClipContext, decision: Decision) -> Ears:
    """Return what listens: with the transcriber that is set up, where no transcript is given and the rules allow it."""
    if context.transcript is not None:
        return Ears(decision.may_infer)
    try:
        allowed = context.engines.permit_sound(state.get("use_context"))
        transcriber, notes = transcriber_for(context.engines, allowed)
    except FerceError as error:
        note = SoundDegradation(stage="transcribe", code="transcriber_failed", message=str(error)[:2000])
        return Ears(decision.may_infer, None, (note,))
    return Ears(decision.may_infer, transcriber, notes)


def window(state: ClipState) -> tuple[float | None, float | None]:
    """Return the part of the film that is wanted."""
    return state.get("start_s"), state.get("end_s")


def listening_of(state: ClipState, context: ClipContext, decision: Decision, film: Film) -> Listening:
    """Return what came of listening to the film; what fails costs the report nothing but its sound.

    Args:
        state: Of the run.
        context: Of the run; where it goes on from a checkpoint, the sound is listened to now.
        decision: What the rules allow.
        film: What is known of it.
    """
    if film.info is None or not film.info.audio:
        return Listening()
    if not switch(state, "sound", usual=True):
        return Listening(not_read=_not_read("The film has a sound track; it was not to be read."))
    try:
        track = context.sound_track or _late(state, context, decision)
        if track is None:
            return Listening(not_read=_not_read(NOT_AGAIN))
        if context.stop.is_set():
            track.stop()
        return _came_of(track, _within(track.result(context.cancel), context, film), state, context)
    except FerceError as error:
        code = "sound_damaged" if isinstance(error, SoundFormatError) else "sound_not_read"
        return Listening(not_read=_not_read(f"The sound could not be read. {error}", code))
    except Exception as error:
        return Listening(not_read=_not_read(f"Listening to the sound failed: {error}", "step_failed"))


def _came_of(track: SoundTrack, heard: Heard, state: ClipState, context: ClipContext) -> Listening:
    """Return what was heard with what was said, told by the caller or written down."""
    written, given = track.written, context.transcript
    transcript = written.transcript if given is None and written is not None else given
    return Listening(
        heard=heard,
        transcript=None if transcript is None else read_transcript(transcript),
        transcriber=None if written is None else written.transcriber,
        keep_words=switch(state, "keep_words"),
        matcher=context.engines.events if transcript is not None and track.ears.infer else None,
        degraded=(*track.ears.notes, *(() if written is None else written.degraded)),
        sent=() if written is None else written.sent,
        timings={} if written is None else {"transcribe": written.milliseconds},
    )


def _late(state: ClipState, context: ClipContext, decision: Decision) -> SoundTrack | None:
    """Begin to listen once the pictures were read; None where the film cannot be read again."""
    origin = _origin(state, context)
    if origin is None:
        return None
    if origin.is_shared and context.reading is not None:
        context.reading.join(CLOSING_S)
    track = SoundTrack(origin, window(state), ears_of(state, context, decision))
    context.listen_to(track)
    return track


def _origin(state: ClipState, context: ClipContext) -> Origin | None:
    """Return where the film comes from; where the run went on from a checkpoint, it is opened once more."""
    if context.reading is not None:
        return context.reading.origin
    try:
        with opened(state, context, start_s=state.get("start_s")) as clip:
            return clip.origin
    except InputError:
        return None


def _within(heard: Heard, context: ClipContext, film: Film) -> Heard:
    """Return what was heard up to where the pictures were read, where somebody stopped the reading."""
    if not context.stop.is_set():
        return heard
    last_s = film.clock.last_s or 0.0
    return replace(heard, turns=tuple(turn for turn in heard.turns if turn.span.from_s <= last_s))


def _not_read(message: str, code: Any = "sound_not_read") -> ClipDegradation:
    return ClipDegradation(stage="listen", code=code, message=message[:2000])
