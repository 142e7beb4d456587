"""`ferce session`: readings of one person over days, kept sealed on this machine, with the person's consent."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ferce_agent.cli.groups import STOPPED, Group
from ferce_agent.cli.options import FILE, engine_options, use_options
from ferce_agent.cli.output import echo_json, encoding_of, hanging, terminal_width, wants_colour
from ferce_agent.cli.targets import check_files
from ferce_agent.errors import SettingsError

if TYPE_CHECKING:
    from ferce_agent.report.session import ConsentRecord
    from ferce_agent.sessions.store import Session

NAME: Final = click.argument("name")
DAY: Final = click.DateTime(["%Y-%m-%d"])
ENTRY_KINDS: Final = ("photo", "clip", "voice", "chat")
READERS: Final = ("self", "clinician")


def consent_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of what the person agrees to, except what for."""
    options = (
        click.option(
            "--reader", "readers", multiple=True, type=click.Choice(READERS), help="Who may read it. Repeatable."
        ),
        click.option(
            "--kind", "kinds", multiple=True, type=click.Choice(ENTRY_KINDS), help="What may be kept. Repeatable."
        ),
        click.option(
            "--keep-days", type=click.IntRange(1, 3660), metavar="N", help="After so many days a reading is deleted."
        ),
        click.option("--until", type=DAY, metavar="DAY", help="Last day on which readings may be added: 2026-12-31."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(name="session", cls=Group)
def session() -> None:
    """Follow one person over days: readings in a sealed local store, compared with the person's own past only.

    Nothing is kept before the person agreed. Kept are numbers with their times, never a picture, a sound or a word.
    What somebody shows over weeks is no measure of an illness.
    """


@session.command()
@click.argument("name", required=False)
@click.option("--purpose", required=True, metavar="WORDS", help="What the person agrees to it for, in own words.")
@consent_options
def new(  # noqa: PLR0913  # one parameter per option
    name: str | None,
    purpose: str,
    readers: tuple[str, ...],
    kinds: tuple[str, ...],
    keep_days: int | None,
    until: datetime | None,
) -> None:
    """Begin a session with what the person agreed to.

    NAME is one that the person chooses, in small letters; a random one if left out. Without further options all kinds
    of readings may be kept for 365 days, and only the person may read them.
    """
    from ferce_agent.sessions.store import Session

    made = Session.new(
        name,
        purpose=purpose,
        readers=readers or ("self",),
        kinds=kinds or ENTRY_KINDS,
        keep_days=keep_days or 365,
        until=_day(until),
    )
    click.echo(f"Session {made.name}")
    _print_consent(made.consent)
    click.echo("\n".join(hanging("Sealed", _sealing(made), terminal_width(100), 10)))


def _sealing(opened: Session) -> str:
    from ferce_agent.keeping.places import kept_folder

    if opened.sealed_with == "passphrase":
        return f"with the passphrase in FERCE_PASSPHRASE, in {kept_folder()}. If it is lost, so is the session."
    return (
        f"with a key file, in {kept_folder()}. That protects copies of the session, and not against who can read the "
        "whole folder. A passphrase does: set FERCE_PASSPHRASE before you begin one."
    )


@session.command()
@NAME
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--at",
    metavar="TIME",
    help="When it was taken: 2026-03-04T18:30, with +01:00 behind it if not in this machine's time zone; taken, for "
    "what each photo or film says itself; or modified, for when each file was last changed.  [default: now]",
)
@click.option("--kind", type=click.Choice(ENTRY_KINDS), help="What it is.  [default: found out]")
@click.option("--whose", metavar="ID", help="Which face or speaker is the person, where there are several: person-1.")
@click.option("--transcript", type=FILE, help="What is said in it; its words are read and not kept.")
@click.option(
    "--baseline", "against", metavar="NAME|FILE",
    help="Read it against the person's baseline: its name, or a file (me.json).",
)  # fmt: skip
@use_options
@engine_options
def add(  # noqa: PLR0913  # one parameter per option
    name: str,
    sources: tuple[str, ...],
    at: str | None,
    kind: Any,
    whose: str | None,
    transcript: Path | None,
    against: str | None,
    use: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Read SOURCEs of the person and keep what they tell: numbers with their times.

    SOURCE is a photo, a film, a voice message, a JSON file with a report of one, or a text or JSON file with a chat:
    the person's own messages, one a line, or a list of messages with role and content; or a folder of these. What is
    kept already is not read again.

    Exit status: 0 all was kept, now or before, 1 something was not (standard error says which), 2 the command line
    makes no sense, 130 stopped with Ctrl-C; what was read by then is kept.
    """
    from ferce_agent.cli.session_adding import Asked, add_sources

    failed, stopped = add_sources(name, sources, Asked(at, kind, whose, transcript, against, use, chosen))
    if stopped:
        click.get_current_context().exit(STOPPED)
    if failed:
        sys.exit(1)


@session.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the sessions that are kept; none is opened."""
    from ferce_agent.sessions.store import list_sessions

    found = list_sessions()
    if as_json:
        echo_json([{"name": one.name, "changed_at": one.changed_at.isoformat(), "bytes": one.bytes} for one in found])
        return
    if not found:
        click.echo("No session is kept. Make one: ferce session new NAME --purpose WORDS", err=True)
    for one in found:
        click.echo(f"{one.name:40} last changed {one.changed_at.astimezone():%Y-%m-%d %H:%M} {one.bytes:>12,} bytes")


@session.command()
@NAME
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every number.")
@use_options
def show(name: str, as_json: bool, use: dict[str, Any]) -> None:
    """Show what is kept: the consent, and each reading with what could be read in it."""
    from ferce_agent.cli.session_adding import told

    opened = _opened(name, use)
    entries = opened.entries()
    if as_json:
        held = {"person": opened.name, "consent": opened.consent.model_dump(mode="json")}
        echo_json({**held, "entries": [one.model_dump(mode="json") for one in entries]})
        return
    click.echo(f"Session {opened.name}: {len(entries)} reading{'s' * (len(entries) != 1)}")
    _print_consent(opened.consent)
    for one in entries:
        click.echo("\n".join(hanging(f"{one.at:%Y-%m-%d %H:%M}  {one.kind:6} ", told(one), terminal_width(100), 25)))


@session.command()
@NAME
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--save", "outputs", type=FILE, multiple=True, metavar="FILE",
    help="Also write it to this file, as its ending says: .html, .json, .txt, .csv or .parquet. Repeatable.",
)  # fmt: skip
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day.  [default: of the first reading]")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Last day.  [default: of the last reading]")
@click.option("--full", is_flag=True, help="Print every measure with all its weeks.")
@click.option("--color/--no-color", "colour", default=None, help="Colours or none.  [default: on terminals]")
@use_options
def report(  # noqa: PLR0913  # one parameter per option
    name: str,
    as_json: bool,
    outputs: tuple[Path, ...],
    from_day: datetime | None,
    to_day: datetime | None,
    full: bool,
    colour: bool | None,
    use: dict[str, Any],
) -> None:
    """Say what the readings show: weeks, changes, hours and weekdays, and what is missing.

    Everything is compared with the person's own past. What is older than the person allowed is deleted first.
    """
    from ferce_agent.views.saving import session_endings

    for output in outputs:
        if output.suffix.lower() not in session_endings():
            raise click.UsageError(f"--save {output} must end with {', '.join(session_endings())}.")
    check_files(outputs, [])
    opened = _opened(name, use)
    made = opened.report(use=use, from_day=_day(from_day), to_day=_day(to_day))
    with _private():
        for output in outputs:
            made.save(output)
    if as_json:
        echo_json(made.model_dump(mode="json"))
        return
    from ferce_agent.views.session_text import session_text

    coloured = wants_colour(sys.stdout) if colour is None else colour
    text = session_text(made, terminal_width(100), coloured, full=full, encoding=encoding_of(sys.stdout))
    click.echo(text, color=coloured, nl=False)


@session.command()
@NAME
@click.option("--save", "output", type=FILE, required=True, metavar="FILE", help="The page, FILE.html.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="The last week that is over on this day.  [default: the "
              "newest with a reading]")  # fmt: skip
@use_options
def week(name: str, output: Path, to_day: datetime | None, use: dict[str, Any]) -> None:
    """Write a plain page of a week, Monday to Sunday: what was read, and what differs from the person's own past.

    For the person, and with consent a therapist or physician. Where there were words of distress it says first where
    help is to be found.
    """
    from ferce_agent.sessions.trends import week_of_readings
    from ferce_agent.views.weekly_page import ENDINGS as PAGES
    from ferce_agent.views.weekly_page import save_week

    if output.suffix.lower() not in PAGES:
        raise click.UsageError(f"--save {output} must end with {', '.join(PAGES)}.")
    check_files([output], [])
    opened = _opened(name, use)
    last = _day(to_day) or week_of_readings(opened.entries(), datetime.now().astimezone().date())
    with _private():
        save_week(opened.report(use=use, to_day=last), output)
    click.echo(f"Written: {output}. It is not sealed: whoever gets it can read it.")


@session.command()
@NAME
@click.argument("file", type=FILE)
@use_options
def export(name: str, file: Path, use: dict[str, Any]) -> None:
    """Write the readings to FILE: .json with the consent, .csv or .parquet with a row for each. It is not sealed."""
    from ferce_agent.views.session_export import ENDINGS as FORMATS

    if file.suffix.lower() not in FORMATS:
        raise click.UsageError(f"{file} must end with {', '.join(FORMATS)}.")
    check_files([file], [])
    opened = _opened(name, use)
    opened.export(file, use=use)
    click.echo(f"Written: {file}. It is not sealed: whoever gets it can read it.")


@session.command()
@NAME
@click.option("--purpose", metavar="WORDS", help="What the person agrees to it for.")
@consent_options
@click.option("--no-end", is_flag=True, help="Readings may be added without end.")
@click.option("--renew", is_flag=True, help="The person agrees anew, to the same; also after it was withdrawn.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def consent(  # noqa: PLR0913  # one parameter per option
    name: str,
    purpose: str | None,
    readers: tuple[str, ...],
    kinds: tuple[str, ...],
    keep_days: int | None,
    until: datetime | None,
    no_end: bool,
    renew: bool,
    as_json: bool,
) -> None:
    """Show what the person agreed to; with options, record a new consent. What is left out stays as it was."""
    from ferce_agent.sessions.store import Session

    opened = Session(name)
    found = opened.consent
    if renew or no_end or any(one is not None and one != () for one in (purpose, readers, kinds, keep_days, until)):
        found = opened.agree(
            purpose=purpose,
            readers=readers or None,
            kinds=kinds or None,
            keep_days=keep_days,
            until=_day(until),
            no_end=no_end,
        )
    if as_json:
        echo_json(found.model_dump(mode="json"))
    else:
        _print_consent(found)


@session.command()
@NAME
def withdraw(name: str) -> None:
    """Record that the person withdrew consent: nothing is added or shown any more, until it is given anew."""
    from ferce_agent.sessions.store import Session

    opened = Session(name)
    opened.withdraw()
    click.echo(
        f"Consent is withdrawn: nothing is added or shown any more. The readings are still there, sealed; delete them: "
        f"ferce session delete {opened.name}"
    )


@session.command()
@NAME
@click.argument("entries", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, entries: tuple[str, ...], yes: bool) -> None:
    """Delete single readings by the ids that `show` tells."""
    from ferce_agent.sessions.store import Session

    opened = Session(name)
    _ask(f"Delete {len(entries)} of the readings of {opened.name}?", yes)
    for one in entries:
        opened.remove(one)
    click.echo(f"Deleted: {len(entries)}")


@session.command()
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--keys", is_flag=True,
    help="Also delete the key, when nothing else is kept: copies of the file in backups cannot be opened then.",
)  # fmt: skip
def delete(name: str, yes: bool, keys: bool) -> None:
    """Delete a session with everything in it; it need not be opened, so a lost passphrase is in no way of it."""
    from ferce_agent.keeping.sealed import delete_keys
    from ferce_agent.sessions.files import checked_name
    from ferce_agent.sessions.store import delete_session

    _ask(f"Delete the session {checked_name(name)} with all its readings?", yes)
    delete_session(name)
    click.echo(f"Deleted: {checked_name(name)}")
    if keys:
        delete_keys()
        click.echo("Deleted: the keys")


def _ask(question: str, yes: bool) -> None:
    """Ask before something is deleted.

    Raises:
        UsageError: Nobody is there who could answer.
        Abort: The answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to ask; say --yes.")
    click.confirm(question, abort=True)


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """Let new files be readable by this account only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _opened(name: str, use: dict[str, Any]) -> Session:
    """Return a session that may be shown.

    Raises:
        PolicyError: The rules or the consent refuse it.
    """
    from ferce_agent.sessions.reporting import permitted
    from ferce_agent.sessions.store import Session

    if use.get("observer") is None:
        raise SettingsError("Who reads this is not said.", hint="Say --observer self, or --observer clinician.")
    opened = Session(name)
    permitted(use, opened.consent)
    return opened


def _print_consent(consent: ConsentRecord) -> None:
    from ferce_agent.report.session_wording import consent_words, day_words

    lines = consent_words(consent)
    if consent.withdrawn_at is not None:
        lines.append(f"Withdrawn on {day_words(consent.withdrawn_at.date())}: nothing is added or shown any more.")
    for index, text in enumerate(lines):
        click.echo("\n".join(hanging("Consent" if index == 0 else "", text, terminal_width(100), 10)))


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
