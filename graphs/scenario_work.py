"""One run of a scenario: the rules first, then its sources one after the other, then a validated report."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from langchain_core.runnables.config import var_child_runnable_config
from pydantic import ValidationError

from ferce_agent.errors import (
    CameraError,
    ClipFormatError,
    DataError,
    EngineError,
    FerceError,
    PolicyError,
    SettingsError,
    SetupError,
)
from ferce_agent.graphs.clip_runs import ClipAsk, Given, Words, run_clip
from ferce_agent.graphs.engines import Engines, package
from ferce_agent.graphs.runs import analyze_expression
from ferce_agent.graphs.scenario_sources import Planned, plan, session_of
from ferce_agent.inputs.clip import Clip, open_clip
from ferce_agent.inputs.photo import load_picture
from ferce_agent.policy.decide import permit
from ferce_agent.policy.labels import Observer
from ferce_agent.policy.use import UseContext, UseLike, read_use
from ferce_agent.report import Engine, Provenance
from ferce_agent.report.clip import ClipDegradedCode
from ferce_agent.report.clip_events import ClipEvent, ProgressEvent, ReportEvent
from ferce_agent.report.scenario import ScenarioDegradation, ScenarioDegradedCode, ScenarioReport
from ferce_agent.report.scenario_events import (
    ScenarioDegradedEvent,
    ScenarioEvent,
    ScenarioProgressEvent,
    SourceEvent,
)
from ferce_agent.report.session import SessionReport
from ferce_agent.scenarios.preset import Preset, preset
from ferce_agent.scenarios.study import Findings, Study, read_options, study_of
from ferce_agent.sessions.reporting import permitted
from ferce_agent.validation.refusal import value_of

Tell: TypeAlias = Callable[[ScenarioEvent], None]
"""Told of each event."""
OF_THE_RUN: Final = (PolicyError, SettingsError, SetupError)
"""Errors that end a run, since they would come again with the next source; a camera's are its own."""
IN_PART: Final[dict[ClipDegradedCode, ScenarioDegradedCode]] = {
    "stopped_early": "stopped_early",
    "clip_damaged": "source_failed",
    "clip_truncated": "source_failed",
    "step_failed": "step_failed",
}
"""Reason codes of films that were read in part, and what they are called here."""
LONG_LIST: Final = 8
"""Numbers of an option that are listed in the report; of longer ones only how many there are."""


class Halt(threading.Event):
    """Set to end a run, by itself or by the caller's own event.

    Attributes:
        called_off: Whether nobody wants a report any more.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        """Begin unset; `stop` counts, too."""
        super().__init__()
        self._stop = stop
        self.called_off = False

    def is_set(self) -> bool:
        """Return whether the run is to end."""
        return super().is_set() or (self._stop is not None and self._stop.is_set())

    def call_off(self) -> None:
        """End the run without a report."""
        self.called_off = True
        self.set()


class ScenarioWork:
    """A run that the rules allow, before its first source.

    Attributes:
        preset: Which scenario.
        use: What it is used for: what the caller says, and the preset where the caller leaves it open.
        decision: What the rules allow.
        engines: Models and settings, those of the preset on top; no vision-language model.
        sources: What is to be read.
    """

    def __init__(  # noqa: PLR0913  # one parameter per thing a caller may say
        self,
        name: str,
        sources: Any,
        *,
        engines: Engines,
        camera: int | None = None,
        groups: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        use_context: UseLike | None = None,
        observer: Observer | None = None,
        end_s: float | None = None,
        roots: Sequence[Path] | None = None,
    ) -> None:
        """Ask the rules, and then check everything that can be checked before a frame is read.

        Args:
            name: Which scenario.
            sources: What is read; see `run_scenario`.
            engines: Models and settings.
            camera: Number of a camera.
            groups: Sources by the name of their group.
            options: What the scenario lets a caller choose.
            use_context: What it is used for.
            observer: Who reads the report.
            end_s: Films and cameras are read until then.
            roots: None lets sources and options name any file, folder or kept session; otherwise only files under one
                of these folders are read, and options name none.

        Raises:
            PolicyError: The rules refuse this use.
            InputError: Something cannot be used.
        """
        self.preset = preset(name)
        self.use = stated(self.preset, use_context, observer)
        self.engines = engines.alone(self.preset.settings_over(engines.settings))
        self.decision = permit(
            self.use, remote=self.engines.sends_away, own=self.engines.use, scenario=self.preset.name
        )
        kind = study_of(self.preset.name)
        self._options = read_options(kind, _fields(options), files=roots is None)
        self._make = partial(kind, self.preset, self._options, self.decision)
        self._study: Study = self._make()
        self.sources = plan(self.preset, sources, camera, groups, anywhere=roots is None)
        self._roots = None if roots is None else tuple(roots)
        self._end_s = end_s
        trial = self._make()  # so that groups or options that do not go with the sources are told of before any is read
        for number, one in enumerate(self.sources):
            trial.begin(number, one.group)
        self._failed: dict[int, FerceError] = {}
        self._used: dict[Engine, None] = {}
        self._parts: dict[ScenarioDegradedCode, list[int]] = {}
        self._own: FerceError | None = None

    def run(self, tell: Tell, halt: Halt) -> ScenarioReport:
        """Read the sources and return the report; what happens on the way is told.

        Raises:
            FerceError: No source could be read, or nobody wants the report any more.
        """
        self.engines.prepare_asking()
        read = 0
        for number, one in enumerate(self.sources):
            if halt.is_set():
                break
            read += self._read(number, one, tell, halt)
            if halt.called_off:
                break
        if halt.called_off or (halt.is_set() and not read):
            raise EngineError("The run was stopped before there was anything to report.", hint="Start it again.")
        if not read:
            raise self._nothing()
        found = self._study.finish()
        notes = [*self._read_in_part(apart=len(found.sources) == read + len(self._failed)), *self._left_out(read)]
        for note in notes:
            tell(ScenarioDegradedEvent(degraded=note))
        return self._report(found, notes)

    def _read(self, number: int, one: Planned, tell: Tell, halt: Halt) -> bool:
        """Read a source; return whether that could be done."""
        self._study.begin(number, one.group)
        try:
            self._opened(number, one, tell, halt)
        except FerceError as error:
            if error is self._own or (isinstance(error, OF_THE_RUN) and not isinstance(error, CameraError)):
                raise
            if not halt.called_off:
                self._failed[number] = error
                self._study.failed(number, error)
                tell(SourceEvent(source=number, failed=str(error)[:2000]))
            return False
        tell(SourceEvent(source=number, failed=None))
        return True

    def _opened(self, number: int, one: Planned, tell: Tell, halt: Halt) -> None:
        tell(self._progress(number, 0.0, None))
        if one.kind == "session":
            self._session(number, one.given, tell)
        elif one.kind == "photo":
            self._photo(number, one.given, tell)
        else:
            self._clip(number, one, tell, halt)

    def _clip(self, number: int, one: Planned, tell: Tell, halt: Halt) -> None:
        def on_event(event: ClipEvent) -> None:
            if isinstance(event, ReportEvent):
                self._note_engines(event.report.provenance)
                for code in {IN_PART[note.code] for note in event.report.degraded if note.code in IN_PART}:
                    self._parts.setdefault(code, []).append(number)
            if isinstance(event, ProgressEvent):
                tell(self._progress(number, event.time_s, _length(event)))
            self._take(partial(self._study.clip, number, event), tell)

        reading = self.preset.reading
        camera = one.given if one.kind == "camera" else None
        source = None if camera is not None else self._film(one.given)
        words = Words(reading.sound, None, False)
        asked = ClipAsk(camera, None, self._end_s, reading.fps, False, reading.landmarks, self.use, words)
        given = Given(self.engines, None, halt, expressions=reading.expressions, body=reading.body)
        apart(partial(run_clip, source, asked, given, on_event))

    def _film(self, given: Any) -> Clip:
        """Return an opened film.

        Raises:
            DataError: It is a folder of photos that have nothing to do with each other.
            ClipFormatError: It is a single picture, and the scenario takes films.
        """
        fps = self.preset.reading.fps
        film = given if isinstance(given, Clip) else open_clip(given, end_s=self._end_s, fps=fps, roots=self._roots)
        takes_photos = "photo" in self.preset.takes
        refused: FerceError | None = None
        if self._roots is not None and film.info.kind == "pictures" and takes_photos:
            refused = DataError("A folder of photos is not read here.", hint="Name the photos themselves.")
        if film.info.frames == 1 and not takes_photos:
            refused = ClipFormatError(
                f"A single picture is no film, and the scenario {self.preset.name} needs one.", hint="Give a film."
            )
        if refused is not None:
            film.close()
            raise refused
        return film

    def _photo(self, number: int, given: Any, tell: Tell) -> None:
        picture = given if self._roots is None else load_picture(given, roots=self._roots)
        report = apart(partial(analyze_expression, picture, use_context=self.use, engines=self.engines))
        self._note_engines(report.provenance)
        self._take(partial(self._study.photo, number, report), tell)

    def _session(self, number: int, given: Any, tell: Tell) -> None:
        found = session_of(given, kept=self._roots is None)
        if isinstance(found, SessionReport):  # one that is given may be older than the consent, or another reader's
            permitted(self.use, found.consent, own=self.engines.use)
        report = found if isinstance(found, SessionReport) else found.report(use=self.use, own=self.engines.use)
        self._used.update(dict.fromkeys(report.engines))
        self._take(partial(self._study.session, number, report), tell)

    def _take(self, work: Callable[[], list[ScenarioEvent]], tell: Tell) -> None:
        """Pass on what the study tells; an error of its own is none of the source, and ends the run."""
        try:
            told = work()
        except FerceError as error:
            self._own = error
            raise
        for event in told:
            tell(event)

    def _progress(self, number: int, time_s: float, of_s: float | None) -> ScenarioProgressEvent:
        return ScenarioProgressEvent(source=number, of_sources=len(self.sources), time_s=time_s, of_s=of_s)

    def _note_engines(self, made: Provenance) -> None:
        found = (made.detector, made.gates, made.specialist, made.adapter)
        self._used.update(dict.fromkeys(one for one in found if one is not None))

    def _nothing(self) -> FerceError:
        """Return the error of a run of which no source could be read."""
        errors = list(self._failed.values())
        if len(errors) == 1:
            return errors[0]
        return DataError(
            f"None of the {len(errors)} sources could be read. The first: {errors[0].message}", hint=errors[0].hint
        )

    def _read_in_part(self, *, apart: bool) -> Iterator[ScenarioDegradation]:
        """Yield which films were read in part; only how many, where single sources may not be told apart."""
        for code, numbers in self._parts.items():
            for number in numbers if apart else numbers[:1]:
                yield ScenarioDegradation(
                    code=code,
                    message="It was read in part only; nothing is said of the rest.",
                    source=number if apart else None,
                    count=None if apart else len(numbers),
                )

    def _left_out(self, read: int) -> Iterator[ScenarioDegradation]:
        """Yield how many sources were not reached."""
        if left := len(self.sources) - read - len(self._failed):
            message = f"The run was stopped; {left} sources were not read."
            yield ScenarioDegradation(code="stopped_early", message=message, count=left)

    def _report(self, found: Findings, notes: Sequence[ScenarioDegradation]) -> ScenarioReport:
        limits = {name: one.value for name, one in self.preset.limits.items()}
        options = {name: _flat(value) for name, value in self._options}
        try:
            return ScenarioReport(
                scenario=self.preset.name,
                title=self.preset.title,
                summary=found.summary,
                is_not=self.preset.is_not,
                sources=found.sources,
                indicators=found.indicators,
                alerts=found.alerts,
                curves=found.curves,
                peaks=found.peaks,
                settings={**limits, **options},
                policy=self.decision.policy,
                package=package(),
                created_at=datetime.now(UTC),
                engines=tuple(self._used),
                degraded=(*found.degraded, *notes),
            )
        except ValidationError as error:
            raise EngineError(
                f"What the scenario {self.preset.name} found does not hold together.",
                hint="This is a bug; please tell the maintainers.",
            ) from error


def stated(preset: Preset, use: UseLike | None, observer: Observer | None) -> UseContext:
    """Return what a run is used for: what the caller says, and the preset's own use where the caller says nothing.

    Raises:
        SettingsError: It cannot be read, or names two observers.
    """
    said = read_use(use)
    if observer is not None:
        if said.observer not in (None, observer):
            raise SettingsError("Two different observers are given.", hint="Say who reads the report once.")
        said = read_use({**said.model_dump(exclude_unset=True), "observer": observer})
    return preset.used_for(said)


def apart(work: Callable[[], Any]) -> Any:
    """Do some work as if no graph were around: what it tells of single people is not passed on to that graph.

    It stays in this thread, so that Ctrl-C is heard.
    """
    around = contextvars.copy_context()
    around.run(var_child_runnable_config.set, None)
    return around.run(work)


def from_here(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a listener that is always called as if from here: a graph's writer finds its run by that."""
    here = contextvars.copy_context()
    return lambda event: here.run(tell, event)


def _fields(options: object) -> dict[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise SettingsError(f"The options must be fields by name, not {value_of(options)}.")
    return dict(options)


def _flat(value: Any) -> float | str | None:
    """Return an option as a report holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        numbers = all(isinstance(one, int | float) for one in value)
        few = numbers and 0 < len(value) <= LONG_LIST
        return ", ".join(f"{one:g}" for one in value) if few else f"{len(value)} entries"
    return value if value is None or isinstance(value, int | float) else str(value)


def _length(event: ProgressEvent) -> float | None:
    """Return how long a film is, about."""
    if event.of is None or not event.frames:
        return None
    return round(event.time_s * event.of / event.frames, 2)
