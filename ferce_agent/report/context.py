"""What is going on around the faces.

Scene, relationships, words, conflicts, causes, and how an assistant might answer.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ferce_agent.ontology.ids import AppraisalId
from ferce_agent.ontology.labels import Canonical
from ferce_agent.report.common import Basis, Part, Signed, Text, Token, Unit


class Scene(Part):
    """Where and in what situation; never invented."""

    basis: Literal["observed", "stated", "unknown"]
    """Seen by a VLM, said by the caller, or unknown."""
    text: Text | None
    """The scene in words; null if unknown."""
    evidence: tuple[Token, ...]
    """Ids of entries in the report's `evidence`."""


RelationKind = Literal[
    "close_together",
    "apart",
    "similar_expression",
    "different_expression",
    "opposed_expression",
    "facing_each_other",
    "facing",
    "facing_away",
    "facing_same_way",
    "stated",
]
"""What can hold between two people: distance, expressions, orientation of the heads, or what the caller says."""


class Relationship(Part):
    """A measured or stated relation between two people of the report; no guess about private life."""

    people: tuple[str, str]
    """Two person ids."""
    kind: RelationKind
    """What holds between them."""
    text: Text
    """The relation in words."""
    basis: Basis
    """Measured, said by the caller, or concluded."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""
    confidence: Unit
    """How sure."""


class Group(Part):
    """The mood of several people together."""

    mood: Literal["pleasant", "neutral", "unpleasant", "mixed"]
    """Pleasantness of the expressions, or mixed where they differ much."""
    valence: Signed
    """Mean pleasantness."""
    spread: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """Standard deviation of the pleasantness."""
    dominant: Canonical | None
    """Expression of more than half of the people; null if there is none."""
    text: Text
    """The mood in words."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


class Span(Part):
    """A place in the caller's words."""

    evidence: Token
    """Id of the sentence or turn in the report's `evidence`."""
    start: Annotated[int, Field(ge=0)]
    """First character."""
    end: Annotated[int, Field(ge=1)]
    """One past the last character."""


class TextEmotion(Part):
    """What the words alone express; an estimate."""

    speaker: Text | None
    """Whose words: the speaker of the turns; null for the caller's description of the situation."""
    primary: Canonical | None
    """Expression that fits the words best; null if they are neutral or mixed."""
    valence: Signed
    """Pleasantness of the words."""
    confidence: Unit
    """How sure."""
    agrees: bool | None
    """Whether it agrees with the face of the person in question; null if one of them is unclear."""
    text: Text
    """In words."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""


class Conflict(Part):
    """Face and situation (or words) do not go together; which interpretations that allows. None of them is asserted."""

    person: str
    """Person id."""
    between: Literal["face_and_situation", "face_and_words", "face_and_others", "face_and_voice"]
    """What does not go together."""
    text: Text
    """The conflict in words."""
    readings: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What could explain it, such as politeness or relief."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""
    confidence: Unit
    """How sure that there is a conflict at all."""


class Alternative(Part):
    """Another interpretation of a cause."""

    appraisal: AppraisalId
    """Ontology id of the appraisal."""
    text: Text
    """The interpretation in words."""


class Cause(Part):
    """A likely cause of an expression, typed by how the situation is appraised."""

    person: str
    """Person id."""
    appraisal: AppraisalId
    """Ontology id of the appraisal, e.g. ``loss``."""
    text: Text
    """The cause in words."""
    basis: Basis
    """Measured, said by the caller, or concluded."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""
    agrees: bool
    """False if the face shows something this cause would not lead one to expect."""
    confidence: Unit
    """How sure."""
    alternatives: tuple[Alternative, ...]
    """Other interpretations."""
    source: Literal["words", "scene", "people", "change"] = "words"
    """Where it comes from: the caller's words, the scene, other people's expressions, or a change over time."""
    span: Span | None = None
    """Which of the caller's words say so."""


class Guidance(Part):
    """How an assistant might answer. Advice, hedged by the confidence; no therapy."""

    tone: Text
    """Tone to take."""
    acknowledge: bool
    """Whether to mention what the face shows at all."""
    suggestion: Text
    """One sentence on how to go on."""
    avoid: tuple[Text, ...]
    """What not to do."""
    evidence: tuple[Token, ...]
    """Ids of entries in the report's `evidence`; empty where the advice is the safe default."""
    pace: Literal["slower", "as_is", "brisk"] = "as_is"
    """How fast to go on."""
    step: Literal["ask", "act", "listen", "go_on"] = "go_on"
    """Whether to ask first, help at once, leave room, or simply go on."""
    distress: bool = False
    """Whether face and words together look like distress: then be careful, offer help and people to turn to.

    No therapy.
    """
