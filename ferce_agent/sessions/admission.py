"""What may be added to a session: by the consent, by its time, and once only."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from ferce_agent.errors import InputError, PolicyError
from ferce_agent.report.session import ConsentRecord, Entry, EntryKind
from ferce_agent.sessions.entries import check_zone

AHEAD: Final = timedelta(minutes=10)
"""How far the clock of what took a reading may be ahead of this machine's."""
ASK: Final = "Ask the person for a new one, and record it: ferce session consent NAME --renew."


def consent_of(**fields: object) -> ConsentRecord:
    """Return a consent record.

    Raises:
        SettingsError: A field cannot be used.
    """
    try:
        return ConsentRecord.model_validate(fields)
    except ValidationError as error:
        from ferce_agent.validation.refusal import unusable

        raise unusable(error, "The consent", ConsentRecord) from error


def check_allowed(consent: ConsentRecord, given: Set[EntryKind], now: datetime) -> None:
    """Check that readings of some kinds may be added.

    Raises:
        PolicyError: The consent was withdrawn, has ended, or does not cover one of them.
    """
    if consent.withdrawn_at is not None:
        raise PolicyError("The person withdrew consent, so nothing is added.", hint=ASK)
    if consent.until is not None and now.date() > consent.until:
        raise PolicyError(f"The person's consent ended on {consent.until}.", hint=ASK)
    kinds = sorted(given - set(consent.kinds))
    if kinds:
        raise PolicyError(
            f"The person agreed to keep {', '.join(consent.kinds)}, and not {', '.join(kinds)}.",
            hint="Ask the person, and record it: ferce session consent NAME --kind KIND.",
        )


def check_past(times: Sequence[datetime], now: datetime) -> None:
    """Check that readings are not of a time to come: they would be kept longer than the person allowed.

    Raises:
        InputError: One of them is, or has no offset from UTC.
    """
    for at in times:
        check_zone(at)
    late = [at for at in times if at > now + AHEAD]
    if late:
        raise InputError(
            f"A reading cannot be of a time to come: {max(late):%Y-%m-%d %H:%M %z}.", hint="Check its time."
        )


def without_doubles(entries: Sequence[Entry], kept: Sequence[Entry]) -> list[Entry]:
    """Return the entries that are not kept yet: neither their id nor the file that they were read from."""
    names = {one.id for one in kept} | {one.source for one in kept}
    found = []
    for one in entries:
        if one.id in names or (one.source is not None and one.source in names):
            continue
        names |= {one.id, one.source}
        found.append(one)
    return found


def too_old(entry: Entry, consent: ConsentRecord, now: datetime) -> bool:
    """Return whether a reading is older than the person allows."""
    return entry.at < now - timedelta(days=consent.keep_days)
