"""How large a picture or a clip may be; checked before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ferce_agent.errors import ClipTooLargeError, ImageShapeError, ImageTooLargeError


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


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """How much of a clip is read; a file itself may have any size, for it is never read whole.

    Attributes:
        max_pixels: Most pixels of a frame, width times height (8K video has 33 million).
        max_side: Longest side of a frame in pixels.
        max_seconds: Longest stretch that is read, in seconds.
        max_frames: Most frames that are read.
        max_held: Most bytes of a clip that comes as text or from a stream that cannot be wound back; such a clip is
            kept while it is read.
        max_digested: Most bytes of which a digest is made; larger files would be read twice for it.
    """

    max_pixels: int = 40_000_000
    max_side: int = 16_384
    max_seconds: float = 86_400.0
    max_frames: int = 10_000_000
    max_held: int = 2 * 1024**3
    max_digested: int = 128 * 1024**2

    def check_size(self, width: int, height: int) -> None:
        """Check the size of a frame in pixels.

        Raises:
            ClipTooLargeError: Too many pixels, or too long a side.
        """
        if width * height > self.max_pixels or max(width, height) > self.max_side:
            raise ClipTooLargeError(
                f"The film has {width}x{height} pixels; at most {self.max_pixels:,} are accepted, "
                f"and {self.max_side:,} on a side.",
                hint="Scale it down.",
            )

    def check_seconds(self, seconds: float) -> None:
        """Check how long the stretch to be read is.

        Raises:
            ClipTooLargeError: It is longer than the limit.
        """
        if seconds > self.max_seconds:
            raise ClipTooLargeError(
                f"The film says that {seconds:,.0f} s are to be read; at most {self.max_seconds:,.0f} s are read at a "
                "time.",
                hint="Give start_s and end_s to read a part of it.",
            )

    def check_held(self, count: int) -> None:
        """Check how many bytes would have to be kept.

        Raises:
            ClipTooLargeError: Too many.
        """
        if count > self.max_held:
            raise ClipTooLargeError(
                f"A clip of more than {self.max_held:,} bytes is only read from a file.", hint="Give a path."
            )


DEFAULT_CLIP_LIMITS: Final = ClipLimits()
