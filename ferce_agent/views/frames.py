"""Reports as data frames of pandas or polars, with the rows and columns of the tables.

Types do not depend on what a report holds: texts, 64-bit floats, 64-bit whole numbers and truth values, each of which
may be missing (``NaN`` or ``NA`` in pandas, null in polars).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from ferce_agent.errors import MissingExtraError, SettingsError
from ferce_agent.report import ClipReport, EmotionReport
from ferce_agent.views import clip_tables, tables, voice_tables

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Row = Mapping[str, Any]
ColumnType = Literal["text", "number", "count", "truth"]
"""What the cells of a column are."""

OF_FACES: Final = "person status expression abstain_reason prediction_set quality_reasons labels vlm_expression"
OF_REPORTS: Final = "degraded policy sha256"
OF_CLIPS: Final = "track kind label id side reason regions liveliness eyes_method summary moment why text"
OF_TURNS: Final = "turn speaker doubt language words_origin words_expression told_speaker relative_to"
TEXTS: Final = frozenset(f"{OF_FACES} {OF_REPORTS} {OF_CLIPS} {OF_TURNS}".split())
EPISODES: Final = "expression_episodes movement_episodes possible_micro gaps"
EYES: Final = "blinks closures yawns glances_away"
COUNTS: Final = frozenset(f"frames {EPISODES} {EYES} pauses words".split())
TRUTHS: Final = frozenset(["vlm_agrees", "onset_seen", "offset_seen", "flat"])
OF_THE_FILE: Final = frozenset({"photo", "code", "message"})
"""Columns of the CSV file that tell one photo from another, which a single report knows nothing of."""

CLIP: Final[Mapping[str, tuple[Callable[[], Sequence[str]], Callable[[ClipReport], Iterable[Row]]]]] = {
    "samples": (clip_tables.sample_columns, clip_tables.sample_rows),
    "episodes": (clip_tables.EPISODE.split, clip_tables.episode_rows),
    "tracks": (clip_tables.track_columns, clip_tables.track_rows),
    "moments": (clip_tables.MOMENT.split, clip_tables.moment_rows),
    "turns": (voice_tables.turn_columns, lambda report: voice_tables.turn_rows(report.speech)),
}
"""Columns and rows of each kind of frame of a clip."""


def photo_frame(report: EmotionReport, library: str = "pandas") -> pd.DataFrame | pl.DataFrame:
    """Return a photo's report as a data frame, a row for each face; see `EmotionReport.to_frame`.

    Raises:
        SettingsError: `library` is neither ``pandas`` nor ``polars``.
        MissingExtraError: The library is not installed.
    """
    columns = [name for name in tables.columns() if name not in OF_THE_FILE]
    rows = tables.report_rows(report, "") if report.people else []
    return _frame(rows, columns, library)


def clip_frame(report: ClipReport, kind: str = "samples", library: str = "pandas") -> pd.DataFrame | pl.DataFrame:
    """Return a part of a clip's report as a data frame; see `ClipReport.to_frame`.

    Raises:
        SettingsError: `kind` or `library` is not known.
        MissingExtraError: The library is not installed.
    """
    if kind not in CLIP:
        raise SettingsError(f"There is no frame of {kind!r}.", hint=f"Choose one of: {', '.join(CLIP)}.")
    columns, rows = CLIP[kind]
    return _frame(rows(report), columns(), library)


def column_type(name: str) -> ColumnType:
    """Return what the cells of a column are: numbers, unless the column is known as something else."""
    if name in TEXTS:
        return "text"
    return "count" if name in COUNTS else "truth" if name in TRUTHS else "number"


def _frame(rows: Iterable[Row], columns: Sequence[str], library: str) -> pd.DataFrame | pl.DataFrame:
    makers = {"pandas": _pandas, "polars": _polars}
    if library not in makers:
        raise SettingsError(f"Frames of {library!r} are not known.", hint="Choose pandas or polars.")
    table = list(rows)
    cells = {name: [_value(row.get(name), column_type(name)) for row in table] for name in columns}
    return makers[library](cells)


def _value(cell: Any, kind: ColumnType) -> Any:
    """Return a cell of a table as a value, None where it is empty."""
    if cell is None or cell == "":
        return None
    if kind == "truth":
        return cell if isinstance(cell, bool) else cell == "true"
    return float(cell) if kind == "number" else cell


def _pandas(cells: Mapping[str, list[Any]]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError("pandas", "notebook") from error
    types = {"text": "string", "number": "float64", "count": "Int64", "truth": "boolean"}
    made = {}
    for name, values in cells.items():
        kind = column_type(name)
        known = [math.nan if value is None else value for value in values] if kind == "number" else values
        made[name] = pd.Series(known, dtype=types[kind])
    return pd.DataFrame(made)


def _polars(cells: Mapping[str, list[Any]]) -> pl.DataFrame:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("polars", None) from error
    types = {"text": pl.String, "number": pl.Float64, "count": pl.Int64, "truth": pl.Boolean}
    return pl.DataFrame(cells, schema={name: types[column_type(name)] for name in cells})
