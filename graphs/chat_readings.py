"""Readings made elsewhere that come with a message: reports of photos, clips and voices, as a thread has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from ferce_agent.clips.summaries import told_of, when
from ferce_agent.context.clip_guidance import ClipSays, clear_episodes, guide_clip, main_face, said_of
from ferce_agent.errors import InputError
from ferce_agent.graphs.chat_state import (
    MAX_REPORTS,
    ChatContext,
    ChatState,
    ReadingLike,
    Remembered,
    asked_in,
    made_at,
    reading_of,
)
from ferce_agent.graphs.chat_voices import reading_heard
from ferce_agent.report import ClipReport, EmotionReport, Track
from ferce_agent.report.clip_wording import episode_label, is_restricted, movements_of, track_number
from ferce_agent.report.speech import VoiceReport
from ferce_agent.report.wording import confidence_word, term_label
from ferce_agent.validation.refusal import unusable
from ferce_agent.views.clip_text import to_clip_text

FACES_TOLD: Final = 3
"""Faces of a clip that its summary tells about."""
TOLD: Final = 4
"""Expressions of one face, the latest, that the summary tells."""
UNTIL_END_S: Final = 0.5
"""An expression that was there so shortly before the end lasted to the end."""
FORMS: Final = "Give reports as analyze_expression, analyze_clip and analyze_voice return them."


def read_reading(given: ReadingLike, number: int = 1) -> EmotionReport | ClipReport | VoiceReport:
    """Return a reading as a validated report.

    Args:
        given: A report, or its fields.
        number: Which of the readings it is, for the message of an error.

    Raises:
        InputError: It is no report, or does not hold together.
    """
    if isinstance(given, EmotionReport | ClipReport | VoiceReport):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"Reading {number} is no report.", hint=FORMS)
    kind = ClipReport if "tracks" in given else VoiceReport if "speech" in given else EmotionReport
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise InputError(unusable(error, f"Reading {number}", kind).message, hint=FORMS) from error


def new_readings(state: ChatState, context: ChatContext) -> list[Remembered]:
    """Return the readings of a run in short that its thread does not have yet, oldest first.

    Those made for this message carry its id as ``came_with``; a clip's then brings the report as ``text`` too, and a
    voice's always does, without what was said.

    Raises:
        InputError: One of them is no report, or does not hold together.
    """
    known = {(one["time"], one["summary"]) for one in state.get("reports", ())}
    given = list(enumerate(context.readings, 1))[-MAX_REPORTS:]
    found = [_remembered(one, number, context, asked_in(state)) for number, one in given]
    return [one for one in found if (one["time"], one["summary"]) not in known]


def _remembered(given: ReadingLike, number: int, context: ChatContext, message: str | None) -> Remembered:
    report = read_reading(given, number)
    new = number > len(context.readings) - context.new
    came = {"came_with": message} if new else {}
    if isinstance(report, EmotionReport):
        return {**reading_of(report), **came}
    if isinstance(report, VoiceReport):
        return reading_heard(report) | came
    return {**reading_of_clip(report), **came, **({"text": to_clip_text(report)} if new else {})}


def reading_of_clip(report: ClipReport) -> Remembered:
    """Return a clip's report in short; person-1 is the largest face at its end.

    It has more than a photo's: ``kind``, ``case`` (`ferce_agent.context.clip_guidance.ClipCase`), and for each person
    ``most`` (the expression that lasted) and ``before`` (that before a change).
    """
    main = main_face(report)
    rest = sorted((one for one in report.tracks if one is not main), key=lambda one: one.first_s - one.last_s)
    faces = [(one, said_of(one, report)) for one in ([main] if main else []) + rest]
    says = faces[0][1] if faces else None
    return {
        "time": made_at(report),
        "kind": "clip",
        "inferred": not is_restricted(report),
        "summary": summary_of(report, faces),
        "people": [_person(number, *one) for number, one in enumerate(faces, 1) if one[1].case != "unread"],
        "guidance": guide_clip(says).model_dump(mode="json"),
        "case": says.case if says else "unread",
    }


def _person(number: int, track: Track, says: ClipSays) -> dict[str, Any]:
    shown = says.expression if says.case in {"shows", "changed", "calm"} else None
    return {
        "id": f"person-{number}",
        "track": track.id,
        "primary": shown,
        "most": says.expression if says.case == "lasted" else None,
        "before": says.before,
        "valence": _valence_at_end(track),
        "confidence": says.confidence,
        "abstained": shown is None,
    }


def _valence_at_end(track: Track) -> float:
    last = [one.valence for one in track.samples if one.valence is not None][-10:]
    return sum(last) / len(last) if last else 0.0


def summary_of(report: ClipReport, faces: Sequence[tuple[Track, ClipSays]]) -> str:
    """Return in a sentence or two what the faces of a clip show over time, in our own words only."""
    seconds = max(report.source.last_s - report.source.first_s, 0.0)
    if not faces:
        return f"In the clip of {seconds:.1f} s no face was found."
    told = [" ".join(_told(track, says, report)) for track, says in faces[:FACES_TOLD]]
    more = len(faces) - len(told)
    rest = [f"{more} more face{'s' * (more != 1)} followed."] if more else []
    by_rule = ["By rule no expression is told, only movements."] if is_restricted(report) else []
    return " ".join([f"In the clip of {seconds:.1f} s:", *by_rule, *told, *rest])


def _told(track: Track, says: ClipSays, report: ClipReport) -> Iterator[str]:
    name = f"Face {track_number(track.id)}"
    if is_restricted(report):
        yield f"{name}: {_listed(list(_movements(track))) or 'no marked movement'}."
    elif says.case == "unread":
        yield f"{name}: could not be read."
    else:
        yield f"{name}: {_listed(list(_expressions(track, says, report)))}."


def _listed(parts: Sequence[str]) -> str:
    return ", then ".join(parts)


def _expressions(track: Track, says: ClipSays, report: ClipReport) -> Iterator[str]:
    shown = told_of(clear_episodes(track, report.moments))
    if len(shown) > TOLD:
        yield "several expressions"
    for one in shown[-TOLD:]:
        until = "the end" if track.last_s - one.end <= UNTIL_END_S else when(one.end)
        yield f"{term_label(one.term)} from {when(one.begin)} to {until} ({confidence_word(one.confidence)})"
    if says.case == "calm":
        yield f"a neutral expression{' at the end' if shown else ''} ({confidence_word(says.confidence)})"
    elif says.case == "unclear" or (says.case == "lasted" and shown):
        yield f"no expression is clear{' at the end' if shown else ''}"


def _movements(track: Track) -> Iterator[str]:
    made = [one for one in movements_of(track) if (one.movement or "").startswith("AU")]
    for one in sorted(sorted(made, key=lambda one: -one.peak)[:TOLD], key=lambda one: one.onset_s):
        yield f"{episode_label(one)} from {when(one.onset_s)} to {when(one.offset_s)}"
