"""Films that the tests make themselves, with PyAV."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SIZE = (64, 48)


def drawn(index: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """RGB: a bright block that moves with the number, a red corner at the top left."""
    width, height = size
    pixels = np.full((height, width, 3), 40, np.uint8)
    at = (index * 3) % (width - 16)
    pixels[height // 2 :, at : at + 16] = 230
    pixels[: height // 4, : width // 4] = (220, 20, 20)
    return pixels


def film(
    container: str = "mp4",
    codec: str = "libx264",
    *,
    times: Sequence[float] | int = 30,
    size: tuple[int, int] = SIZE,
    rate: int = 25,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    turned: float | None = None,
    ratio: Fraction | None = None,
    pixel_format: str | None = None,
    sound: bool = False,
) -> bytes:
    """Return a film of numbered pictures; `times` are seconds, or how many frames at the rate."""
    folder = tempfile.TemporaryDirectory()  # a muxer that puts its table in front reads what it wrote
    path = Path(folder.name) / "film"
    with folder, av.open(str(path), "w", format=container, options=muxer or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format or {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
        stream.codec_context.thread_count = 1
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        if turned is not None:
            stream.set_display_rotation(turned)
        tones: Any = output.add_stream("aac" if container != "webm" else "libopus", rate=48000) if sound else None
        grown = [number / rate for number in range(times)] if isinstance(times, int) else times
        base = Fraction(1, rate) if isinstance(times, int) else Fraction(1, 1000)
        stream.codec_context.time_base = base
        for number, time in enumerate(grown):
            frame = av.VideoFrame.from_ndarray(drawn(number, size), format="rgb24")
            frame.pts, frame.time_base = round(time / base), base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if tones is not None:
            _add_sound(output, tones, grown[-1] + 1 / rate)
        output.close()
        return path.read_bytes()


def _add_sound(output: Any, stream: Any, seconds: float) -> None:
    for number in range(int(seconds * 48000 / 960)):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960 * 2), np.int16), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, number * 960
        output.mux(stream.encode(frame))
    output.mux(stream.encode())


def sound_only() -> bytes:
    """Return an MP4 with a sound track and nothing to see."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        _add_sound(output, output.add_stream("aac", rate=48000), 1.0)
    return buffer.getvalue()
