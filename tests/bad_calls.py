"""Bad calls, generated: whole sets of arguments of which one is spoiled, the same for the same seed."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tests.bad_inputs import bad_inputs

MISSING = object()
"""Stands for an argument that is left out."""


@dataclass(frozen=True)
class BadCall:
    """One call.

    Attributes:
        name: What is wrong with it.
        arguments: The arguments; JSON can carry them.
        known: Whether all arguments exist, so that Python can be called with them.
        hopeless: Whether nothing but an error is a right answer.
    """

    name: str
    arguments: dict[str, Any]
    known: bool = True
    hopeless: bool = True


def bad_calls(seed: int = 0, count: int = 1000) -> list[BadCall]:
    """Return `count` calls."""
    rng = random.Random(seed)
    makers = [images(rng), damaged_files(rng), contexts(rng), labels(rng), uses(rng), misspelt(rng)]
    return [next(makers[number % len(makers)]) for number in range(count)]


def small_picture(kind: str = "PNG") -> bytes:
    """A picture in which nothing is to be found, quick to read."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(3).integers(90, 140, (64, 80, 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def url_of(data: bytes, media: str = "image/png") -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


GOOD = url_of(small_picture())


def endless(makers: list[Callable[[random.Random], Any]], rng: random.Random) -> Iterator[Any]:
    while True:
        yield rng.choice(makers)(rng)


def nested(depth: int, kind: type = list) -> Any:
    made: Any = "x"
    for _ in range(depth):
        made = [made] if kind is list else {"text": made}
    return made


def odd_text(rng: random.Random, longest: int = 60) -> str:
    pools = [
        "abc xyz",
        "\0\1\x07\x1b[31m",
        "\u202e\u200b\ufeff",
        "\ud800\udfff",
        "日本語عربى",
        "🙂👩‍👩‍👧",
        "\r\n\t ",
        "%s{}${}../;'\"<>&",
    ]
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, longest)))


WRONG_KINDS: list[Any] = [5, 3.5, True, False, [], ["a"], {}, {"a": 1}, None, float("1e308"), -1, [[]], {"image": GOOD}]


def images(rng: random.Random) -> Iterator[BadCall]:
    """Pictures that are none."""
    texts = [bad for bad in bad_inputs() if isinstance(bad.source, str) and len(bad.source) < 100_000]
    while True:
        kind = rng.randrange(4)
        if kind == 0:
            wrong = rng.choice(WRONG_KINDS)
            yield BadCall(f"image {wrong!r}"[:60], {"image": wrong})
        elif kind == 1:
            yield BadCall("no image", {"context": "She won."})
        elif kind == 2:
            text = odd_text(rng)
            yield BadCall(f"image {text!r}", {"image": text})
        else:
            bad = rng.choice(texts)
            yield BadCall(bad.name, {"image": bad.source})


def damaged_files(rng: random.Random) -> Iterator[BadCall]:
    """Files with bytes changed, cut out, doubled; what survives may give a report."""
    files = [(kind, small_picture(kind)) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]
    while True:
        kind, data = rng.choice(files)
        spoiled = bytearray(data)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(spoiled))
            match rng.randrange(4):
                case 0:
                    spoiled[at] = rng.randrange(256)
                case 1:
                    del spoiled[at : at + rng.randrange(1, 200)]
                case 2:
                    spoiled[at:at] = rng.randbytes(rng.randrange(1, 40))
                case _:
                    spoiled[at:at] = spoiled[max(0, at - 30) : at]
            if not spoiled:
                spoiled = bytearray(b"x")
        yield BadCall(f"damaged {kind}", {"image": url_of(bytes(spoiled), f"image/{kind.lower()}")}, hopeless=False)


def contexts(rng: random.Random) -> Iterator[BadCall]:
    """Situations of the wrong kind."""
    wrong: list[tuple[Any, bool]] = [
        *((value, False) for value in WRONG_KINDS),
        ("x" * 100_000, True),
        (nested(600), False),
        (nested(60, dict), True),
        ({"txt": "She won."}, True),
        ({"text": 5}, True),
        ({"turns": "hello"}, True),
        ({"turns": [{"speaker": "user"}]}, True),
        ({"turns": [{"speaker": "", "text": "x"}]}, True),
        ({"turns": [{"speaker": "user", "text": "x"}] * 500}, True),
        ({"people": [{"person": "Ann", "name": "Ann"}]}, True),
        ({"relations": [{"people": ["person-1"], "relation": "sisters"}]}, True),
        ({"earlier": [{"primary": "joyous", "valence": 9}]}, True),
        ({"place": "x" * 5000}, True),
        ({"place": None, "event": "\0"}, False),
    ]
    while True:
        if rng.random() < 0.3:
            text = odd_text(rng, 400)
            yield BadCall(f"context {text[:40]!r}", {"image": GOOD, "context": text}, hopeless=False)
        else:
            value, hopeless = rng.choice(wrong)
            yield BadCall(f"context {value!r}"[:70], {"image": GOOD, "context": value}, hopeless=hopeless)


def labels(rng: random.Random) -> Iterator[BadCall]:
    """Words to rank that cannot be ranked."""
    wrong: list[tuple[Any, bool]] = [
        (5, True),
        (True, True),
        ("bored", True),
        (["bored"], True),
        ([1, 2], True),
        ([None, "bored"], True),
        (["", "bored"], True),
        ([" ", "\t"], True),
        (["bored", "Bored "], True),
        (["x" * 1000, "bored"], True),
        ([["bored", "sad"]], True),
        ({"bored": 1, "sad": 2}, False),
        ([f"word{number}" for number in range(101)], True),
        ("bored, sad", False),
        (None, False),
        ([], False),
    ]
    while True:
        if rng.random() < 0.3:
            value: Any = [odd_text(rng, 20) for _ in range(rng.randrange(2, 5))]
            yield BadCall(f"labels {value!r}"[:70], {"image": GOOD, "labels": value}, hopeless=False)
        else:
            value, hopeless = rng.choice(wrong)
            yield BadCall(f"labels {value!r}"[:70], {"image": GOOD, "labels": value}, hopeless=hopeless)


def uses(rng: random.Random) -> Iterator[BadCall]:
    """Uses that are none, or refused."""
    wrong: list[tuple[Any, bool]] = [
        ("hiring", True),
        (3, True),
        ([], False),
        ({}, False),
        ({"domain": "police"}, True),
        ({"domaine": "chat"}, True),
        ({"consent": "perhaps"}, True),
        ({"consent": [True]}, True),
        ({"jurisdiction": None, "purpose": "x" * 50_000}, True),
        ({"domain": "recruitment", "purpose": "judge honesty of applicants"}, False),
        ({"minors": {"a": 1}}, True),
        (nested(300, dict), True),
    ]
    while True:
        value, hopeless = rng.choice(wrong)
        yield BadCall(f"use {value!r}"[:70], {"image": GOOD, "use_context": value}, hopeless=hopeless)


def misspelt(rng: random.Random) -> Iterator[BadCall]:
    """Arguments that do not exist."""
    names = [
        "useContext",
        "contxt",
        "img",
        "Image",
        "label",
        "labels_",
        "use-context",
        "path",
        "url",
        "image_url",
        "x",
        "",
    ]
    while True:
        name = rng.choice(names)
        yield BadCall(f"argument {name!r}", {"image": GOOD, name: rng.choice(["x", 1, None, ["a"]])}, known=False)
