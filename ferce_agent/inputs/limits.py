"""How large a picture may be; checked before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import ImageShapeError, ImageTooLargeError


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before decoding.

    Attributes:
        max_bytes: Largest encoded size in bytes.
        max_pixels: Most pixels, width times height.
        max_side: Longest side in pixels.
        min_side: Shortest side in pixels.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384
    min_side: int = 8

    def check_bytes(self, count: int) -> None:
        """Check an encoded size.

        Raises:
            ImageTooLargeError: It exceeds the limit.
        """
        if count > self.max_bytes:
            raise ImageTooLargeError(
                f"The picture has {count:,} bytes; at most {self.max_bytes:,} are accepted.",
                hint="Save it smaller or with stronger compression.",
            )

    def check_size(self, width: int, height: int) -> None:
        """Check a size in pixels.

        Raises:
            ImageTooLargeError: Too many pixels, or too long a side.
            ImageShapeError: Too short a side.
        """
        if width * height > self.max_pixels or max(width, height) > self.max_side:
            raise ImageTooLargeError(
                f"The picture has {width}x{height} pixels; at most {self.max_pixels:,} are accepted, "
                f"and {self.max_side:,} on a side.",
                hint="Scale it down.",
            )
        if min(width, height) < self.min_side:
            raise ImageShapeError(
                f"The picture has {width}x{height} pixels; no face fits in.",
                hint=f"Each side needs at least {self.min_side} pixels.",
            )


DEFAULT_LIMITS: Final = ImageLimits()
