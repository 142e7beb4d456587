"""Generated films of eyes and mouths: public-domain faces whose lids, irises and jaws move at known times.

The lid is drawn over the eye by stretching the skin above it, as a lid does; an iris moves within its rim; a mouth
opens by moving what is below it. What is stretched and where the rims are was marked by hand. The pictures: the
astronaut Eileen Collins (NASA, comes with this package) and Rear Admiral Grace Hopper with her glasses (US Navy, comes
with matplotlib).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.landmark_measures import FULL_TURN
from ferce_agent.inputs.frames import Frame

SIDE: Final = 256
"""Side of a film in pixels."""
EYES_APART: Final = 60.0
"""Distance of the eyes in a film in pixels."""
SPEECH: Final = 0.12
"""How far a mouth opens in speech, as share of its width."""
YAWN: Final = 0.6
"""The same in a yawn."""
DARK: Final = (30, 25, 60)
"""Inside of an open mouth, BGR."""
TONGUE: Final = (60, 55, 110)
"""The tongue in it, BGR."""
NARROWED: Final = 0.2
"""By which share of its width a mouth is narrower in a yawn."""
TONGUE_SIZE: Final = (0.62, 0.38)
"""Half of its width, as share of half of the mouth's, and its height, as share of the gap."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Marks:
    """Where the parts of a face are, in pixels of its picture.

    Attributes:
        uppers: Edge of the upper lid of the eye at the left and at the right, from corner to corner.
        lowers: Edge of the lower lid, likewise.
        mouth: Left end, middle and right end of the line where the mouth opens.
        chin: Tip of the chin.
    """

    uppers: tuple[Points, Points]
    lowers: tuple[Points, Points]
    mouth: Points
    chin: Points

    def moved(self, scale: float, shift: Points) -> Marks:
        """Return the marks in a picture that was scaled and then shifted."""

        def to(points: Points) -> Points:
            return np.asarray(points * scale + shift, np.float64)

        uppers, lowers = ((to(pair[0]), to(pair[1])) for pair in (self.uppers, self.lowers))
        return Marks(uppers, lowers, to(self.mouth), to(self.chin))


def _points(*values: tuple[float, float]) -> Points:
    return np.array(values, np.float64)


ASTRONAUT: Final = Marks(
    uppers=(
        _points((192.4, 100.9), (196.9, 97.6), (200.7, 96.8), (204.1, 97.0), (208.7, 99.8), (213.5, 103.5)),
        _points((237.5, 105.0), (241.1, 101.8), (245.8, 99.4), (249.1, 99.2), (252.7, 100.2), (257.0, 103.9)),
    ),
    lowers=(
        _points((192.4, 100.9), (197.4, 103.6), (203.7, 105.4), (208.2, 104.8), (213.5, 103.5)),
        _points((237.5, 105.0), (241.8, 106.6), (246.8, 107.6), (252.8, 106.0), (257.0, 103.9)),
    ),
    mouth=_points((204.0, 143.0), (222.9, 150.4), (243.0, 144.0)),
    chin=_points((220.5, 177.7)),
)
HOPPER: Final = Marks(
    uppers=(
        _points((204.9, 194.8), (212.0, 189.0), (217.4, 186.2), (223.3, 185.8), (231.0, 188.0), (239.7, 193.4)),
        _points((289.9, 190.8), (297.0, 185.5), (303.9, 182.9), (309.0, 183.2), (314.0, 185.9), (319.4, 190.4)),
    ),
    lowers=(
        _points((204.9, 194.8), (212.9, 196.0), (222.0, 197.6), (231.0, 196.5), (239.7, 193.4)),
        _points((289.9, 190.8), (296.1, 193.2), (303.0, 194.0), (311.0, 193.0), (319.4, 190.4)),
    ),
    mouth=_points((234.0, 277.0), (268.0, 278.0), (301.0, 275.5)),
    chin=_points((271.4, 335.3)),
)


@dataclass(frozen=True)
class MarkedFace:
    """A face that can be drawn with other lids, irises and jaw.

    Attributes:
        name: Who it is.
        pixels: Shape (`SIDE`, `SIDE`, 3), uint8, BGR.
        marks: In pixels of it.
    """

    name: str
    pixels: NDArray[np.uint8]
    marks: Marks

    def drawn(
        self, closed: float = 0.0, gaze: float = 0.0, mouth: float = 0.0, *, tongue: bool = False
    ) -> NDArray[np.uint8]:
        """Return the face.

        Args:
            closed: How far both eyes are closed, 0 (as in the picture) to 1.
            gaze: How far the irises are moved, -1 (left) to 1, in turns of 35 degrees.
            mouth: How far the mouth is opened beyond the picture, as share of its width.
            tongue: Whether a tongue is seen in it; without one a wide mouth looks like a dark patch before it.
        """
        x, y = np.meshgrid(np.arange(SIDE, dtype=np.float64), np.arange(SIDE, dtype=np.float64))
        picture = _sampled(self.pixels, *self._jaw(x, y, mouth)) if mouth else self.pixels
        for upper, lower in zip(self.marks.uppers, self.marks.lowers, strict=True):
            picture = _sampled(picture, _iris(x, y, upper, lower, gaze), y) if gaze else picture
            picture = _sampled(picture, x, _lid(x, y, upper, lower, closed)) if closed else picture
        return self._hole(picture, mouth, tongue=tongue) if mouth else picture

    def yawning(self, share: float) -> MarkedFace:
        """Return the face with the corners of its mouth sunk and drawn in, as they are in a yawn and not in a smile.

        Args:
            share: How far, 0..1; at 1 the corners are as low as the middle and the mouth is narrower by `NARROWED`.
        """
        mouth = self.marks.mouth
        left, middle, right = mouth
        half, narrowed = float(right[0] - left[0]) / 2, share * NARROWED
        x, y = np.meshgrid(np.arange(SIDE, dtype=np.float64), np.arange(SIDE, dtype=np.float64))
        near = np.exp(-(((x - middle[0]) / (1.6 * half)) ** 4) - ((y - float(mouth[:, 1].mean())) / (0.9 * half)) ** 4)
        sink = share * np.clip(middle[1] - np.interp(x[0], mouth[:, 0], mouth[:, 1]), 0, None)
        sunk = _sampled(self.pixels, x, y - near * sink[None])
        drawn_in = _sampled(sunk, middle[0] + (x - middle[0]) * (1 + near * narrowed / (1 - narrowed)), y)
        moved = np.column_stack(
            [
                middle[0] + (mouth[:, 0] - middle[0]) * (1 - narrowed),
                mouth[:, 1] + share * np.clip(middle[1] - mouth[:, 1], 0, None),
            ]
        )
        return MarkedFace(self.name, drawn_in, replace(self.marks, mouth=moved))

    def _gap(self, mouth: float) -> tuple[Points, Points, float]:
        """Return for each column where the mouth opens, how high, and the height in the middle."""
        left, middle, right = self.marks.mouth
        columns = np.arange(SIDE, dtype=np.float64)
        height = mouth * float(right[0] - left[0])
        away = (columns - middle[0]) / ((right[0] - left[0]) / 2)
        line = np.interp(columns, self.marks.mouth[:, 0], self.marks.mouth[:, 1])
        return line, height * np.clip(1 - away**2, 0, 1), height

    def _jaw(self, x: Points, y: Points, mouth: float) -> tuple[Points, Points]:
        """Return where each pixel comes from when what is below the mouth moves down."""
        line, gap, height = self._gap(mouth)
        left, middle, right = self.marks.mouth
        chin = float(self.marks.chin[0, 1])
        wide = height * np.exp(-(((x - middle[0]) / (0.9 * (right[0] - left[0]))) ** 2))
        down = np.clip((y - line[None]) / (chin + height - line[None]), 0, 1)
        fades = np.clip(1 - (y - chin - height) / (2 * height + 10), 0, 1)
        shift = np.where(y > line[None], gap[None] + (wide - gap[None]) * down, 0) * fades
        return x, np.asarray(y - shift, np.float64)

    def _hole(self, picture: NDArray[np.uint8], mouth: float, *, tongue: bool) -> NDArray[np.uint8]:
        """Paint the inside of the open mouth."""
        line, gap, _ = self._gap(mouth)
        rows = np.arange(SIDE)[:, None]
        depth = np.minimum(rows - line[None], line[None] + gap[None] - rows) + 0.5
        inside = np.where(gap[None] > 0, np.clip(depth, 0, 1), 0)[..., None]
        colour = np.array(DARK) + (self._tongue(line, gap) * (np.array(TONGUE) - np.array(DARK)) if tongue else 0.0)
        return np.asarray(picture * (1 - inside) + colour * inside, np.uint8)

    def _tongue(self, line: Points, gap: Points) -> Points:
        """Return how much of the tongue shows in each pixel, 0..1, shape (`SIDE`, `SIDE`, 1)."""
        left, middle, right = self.marks.mouth
        across = (np.arange(SIDE) - middle[0]) / ((right[0] - left[0]) / 2) / TONGUE_SIZE[0]
        up = (line[None] + gap[None] - np.arange(SIDE)[:, None]) / np.maximum(gap[None], 1e-6) / TONGUE_SIZE[1]
        return np.asarray(np.exp(-(across[None] ** 2) - up**2)[..., None], np.float64)


def _sampled(pixels: NDArray[np.uint8], x: Points, y: Points) -> NDArray[np.uint8]:
    across, down = np.asarray(x, np.float32), np.asarray(y, np.float32)
    return np.asarray(cv2.remap(pixels, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _edges(x: Points, upper: Points, lower: Points) -> tuple[Points, Points]:
    """Return for each pixel the height of both lids' edges in its column; equal outside of the eye."""
    above = np.interp(x, upper[:, 0], upper[:, 1])
    return above, np.maximum(np.interp(x, lower[:, 0], lower[:, 1]), above)


def _lid(x: Points, y: Points, upper: Points, lower: Points, closed: float) -> Points:
    """Return from which height each pixel comes when the skin above the eye is stretched over it."""
    above, below = _edges(x, upper, lower)
    skin = float((below - above).max())
    edge = above + closed * (below - above)
    top = above - skin
    stretched = top + (y - top) * skin / (skin + edge - above)
    return np.where((y >= top) & (y < edge), stretched, y)


def _iris(x: Points, y: Points, upper: Points, lower: Points, gaze: float) -> Points:
    """Return from which column each pixel comes when the iris moves within the rim."""
    above, below = _edges(x, upper, lower)
    left, right = upper[0, 0], upper[-1, 0]
    half = (right - left) / 2
    away = np.clip((x - (left + right) / 2) / half, -1, 1)
    inside = (y > above) & (y < below)
    return np.where(inside, x - gaze * FULL_TURN * half * (1 - away**2), x)


def marked_faces() -> list[MarkedFace]:
    """Return the faces; Grace Hopper's only where matplotlib is installed (extra ``bench``)."""
    astronaut = Path(str(resources.files("ferce_agent.evaluation"))) / "astronaut.jpg"
    faces = [framed("astronaut", _read(astronaut), ASTRONAUT)]
    try:
        import matplotlib
    except ImportError:
        return faces
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return [*faces, framed("hopper", _read(hopper), HOPPER)] if hopper.is_file() else faces


def _read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def framed(name: str, pixels: NDArray[np.uint8], marks: Marks) -> MarkedFace:
    """Cut a face out so that it stands in the middle of a film.

    Args:
        name: Who it is.
        pixels: Shape (H, W, 3), uint8, BGR.
        marks: In pixels of it.
    """
    middles = [upper[[0, -1]].mean(0) for upper in marks.uppers]
    scale = EYES_APART / float(np.hypot(*(middles[1] - middles[0])))
    shift = np.array([SIDE / 2, SIDE * 0.42]) - scale * (middles[0] + middles[1]) / 2
    matrix = np.column_stack([np.eye(2) * scale, shift])
    framed = cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return MarkedFace(name, np.asarray(framed, np.uint8), marks.moved(scale, shift))


@dataclass(frozen=True)
class Closure:
    """Eyes that close and open.

    Attributes:
        onset: When the lids begin to move, in seconds.
        seconds: Until they have come back; a third of the way is down and two thirds up, less what they rest.
        rest: How long they are fully closed.
    """

    onset: float
    seconds: float
    rest: float = 0.0

    def at(self, time: float) -> float:
        """Return how far the lids are down, 0..1."""
        moving = self.seconds - self.rest
        corners = np.cumsum([self.onset, moving / 3, self.rest, moving * 2 / 3])
        return float(np.interp(time, corners, [0.0, 1.0, 1.0, 0.0]))


@dataclass(frozen=True)
class EyeFilm:
    """A film of a face that moves a little, talks in its second half, and closes its eyes at known times.

    Attributes:
        face: Whose.
        fps: Frames a second.
        seconds: How long.
        closures: When the eyes close.
        yawns: When the mouth opens wide, by `YAWN` of its width.
        seed: Of movements and noise.
    """

    face: MarkedFace
    fps: float
    seconds: float
    closures: Sequence[Closure]
    yawns: Sequence[Closure] = ()
    seed: int = 1

    def times(self) -> NDArray[np.float64]:
        """Return the times of the frames in seconds."""
        return np.arange(round(self.seconds * self.fps)) / self.fps

    def closed(self, time: float) -> float:
        """Return how far the eyes are closed, 0..1."""
        return max((one.at(time) for one in self.closures), default=0.0)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames."""
        random = np.random.default_rng(self.seed)
        phases = random.uniform(0, 2 * np.pi, 8)
        for time in self.times():
            talks = SPEECH * max(np.sin(2 * np.pi * 3.7 * time), 0) if time > self.seconds / 2 else 0.0
            mouth = max([talks, *(YAWN * one.at(time) for one in self.yawns)])
            picture = _shaken(self.face.drawn(self.closed(time), 0.0, mouth), time, phases)
            noisy = picture + random.normal(0, 3, picture.shape)
            yield Frame(np.asarray(np.clip(noisy, 0, 255), np.uint8), float(time))


def _shaken(pixels: NDArray[np.uint8], time: float, phases: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Move a picture as a head moves that is held still: some pixels and degrees, slowly."""
    waves = np.sin(2 * np.pi * np.array([0.11, 0.31, 0.17, 0.43, 0.13, 0.29, 0.07, 0.23]) * time + phases)
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(2.5 * waves[0] + waves[1]), 1 + 0.03 * float(waves[2]))
    matrix = matrix + np.column_stack([np.zeros((2, 2)), 4 * waves[[4, 6]] + 1.5 * waves[[5, 7]]])
    return np.asarray(cv2.warpAffine(pixels, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.uint8)
