"""How far the skin of a face moves, region by region, with the head's own motion removed.

The face is cut out so that the parts of it that lie on bone (bridge and back of the nose, cheekbones) stay where they
are, and what is left is measured as optical flow, one displacement a region:

- *Head*: direct image alignment. A similarity (shift, turn, scale) is fitted so that the rigid parts look as they do in
  a reference picture of the same face: the inverse compositional form of the method of Lucas and Kanade (Baker and
  Matthews 2004), with gain and offset of the grey levels fitted along (lighting) and pixels that do not agree weighted
  down (Tukey's biweight). The detector's landmarks only say where to begin, so that their jitter is not seen as motion.
- *Regions*: Lucas and Kanade's least squares in one smooth window a region, again with gain and offset. For motions
  under two pixels a whole region is by far more exact than a dense flow field averaged over it.

The reference picture is taken anew every `RENEW` seconds; displacements are added up over such renewals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.alignment import fit_similarity

Floats = NDArray[np.float64]

SIDE: Final = 128
"""Side in pixels of the aligned face."""
EYE_DISTANCE: Final = 44.0
"""Distance between the eyes in the aligned face, in pixels."""
CENTRE: Final = (SIDE / 2, 44.0)
"""Where the middle between the eyes lies in the aligned face, (x, y) in pixels."""
LAYOUT: Final[Floats] = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.58], [-0.4, 1.05], [0.4, 1.05]])
"""Where the five landmarks lie in an aligned face, in units of the eye distance from the middle between the eyes."""
BLUR: Final = 1.2
"""Standard deviation in pixels of the smoothing of the aligned face: takes away noise and the traces of resampling."""
RENEW: Final = 0.8
"""Seconds after which the reference picture is taken anew."""
STEPS: Final = 4
"""Most steps of the head's alignment in a frame."""
SETTLED: Final = 0.02
"""Pixels under which a step of the alignment is the last one; each leaves about a tenth of the way."""
LOST: Final = 0.2
"""Distance between the followed and the detected landmarks, in eye distances, at which following begins anew."""
UNLIKE: Final = 0.5
"""A region whose picture differs by more than this share of its contrast from what motion explains is not measured."""

CONTRAST: Final = 0.4
"""Change of a region's contrast, as a share, from which on it is not measured: something plain is in front of it."""


@dataclass(frozen=True, slots=True)
class FaceRegion:
    """A part of the face whose motion is measured.

    Attributes:
        name: As image-left and image-right, such as ``brow_outer_left``.
        part: ``brows``, ``eyes``, ``nose`` or ``mouth``, as a report names it; ``lids`` move in every blink, ``rigid``
            lies on bone.
        anchor: The landmark it lies at; 0 and 1 the eyes, 2 the nose tip, 3 and 4 the corners of the mouth, 5 the
            middle of the mouth.
        offset: Its centre from there, (x, y) in eye distances.
        radii: Its half axes in eye distances: where the weight of its window has fallen to exp(-1).
    """

    name: str
    part: str
    anchor: int
    offset: tuple[float, float]
    radii: tuple[float, float]


def _both_sides(
    name: str, part: str, anchors: tuple[int, int], offset: tuple[float, float], radii: tuple[float, float]
) -> tuple[FaceRegion, FaceRegion]:
    across, down = offset
    return (
        FaceRegion(f"{name}_left", part, anchors[0], (-across, down), radii),
        FaceRegion(f"{name}_right", part, anchors[1], (across, down), radii),
    )


RIGID: Final = (
    FaceRegion("bridge", "rigid", 2, (0.0, -0.5), (0.14, 0.22)),
    FaceRegion("back", "rigid", 2, (0.0, -0.18), (0.16, 0.22)),
    FaceRegion("cheekbone_left", "rigid", 0, (-0.22, 0.5), (0.2, 0.2)),
    FaceRegion("cheekbone_right", "rigid", 1, (0.22, 0.5), (0.2, 0.2)),
)
"""What lies on bone and moves with the head only."""
REGIONS: Final = (
    *_both_sides("brow_inner", "brows", (0, 1), (-0.18, -0.42), (0.18, 0.16)),
    *_both_sides("brow_outer", "brows", (0, 1), (0.18, -0.42), (0.18, 0.16)),
    *_both_sides("lids", "lids", (0, 1), (0.0, 0.0), (0.22, 0.14)),
    *_both_sides("cheek", "eyes", (0, 1), (0.02, 0.38), (0.22, 0.14)),
    *_both_sides("wing", "nose", (2, 2), (0.24, 0.02), (0.14, 0.16)),
    *_both_sides("corner", "mouth", (3, 4), (0.06, 0.0), (0.17, 0.17)),
    FaceRegion("upper_lip", "mouth", 5, (0.0, -0.14), (0.24, 0.12)),
    FaceRegion("lower_lip", "mouth", 5, (0.0, 0.16), (0.24, 0.12)),
    FaceRegion("chin", "mouth", 5, (0.0, 0.5), (0.3, 0.16)),
    *RIGID,
)
"""The regions, in the order of `RegionMotion.regions`.

The rigid parts are among them: what they seem to move is what the removal of the head's motion leaves."""


@dataclass(frozen=True, slots=True)
class RegionMotion:
    """Where the regions of a face are in one frame, relative to the head.

    Attributes:
        regions: Displacement of each region since following began, (x, y) in percent of the eye distance, in the axes
            of the upright face (x to the image-right, y down); shape (R, 2), R as `REGIONS`. NaN where a region's
            picture changed in a way that motion does not explain (covered, closed eye) or lies outside the frame.
        head: The head's place: x, y of the middle between the eyes, turn and size, all as displacement of a point one
            eye distance away in percent of the eye distance; shape (4,).
        restarted: Whether following begins with this frame; displacements before it have another origin.
    """

    regions: Floats
    head: Floats
    restarted: bool


class MotionMeter:
    """Measures the motion of one face from frame to frame."""

    def __init__(self) -> None:
        """Begin; the first frame is the first reference."""
        self._reference: _Reference | None = None
        self._matrix: Floats = np.zeros((2, 3))
        self._first: Floats = np.zeros((2, 3))
        self._landmarks: Floats = np.zeros((5, 2))
        self._windows: _Windows
        self._gone: Floats = np.zeros((len(REGIONS), 2))
        self._renewed = -np.inf

    def measure(self, pixels: NDArray[np.uint8], landmarks: Floats, time: float) -> RegionMotion:
        """Measure one frame.

        Args:
            pixels: The whole frame, shape (H, W, 3), BGR.
            landmarks: Five points in pixels of the frame, shape (5, 2), as `DetectedFace.landmarks`; detected or
                carried, with jitter.
            time: Seconds; grows from call to call.
        """
        restarted = self._reference is None or self._is_lost(landmarks)
        if restarted:
            self._start(landmarks)
        part = FacePart.cut(pixels, self._matrix)
        if restarted or self._reference is None:
            self._renew(part.aligned(self._matrix), time)
            return RegionMotion(np.zeros((len(REGIONS), 2)), np.zeros(4), True)
        self._matrix, face = self._reference.follow(part, self._matrix)
        moved = self._reference.displacements(face) * (100 / EYE_DISTANCE)
        regions = self._gone + moved
        if time - self._renewed >= RENEW:
            self._gone = self._gone + np.where(np.isfinite(moved), moved, 0.0)
            self._renew(face, time)
        return RegionMotion(regions, self._head(), False)

    def _is_lost(self, landmarks: Floats) -> bool:
        """Return whether the landmarks lie elsewhere than where the head was followed to, or in another size."""
        here = landmarks @ self._matrix[:, :2].T + self._matrix[:, 2]
        away = np.linalg.norm(here - self._landmarks, axis=1).mean()
        return not away < LOST * EYE_DISTANCE

    def _start(self, landmarks: Floats) -> None:
        self._matrix = self._first = fit_similarity(landmarks, LAYOUT * EYE_DISTANCE + np.array(CENTRE))
        self._landmarks = landmarks @ self._matrix[:, :2].T + self._matrix[:, 2]
        self._windows = _Windows.of(self._landmarks)
        self._gone = np.zeros((len(REGIONS), 2))

    def _renew(self, face: NDArray[np.float32], time: float) -> None:
        self._reference = _Reference(face, self._windows)
        self._renewed = time

    def _head(self) -> Floats:
        """Return the head's motion since following began; see `RegionMotion.head`."""
        first, now = (np.vstack([matrix, [0, 0, 1]]) for matrix in (self._first, self._matrix))
        change = first @ np.linalg.inv(now)  # aligned face of now -> aligned face of the beginning
        x, y = CENTRE
        shift = change[:2, :2] @ [x, y] + change[:2, 2] - [x, y]
        turn, size = change[1, 0] * EYE_DISTANCE, (change[0, 0] - 1) * EYE_DISTANCE
        return np.array([shift[0], shift[1], turn, size]) * (100 / EYE_DISTANCE)


@dataclass(frozen=True, slots=True)
class FacePart:
    """The part of a frame around a face, in grey levels, shrunk to about the size of the aligned face.

    Attributes:
        grey: Shape (h, w), uint8.
        origin: Its left upper corner in the frame, (x, y) in pixels.
        shrink: Pixels of the frame a pixel of `grey`.
    """

    grey: NDArray[np.uint8]
    origin: tuple[int, int]
    shrink: int

    @classmethod
    def cut(cls, pixels: NDArray[np.uint8], matrix: Floats) -> FacePart:
        """Cut out what an alignment (2, 3) from the frame to the aligned face needs, with a margin."""
        back = cv2.invertAffineTransform(matrix)
        corners = np.array([[-8, -8], [SIDE + 8, -8], [SIDE + 8, SIDE + 8], [-8, SIDE + 8]])
        corners = corners @ back[:, :2].T + back[:, 2]
        shrink = max(int(np.hypot(back[0, 0], back[1, 0]) + 0.4), 1)  # rather a little too far than aliased
        height, width = pixels.shape[:2]
        low = np.clip(np.floor(corners.min(0)), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(corners.max(0)), low + 1, [width, height]).astype(int)
        grey = cv2.cvtColor(pixels[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY)
        if shrink > 1:
            size = (max(grey.shape[1] // shrink, 1), max(grey.shape[0] // shrink, 1))
            grey = cv2.resize(grey[: size[1] * shrink, : size[0] * shrink], size, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(grey, np.uint8), (int(low[0]), int(low[1])), shrink)

    def aligned(self, matrix: Floats) -> NDArray[np.float32]:
        """Return the aligned face, smoothed grey levels, shape (SIDE, SIDE)."""
        local = matrix.copy()
        middle = (self.shrink - 1) / 2
        local[:, 2] += matrix[:, :2] @ [self.origin[0] + middle, self.origin[1] + middle]
        local[:, :2] *= self.shrink
        face = cv2.warpAffine(
            self.grey, local, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(face, (0, 0), BLUR), np.float32)


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of one face's regions, as long as it is followed without a break.

    Only every second pixel is used, as on a chequerboard: neighbours say the same after the smoothing.

    Attributes:
        rigid: Places of the pixels of the rigid parts in the aligned face as a row, shape (K,).
        rigid_weights: Their weights, shape (K,).
        pixels: Places of the pixels of all regions, shape (N,).
        weights: Their weight in each region, shape (R, N).
    """

    rigid: NDArray[np.intp]
    rigid_weights: NDArray[np.float32]
    pixels: NDArray[np.intp]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, landmarks: Floats) -> _Windows:
        """Lay the windows around five points (5, 2) in pixels of the aligned face."""
        used = (np.indices((SIDE, SIDE)).sum(0) % 2 == 0).ravel()
        rigid = np.max([window(region, landmarks) for region in RIGID], axis=0).ravel()
        weights = np.stack([window(region, landmarks).ravel() for region in REGIONS])
        inside, pixels = np.flatnonzero((rigid > 0.05) & used), np.flatnonzero((weights.max(0) > 0.05) & used)
        return cls(inside, rigid[inside].astype(np.float32), pixels, weights[:, pixels].astype(np.float32))


class _Reference:
    """A picture of an aligned face and what is needed to compare others with it."""

    def __init__(self, face: NDArray[np.float32], windows: _Windows) -> None:
        self._windows = windows
        self._robust = windows.rigid_weights
        across = cv2.Sobel(face, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        down = cv2.Sobel(face, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        rows = np.asarray([across, down, face, np.ones_like(face)], np.float32).reshape(4, -1)
        self._set_head(rows[:, windows.rigid])
        self._set_regions(rows[:, windows.pixels])

    def _set_head(self, rows: NDArray[np.float32]) -> None:
        """Prepare from gradients and levels of the rigid pixels, (4, K)."""
        y, x = np.divmod(self._windows.rigid, SIDE)
        x, y = (x - CENTRE[0]).astype(np.float32), (y - CENTRE[1]).astype(np.float32)
        across, down, level, one = rows
        self._head_rows = np.stack([across, down, down * x - across * y, across * x + down * y, level, one])
        self._head_levels = level.copy()

    def _set_regions(self, rows: NDArray[np.float32]) -> None:
        """Prepare from gradients and levels of the regions' pixels, (4, N)."""
        weights = self._windows.weights
        self._levels = rows[2].copy()
        weighted = weights[:, None] * rows[None]  # (R, 4, N)
        normal = np.asarray(weighted @ rows.T, np.float64)
        # A little ridge: where a region has edges of one direction only, motion along them is unknown and stays 0.
        strength = 0.02 * (normal[:, 0, 0] + normal[:, 1, 1]) + 0.5 * weights.sum(1)
        normal[:, 0, 0] += strength
        normal[:, 1, 1] += strength
        self._inverse = np.linalg.inv(normal + 1e-6 * np.eye(4))
        self._weighted = weighted.reshape(-1, weights.shape[1])
        total = weights.sum(1)
        mean = weights @ self._levels / total
        self._energy = np.maximum(weights @ np.square(self._levels) - total * np.square(mean), 4.0 * total)

    def follow(self, part: FacePart, matrix: Floats) -> tuple[Floats, NDArray[np.float32]]:
        """Return the alignment (2, 3) at which the rigid parts look as here, and the aligned face."""
        face = part.aligned(matrix)
        for _ in range(STEPS):
            step = self._head_step(face)
            matrix = compose(step, matrix)
            face = part.aligned(matrix)
            if np.abs(step * [1, 1, EYE_DISTANCE, EYE_DISTANCE]).max() < SETTLED:
                break
        return matrix, face

    def _head_step(self, face: NDArray[np.float32]) -> Floats:
        """Return shift x, y, turn and growth of the rigid parts in `face`, in pixels and shares."""
        error = face.ravel()[self._windows.rigid] - self._head_levels
        weighted = self._head_rows * self._robust
        normal = np.asarray(weighted @ self._head_rows.T, np.float64)
        normal[np.diag_indices(6)] *= 1 + 1e-5
        fitted = np.linalg.solve(normal + 1e-6 * np.eye(6), (weighted @ error).astype(np.float64))
        left = np.abs(error - fitted.astype(np.float32) @ self._head_rows)
        spread = 1.4826 * float(np.median(left[::3])) + 0.3
        agrees = np.maximum(1 - np.square(left / (4.685 * spread)), 0.0)
        self._robust = self._windows.rigid_weights * np.square(agrees)
        return np.asarray(-fitted[:4], np.float64)

    def displacements(self, face: NDArray[np.float32]) -> Floats:
        """Return the motion of each region in pixels, shape (R, 2); NaN where motion does not explain the picture."""
        error = face.ravel()[self._windows.pixels] - self._levels
        sums = (self._weighted @ error).reshape(len(REGIONS), 4).astype(np.float64)
        fitted = np.einsum("rij,rj->ri", self._inverse, sums)
        left = self._windows.weights @ np.square(error) - np.einsum("ri,ri->r", fitted, sums)
        moved = np.asarray(-fitted[:, :2], np.float64)
        moved[(left > np.square(UNLIKE) * self._energy) | (np.abs(fitted[:, 2]) > CONTRAST)] = np.nan
        return moved


def compose(step: Floats, matrix: Floats) -> Floats:
    """Return an alignment (2, 3) that takes a small motion of the aligned face back.

    Args:
        step: Shift x, y in pixels, turn and growth as shares, about `CENTRE`; shape (4,).
        matrix: From the frame to the aligned face.
    """
    x, y, turn, growth = step
    motion = np.array([[1 + growth, -turn, 0.0], [turn, 1 + growth, 0.0]])
    motion[:, 2] = np.array([x, y]) + CENTRE - motion[:, :2] @ CENTRE
    back = cv2.invertAffineTransform(motion)
    combined = back[:, :2] @ matrix
    combined[:, 2] += back[:, 2]
    return np.asarray(combined, np.float64)


def window(region: FaceRegion, landmarks: Floats) -> Floats:
    """Return the weights of a region's pixels in an aligned face, 0..1, shape (SIDE, SIDE).

    Args:
        region: Which one.
        landmarks: Five points in pixels of the aligned face.
    """
    points = np.vstack([landmarks, landmarks[3:].mean(0)])
    x, y = points[region.anchor] + np.array(region.offset) * EYE_DISTANCE
    down, across = np.mgrid[:SIDE, :SIDE]
    far = np.square((across - x) / (region.radii[0] * EYE_DISTANCE)) + np.square(
        (down - y) / (region.radii[1] * EYE_DISTANCE)
    )
    return np.asarray(np.where(far < 3, np.exp(-far), 0.0), np.float64)
