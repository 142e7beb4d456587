"""The film with what was found drawn on it: boxes, who, what is shown with its confidence, and where it was not read.

The film is read a second time, once the report is known: so a label begins and ends where the report says, which is
known only after the frames have passed. The places of the boxes come from the first reading (`Trails`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SetupError
from ferce_agent.inputs.clip import Clip
from ferce_agent.inputs.frames import Frame
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import ClipReport, Episode, Gap, Track
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report.wording import percent
from ferce_agent.views.annotate import PALETTE, Area, Colour, Mark, draw
from ferce_agent.views.saving import writing
from ferce_agent.views.trails import Place, Trails

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

ENCODERS: Final = ("libx264", "libopenh264", "mpeg4")
"""Encoders by preference: the first two write H.264, which every player knows; the last is always there."""
TICKS: Final = 60_000
"""Units of time in a second: frames of all usual rates fall on them, and MPEG-4 allows no more than 65,535."""
MOST_SIDE: Final = 1920
"""Larger films are made smaller, to so many pixels on their longer side."""
BITS: Final = 0.12
"""Bits a pixel and frame, for encoders that need a bit rate."""
LIKELY: Final = 0.5
"""Calm is named where its mean probability is at least this."""


def write_annotated(
    clip: Clip,
    path: Path,
    report: ClipReport,
    trails: Trails,
    on_frame: Callable[[float], None] | None = None,
) -> None:
    """Write the film with what was found drawn on it as MP4, whole or not at all; without its sound.

    Its first frame is at 0; the distances between frames are those of the film.

    Args:
        clip: The film, opened again as it was for the report; it is read to its end, or to the report's.
        path: File to write.
        report: What was found.
        trails: Where the faces were.
        on_frame: Called after each frame, with its time in seconds of the film.

    Raises:
        SettingsError: The file cannot be written.
        SetupError: No encoder is there.
        InputError: The film cannot be read again.
    """
    painter = Painter(report, trails)
    last = report.source.last_s + 1e-4
    with writing(path) as file:
        encode(_painted(clip, painter, last, on_frame), file, rate=report.source.frame_rate or 25.0)


def _painted(
    clip: Iterable[Frame], painter: Painter, last: float, on_frame: Callable[[float], None] | None
) -> Iterator[Frame]:
    for frame in clip:
        if frame.time > last:
            return
        yield Frame(painter.paint(frame), frame.time)
        if on_frame is not None:
            on_frame(frame.time)


class Painter:
    """Draws what a report says on single frames."""

    def __init__(self, report: ClipReport, trails: Trails) -> None:
        """Prepare the labels.

        Args:
            report: What was found.
            trails: Where the faces were.
        """
        self._tracks = {track.id: track for track in report.tracks}
        self._trails = trails
        self._restricted = words_of.is_restricted(report)

    def paint(self, frame: Frame) -> NDArray[np.uint8]:
        """Return a frame with boxes and labels, shape (H, W, 3), BGR; the longer side is at most `MOST_SIDE`."""
        canvas, scale = _fitted(frame.pixels)
        places = [(self._tracks[track], box) for track, box in self._trails.at(frame.time) if track in self._tracks]
        return draw(canvas, [self._mark(track, box, frame.time, scale) for track, box in places])

    def _mark(self, track: Track, box: Place, time: float, scale: float) -> Mark:
        x, y, width, height = (side * scale for side in box)
        texts, colour = self._label(track, time)
        number = words_of.track_number(track.id)
        return Mark(Area(x, y, x + width, y + height), (), (*(f"{number}  {text}" for text in texts), number), colour)

    def _label(self, track: Track, time: float) -> tuple[Sequence[str], Colour]:
        gap = gap_at(track, time)
        if gap is not None:
            return (f"not read: {words_of.GAP[gap.reason]}", "not read"), PALETTE[None]
        if self._restricted:
            return (), PALETTE[None]
        shown = episode_at(track, time)
        if shown is not None:
            name = words_of.episode_label(shown)
            hue = shown.expression if shown.expression in CANONICAL else None
            return (f"{name}  {percent(shown.confidence)}", name), PALETTE[hue]
        calm = self._trails.calm(track.id, time)
        if calm is None:
            return ("not read",), PALETTE[None]
        if calm >= LIKELY:
            return (f"neutral  {percent(calm)}", "neutral"), PALETTE["neutral"]
        return ("unsure",), PALETTE[None]


def gap_at(track: Track, time: float) -> Gap | None:
    """Return the gap in which a time lies, if there is one."""
    return next((gap for gap in track.gaps if gap.from_s <= time <= gap.to_s), None)


def episode_at(track: Track, time: float) -> Episode | None:
    """Return the expression that is shown at a time; of several the most certain."""
    found = [one for one in track.episodes if one.expression and one.onset_s <= time <= one.offset_s]
    return max(found, key=lambda one: one.confidence, default=None)


def _fitted(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return a copy with even sides, at most `MOST_SIDE` long, and by how much it was scaled.

    Encoders store colours for squares of two by two pixels.
    """
    height, width = pixels.shape[:2]
    scale = min(MOST_SIDE / max(height, width), 1.0)
    if scale < 1:
        size = (max(round(width * scale), 2), max(round(height * scale), 2))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    odd = ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0))
    return np.ascontiguousarray(np.pad(pixels, odd, mode="edge")), scale


def encode(frames: Iterable[Frame], file: Any, rate: float) -> None:
    """Write frames as MP4 at their times, the first at 0.

    Args:
        frames: BGR, all of one size with even sides, in the order of their times.
        file: An open binary file that can be wound.
        rate: About how many frames a second there are, for the bit rate.

    Raises:
        SetupError: No encoder is there.
    """
    import av

    with av.open(file, "w", format="mp4") as container:
        stream: VideoStream | None = None
        first, last = 0.0, -1
        for frame in frames:
            if stream is None:
                stream, first = _stream(container, frame.pixels.shape, rate), frame.time
            picture = av.VideoFrame.from_ndarray(frame.pixels, format="bgr24").reformat(format="yuv420p")
            last = max(round((frame.time - first) * TICKS), last + 1)
            picture.pts, picture.time_base = last, Fraction(1, TICKS)
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def _stream(container: OutputContainer, shape: Sequence[int], rate: float) -> VideoStream:
    import av

    name = next((name for name in ENCODERS if name in av.codecs_available), None)
    if name is None:
        raise SetupError("PyAV has no encoder for MP4 films.", hint="Install av from PyPI: pip install --force av")
    stream = container.add_stream(name, rate=Fraction(rate).limit_denominator(1001))
    stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
    stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
    if name == "libx264":
        stream.options = {"crf": "21", "preset": "veryfast"}
    else:
        stream.bit_rate = max(round(shape[0] * shape[1] * rate * BITS), 500_000)
    return stream
