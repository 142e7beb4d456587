"""What the HTML pages share: templates that escape what a report brings in, pictures within the page, dates."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ferce_agent.report import Engine, Listened, Provenance, SoundProvenance, wording
from ferce_agent.validation.printable import clean

if TYPE_CHECKING:
    from jinja2 import Environment


def templates(names: Iterable[str], styles: Iterable[str]) -> Environment:
    """Return an environment of templates with style sheets as ``css`` and wording as ``w``.

    All text that a report brings in is escaped and freed of control characters.

    Args:
        names: Files beside this one.
        styles: Style sheets beside this one, joined in this order.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=DictLoader({name: asset(name) for name in (*names, "origin.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    css = Markup("".join(asset(name) for name in styles))  # files of this package
    environment.globals |= {"css": css, "w": wording, "hash": _digest, "engines": _engines}
    return environment


def asset(name: str) -> str:
    """Return the text of a file beside this one."""
    return files("ferce_agent.views").joinpath(name).read_text("utf-8")


def data_url(jpeg: bytes) -> str:
    """Return a JPEG picture as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def date_words(value: datetime) -> str:
    """Return a time in UTC to the second; times without a zone are UTC by contract."""
    return (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M:%S UTC")


def _finalize(value: Any) -> Any:
    """Clean what the report brings in; markup made by the template itself passes."""
    return clean(value) if type(value) is str else value


def _engines(source: Provenance | SoundProvenance | Listened) -> list[tuple[str, Engine]]:
    if isinstance(source, SoundProvenance | Listened):
        found = (("Voice model", source.voice), ("Speech recogniser", source.transcriber))
        return [("Speech detector", source.activity), *((role, engine) for role, engine in found if engine)]
    rows = [("Face detector", source.detector), ("Expression model", source.specialist)]
    rows += [("Adapter of the deployment", source.adapter)] if source.adapter else []
    return [*rows, ("Vision-language model", source.vlm)] if source.vlm else rows


def _digest(value: str | None) -> str:
    return value if value else "no file"
