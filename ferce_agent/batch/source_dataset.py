"""What Hugging Face data sets hold: folders that `save_to_disk` wrote, and ``hf:`` sources that are streamed.

A folder is read by pyarrow alone, through a memory map. What is streamed is read by the library `datasets`, its encoded
bytes only; nothing is decoded or kept on the disk, and the network is used for these sources only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.batch.columns import import_arrow
from ferce_agent.batch.items import ArrowRow, Held, Item, Kind
from ferce_agent.batch.kinds import MOST_HELD
from ferce_agent.batch.source_parquet import FEATURES, column_kind, feature_kind, picture_column
from ferce_agent.errors import DataError, FerceError, ImageTooLargeError, MissingExtraError
from ferce_agent.inputs.limits import ImageLimits

STREAMED: Final = "hf:"
"""How a source begins that is streamed."""
SPLITS: Final = "dataset_dict.json"
STATE: Final = "state.json"
INFO: Final = "dataset_info.json"
"""Names of the files that tell a folder of `save_to_disk` from others."""
LIMITS: Final = ImageLimits()
SECONDS: Final = 20.0
"""The hub has so long to say which revision it has."""
RETRIES: Final = 5
"""So often the library waits five seconds and more for a server that fails within a stream."""
ENVIRONMENT: Final = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_DATASETS_TRUST_REMOTE_CODE": "0",
}
"""What the library reads when it is imported: it reports nothing and runs no code of a data set."""
FORM: Final = re.compile(r"hf:(?P<name>[^:@]+)(?:@(?P<revision>[^:@]+))?(?::(?P<split>[^:@]+))?")


def is_saved(folder: Path) -> bool:
    """Return whether `save_to_disk` wrote this folder."""
    return (folder / SPLITS).is_file() or ((folder / STATE).is_file() and (folder / INFO).is_file())


def saved_items(folder: Path, column: str | None = None, split: str | None = None) -> Iterator[Item]:
    """Yield an item for each row, named by its number from 0; with several splits by ``train/0`` and so on.

    A file that is missing or damaged is an item with trouble; numbers go on after it.

    Args:
        folder: What `save_to_disk` wrote.
        column: Name of the column of pictures; None for the one that can be it.
        split: The split to read; None for all.

    Raises:
        DataError: There is no such split or column, or what the folder says of itself cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    if not (folder / SPLITS).is_file():
        if split is not None:
            raise DataError(f"{folder.name} has no splits.", hint="Leave the split out.")
        yield from _rows_of(folder, column, "")
        return
    names = [str(name) for name in _told(folder / SPLITS, "splits")]
    for name in names if split is None else [_known_split(split, names, folder.name)]:
        yield from _rows_of(folder / _plain_name(name, folder), column, f"{name}/" if split is None else "")


def _rows_of(folder: Path, column: str | None, front: str) -> Iterator[Item]:
    import_arrow()
    import pyarrow as pa

    first = 0
    for told in _told(folder / STATE, "_data_files"):
        name = _plain_name(str(told.get("filename")), folder)
        path = folder / name
        try:
            with pa.memory_map(str(path)) as data, pa.ipc.open_stream(data) as stream:
                schema, count = stream.schema, sum(batch.num_rows for batch in stream)
        except (OSError, pa.ArrowException) as error:
            trouble = DataError(f"'{name}' of the data set is missing or damaged ({type(error).__name__}).")
            yield _trouble(f"{front}{name}", trouble)
            continue
        found = picture_column(schema, folder.name, column)
        kind = column_kind(schema, found)
        for row in range(count):
            yield Item(f"{front}{first + row}", kind, ArrowRow(str(path), row, found))
        first += count


def _told(path: Path, name: str) -> list[Any]:
    try:
        told = json.loads(path.read_bytes())[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"'{path.name}' of the data set '{path.parent.name}' cannot be read ({type(error).__name__}).",
            hint="Write it anew with save_to_disk.",
        ) from error
    if not isinstance(told, list) or not all(isinstance(one, str | dict) for one in told):
        raise DataError(f"'{path.name}' of the data set '{path.parent.name}' makes no sense.")
    return told


def _plain_name(name: str, folder: Path) -> str:
    """Return a name that leads nowhere else.

    Raises:
        DataError: It does.
    """
    if Path(name).name != name:
        raise DataError(f"The data set '{folder.name}' names a file outside of it.")
    return name


def _known_split(split: str, names: list[str], of: str) -> str:
    if split not in names:
        raise DataError(f"{of} has no split '{split}'.", hint=f"It has {', '.join(names) or 'none'}.")
    return split


@dataclass(frozen=True, slots=True)
class Streamed:
    """What an ``hf:`` source names.

    Attributes:
        name: A name on the hub, ``OWNER/NAME``, or a folder on this machine.
        config: The configuration, where a data set of the hub has several.
        revision: A branch, tag or commit; None for the newest.
        split: The split; None for all.
        local: Whether it is a folder.
    """

    name: str
    config: str | None
    revision: str | None
    split: str | None
    local: bool


def streamed(source: str) -> Streamed:
    """Return what ``hf:OWNER/NAME[/CONFIG][@REVISION][:SPLIT]`` or ``hf:FOLDER[:SPLIT]`` names.

    Raises:
        DataError: It is not of this form.
    """
    found = FORM.fullmatch(source)
    if found is None:
        raise DataError(f"'{source[:80]}' names no data set.", hint="hf:OWNER/NAME:SPLIT")
    name, revision, split = found["name"], found["revision"], found["split"]
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Streamed(str(folder), None, None, split, local=True)
    parts = name.split("/")
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+){0,2}", name) or parts[0] in {".", ".."}:
        raise DataError(f"'{name[:80]}' is no folder, and no name on the hub.", hint="hf:OWNER/NAME:SPLIT")
    return Streamed("/".join(parts[:2]), "/".join(parts[2:]) or None, revision, split, local=False)


def revisions_of(sources: list[str]) -> dict[str, str]:
    """Return the commits that ``hf:`` sources stand for now, by source; folders have none. This uses the network.

    Raises:
        DataError: A source is not of its form, or the hub cannot be asked or has no such data set.
        MissingExtraError: The package `datasets` is not installed.
    """
    wanted = {source: streamed(source) for source in sources if source.startswith(STREAMED)}
    return {source: _commit(one) for source, one in wanted.items() if not one.local}


def _commit(one: Streamed) -> str:
    import_datasets()
    from huggingface_hub import HfApi

    try:
        sha = HfApi().dataset_info(one.name, revision=one.revision, timeout=SECONDS).sha
    except Exception as error:  # of the hub's library, of its transport, of the machine
        raise _not_opened(f"{STREAMED}{one.name}", error) from error
    return sha or one.revision or "main"


def stream_items(
    source: str, revision: str | None = None, column: str | None = None, split: str | None = None
) -> Iterator[Item]:
    """Yield an item for each row of a streamed data set with its encoded bytes, named as those of `saved_items`.

    Args:
        source: As `streamed` takes it.
        revision: The commit to read; None for what the source says.
        column: Name of the column of pictures; None for the one that can be it.
        split: The split, where the source names none; None for all.

    Raises:
        DataError: It cannot be opened, has no such split or column, or breaks off.
        MissingExtraError: The package `datasets` is not installed.
    """
    one = streamed(source)
    wanted = one.split or split
    opened = _opened(one, revision or one.revision, wanted)
    for name, rows in opened.items():
        found, kind, rows = _with_column(rows, column, one.name)
        count = 0
        try:
            for row in rows:
                yield _item(f"{count}" if wanted else f"{name}/{count}", row[found], kind)
                count += 1
        except FerceError:
            raise
        except Exception as error:
            raise DataError(
                f"{source} broke off after {count:,} of '{name}' ({type(error).__name__}: {_short(error)}).",
                hint="What is done stays; the same command goes on.",
            ) from error


def _opened(one: Streamed, revision: str | None, split: str | None) -> Mapping[str, Any]:
    datasets = import_datasets()
    options: dict[str, Any] = {} if one.local else {"revision": revision}
    try:
        found = datasets.load_dataset(one.name, one.config, split=split, streaming=True, **options)
    except Exception as error:
        raise _not_opened(f"{STREAMED}{one.name}", error) from error
    return {split or "": found} if split else dict(found)


def _with_column(rows: Any, wanted: str | None, name: str) -> tuple[str, Kind, Any]:
    """Return the column that is read, what it holds, and rows that have it alone, encoded."""
    import pyarrow as pa

    datasets = import_datasets()
    if rows.features is None:
        first: dict[str, Any] = next(iter(rows), {})
        found = picture_column(pa.Table.from_pylist([first]).schema, name, wanted)
        return found, feature_kind("", found), rows
    types = {key: type(feature).__name__ for key, feature in rows.features.items()}
    able = [[key for key, kind in types.items() if kind == feature] for feature in FEATURES]
    usual = next((names[0] for names in able if len(names) == 1), None)
    found = picture_column(rows.features.arrow_schema, name, wanted or usual)
    rows, kind = rows.select_columns([found]), types.get(found, "")
    if kind in FEATURES:
        rows = rows.cast_column(found, getattr(datasets, kind)(decode=False))
    return found, feature_kind(kind, found), rows


def _item(name: str, value: Any, kind: Kind) -> Item:
    most = LIMITS.max_bytes if kind == "photo" else MOST_HELD
    path = value.get("path") if isinstance(value, dict) else None
    data = value.get("bytes") if isinstance(value, dict) else value
    if data is None and isinstance(path, str):
        import fsspec

        try:
            with fsspec.open(path, "rb") as file:
                data = file.read(most + 1)
        except FileNotFoundError:
            return _trouble(name, DataError(f"'{Path(path).name[:80]}' is named in the data set and not there."))
    if not isinstance(data, bytes) or not data:
        return _trouble(name, DataError("The row holds no picture."))
    if len(data) > most:
        return _trouble(name, ImageTooLargeError(f"The {kind} has more than {most:,} bytes."))
    return Item(name, kind, Held(data))


def _trouble(name: str, error: FerceError) -> Item:
    return Item(name, "photo", Held(b""), (error.code, str(error)))


def _not_opened(name: str, error: Exception) -> DataError:
    return DataError(
        f"{name} cannot be opened ({type(error).__name__}: {_short(error)}).",
        hint="Is the name right, and can this machine reach huggingface.co? Private ones need HF_TOKEN.",
    )


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200].rstrip(".") if lines else "no more is told"


def import_datasets() -> Any:
    """Return the library `datasets`, quiet and without its reports.

    Raises:
        MissingExtraError: It is not installed.
    """
    os.environ.update(ENVIRONMENT)
    try:
        import datasets
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError("datasets", "datasets") from error
    datasets.config.STREAMING_READ_MAX_RETRIES = RETRIES
    datasets.config.STREAMING_OPEN_MAX_RETRIES = RETRIES
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    huggingface_hub.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    return datasets
