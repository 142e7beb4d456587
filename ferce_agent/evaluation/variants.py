"""Changed views of a picture: harmless ones that must not change the answer, and ten corruptions at five severities.

All lengths are in units of a 48-pixel face, so that a severity means the same on a small crop and on a large photo.
Everything random is seeded by item, corruption and severity: each perceiver sees the same pixels, in any order, in any
process.

The choice of corruptions follows Hendrycks & Dietterich 2019 (noise, blur, weather-like light, digital) and adds what
happens to faces: eyes covered (sunglasses), mouth covered (mask, hand) and a tilted head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ferce_agent.errors import SettingsError
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.faces.template import FER_SIZE, symmetric_template

Pixels = NDArray[np.uint8]
Corruption = Callable[[Pixels, "Scene", int, Generator], Pixels]

SEVERITIES: Final = (1, 2, 3, 4, 5)
JPEG_QUALITY: Final = 60
"""Quality of the harmless re-encoding."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the face is in the picture that gets changed.

    Attributes:
        landmarks: Eyes, nose, mouth corners, shape (5, 2), pixels.
        unit: Pixels of the picture per pixel of a 48-pixel face crop.
    """

    landmarks: NDArray[np.float64]
    unit: float

    @classmethod
    def of(cls, pixels: Pixels, face: DetectedFace | None) -> Scene:
        """Locate the face: where it was detected, else where it is in an FER+ crop that fills the picture."""
        template = symmetric_template(FER_SIZE)
        if face is None:
            scale = np.array([pixels.shape[1], pixels.shape[0]]) / FER_SIZE
            return cls(template * scale, float(scale.mean()))
        eyes = float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))
        return cls(face.landmarks, max(eyes / float(np.hypot(*(template[1] - template[0]))), 1e-3))


@dataclass(frozen=True, slots=True)
class Variant:
    """One view of all items.

    Attributes:
        name: ``plain``, ``mirror``, ``jpeg``, ``order`` (labels shuffled in the prompt) or a corruption.
        severity: 1 to 5 for corruptions, else 0.
    """

    name: str
    severity: int = 0

    @property
    def key(self) -> str:
        """Name for the journal, such as ``jpeg`` or ``low_light-3``."""
        return f"{self.name}-{self.severity}" if self.severity else self.name

    @classmethod
    def from_key(cls, key: str) -> Variant:
        """Read a key.

        Raises:
            SettingsError: There is no such view.
        """
        name, _, severity = key.partition("-")
        variant = cls(name, int(severity) if severity.isdigit() else 0)
        if name not in (CORRUPTIONS if variant.severity else HARMLESS) or variant.severity not in (0, *SEVERITIES):
            raise SettingsError(f"'{key[:60]}' is no view of a picture.")
        return variant

    def apply(self, pixels: Pixels, scene: Scene, item: str, seed: int) -> Pixels:
        """Return the changed picture, same shape and type.

        Args:
            pixels: BGR, shape (H, W, 3).
            scene: Where the face is.
            item: Id of the item; decides what is random.
            seed: Seed of the run.
        """
        if self.name == "mirror":
            return np.ascontiguousarray(pixels[:, ::-1])
        if self.name == "jpeg":
            return _through_jpeg(pixels, JPEG_QUALITY)
        if not self.severity:
            return pixels
        return CORRUPTIONS[self.name](pixels, scene, self.severity - 1, seeded(seed, item, self.key))


def seeded(seed: int, *names: str) -> Generator:
    """Return a random generator that depends on the seed and the names only, in every process."""
    digest = hashlib.sha256("\0".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _through_jpeg(pixels: Pixels, quality: int) -> Pixels:
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _clipped(values: NDArray[np.floating]) -> Pixels:
    clipped: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


def low_light(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Scale the light down to 50, 30, 18, 10 or 6 % and add sensor noise of 2 grey levels."""
    dark = pixels * (0.5, 0.3, 0.18, 0.1, 0.06)[level]
    return _clipped(dark + rng.normal(0, 2, pixels.shape[:2])[:, :, None])


def noise(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Add Gaussian noise of 8, 14, 22, 32 or 44 grey levels, as coarse as the face's own pixels at 48."""
    sigma = (8, 14, 22, 32, 44)[level]
    high, wide = pixels.shape[:2]
    coarse = max(round(high / scene.unit), 1), max(round(wide / scene.unit), 1)
    grain = rng.normal(0, sigma, coarse if scene.unit > 1 else (high, wide))
    return _clipped(pixels + cv2.resize(grain, (wide, high), interpolation=cv2.INTER_NEAREST)[:, :, None])


def motion_blur(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Smear along a random direction over 3, 4.5, 6, 8 or 10 pixels of a 48-pixel face."""
    length = (3, 4.5, 6, 8, 10)[level] * scene.unit
    side = int(length) // 2 * 2 + 3
    angle, axis = rng.uniform(0, np.pi), np.arange(side) - side // 2
    across = axis[None] * np.sin(angle) - axis[:, None] * np.cos(angle)
    along = axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle)
    kernel = np.clip(1 - np.abs(across), 0, None) * (np.abs(along) <= length / 2)
    return np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.uint8)


def defocus(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Convolve with a disc of radius 0.8, 1.3, 1.8, 2.4 or 3.2 pixels of a 48-pixel face."""
    radius = (0.8, 1.3, 1.8, 2.4, 3.2)[level] * scene.unit
    axis = np.arange(-int(radius) - 1, int(radius) + 2)
    disc = np.clip(radius + 0.5 - np.hypot(axis[None], axis[:, None]), 0, 1)
    return np.asarray(cv2.filter2D(pixels, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT), np.uint8)


def compression(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Encode as JPEG at quality 50, 30, 18, 10 or 6, with the face at no more than 96 pixels."""
    return _resized(pixels, min(2 / scene.unit, 1), lambda small: _through_jpeg(small, (50, 30, 18, 10, 6)[level]))


def low_resolution(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Show the face at 30, 24, 20, 16 or 12 pixels."""
    return _resized(pixels, (30, 24, 20, 16, 12)[level] / FER_SIZE / scene.unit, lambda small: small)


def _resized(pixels: Pixels, factor: float, change: Callable[[Pixels], Pixels]) -> Pixels:
    high, wide = pixels.shape[:2]
    size = max(round(wide * factor), 4), max(round(high * factor), 4)
    small = change(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
    return np.asarray(cv2.resize(small, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)


def low_contrast(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Pull all grey levels towards their mean, to 50, 35, 24, 16 or 10 % of their spread."""
    mean = pixels.mean()
    return _clipped(mean + (pixels - mean) * (0.5, 0.35, 0.24, 0.16, 0.1)[level])


def eyes_covered(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Cover the eyes with a dark bar 6 to 15 pixels of a 48-pixel face high, as sunglasses do.

    One eye only at severity 1.
    """
    left, right = scene.landmarks[0], scene.landmarks[1]
    if level == 0:
        right = (left + right) / 2
    return _bar(pixels, left, right, (6, 6, 8, 11, 15)[level] * scene.unit, 6 * scene.unit, int(rng.integers(0, 60)))


def mouth_covered(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Cover the mouth with a light bar 6 to 20 pixels of a 48-pixel face high, as a mask does.

    Half of it at severity 1.
    """
    left, right = scene.landmarks[3], scene.landmarks[4]
    if level == 0:
        right = (left + right) / 2
    return _bar(pixels, left, right, (6, 6, 9, 14, 20)[level] * scene.unit, 6 * scene.unit, int(rng.integers(120, 240)))


def _bar(  # noqa: PLR0913
    pixels: Pixels, left: NDArray[np.float64], right: NDArray[np.float64], height: float, margin: float, grey: int
) -> Pixels:
    """Draw a filled bar from `left` to `right`, `margin` longer at each end."""
    along = (right - left) / max(float(np.hypot(*(right - left))), 1e-6)
    across = np.array([-along[1], along[0]]) * height / 2
    start, end = left - along * margin, right + along * margin
    corners = np.array([start - across, end - across, end + across, start + across])
    covered = pixels.copy()
    cv2.fillPoly(covered, [np.rint(corners).astype(np.int32)], (grey,) * 3)
    return covered


def rotation(pixels: Pixels, scene: Scene, level: int, rng: Generator) -> Pixels:
    """Turn the picture by 8, 14, 20, 28 or 36 degrees to either side around the face."""
    angle = (8, 14, 20, 28, 36)[level] * rng.choice([-1, 1])
    x, y = scene.landmarks.mean(0)
    matrix = cv2.getRotationMatrix2D((float(x), float(y)), float(angle), 1.0)
    size = pixels.shape[1], pixels.shape[0]
    return np.asarray(cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


CORRUPTIONS: Final[dict[str, Corruption]] = {
    "low_light": low_light,
    "noise": noise,
    "motion_blur": motion_blur,
    "defocus": defocus,
    "compression": compression,
    "low_resolution": low_resolution,
    "low_contrast": low_contrast,
    "eyes_covered": eyes_covered,
    "mouth_covered": mouth_covered,
    "rotation": rotation,
}
HARMLESS: Final = ("plain", "mirror", "jpeg", "order")
PLAIN: Final = Variant("plain")
