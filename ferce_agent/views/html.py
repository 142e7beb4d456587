"""The report as one HTML page that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.labels import Canonical
from ferce_agent.report import (
    ActionUnitReading,
    EmotionReport,
    Evidence,
    Expression,
    Person,
    clip_wording,
    voice_wording,
    wording,
)
from ferce_agent.views.alike import alike
from ferce_agent.views.annotate import PALETTE, annotate, encode_jpeg
from ferce_agent.views.pages import data_url, date_words, templates

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = ("report.html", "person.html", "fragment.html", "voice_turns.html")
THUMBNAIL = 112
"""Longer side of the pictures of faces in the overview, in pixels: twice what is shown, for fine screens."""
STRONGEST = 5
"""How many movements are shown at once; the others are folded."""
FEWEST = 3
"""How many expressions a fragment shows at least."""
PLOT_SIDE = 120
"""Side of the valence-arousal plot in its own units."""


def to_html(report: EmotionReport, pixels: NDArray[np.uint8] | None = None) -> str:
    """Return the report as one self-contained HTML page.

    All text of the report is escaped and freed of control characters.

    Args:
        report: The report.
        pixels: (H, W, 3) BGR picture the report was made from, or a scaled copy; shown annotated where given.

    Returns:
        The page; encode it as UTF-8.

    Raises:
        ImageShapeError: `pixels` is no picture, or not the report's.
    """
    page = _environment().get_template("report.html")
    return page.render(
        report=report,
        faces=_thumbnails(report, pixels) if pixels is not None else {},
        picture=_picture(annotate(pixels, report)) if pixels is not None else None,
        alt=_alt(report),
        evidence={entry.id: entry for entry in report.evidence},
        created=date_words(report.provenance.created_at),
    )


def to_fragment(report: EmotionReport) -> str:
    """Return the report as a short piece of HTML for notebooks.

    Summary, a row for each face, what was not done, the notice.

    It holds neither script nor style sheet nor ids, so nothing of it reaches the page around it.
    """
    return _environment().get_template("fragment.html").render(report=report)


@once
def _environment() -> Environment:
    environment = templates(PAGES, ("report.css",))
    environment.globals |= {
        "c": clip_wording,
        "h": voice_wording,
        "percent": wording.percent,
        "colour": _colour,
        "plot": _plot,
        "cited": _cited,
        "notes_on": _notes_on,
        "alike": alike,
        "by_strength": _by_strength,
        "strongest": STRONGEST,
        "likeliest": _likeliest,
    }
    return environment


def _picture(pixels: NDArray[np.uint8], quality: int = 85) -> str:
    return data_url(encode_jpeg(pixels, quality))


def _thumbnails(report: EmotionReport, pixels: NDArray[np.uint8]) -> dict[str, str]:
    """Return a small picture of each face that lies in the frame, by person id, as data URLs."""
    scale = pixels.shape[1] / report.source.width
    crops = {person.id: _crop(pixels, person, scale) for person in report.people}
    return {name: _picture(crop, 80) for name, crop in crops.items() if crop is not None}


def _crop(pixels: NDArray[np.uint8], person: Person, scale: float) -> NDArray[np.uint8] | None:
    """Return a square around the face box, half as wide again, of at most `THUMBNAIL` pixels, (H, W, 3) BGR.

    None outside it.

    At the edge of the picture the square is moved inwards, or else cut.
    """
    box, (height, width) = person.face.box, pixels.shape[:2]
    side = max(box.width, box.height) * scale * 1.5
    middle = ((box.x + box.width / 2) * scale, (box.y + box.height / 2) * scale)
    if not (0 <= middle[0] <= width and 0 <= middle[1] <= height):
        return None
    left, top = (
        round(min(max(at - side / 2, 0), max(room - side, 0))) for at, room in zip(middle, (width, height), strict=True)
    )
    crop = pixels[top : top + max(round(side), 1), left : left + max(round(side), 1)]
    factor = min(THUMBNAIL / max(crop.shape[:2]), 1)
    size = (max(round(crop.shape[1] * factor), 1), max(round(crop.shape[0] * factor), 1))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


def _alt(report: EmotionReport) -> str:
    names = [f"{wording.person_name(person.id)}: {wording.short_name(person)}" for person in report.people]
    return f"The analysed picture with {len(names)} marked face{'s' * (len(names) != 1)}. {'; '.join(names)}".strip()


def _colour(term: Canonical) -> str:
    red, green, blue = PALETTE[term]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _plot(valence: float, arousal: float) -> tuple[str, str]:
    """Return the position of an expression in the plot: x to the right for pleasant, y up for activated."""
    half, reach = PLOT_SIDE / 2, PLOT_SIDE / 2 - 8
    return f"{half + valence * reach:.1f}", f"{half - arousal * reach:.1f}"


def _likeliest(expression: Expression) -> list[tuple[Canonical, float]]:
    """Return the expressions that a fragment shows as bars: the prediction set, and up to `FEWEST` with others."""
    ranked = expression.distribution.ranked()
    return [one for place, one in enumerate(ranked) if place < FEWEST or one[0] in expression.prediction_set]


def _by_strength(units: Iterable[ActionUnitReading]) -> list[ActionUnitReading]:
    return sorted(units, key=lambda unit: -unit.intensity)


def _cited(ids: Iterable[str], evidence: dict[str, Evidence]) -> list[Evidence]:
    return [evidence[name] for name in ids]


def _notes_on(person: Person, report: EmotionReport) -> list[str]:
    return [entry.message for entry in report.degraded if entry.person == person.id]
