"""Files: written whole or not at all, and a report in the format that a file's name asks for."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from ferce_agent.errors import FerceError, SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ferce_agent.inputs.photo import ImageSource, Picture
    from ferce_agent.report import ClipReport, EmotionReport, VoiceReport
    from ferce_agent.report.scenario import ScenarioReport
    from ferce_agent.report.session import SessionReport

ENDINGS: Final = (".html", ".htm", ".json", ".txt", ".csv", ".emotionml", ".xml")
"""What a file's name can end with; ``.emotionml.xml`` is an ``.xml``."""
CLIP_ENDINGS: Final = (".html", ".htm", ".json", ".txt", ".csv")
"""What the name of a file for the report of a clip or a sound can end with."""
Made = str | bytes
"""What a file holds."""


def write_whole(path: Path, text: str) -> None:
    """Write a text file (UTF-8, lines end with a line feed) and its folder: whole or not at all.

    The text goes to a new file beside it, which then takes its place and keeps its permissions. Links are followed; a
    device or a pipe is written to as it is.

    Raises:
        SettingsError: It cannot be written.
    """
    _write(path, text)


def _write(path: Path, made: Made) -> None:
    with _telling(path), writing(path) as file:
        file.write(made if isinstance(made, bytes) else made.encode("utf-8", "replace"))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that is written piece by piece and takes its place when the block ends without an error.

    As with `write_whole`, nothing is left behind otherwise; what is written does not stay in memory.

    Yields:
        The open file.

    Raises:
        SettingsError: It cannot be opened.
        OSError: Writing fails later on, as where the disk is full.
    """
    with contextlib.ExitStack() as stack:
        with _telling(path):
            path = Path(os.path.realpath(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            device = path.exists() and not path.is_file()
            file: IO[bytes] = stack.enter_context(path.open("wb") if device else _fresh(path))
        yield file


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, FerceError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(f"{path} cannot be written: {reason}.", hint="Choose another place.") from error


@contextlib.contextmanager
def _fresh(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file beside `path` that takes its place, and its permissions, when all went well."""
    fresh = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with fresh.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            fresh.chmod(path.stat().st_mode & 0o7777)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Check without writing that a file can be written.

    The nearest folder there is lets one in, and nothing is in the way.

    Raises:
        SettingsError: It cannot.
    """
    try:
        trouble = _trouble(path)
    except (OSError, ValueError) as error:
        trouble = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if trouble:
        raise SettingsError(f"{path} cannot be written: {trouble}.", hint="Choose another place.")


def _trouble(path: Path) -> str:
    """Return what stands in the way of writing a file; empty if nothing does."""
    if path.is_dir():
        return "it is a folder"
    if path.exists():
        return "" if os.access(path, os.W_OK) else "it is write-protected"
    folder = next(parent for parent in path.absolute().parents if parent.exists() or parent.is_symlink())
    if not folder.is_dir():
        return f"{folder} is no folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} is write-protected"
    return ""


def save_report(
    report: EmotionReport, path: str | os.PathLike[str], picture: ImageSource | Picture | None = None
) -> Path:
    """Write a report in the format that the file's ending names.

    Args:
        report: The report.
        path: File to write: ``.html`` (or ``.htm``), ``.json``, ``.txt``, ``.csv``, or EmotionML as ``.emotionml`` or
            ``.xml``.
        picture: The picture the report was made from, in any form that `analyze_expression` takes; shown on the HTML
            page, of no use to the other formats.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
        InputError: The picture cannot be read, or is not the report's.
    """
    return _save(path, _makers(report, picture))


def save_clip_report(
    report: ClipReport, path: str | os.PathLike[str], pictures: Mapping[str, bytes] | None = None
) -> Path:
    """Write a clip's report in the format that the file's ending names.

    Args:
        report: The report.
        path: File to write: ``.html`` (or ``.htm``), ``.json``, ``.txt``, or ``.csv`` for a table of episodes, possible
            micro-expressions and gaps.
        pictures: JPEG pictures by the ids of the report's moments; shown on the HTML page.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
    """
    return _save(path, _clip_makers(report, pictures or {}))


def save_voice_report(report: VoiceReport, path: str | os.PathLike[str]) -> Path:
    """Write a voice report in the format that the file's ending names.

    Args:
        report: The report.
        path: File to write: ``.html`` (or ``.htm``), ``.json``, ``.txt``, or ``.csv`` for a row for each turn.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
    """
    return _save(path, _voice_makers(report))


def save_scenario_report(report: ScenarioReport, path: str | os.PathLike[str]) -> Path:
    """Write a scenario's report in the format that the file's ending names.

    Args:
        report: The report.
        path: File to write: ``.html`` (or ``.htm``), ``.json``, ``.txt``, or ``.csv`` or ``.parquet`` for a table.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
        MissingExtraError: Parquet is asked for and pyarrow is not installed.
    """
    return _save(path, _scenario_makers(report))


def save_session_report(report: SessionReport, path: str | os.PathLike[str]) -> Path:
    """Write the report of a session in the format that the file's ending names.

    Args:
        report: The report.
        path: File to write: ``.html`` (or ``.htm``), ``.json``, ``.txt``, or ``.csv`` or ``.parquet`` for a table.

    Returns:
        The file.

    Raises:
        SettingsError: The ending is not known, or the file cannot be written.
        MissingExtraError: Parquet is asked for and pyarrow is not installed.
    """
    return _save(path, _session_makers(report))


def _save(path: str | os.PathLike[str], makers: Mapping[str, Callable[[], Made]]) -> Path:
    try:
        file = Path(os.fsdecode(path))
    except TypeError as error:
        kind = type(path).__name__
        raise SettingsError(f"A file to save to must be a path, not {kind}.", hint="report.html") from error
    make = makers.get(file.suffix.lower())
    if make is None:
        known = ", ".join(makers)
        raise SettingsError(f"'{file.name}' does not say in which format to save.", hint=f"Let it end with {known}.")
    check_writable(file)
    _write(file, make())
    return file


def _clip_makers(report: ClipReport, pictures: Mapping[str, bytes]) -> dict[str, Callable[[], str]]:
    from ferce_agent.views.clip_page import to_clip_html
    from ferce_agent.views.clip_tables import episodes_csv
    from ferce_agent.views.clip_text import to_clip_text

    def page() -> str:
        return to_clip_html(report, pictures)

    makers: tuple[Callable[[], str], ...] = (
        page,
        page,
        lambda: report.model_dump_json(indent=2) + "\n",
        lambda: to_clip_text(report),
        lambda: episodes_csv(report),
    )
    return dict(zip(CLIP_ENDINGS, makers, strict=True))


def _voice_makers(report: VoiceReport) -> dict[str, Callable[[], str]]:
    from ferce_agent.views.voice_page import voice_html
    from ferce_agent.views.voice_tables import turns_csv
    from ferce_agent.views.voice_text import voice_text

    makers: tuple[Callable[[], str], ...] = (
        lambda: voice_html(report),
        lambda: voice_html(report),
        lambda: report.model_dump_json(indent=2) + "\n",
        lambda: voice_text(report),
        lambda: turns_csv(report.speech),
    )
    return dict(zip(CLIP_ENDINGS, makers, strict=True))


def scenario_endings() -> tuple[str, ...]:
    """Return the endings of files that a scenario's report can be saved to, to be checked before a run."""
    return tuple(_scenario_makers(cast("ScenarioReport", None)))  # nothing is made, the formats are only named


def _scenario_makers(report: ScenarioReport) -> dict[str, Callable[[], Made]]:
    from ferce_agent.views.scenario_page import scenario_html
    from ferce_agent.views.scenario_tables import scenario_csv, scenario_parquet
    from ferce_agent.views.scenario_text import scenario_text

    return {
        ".html": lambda: scenario_html(report),
        ".htm": lambda: scenario_html(report),
        ".json": lambda: report.model_dump_json(indent=2) + "\n",
        ".txt": lambda: scenario_text(report),
        ".csv": lambda: scenario_csv(report),
        ".parquet": lambda: scenario_parquet(report),
    }


def session_endings() -> tuple[str, ...]:
    """Return the endings of files that a session's report can be saved to, to be checked before it is made."""
    return tuple(_session_makers(cast("SessionReport", None)))  # nothing is made, the formats are only named


def _session_makers(report: SessionReport) -> dict[str, Callable[[], Made]]:
    from ferce_agent.views.session_page import session_html
    from ferce_agent.views.session_tables import session_csv, session_parquet
    from ferce_agent.views.session_text import session_text

    return {
        ".html": lambda: session_html(report),
        ".htm": lambda: session_html(report),
        ".json": lambda: report.model_dump_json(indent=2) + "\n",
        ".txt": lambda: session_text(report),
        ".csv": lambda: session_csv(report),
        ".parquet": lambda: session_parquet(report),
    }


def _makers(report: EmotionReport, picture: ImageSource | Picture | None) -> dict[str, Callable[[], str]]:
    from ferce_agent.views.emotionml import to_emotionml
    from ferce_agent.views.html import to_html
    from ferce_agent.views.tables import to_csv
    from ferce_agent.views.text import to_text

    def page() -> str:
        return to_html(report, None if picture is None else _pixels(picture))

    makers: tuple[Callable[[], str], ...] = (
        page,
        page,
        lambda: report.model_dump_json(indent=2) + "\n",
        lambda: to_text(report),
        lambda: to_csv(report),
        lambda: to_emotionml(report),
        lambda: to_emotionml(report),
    )
    return dict(zip(ENDINGS, makers, strict=True))


def _pixels(picture: ImageSource | Picture) -> NDArray[np.uint8]:
    from ferce_agent.inputs.photo import Picture, load_picture

    return (picture if isinstance(picture, Picture) else load_picture(picture)).pixels
