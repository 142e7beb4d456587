"""The one style of the matplotlib figures: paper, ink, fonts, sizes, how texts are broken into lines.

Figures are made without pyplot, so that they work in threads and servers and no figure stays in memory. Colours, texts
and sizes are given with each part, so matplotlib's global settings are not written, and a style sheet that a notebook
chose changes no more than the width of a few lines. The font is the one that comes with matplotlib.

Importing this module needs matplotlib (extra ``notebook``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ferce_agent.errors import MissingExtraError, SettingsError
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.validation.printable import clean
from ferce_agent.views.annotate import PALETTE

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingExtraError("matplotlib", "notebook") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONT: Final = "DejaVu Sans"
TEXT: Final = 9.0
"""Size of headings in points; on paper as in a book, on a screen 12 pixels."""
SMALL: Final = 8.0
"""Size of all other texts in points."""
PAPER: Final = "#ffffff"
INK: Final = "#222222"
QUIET: Final = "#555555"
"""Second colour of texts; 7 to 1 against the paper."""
RULE: Final = "#c8c8c8"
"""Colour of lines that help the eye."""
SERIES: Final = ("#2563a8", "#c2410c", "#15803d", "#7c3aed", "#57534e", "#be185d")
"""Colours of curves that are of no expression."""
HATCH: Final = "////"
"""What could not be read or named is hatched like this."""
WIDTHS: Final = (3.0, 20.0)
"""Narrowest and widest figure in inches."""
NARROW: Final = 5.5
"""Below this width in inches what usually lies side by side is put one below the other."""
HINTED: Final = 1.07
"""How much wider a text can be on a screen than its letters are."""
SCREEN_DPI: Final = 100
"""Pixels an inch in a notebook."""

COLOURS: Final[Mapping[str | None, str]] = MappingProxyType(
    {name: "#{:02x}{:02x}{:02x}".format(*PALETTE[name]) for name in (*CANONICAL, None)}
)
"""Colour of each expression; None: no expression is named."""


class ReportFigure(Figure):
    """A figure that notebooks show as a picture, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=SCREEN_DPI)
        return stream.getvalue()


def new_figure(width: float, height: float) -> ReportFigure:
    """Return an empty figure of this style.

    Args:
        width: In inches, within `WIDTHS`.
        height: In inches.

    Raises:
        SettingsError: The width is out of range.
    """
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise SettingsError(
            f"A figure {width} inches wide is not drawn.",
            hint=f"Give a width from {WIDTHS[0]:.0f} to {WIDTHS[1]:.0f} inches.",
        )
    figure = ReportFigure(figsize=(width, height), layout="constrained", facecolor=PAPER)
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.05)
    return figure


def styled(axes: Axes) -> Axes:
    """Give axes this style: a thin frame at the left and below, small quiet ticks."""
    axes.set_facecolor(PAPER)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set(color=QUIET, linewidth=0.6)
    axes.tick_params(colors=QUIET, labelcolor=INK, labelsize=SMALL, length=2.5, width=0.6, direction="out")
    axes.tick_params(labelfontfamily=FONT)
    axes.xaxis.label.set(color=INK, fontsize=SMALL, family=FONT, parse_math=False)
    axes.yaxis.label.set(color=INK, fontsize=SMALL, family=FONT, parse_math=False)
    axes.title.set(color=INK, fontsize=TEXT, family=FONT, parse_math=False)
    axes.grid(False)
    return axes


def titled(axes: Axes, text: str) -> Axes:
    """Give axes a heading of this style."""
    axes.set_title(told(text), **font(TEXT))
    return axes


def font(size: float = SMALL, **changes: Any) -> dict[str, Any]:
    """Return the properties of a text; dollar signs are dollar signs and no formulas."""
    return {"fontsize": size, "family": FONT, "color": INK, "parse_math": False} | changes


def told(text: str) -> str:
    """Return a text that the font can show: without control characters, a box for what the font does not have."""
    known = _characters()
    return "".join(one if one == "\n" or ord(one) in known else "□" for one in clean(text))


def _characters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=FONT))).get_charmap())


def width_of(text: str, size: float = SMALL, weight: str = "normal") -> float:
    """Return how wide a line of text is at most, in points: letters are moved to whole pixels when they are drawn."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    properties = FontProperties(family=FONT, size=size, weight=weight)
    return (
        HINTED * float(text_to_path.get_text_width_height_descent(text, properties, ismath=False)[0]) if text else 0.0
    )


def in_lines(text: str, width: float, size: float = SMALL, weight: str = "normal", most: int = 6) -> str:
    """Return a text broken into lines.

    Args:
        text: The text; cleaned by `told`.
        width: Widest line in points.
        size: Size of the text in points.
        weight: ``normal`` or ``bold``.
        most: Most lines; what does not fit is left out, and an ellipsis says so.
    """
    lines = [""]
    for word in _words(told(text), width, size, weight):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, weight) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > most:
        last = lines[most - 1]
        while last and width_of(f"{last} …", size, weight) > width:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last} …"]
    return "\n".join(lines)


def _words(text: str, width: float, size: float, weight: str) -> list[str]:
    """Return the words of a text, those wider than a line in pieces."""
    found: list[str] = []
    for word in text.split():
        while word and width_of(word, size, weight) > width:
            fits = max((end for end in range(1, len(word)) if width_of(word[:end], size, weight) <= width), default=1)
            found.append(word[:fits])
            word = word[fits:]
        found.append(word)
    return [word for word in found if word]
