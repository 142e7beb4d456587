"""How readable a face is, with reason codes.

Each measure becomes a factor between 0 and 1; the score is their product. A factor under one half gives its reason
code. The thresholds were set on 250 FER+ validation pictures and 250 press photos, as they are and with blur and covers
drawn in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.plausibility import frame_margin, is_plausible, stretch_of
from ferce_agent.faces.pose import Pose
from ferce_agent.report import Quality, QualityReason

PATCH: Final = 112
"""Side in pixels of the face patch on which sharpness and light are measured."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A factor that rises linearly from 0 at `bad` to 1 at `good` (or falls, if good < bad)."""

    bad: float
    good: float

    def __call__(self, value: float) -> float:
        """Return the factor for `value`, 0..1."""
        return min(max((value - self.bad) / (self.good - self.bad), 0.0), 1.0)


SIZE: Final = Ramp(12, 44)
"""Shorter side of the box in pixels: 44 is what the specialist sees, under 28 the reason is given."""
SHARPNESS: Final = Ramp(0.0005, 0.0075)
"""Sharpness of `measure_light`.

1 % of FER+ faces lie under 0.008; a blur of 4 % of the face width brings press photos to a median of 0.003."""
DIRECTED: Final = Ramp(0.00004, 0.00064)
"""Sharpness along the worst direction; see `worst_sharpness`.

2 % of 348 faces of FER+ and press photos lie under the middle of this ramp, 97 % of these faces moved by 12 % of their
width while the picture was taken, 63 to 69 % of those moved by 8 %. The limit was set on these very faces."""
DARK: Final = Ramp(0.06, 0.22)
"""Mean grey level of the face, 0 (black) to 1 (white); this ramp lowers the score of dark faces."""
BRIGHT: Final = Ramp(0.97, 0.82)
"""Mean grey level of the face; this ramp lowers the score of overexposed faces."""
CONTRAST: Final = Ramp(0.06, 0.30)
"""Range of the grey levels from the 5th to the 95th percentile, 0..1."""
YAW: Final = Ramp(75, 25)
"""Degrees by which the head is turned to a side, without sign."""
PITCH: Final = Ramp(55, 25)
"""Degrees by which the head is raised or lowered, without sign."""
VISIBLE: Final = Ramp(0.55, 0.97)
"""Share of the face box inside the frame, 0..1."""
_ANGLES: Final = np.arange(8) * np.pi / 8
STEERING: Final = np.stack([np.cos(_ANGLES) ** 2, np.sin(2 * _ANGLES), np.sin(_ANGLES) ** 2], axis=1)
"""Eight directions, 22.5 degrees apart, shape (8, 3).

Weights of the second derivatives xx, xy, yy whose sum is the second derivative along each."""
MARGIN: Final = Ramp(0.02, 0.32)
"""Distance of eyes and mouth from the edge of the picture, in distances of the eyes; see `frame_margin`.

Of faces cut through an eye or the mouth nearly all lie under 0.17, half of them under 0.05; of press photos, which are
cropped close to the head, 5 %."""
STRETCH: Final = Ramp(0.42, 0.16)
"""Logarithm of the factor by which a face is too wide or too high; see `stretch_of`.

1 % of whole faces in FER+ and 3 % of those in press photos lie beyond the middle of this ramp; of press photos at half
or twice their width 96 %, at 0.6 or 1.6 times it 87 %, at 0.7 times it 55 %; of the soft pictures of FER+ fewer."""
PROFILE: Final = 45.0
"""From this yaw in degrees on, a face's box is narrower than from the front."""
DOUBTS: Final[dict[QualityReason, float]] = {
    "not_upright": 0.0,
    "maybe_not_a_face": 0.0,
    "drawn": 0.45,
    "eyes_covered": 0.4,
    "nose_covered": 0.48,
    "mouth_covered": 0.4,
}
"""Factor of what the gate network says; with 0 nothing is named."""
COVERINGS: Final[frozenset[QualityReason]] = frozenset({"eyes_covered", "nose_covered", "mouth_covered"})
OCCLUSION: Final = Ramp(0.08, 0.34)
"""Texture of the flattest of eyes and mouth relative to the face (`feature_texture`).

1 % of press photos lie under 0.21, 95 % of faces with a
flat cover over eyes or mouth under 0.17. A patterned cover (a hand with fingers apart) is not noticed."""


def assess_quality(
    pixels: NDArray[np.uint8], face: DetectedFace, pose: Pose, doubts: Sequence[QualityReason] = ()
) -> Quality:
    """Measure the readability of one face.

    Args:
        pixels: Shape (H, W, 3), uint8, BGR; or grey levels (H, W), which is quicker.
        face: The face in pixels of the picture.
        pose: Its head rotation in degrees.
        doubts: What is in the way besides, as the gate network says (`specialist.gating`).

    Returns:
        The score, 0..1 (1: nothing in the way), the reasons, worst first, and the measures themselves.
    """
    grey = align_face(pixels, face.landmarks, PATCH)
    sharpness, brightness, contrast = measure_light(grey)
    size = float(min(face.box[2], face.box[3]))
    visible = visible_share(face, pixels.shape[1], pixels.shape[0])
    margin = MARGIN(frame_margin(face, pixels.shape[1], pixels.shape[0]))
    whole = margin == 1 and abs(pose.yaw) < PROFILE  # the box of a cut face is cut, and that of a profile narrow
    factors: dict[QualityReason, float] = {
        "too_small": SIZE(size),
        "blurred": min(SHARPNESS(sharpness), DIRECTED(worst_sharpness(grey))),
        "too_dark": DARK(brightness),
        "too_bright": BRIGHT(brightness),
        "low_contrast": CONTRAST(contrast),
        "extreme_pose": min(YAW(abs(pose.yaw)), PITCH(abs(pose.pitch))),
        "cut_by_frame": min(VISIBLE(visible), margin),
        "bad_landmarks": float(is_plausible(face)),
        "stretched": STRETCH(abs(stretch_of(face, pose.roll))) if whole else 1.0,
        "likely_occluded": OCCLUSION(feature_texture(grey)),
    }
    factors |= {name: DOUBTS[name] for name in doubts}
    if COVERINGS & factors.keys():
        factors["likely_occluded"] = 1.0  # the network says which part it is
    reasons = sorted((name for name, factor in factors.items() if factor < 0.5), key=lambda name: factors[name])
    return Quality(
        score=round(math.prod(factors.values()), 4),
        reasons=tuple(reasons),
        size_px=round(size, 1),
        sharpness=round(sharpness, 5),
        brightness=round(brightness, 4),
        contrast=round(contrast, 4),
        visible=round(visible, 4),
    )


def measure_light(grey: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return (sharpness, brightness, contrast) of a grey face patch.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000) over the variance of the grey levels, so that
    it does not depend on the contrast (at least 0, without unit). Brightness is the mean of the grey levels, contrast
    their 5th-to-95th percentile range, both 0..1.

    Args:
        grey: uint8 grey levels, shape (112, 112): sharpness depends on the size of the patch.
    """
    low, high = percentiles(grey, 0.05, 0.95) / 255
    mean, deviation = _mean_and_deviation(grey)
    detail = _mean_and_deviation(np.asarray(cv2.Laplacian(grey, cv2.CV_16S)))[1] ** 2
    return detail / (deviation**2 + 1e-4), mean, float(high - low)


def _mean_and_deviation(levels: NDArray[np.integer]) -> tuple[float, float]:
    """Return mean and standard deviation of grey levels, or differences of them, in shares of white."""
    mean, deviation = cv2.meanStdDev(levels)
    return float(mean[0, 0]) / 255, float(deviation[0, 0]) / 255


def worst_sharpness(grey: NDArray[np.uint8]) -> float:
    """Return how sharp a face patch is along the direction in which it is least sharp: low where something moved.

    Variance of the second derivative in each of eight directions (steerable, Freeman and Adelson 1991), over that of
    the grey levels. The least of them, times its share of the largest: blur in all directions lowers the first factor
    alone, a movement both. At least 0, without unit, and not dependent on the contrast.

    Args:
        grey: uint8 grey levels of an aligned face, shape (112, 112).
    """
    levels = cv2.GaussianBlur(grey.astype(np.float32) / 255, (0, 0), 0.7)
    orders = (2, 0), (1, 1), (0, 2)
    # Every second pixel of every second row tells the variances as well.
    along = np.stack([cv2.Sobel(levels, cv2.CV_32F, *order, ksize=3)[::2, ::2].ravel() for order in orders]) / 4
    along -= along.mean(1, keepdims=True)
    spread = along @ along.T / along.shape[1]
    energy = np.sum(STEERING @ spread * STEERING, axis=1)
    least = max(float(energy.min()), 0.0)
    deviation = float(cv2.meanStdDev(grey)[1][0, 0]) / 255
    return least**2 / max(float(energy.max()), 1e-12) / (deviation**2 + 1e-4)


def percentiles(grey: NDArray[np.uint8], *shares: float) -> NDArray[np.float64]:
    """Return percentiles of grey levels, 0..255, as `numpy.percentile` does, but by counting: ten times faster.

    Args:
        grey: uint8 levels of any shape.
        shares: Which percentiles, as shares 0..1: 0.05 is the 5th.

    Returns:
        One level for each share.
    """
    counts = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    places = np.asarray(shares) * (grey.size - 1)
    below = np.floor(places).astype(np.int64)
    low, high = (np.searchsorted(counts, rank, side="right") for rank in (below, np.minimum(below + 1, grey.size - 1)))
    return np.asarray(low + (places - below) * (high - low), np.float64)


def visible_share(face: DetectedFace, width: int, height: int) -> float:
    """Return the share of the face box that lies inside a frame of the given size in pixels, 0..1."""
    low = np.clip(face.box[:2], 0, [width, height])
    high = np.clip(face.box[:2] + face.box[2:], 0, [width, height])
    return float(np.clip(np.prod(high - low) / max(face.area, 1e-9), 0, 1))


def feature_texture(grey: NDArray[np.uint8]) -> float:
    """Return the grey-level spread of the flattest of left eye, right eye and mouth over that of the face (about 0..2).

    Args:
        grey: Aligned face patch, shape (112, 112).
    """
    # Patches around the template's eyes (y 42 of 112) and mouth (y 88), in pixels of the patch.
    patches = grey[32:54, 20:50], grey[32:54, 62:92], grey[78:100, 34:78]
    spread = _mean_and_deviation(grey[20:104, 14:98])[1]
    return min(_mean_and_deviation(patch)[1] for patch in patches) / max(spread, 1 / 255)
