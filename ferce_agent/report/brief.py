"""The contract of a brief, the report as an agent reads it: short, bounded, and in our own words only.

Everything in a `Brief` is an ontology id or name, an enumerated code, a number, an id of the report, or a sentence of
this package's own tables. What a vision-language model wrote, words read in the picture and the caller's situation are
left out: they could address the agent that reads the brief. The caller's own labels are the one exception; they are
reduced to letters, digits and hyphens, and cut.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from ferce_agent.ontology.ids import AppraisalId, TermId
from ferce_agent.report import Basis, DegradedCode, QualityReason
from ferce_agent.report.schemas import slim

BRIEF_VERSION: Final = "1.1"
"""Version of this contract."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
PersonId = Annotated[str, StringConstraints(pattern=r"^person-[0-9]+$")]
Term = Annotated[TermId, WithJsonSchema({"type": "string"})]
"""An expression's ontology id; the hundred ids are in the ontology, not in the schema."""
Appraised = Annotated[AppraisalId, WithJsonSchema({"type": "string"})]
"""An appraisal's ontology id."""
Words = Annotated[str, StringConstraints(max_length=200)]
"""Words of this package's tables."""
EvidenceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z.]*[0-9]*$", max_length=40)]
"""Id of something the caller said, such as ``context.1`` or ``turn.3``."""

Unnamed = Literal["unsure", "low_quality", "covered", "not_read", "by_rule"]
"""Why no expression is named.

No probability is high enough, the face is too hard to read, reading failed, a rule forbids it.
"""


class BriefPart(BaseModel):
    """Base of all parts: frozen, no unknown fields; what is empty is left out when serialised."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class BriefFaces(BriefPart):
    """What became of every face found; the other numbers add up to `found`."""

    found: Annotated[int, Field(ge=0)]
    named: Annotated[int, Field(ge=0)] = 0
    abstained: Annotated[int, Field(ge=0)] = 0
    unread: Annotated[int, Field(ge=0)] = 0
    unmeasured: Annotated[int, Field(ge=0)] = 0
    left_out: Annotated[int, Field(ge=0)] = 0
    """Beyond the limit of faces."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.found != self.named + self.abstained + self.unread + self.unmeasured + self.left_out:
            raise ValueError("the numbers do not add up to the faces found")
        return self


class BriefPerson(BriefPart):
    """One person."""

    id: PersonId
    where: Words
    """Place in the picture: far left, left, centre, right, far right; and top or bottom if people differ in that."""
    shows: Term | None = None
    """Expression shown; left out if none is named."""
    confidence: Share | None = None
    """Calibrated probability of `shows`; very likely from 0.9, likely from 0.66."""
    strength: Words | None = None
    unnamed: Unnamed | None = None
    """Why no expression is named."""
    maybe: tuple[Term, ...] = ()
    """If unsure: what it may be, likeliest first."""
    cues: tuple[Words, ...] = ()
    """Movements measured, strongest first."""
    doubts: tuple[QualityReason | DegradedCode, ...] = ()
    """What makes the face hard to read or could not be done."""
    labels: dict[str, Share] = {}
    """The caller's own words that fit best; shares, no probabilities."""
    rest: Words | None = None
    """If read against a personal baseline: what is shown without it."""


class BriefRest(BriefPart):
    """People who are not listed one by one, by what they show."""

    count: Annotated[int, Field(ge=1)]
    shows: Term | None = None
    unnamed: Unnamed | None = None
    people: tuple[PersonId, ...] = ()
    """Their ids; the largest faces only where there are many."""


class BriefCause(BriefPart):
    """What may have led to expressions."""

    appraisal: Appraised
    basis: Basis
    confidence: Share
    """Highest over the people."""
    said: tuple[EvidenceId, ...] = ()
    """If stated: which of the caller's sentences or turns say so."""
    fits: tuple[PersonId | Literal["everyone"], ...] = ()
    """Whose expression goes with it."""
    misfits: tuple[PersonId | Literal["everyone"], ...] = ()
    """Whose expression does not."""
    others: Annotated[int, Field(ge=0)] = 0
    """Further people it may concern."""


class BriefConflict(BriefPart):
    """Face and situation, words or other people do not go together."""

    person: PersonId
    between: Literal["face_and_situation", "face_and_words", "face_and_others", "face_and_voice"]


class BriefGuidance(BriefPart):
    """How to answer the person with the largest face."""

    suggestion: Words
    tone: Words | None = None
    avoid: tuple[Words, ...] = ()
    acknowledge: bool
    """Whether to mention the expression."""
    pace: Literal["slower", "as_is", "brisk"] = "as_is"
    step: Literal["ask", "act", "listen", "go_on"] = "go_on"
    distress: bool = False


class BriefPolicy(BriefPart):
    """Rules on the use."""

    decision: Literal["allowed", "restricted", "refused"]
    rules: tuple[Words, ...] = ()
    """Ids of the rules; what they say is in the text and in the whole report."""


class Brief(BriefPart):
    """What the faces in a photo show, in short. Shown is not felt."""

    faces: BriefFaces
    people: tuple[BriefPerson, ...] = ()
    """Largest face first."""
    rest: tuple[BriefRest, ...] = ()
    mood: Literal["pleasant", "neutral", "unpleasant", "mixed"] | None = None
    """Of the group."""
    causes: tuple[BriefCause, ...] = ()
    more_causes: Annotated[int, Field(ge=0)] = 0
    """Further causes in the whole report."""
    voice: tuple[Words, ...] = ()
    """The clearest turns of a voice message that came with it."""
    conflicts: tuple[BriefConflict, ...] = ()
    guidance: BriefGuidance
    policy: BriefPolicy
    not_done: tuple[DegradedCode, ...] = ()
    """What could not be done for the whole picture."""
    more: Words | None = None
    """Address of the whole report, kept for a while."""
    report: dict[str, Any] | None = None
    """The whole report, with detail=full only; its schema is the resource ferce://schema/emotion-report."""

    def told(self) -> dict[str, Any]:
        """Return the brief as plain data, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def brief_schema() -> dict[str, Any]:
    """Return the JSON Schema of a brief as `Brief.told` writes it."""
    return {"$id": f"urn:ferce-agent:brief:{BRIEF_VERSION}", **slim(Brief.model_json_schema(mode="validation"))}
