"""A photo's report as a figure: the picture, and for each face what it shows, how sure that is, and the movements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import EmotionReport, Expression, Person, wording
from ferce_agent.views.annotate import annotate
from ferce_agent.views.figure_style import (
    COLOURS,
    HATCH,
    INK,
    NARROW,
    PAPER,
    QUIET,
    RULE,
    SMALL,
    TEXT,
    ReportFigure,
    font,
    in_lines,
    new_figure,
    styled,
    told,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

MOST_FACES: Final = 8
"""So many faces are drawn, the largest; the figure says how many are left out."""
MOST_MOVEMENTS: Final = 8
"""So many movements of a face are drawn, the strongest."""
PANEL: Final = 1.75
"""Height of a panel in inches."""
NOTHING: Final = 0.6
"""Height of the panel of a face of which nothing was read."""
MOST_PICTURE: Final = 3.4
"""Largest height of the picture in inches."""
LINE: Final = 0.17
"""Height of a line of text in inches."""


def photo_figure(report: EmotionReport, pixels: NDArray[np.uint8] | None = None, *, width: float = 7.0) -> ReportFigure:
    """Return a photo's report as a figure; see `EmotionReport.plot`.

    Args:
        report: The report.
        pixels: (H, W, 3) BGR picture the report was made from, or a scaled copy; drawn with boxes where given.
        width: Width of the figure in inches, 3 to 20.

    Raises:
        ImageShapeError: `pixels` is no picture, or not the report's.
        SettingsError: `width` is out of range.
    """
    shown = report.people[:MOST_FACES]
    drawn = annotate(pixels, report)[..., ::-1] if pixels is not None else None
    heads = [_heading(person, report, width) for person in shown]
    notes = _notes(report, width)
    high = [] if drawn is None else [_picture_height(drawn, width)]
    high += [
        _face_height(person, width) + LINE * (head.count("\n") + 1) for person, head in zip(shown, heads, strict=True)
    ]
    high += [LINE * (notes.count("\n") + 1) + 0.1]
    figure = new_figure(width, sum(high))
    parts = list(figure.subfigures(len(high), 1, height_ratios=high, squeeze=False)[:, 0])
    if drawn is not None:
        _picture(parts.pop(0), drawn)
    for person, head, part in zip(shown, heads, parts, strict=False):
        _face(part, person, head, width)
    parts[-1].text(0.01, 0.5, notes, ha="left", va="center", **font(SMALL))
    return figure


def _heading(person: Person, report: EmotionReport, width: float) -> str:
    """Return what a face shows, and below it the weightiest doubt, in lines; abstentions are told as names are."""
    line, doubt, room = wording.headline(person), wording.main_doubt(person, report), (width - 0.2) * 72
    said = in_lines(line, room, TEXT, "bold")
    if not doubt or doubt in line or (person.expression is not None and person.expression.abstained):
        return said  # an abstention gives its reason in the headline
    reason = doubt if person.expression is None else f"Doubt: {doubt}"
    return said + "\n" + in_lines(reason, room, TEXT, "bold")


def _notes(report: EmotionReport, width: float) -> str:
    """Return what concerns all faces: none found, some left out, what was not done, the notice of the rules."""
    left_out = len(report.people) - MOST_FACES
    notes = [] if report.people else [report.summary]
    notes += [f"{left_out} smaller faces are not drawn; the report has them."] if left_out > 0 else []
    notes += [one.message for one in report.degraded if one.person is None]
    use = "" if report.policy.decision == "allowed" else f"Use {report.policy.decision}. "
    return "\n".join(in_lines(note, (width - 0.2) * 72) for note in [*notes, use + report.policy.notice] if note)


def _picture_height(drawn: NDArray[np.uint8], width: float) -> float:
    return float(min(drawn.shape[0] / drawn.shape[1] * width, MOST_PICTURE))


def _face_height(person: Person, width: float) -> float:
    if person.expression is None and not person.action_units:
        return NOTHING
    return PANEL if width >= NARROW else 3 * PANEL + 0.3


def _picture(part: SubFigure, drawn: NDArray[np.uint8]) -> None:
    axes = part.subplots()
    axes.imshow(drawn, interpolation="antialiased")
    axes.set_axis_off()


def _face(part: SubFigure, person: Person, head: str, width: float) -> None:
    part.suptitle(head, x=0.01, ha="left", **font(TEXT, weight="bold"))
    if person.expression is None and not person.action_units:
        _blank(part.subplots(), "Nothing was read of this face")
        return
    rows, columns = (1, 3) if width >= NARROW else (3, 1)
    first, second, third = part.subplots(rows, columns, squeeze=False).ravel()
    expression = person.expression
    if expression is None:
        _blank(first, "No expression was read" if not person.action_units else "No expression is inferred")
        _blank(third, "No valence and arousal")
    else:
        _probabilities(first, expression)
        _circumplex(third, expression)
    _movements(second, person)


def _blank(axes: Axes, words: str) -> None:
    """Draw that there is nothing, hatched, with the reason in words."""
    from matplotlib.patches import Rectangle

    axes.set_axis_off()
    axes.add_patch(Rectangle((0, 0), 1, 1, facecolor=PAPER, edgecolor=RULE, hatch=HATCH, linewidth=0.6))
    box = {"facecolor": PAPER, "edgecolor": "none", "pad": 2.0}
    lines = in_lines(words, 200 if "face" in words else 110)
    axes.text(0.5, 0.5, lines, ha="center", va="center", bbox=box, **font(SMALL))
    axes.set(xlim=(0, 1), ylim=(0, 1))


def _probabilities(axes: Axes, expression: Expression) -> None:
    """Draw the eight probabilities as bars: filled those of the prediction set, hatched where no name is given."""
    styled(axes)
    named = {part.term for part in expression.components} | {expression.primary}
    for row, (term, share) in enumerate(expression.distribution.items()):
        inside = term in expression.prediction_set
        colour = COLOURS[None if expression.abstained else term] if inside else PAPER
        hatch = HATCH if inside and expression.abstained else None
        axes.barh(row, share, height=0.7, facecolor=colour, edgecolor=INK, linewidth=0.6, hatch=hatch)
        weight = "bold" if term in named else "normal"
        axes.text(share + 0.02, row, wording.percent(share), va="center", **font(SMALL, weight=weight))
    axes.set_yticks(range(len(CANONICAL)), [told(wording.term_label(term)) for term in CANONICAL])
    for label, term in zip(axes.get_yticklabels(), CANONICAL, strict=True):
        label.set(parse_math=False, fontweight="bold" if term in named else "normal")
    axes.set(xlim=(0, 1.28), ylim=(len(CANONICAL) - 0.4, -0.6), xticks=(0, 0.5, 1))
    many = len(expression.prediction_set)
    kind = "hatched" if expression.abstained else "filled"
    axes.set_xlabel(f"probability; {kind}: the {wording.percent(expression.coverage)} set ({many} of 8)")


def _movements(axes: Axes, person: Person) -> None:
    units = sorted(person.action_units, key=lambda unit: (-unit.intensity, unit.id))[:MOST_MOVEMENTS]
    if not units:
        _blank(axes, "No movements were measured")
        return
    styled(axes)
    places = range(len(units))
    axes.barh(places, [unit.intensity for unit in units], height=0.6, facecolor=QUIET)
    for row, unit in enumerate(units):
        axes.text(unit.intensity + 0.02, row, f"{unit.intensity:.2f}", va="center", **font(SMALL))
    axes.set_yticks(places, [told(unit.name) for unit in units])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set(xlim=(0, 1.28), ylim=(MOST_MOVEMENTS - 0.4, -0.6), xticks=(0, 0.5, 1))
    axes.set_xlabel("intensity of movements")


def _circumplex(axes: Axes, expression: Expression) -> None:
    """Draw where the expression lies between unpleasant and pleasant, calm and activated."""
    from matplotlib.patches import Circle

    styled(axes)
    axes.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=RULE, linewidth=0.8))
    axes.axhline(0, color=RULE, linewidth=0.6)
    axes.axvline(0, color=RULE, linewidth=0.6)
    valence, arousal = expression.valence.value, expression.arousal.value
    hollow = expression.abstained
    axes.plot(valence, arousal, "o", markersize=7, mfc=PAPER if hollow else INK, mec=INK, mew=1.0)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=(-1, 0, 1), yticks=(-1, 0, 1), aspect="equal")
    axes.set_xlabel(f"valence {wording.signed(valence)}")
    axes.set_ylabel(f"arousal {wording.signed(arousal)}")
