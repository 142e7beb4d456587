"""Damaged clips: 300 of them, each of which must give a typed error, or frames and a note on what is missing.

Films in many containers are damaged as transfers, discs and dying recorders do it, with a seed, and read to the end by
`ferce_agent.inputs.clip`. A clip that gives fewer frames than the whole film, and no note, is a fault as much as a
crash.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ferce_agent.evaluation.clips.damage_reading import ClipProcess, Reading
from ferce_agent.evaluation.clips.made_films import FILMS, MadeFilm, make_film

BLOCK: Final = 4096
"""Bytes of a block of a disc."""
Damage = Callable[[bytes, random.Random, bytes], bytes]
"""Takes a film, a source of chance and another film; returns the damaged film."""


def cut_off(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film up to any place, as of a transfer that broke off."""
    return data[: rng.randrange(1, len(data))]


def flipped(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with up to 100 bits the other way round."""
    damaged = bytearray(data)
    for _number in range(rng.choice([1, 10, 100])):
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def zeroed(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with a block of zeros in it."""
    at, count = rng.randrange(len(data)), rng.choice([188, 512, BLOCK])
    return (data[:at] + bytes(count) + data[at + count :])[: len(data)]


def zero_filled(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with zeros from any place on, as of a download that reserved its length and broke off."""
    at = rng.randrange(len(data))
    return data[:at] + bytes(len(data) - at)


def overwritten(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with a block of chance in it."""
    at, count = rng.randrange(len(data)), rng.choice([100, 1000, BLOCK])
    return (data[:at] + rng.randbytes(count) + data[at + count :])[: len(data)]


def swapped(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with two neighbouring blocks the wrong way round."""
    size = min(BLOCK, len(data) // 3)
    at = rng.randrange(len(data) - 2 * size)
    return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]


def lost_inside(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film without a stretch of it."""
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice([1, 188, 1000, BLOCK]) :]


def doubled(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with a stretch twice."""
    at = rng.randrange(len(data))
    return data[:at] + data[max(at - rng.choice([188, 1000]), 0) : at] + data[at:]


def headless(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film without its beginning."""
    return data[rng.choice([1, 4, 16, 512, BLOCK]) :]


def appended(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with bytes of chance behind it."""
    return data + rng.randbytes(rng.choice([1, 100, 10_000]))


def in_front(data: bytes, rng: random.Random, _: bytes) -> bytes:
    """Return the film with bytes of chance in front of it."""
    return rng.randbytes(rng.choice([1, 100, BLOCK])) + data


def crossed(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Return the beginning of the film with the end of another one."""
    return data[: rng.randrange(1, len(data))] + other[rng.randrange(len(other)) :]


def text_mode(data: bytes, _: random.Random, __: bytes) -> bytes:
    """Return the film as a transfer in text mode leaves it."""
    return data.replace(b"\n", b"\r\n")


def renamed(data: bytes, _: random.Random, __: bytes) -> bytes:
    """Return the film as it is; it gets the ending of another kind."""
    return data


DAMAGES: Final[dict[str, Damage]] = {
    "cut off": cut_off,
    "bits flipped": flipped,
    "block zeroed": zeroed,
    "zeros to the end": zero_filled,
    "block overwritten": overwritten,
    "blocks swapped": swapped,
    "stretch lost": lost_inside,
    "stretch doubled": doubled,
    "beginning lost": headless,
    "bytes appended": appended,
    "bytes in front": in_front,
    "another film's end": crossed,
    "text mode": text_mode,
    "wrong suffix": renamed,
}
"""Kinds of damage; `renamed` leaves the film whole."""


@dataclass(frozen=True, slots=True)
class DamagedClip:
    """One damaged clip.

    Attributes:
        film: Which film it was.
        damage: What was done to it, a key of `DAMAGES`.
        suffix: Ending of its file.
        data: Its bytes.
    """

    film: MadeFilm
    damage: str
    suffix: str
    data: bytes


def damaged_clips(films: dict[MadeFilm, bytes], count: int, seed: int) -> list[DamagedClip]:
    """Return damaged clips: every damage on every film in turn, at places that depend on the seed alone.

    Args:
        films: Whole films.
        count: How many clips.
        seed: Of all chance.
    """
    rng = random.Random(seed)
    pairs = [(film, damage) for damage in DAMAGES for film in films]
    rng.shuffle(pairs)
    made = []
    for number in range(count):
        film, damage = pairs[number % len(pairs)]
        other = rng.choice(list(films))
        data = DAMAGES[damage](films[film], rng, films[other])
        made.append(DamagedClip(film, damage, other.suffix if damage == "wrong suffix" else film.suffix, data))
    return made


@dataclass(frozen=True, slots=True)
class DamageNumbers:
    """What came of reading damaged clips.

    Attributes:
        clips: How many were read.
        refused: Gave a typed error with a hint.
        noted: Gave frames, and a note on what is missing or was repaired.
        whole: Gave as many frames as the whole film or more.
        faults: Everything else, as ``film, damage: what happened``: another error, a hang or crash, something left
            behind, or fewer frames than the whole film without a note.
        by_damage: Clips by damage and outcome.
    """

    clips: int
    refused: int
    noted: int
    whole: int
    faults: tuple[str, ...]
    by_damage: dict[str, dict[str, int]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def table(self) -> str:
        """Return the numbers as a Markdown table, with the faults below it."""
        kinds = ("refused", "noted", "whole", "fault")
        rows = ["| damage | typed error | read, with a note | read whole | fault |", "|---|---:|---:|---:|---:|"]
        for damage, found in self.by_damage.items():
            rows.append(f"| {damage} | " + " | ".join(str(found.get(kind, 0)) for kind in kinds) + " |")
        total = (self.refused, self.noted, self.whole, len(self.faults))
        rows.append(f"| **all {self.clips}** | " + " | ".join(map(str, total)) + " |")
        return "\n".join([*rows, *(f"- {fault}" for fault in self.faults)])


def judge(reading: Reading, whole: int) -> tuple[str, str]:
    """Return the outcome of a reading (refused, noted, whole or fault), and for a fault what it is.

    Args:
        reading: What came of it.
        whole: Frames of the whole film.
    """
    if reading.fault:
        return "fault", reading.fault
    if reading.error:
        return "refused", ""
    if reading.notes:
        return "noted", ""
    if reading.frames >= whole:
        return "whole", ""
    return "fault", f"{reading.frames} of {whole} frames without a note"


def run_damage(count: int = 300, seed: int = 1) -> DamageNumbers:
    """Read damaged clips and return what came of them.

    Args:
        count: How many clips.
        seed: Of all chance.
    """
    films = {film: make_film(film) for film in FILMS}
    outcomes: dict[str, Counter[str]] = {damage: Counter() for damage in DAMAGES}
    faults = []
    with tempfile.TemporaryDirectory() as name, ClipProcess(Path(name)) as process:
        whole = {film: process.read(_written(Path(name), data, film.suffix)) for film, data in films.items()}
        for film, reading in whole.items():
            if reading.fault or reading.error or reading.frames != 60:
                faults.append(f"{film.name}, whole: {reading}")
        for number, clip in enumerate(damaged_clips(films, count, seed)):
            reading = process.read(_written(Path(name), clip.data, clip.suffix))
            outcome, what = judge(reading, whole[clip.film].frames)
            outcomes[clip.damage][outcome] += 1
            if what:
                faults.append(f"{clip.film.name}, {clip.damage} (number {number}): {what}")
    total = sum(outcomes.values(), Counter())
    return DamageNumbers(
        count,
        total["refused"],
        total["noted"],
        total["whole"],
        tuple(faults),
        {damage: dict(found) for damage, found in outcomes.items()},
    )


def _written(folder: Path, data: bytes, suffix: str) -> Path:
    for earlier in folder.glob("clip.*"):
        earlier.unlink()
    path = folder / f"clip{suffix}"
    path.write_bytes(data)
    return path
