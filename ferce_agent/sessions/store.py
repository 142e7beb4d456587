"""A person's session, kept: one SQLite file that only the account may read, whose contents are sealed.

Each row is a sealed entry; what lies open is the name of the session, how many rows there are and how long they are.
Nothing is kept before there is a consent record. What is older than the person allowed is deleted whenever the session
is opened, added to or read. Deleted rows are overwritten (``secure_delete``), and no write-ahead log is left behind.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ferce_agent.errors import DataError, PolicyError, SettingsError
from ferce_agent.keeping.files import overwrite, remove
from ferce_agent.keeping.places import kept_folder, private_folder
from ferce_agent.keeping.sealed import Seal, SealKind, seal_of
from ferce_agent.policy.use import NOT_STATED, UseContext, UseLike
from ferce_agent.report.session import ConsentRecord, Entry, EntryKind, SessionDegradation, SessionReport
from ferce_agent.sessions.admission import check_allowed, check_past, consent_of, too_old, without_doubles
from ferce_agent.sessions.entries import Report, chat_entry, entry_of
from ferce_agent.sessions.files import BESIDE, FOLDER, PREFIX, SUFFIX, TABLES, checked_name, claim, connected, file_of
from ferce_agent.sessions.reporting import permitted, session_report
from ferce_agent.validation.fields import shown

Kind = TypeVar("Kind", bound=BaseModel)
MAKE: Final = "Make one: ferce session new NAME --purpose WORDS, or Session.new(name, purpose=...)"


class About(BaseModel):
    """What is kept of a session beside its entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    consent: ConsentRecord
    deleted: int = 0
    """Readings that were deleted as they were too old."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of entries that were to be added.

    Attributes:
        added: How many were.
        doubles: How many were there already: the same file, or the same entry.
        too_old: How many were not kept as they are older than the person allows.
        deleted: How many older ones were deleted as they were too old.
        entries: Those that were added.
    """

    added: int
    doubles: int
    too_old: int
    deleted: int
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session that is kept, as it can be told without opening it.

    Attributes:
        name: Its name.
        changed_at: When its file was last written, in UTC.
        bytes: Size of its file.
    """

    name: str
    changed_at: datetime
    bytes: int


class Session:
    """A person's session on this machine. Each call opens and closes the file, so any thread or process may call.

    Attributes:
        name: The name that the person chose.
    """

    def __init__(self, name: str, *, folder: Path | None = None, now: datetime | None = None) -> None:
        """Open a session that is kept, and delete what is older than the person allowed.

        Args:
            name: Its name.
            folder: Where it is kept; the usual place if left out.
            now: The time; the clock's if left out.

        Raises:
            DataError: There is none of this name, it cannot be opened with the key at hand, or is damaged.
            SettingsError: The name is none, or the passphrase is wrong.
        """
        self.name = checked_name(name)
        self._place = kept_folder() if folder is None else folder
        self._file = file_of(self.name, self._place)
        if not self._file.is_file():
            raise missing(name)
        self._seal: Seal = seal_of(self._place, make=False)
        self.purge(now=now)

    @classmethod
    def new(  # noqa: PLR0913  # one parameter per field of the consent
        cls,
        name: str | None = None,
        *,
        purpose: str,
        readers: Sequence[str] = ("self",),
        kinds: Sequence[str] = ("photo", "clip", "voice", "chat"),
        keep_days: int = 365,
        until: date | None = None,
        folder: Path | None = None,
        now: datetime | None = None,
    ) -> Session:
        """Begin a session with what the person agreed to.

        Args:
            name: A name that the person chose; a random one if left out.
            purpose: What for, in the person's words.
            readers: Who may read it: ``self``, ``clinician``.
            kinds: What may be kept.
            keep_days: After so many days a reading is deleted.
            until: Last day on which readings may be added.
            folder: Where to keep it; the usual place if left out.
            now: Time of the consent; the clock's if left out.

        Raises:
            SettingsError: The name is none or taken, or a field of the consent cannot be used.
        """
        name = checked_name(name if name is not None else f"person-{secrets.token_hex(3)}")
        consent = consent_of(
            given_at=now or datetime.now(UTC),
            purpose=purpose,
            readers=tuple(readers),
            kinds=tuple(kinds),
            keep_days=keep_days,
            until=until,
        )
        place = kept_folder() if folder is None else folder
        seal = seal_of(place)
        file = file_of(name, place)
        private_folder(file.parent)
        claim(file, name)
        try:
            with connected(file) as database:
                for table in TABLES:
                    database.execute(table)
                _write_about(database, seal, About(name=name, consent=consent))
        except BaseException:
            remove(file)
            raise
        return cls(name, folder=place, now=now)

    @classmethod
    async def aopen(cls, name: str, *, folder: Path | None = None) -> Session:
        """Open a session that is kept without blocking the event loop: a passphrase alone takes a third of a second."""
        return await asyncio.to_thread(cls, name, folder=folder)

    @property
    def consent(self) -> ConsentRecord:
        """What the person agreed to."""
        with connected(self._file) as database:
            return self._about(database).consent

    def entries(self, *, now: datetime | None = None) -> tuple[Entry, ...]:
        """Return the readings by time; what is older than the person allowed is deleted first.

        Args:
            now: The time; the clock's if left out.

        Raises:
            PolicyError: The consent was withdrawn.
        """
        with connected(self._file) as database:
            self._check_given(self._about(database).consent)
            self._purge(database, now or datetime.now(UTC))
            return tuple(sorted((one for _, one in self._rows(database)), key=lambda one: (one.at, one.id)))

    def check_may_add(self, kind: EntryKind, at: datetime | None = None, *, now: datetime | None = None) -> None:
        """Check, before the work of reading something, that it may be kept.

        Args:
            kind: What it is.
            at: When it was taken; now if left out.
            now: The time; the clock's if left out.

        Raises:
            PolicyError: The consent was withdrawn, has ended, or does not cover this kind of reading.
            InputError: It is of a time to come, or does not say in which time zone.
        """
        moment = now or datetime.now(UTC)
        check_past([at or moment], moment)
        with connected(self._file) as database:
            check_allowed(self._about(database).consent, {kind}, moment)

    def has_source(self, digest: str) -> bool:
        """Return whether a file is kept already, by its SHA-256 digest."""
        with connected(self._file) as database:
            return any(one.source == digest for _, one in self._rows(database))

    def add(self, entries: Entry | Iterable[Entry], *, now: datetime | None = None) -> Added:
        """Add readings; those of a file that is there already are left out.

        Args:
            entries: One or several.
            now: The time; the clock's if left out.

        Raises:
            PolicyError: The consent was withdrawn, has ended, or does not cover this kind of reading.
            InputError: One is of a time to come.
        """
        given = [entries] if isinstance(entries, Entry) else list(entries)
        moment = now or datetime.now(UTC)
        check_past([one.at for one in given], moment)
        with connected(self._file) as database:
            consent = self._about(database).consent
            check_allowed(consent, {one.kind for one in given}, moment)
            deleted = self._purge(database, moment)
            fresh = [one for one in given if not too_old(one, consent, moment)]
            chosen = without_doubles(fresh, [one for _, one in self._rows(database)])
            sealed = [(self._seal.close(one.model_dump_json().encode()),) for one in chosen]
            database.executemany("insert into entries (sealed) values (?)", sealed)
        return Added(len(chosen), len(fresh) - len(chosen), len(given) - len(fresh), deleted, tuple(chosen))

    def add_report(
        self,
        report: Report,
        at: datetime | None = None,
        *,
        whose: str | None = None,
        baseline: str | None = None,
        now: datetime | None = None,
    ) -> Added:
        """Add what a report tells of the person, see `ferce_agent.sessions.entries.entry_of`.

        Args:
            report: Of a photo, a clip or a voice message.
            at: When it was taken, with the person's offset from UTC; now, on this machine's clock, if left out.
            whose: Which face or speaker is the person, where there are several.
            baseline: Id of the personal baseline that it was read against; what the report says of the face counts
                first.
            now: The time; the clock's if left out.

        Raises:
            PolicyError: The consent was withdrawn, has ended, or does not cover this kind of reading.
            InputError: It cannot be told who of several is the person, or when it was.
        """
        entry = entry_of(report, at or now or datetime.now().astimezone(), whose=whose, baseline=baseline)
        return self.add(entry, now=now)

    def add_chat(self, texts: str | Iterable[str], at: datetime | None = None, *, now: datetime | None = None) -> Added:
        """Add what the person wrote; the words are read and not kept.

        Args:
            texts: The person's own messages, and nobody else's.
            at: When, with the person's offset from UTC; now, on this machine's clock, if left out.
            now: The time; the clock's if left out.

        Raises:
            PolicyError: The consent was withdrawn, has ended, or does not cover chats.
            InputError: Nothing was written, or it cannot be told when.
        """
        return self.add(chat_entry(texts, at or now or datetime.now().astimezone()), now=now)

    def remove(self, entry_id: str) -> None:
        """Delete one reading.

        Raises:
            DataError: There is none of this id.
        """
        with connected(self._file) as database:
            found = [row for row, one in self._rows(database) if one.id == entry_id]
            if not found:
                raise DataError(f"There is no reading {shown(entry_id)} in this session.")
            database.executemany("delete from entries where id = ?", [(row,) for row in found])

    def agree(  # noqa: PLR0913  # one parameter per field of the consent
        self,
        *,
        purpose: str | None = None,
        readers: Sequence[str] | None = None,
        kinds: Sequence[str] | None = None,
        keep_days: int | None = None,
        until: date | None = None,
        no_end: bool = False,
        now: datetime | None = None,
    ) -> ConsentRecord:
        """Record a new consent; what is left out stays as it was. One that was withdrawn is given anew.

        Args:
            purpose: What for, in the person's words.
            readers: Who may read it: ``self``, ``clinician``.
            kinds: What may be kept from now on; what is there already stays.
            keep_days: After so many days a reading is deleted; what is older now is deleted at once.
            until: Last day on which readings may be added.
            no_end: Readings may be added without end: there is no such day any more.
            now: Time of the consent; the clock's if left out.

        Raises:
            SettingsError: A field cannot be used, or both a last day and none are given.
        """
        if no_end and until is not None:
            raise SettingsError("A consent either ends or does not.", hint="Give until or no_end, not both.")
        moment = now or datetime.now(UTC)
        with connected(self._file) as database:
            about = self._about(database)
            told = about.consent.model_dump() | {"given_at": moment, "withdrawn_at": None}
            changed = {"purpose": purpose, "readers": readers, "kinds": kinds, "keep_days": keep_days, "until": until}
            told |= {key: value for key, value in changed.items() if value is not None}
            consent = consent_of(**(told | {"until": None} if no_end else told))
            _write_about(database, self._seal, about.model_copy(update={"consent": consent}))
            self._purge(database, moment)
        return consent

    def withdraw(self, *, now: datetime | None = None) -> ConsentRecord:
        """Record that the person withdrew consent: nothing is added or shown any more. `delete_session` deletes it."""
        with connected(self._file) as database:
            about = self._about(database)
            consent = about.consent.model_copy(update={"withdrawn_at": now or datetime.now(UTC)})
            _write_about(database, self._seal, about.model_copy(update={"consent": consent}))
        return consent

    @property
    def sealed_with(self) -> SealKind:
        """Where the key comes from that what is added now is sealed with: a file, or a passphrase."""
        return self._seal.kind

    def purge(self, *, now: datetime | None = None) -> int:
        """Delete what is older than the person allowed, and return how many readings that were."""
        with connected(self._file) as database:
            return self._purge(database, now or datetime.now(UTC))

    def report(
        self,
        *,
        use: UseLike | None = None,
        own: UseContext = NOT_STATED,
        from_day: date | None = None,
        to_day: date | None = None,
        now: datetime | None = None,
    ) -> SessionReport:
        """Return what the readings show, see `ferce_agent.sessions.reporting.session_report`.

        What is older than the person allowed is deleted first, and told.

        Raises:
            PolicyError: The rules or the consent refuse it.
            InputError: The last day is before the first.
        """
        with connected(self._file) as database:
            permitted(use, self._about(database).consent, own=own)
            self._purge(database, now or datetime.now(UTC))
            about = self._about(database)
            held = [one for _, one in self._rows(database)]
        notes = []
        if about.deleted:
            message = (
                f"{about.deleted} readings were deleted as they were older than {about.consent.keep_days} days, as the "
                "person wishes."
            )
            notes.append(SessionDegradation(code="retention_deleted", message=message, count=about.deleted))
        return session_report(
            held,
            about.consent,
            person=self.name,
            use=use,
            own=own,
            from_day=from_day,
            to_day=to_day,
            now=now,
            notes=notes,
        )

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        use: UseLike | None = None,
        own: UseContext = NOT_STATED,
        now: datetime | None = None,
    ) -> Path:
        """Write the readings to a file that is not sealed, see `ferce_agent.views.session_export.save_entries`.

        Args:
            path: File to write: ``.json`` with consent and readings, ``.csv`` or ``.parquet`` with a row for each.
            use: What for, and who reads it; as for `report`.
            own: What the operator of a server says of the use.
            now: The time; the clock's if left out.

        Returns:
            The file.

        Raises:
            PolicyError: The rules or the consent refuse it.
            SettingsError: The ending is not known, or the file cannot be written.
            MissingExtraError: It is to be Parquet, and pyarrow is not installed.
        """
        from ferce_agent.views.session_export import check_ending, save_entries

        file, consent = check_ending(path), self.consent
        permitted(use, consent, own=own)
        return save_entries(self.entries(now=now), consent, self.name, file)

    async def aadd_report(
        self, report: Report, at: datetime | None = None, *, whose: str | None = None, baseline: str | None = None
    ) -> Added:
        """Add what a report tells of the person without blocking the event loop; see `add_report`."""
        return await asyncio.to_thread(self.add_report, report, at, whose=whose, baseline=baseline)

    async def aadd_chat(self, texts: str | Iterable[str], at: datetime | None = None) -> Added:
        """Add what the person wrote without blocking the event loop; see `add_chat`."""
        return await asyncio.to_thread(self.add_chat, texts, at)

    async def areport(
        self,
        *,
        use: UseLike | None = None,
        own: UseContext = NOT_STATED,
        from_day: date | None = None,
        to_day: date | None = None,
    ) -> SessionReport:
        """Return what the readings show without blocking the event loop; see `report`."""
        return await asyncio.to_thread(self.report, use=use, own=own, from_day=from_day, to_day=to_day)

    def _check_given(self, consent: ConsentRecord) -> None:
        if consent.withdrawn_at is not None:
            raise PolicyError(
                "The person withdrew consent, so nothing is shown.", hint="Delete it: ferce session delete NAME."
            )

    def _about(self, database: sqlite3.Connection) -> About:
        row = database.execute("select sealed from about").fetchone()
        if row is None:
            raise DataError(f"The session {self.name} is damaged: it has no consent.", hint="Delete it.")
        return self._opened(About, row[0])

    def _rows(self, database: sqlite3.Connection) -> list[tuple[int, Entry]]:
        found = database.execute("select id, sealed from entries order by id").fetchall()
        return [(row, self._opened(Entry, sealed)) for row, sealed in found]

    def _opened(self, kind: type[Kind], sealed: bytes) -> Kind:
        what = f"The session {self.name}"
        try:
            return kind.model_validate_json(self._seal.open(sealed))
        except DataError as error:
            raise DataError(f"{what} cannot be opened. {error.message}", hint=error.hint) from error
        except ValidationError as error:
            raise DataError(f"{what} is of another version, or damaged.", hint="Put it back from a backup.") from error

    def _purge(self, database: sqlite3.Connection, now: datetime) -> int:
        about = self._about(database)
        old = [row for row, one in self._rows(database) if too_old(one, about.consent, now)]
        if old:
            database.executemany("delete from entries where id = ?", [(row,) for row in old])
            _write_about(database, self._seal, about.model_copy(update={"deleted": about.deleted + len(old)}))
        return len(old)


def list_sessions(folder: Path | None = None) -> tuple[KeptSession, ...]:
    """Return the sessions that are kept, by name; nothing is opened, and no passphrase is needed.

    Raises:
        SettingsError: The folder cannot be read.
    """
    place = kept_folder() if folder is None else folder
    try:
        files = sorted((place / FOLDER).glob(f"{PREFIX}*{SUFFIX}"))
        return tuple(_told(file) for file in files if file.is_file())
    except OSError as error:
        raise SettingsError(f"What is kept cannot be listed: {error.strerror or error}.") from error


def delete_session(name: str, *, folder: Path | None = None) -> None:
    """Delete a session with everything in it. It need not be opened, so a lost passphrase is in no way of it.

    Raises:
        DataError: There is none of this name.
        SettingsError: The name is none, or the file cannot be deleted.
    """
    place = kept_folder() if folder is None else folder
    file = file_of(checked_name(name), place)
    overwrite(file)
    found = [remove(file), *(remove(file.with_name(file.name + ending)) for ending in BESIDE)]
    if not any(found):
        raise missing(name)


def missing(name: str) -> DataError:
    """Return the error of a name that no session has; it tells no others, which may be names of people."""
    return DataError(f"There is no session {shown(name)}.", hint=f"Those there are: ferce session list. {MAKE}.")


def _told(file: Path) -> KeptSession:
    about = file.stat()
    name = file.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    return KeptSession(name, datetime.fromtimestamp(about.st_mtime, UTC), about.st_size)


def _write_about(database: sqlite3.Connection, seal: Seal, about: About) -> None:
    sealed = seal.close(about.model_dump_json().encode())
    database.execute("insert or replace into about (id, sealed) values (1, ?)", (sealed,))
