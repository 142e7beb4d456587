"""The contract: `EmotionReport` and its parts.

Whatever the library says about a photo is in its report; what the LangChain tool, the MCP server, the command line and
the HTML page show is taken from it. All models are frozen, refuse unknown fields and accept finite numbers only.
Expressions, action units and appraisals are named by ontology ids. Every claim names the evidence it rests on, and
`EmotionReport` refuses a claim whose evidence is not in the report.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, overload

from pydantic import Field, StringConstraints, model_validator

from ferce_agent.report.common import Degradation, Evidence, Part, Policy, Provenance, Sha256, Text
from ferce_agent.report.context import Cause, Conflict, Group, Guidance, Relationship, Scene, TextEmotion
from ferce_agent.report.person import Person
from ferce_agent.report.speech import VoiceReport

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ferce_agent.inputs.photo import ImageSource, Picture


SCHEMA_VERSION: Final = "1.7"


class Source(Part):
    """What was analysed. Never a path, a name or pixels."""

    width: Annotated[int, Field(ge=1)]
    """Width in pixels after the EXIF orientation was applied."""
    height: Annotated[int, Field(ge=1)]
    """Height in pixels after the EXIF orientation was applied."""
    sha256: Sha256
    """Digest of the encoded file, or of the pixels where an array was given."""
    media_type: Annotated[str, StringConstraints(pattern=r"^(image/[a-z0-9.+-]+|application/x-pixels)$")]
    """Format found in the data, e.g. ``image/jpeg``; ``application/x-pixels`` for arrays."""


class EmotionReport(Part):
    """What the faces in a picture show, how sure that is, and on what evidence.

    A person *shows* an expression; what the person feels is not known from a picture.
    """

    schema_version: Literal["1.7"] = SCHEMA_VERSION
    """Version of this contract."""
    source: Source
    """What was analysed."""
    summary: Text
    """The report in one or two sentences."""
    people: tuple[Person, ...]
    """Everyone found, largest face first; empty if no face was found (`degraded` then says ``no_face``)."""
    scene: Scene
    """Where and in what situation."""
    relationships: tuple[Relationship, ...]
    """Between the people."""
    group: Group | None = None
    """Mood of the people together; null for fewer than two who were read."""
    text_emotions: tuple[TextEmotion, ...] = ()
    """What the caller's words and the speakers' turns express by themselves."""
    voice: VoiceReport | None = None
    """A voice message that came with the picture; null without one. Since version 1.6."""
    conflicts: tuple[Conflict, ...] = ()
    """Where face and situation, words or other people do not go together."""
    causes: tuple[Cause, ...]
    """Why they might look so; only where the caller or the picture gives a reason."""
    guidance: Guidance
    """How an assistant might answer."""
    policy: Policy
    """Rules applied."""
    evidence: tuple[Evidence, ...]
    """All evidence the claims refer to."""
    provenance: Provenance
    """Engines, versions, timings."""
    degraded: tuple[Degradation, ...]
    """What was asked for and could not be done."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _check_unique([entry.id for entry in self.evidence], "evidence ids")
        _check_unique([person.id for person in self.people], "person ids")
        known = {entry.id for entry in self.evidence}
        missing = sorted(set(self._references()) - known)
        if missing:
            raise ValueError(f"claims rest on evidence that is not in the report: {missing}")
        strangers = sorted(set(self._named_people()) - {person.id for person in self.people})
        if strangers:
            raise ValueError(f"people are named that are not in the report: {strangers}")
        if not self.people and not any(entry.code == "no_face" for entry in self.degraded):
            raise ValueError("a report without people says no_face in degraded")
        return self

    def save(self, path: str | os.PathLike[str], *, picture: ImageSource | Picture | None = None) -> Path:
        """Write the report in the format that the file's ending names, whole or not at all, and return the file.

        Args:
            path: File ending with ``.html``, ``.json``, ``.txt``, ``.csv``, or, for EmotionML, ``.emotionml`` or
                ``.xml``.
            picture: The picture the report was made from, as for `analyze_expression`; shown on the HTML page.

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
            InputError: The picture cannot be read, or is not the report's.
        """
        from ferce_agent.views.saving import save_report

        return save_report(self, path, picture)

    def plot(self, pixels: NDArray[np.uint8] | None = None, *, width: float = 7.0) -> Figure:
        """Return the report as a matplotlib figure: for each face what it shows, how sure that is, and its movements.

        Notebooks show it; ``savefig`` writes it. The eight probabilities are bars, those of the prediction set filled;
        where no expression is named the bars are hatched and the reason is the heading. Everything is named in words,
        so that no colour is needed to read it. pyplot is not used, so no figure has to be closed.

        Args:
            pixels: (H, W, 3) BGR picture the report was made from, or a scaled copy; drawn with boxes where given.
            width: Width in inches, 3 to 20; below 5.5 the panels lie one below the other, as for a phone or a column.

        Raises:
            MissingExtraError: matplotlib is not installed.
            ImageShapeError: `pixels` is no picture, or not the report's.
            SettingsError: `width` is out of range.
        """
        from ferce_agent.views.figures import photo_figure

        return photo_figure(self, pixels, width=width)

    @overload
    def to_frame(self, library: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
    @overload
    def to_frame(self, library: Literal["polars"]) -> pl.DataFrame: ...
    def to_frame(self, library: str = "pandas") -> pd.DataFrame | pl.DataFrame:
        """Return the faces as a data frame: a row for each, with the columns and units of the CSV file.

        The columns of the file that tell one photo from another (``photo``, ``code``, ``message``) are left out. What
        is not known is a missing value; a report without a face gives a frame without rows.

        Args:
            library: ``pandas`` or ``polars``.

        Raises:
            SettingsError: Another library is named.
            MissingExtraError: The library is not installed.
        """
        from ferce_agent.views.frames import photo_frame

        return photo_frame(self, library)

    def _repr_html_(self) -> str:
        """Return the report as a fragment for notebooks.

        Text and a few bars for each face, styled within, without script or picture.
        """
        from ferce_agent.views.html import to_fragment

        return to_fragment(self)

    def _references(self) -> Iterator[str]:
        for person in self.people:
            for claim in person.rationale:
                yield from claim.evidence
            yield from person.posture.evidence
        yield from (*self.scene.evidence, *self.guidance.evidence)
        yield from self.group.evidence if self.group else ()
        yield from (entry for words in self.text_emotions for entry in words.evidence)
        yield from (entry for conflict in self.conflicts for entry in conflict.evidence)
        yield from (cause.span.evidence for cause in self.causes if cause.span)
        yield from (entry for relationship in self.relationships for entry in relationship.evidence)
        yield from (entry for cause in self.causes for entry in cause.evidence)

    def _named_people(self) -> Iterator[str]:
        for relationship in self.relationships:
            yield from relationship.people
        yield from (cause.person for cause in self.causes)
        yield from (conflict.person for conflict in self.conflicts)
        yield from (entry.person for entry in self.degraded if entry.person is not None)
        yield from (entry.person for entry in self.evidence if entry.person is not None)


def _check_unique(names: list[str], what: str) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"{what} repeat")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `EmotionReport` as serialised."""
    schema = EmotionReport.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferce-agent:emotion-report:{SCHEMA_VERSION}",
        **schema,
    }
