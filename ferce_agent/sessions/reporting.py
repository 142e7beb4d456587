"""From the readings of a session to its report: what is there, what changed, what could not be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Final, get_args

from ferce_agent.errors import InputError, PolicyError
from ferce_agent.policy.decide import Decision, permit
from ferce_agent.policy.use import NOT_STATED, UseContext, UseLike, read_use
from ferce_agent.report.common import Engine
from ferce_agent.report.session import (
    ChangePoint,
    ConsentRecord,
    DayCount,
    Entry,
    EntryKind,
    Measure,
    SessionDegradation,
    SessionReport,
    Together,
    Trend,
)
from ferce_agent.report.session_wording import KIND_WORDS, MEASURE_WORDS, day_words, short_day
from ferce_agent.sessions.changes import changes_of
from ferce_agent.sessions.days import Comparable, DaySeries, comparable, day_series
from ferce_agent.sessions.rhythms import rhythms_of
from ferce_agent.sessions.trends import trends_of

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
KINDS: Final[tuple[EntryKind, ...]] = get_args(EntryKind)
LONG_GAP: Final = 7
"""Days without a reading from which on a gap is told. Own choice: a week."""
LONGEST: Final = 3660
"""Days that a report covers at most: ten years."""


@dataclass(frozen=True, slots=True)
class Series:
    """The readings by measure.

    Attributes:
        chosen: Those of each measure that can be compared.
        days: The same by day.
    """

    chosen: Mapping[Measure, Comparable]
    days: Mapping[Measure, DaySeries]


def session_report(  # noqa: PLR0913  # one parameter per thing that a caller may say
    entries: Iterable[Entry],
    consent: ConsentRecord,
    *,
    person: str = "someone",
    use: UseLike | None = None,
    own: UseContext = NOT_STATED,
    from_day: date | None = None,
    to_day: date | None = None,
    now: datetime | None = None,
    notes: Sequence[SessionDegradation] = (),
) -> SessionReport:
    """Return what a person's readings over days show, compared with the person's own past only.

    Args:
        entries: The readings, in any order.
        consent: What the person agreed to.
        person: A name that the person chose.
        use: What the report is used for. Who reads it must be said: ``observer`` is ``self`` or ``clinician``.
        own: What the operator of a server says of the use.
        from_day: First day; that of the first reading if left out.
        to_day: Last day; that of the last reading if left out. Weeks that are over by then are compared.
        now: Time of the report; the clock's if left out.
        notes: What could not be done before, e.g. readings that were deleted.

    Raises:
        PolicyError: The rules or the consent refuse it: a third party, work or education, consent withdrawn.
        InputError: The last day is before the first, or they are more than ten years apart.
    """
    decision = permitted(use, consent, own=own)
    held = sorted(entries, key=lambda one: (one.at, one.id))
    first, last = _period(held, from_day, to_day, now)
    held = [one for one in held if first <= one.at.date() <= last]
    series = _series(held)
    trends, together = trends_of(series.days, first, last)
    changes = changes_of(series.days)
    counts = Counter(one.at.date() for one in held)
    days = tuple(DayCount(day=day, readings=counts[day]) for day in _days(first, last))
    distress = sorted({one.at.date() for one in held if one.distress != "none"})
    return SessionReport(
        person=person,
        from_day=first,
        to_day=last,
        consent=consent,
        summary=_summary(held, days, (trends, together, changes), distress),
        counts=_counts(held),
        days=days,
        missing_share=sum(not one.readings for one in days) / len(days),
        longest_gap_days=_longest_gap(days),
        trends=trends,
        together=together,
        changes=changes,
        rhythms=rhythms_of({name: one.entries for name, one in series.chosen.items()}, series.days),
        distress_days=tuple(distress),
        policy=decision.policy,
        package=version("ferce-agent"),
        created_at=now or datetime.now(UTC),
        engines=_engines(held),
        degraded=(*notes, *_degraded(held, days, series, trends, decision)),
    )


def permitted(use: UseLike | None, consent: ConsentRecord, *, own: UseContext = NOT_STATED) -> Decision:
    """Return what may be told to whoever reads a session.

    The rules are those of the scenario ``wellbeing``: a session follows a person over days.

    Raises:
        PolicyError: The rules refuse it, the consent was withdrawn, or does not name who reads.
    """
    if consent.withdrawn_at is not None:
        raise PolicyError(
            "The person withdrew consent, so nothing is shown.", hint="Delete it: ferce session delete NAME."
        )
    given = read_use(use)
    agreed = given if given.consent is not None else given.model_copy(update={"consent": True})
    decision = permit(agreed, remote=False, own=own, scenario="wellbeing")
    reader = own.observer or agreed.observer
    if reader not in consent.readers:
        named = " and ".join(consent.readers)
        raise PolicyError(
            f"The person agreed that {named} may read this, and not: {reader}.",
            hint="Ask the person, and record it: ferce session consent NAME --reader READER.",
        )
    return decision


def _period(
    entries: Sequence[Entry], from_day: date | None, to_day: date | None, now: datetime | None
) -> tuple[date, date]:
    today = (now or datetime.now(UTC)).date()
    days = [one.at.date() for one in entries]  # with other offsets not in the order of the times
    last = to_day or max(days, default=from_day or today)
    first = from_day or min([*days, last])
    if last < first:
        raise InputError(f"The session would end on {last}, before it begins on {first}.", hint="Give an earlier day.")
    if (last - first).days >= LONGEST:
        raise InputError(f"From {first} to {last} are more than ten years.", hint="Choose a first and a last day.")
    return first, last


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _series(entries: Sequence[Entry]) -> Series:
    chosen = {name: comparable(entries, name) for name in MEASURES}
    chosen = {name: one for name, one in chosen.items() if one.entries}
    return Series(chosen, {name: day_series(one.entries, name) for name, one in chosen.items()})


def _counts(entries: Sequence[Entry]) -> dict[EntryKind, int]:
    counts = Counter(one.kind for one in entries)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _engines(entries: Sequence[Entry]) -> tuple[Engine, ...]:
    return tuple(dict.fromkeys(engine for one in entries for engine in one.engines))


def _gaps(days: Sequence[DayCount]) -> list[tuple[date, int]]:
    """Return runs of days without a reading: first day, and how many."""
    found: list[tuple[date, int]] = []
    run = 0
    for one in days:
        run = 0 if one.readings else run + 1
        if run == 1:
            found.append((one.day, 1))
        elif run:
            found[-1] = (found[-1][0], run)
    return found


def _longest_gap(days: Sequence[DayCount]) -> int:
    return max((length for _, length in _gaps(days)), default=0)


def _degraded(
    entries: Sequence[Entry],
    days: Sequence[DayCount],
    series: Series,
    trends: Sequence[Trend],
    decision: Decision,
) -> Iterator[SessionDegradation]:
    if not entries:
        yield SessionDegradation(code="no_readings", message="There are no readings in these days. Add some first.")
        return
    yield from _about_gaps(days)
    for trend in trends:
        if trend.change is None:
            yield SessionDegradation(code="too_few_days", message=trend.text, measure=trend.measure)
    for name, one in series.chosen.items():
        yield from _left_out(name, one)
    withheld = sum(bool(one.withheld) for one in entries)
    if withheld:
        why = Counter(code for one in entries for code in one.withheld).most_common(3)
        reasons = ", ".join(f"{code.replace('_', ' ')} ({count})" for code, count in why)
        message = f"In {withheld} of {len(entries)} readings something could not be read, most often: {reasons}."
        yield SessionDegradation(code="measure_missing", message=message, count=withheld)
    restricted = sum("policy_restricted" in one.withheld for one in entries)
    if restricted or not decision.may_infer:
        message = "The rules on uses allowed only movements and measures of the voice, so no expression is followed."
        yield SessionDegradation(code="policy_restricted", message=message, count=restricted or None)
    face = [one for one in entries if one.kind in ("photo", "clip")]
    if face and not any(one.baseline for one in face):
        message = "Faces were read without the person's baseline; one makes readings of a resting face more right."
        yield SessionDegradation(
            code="no_baseline", message=f"{message} Make one: ferce baseline build calm.jpg --name NAME."
        )


def _about_gaps(days: Sequence[DayCount]) -> Iterator[SessionDegradation]:
    gaps = [one for one in _gaps(days) if one[1] >= LONG_GAP]
    if gaps:
        first, length = max(gaps, key=lambda one: one[1])
        message = (
            f"{len(gaps)} gap{'s' * (len(gaps) != 1)} of a week or more without a reading; the longest has {length} "
            f"days from {day_words(first)} on. Nothing is assumed about them: people read themselves more, or less, "
            "on days that are unlike others."
        )
        yield SessionDegradation(code="gaps", message=message, count=len(gaps))


def _left_out(name: Measure, chosen: Comparable) -> Iterator[SessionDegradation]:
    called = MEASURE_WORDS[name].name
    if chosen.other_kinds:
        kind = KIND_WORDS[chosen.entries[0].kind][1]
        message = f"{called}: only {kind} are followed; left out, as they mean something else: {chosen.other_kinds}."
        yield SessionDegradation(code="mixed_kinds", message=message, measure=name, count=chosen.other_kinds)
    if chosen.other_engines:
        message = f"{called}: left out, as the numbers differ: {chosen.other_engines} by other models."
        yield SessionDegradation(code="mixed_engines", message=message, measure=name, count=chosen.other_engines)
    if chosen.other_baselines:
        message = f"{called}: left out, as the numbers differ: {chosen.other_baselines} with another baseline, or none."
        yield SessionDegradation(code="mixed_baselines", message=message, measure=name, count=chosen.other_baselines)


def _summary(
    entries: Sequence[Entry],
    days: Sequence[DayCount],
    found: tuple[Sequence[Trend], Together | None, Sequence[ChangePoint]],
    distress: Sequence[date],
) -> str:
    if not entries:
        return "There are no readings in these days."
    told = [_count_words(entries, days), *_week_words(*found[:2]), *_change_words(found[2])]
    if distress:
        told.append(
            f"Words of distress on {len(distress)} day{'s' * (len(distress) != 1)}, last on {day_words(distress[-1])}: "
            "whoever wrote or said them should be asked, and offered help."
        )
    return " ".join(told)


def _count_words(entries: Sequence[Entry], days: Sequence[DayCount]) -> str:
    parts = [f"{count} {KIND_WORDS[kind][count != 1]}" for kind, count in _counts(entries).items()]
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    having = sum(bool(one.readings) for one in days)
    return f"{listed} on {having} of {len(days)} days, {day_words(days[0].day)} to {day_words(days[-1].day)}."


def _week_words(trends: Sequence[Trend], together: Together | None) -> Iterator[str]:
    if together is None:
        yield "There are too few days to compare the last full week with the weeks before."
        return
    yield together.text
    changed = sorted((one for one in trends if one.changed), key=lambda one: -abs(one.change or 0.0))
    moved = [MEASURE_WORDS[one.measure] for one in changed]
    words = [word.more if (one.change or 0.0) > 0 else word.less for one, word in zip(changed, moved, strict=True)]
    if words:
        yield f"In it {'; '.join(words[:4])}."


def _change_words(changes: Sequence[ChangePoint]) -> Iterator[str]:
    if changes:
        days = sorted({one.day for one in changes}, reverse=True)
        listed = ", ".join(short_day(day) for day in days[:3])
        yield f"Days from which on something was different, newest first: {listed}."
