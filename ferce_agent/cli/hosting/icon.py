"""The icon of the server: a face in the corners of a detector's box."""

from __future__ import annotations

from typing import Final

SIDE: Final = 512
"""Pixels of its width and height."""
DRAWN: Final = 4
"""Times as large as it is drawn, for smooth edges."""
GROUND: Final = (24, 58, 92, 255)
LINE: Final = (255, 255, 255, 255)


def icon() -> bytes:
    """Return the icon as a PNG file of 512x512 pixels; always the same bytes with the same Pillow."""
    from io import BytesIO

    from PIL import Image, ImageDraw

    side = SIDE * DRAWN
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)

    def box(left: float, top: float, right: float, bottom: float) -> list[float]:
        return [left * side, top * side, right * side, bottom * side]

    wide = side // 28
    pen.rounded_rectangle(box(0, 0, 1, 1), radius=side // 6, fill=GROUND)
    for x, y in ((0.16, 0.16), (0.84, 0.16), (0.16, 0.84), (0.84, 0.84)):
        inwards = [(side * (x + (0.16 if x < 0.5 else -0.16)), side * y), (side * x, side * y)]
        inwards.append((side * x, side * (y + (0.16 if y < 0.5 else -0.16))))
        pen.line(inwards, fill=LINE, width=wide, joint="curve")
    for x in (0.38, 0.62):
        pen.ellipse(box(x - 0.04, 0.36, x + 0.04, 0.44), fill=LINE)
    pen.arc(box(0.3, 0.3, 0.7, 0.7), start=25, end=155, fill=LINE, width=wide)
    file = BytesIO()
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()
