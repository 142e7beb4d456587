"""What a clip shows as tables: a row a face and frame while it is read; samples, episodes, tracks, moments of a report.

The columns that py-feat has are named as there and mean the same, so that analyses written for it run: ``frame``, the
box, ``Pitch``, ``Roll`` and ``Yaw`` in radians, ``AU01`` … ``AU43`` from 0 to 1, seven emotions, ``valence`` and
``arousal``. What py-feat does not have has names of its own. Rows are written as they come, so that memory does not
grow.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Final, TextIO

from ferce_agent.concurrency.lazy import once
from ferce_agent.errors import MissingExtraError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.report import ClipReport, EyeSummary, Moment, SpeechTurn, Track, TrackPoint
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report.clip_events import ReadingEvent
from ferce_agent.views.tables import Cell, safe_cell

if TYPE_CHECKING:
    import pyarrow as pa

FEAT_FACE: Final = "input frame approx_time FaceRectX FaceRectY FaceRectWidth FaceRectHeight FaceScore Pitch Roll Yaw"
FEAT_UNITS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
"""The action units of py-feat's detectors, in its order."""
FEAT_REST: Final = "anger disgust fear happiness sadness surprise neutral valence arousal"
OWN: Final = "time_s track contempt gaze_x gaze_y eyes_open quality reasons carried"
EPISODE: Final = (
    "track kind label id side onset_s apex_s offset_s onset_seen offset_seen peak confidence reason regions"
)
TRACK: Final = (
    "track first_s last_s frames x y width height readable_s unread_s expression_episodes movement_episodes "
    "possible_micro gaps liveliness movement_rate valence arousal"
)
EYES: Final = (
    "eyes_method eyes_seen_s blinks blinks_per_minute blink_s closures longest_closure_s perclos yawns glances_away "
    "away_s summary"
)
MOMENT: Final = "moment time_s track why text expression confidence abstain_reason"
ROW_GROUP: Final = 4096
"""Rows that a Parquet file holds in one group, and that stay in memory until it is written."""

Writer = Callable[[ReadingEvent], None]
"""Takes one reading and writes its row."""


def unit_column(unit_id: str) -> str:
    """Return the column of an action unit: ``AU01`` for ``AU1``."""
    return f"AU{int(unit_id.removeprefix('AU')):02d}"


@once
def reading_columns() -> tuple[str, ...]:
    """Return the columns of a row a face and frame.

    ``input`` is the clip's name, ``frame`` the number of the frame among those that were read, from 0, ``approx_time``
    minutes and seconds. The box is in pixels; ``Pitch``, ``Roll`` and ``Yaw`` are in radians, with the signs of
    `ferce_agent.report.TrackPoint`. Action units are intensities from 0 to 1, empty where they are not measured or
    covered. The seven emotions and ``contempt`` are probabilities that sum to 1. ``time_s`` is the exact time in
    seconds, ``track`` the face, ``carried`` whether its place was carried on by optical flow, ``reasons`` what is in
    the way, separated by semicolons.
    """
    feat = tuple(f"AU{number:02d}" for number in FEAT_UNITS)
    known = (unit_column(unit) for unit in ontology().action_units)
    others = tuple(name for name in known if name not in feat)
    return (*FEAT_FACE.split(), *feat, *FEAT_REST.split(), *OWN.split(), *others)


def reading_row(event: ReadingEvent, name: str = "") -> dict[str, Any]:
    """Return the row of one reading by column; what is not known is left out.

    Args:
        event: What a face shows in a frame.
        name: The clip's name.
    """
    box = event.box
    row: dict[str, Any] = {"input": name, "frame": event.frame, "approx_time": approx_time(event.point.time_s)}
    row |= {"FaceRectX": box.x, "FaceRectY": box.y, "FaceRectWidth": box.width, "FaceRectHeight": box.height}
    row |= {"FaceScore": event.score, "track": event.track}
    return row | {"reasons": ";".join(event.reasons), "carried": event.carried} | _point_row(event.point)


def _point_row(point: TrackPoint) -> dict[str, Any]:
    row: dict[str, Any] = {"time_s": point.time_s, "quality": point.quality}
    row |= {"Pitch": math.radians(point.pitch), "Roll": math.radians(point.roll), "Yaw": math.radians(point.yaw)}
    row |= {unit_column(unit): intensity for unit, intensity in point.movements.items()}
    row |= dict(point.distribution.items()) if point.distribution else {}
    maybe = {"valence": point.valence, "arousal": point.arousal, "eyes_open": point.eyes_open}
    maybe |= {"gaze_x": point.gaze_x, "gaze_y": point.gaze_y}
    return row | {column: value for column, value in maybe.items() if value is not None}


@once
def sample_columns() -> tuple[str, ...]:
    """Return the columns of a row a face and sample: those of `reading_columns` that a sample of a report has."""
    frame = {*FEAT_FACE.split(), "time_s", "track", "reasons", "carried"} - {"Pitch", "Roll", "Yaw"}
    return ("track", "time_s", *(column for column in reading_columns() if column not in frame))


def sample_rows(report: ClipReport) -> Iterator[dict[str, Any]]:
    """Yield a row for each sample of each track; what is not known is left out."""
    for track in report.tracks:
        for point in track.samples:
            yield {"track": track.id} | _point_row(point)


def approx_time(seconds: float) -> str:
    """Return a time as minutes and seconds, ``01:02``, as py-feat's column of this name has it."""
    return f"{int(seconds // 60):02d}:{int(seconds % 60):02d}"


def csv_header() -> str:
    """Return the first line of a CSV file of readings."""
    return ",".join(reading_columns()) + "\n"


def csv_writer(file: TextIO, name: str = "") -> Writer:
    """Write the header to a file, and return what writes a line a reading.

    The file is as `ferce_agent.views.tables` describes: UTF-8, commas, RFC 4180.

    Args:
        file: Where the lines go; opened with ``newline=""``.
        name: The clip's name, for the column ``input``.
    """
    writer, columns = csv.writer(file, lineterminator="\n"), reading_columns()
    file.write(csv_header())

    def write(event: ReadingEvent) -> None:
        row = reading_row(event, name)
        writer.writerow([_cell(row.get(column, "")) for column in columns])

    return write


def _cell(value: Any) -> Cell:
    """Return a value as it is written: numbers to six decimals, truth values as 0 and 1."""
    if isinstance(value, bool):
        return int(value)
    return round(value, 6) if isinstance(value, float) else safe_cell(value)


@contextmanager
def csv_file(file: IO[bytes], name: str = "") -> Iterator[Writer]:
    """Give a writer of readings to a binary file as CSV; see `csv_writer`."""
    text = io.TextIOWrapper(file, "utf-8", "replace", newline="", write_through=False)
    try:
        yield csv_writer(text, name)
    finally:
        text.flush()
        text.detach()  # the file stays open for whoever opened it


@contextmanager
def parquet_file(file: IO[bytes], name: str = "") -> Iterator[Writer]:
    """Give a writer of readings to a binary file as Parquet, in groups of `ROW_GROUP` rows.

    The columns are those of the CSV file; ``reasons`` is a list of texts. Floats have 32 bits, but for the time.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    require_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = parquet_schema()
    held: dict[str, list[Any]] = {column: [] for column in reading_columns()}
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:

        def write(event: ReadingEvent) -> None:
            row = reading_row(event, name) | {"reasons": list(event.reasons)}
            for column, values in held.items():
                values.append(row.get(column))
            if len(held["frame"]) == ROW_GROUP:
                flush()

        def flush() -> None:
            writer.write_table(pa.Table.from_pydict(held, schema=schema))
            for values in held.values():
                values.clear()

        try:
            yield write
        finally:
            if held["frame"]:
                flush()


def require_parquet() -> None:
    """Check that Parquet files can be written.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("pyarrow", "tables") from error


def parquet_schema() -> pa.Schema:
    """Return the types of the columns in a Parquet file."""
    import pyarrow as pa

    name = pa.dictionary(pa.int32(), pa.string())
    special = MappingProxyType(
        {
            "input": name,
            "track": name,
            "frame": pa.int64(),
            "approx_time": pa.string(),
            "time_s": pa.float64(),
            "carried": pa.bool_(),
            "reasons": pa.list_(pa.string()),
        }
    )
    return pa.schema([(column, special.get(column, pa.float32())) for column in reading_columns()])


def episodes_csv(report: ClipReport) -> str:
    """Return a clip's report as a CSV file with the rows of `episode_rows`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = EPISODE.split()
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in episode_rows(report))
    return file.getvalue()


def episode_rows(report: ClipReport) -> Iterator[dict[str, Any]]:
    """Yield a row for each episode, possible micro-expression, posture, gap and turn; the columns are `EPISODE`.

    ``kind`` is ``expression``, ``movement``, ``micro``, ``body``, ``gap`` or, after all tracks, ``speech``; times are
    in seconds of the film, what is no episode has an onset and an offset. The ``track`` of a turn of speech is empty
    where it is not known who speaks, and its ``reason`` says why no expression is named. ``peak`` and ``confidence``
    are from 0 to 1; for a micro-expression ``peak`` is its strength in percent of the distance between the eyes.
    """
    for track in report.tracks:
        yield from _episode_rows(track)
    for turn in report.speech:
        yield _turn_row(turn)


def _episode_rows(track: Track) -> Iterable[dict[str, Any]]:
    for one in track.episodes:
        kind = "expression" if one.expression else "movement"
        row: dict[str, Any] = {"track": track.id, "kind": kind, "label": one.expression or one.movement, "id": one.id}
        row |= {"side": one.side or "", "onset_s": one.onset_s, "apex_s": one.apex_s, "offset_s": one.offset_s}
        row |= {"onset_seen": one.onset_seen, "offset_seen": one.offset_seen}
        yield row | {"peak": one.peak, "confidence": one.confidence}
    for micro in track.micro:
        row = {"track": track.id, "kind": "micro", "label": micro.status, "id": micro.id}
        row |= {"onset_s": micro.onset_s, "apex_s": micro.apex_s, "offset_s": micro.offset_s}
        yield row | {"peak": micro.strength, "confidence": micro.confidence, "regions": ";".join(micro.regions)}
    for fact in track.body:
        row = {"track": track.id, "kind": "body", "label": fact.kind, "side": fact.side or "", "peak": fact.strength}
        yield row | {"onset_s": fact.span.from_s, "offset_s": fact.span.to_s, "confidence": fact.confidence}
    for gap in track.gaps:
        yield {
            "track": track.id,
            "kind": "gap",
            "onset_s": gap.from_s,
            "offset_s": gap.to_s,
            "reason": gap.reason,
        }


def _turn_row(turn: SpeechTurn) -> dict[str, Any]:
    row: dict[str, Any] = {"track": turn.speaker or "", "kind": "speech", "id": turn.id}
    row |= {"onset_s": turn.start_s, "offset_s": turn.end_s}
    if turn.voice is not None:
        row |= {"label": turn.voice.expression or "", "confidence": turn.voice.confidence}
        row["reason"] = ";".join(turn.voice.doubt)
    return row


@once
def track_columns() -> tuple[str, ...]:
    """Return the columns of a row a track.

    The box is in pixels. ``readable_s`` is how long the expression could be read, ``unread_s`` how long the gaps last;
    ``share_…`` the share of the readable time in which this expression was the one named. Eyes as
    `ferce_agent.report.EyeSummary` describes them.
    """
    shares = (f"share_{name}" for name in CANONICAL)
    return (*TRACK.split(), *shares, *EYES.split())


def track_rows(report: ClipReport) -> Iterator[dict[str, Any]]:
    """Yield a row for each track; what is not known is left out."""
    for track in report.tracks:
        yield _track_counts(track) | _track_shares(track) | (_eye_row(track.eyes) if track.eyes else {})


def _track_counts(track: Track) -> dict[str, Any]:
    box = track.box
    row: dict[str, Any] = {"track": track.id, "first_s": track.first_s, "last_s": track.last_s, "frames": track.frames}
    row |= {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    row |= {"readable_s": track.summary.readable_s, "unread_s": words_of.unread_s(track.gaps)}
    row |= {"expression_episodes": len(words_of.expressions_of(track))}
    row |= {"movement_episodes": len(words_of.movements_of(track))}
    return row | {"possible_micro": len(track.micro), "gaps": len(track.gaps)}


def _track_shares(track: Track) -> dict[str, Any]:
    told = track.summary
    shares = {f"share_{name}": told.shares.get(name, 0.0) for name in CANONICAL} if told.shares else {}
    row = {"liveliness": told.liveliness, "movement_rate": told.movement_rate, "summary": told.text}
    return row | {"valence": told.valence, "arousal": told.arousal} | shares


def _eye_row(eyes: EyeSummary) -> dict[str, Any]:
    found = eyes.model_dump()
    return {"eyes_method": found.pop("method"), "eyes_seen_s": found.pop("seen_s"), **found}


def moment_rows(report: ClipReport) -> Iterator[dict[str, Any]]:
    """Yield a row for each moment, by time; the columns are `MOMENT`.

    ``track`` is missing where a moment is of the whole picture. ``expression``, ``confidence`` and ``abstain_reason``
    are of the face in this frame, missing where it was not read as in a photo.
    """
    return map(_moment_row, report.moments)


def _moment_row(moment: Moment) -> dict[str, Any]:
    row: dict[str, Any] = {"moment": moment.id, "time_s": moment.time_s, "track": moment.track, "why": moment.why}
    row["text"] = moment.text
    if moment.expression is None:
        return row
    shown = moment.expression
    row |= {"expression": shown.primary, "confidence": shown.confidence}
    return row | {"abstain_reason": shown.abstain_reason}
