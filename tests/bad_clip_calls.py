"""Bad calls about clips, generated as those in `bad_calls`: whole sets of arguments of which one is spoiled."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from tests.bad_calls import WRONG_KINDS, BadCall, nested, odd_text, small_picture, url_of, uses
from tests.bad_inputs import bad_inputs

FORMATS = {"mp4": "libx264", "matroska": "libx264", "avi": "mpeg4", "webm": "libvpx", "mpegts": "mpeg2video"}
"""Containers and codecs of the films that are spoiled."""


def bad_clip_calls(seed: int = 0, count: int = 300) -> list[BadCall]:
    """Return `count` calls."""
    rng = random.Random(seed)
    makers = [clips(rng), damaged_films(rng), numbers(rng), switches(rng), uses_of_clips(rng), misspelt(rng)]
    makers.append(transcripts(rng))
    return [next(makers[number % len(makers)]) for number in range(count)]


@cache
def small_film(container: str = "mp4") -> bytes:
    """A film of five frames in which nothing is to be found, quick to read."""
    import av

    buffer = io.BytesIO()
    noise = np.random.default_rng(3)
    with av.open(buffer, "w", format=container) as output:
        stream: Any = output.add_stream(FORMATS[container], rate=25)
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv420p"
        for _ in range(5):
            pixels = noise.integers(90, 140, (64, 80, 3), np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())
    return buffer.getvalue()


GOOD = url_of(small_film(), "video/mp4")


def clips(rng: random.Random) -> Iterator[BadCall]:
    """Films that are none."""
    texts = [bad for bad in bad_inputs() if isinstance(bad.source, str) and len(bad.source) < 100_000]
    lists = [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\no=- 0 0\n",
    ]
    while True:
        kind = rng.randrange(5)
        if kind == 0:
            wrong = rng.choice(WRONG_KINDS)
            yield BadCall(f"clip {wrong!r}"[:60], {"clip": wrong})
        elif kind == 1:
            yield BadCall("no clip", {"start_s": 1})
        elif kind == 2:
            text = odd_text(rng)
            yield BadCall(f"clip {text!r}", {"clip": text})
        elif kind == 3:
            yield BadCall("a list of files", {"clip": url_of(rng.choice(lists), "video/mp4")})
        else:
            bad = rng.choice(texts)  # some of the pictures too small for a photo can be read as films
            yield BadCall(bad.name, {"clip": bad.source}, hopeless=not bad.source.startswith("data:"))


def damaged_films(rng: random.Random) -> Iterator[BadCall]:
    """Films and pictures with bytes changed, cut out, doubled; what survives may give a report."""
    films = [(f"video/{kind}", small_film(kind)) for kind in FORMATS]
    films += [(f"image/{kind.lower()}", small_picture(kind)) for kind in ("GIF", "WEBP", "PNG")]
    while True:
        kind, data = rng.choice(films)
        spoiled = bytearray(data)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(spoiled))
            match rng.randrange(5):
                case 0:
                    spoiled[at] = rng.randrange(256)
                case 1:
                    del spoiled[at : at + rng.randrange(1, 400)]
                case 2:
                    spoiled[at:at] = rng.randbytes(rng.randrange(1, 40))
                case 3:
                    del spoiled[max(at, 1) :]
                case _:
                    spoiled[at:at] = spoiled[max(0, at - 200) : at]
            if not spoiled:
                spoiled = bytearray(b"x")
        yield BadCall(f"damaged {kind}", {"clip": url_of(bytes(spoiled), kind)}, hopeless=False)


NO_NUMBERS: list[Any] = [-1, -0.5, True, "", "x", "0:05", "nan", [], [1], {}, {"a": 1}]


def numbers(rng: random.Random) -> Iterator[BadCall]:
    """Times and rates that are none."""
    wrong: list[tuple[dict[str, Any], bool]] = [
        *(({name: value}, True) for name in ("start_s", "end_s", "fps") for value in NO_NUMBERS),
        ({"start_s": 1e300}, False),
        ({"fps": 1e300}, True),
        ({"start_s": 5, "end_s": 5}, True),
        ({"start_s": 5, "end_s": 1}, True),
        ({"end_s": 0}, True),
        ({"fps": 0}, True),
        ({"fps": 1e-300}, False),
        ({"start_s": 1e-300, "end_s": 2e-300}, False),
        ({"start_s": 86_000}, False),
        ({"start_s": 0.05, "end_s": 0.0500001}, False),
        ({"end_s": 10**30}, False),
        ({"start_s": None, "end_s": None, "fps": None}, False),
    ]
    while True:
        value, hopeless = rng.choice(wrong)
        yield BadCall(f"times {value!r}"[:70], {"clip": GOOD, **value}, hopeless=hopeless)


def switches(rng: random.Random) -> Iterator[BadCall]:
    """Values of switches that are neither true nor false."""
    wrong: list[tuple[Any, bool]] = [("perhaps", True), (7, True), ([], True), ({}, True), (None, False), (1, False)]
    while True:
        value, hopeless = rng.choice([*wrong, (nested(40), True), (odd_text(rng), True)])
        name = rng.choice(["micro", "sound", "keep_words"])
        yield BadCall(f"{name} {value!r}"[:70], {"clip": GOOD, name: value}, hopeless=hopeless)


def transcripts(rng: random.Random) -> Iterator[BadCall]:
    """Words of the wrong kind, and words that fit nothing."""
    while True:
        value: Any = rng.choice([5, 3.5, True, -1, {"a": 1}, [1, 2], [[]], odd_text(rng, 400)])
        wrong = not isinstance(value, str | list | dict)
        yield BadCall(f"transcript {value!r}"[:70], {"clip": GOOD, "transcript": value}, hopeless=wrong)


def uses_of_clips(rng: random.Random) -> Iterator[BadCall]:
    """Uses that are none, or refused."""
    for call in uses(rng):
        arguments = {"clip": GOOD, "use_context": call.arguments["use_context"]}
        yield BadCall(call.name, arguments, hopeless=call.hopeless)


def misspelt(rng: random.Random) -> Iterator[BadCall]:
    """Arguments that do not exist."""
    names = ["start", "end", "startS", "Fps", "image", "video", "path", "url", "camera", "labels", "context", "x", ""]
    while True:
        name = rng.choice(names)
        yield BadCall(f"argument {name!r}", {"clip": GOOD, name: rng.choice(["x", 1, 0, None, ["a"]])}, known=False)
