"""The tables of clips and voices in a batch: `clips`, `tracks`, `episodes` and `voices`.

Tracks, episodes and turns have the columns of `ferce_agent.views`, with the name of the file in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ferce_agent.batch.executor import Row
from ferce_agent.report import ClipReport, SpeechTurn, Track
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report.speech import SoundSource, VoiceReport
from ferce_agent.views.clip_tables import EPISODE, episode_rows, track_columns, track_rows
from ferce_agent.views.voice_tables import turn_columns, turn_rows

Columns = tuple[tuple[str, str], ...]
CLIP: Final[Columns] = (
    ("source", "string"),
    ("status", "string"),
    ("code", "string"),
    ("message", "string"),
    ("sha256", "string"),
    ("media_type", "string"),
    ("width", "int32"),
    ("height", "int32"),
    ("duration_s", "float64"),
    ("first_s", "float64"),
    ("last_s", "float64"),
    ("frames", "int32"),
    ("frame_rate", "float64"),
    ("variable_rate", "bool"),
    ("audio", "bool"),
    ("tracks", "int32"),
    ("expression_episodes", "int32"),
    ("movement_episodes", "int32"),
    ("moments", "int32"),
    ("cuts", "int32"),
    ("turns", "int32"),
    ("speech_s", "float64"),
    ("summary", "string"),
    ("degraded", "strings"),
    ("policy", "string"),
)
"""Name and type of the columns of `clips`."""
SOUND: Final[Columns] = (
    ("source", "string"),
    ("kind", "string"),
    ("status", "string"),
    ("code", "string"),
    ("message", "string"),
    ("sha256", "string"),
    ("media_type", "string"),
    ("last_s", "float64"),
    ("speech_s", "float64"),
    ("loudness_lufs", "float64"),
    ("degraded", "strings"),
    ("policy", "string"),
)
"""Name and type of the first columns of `voices`."""
TEXTS: Final = (
    "track kind label id side reason regions liveliness eyes_method summary turn speaker expression doubt relative_to "
    "language words_origin words_expression text told_speaker"
)
COUNTS: Final = (
    "frames expression_episodes movement_episodes possible_micro gaps blinks closures yawns glances_away pauses words"
)
TRUTHS: Final = "onset_seen offset_seen flat"
TYPES: Final = MappingProxyType(
    dict.fromkeys(TEXTS.split(), "string")
    | dict.fromkeys(COUNTS.split(), "int32")
    | dict.fromkeys(TRUTHS.split(), "bool")
)
"""Types of the columns of `ferce_agent.views` that are no float64."""


def clip_columns() -> Columns:
    """Return name and type of the columns of `clips`: a row a clip.

    ``status`` is ``read``, ``no_face`` or ``failed``; ``code`` and ``message`` say why it failed. The others are those
    of `ferce_agent.report.ClipSource`, and how many of each there are.
    """
    return CLIP


def clip_track_columns() -> Columns:
    """Return name and type of the columns of `tracks`: a row a face, as `views.clip_tables.track_columns` says."""
    return (("source", "string"), *_typed(track_columns()))


def episode_columns() -> Columns:
    """Return name and type of the columns of `episodes`: a row an episode, as `views.clip_tables.episode_rows` says."""
    return (("source", "string"), *_typed(EPISODE.split()))


def voice_columns() -> Columns:
    """Return name and type of the columns of `voices`: a row a turn of speech.

    A voice message in which nobody speaks, or that cannot be read, has one row. ``kind`` is ``voice``, or ``clip`` for
    the sound of a film; ``status`` is ``read``, ``unsure`` (no expression is named), ``not_read`` (the voice was not
    read), ``no_speech`` or ``failed``. The others are those of `views.voice_tables.turn_columns`.
    """
    return (*SOUND, *_typed(turn_columns()))


def _typed(names: Iterable[str]) -> Columns:
    return tuple((name, TYPES.get(name, "float64")) for name in names)


def clip_row(report: ClipReport, source: str) -> Row:
    """Return the row of a clip in `clips`."""
    told = report.source.model_dump(include={name for name, _ in CLIP})
    counts = {
        "tracks": len(report.tracks),
        "expression_episodes": _count(report.tracks, words_of.expressions_of),
        "movement_episodes": _count(report.tracks, words_of.movements_of),
        "moments": len(report.moments),
        "cuts": len(report.cuts_s),
    }
    sound = {} if report.sound is None else {"turns": len(report.speech), "speech_s": report.sound.speech_s}
    rest = {"summary": report.summary, "degraded": _codes(report), "policy": report.policy.decision}
    status = {"status": "read"} if report.tracks else {"status": "no_face", "code": "no_face"}
    return {"source": source, **status, **told, **counts, **sound, **rest}


def clip_tables(report: ClipReport, source: str) -> dict[str, tuple[Row, ...]]:
    """Return the rows of a clip in the other tables, by table."""
    turns = () if report.sound is None else _turns(report.speech, _sound(report, report.sound, source, "clip"))
    return {
        "tracks": tuple(_named(source, row) for row in track_rows(report)),
        "episodes": tuple(_named(source, row) for row in episode_rows(report)),
        "voices": tuple(turns),
    }


def voice_rows(report: VoiceReport, source: str) -> tuple[Row, ...]:
    """Return a row for each turn of a voice message, or one with the status ``no_speech``."""
    sound = _sound(report, report.source, source, "voice")
    if not report.speech:
        return ({**sound, "status": "no_speech", "code": "no_speech"},)
    return tuple(_turns(report.speech, sound))


def failed_voice_row(row: Row) -> Row:
    """Return the row of an item that could not be read as it stands in `voices`."""
    return {**row, "kind": "voice"}


def _sound(report: ClipReport | VoiceReport, sound: SoundSource, source: str, kind: str) -> dict[str, object]:
    told = sound.model_dump(include={name for name, _ in SOUND} - {"kind"})  # that of the sound is how it was given
    return {"source": source, "kind": kind, **told, "degraded": _codes(report), "policy": report.policy.decision}


def _turns(turns: Iterable[SpeechTurn], sound: Mapping[str, object]) -> Iterable[Row]:
    told = tuple(turns)
    for turn, row in zip(told, turn_rows(told), strict=True):
        yield {**sound, "status": _status(turn), **_known(row)}


def _status(turn: SpeechTurn) -> str:
    if turn.voice is None:
        return "not_read"
    return "unsure" if turn.voice.expression is None else "read"


def _named(source: str, row: Mapping[str, Any]) -> Row:
    return {"source": source, **_known(row)}


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without empty texts, which tables for spreadsheets have where something is not known."""
    return {name: value for name, value in row.items() if value is not None and value != ""}


def _count(tracks: Iterable[Track], parts: Callable[[Track], Sequence[object]]) -> int:
    return sum(len(parts(track)) for track in tracks)


def _codes(report: ClipReport | VoiceReport) -> list[str]:
    return list(dict.fromkeys(str(entry.code) for entry in report.degraded))
