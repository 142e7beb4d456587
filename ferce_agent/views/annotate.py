"""The picture with what was found drawn on it: face boxes, five landmarks, one label per face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import median
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ferce_agent.errors import ImageShapeError, SettingsError
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report import EmotionReport, Person, Source
from ferce_agent.report.wording import percent, person_number, short_name
from ferce_agent.validation.printable import clean

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

PALETTE: Final[dict[Canonical | None, Colour]] = {
    "neutral": (86, 180, 233),
    "happiness": (240, 228, 66),
    "surprise": (230, 159, 0),
    "sadness": (0, 114, 178),
    "anger": (213, 94, 0),
    "disgust": (0, 158, 115),
    "fear": (204, 121, 167),
    "contempt": (0, 0, 0),
    None: (187, 187, 187),
}
"""Colour per expression (Okabe and Ito 2008), told apart with any colour vision; None: no expression is named."""

SMALLEST_SIDE: Final = 320
"""Pictures whose longer side is shorter are enlarged to it, because a label needs about 120 pixels."""
TEXT_SIZES: Final = (11, 28)
"""Smallest and largest font size in pixels."""
SUBPIXEL_BITS: Final = 4
"""Fractional bits of the coordinates handed to OpenCV."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in pixels of the drawing: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Area) -> float:
        """Return the area shared with `other`, in square pixels."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)


@dataclass(frozen=True, slots=True)
class Mark:
    """One face as it is drawn.

    Attributes:
        box: The face box in pixels of the drawing.
        points: The five landmarks, (x, y) in pixels of the drawing; none where they are not drawn.
        texts: What its label may say, the longest first; the first that fits is taken.
        colour: Of box, points and label.
    """

    box: Area
    points: tuple[tuple[float, float], ...]
    texts: tuple[str, ...]
    colour: Colour


@dataclass(frozen=True, slots=True)
class Label:
    """A text at its place.

    Attributes:
        area: Where it is drawn, in pixels of the drawing.
        text: What it says.
        colour: Of its background.
    """

    area: Area
    text: str
    colour: Colour


def annotate(pixels: NDArray[np.uint8], report: EmotionReport, max_side: int = 1200) -> NDArray[np.uint8]:
    """Draw boxes, landmarks and labels on a copy of the picture.

    The copy is scaled so that its longer side is at most `max_side`, and at least the smaller of `max_side` and
    `SMALLEST_SIDE`. Faces outside the frame are left out; labels stay inside it, and avoid each other and other faces
    where there is room. A label that does not fit at all is shortened to the person's number, then left out.

    Args:
        pixels: (H, W, 3) BGR picture the report was made from, or a scaled copy of it.
        report: The report.
        max_side: Longer side of the result in pixels, at least 1.

    Returns:
        (H', W', 3) BGR.

    Raises:
        ImageShapeError: `pixels` is not such an array, or has another aspect ratio than the report's picture.
        SettingsError: `max_side` is below 1.
    """
    _check(pixels, report.source, max_side)
    canvas = _resized(pixels, max_side)
    height, width = canvas.shape[:2]
    scale = (width / report.source.width, height / report.source.height)
    return draw(canvas, [mark for person in report.people if (mark := _mark(person, scale))])


def draw(canvas: NDArray[np.uint8], marks: Sequence[Mark]) -> NDArray[np.uint8]:
    """Draw faces and their labels, and return the drawing.

    Args:
        canvas: Shape (H, W, 3), BGR; boxes are drawn on it.
        marks: The faces; what lies outside the frame is left out.
    """
    height, width = canvas.shape[:2]
    marks = [mark for mark in marks if _in_frame(mark, width, height)]
    thickness = 2 * max(1, round(max(width, height) / 1000))
    for mark in marks:
        _draw_face(canvas, mark, thickness)
    font = _font(marks, max(width, height))
    return _draw_labels(canvas, _placed(marks, font, width, height), font)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 85) -> bytes:
    """Return a picture, (H, W, 3) BGR, as JPEG bytes; `quality` from 1 to 100.

    Raises:
        ImageShapeError: The array cannot be encoded.
        SettingsError: `quality` is out of range.
    """
    if not 1 <= quality <= 100:
        raise SettingsError(f"A JPEG quality of {quality} makes no sense.", hint="Give a number from 1 to 100.")
    _check_shape(pixels)
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ImageShapeError(f"An array of shape {pixels.shape} cannot be written as JPEG.", hint="Scale it down.")
    return data.tobytes()


def _check_shape(pixels: NDArray[np.uint8]) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ImageShapeError(
            f"A picture is needed; an array of shape {pixels.shape} and type {pixels.dtype} was given.",
            hint="Give an array of shape (height, width, 3), type uint8, channels blue, green, red.",
        )


def _check(pixels: NDArray[np.uint8], source: Source, max_side: int) -> None:
    if max_side < 1:
        raise SettingsError(f"max_side is {max_side}.", hint="Give at least 1 pixel.")
    _check_shape(pixels)
    height, width = pixels.shape[:2]
    # A scaled copy has rounded sides, so the cross products may differ by half a pixel times a side.
    if abs(width * source.height - height * source.width) > 0.5 * (source.width + source.height):
        raise ImageShapeError(
            f"The picture has {width} x {height} pixels, the report was made from {source.width} x {source.height}.",
            hint="Give the picture the report was made from, turned upright, or a scaled copy of it.",
        )


def _resized(pixels: NDArray[np.uint8], max_side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    longer = max(height, width)
    factor = min(max(longer, min(SMALLEST_SIDE, max_side)), max_side) / longer
    if factor == 1:
        return pixels.copy(order="C")
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return _bytes(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC))


def _bytes(array: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array, dtype=np.uint8)


def _mark(person: Person, scale: tuple[float, float]) -> Mark | None:
    box, marks = person.face.box, person.face.landmarks
    area = Area(box.x * scale[0], box.y * scale[1], (box.x + box.width) * scale[0], (box.y + box.height) * scale[1])
    points = (marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth)
    if not all(np.isfinite((area.left, area.top, area.right, area.bottom))):
        return None
    return Mark(area, tuple((p.x * scale[0], p.y * scale[1]) for p in points), _texts(person), PALETTE[_hue(person)])


def _in_frame(mark: Mark, width: int, height: int) -> bool:
    return mark.box.overlap(Area(0, 0, width, height)) > 0


def _texts(person: Person) -> tuple[str, ...]:
    """Return the label in full, without the number, and as the person's number alone."""
    number = person_number(person.id)
    short = f"{number}  {clean(short_name(person))}"
    if person.expression is None or person.expression.abstained:
        return (short, number)
    return (f"{short}  {percent(person.expression.confidence)}", short, number)


def _hue(person: Person) -> Canonical | None:
    """Return the canonical expression that gives the colour: of a compound the heaviest part."""
    expression = person.expression
    if expression is None or expression.primary is None:
        return None
    if expression.components:
        return max(expression.components, key=lambda part: part.weight).term
    named = next((name for name in CANONICAL if name == expression.primary), None)
    return named or expression.distribution.ranked()[0][0]


def _font(marks: Sequence[Mark], longer: int) -> Font:
    """Return the bundled font in a size that follows the picture, and is held down where faces are many and small."""
    faces = median(mark.box.right - mark.box.left for mark in marks) if marks else longer
    size = min(max(min(0.022 * longer, 0.3 * faces), TEXT_SIZES[0]), TEXT_SIZES[1])
    return ImageFont.load_default(size)


def _fixed(value: float, limit: int) -> int:
    """Return a coordinate as OpenCV's fixed-point number, held near the frame so that it cannot overflow."""
    return round(min(max(value, -8.0), limit + 8.0) * (1 << SUBPIXEL_BITS))


def _draw_face(canvas: NDArray[np.uint8], mark: Mark, thickness: int) -> None:
    height, width = canvas.shape[:2]
    first = (_fixed(mark.box.left, width), _fixed(mark.box.top, height))
    last = (_fixed(mark.box.right, width), _fixed(mark.box.bottom, height))
    # A line of the opposite lightness below keeps the box visible on any picture.
    for colour, extra in ((_contrast(mark.colour), 2), (mark.colour, 0)):
        cv2.rectangle(canvas, first, last, colour[::-1], thickness + extra, cv2.LINE_AA, SUBPIXEL_BITS)
    radius = min(max(0.02 * (mark.box.right - mark.box.left), 0.7), 2.0 * thickness + 1)
    for x, y in mark.points:
        if 0 <= x < width and 0 <= y < height:
            _draw_point(canvas, (_fixed(x, width), _fixed(y, height)), radius, mark.colour)


def _draw_point(canvas: NDArray[np.uint8], centre: tuple[int, int], radius: float, colour: Colour) -> None:
    for fill, size in ((_contrast(colour), radius + 1), (colour, radius)):
        fixed = round(size * (1 << SUBPIXEL_BITS))
        cv2.circle(canvas, centre, fixed, fill[::-1], cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)


def _contrast(colour: Colour) -> Colour:
    """Return black or white, whichever stands out more from `colour` by the WCAG 2 relative luminance."""
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # 0.179 is where the contrast ratios (L + 0.05) / 0.05 and 1.05 / (L + 0.05) meet.
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def _placed(marks: Sequence[Mark], font: Font, width: int, height: int) -> list[Label]:
    """Find a place for every label, in the order of the faces."""
    labels: list[Label] = []
    for mark in marks:
        for text in mark.texts:
            size = _label_size(text, font)
            if size[0] <= width and size[1] <= height:
                area = _best_place(mark, size, (width, height), marks, labels)
                labels.append(Label(area, text, mark.colour))
                break
    return labels


def _label_size(text: str, font: Font) -> tuple[int, int]:
    left, _, right, _ = font.getbbox(text)
    # The height of "Ag" for every text, so that labels of neighbours are alike.
    _, top, _, bottom = font.getbbox("Ag")
    pad = 0.3 * (bottom - top)
    return ceil(right - left + 2 * pad), ceil(bottom - top + pad)


def _best_place(
    mark: Mark, size: tuple[int, int], frame: tuple[int, int], marks: Sequence[Mark], labels: Sequence[Label]
) -> Area:
    def cost(area: Area) -> float:
        on_labels = sum(area.overlap(label.area) for label in labels)
        on_others = sum(area.overlap(other.box) for other in marks if other is not mark)
        return 20 * on_labels + 4 * on_others + area.overlap(mark.box)

    return min((_inside(corner, size, frame) for corner in _corners(mark.box, *size)), key=cost)


def _inside(corner: tuple[float, float], size: tuple[int, int], frame: tuple[int, int]) -> Area:
    """Return the whole-pixel rectangle of this size whose top left corner is nearest to `corner` within the frame."""
    left, top = (floor(min(max(at, 0), room - side)) for at, side, room in zip(corner, size, frame, strict=True))
    return Area(left, top, left + size[0], top + size[1])


def _corners(box: Area, wide: int, high: int) -> Iterator[tuple[float, float]]:
    """Yield top left corners for a label, best first: above, below and beside the box, further away, inside."""
    for step in range(4):
        for left in (box.left, box.right - wide):
            yield left, box.top - (step + 1) * high
            yield left, box.bottom + step * high
        for left in (box.right, box.left - wide):
            yield left, box.top + step * high
            yield left, box.bottom - (step + 1) * high
    yield box.left, box.top
    yield box.left, box.bottom - high


def _draw_labels(canvas: NDArray[np.uint8], labels: Sequence[Label], font: Font) -> NDArray[np.uint8]:
    if not labels:
        return canvas
    image = Image.fromarray(canvas[..., ::-1])
    draw = ImageDraw.Draw(image)
    for label in labels:
        area, ink = label.area, _contrast(label.colour)
        left, top = int(area.left), int(area.top)
        draw.rectangle((left, top, int(area.right) - 1, int(area.bottom) - 1), fill=label.colour, outline=ink)
        middle = ((area.left + area.right) / 2, (area.top + area.bottom) / 2)
        draw.text(middle, label.text, fill=ink, font=font, anchor=_anchor(font))
    return _bytes(np.asarray(image)[..., ::-1])


def _anchor(font: Font) -> Literal["mm"] | None:
    """Return the middle anchor, which only scalable fonts know."""
    return "mm" if isinstance(font, ImageFont.FreeTypeFont) else None
