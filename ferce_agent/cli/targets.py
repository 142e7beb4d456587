"""Which files `ferce analyze` writes for which photo: settled, and checked, before any model runs."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

LONGEST: Final = 120
"""Bytes of a name taken over from a photo; file systems allow 255, and an ending comes behind."""
UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
"""Characters that a file name cannot hold on every system."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The files to write for one photo; None for what was not asked for."""

    html: Path | None = None
    emotionml: Path | None = None


def plan_targets(photos: Sequence[str], html: Path | None, emotionml: Path | None, table: Path | None) -> list[Targets]:
    """Return the files for each photo.

    {stem} in a pattern stands for the photo's name without its ending. Photos of one name get their folder's name in
    front of it, or else a number behind it; names that differ in upper and lower case only count as one.

    Raises:
        UsageError: Several photos need {stem}; two files to write are the same; or one of them is an input.
        SettingsError: A file cannot be written there.
    """
    stems = unique_stems(photos)
    for option, pattern in (("--html", html), ("--emotionml", emotionml)):
        if pattern is not None and len(photos) > 1 and "{stem}" not in str(pattern):
            raise click.UsageError(f"With several photos, {option} needs {{stem}} in the file name.")
    plans = [Targets(_filled(html, stem), _filled(emotionml, stem)) for stem in stems]
    files = [file for plan in plans for file in (plan.html, plan.emotionml) if file] + ([table] if table else [])
    check_files(files, photos)
    return plans


def check_files(files: Sequence[Path], inputs: Sequence[str]) -> None:
    """Check that files can be written, differ from each other, and are none of the inputs.

    Raises:
        UsageError: Two of them are the same; or one of them is an input.
        SettingsError: A file cannot be written there.
    """
    from ferce_agent.views.saving import check_writable

    _check_distinct(files, inputs)
    for file in files:
        if not _is_device(file):
            check_writable(file)


def stem_of(photo: str) -> str:
    """Return a short name for a photo argument that every file system takes."""
    if photo == "-" or photo.startswith("data:"):
        return "photo"
    name = UNSAFE.sub("_", Path(photo).stem).encode("utf-8", "surrogateescape")[:LONGEST]
    # A character cut in two is dropped, but bytes that never were UTF-8 stay as they are.
    return name.decode("utf-8", "surrogateescape" if len(name) < LONGEST else "ignore").strip(" .") or "photo"


def unique_stems(photos: Sequence[str]) -> list[str]:
    """Return one name a photo; no two are the same, not even where case and accents' encoding do not count."""
    stems = [stem_of(photo) for photo in photos]
    longer = [_with_folder(photo, stem) for photo, stem in zip(photos, stems, strict=True)]
    # The folder's name helps only where photos of this name lie in different folders.
    variety: dict[str, set[str]] = {}
    for stem, long in zip(stems, longer, strict=True):
        variety.setdefault(_folded(stem), set()).add(_folded(long))
    wanted = [long if len(variety[_folded(stem)]) > 1 else stem for stem, long in zip(stems, longer, strict=True)]
    # Names that only one photo wants are its own; the others take the first number that is free.
    count = Counter(map(_folded, wanted))
    taken = {name for name, times in count.items() if times == 1}
    return [stem if count[_folded(stem)] == 1 else _numbered(stem, taken) for stem in wanted]


def _with_folder(photo: str, stem: str) -> str:
    if photo == "-" or photo.startswith("data:"):
        return stem
    folder = UNSAFE.sub("_", Path(photo).absolute().parent.name)
    return f"{folder}-{stem}" if folder and len(folder.encode("utf-8", "surrogateescape")) <= LONGEST // 2 else stem


def _numbered(stem: str, taken: set[str]) -> str:
    number, name = 1, stem
    while _folded(name) in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(_folded(name))
    return name


def _folded(name: str) -> str:
    """Return a name in the form in which file systems that ignore case compare it."""
    return unicodedata.normalize("NFC", name).casefold()


def _filled(pattern: Path | None, stem: str) -> Path | None:
    return Path(str(pattern).replace("{stem}", stem)) if pattern is not None else None


def _place(path: Path) -> str:
    return _folded(str(path.resolve()))


def _check_distinct(files: Sequence[Path], photos: Sequence[str]) -> None:
    inputs = {_place(Path(photo)): photo for photo in photos if photo != "-" and _may_be_file(photo)}
    seen: dict[str, Path] = {}
    for file in files:
        place = _place(file)
        if place in inputs:
            raise click.UsageError(f"{file} is to be read; writing to it would destroy it.")
        if place in seen and not _is_device(file):
            raise click.UsageError(f"{file} would be written twice: choose different files, or use {{stem}}.")
        seen[place] = file


def _may_be_file(photo: str) -> bool:
    return not photo.startswith("data:") and len(photo) < 4096 and "\x00" not in photo


def _is_device(file: Path) -> bool:
    """Return whether a file is a device or a pipe, which is written to as it is."""
    try:
        return file.exists() and not file.is_file() and not file.is_dir()
    except (OSError, ValueError):
        return False
