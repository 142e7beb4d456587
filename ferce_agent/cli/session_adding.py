"""How `ferce session add` reads: when something was taken, the bar, and what is told of each source."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.options import chosen_settings
from ferce_agent.cli.output import complain, shown
from ferce_agent.cli.targets import stem_of
from ferce_agent.cli.watching import SHORT_S, stopping
from ferce_agent.errors import FerceError, InputError, PolicyError, SettingsError, SetupError

if TYPE_CHECKING:
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.report.clip_events import ClipEvent
    from ferce_agent.report.session import Entry
    from ferce_agent.report.speech_events import SpeechEvent
    from ferce_agent.sessions.store import Added, Session
    from ferce_agent.views.progress import Display

MODIFIED: Final = "modified"
"""What stands for the time at which a file was last changed."""
TAKEN: Final = "taken"
"""What stands for the time that a photo or film itself tells."""
EXIF: Final = 0x8769
TAKEN_TAG: Final = 0x9003
"""DateTimeOriginal."""
OFFSET_TAG: Final = 0x9011
"""OffsetTimeOriginal."""
OF_ALL: Final = (PolicyError, SettingsError, SetupError)
"""Errors that would come again with the next source."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said of every source.

    Attributes:
        at: When it was taken, as given on the command line.
        kind: What it is; None to find out.
        whose: Which face or speaker is the person.
        transcript: File with what is said.
        baseline: Name or file of the person's baseline.
        use: What the session is used for.
        chosen: Settings of the command line.
    """

    at: str | None
    kind: Any
    whose: str | None
    transcript: Path | None
    baseline: str | None
    use: dict[str, Any]
    chosen: dict[str, Any]


def add_sources(name: str, sources: Sequence[str], asked: Asked) -> tuple[int, bool]:
    """Read sources into a session and say what became of each.

    Returns:
        How many could not be kept, and whether Ctrl-C ended it.

    Raises:
        FerceError: Something is wrong that concerns all sources, or the only one.
    """
    from ferce_agent.graphs.engines import Engines
    from ferce_agent.report.session_wording import HELP
    from ferce_agent.sessions.store import Session

    told = {None: lambda _: None, MODIFIED: changed_at, TAKEN: taken_at}
    fixed = None if asked.at in told else time_of(str(asked.at))
    sources, failed = unfolded_all(sources)
    session, engines = Session(name), Engines(chosen_settings(asked.chosen))
    with stopping() as stop, ExitStack() as stack:
        bar = Bar(stack, len(sources))
        for number, source in enumerate(sources):
            bar.begin(number, source)
            try:
                at = fixed or told[asked.at](source)
                added = _added(session, source, at, asked, engines, bar, stop)
            except FerceError as error:
                if len(sources) + failed == 1 or isinstance(error, OF_ALL):
                    raise
                failed += 1
                with bar.pause():
                    complain(error, source)
                continue
            if stop.is_set():
                break
            with bar.pause():
                click.echo(f"{shown(source)}: {outcome(added, session)}")
                if any(one.distress != "none" for one in added.entries):
                    click.echo(f"ferce: {shown(source)}: words of distress. {HELP}", err=True)
    if stop.is_set():
        click.echo("ferce: stopped; what was being read is not kept.", err=True)
    return failed, stop.is_set()


def _added(  # noqa: PLR0913  # one parameter per part of the work
    session: Session,
    source: str,
    at: datetime | None,
    asked: Asked,
    engines: Engines,
    bar: Bar,
    stop: threading.Event,
) -> Added:
    from ferce_agent.graphs.session_runs import add_to_session

    return add_to_session(
        session,
        source,
        at,
        kind=asked.kind,
        whose=asked.whose,
        transcript=asked.transcript,
        baseline=asked.baseline,
        use_context=asked.use,
        engines=engines,
        on_event=bar,
        stop=stop,
    )


def outcome(added: Added, session: Session) -> str:
    """Return what became of a source, in words."""
    if added.entries:
        one = added.entries[0]
        return f"{one.kind} of {one.at:%Y-%m-%d %H:%M %z} kept; {told(one)}"
    if added.too_old:
        return f"not kept, as it is older than {session.consent.keep_days} days"
    return "kept already"


def told(entry: Entry) -> str:
    """Return what a reading holds, in words."""
    parts = [f"{len(entry.measures)} measure{'s' * (len(entry.measures) != 1)}"]
    parts += [f"{entry.seconds:.1f} s"] * bool(entry.seconds)
    parts += [f"missing: {', '.join(entry.withheld).replace('_', ' ')}"] * bool(entry.withheld)
    parts += ["words of distress"] * (entry.distress != "none")
    return f"{'; '.join(parts)}  {entry.id}"


def unfolded_all(sources: Sequence[str]) -> tuple[list[str], int]:
    """Return the sources with the files of folders one by one, and how many folders gave none; that is told of each.

    Raises:
        InputError: The only source is a folder that gives none.
    """
    found: list[str] = []
    failed = 0
    for source in sources:
        try:
            found += unfolded(source)
        except InputError as error:
            if len(sources) == 1:
                raise
            failed += 1
            complain(error)
    return found, failed


def unfolded(source: str) -> list[str]:
    """Return a source, or the files of a folder by name.

    Raises:
        InputError: The folder holds no file, or cannot be read.
    """
    try:
        folder = Path(source)
        if source[:5].lower() == "data:" or not folder.is_dir():
            return [source]
        found = sorted(str(one) for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    except ValueError:  # whatever opens it says what is wrong with it
        return [source]
    except OSError as error:
        raise InputError(f"The folder {shown(source)} cannot be read.", hint="Check its permissions.") from error
    if not found:
        raise InputError(f"The folder {shown(source)} holds no file.", hint="Give photos, films, sounds or chats.")
    return found


def time_of(text: str) -> datetime:
    """Return a time of the command line with its offset from UTC: the one given, or that of this machine then.

    Raises:
        InputError: It is none, or a day without an hour.
    """
    hint = "Write it as 2026-03-04T18:30, or 2026-03-04T18:30+01:00."
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(f"--at {text} is no time.", hint=hint) from error
    if len(text.strip()) <= len("2026-03-04"):
        raise InputError(f"--at {text} has no hour, which counts, too.", hint=hint)
    try:
        return found if found.tzinfo is not None else found.astimezone()
    except (OverflowError, OSError, ValueError) as error:  # before or after all that a clock knows
        raise InputError(f"--at {text} is no time.", hint=hint) from error


def changed_at(source: str) -> datetime:
    """Return when a file was last changed, with this machine's offset from UTC.

    Raises:
        InputError: It is not there.
    """
    try:
        return datetime.fromtimestamp(Path(source).expanduser().stat().st_mtime).astimezone()
    except (OSError, ValueError, RuntimeError, OverflowError) as error:
        raise InputError(
            f"When {shown(source)} was changed cannot be told.", hint="Give its time: --at TIME"
        ) from error


def taken_at(source: str) -> datetime:
    """Return when a photo or film says that it was taken; without an offset of its own that of this machine then.

    Raises:
        InputError: It does not say.
    """
    said = exif_time(Path(source)) or film_time(Path(source))
    if said is None:
        raise InputError(f"{shown(source)} does not say when it was taken.", hint="Give its time: --at TIME")
    return said


def exif_time(file: Path) -> datetime | None:
    """Return the time in a photo's EXIF data; None where it has none that can be read."""
    from PIL import Image

    try:
        with Image.open(file.expanduser()) as photo:
            told = photo.getexif().get_ifd(EXIF)
        text, offset = str(told[TAKEN_TAG]).strip("\0 "), str(told.get(OFFSET_TAG, "")).strip("\0 ")
        found = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
        return datetime.fromisoformat(f"{found.isoformat()}{offset}") if offset else found.astimezone()
    except Exception:  # no photo, damaged, or without that time: then it does not say
        return None


def film_time(file: Path) -> datetime | None:
    """Return the time in a film's or sound's own data, which is in UTC, as this machine's; None where it has none."""
    import av

    try:
        with av.open(str(file.expanduser())) as opened:
            text = opened.metadata["creation_time"]
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    except Exception:  # no film, damaged, or without that time: then it does not say
        return None


class Bar:
    """A progress bar on standard error for work that takes longer than two seconds."""

    def __init__(self, stack: ExitStack, total: int) -> None:
        """Begin to measure the time.

        Args:
            stack: Takes the bar away at its end.
            total: How many sources there are.
        """
        self._stack, self._total, self._began = stack, total, time.monotonic()
        self._number, self._name = 0, ""
        self._display: Display | None = None

    def begin(self, number: int, source: str) -> None:
        """Go on to a source."""
        self._number, self._name = number, stem_of(source)
        self._move(0.0)

    def __call__(self, event: ClipEvent | SpeechEvent) -> None:
        """Take an event of a reading; those that tell of progress move the bar."""
        if event.event == "progress":
            whole = getattr(event, "of", None) or getattr(event, "of_s", None)
            done = event.frames if hasattr(event, "frames") else event.time_s
            self._move(min(done / whole, 1.0) if whole else 0.0)

    def pause(self) -> Any:
        """Take the bar away while something is printed."""
        import contextlib

        return contextlib.nullcontext() if self._display is None else self._display.hidden()

    def _move(self, share: float) -> None:
        if self._display is None:
            if time.monotonic() - self._began < SHORT_S:
                return
            from ferce_agent.views.progress import Display

            self._display = self._stack.enter_context(Display(self._total, "Reading"))
        self._display.show(self._number + share, f"Reading {self._name}")
