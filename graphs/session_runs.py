"""Photos, clips, voice messages and chats into a session: consent and rules first, then the reading, then the entry."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ferce_agent.errors import ClipFormatError, FerceError, InputError, SettingsError
from ferce_agent.graphs.baseline_runs import is_photo
from ferce_agent.graphs.clip_runs import analyze_clip
from ferce_agent.graphs.engines import Engines, default_engines
from ferce_agent.graphs.runs import analyze_expression
from ferce_agent.graphs.scenario_work import Halt, apart
from ferce_agent.graphs.voice_runs import analyze_voice
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.inputs.photo import Picture, load_picture
from ferce_agent.inputs.sound import SoundStream, open_sound
from ferce_agent.keeping.baselines import BaselineLike, read_baseline
from ferce_agent.policy.use import UseContext, UseLike, read_use
from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
from ferce_agent.report.baseline import Baseline
from ferce_agent.report.clip_events import ClipEvent
from ferce_agent.report.session import Entry, EntryKind
from ferce_agent.report.speech_events import SpeechEvent
from ferce_agent.sessions.entries import Report, chat_entry, entry_of
from ferce_agent.sessions.given import ENDINGS, own_messages, read_given
from ferce_agent.sessions.reporting import KINDS, permitted
from ferce_agent.sessions.store import Added, Session

if TYPE_CHECKING:
    from ferce_agent.inputs.clip import ClipLike
    from ferce_agent.inputs.photo import ImageSource
    from ferce_agent.inputs.sound import SoundLike
    from ferce_agent.inputs.transcript import TranscriptLike

    SessionSource: TypeAlias = ImageSource | Picture | ClipLike | Clip | SoundLike | SoundStream | Report | list[Any]

Tell: TypeAlias = Callable[[ClipEvent | SpeechEvent], None]
"""Told how far the reading of a film or sound is."""
NOTHING: Final = Added(0, 0, 0, 0)
DOUBLE: Final = Added(0, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a caller says of a source; see `add_to_session`."""

    at: datetime | None
    kind: EntryKind | None
    whose: str | None
    baseline: Baseline | None
    transcript: TranscriptLike | None
    use: UseContext
    engines: Engines
    on_event: Tell | None
    halt: Halt = field(default_factory=Halt)


def add_to_session(  # noqa: PLR0913  # one parameter per thing a caller may say
    session: Session | str,
    source: SessionSource,
    at: datetime | None = None,
    *,
    kind: EntryKind | None = None,
    whose: str | None = None,
    baseline: BaselineLike | None = None,
    transcript: TranscriptLike | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Tell | None = None,
    stop: threading.Event | None = None,
) -> Added:
    """Read a photo, clip, voice message or chat of the person and keep what it tells in a session: numbers, no words.

    Consent and rules decide before anything is read, and a file that is kept already is not read again. No
    vision-language model takes part. The picture, the sound and the words themselves are not kept.

    Args:
        session: An open session, or the name of one.
        source: A photo, clip or sound in any form that `analyze_expression`, `analyze_clip` and `analyze_voice` take;
            a report of one; the path of a JSON file with a report; the path of a text or JSON file with a chat, or a
            list of the person's own messages, see `ferce_agent.sessions.given`.
        at: When it was taken, with the person's offset from UTC; now, on this machine's clock, if left out.
        kind: What it is; found out if left out. ``voice`` listens to a film's sound alone, ``chat`` takes a text as
            what the person wrote.
        whose: Which face or speaker is the person, where there are several: ``person-1``, ``track-1``, or a speaker of
            the transcript.
        baseline: How the person is at rest; what is read against it is compared only with what was, too.
        transcript: What is said in a clip or voice message; its words are read and not kept.
        use_context: What the session is used for; who reads it is taken from the consent where it is left open.
        engines: Models and settings; the shared defaults if left out.
        on_event: Called with the events of the reading of a film or sound, in the thread of the caller.
        stop: Set it to end the reading; then nothing is added.

    Raises:
        PolicyError: The rules or the consent refuse it; nothing is read.
        InputError: The source cannot be used, or it cannot be told who of several is the person or when it was.
        SetupError: A weight file is missing or damaged.
        EngineError: The face detector failed at once.
    """
    opened = Session(session) if isinstance(session, str) else session
    if kind is not None and kind not in KINDS:
        raise SettingsError(f"There is no kind {kind!r}.", hint=f"Choose one of: {', '.join(KINDS)}.")
    chosen = (default_engines() if engines is None else engines).alone()
    given = read_use(use_context)
    consent = opened.consent
    reader = given.observer or chosen.use.observer or consent.readers[0]
    use = given.model_copy(update={"observer": reader, "consent": True if given.consent is None else given.consent})
    decision = permitted(use, consent, own=chosen.use)
    asked = _Asked(at, kind, whose, read_baseline(baseline), transcript, use, chosen, on_event, Halt(stop))
    entry = _read(opened, source, asked, infer=decision.may_infer)
    if entry is None:
        return DOUBLE
    return NOTHING if asked.halt.is_set() else opened.add(entry)


async def aadd_to_session(  # noqa: PLR0913
    session: Session | str,
    source: SessionSource,
    at: datetime | None = None,
    *,
    kind: EntryKind | None = None,
    whose: str | None = None,
    baseline: BaselineLike | None = None,
    transcript: TranscriptLike | None = None,
    use_context: UseLike | None = None,
    engines: Engines | None = None,
    on_event: Tell | None = None,
) -> Added:
    """Read something of the person into a session without blocking the event loop; see `add_to_session`.

    Cancelling the task ends the reading, and nothing is added. Events are told in the loop's thread.
    """
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def told(event: ClipEvent | SpeechEvent) -> None:
        if on_event is not None:
            loop.call_soon_threadsafe(on_event, event)

    work = asyncio.create_task(
        asyncio.to_thread(
            add_to_session,
            session,
            source,
            at,
            kind=kind,
            whose=whose,
            baseline=baseline,
            transcript=transcript,
            use_context=use_context,
            engines=engines,
            on_event=told,
            stop=stop,
        )
    )
    try:
        return await asyncio.shield(work)
    finally:
        stop.set()
        # The thread is waited for, so that nothing is open any more, and nothing is added, once the caller goes on.
        await asyncio.shield(asyncio.gather(work, return_exceptions=True))


def _read(session: Session, source: Any, asked: _Asked, *, infer: bool) -> Entry | None:
    """Return the entry of a source; None where its file is kept already.

    Raises:
        PolicyError: The consent does not cover what it is.
        InputError: It cannot be used.
    """
    given, digest = _held(source, asked.kind)
    if isinstance(given, _Chat):
        _check_alone("a chat", {"whose": asked.whose, "baseline": asked.baseline, "transcript": asked.transcript})
        session.check_may_add("chat", asked.at)
        matcher = asked.engines.events if infer else None
        return chat_entry(given.texts, _moment(asked), matcher=matcher, infer=infer, digest=digest)
    if isinstance(given, EmotionReport | ClipReport | VoiceReport):
        _check_alone("a report", {"baseline": asked.baseline, "transcript": asked.transcript})
        return entry_of(given, _moment(asked), whose=asked.whose)
    kind, opened = _opened(given, asked.kind)
    with contextlib.nullcontext() if isinstance(opened, Picture) else opened:
        session.check_may_add(kind, asked.at)
        known = opened.sha256 if isinstance(opened, Picture) else opened.info.sha256
        if known is not None and session.has_source(known):
            return None
        report = apart(partial(_report, opened, asked))
    return entry_of(report, _moment(asked), whose=asked.whose)


def _moment(asked: _Asked) -> datetime:
    return asked.at or datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class _Chat:
    """The person's own messages."""

    texts: tuple[str, ...]


def _held(source: Any, kind: EntryKind | None) -> tuple[Any, str | None]:
    """Return a report, a chat, or what is to be read, with the digest of the file of a chat."""
    if kind in (None, "chat") and isinstance(source, str | os.PathLike) and _ends_as_given(source):
        found = read_given(Path(source))
        return (_Chat(found.held), found.sha256) if isinstance(found.held, tuple) else (found.held, None)
    if isinstance(source, str) and kind == "chat":
        return _Chat((source,)), None
    if kind in (None, "chat") and isinstance(source, list | tuple) and source and _is_message(source[0]):
        return _Chat(own_messages(source)), None
    if kind == "chat":
        raise InputError(
            "This is no chat.", hint="Give a text, a list of messages, or the path of a text or JSON file with them."
        )
    if isinstance(source, str | os.PathLike) and str(source)[:5].lower() != "data:" and _is_folder(source):
        raise InputError("A folder is no reading.", hint="Give its files one by one, each with its time.")
    return source, None


def _is_folder(path: str | os.PathLike[str]) -> bool:
    try:
        return Path(path).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):  # whatever opens it says what is wrong with it
        return False


def _ends_as_given(source: str | os.PathLike[str]) -> bool:
    return Path(source).suffix.lower() in ENDINGS and str(source)[:5].lower() != "data:"


def _is_message(one: Any) -> bool:
    return isinstance(one, str | Mapping)


def _check_alone(what: str, said: Mapping[str, object]) -> None:
    """Check that nothing is said of a chat or report that only what is still to be read has.

    Raises:
        SettingsError: Something is.
    """
    for name, value in said.items():
        if value is not None:
            raise SettingsError(f"{name} has no meaning for {what}.", hint="Leave it out.")


def _opened(source: Any, kind: EntryKind | None) -> tuple[EntryKind, Picture | Clip | SoundStream]:
    """Return what a source is, opened.

    Raises:
        InputError: It cannot be used.
    """
    if isinstance(source, Picture) or kind == "photo" or (kind is None and is_photo(source)):
        return "photo", source if isinstance(source, Picture) else load_picture(source)
    if isinstance(source, SoundStream) or kind == "voice":
        return "voice", source if isinstance(source, SoundStream) else open_sound(source)
    if isinstance(source, Clip):
        return "clip", source
    try:
        return "clip", open_clip(source)
    except ClipFormatError as error:
        if kind == "clip":
            raise
        return "voice", _sound_of(source, error)


def _sound_of(source: Any, error: ClipFormatError) -> SoundStream:
    """Return what is no film as a sound.

    Raises:
        ClipFormatError: It is none, either.
    """
    try:
        return open_sound(source)
    except FerceError:
        raise ClipFormatError(
            "This is no photo, film, sound, report or chat that can be read.",
            hint=f"{error.hint} Chats and reports end with {', '.join(ENDINGS)}.",
        ) from error


def _report(opened: Picture | Clip | SoundStream, asked: _Asked) -> Report:
    if isinstance(opened, Picture):
        if asked.transcript is not None:
            raise SettingsError("A photo has no transcript.", hint="Leave it out.")
        return analyze_expression(opened, use_context=asked.use, baseline=asked.baseline, engines=asked.engines)
    if isinstance(opened, Clip):
        return analyze_clip(
            opened,
            transcript=asked.transcript,
            baseline=asked.baseline,
            use_context=asked.use,
            engines=asked.engines,
            on_event=asked.on_event,
            stop=asked.halt,
        )
    return analyze_voice(
        opened,
        transcript=asked.transcript,
        baseline=asked.baseline,
        use=asked.use,
        engines=asked.engines,
        on_event=asked.on_event,
        stop=asked.halt,
    )
