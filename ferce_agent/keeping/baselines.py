"""Baselines that are kept: sealed, each under a name that its owner chose, and read by that name or from a file.

The name of the file tells the baseline's name, and its size and date are those of any file; all else is sealed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ferce_agent.errors import DataError, SettingsError
from ferce_agent.keeping.files import remove, write_private
from ferce_agent.keeping.places import kept_folder, private_folder
from ferce_agent.keeping.sealed import HEADER_BYTES, SealKind, seal_of, sealed_with
from ferce_agent.report.baseline import BASELINE_VERSION, Baseline
from ferce_agent.validation.fields import shown

FOLDER: Final = "baselines"
"""Folder within the one for what is kept."""
NAME: Final = re.compile(r"[^\W_][\w-]{0,39}")
"""What a name may be: 40 letters, digits, - and _; nothing that is a path anywhere."""
PREFIX: Final = "baseline-"
"""Before the name in a file's name, so that no name is one that a system keeps for itself, such as ``nul``."""
SUFFIX: Final = ".sealed"
MOST_BYTES: Final = 1 << 20
"""A file larger than this is no baseline: one has about ten thousand bytes."""
MAKE: Final = "Make one: ferce baseline build calm.jpg --name NAME; in Python build_baseline and save_baseline."


BaselineLike = Baseline | str | os.PathLike[str]
"""A baseline, or where to find one: the name of one that is kept, or the path of a plain JSON file."""


@dataclass(frozen=True, slots=True)
class KeptBaseline:
    """A baseline that is kept, as it can be told without opening it.

    Attributes:
        name: Its name.
        kept_at: When it was kept, in UTC.
        bytes: Size of its file.
        sealed: Where the key comes from; None where the file is no sealed one, or cannot be read.
    """

    name: str
    kept_at: datetime
    bytes: int
    sealed: SealKind | None


def checked_name(name: str) -> str:
    """Return a name as it is kept: in small letters, so that it is the same on systems that do not tell them apart.

    Raises:
        SettingsError: It is empty or too long, or holds something else than letters, digits, - and _.
    """
    given = unicodedata.normalize("NFC", name.strip()).lower() if isinstance(name, str) else ""
    if not NAME.fullmatch(given):
        raise SettingsError(
            f"{shown(name)} cannot be the name of a baseline.",
            hint="It takes up to 40 letters, digits, - and _, and begins with a letter or digit.",
        )
    return given


def read_baseline(given: BaselineLike | None) -> Baseline | None:
    """Return the baseline that is meant; None where none is given.

    Raises:
        DataError: There is none of this name, it cannot be opened with the key at hand, or is damaged.
        SettingsError: It is neither a baseline nor a name or path of one, or the passphrase is wrong.
    """
    return given if given is None or isinstance(given, Baseline) else load_baseline(given)


def load_baseline(name_or_path: str | os.PathLike[str], *, folder: Path | None = None) -> Baseline:
    """Return a baseline that is kept, or that lies in a plain JSON file.

    Args:
        name_or_path: Its name; or a file: a `Path`, a text with a slash in it, or one that ends with ``.json``.
        folder: Where it is kept; the usual place if left out.

    Raises:
        DataError: There is none of this name, it cannot be opened with the key at hand, or is damaged.
        SettingsError: The name is none, or the passphrase is wrong.
    """
    if _is_path(name_or_path):
        return _plain(Path(name_or_path))
    file = _file(checked_name(os.fspath(name_or_path)), folder)
    if not file.is_file():
        raise missing(name_or_path)
    what = f"The baseline {shown(name_or_path)}"
    sealed = _bytes_of(file, what)
    try:
        plain = seal_of(_place(folder), make=False).open(sealed)
    except DataError as error:
        raise DataError(f"{what} cannot be opened. {error.message}", hint=error.hint) from error
    return _parsed(plain, what)


def save_baseline(baseline: Baseline, name: str, *, folder: Path | None = None, replace: bool = False) -> KeptBaseline:
    """Keep a baseline under a name, sealed.

    Args:
        baseline: What to keep.
        name: Its name.
        folder: Where; the usual place if left out.
        replace: Whether it may take the place of one of the same name.

    Raises:
        SettingsError: The name is none or taken, the folder cannot be used, or the passphrase is wrong.
    """
    name, place = checked_name(name), _place(folder)
    file = _file(name, place)
    seal = seal_of(place)
    private_folder(file.parent)
    if not write_private(file, seal.close(baseline.model_dump_json().encode()), replace=replace):
        raise taken(name)
    kept = _told(file)
    if kept is None:
        raise SettingsError(f"The baseline {shown(name)} was deleted while it was being kept.", hint="Keep it again.")
    return kept


def write_plain(baseline: Baseline, file: Path) -> None:
    """Write a baseline as plain JSON, unsealed: only this account can read the file, and whoever it is given to.

    Raises:
        SettingsError: The name does not end with .json, by which such a file is known, or it cannot be written.
    """
    check_plain_name(file)
    try:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder of {file} cannot be made: {error.strerror or error}.") from error
    write_private(file, (baseline.model_dump_json(indent=2) + "\n").encode())


def check_plain_name(file: Path) -> None:
    """Check the name of a plain file of a baseline.

    Raises:
        SettingsError: It does not end with .json, by which such a file is known.
    """
    if file.suffix.lower() != ".json":
        raise SettingsError(f"{file.name} must end with .json.", hint="For example anna.json")


def check_free(name: str, *, folder: Path | None = None) -> None:
    """Check that no baseline has this name yet, before the work of making one.

    Raises:
        SettingsError: The name is none, or taken.
    """
    if _file(checked_name(name), folder).exists():
        raise taken(name)


def taken(name: str) -> SettingsError:
    """Return the error of a name that another baseline has."""
    hint = "Give another name, or replace it: --replace; in Python replace=True."
    return SettingsError(f"There is a baseline {shown(name)} already.", hint=hint)


def missing(name: str | os.PathLike[str]) -> DataError:
    """Return the error of a name that no baseline has; it tells no others, which may be names of people."""
    return DataError(f"There is no baseline {shown(name)}.", hint=MAKE)


def list_baselines(folder: Path | None = None) -> tuple[KeptBaseline, ...]:
    """Return what is kept by name; nothing is opened, and no passphrase is needed.

    Raises:
        SettingsError: The folder cannot be read.
    """
    place = _place(folder) / FOLDER
    try:
        found = sorted(one.name for one in place.iterdir())
    except FileNotFoundError:  # nothing was ever kept
        return ()
    except OSError as error:
        raise SettingsError(f"What is kept cannot be listed: {error.strerror or error}.") from error
    named = [file for file in found if file.startswith(PREFIX) and file.endswith(SUFFIX)]
    told = [_told(place / file) for file in named if NAME.fullmatch(_name_of(file))]
    return tuple(one for one in told if one is not None)


def delete_baseline(name: str, *, folder: Path | None = None) -> None:
    """Delete a baseline; its file is gone then, and what an interrupted writing of it may have left.

    Raises:
        DataError: There is none of this name.
        SettingsError: The name is none, or the file cannot be deleted.
    """
    if not remove(_file(checked_name(name), folder)):
        raise missing(name)


def _place(folder: Path | None) -> Path:
    return kept_folder() if folder is None else folder


def _file(name: str, folder: Path | None) -> Path:
    return _place(folder) / FOLDER / f"{PREFIX}{name}{SUFFIX}"


def _is_path(given: str | os.PathLike[str]) -> bool:
    if not isinstance(given, str | os.PathLike):
        raise SettingsError(
            f"A baseline must be a Baseline, or the name or path of one, not {type(given).__name__}.", hint=MAKE
        )
    text = os.fspath(given)
    return not isinstance(given, str) or bool(set(text) & {"/", "\\"}) or text.lower().endswith(".json")


def _name_of(file: str) -> str:
    """Return the baseline's name by that of its file, which some systems write with accents of their own."""
    return unicodedata.normalize("NFC", file.removeprefix(PREFIX).removesuffix(SUFFIX))


def _told(file: Path) -> KeptBaseline | None:
    """Return what can be told of a file; None where it is none, or has just been deleted."""
    try:
        about = file.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    beginning = b""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        beginning = opened.read(HEADER_BYTES)
    kept_at = datetime.fromtimestamp(about.st_mtime, UTC)
    return KeptBaseline(_name_of(file.name), kept_at, about.st_size, sealed_with(beginning))


def _plain(path: Path) -> Baseline:
    try:
        file = path.expanduser()
    except RuntimeError:  # no such user
        file = path
    return _parsed(_bytes_of(file, f"The file {file.name}"), f"The file {file.name}")


def _bytes_of(file: Path, what: str) -> bytes:
    try:
        if not file.is_file():
            raise DataError(f"{what} is not there, or is no file.", hint=MAKE)
        with file.open("rb") as opened:
            found = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{what} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if len(found) > MOST_BYTES:
        raise DataError(f"{what} is no baseline: it has more than a million bytes.", hint=MAKE)
    return found


def _parsed(plain: bytes, what: str) -> Baseline:
    try:
        return Baseline.model_validate_json(plain)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(one) for one in found["loc"]) or "the whole"
        raise DataError(
            f"{what} is no baseline of version {BASELINE_VERSION}, or is damaged ({place}: {found['msg']}).", hint=MAKE
        ) from error
