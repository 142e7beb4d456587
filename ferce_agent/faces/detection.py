"""Face detection: which looks at a picture are taken, and how what they find becomes a list of faces.

A *look* is one run of the network over the picture (or a tile of it) at one scale. One look finds faces of about 1/40
to nearly the whole of the scaled side, so large pictures and small faces need several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.faces.yunet import YuNet

MATCH_OVERLAP: Final = 0.35
"""Boxes that share more than this (intersection over the smaller box) are one face seen twice."""
PART: Final = 0.3
"""A box inside another, of less than this share of its area, is part of that face unless it scores `MARGIN` higher."""
MARGIN: Final = 0.15
"""By how much a box inside another must have the higher score (0..1) to be a face of its own; see `PART`."""
CLOSER_SIDE: Final = 1280
"""Longer side in pixels to which large pictures are scaled for the second look."""
CLOSEST_SIDE: Final = 2560
"""Longer side in pixels for the third look, which is taken where the second one found nothing either."""
CLOSER_SCORE: Final = 0.8
"""Least score in the second and third look.

They search four to thirty times as many places where something may look like a face."""
FIRST_SIDE: Final = 320
"""Longer side in pixels of the first look, which costs half of one at `FaceDetector.side`."""
FIRST_SCORE: Final = 0.85
"""The first look is enough where every face has at least this score and a side of `NEAR`."""
NEAR: Final = 0.2
"""Longer side of a face's box over the longer side of the picture; see `FIRST_SCORE`."""
HINT: Final = 0.1
"""Least score of a possible face in the first look.

Where one scores between this and `FIRST_SCORE`, the look at `FaceDetector.side` is taken instead."""
LARGE: Final = 1600
"""From this longer side in pixels on a picture always gets a second look."""
SMALL: Final = 1 / 8
"""Faces under this share of the longer side count as small; where all are, there may be smaller ones: a second look."""
LEAST_FOUND: Final = 18
"""Pixels that a face has, at the scale of the search, from which on it is found as a rule."""
When = Literal["auto", "always", "never"]
"""When small faces are looked for; see `FaceDetector.detect`."""


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face in pixels of the oriented picture.

    Attributes:
        box: x, y, width, height; shape (4,).
        landmarks: Image-left eye, image-right eye, nose tip, image-left and image-right mouth corner; shape (5, 2).
        score: The detector's score, 0..1.
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float

    @property
    def area(self) -> float:
        """Box area in square pixels."""
        return float(self.box[2] * self.box[3])

    def moved(self, scale: float, offset: tuple[float, float]) -> DetectedFace:
        """Return the face with all coordinates multiplied by `scale`, then shifted by `offset`, (x, y) in pixels."""
        box = self.box * scale
        box[:2] += offset
        return DetectedFace(box, self.landmarks * scale + np.array(offset), self.score)


def is_scaled_down(longer: int, small_faces: When) -> bool:
    """Return whether a picture of this longer side in pixels is searched at smaller scales only, if none is found."""
    return longer > _closest_side(longer, small_faces)


def _closest_side(longer: int, small_faces: When) -> int:
    return {"never": 480, "auto": CLOSEST_SIDE, "always": longer}[small_faces]


def least_face(longer: int, small_faces: When) -> int:
    """Return about how many pixels a face needs to be found, where no larger one is, in a picture of this longer side.

    YuNet finds some faces of 12 pixels at the scale at which it looks, and most from half as much again; under 20
    pixels there is nothing to read.
    """
    return max(round(LEAST_FOUND * longer / max(_closest_side(longer, small_faces), 1)), 20)


@dataclass(slots=True)
class FaceDetector:
    """Finds faces at several scales. Safe to share between threads.

    Attributes:
        threshold: Least detector score, 0..1. YuNet's own default is 0.9; 0.7 keeps turned and covered faces.
        side: The longer side of the picture is scaled down to this many pixels for detection; faces of about 1/40 of it
            are found.
        tile: Side in pixels of the tiles of the second pass that looks for small faces.
        network: The network that is run.
    """

    threshold: float = 0.7
    side: int = 480
    tile: int = 640
    network: YuNet = field(default_factory=YuNet, repr=False)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            SettingsError: A value is out of range.
        """
        if not 0 < self.threshold < 1 or self.side < 64 or self.tile < 64:
            raise SettingsError("The detector needs 0 < threshold < 1, side >= 64 and tile >= 64.")

    def detect(self, pixels: NDArray[np.uint8], *, small_faces: When = "auto") -> list[DetectedFace]:
        """Return all faces, largest first.

        A picture in which nothing is found is tried once more with a border, because YuNet misses faces that fill the
        frame.

        Args:
            pixels: Shape (H, W, 3), BGR.
            small_faces: ``auto``: look again at a larger scale where the picture is large (see `LARGE`), or larger than
                the first look's scale and nothing or only small faces were found; ``always``: also search tiles at full
                resolution, which takes seconds for a photo of 12 megapixels; ``never``: one look.

        Raises:
            WeightsError: The weights cannot be read.
            EngineError: The network failed.
        """
        found = self._first_look(pixels) if small_faces == "auto" else []
        if found:
            return merge_faces(found)
        found = self._detect_scaled(pixels, self.side)
        if small_faces == "auto":
            found += self._look_closer(pixels, found)
        elif small_faces == "always":
            for left, top, part in _tiles(pixels, self.tile):
                found += [face.moved(1, (left, top)) for face in self._detect_scaled(part, self.tile)]
        if not found:
            found = self._detect_framed(pixels)
        return merge_faces(found)

    def _first_look(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Return the faces of a look at a small scale if it shows near and sure ones only, else nothing."""
        longer = max(pixels.shape[:2])
        if not FIRST_SIDE < longer < LARGE or self.side <= FIRST_SIDE:
            return []
        found = self._detect_scaled(pixels, FIRST_SIDE, HINT)
        near = all(face.score >= FIRST_SCORE and float(face.box[2:].max()) >= NEAR * longer for face in found)
        return found if near else []

    def _look_closer(self, pixels: NDArray[np.uint8], found: list[DetectedFace]) -> list[DetectedFace]:
        """Return what larger scales show, if the picture has them and is worth it."""
        longer = max(pixels.shape[:2])
        largest = max((float(face.box[2:].max()) for face in found), default=0.0)
        if longer < LARGE and (longer <= self.side * 4 / 3 or largest >= SMALL * longer):
            return []
        least = max(self.threshold, CLOSER_SCORE)
        closer = [face for face in self._detect_scaled(pixels, CLOSER_SIDE) if face.score >= least]
        if not found and not closer and longer > CLOSER_SIDE:
            closer = [face for face in self._look_closest(pixels) if face.score >= least]
        return closer

    def _look_closest(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Search tiles of the picture at `CLOSEST_SIDE`.

        The network needs hundreds of megabytes for all of it at once.
        """
        shrink = max(max(pixels.shape[:2]) / CLOSEST_SIDE, 1.0)
        size = (round(pixels.shape[1] / shrink), round(pixels.shape[0] / shrink))
        scaled = (
            pixels if shrink == 1.0 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
        return [
            face.moved(1, (left, top)).moved(shrink, (0, 0))
            for left, top, part in _tiles(scaled, CLOSER_SIDE)
            for face in self._detect_scaled(part, CLOSER_SIDE)
        ]

    def look(self, pixels: NDArray[np.uint8], side: int, threshold: float | None = None) -> list[DetectedFace]:
        """Return what a single look finds with the longer side scaled to `side` pixels.

        Args:
            pixels: Shape (H, W, 3), uint8, BGR.
            side: Longer side in pixels at which the network runs; smaller pictures are enlarged to at most 192.
            threshold: Least score for this look, 0..1; None for that of the detector.

        Returns:
            Faces in pixels of `pixels`, in the detector's order; a face seen twice is not merged.

        Raises:
            WeightsError: The weights cannot be read.
            EngineError: The network failed.
        """
        return self._detect_scaled(pixels, side, threshold)

    def _detect_framed(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        height, width = pixels.shape[:2]
        shrink = max(
            max(height, width) / (2 * self.side), 1.0
        )  # a border around all pixels of a large picture costs memory
        size = (max(round(width / shrink), 1), max(round(height / shrink), 1))
        small = pixels if shrink == 1.0 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        border = max(size) // 3
        framed = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REPLICATE)
        faces = self._detect_scaled(np.asarray(framed, np.uint8), min(self.side, 320))
        return [face.moved(1, (-border, -border)).moved(shrink, (0, 0)) for face in faces]

    def _detect_scaled(
        self, pixels: NDArray[np.uint8], side: int, threshold: float | None = None
    ) -> list[DetectedFace]:
        height, width = pixels.shape[:2]
        scale = side / max(height, width)
        # Small pictures are enlarged, but no more than fourfold: beyond that there is nothing left to find.
        scale = min(scale, 1.0) if max(height, width) >= 192 else min(scale, 192 / max(height, width), 4.0)
        size = (max(round(width * scale), 16), max(round(height * scale), 16))
        # Area averaging only where plain interpolation would alias: it costs a millisecond.
        interpolation = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC
        scaled = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=interpolation)
        stretch = np.array([width / size[0], height / size[1]])
        return [
            _from_row(row, stretch)
            for row in self.network.faces(_padded(np.asarray(scaled, np.uint8)), threshold or self.threshold)
        ]


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Extend a picture to the right and below to multiples of 32 pixels, at least 96.

    The network works on a grid of 32 pixels. What is filled with black instead shows faces in flat, thin pictures.
    """
    height, width = pixels.shape[:2]
    down, across = (max(-(-side // 32) * 32, 96) - side for side in (height, width))
    return np.asarray(cv2.copyMakeBorder(pixels, 0, down, 0, across, cv2.BORDER_REPLICATE), np.uint8)


def _from_row(row: NDArray[np.float32], stretch: NDArray[np.float64]) -> DetectedFace:
    values = row.astype(np.float64)
    box = values[:4] * np.tile(stretch, 2)
    return DetectedFace(box, values[4:14].reshape(5, 2) * stretch, float(np.clip(values[14], 0, 1)))


def _tiles(pixels: NDArray[np.uint8], tile: int) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yield (left, top, part) of tiles that overlap by a quarter; nothing for pictures that fit into one tile."""
    height, width = pixels.shape[:2]
    if max(height, width) <= tile:
        return
    for top in _starts(height, tile):
        for left in _starts(width, tile):
            yield left, top, np.ascontiguousarray(pixels[top : top + tile, left : left + tile])


def _starts(length: int, tile: int) -> list[int]:
    if length <= tile:
        return [0]
    count = -(-(length - tile) // (tile * 3 // 4)) + 1
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def merge_faces(faces: list[DetectedFace]) -> list[DetectedFace]:
    """Drop faces seen twice (the higher score is kept) and sort the rest, largest first.

    Overlap is measured over the smaller box, so that a part of a face cut off by a tile is dropped in favour of the
    whole. One much smaller box inside another is a part of that face, even with a somewhat higher score. Where several
    boxes with higher scores lie inside one, they are faces of a crowd, and the large box is dropped.
    """
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if face.box[2] <= 1 or face.box[3] <= 1:
            continue
        rivals = [other for other in kept if _overlap(face, other) >= MATCH_OVERLAP]
        if rivals and not (len(rivals) == 1 and _is_part(rivals[0], face)):
            continue
        kept = [*(other for other in kept if not any(other is rival for rival in rivals)), face]
    return sorted(kept, key=lambda face: (-face.area, face.box[0], face.box[1]))


def _is_part(small: DetectedFace, large: DetectedFace) -> bool:
    return small.area < PART * large.area and small.score < large.score + MARGIN


def _overlap(one: DetectedFace, two: DetectedFace) -> float:
    """Return the shared area over the smaller box; plain numbers, for a crowd asks for it a thousand times."""
    (left, top, width, height), (other_left, other_top, other_width, other_height) = one.box.tolist(), two.box.tolist()
    across = min(left + width, other_left + other_width) - max(left, other_left)
    down = min(top + height, other_top + other_height) - max(top, other_top)
    return float(max(across, 0.0) * max(down, 0.0) / min(width * height, other_width * other_height))
