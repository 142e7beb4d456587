from __future__ import annotations

from dataclasses import dataclass, field

from ferce_agent.batch.careful import DIED, joined, read_carefully
from ferce_agent.batch.executor import ReadChunk
from ferce_agent.batch.items import Chunk, Held, Item


@dataclass
class Telling:
    """Work that writes down what it was given, and raises for some."""

    bad: frozenset[str] = frozenset()
    seen: list[str] = field(default_factory=list)

    def __call__(self, chunk: Chunk) -> ReadChunk:
        rows, failed = [], 0
        for item in chunk.items:
            if item.trouble is None:
                self.seen.append(item.source)
                if item.source in self.bad:
                    raise ArithmeticError
            failed += item.trouble is not None
            rows.append({"source": item.source, "code": item.trouble and item.trouble[0]})
        reports = tuple(item.source for item in chunk.items if item.trouble is None)
        tables, packed = {"faces": tuple(rows)}, {"frames": tuple(name.encode() for name in reports)}
        return ReadChunk(chunk.shard, chunk.number, chunk.of, tables, reports, len(rows), failed, packed=packed)


def chunk_of(*names: str) -> Chunk:
    return Chunk(3, 1, 2, tuple(Item(name, "photo", Held(b"")) for name in names))


def test_item_by_item_is_the_same_as_together() -> None:
    chunk = chunk_of("a", "b", "c")
    places: list[int] = []
    assert read_carefully(Telling(), chunk, before=places.append) == Telling()(chunk)
    assert places == [0, 1, 2]


def test_what_killed_a_worker_is_a_row_and_not_tried() -> None:
    work = Telling()
    places: list[int] = []
    made = read_carefully(work, chunk_of("a", "b", "c"), dead=(1,), before=places.append)
    assert [row["code"] for row in made.tables["faces"]] == [None, DIED[0], None]
    assert (made.items, made.failed, made.reports) == (3, 1, ("a", "c"))
    assert work.seen == ["a", "c"]
    assert places == [0, 2]


def test_a_bug_is_a_row_of_its_item() -> None:
    made = read_carefully(Telling(frozenset({"b"})), chunk_of("a", "b", "c"))
    assert [row["code"] for row in made.tables["faces"]] == [None, "engine_error", None]
    assert made.failed == 1


def test_an_earlier_trouble_stays() -> None:
    missing = Item("a", "photo", Held(b""), trouble=("image_not_found", "gone"))
    made = read_carefully(Telling(), Chunk(0, 0, 1, (missing,)), dead=(0,))
    assert [row["code"] for row in made.tables["faces"]] == ["image_not_found"]


def test_nothing_read_is_an_empty_chunk() -> None:
    assert joined(chunk_of(), []) == ReadChunk(3, 1, 2, {})
