"""The readings of a session, and what the person agreed to, in a file of the person's own: JSON, CSV or Parquet.

What is written is no longer sealed. The file can be read by the account only; whoever gets it can read everything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from ferce_agent.errors import SettingsError
from ferce_agent.keeping.files import write_private
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report.session import ConsentRecord, Entry, Measure
from ferce_agent.views.rows import columns_of, rows_csv, rows_parquet

EXPORT_VERSION: Final = "1.0"
ENDINGS: Final = (".json", ".csv", ".parquet")
"""What the name of a file can end with."""
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
NUMBERS: Final = " ".join(
    [*(f"{name} {name}_error {name}_weight" for name in MEASURES), *(f"share_{name}" for name in CANONICAL)]
)
COLUMNS: Final = columns_of(
    f"id at kind seconds {NUMBERS} baseline distress withheld source engines", number=f"seconds {NUMBERS}"
)
"""The columns of a row a reading, as `ferce_agent.report.session.Entry` has them.

``at`` is ISO 8601 with the person's offset from UTC; ``withheld`` and ``engines`` are separated by semicolons, an
engine is its name and version. A measure has its number, the standard deviation of what that may be wrong by, and its
weight."""


def check_ending(path: str | os.PathLike[str]) -> Path:
    """Return where to write, before the work.

    Raises:
        SettingsError: The ending of its name is not known.
        MissingExtraError: It is to be Parquet, and pyarrow is not installed.
    """
    file = Path(path)
    if file.suffix.lower() not in ENDINGS:
        raise SettingsError(
            f"A session cannot be exported as '{file.suffix}'.", hint=f"Choose one of: {', '.join(ENDINGS)}."
        )
    if file.suffix.lower() == ".parquet":
        from ferce_agent.views.clip_tables import require_parquet

        require_parquet()
    return file


def save_entries(entries: Iterable[Entry], consent: ConsentRecord, person: str, path: str | os.PathLike[str]) -> Path:
    """Write the readings of a session in the format that the file's ending names, for this account only.

    Args:
        entries: The readings.
        consent: What the person agreed to; it is in the JSON file alone.
        person: The session's name.
        path: File to write: ``.json`` with everything, or ``.csv`` or ``.parquet`` with a row for each reading.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
        MissingExtraError: It is to be Parquet, and pyarrow is not installed.
    """
    file, held = check_ending(path), list(entries)
    makers: Mapping[str, Callable[[], bytes]] = {
        ".json": lambda: _json(held, consent, person),
        ".csv": lambda: rows_csv(COLUMNS, entry_rows(held)).encode(),
        ".parquet": lambda: rows_parquet(COLUMNS, entry_rows(held)),
    }
    write_private(file, makers[file.suffix.lower()]())
    return file


def entry_rows(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """Yield a row for each reading; what was not measured is missing."""
    for one in entries:
        row: dict[str, Any] = {"id": one.id, "at": one.at.isoformat(), "kind": one.kind, "seconds": one.seconds}
        for name, found in one.measures.items():
            row |= {name: found.value, f"{name}_error": found.error, f"{name}_weight": found.weight}
        row |= {f"share_{name}": share for name, share in one.shares.items()}
        row |= {"baseline": one.baseline, "distress": one.distress, "source": one.source}
        row["withheld"] = ";".join(one.withheld)
        row["engines"] = ";".join(f"{engine.name} {engine.version}" for engine in one.engines)
        yield row


def _json(entries: Iterable[Entry], consent: ConsentRecord, person: str) -> bytes:
    held = {
        "format": "ferce-agent session",
        "version": EXPORT_VERSION,
        "person": person,
        "consent": consent.model_dump(mode="json"),
        "entries": [one.model_dump(mode="json") for one in entries],
    }
    return (json.dumps(held, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
