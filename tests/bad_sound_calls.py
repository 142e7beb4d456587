"""Bad calls about sounds, generated as those in `bad_calls`: whole sets of arguments of which one is spoiled."""

from __future__ import annotations

import io
import random
import wave
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from tests.bad_calls import WRONG_KINDS, BadCall, nested, odd_text, url_of, uses
from tests.bad_clip_calls import NO_NUMBERS, small_film

FORMATS = {"flac": "flac", "ogg": "libopus", "mp3": "libmp3lame", "matroska": "aac", "wav": "adpcm_ms"}
"""Containers and codecs of the sounds that are spoiled."""
RATE = 16_000


def bad_sound_calls(seed: int = 0, count: int = 300) -> list[BadCall]:
    """Return `count` calls."""
    rng = random.Random(seed)
    makers = [sounds(rng), damaged_sounds(rng), numbers(rng), transcripts(rng), switches(rng), uses_of_sounds(rng)]
    makers.append(misspelt(rng))
    return [next(makers[number % len(makers)]) for number in range(count)]


def hum(seconds: float = 0.4) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A hum in noise, in which nobody speaks."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(5).normal(0, 60, len(times))
    return np.asarray(3000 * np.sin(2 * np.pi * 200 * times) + noise, np.int16)


@cache
def small_wave() -> bytes:
    """A short sound, quick to listen to."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes(hum().tobytes())
    return buffer.getvalue()


@cache
def small_sound(container: str) -> bytes:
    """The same in another format."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream: Any = output.add_stream(FORMATS[container], rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(hum()[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        fitting = av.AudioResampler(stream.format, "mono", RATE, frame_size=stream.frame_size or None)
        for part in (*fitting.resample(frame), *fitting.resample(None)):
            output.mux(stream.encode(part))
        output.mux(stream.encode())
    return buffer.getvalue()


GOOD = url_of(small_wave(), "audio/wav")
NOT_SOUNDS = [
    (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "audio/mpegurl"),
    (b"ffconcat version 1.0\nfile /etc/passwd\n", "audio/wav"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"\0" * 5000, "audio/mpeg"),
    (b"", "audio/ogg"),
    (b"hello, this is a text", "text/plain"),
]


def sounds(rng: random.Random) -> Iterator[BadCall]:
    """Sounds that are none."""
    while True:
        kind = rng.randrange(6)
        if kind == 0:
            wrong = rng.choice(WRONG_KINDS)
            yield BadCall(f"voice {wrong!r}"[:60], {"voice": wrong})
        elif kind == 1:
            yield BadCall("no voice", {"start_s": 1})
        elif kind == 2:
            text = odd_text(rng)
            yield BadCall(f"voice {text!r}", {"voice": text})
        elif kind == 3:
            data, media = rng.choice(NOT_SOUNDS)
            yield BadCall(f"no sound {data[:12]!r}", {"voice": url_of(data, media)})
        elif kind == 4:
            name = rng.choice(
                ["/etc/passwd", "../../etc/shadow", "file:///etc/passwd", "https://example.org/a.wav", "/"]
            )
            yield BadCall(f"a path {name}", {"voice": name})
        else:
            film = url_of(small_film(rng.choice(["mp4", "matroska"])), "video/mp4")
            yield BadCall("a film without sound", {"voice": film})


def damaged_sounds(rng: random.Random) -> Iterator[BadCall]:
    """Sounds with bytes changed, cut out, doubled; what survives may give a report."""
    files = [("wave", small_wave()), *((kind, small_sound(kind)) for kind in FORMATS)]
    while True:
        kind, data = rng.choice(files)
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
        yield BadCall(f"damaged {kind}", {"voice": url_of(bytes(spoiled), "audio/wav")}, hopeless=False)


def numbers(rng: random.Random) -> Iterator[BadCall]:
    """Times that are none."""
    wrong: list[tuple[dict[str, Any], bool]] = [
        *(({name: value}, True) for name in ("start_s", "end_s") for value in NO_NUMBERS),
        ({"start_s": 1e300}, False),
        ({"start_s": 5, "end_s": 5}, True),
        ({"start_s": 5, "end_s": 1}, True),
        ({"end_s": 0}, True),
        ({"start_s": 1e-300, "end_s": 2e-300}, False),
        ({"start_s": 86_000}, False),
        ({"start_s": 0.1, "end_s": 0.1000001}, False),
        ({"end_s": 10**30}, False),
        ({"start_s": None, "end_s": None}, False),
    ]
    while True:
        value, hopeless = rng.choice(wrong)
        yield BadCall(f"times {value!r}"[:70], {"voice": GOOD, **value}, hopeless=hopeless)


def transcripts(rng: random.Random) -> Iterator[BadCall]:
    """Words of the wrong kind, and words that fit nothing; Python takes some of the former."""
    while True:
        kind = rng.randrange(5)
        if kind == 0:
            value: Any = rng.choice([5, 3.5, True, float("1e308"), -1])
        elif kind == 1:
            value = rng.choice([{"a": 1}, [1, 2], [[]], {"segments": 7}, {"words": [{"word": 5}]}, nested(300)])
        elif kind == 2:
            value = "1\n00:00:01,000 --> 00:00:00,500\nHello\n" * rng.randrange(1, 4)
        elif kind == 3:
            value = "WEBVTT\n\n" + odd_text(rng) + " --> 00:09.000\n" + odd_text(rng)
        else:
            value = odd_text(rng, 400)
        yield BadCall(f"transcript {value!r}"[:70], {"voice": GOOD, "transcript": value}, hopeless=kind == 0)


def switches(rng: random.Random) -> Iterator[BadCall]:
    """Values of `keep_words` that are neither true nor false."""
    wrong: list[tuple[Any, bool]] = [("perhaps", True), (7, True), ([], True), ({}, True), (None, False), (1, False)]
    while True:
        value, hopeless = rng.choice([*wrong, (nested(40), True), (odd_text(rng), True)])
        yield BadCall(f"keep_words {value!r}"[:70], {"voice": GOOD, "keep_words": value}, hopeless=hopeless)


def uses_of_sounds(rng: random.Random) -> Iterator[BadCall]:
    """Uses that are none, or refused."""
    for call in uses(rng):
        arguments = {"voice": GOOD, "use_context": call.arguments["use_context"]}
        yield BadCall(call.name, arguments, hopeless=call.hopeless)


def misspelt(rng: random.Random) -> Iterator[BadCall]:
    """Arguments that do not exist."""
    names = [
        "start",
        "end",
        "startS",
        "audio",
        "image",
        "clip",
        "path",
        "url",
        "microphone",
        "words",
        "context_",
        "x",
        "",
    ]
    while True:
        name = rng.choice(names)
        yield BadCall(f"argument {name!r}", {"voice": GOOD, name: rng.choice(["x", 1, 0, None, ["a"]])}, known=False)
