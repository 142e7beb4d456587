"""Running a batch: items into chunks and shards, shards to an executor, and what comes back to the disk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, Final, cast

from ferce_agent.batch.columns import VERSION, import_arrow
from ferce_agent.batch.executor import Executor, ReadChunk
from ferce_agent.batch.items import Chunk, Held, Item, Kind
from ferce_agent.batch.journal import (
    FORMAT,
    DoneShard,
    Journal,
    check_same,
    digest_of,
    done_shards,
    known_manifest,
    opened,
)
from ferce_agent.batch.kinds import KINDS, WEIGHT
from ferce_agent.batch.left_out import LeftOut
from ferce_agent.batch.processes import ProcessExecutor
from ferce_agent.batch.sinks import write_shard
from ferce_agent.batch.source_dataset import STREAMED, revisions_of
from ferce_agent.batch.sources import items_of
from ferce_agent.batch.work import BatchWork
from ferce_agent.errors import SettingsError
from ferce_agent.graphs.engines import Engines
from ferce_agent.policy.use import UseLike, read_use
from ferce_agent.report import Engine
from ferce_agent.settings import Settings

MOST_HELD: Final = 256 * 2**20
"""Bytes of items that come from a stream which a shard holds at most; it is smaller then."""
UNCOUNTED: Final = ("@-", STREAMED)
"""How sources begin that can be read once only, or from the network."""
NOT_TOLD: Final = ("threads",)
"""Settings that do not change what is read."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What is read, and how.

    Attributes:
        sources: What `batch.sources.items_of` takes.
        kinds: Which kinds are read.
        reports: Whether whole reports are written too.
        shard_size: Photos in a shard, which is written as a whole and read again as a whole after a kill. A clip
            counts for 64 of them, a voice message for 16 (`batch.kinds.WEIGHT`).
        chunk_size: Photos that a worker reads in one go, counted so too.
        limit: Most items; None for all.
        settings: What can be chosen.
        use: What the reports are used for.
        together: With a vision-language model: so many photos of a worker wait for its answers at the same time.
        column: The column of pictures, where a source has columns; None for the one that can be it.
        split: The split of data sets; None for all.
        revisions: The commits of streamed data sets, by source; `run_batch` finds out those that are not there.
        frames: Whether a table of what each face of a clip shows in each frame is written too.
    """

    sources: Sequence[str]
    kinds: Sequence[Kind] = KINDS
    reports: bool = False
    shard_size: int = 1024
    chunk_size: int = 64
    limit: int | None = None
    settings: Settings = field(default_factory=Settings)
    use: UseLike | None = None
    together: int = 1
    column: str | None = None
    split: str | None = None
    revisions: Mapping[str, str] = field(default_factory=dict)
    frames: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: One is too small.
        """
        for name in ("shard_size", "chunk_size", "together", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name} is {value}.", hint="Give 1 or more.")
        if not self.kinds or any(kind not in KINDS for kind in self.kinds):
            raise SettingsError(f"The kinds {list(self.kinds)} make no sense.", hint=f"Kinds are {', '.join(KINDS)}.")
        if self.frames and "clip" not in self.kinds:
            raise SettingsError("Frames are those of clips, which are not read.", hint="Read clips too.")
        if not self.sources:
            raise SettingsError("A batch needs something to read.", hint="Name a folder.")

    def items(self, out: Path | None = None, left: LeftOut | None = None) -> Iterator[Item]:
        """Yield what is read, at most as many as the limit says.

        Args:
            out: The folder that the batch writes to, which is not read.
            left: Counts what is left out.
        """
        found = items_of(
            self.sources,
            self.kinds,
            out=out,
            column=self.column,
            split=self.split,
            revisions=self.revisions,
            left=left,
        )
        return islice(found, self.limit)


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is.

    Attributes:
        items: Items that are read, those of shards that were done before too.
        before: Items that were done before this run.
        failed: Items that could not be read.
        shards: Shards that are written.
        seconds: Wall-clock seconds since this run began to read.
        left_out: What the sources hold beside it, in words; empty if nothing, or as long as the batch goes on.
        reading: Clips and voices that workers read or read next, a text for each chunk, the longest begun first.
    """

    items: int = 0
    before: int = 0
    failed: int = 0
    shards: int = 0
    seconds: float = 0.0
    left_out: str = ""
    reading: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Items a second in this run; 0 where nothing was read."""
        return (self.items - self.before) / self.seconds if self.seconds else 0.0


OnProgress = Callable[[BatchProgress], None]


def run_batch(
    plan: BatchPlan, out: Path, executor: Executor | None = None, on_progress: OnProgress | None = None
) -> BatchProgress:
    """Read a batch into a folder, or go on with one that was begun there; return how it ended.

    The folder gets ``faces/part-00000.parquet`` and so on, a file a shard and table, ``reports/part-00000.jsonl`` where
    they are wanted, a manifest and a journal. All of a shard's files are on the disk before the journal says so; the
    bytes of the tables do not depend on the executor or on kills. A script that calls this needs
    ``if __name__ == "__main__":``, for workers are processes that import it.

    Args:
        plan: What is read, and how.
        out: The folder.
        executor: What reads; two processes of this machine if there is none.
        on_progress: Called after each chunk.

    Raises:
        BatchError: The folder holds another batch, or the inputs changed since it was begun.
        SettingsError: An option makes no sense, or the folder cannot be written to.
        PolicyError: The rules refuse the use.
        SetupError: A model or a package is missing.
        OSError: Writing fails, as where the disk is full.
    """
    import_arrow()
    known = known_manifest(out)
    plan = pinned(plan, known)
    manifest = manifest_of(plan)
    manifest |= _carried(known) if known else {"begun": datetime.now(UTC).isoformat(timespec="seconds")}
    stamp = manifest["begun"] if plan.reports else ""
    make = BatchWork(plan.settings, read_use(plan.use), stamp, plan.together, plan.frames)
    with opened(out, manifest) as journal:
        return _run(plan, make, journal, executor or ProcessExecutor(), on_progress or (lambda _: None))


@dataclass(frozen=True, slots=True)
class SeenAhead:
    """What a batch would read.

    Attributes:
        items: How many items.
        trouble: How many of them are known to be no good already.
        shards: In how many shards.
        done: How many of these are done.
        left_out: What the sources hold beside it, in words; empty if nothing.
        whole: Whether everything was looked at; where a source is streamed, only the first item was.
        kinds: How many items of each kind.
    """

    items: int
    trouble: int
    shards: int
    done: int
    left_out: str = ""
    whole: bool = True
    kinds: Mapping[Kind, int] = field(default_factory=dict)


def seen_ahead(plan: BatchPlan, out: Path) -> SeenAhead:
    """Return what a batch would read; nothing is read but names, and nothing is written.

    Of what is streamed the first item is read, to see whether that can be done.

    Raises:
        FerceError: The batch could not begin; see `run_batch`.
    """
    import_arrow()
    known = known_manifest(out)
    plan = pinned(plan, known)
    manifest = manifest_of(plan)
    begun = check_same(out, manifest | _carried(known) if known else manifest)
    left = LeftOut()
    done = done_shards(out) if begun else {}
    kinds: Counter[Kind] = Counter()
    trouble = shards = 0
    whole = not any(source.startswith(STREAMED) for source in plan.sources)
    for chunks in shards_of(islice(plan.items(out, left), None if whole else 1), plan.shard_size, plan.chunk_size):
        shards += 1
        kinds.update(item.kind for chunk in chunks for item in chunk.items)
        trouble += sum(item.trouble is not None for chunk in chunks for item in chunk.items)
    return SeenAhead(kinds.total(), trouble, shards, len(done), left.told(), whole, kinds)


def count_of(plan: BatchPlan, out: Path | None = None, left: LeftOut | None = None) -> int | None:
    """Return how many items there are, from their names; None where that takes the items themselves.

    Args:
        plan: What is read.
        out: The folder that the batch writes to, which is not read.
        left: Counts what is left out.

    Raises:
        FerceError: A source is not there, or there is nothing to read.
    """
    if any(source.startswith(UNCOUNTED) for source in plan.sources):
        return None
    return sum(1 for _ in plan.items(out, left))


def pinned(plan: BatchPlan, known: Mapping[str, Any] | None) -> BatchPlan:
    """Return a plan whose streamed data sets are read at one commit: that of the batch that was begun, or the newest.

    Raises:
        DataError: The hub cannot be asked.
        MissingExtraError: The package for data sets is not installed.
    """
    begun = known.get("revisions") if known and known.get("sources") == list(plan.sources) else None
    found = {**(begun if isinstance(begun, dict) else {}), **plan.revisions}
    open_ = [source for source in plan.sources if source.startswith(STREAMED) and source not in found]
    return replace(plan, revisions={**found, **(revisions_of(open_) if open_ else {})})


def _carried(known: dict[str, Any]) -> dict[str, Any]:
    """Return what a batch that goes on takes over from its manifest."""
    return {name: known[name] for name in ("begun", "left_out") if name in known}


def manifest_of(plan: BatchPlan) -> dict[str, Any]:
    """Return what makes a batch another one: what is read, by what, and how it is written.

    Raises:
        SettingsError: An option makes no sense.
        PolicyError: The rules refuse the use.
        SetupError: A model is missing.
    """
    engines = Engines(plan.settings, use=read_use(plan.use))
    engines.permit(None)
    engines.prepare_asking()
    used = engines.used(asked=engines.asker is not None)
    parts = (used.detector, used.gates, used.specialist, used.adapter, used.vlm, *_listening(plan))
    default = asdict(Settings())
    chosen = {name: value for name, value in asdict(plan.settings).items() if value != default[name]}
    return {
        "format": FORMAT,
        "package": used.package,
        "columns": VERSION,
        "sources": list(plan.sources),
        "kinds": list(plan.kinds),
        "column": plan.column,
        "split": plan.split,
        "revisions": dict(plan.revisions) or None,
        "limit": plan.limit,
        "reports": plan.reports,
        "frames": plan.frames or None,
        "shard_size": plan.shard_size,
        "settings": {name: str(value) for name, value in chosen.items() if name not in NOT_TOLD},
        "use": read_use(plan.use).told(),
        "engines": [part.model_dump(mode="json") for part in parts if part is not None],
    }


def _listening(plan: BatchPlan) -> tuple[Engine | None, ...]:
    """Return what listens to voices and to the sound of clips, where these are read."""
    if set(plan.kinds) == {"photo"}:
        return ()
    from ferce_agent.voice.listening import installed_scorer
    from ferce_agent.voice.model import installed_model

    model = installed_model()
    return installed_scorer()[1], None if model is None else model.card


def shards_of(items: Iterable[Item], shard_size: int, chunk_size: int) -> Iterator[list[Chunk]]:
    """Yield the chunks of each shard; a shard ends early where its items hold too many bytes themselves.

    Args:
        items: The items.
        shard_size: Most photos of a shard; other kinds count for more, see `batch.kinds.WEIGHT`.
        chunk_size: Most photos of a chunk, counted in the same way.
    """
    for number, group in enumerate(_parts(items, shard_size, MOST_HELD)):
        parts = list(_parts(group, chunk_size))
        yield [Chunk(number, at, len(parts), tuple(part)) for at, part in enumerate(parts)]


def _parts(items: Iterable[Item], size: int, most_held: float = inf) -> Iterator[list[Item]]:
    """Yield items in groups of at most a size, or of one item that exceeds it."""
    group, weight, held = list[Item](), 0, 0
    for item in items:
        if group and weight + WEIGHT[item.kind] > size:
            yield group
            group, weight, held = [], 0, 0
        group.append(item)
        weight += WEIGHT[item.kind]
        held += len(item.place.data) if isinstance(item.place, Held) else 0
        if weight >= size or held > most_held:
            yield group
            group, weight, held = [], 0, 0
    if group:
        yield group


def _run(
    plan: BatchPlan, make: BatchWork, journal: Journal, executor: Executor, on_progress: OnProgress
) -> BatchProgress:
    gathered = _Gathered(journal, on_progress)
    with closing(cast("Generator[ReadChunk]", executor.run(make, gathered.missing(plan)))) as results:
        for read in results:
            gathered.take(read)
    journal.tell_left_out(gathered.left.plain())
    return replace(gathered.progress, left_out=gathered.left.told())


class _Gathered:
    """Chunks of shards that are not complete yet."""

    def __init__(self, journal: Journal, on_progress: OnProgress) -> None:
        self.progress = BatchProgress()
        self.left = LeftOut()
        self._journal, self._on_progress = journal, on_progress
        self._began = time.monotonic()
        self._digests: dict[int, str] = {}
        self._chunks: dict[int, dict[int, ReadChunk]] = {}
        self._reading: dict[tuple[int, int], str] = {}

    def missing(self, plan: BatchPlan) -> Iterator[Chunk]:
        """Yield the chunks of the shards that are not done."""
        count = 0
        items = plan.items(self._journal.folder, self.left)
        for chunks in shards_of(items, plan.shard_size, plan.chunk_size):
            number, digest = chunks[0].shard, digest_of(chunks)
            count = number + 1
            if self._journal.has(number, digest):
                self._skip(self._journal.done[number])
                continue
            self._digests[number] = digest
            for chunk in chunks:
                self._begin(chunk)
                yield chunk
        self._journal.check_end(count)

    def _skip(self, shard: DoneShard) -> None:
        now = self.progress
        self.progress = replace(
            now,
            items=now.items + shard.items,
            before=now.before + shard.items,
            failed=now.failed + shard.failed,
            shards=now.shards + 1,
        )
        self._on_progress(self.progress)

    def _begin(self, chunk: Chunk) -> None:
        """Tell that clips and voices, which take long, are about to be read."""
        names = [item.source for item in chunk.items if item.kind != "photo" and item.trouble is None]
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            self._reading[chunk.shard, chunk.number] = f"{names[0]}{more}"
            self.progress = replace(self.progress, reading=tuple(self._reading.values()))
            self._on_progress(self.progress)

    def take(self, read: ReadChunk) -> None:
        """Keep a chunk, and write its shard once it is complete."""
        self._reading.pop((read.shard, read.number), None)
        chunks = self._chunks.setdefault(read.shard, {})
        chunks[read.number] = read
        whole = len(chunks) == read.of
        if whole:
            self._write(read.shard, [chunks[number] for number in range(read.of)])
            del self._chunks[read.shard]
        now = self.progress
        self.progress = replace(
            now,
            items=now.items + read.items,
            failed=now.failed + read.failed,
            shards=now.shards + whole,
            seconds=time.monotonic() - self._began,
            reading=tuple(self._reading.values()),
        )
        self._on_progress(self.progress)

    def _write(self, number: int, chunks: Sequence[ReadChunk]) -> None:
        files = write_shard(self._journal.folder, number, chunks)
        items, failed = sum(one.items for one in chunks), sum(one.failed for one in chunks)
        self._journal.add(DoneShard(number, items, failed, self._digests.pop(number), files))
