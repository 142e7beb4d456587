"""The shape of a structured answer about a face: a pydantic model whose labels and action units come from the ontology.

The labels are the caller's own words, each standing for an ontology term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import SettingsError
from ferce_agent.ontology.store import ontology
from ferce_agent.vlm.extraction.grammar import Pair, grammar_of
from ferce_agent.vlm.extraction.hygiene import clean_text
from ferce_agent.vlm.extraction.perception import Certainty, Cue, ExtractedPerception, Region, leading_term, merge_parts
from ferce_agent.vlm.protocol import Grammar

MOST_CUES: Final = 4
MOST_PARTS: Final = 3
WORDS: Final = 40
"""Longest description of one cue, in characters."""
BODY: Final = 80
"""Longest description of posture and gesture."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Written(BaseModel):
    """Base of what a model writes: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WrittenCue(Written):
    """One visible movement: where, which action unit, and how it looks in a few words."""

    region: Region
    unit: str
    words: Annotated[str, Field(max_length=WORDS)]

    @field_validator("unit")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ontology().action_units:
            raise ValueError(f"unit must be one of {', '.join(ontology().action_units)}")
        return value


class WrittenLabel(Written):
    """One expression of the list and its share."""

    label: str
    weight: Share

    @field_validator("label")
    @classmethod
    def _listed(cls, value: str, info: ValidationInfo) -> str:
        labels: Mapping[str, str] = (info.context or {}).get("labels", {})
        if value not in labels:
            raise ValueError(f"label must be one of {', '.join(labels)}")
        return value


class WrittenPerception(Written):
    """What the face shows: movements first, then what they are read as."""

    cues: Annotated[list[WrittenCue], Field(max_length=MOST_CUES)]
    labels: Annotated[list[WrittenLabel], Field(min_length=1, max_length=MOST_PARTS)]
    intensity: Share
    certainty: Certainty
    body: Annotated[str, Field(max_length=BODY)]


@dataclass(frozen=True)
class AnswerShape:
    """The answers that are allowed.

    Attributes:
        labels: The words the model may use, each with the ontology id it stands for.
    """

    labels: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check the labels.

        Raises:
            SettingsError: There are none, or a word holds characters that a grammar or a JSON string could not hold as
                they are.
        """
        if not self.labels:
            raise SettingsError("At least one label is needed.")
        for word in self.labels:
            if not word.strip() or len(word) > 80 or not word.isprintable() or any(mark in word for mark in '"\\<>'):
                raise SettingsError(f"'{word[:80]}' cannot be used as a label.", hint="Use a plain word or phrase.")

    @lazy_property
    def grammar(self) -> Grammar:
        """The same shape for back-ends that enforce a grammar."""
        units = ontology().action_units
        regions: dict[str, list[str]] = {}
        for unit in units.values():
            regions.setdefault(unit.region, []).append(unit.id)
        return grammar_of(
            WrittenPerception,
            {"WrittenLabel": {"label": tuple(self.labels)}, "WrittenCue": {"unit": tuple(units)}},
            {"labels": dict(self.labels)},
            {"WrittenCue": Pair("region", "unit", regions)},  # so that no cue names an eye movement of the mouth
            {"WrittenCue": "cue", "WrittenLabel": "part"},
        )

    def read(self, document: object) -> ExtractedPerception:
        """Turn a decoded JSON value into a perception.

        Raises:
            pydantic.ValidationError: It does not have the shape.
        """
        return self.accept(WrittenPerception.model_validate(document, context=self.grammar.context))

    def accept(self, written: WrittenPerception) -> ExtractedPerception:
        """Turn a validated answer into a perception; the words are cleaned, repeated labels and units merged."""
        parts = merge_parts((self.labels[part.label], part.weight) for part in written.labels)
        term = leading_term(parts)
        cues: dict[str, Cue] = {}
        for cue in written.cues:
            # The unit decides where it is; a region that does not fit it is a slip of the pen.
            region: Any = ontology().action_units[cue.unit].region
            cues.setdefault(cue.unit, Cue(region, cue.unit, clean_text(cue.words, WORDS)))
        return ExtractedPerception(
            term=term,
            parts=parts,
            intensity=round(written.intensity, 4),
            certainty=written.certainty,
            cues=tuple(cues.values()),
            sentence="; ".join(cue.words for cue in cues.values() if cue.words)[:400],
            body=clean_text(written.body, BODY).strip(" .,;"),
            problem="" if term else "The answer names several expressions equally.",
            form="json",
        )


def shape_for(labels: Mapping[str, str] | None = None) -> AnswerShape:
    """Return the shape for the caller's label words, or for the eight canonical expressions."""
    return AnswerShape(dict(labels or ontology().label_sets["ferplus"]))
