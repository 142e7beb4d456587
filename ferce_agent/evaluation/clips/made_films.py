"""Short films in many containers and codecs, made here, for trying out what reads films."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE: Final = (160, 120)
"""Width and height in pixels."""
RATE: Final = 25
"""Frames a second."""


@dataclass(frozen=True, slots=True)
class MadeFilm:
    """How a film is made.

    Attributes:
        name: What to call it.
        suffix: Ending of its file.
        container: FFmpeg's name of the container, or Pillow's name of a picture format.
        codec: FFmpeg's name of the encoder; empty for pictures.
        movflags: FFmpeg's option for how an MP4 is laid out; empty for the usual way.
        sound: Encoder of a sound track; empty for none.
    """

    name: str
    suffix: str
    container: str
    codec: str = ""
    movflags: str = ""
    sound: str = ""


FILMS: Final = (
    MadeFilm("MP4, H.264 with sound", ".mp4", "mp4", "libx264", sound="aac"),
    MadeFilm("MP4, table in front", ".mp4", "mp4", "libx264", "faststart"),
    MadeFilm("MP4 in fragments", ".mp4", "mp4", "libx264", "frag_keyframe+empty_moov"),
    MadeFilm("MOV, MJPEG", ".mov", "mov", "mjpeg", "faststart"),
    MadeFilm("Matroska, H.264 with sound", ".mkv", "matroska", "libx264", sound="aac"),
    MadeFilm("WebM, VP9", ".webm", "webm", "libvpx-vp9"),
    MadeFilm("WebM, VP8", ".webm", "webm", "libvpx"),
    MadeFilm("AVI, MPEG-4", ".avi", "avi", "mpeg4"),
    MadeFilm("AVI, MJPEG", ".avi", "avi", "mjpeg"),
    MadeFilm("transport stream, H.264", ".ts", "mpegts", "libx264"),
    MadeFilm("programme stream, MPEG-2", ".mpg", "mpeg", "mpeg2video"),
    MadeFilm("FLV, H.264", ".flv", "flv", "libx264"),
    MadeFilm("Windows Media", ".wmv", "asf", "wmv2"),
    MadeFilm("raw H.264", ".h264", "h264", "libx264"),
    MadeFilm("GIF", ".gif", "GIF"),
    MadeFilm("WebP", ".webp", "WEBP"),
)
"""The films that are made."""


def picture(index: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return frame number `index` of a moving pattern with a little noise, RGB, shape (H, W, 3)."""
    width, height = size
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    waves = 110 + 70 * np.sin(across / 17 + index / 5) + 50 * np.cos(down / 11 - index / 7)
    noise = np.random.default_rng(index).normal(0, 6, (height, width, 3))
    shifted = np.stack([waves, np.roll(waves, index, 1), np.roll(waves, -index, 0)], 2)
    return np.clip(shifted + noise, 0, 255).astype(np.uint8)


def make_film(made: MadeFilm, frames: int = 60) -> bytes:
    """Return the file of a film of numbered pictures.

    Args:
        made: How.
        frames: How many pictures, `RATE` a second.
    """
    return _film(made, frames) if made.codec else _animation(made, frames)


def _animation(made: MadeFilm, frames: int) -> bytes:
    images = [Image.fromarray(picture(number)) for number in range(frames)]
    buffer = io.BytesIO()
    images[0].save(buffer, made.container, save_all=True, append_images=images[1:], duration=1000 // RATE)
    return buffer.getvalue()


def _film(made: MadeFilm, frames: int) -> bytes:
    import av

    # To a file, because a container that puts its table in front reads what it wrote.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film"
        output = av.open(str(path), "w", format=made.container, options=_options(made))
        try:
            stream: Any = output.add_stream(made.codec, rate=RATE, options=_encoding(made.codec))
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuvj420p" if made.codec == "mjpeg" else "yuv420p"
            stream.codec_context.thread_count = 1
            sound: Any = output.add_stream(made.sound, rate=48000) if made.sound else None
            for number in range(frames):
                frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                output.mux(stream.encode(frame))
                if sound is not None:
                    output.mux(sound.encode(_silence(number)))
            output.mux(stream.encode())
            if sound is not None:
                output.mux(sound.encode())
        finally:
            output.close()
        return path.read_bytes()


def _encoding(codec: str) -> dict[str, str]:
    """Return options of an encoder: short distances between key frames, and frames that are stored out of order."""
    reordered = {"bf": "2"} if codec in {"libx264", "mpeg4", "mpeg2video"} else {}
    # What x264 weighs up by itself differs from run to run.
    plain = {"preset": "ultrafast", "qp": "26"} if codec == "libx264" else {}
    return {"g": "12", **reordered, **plain}


def _options(made: MadeFilm) -> dict[str, str]:
    laid_out = {"movflags": made.movflags} if made.movflags else {}
    return {"fflags": "bitexact", **laid_out}  # without the time and chance numbers, so that a seed says all


def _silence(number: int) -> Any:
    """Return the stretch of silence that goes with a frame."""
    import av

    count = 48000 // RATE
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 2 * count), np.int16), format="s16", layout="stereo")
    frame.sample_rate, frame.pts = 48000, number * count
    return frame
