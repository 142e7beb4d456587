"""What a batch reads: items of files, folders, patterns, lists, archives, tables and data sets, always in one order.

Nothing is kept of them but names: of a folder at a time, and of a list.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Final

from ferce_agent.batch.items import Held, Item, Kind, WholeFile
from ferce_agent.batch.kinds import KINDS, NOT_FOUND, endings_told, kind_by_ending, kind_of_file
from ferce_agent.batch.left_out import HIDDEN, LINKED, OWN, LeftOut, OwnFolder
from ferce_agent.batch.source_dataset import STREAMED, is_saved, saved_items, stream_items, streamed
from ferce_agent.batch.source_parquet import PARQUET_ENDINGS, parquet_items
from ferce_agent.batch.source_tar import TAR_ENDINGS, tar_items
from ferce_agent.errors import DataError, ImageNotFoundError

RANGE: Final = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""A range of numbers in a name, as WebDataset writes shards: ``shard-{0000..0009}.tar``."""
MOST_NAMES: Final = 1_000_000
"""Most names that ranges stand for."""


def items_of(  # noqa: PLR0913  # each chooses something else
    sources: Sequence[str],
    kinds: Sequence[Kind] = KINDS,
    *,
    out: Path | None = None,
    column: str | None = None,
    split: str | None = None,
    revisions: Mapping[str, str] | None = None,
    left: LeftOut | None = None,
) -> Iterator[Item]:
    """Yield the items of sources.

    A folder gives the photos, clips and voices below it, sorted by name, without hidden ones. What they are is told by
    their endings; where these do not say so, by their content. ``photos/**/*.jpg`` gives what is named so,
    ``shard-{0000..0009}.tar`` ten archives, ``@list.txt`` the files that a text names, one a line (``@-``: standard
    input). A tar archive gives what is in it, a Parquet file what its column of encoded bytes holds, as does a data set
    that `save_to_disk` wrote, or one that is streamed, ``hf:OWNER/NAME:SPLIT``. What is wrong with a part of them is an
    item with trouble.

    Args:
        sources: What is named. Names of items are relative to their source; where there are several sources, with its
            name in front.
        kinds: Which kinds are read. What does not say what it is, as in Parquet files, counts as the first of them.
        out: The folder that the batch writes to; what lies in it is left out.
        column: The column of pictures in Parquet files and data sets; None for the one that can be it.
        split: The split of data sets; None for all.
        revisions: The commits of streamed sources that are read, by source; the newest of others.
        left: Counts what is left out.

    Raises:
        ImageNotFoundError: A source is not there, nothing is named as a pattern says, or there is nothing to read.
        DataError: A range stands for too many names, or a file or data set has no column of pictures.
    """
    search = _Search(OwnFolder(out), column, split, revisions or {}, LeftOut() if left is None else left, kinds)
    for source in sources:
        _check(source)
    any_ = False
    for source, front in zip(sources, _fronts(sources), strict=True):
        for item in search.items(source):
            any_ = True
            name = "/".join(filter(None, (front, item.source)))
            # A name that is no Unicode could stand in no table.
            shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
            yield replace(item, source=shown, kind=item.kind if item.kind in kinds else kinds[0])
    if not any_ and search.left.counts:
        raise ImageNotFoundError(f"There is nothing to read. Left out: {search.left.told()}.", hint=endings_told(kinds))


def range_names(pattern: str) -> Iterator[str]:
    """Yield the names that the ranges in a pattern stand for, the last range counting fastest.

    Numbers have as many digits as the first end of their range; a range whose second end is smaller counts down.

    Raises:
        DataError: They are more than a million.
    """
    parts = RANGE.split(pattern)
    texts, ends = parts[::3], list(zip(parts[1::3], parts[2::3], strict=True))
    count = 1
    for first, last in ends:
        count *= abs(int(last) - int(first)) + 1
        if count > MOST_NAMES:
            raise DataError(
                f"The ranges in '{pattern[:80]}' stand for more than {MOST_NAMES:,} names.", hint="Name fewer."
            )
    for numbers in product(*(_numbers(first, last) for first, last in ends)):
        yield texts[0] + "".join(map("".join, zip(numbers, texts[1:], strict=True)))


def _numbers(first: str, last: str) -> list[str]:
    step = 1 if int(last) >= int(first) else -1
    return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + step, step)]


def unique(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items with names of which no two are the same: the second ``a.jpg`` is called ``a.jpg#2``."""
    seen: dict[str, int] = {}
    for item in items:
        name, number = item.source, seen.get(item.source, 0)
        while name in seen:
            number += 1
            name = f"{item.source}#{max(number, 2)}"
        seen[item.source] = max(number, 1)
        seen.setdefault(name, 1)
        yield item if name == item.source else replace(item, source=name)


def _check(source: str) -> None:
    """Raise an error for a source that is not there."""
    if source == "@-":
        return
    if _is_streamed(source):
        streamed(source)
        return
    path = Path(source.removeprefix("@") if _is_list(source) else source).expanduser()
    if path.exists():
        return
    if not _is_list(source) and RANGE.search(source):
        next(range_names(source))
        return
    if not _is_list(source) and glob.has_magic(source):
        if next(_named(source), None) is None:
            raise ImageNotFoundError(
                f"Nothing is named {source}.", hint="Check the pattern; ** stands for any folders."
            )
        return
    raise ImageNotFoundError(f"{source} is not there.", hint="Name a file, or a folder with photos, clips or voices.")


def _is_list(source: str) -> bool:
    return source.startswith("@") and len(source) > 1 and not Path(source).exists()


def _is_streamed(source: str) -> bool:
    return source.startswith(STREAMED) and not Path(source).exists()


def _fronts(sources: Sequence[str]) -> list[str]:
    """Return what stands before the names of each source's items, so that no two are the same."""
    if len(sources) == 1:
        return [""]
    names = [_front(source) for source in sources]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{number}-{name}" for number, name in enumerate(names, 1)]


def _front(source: str) -> str:
    if source == "@-":
        return "stdin"
    if _is_streamed(source):
        return Path(streamed(source).name).resolve().name
    path = Path(source.removeprefix("@") if _is_list(source) else source).expanduser()
    if not path.exists() and glob.has_magic(source):
        path = _fixed(source)
    return path.resolve().name


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for items.

    Attributes:
        own: The folder that the batch writes to.
        column: The column of pictures in Parquet files and data sets; None for the one that can be it.
        split: The split of data sets; None for all.
        revisions: The commits of streamed sources that are read, by source; the newest of others.
        left: Counts what is left out.
        kinds: Which kinds are read.
    """

    own: OwnFolder
    column: str | None
    split: str | None
    revisions: Mapping[str, str]
    left: LeftOut
    kinds: Sequence[Kind]

    def items(self, source: str) -> Iterator[Item]:
        """Yield the items of a source."""
        path = Path(source).expanduser()
        if _is_list(source):
            yield from unique(self._listed(source[1:]))
        elif _is_streamed(source):
            yield from stream_items(source, self.revisions.get(source), self.column, self.split)
        elif path.is_dir() and is_saved(path):
            yield from saved_items(path, self.column, self.split)
        elif path.is_dir():
            yield from self._in_folder(path)
        elif path.exists():
            yield from self._inside(path, "", path.name)
        elif RANGE.search(source):
            for name in range_names(source):
                yield from self._found_or_told(Path(name).expanduser())
        else:
            fixed = _fixed(source)
            for found in _named(source):
                name = found.relative_to(fixed).as_posix()
                yield from self._inside(found, f"{name}/", name)

    def _in_folder(self, folder: Path) -> Iterator[Item]:
        """Yield what lies below a folder.

        Raises:
            ImageNotFoundError: There is none.
        """
        before, any_ = Counter(self.left.counts), False
        for name, kind in self._files(folder):
            any_ = True
            yield Item(name, kind, WholeFile(str(folder / name)))
        if not any_:
            holds = LeftOut(self.left.counts - before).told()
            raise ImageNotFoundError(
                f"The folder '{folder.name or folder}' holds nothing to read; it holds {holds or 'nothing'}.",
                hint=endings_told(self.kinds),
            )

    def _files(self, folder: Path) -> Iterator[tuple[str, Kind]]:
        for place, folders, files in os.walk(folder):
            inside = Path(place)
            if self.own.has_folder(inside):
                folders.clear()
                if inside == folder and files:  # that it lies below what is named is usual
                    self.left.counts[OWN] += len(files)
                continue
            folders[:] = sorted(name for name in folders if self._goes_into(inside, name))
            inner = inside.relative_to(folder)
            for name in sorted(files):
                kind = kind_by_ending(name)
                if not name.startswith(".") and kind in self.kinds and kind is not None:
                    yield (inner / name).as_posix(), kind
                else:
                    self.left.add_file(name)

    def _goes_into(self, place: Path, name: str) -> bool:
        if name.startswith("."):
            self.left.add(HIDDEN)
            return False
        if (place / name).is_symlink():
            self.left.add(LINKED)
        return True

    def _found_or_told(self, path: Path) -> Iterator[Item]:
        if path.is_file():
            yield from self._inside(path, f"{path.name}/", path.name)
        else:
            yield from self._missing(path.name)

    def _inside(self, path: Path, front: str, name: str) -> Iterator[Item]:
        """Yield the items of a file: those within it with a front, or itself by its name."""
        lower = path.name.lower()
        if self.own.has_file(path):
            self.left.add(OWN)
            return
        if lower.endswith(TAR_ENDINGS):
            inner: Iterable[Item] = unique(tar_items(path, self.left, self.kinds))
        elif lower.endswith(PARQUET_ENDINGS):
            inner = parquet_items(path, self.column)
        else:
            yield from self._file(path, name)
            return
        for item in inner:
            yield replace(item, source=f"{front}{item.source}")

    def _file(self, path: Path, name: str) -> Iterator[Item]:
        """Yield the item of a file; one of which nobody knows what it is counts as the first kind."""
        kind = kind_of_file(path) or self.kinds[0]
        if kind in self.kinds:
            yield Item(name, kind, WholeFile(str(path)))
        else:
            self.left.add_file(path.name)

    def _listed(self, name: str) -> Iterator[Item]:
        """Yield the files that a list names, one a line; empty lines are passed over."""
        opening = (
            nullcontext(sys.stdin)
            if name == "-"
            else Path(name).expanduser().open(encoding="utf-8", errors="surrogateescape")
        )
        with opening as lines:
            for line in lines:
                if given := line.rstrip("\r\n").removeprefix("\ufeff"):
                    path = Path(given).expanduser()
                    shown = PurePosixPath(path.as_posix()).as_posix()
                    if self.own.has_file(path):
                        self.left.add(OWN)
                    elif path.is_file():
                        yield from self._file(path, shown)
                    else:
                        yield from self._missing(shown)

    def _missing(self, name: str) -> Iterator[Item]:
        """Yield the item of a file that is named and not there; none for one of a kind that is not read."""
        kind = kind_by_ending(name) or self.kinds[0]
        if kind in self.kinds:
            error = NOT_FOUND[kind](f"'{PurePosixPath(name).name[:80]}' is not a file that can be read.")
            yield Item(name, kind, Held(b""), (error.code, str(error)))
        else:
            self.left.add_file(PurePosixPath(name).name)


def _fixed(pattern: str) -> Path:
    """Return the folders of a pattern before the first part that stands for several names."""
    path = Path(pattern).expanduser()
    fixed = [*path.parts]
    first = next((at for at, part in enumerate(fixed) if glob.has_magic(part)), len(fixed) - 1)
    return Path(*fixed[:first])


def _named(pattern: str) -> Iterator[Path]:
    """Yield the files that a pattern names, sorted; hidden ones only where it says so."""
    full = str(Path(pattern).expanduser())
    wanted = (Path(found) for found in sorted(glob.iglob(full, recursive=True)))  # noqa: PTH207  # it leaves hidden ones out
    return (path for path in wanted if path.is_file())
