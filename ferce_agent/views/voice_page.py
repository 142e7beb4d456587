"""A voice report as one HTML page: turns over time, conflicts, how it came about. It needs no script and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferce_agent.concurrency.lazy import once
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.report import VoiceReport
from ferce_agent.report import clip_wording as words_of
from ferce_agent.report import voice_wording as heard
from ferce_agent.report.wording import percent
from ferce_agent.views.annotate import PALETTE
from ferce_agent.views.pages import date_words, templates
from ferce_agent.views.timeline import Axis
from ferce_agent.views.voice_drawing import turn_bars, turn_title

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES: Final = ("voice.html", "voice_turns.html", "voice_fragment.html")


def voice_html(report: VoiceReport) -> str:
    """Return a voice report as one self-contained HTML page; encode it as UTF-8.

    All text of the report is escaped and freed of control characters. However long the recording is, the page stays
    small: turns beyond its limits are left out, and it says so.
    """
    axis = Axis(report.source.first_s, report.source.last_s)
    created = date_words(report.provenance.created_at)
    page = _environment().get_template("voice.html")
    return page.render(report=report, axis=axis, bars=turn_bars(report.speech, axis), created=created)


def voice_fragment(report: VoiceReport) -> str:
    """Return a voice report as a short piece of HTML for notebooks, without script, style sheet or ids."""
    axis = Axis(report.source.first_s, report.source.last_s)
    page = _environment().get_template("voice_fragment.html")
    return page.render(report=report, axis=axis, bars=turn_bars(report.speech, axis))


@once
def _environment() -> Environment:
    environment = templates(PAGES, ("report.css", "clip.css"))
    environment.globals |= {
        "c": words_of,
        "h": heard,
        "percent": percent,
        "place": lambda share: f"{share * 100:.2f}%",
        "colour": _colour,
        "turn_title": turn_title,
    }
    return environment


def _colour(hue: str) -> str:
    """Return the colour of a bar; grey where no expression is named."""
    known = next((name for name in CANONICAL if name == hue), None)
    return "#{:02x}{:02x}{:02x}".format(*PALETTE[known])
