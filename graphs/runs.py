"""One run of the photo workflow from Python.

What is told goes in, progress is passed on, a validated report comes out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from langgraph.config import get_stream_writer

from ferce_agent.concurrency.interruption import in_main_thread, interruptible
from ferce_agent.errors import EngineError, ImageAccessError, SettingsError
from ferce_agent.graphs.photo import compiled_graph
from ferce_agent.graphs.state import RunContext
from ferce_agent.inputs.situation import Situation, read_situation
from ferce_agent.keeping.baselines import BaselineLike, read_baseline
from ferce_agent.policy.use import UseLike, read_use
from ferce_agent.report import EmotionReport, VoiceReport
from ferce_agent.specialist.labels import read_labels
from ferce_agent.validation.refusal import value_of

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.inputs.photo import ImageSource, Picture
    from ferce_agent.inputs.sound import SoundLike, SoundStream
    from ferce_agent.inputs.transcript import TranscriptLike
    from ferce_agent.report.baseline import Baseline

    VoiceLike: TypeAlias = SoundLike | SoundStream | VoiceReport

Told: TypeAlias = str | Situation | Mapping[str, Any] | None
"""What a caller says about the situation."""
LabelsLike: TypeAlias = Sequence[str] | str | None
"""Words to rank: a list, or one text with commas between them; nothing for none."""
Event = Mapping[str, Any]
"""An event of progress, as plain data.

``stage`` (name of the step that was finished), ``ms`` (its wall-clock time), ``faces`` (found so far in detection).
"""


def analyze_expression(  # noqa: PLR0913  # one parameter per thing a caller may say
    image: ImageSource | Picture,
    context: Told = None,
    *,
    labels: LabelsLike = (),
    use_context: UseLike | None = None,
    voice: VoiceLike | None = None,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    voice_of: str | None = None,
    baseline: BaselineLike | None = None,
    engines: Engines | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> EmotionReport:
    """Read the facial expressions in one picture, with a voice message beside it if there is one.

    Args:
        image: Path, bytes, open file, data URL, numpy array (RGB or grey), PIL image, or a loaded `Picture`; with
            ``Settings(urls=True)`` an https address too. For a folder, call this for each photo in it. See
            `load_picture`.
        context: What is known about the situation, in plain words or as a `Situation` (or its fields); makes scene,
            causes and conflicts possible.
        labels: Words to rank for each face, 2 to 100 of them: a list, or one text with commas between them. Words that
            the ontology does not know must be English.
        use_context: What the report is used for, as a `UseContext` (or its fields); the rules that apply stand in
            ``policy``.
        voice: A voice message that came with the picture, in any form that `analyze_voice` takes, or its report; the
            result is in ``voice``, and where it does not go with the face, that is among the conflicts. The face is
            read as without it.
        transcript: What is said in it; see `analyze_voice`.
        keep_words: Whether the report may hold these words.
        voice_of: Whose voice it is, such as ``person-1``. Left out, it is taken to be that of the only person shown,
            and of nobody where there are several.
        baseline: How the person shown is at rest, from `build_baseline`; or the name or path of a kept one. Used where
            one face alone is found; then `Person.rest` says what would be read without it.
        engines: Models and settings; the shared defaults if left out.
        on_event: Called after each step of the workflow.

    Returns:
        A validated report. A picture without a face gives a report with ``people=()`` that says so in ``degraded``.

    Raises:
        InputError: The picture, the labels, the use context, the voice or what is said about it cannot be used; or
            there is no such baseline.
        PolicyError: The rules refuse this use (an `InputError` too); no pixel is looked at.
        SetupError: A weight file is missing or damaged, or the baseline was made with other weights.
        EngineError: The face detector failed.
    """
    run = _run_context(image, engines, read_baseline(baseline))
    report: object = None
    asked = _asked(context, labels, use_context)
    told = _Voice(voice, transcript, keep_words, voice_of).checked()
    listeners = _listeners(on_event)

    def begin() -> Generator[Any]:
        return compiled_graph().stream(asked, context=run, **(_WITH_PROGRESS if listeners else _QUIET))

    may_last = in_main_thread() and run.engines.asker is not None
    with closing(interruptible(begin, run.cancel) if may_last else begin()) as events:
        for event in events:
            report = _noted(event, listeners) or report
    return told.heard(_checked(report), context, use_context, run.engines)


async def aanalyze_expression(  # noqa: PLR0913
    image: ImageSource | Picture,
    context: Told = None,
    *,
    labels: LabelsLike = (),
    use_context: UseLike | None = None,
    voice: VoiceLike | None = None,
    transcript: TranscriptLike | None = None,
    keep_words: bool = False,
    voice_of: str | None = None,
    baseline: BaselineLike | None = None,
    engines: Engines | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> EmotionReport:
    """Read the facial expressions in one picture without blocking the event loop; see `analyze_expression`."""
    run = _run_context(image, engines, read_baseline(baseline))
    report: object = None
    asked, listeners = _asked(context, labels, use_context), _listeners(on_event)
    told = _Voice(voice, transcript, keep_words, voice_of).checked()
    events = compiled_graph().astream(asked, context=run, **(_WITH_PROGRESS if listeners else _QUIET))
    async with aclosing(events):
        async for event in events:
            report = _noted(event, listeners) or report
    return await told.aheard(_checked(report), context, use_context, run.engines)


@dataclass(frozen=True, slots=True)
class _Voice:
    """The voice message beside a picture; see `analyze_expression`."""

    sound: VoiceLike | None
    transcript: TranscriptLike | None
    keep_words: bool
    whose: str | None

    def checked(self) -> _Voice:
        """Return itself.

        Raises:
            SettingsError: Something is said about a voice, but there is none; or `voice_of` is no text.
        """
        if self.whose is not None and not isinstance(self.whose, str):
            raise SettingsError(f"voice_of must be text, not {value_of(self.whose)}.", hint='For example: "person-1"')
        if self.sound is None and (self.whose is not None or self.transcript is not None):
            named = "voice_of" if self.transcript is None else "transcript"
            raise SettingsError(f"{named} is given, but no voice.", hint="Give the voice message as voice.")
        return self

    def heard(self, report: EmotionReport, context: Told, use: UseLike | None, engines: Engines) -> EmotionReport:
        """Return the photo's report with the voice beside it, if there is one."""
        if self.sound is None:
            return report
        from ferce_agent.context.with_voice import speaker, with_voice

        speaker(report, self.whose)  # whoever is not shown is refused before anything is listened to
        if isinstance(self.sound, VoiceReport):
            return with_voice(report, self.sound, self.whose)
        from ferce_agent.graphs.voice_runs import analyze_voice

        made = analyze_voice(self.sound, context=context, use=use, engines=engines, **self._said())
        return with_voice(report, made, self.whose)

    async def aheard(
        self, report: EmotionReport, context: Told, use: UseLike | None, engines: Engines
    ) -> EmotionReport:
        """Do the same without blocking the event loop."""
        if self.sound is None:
            return report
        from ferce_agent.context.with_voice import speaker, with_voice

        speaker(report, self.whose)
        if isinstance(self.sound, VoiceReport):
            return with_voice(report, self.sound, self.whose)
        from ferce_agent.graphs.voice_runs import aanalyze_voice

        made = await aanalyze_voice(self.sound, context=context, use=use, engines=engines, **self._said())
        return await asyncio.to_thread(with_voice, report, made, self.whose)

    def _said(self) -> dict[str, Any]:
        return {"transcript": self.transcript, "keep_words": self.keep_words}


def told(context: Told) -> str | dict[str, Any] | None:
    """Return the caller's context as plain data for the state.

    Raises:
        SettingsError: It is not usable.
    """
    return (
        context if isinstance(context, str) else read_situation(context).model_dump(mode="json", exclude_defaults=True)
    )


def _run_context(image: ImageSource | Picture, engines: Engines | None, baseline: Baseline | None) -> RunContext:
    if image is None:
        raise ImageAccessError("No picture was given.", hint="Give a path, bytes, a data URL, an array or a PIL image.")
    if engines is None:
        return RunContext(image=image, baseline=baseline)
    if not hasattr(engines, "settings"):
        raise SettingsError(f"engines must be Engines, not {type(engines).__name__}.", hint="Engines(Settings(…))")
    return RunContext(engines=engines, image=image, baseline=baseline)


def _checked(report: object) -> EmotionReport:
    if not isinstance(report, EmotionReport):
        raise EngineError("The workflow ended without a report.", hint="This is a bug; please tell the maintainers.")
    return report


Listener: TypeAlias = Callable[[Event], None]
_WITH_PROGRESS: Final[dict[str, Any]] = {"stream_mode": ["custom", "values"], "subgraphs": True}
"""Progress events of all steps, and the state."""
_QUIET: Final[dict[str, Any]] = {"stream_mode": ["values"]}
"""The state alone, which costs less."""


def _asked(context: Told, labels: LabelsLike, use_context: UseLike | None) -> dict[str, Any]:
    """Return the workflow's input."""
    return {
        "context": None if context is None else told(context),
        "labels": list(read_labels(labels)),
        "use_context": None if use_context is None else read_use(use_context).told(),
    }


def _listeners(on_event: Listener | None) -> list[Listener]:
    """Return who wants to hear of progress, if anybody does.

    The caller, and the graph whose node or tool made the call, if there is one.

    That graph's stream mode ``custom`` shows it.
    """
    if on_event is not None and not callable(on_event):
        kind = type(on_event).__name__
        raise SettingsError(f"on_event must be a function of one event, not {kind}.", hint="For example: print")
    found = [on_event] if on_event is not None else []
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):  # outside of any graph: no run at all, or one of a tool alone
        return found
    return [*found, lambda event: write({"tool": "analyze_expression", **event})]


def _noted(event: tuple[Any, ...], listeners: Sequence[Listener]) -> object:
    """Pass a progress event on; return the report if it is there.

    The path of an event says nothing: inside another graph's node it begins with that node's.
    """
    *_, mode, payload = event
    if mode == "values":
        return payload.get("report")
    for listener in listeners:
        listener(payload)
    return None
