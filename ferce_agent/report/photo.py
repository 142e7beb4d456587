"""The contract: `EmotionReport` and its parts.

A report is the only thing that leaves the library; the LangChain tool, the MCP server, the command line and the HTML page are
views of it. All models are frozen, refuse unknown fields and accept finite numbers only. Expressions, action units
and appraisals are named by ontology ids. Every claim names the evidence it rests on, and `EmotionReport` refuses a claim whose
evidence is not in the report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ferce_agent.ontology.ids import ActionUnitId, AppraisalId, TermId
from ferce_agent.ontology.labels import CANONICAL, Canonical

if TYPE_CHECKING:
    from ferce_agent.inputs.photo import ImageSource, Picture

SCHEMA_VERSION: Final = "1.4"

Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A number from 0 to 1."""
Signed = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
"""A number from -1 to 1."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
"""Any finite number."""
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
"""An angle in degrees."""
Millis = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A duration in milliseconds."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""A sentence or two for people to read."""
Token = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.:+-]*$", max_length=120)]
"""A stable machine-readable name."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in hexadecimal."""

Basis = Literal["observed", "stated", "inferred"]
"""`observed`: measured in the picture; `stated`: said by the caller; `inferred`: concluded from the other two."""
Support = Literal["supported", "contradicted", "unverified"]
"""How a claim stands against the measurements."""
Origin = Literal["measured", "derived", "vlm"]
"""`measured` by a dedicated engine, `derived` by formula from other fields, or said by a `vlm`."""


class Part(BaseModel):
    """Base of all parts: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


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


class Box(Part):
    """A rectangle in pixels of the oriented picture; it may reach beyond the frame."""

    x: Finite
    """Left edge."""
    y: Finite
    """Top edge."""
    width: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Width."""
    height: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Height."""


class Point(Part):
    """A position in pixels of the oriented picture."""

    x: Finite
    """From the left edge."""
    y: Finite
    """From the top edge."""


class Landmarks(Part):
    """Five points; left and right are those of the picture, not of the person."""

    left_eye: Point
    """Centre of the eye that is further left in the picture of an upright face."""
    right_eye: Point
    """Centre of the other eye."""
    nose: Point
    """Tip of the nose."""
    left_mouth: Point
    """Mouth corner below `left_eye`."""
    right_mouth: Point
    """Mouth corner below `right_eye`."""


class HeadPose(Part):
    """Head rotation in degrees; zero is upright and facing the camera."""

    roll: Degrees
    """Positive: the head leans clockwise as seen in the picture."""
    yaw: Degrees
    """Positive: the nose points to the right of the picture."""
    pitch: Degrees
    """Positive: the nose points up."""
    method: Token
    """How it was estimated."""


QualityReason = Literal[
    "too_small", "blurred", "too_dark", "too_bright", "low_contrast", "extreme_pose", "cut_by_frame", "likely_occluded"
]
"""Why a face is hard to read."""


class Quality(Part):
    """How readable the face is."""

    score: Unit
    """Product of the single measures, 1 = nothing in the way."""
    reasons: tuple[QualityReason, ...]
    """Problems found, worst first; empty if none."""
    size_px: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Shorter side of the face box in pixels."""
    sharpness: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Variance of the Laplacian over the variance of the grey levels, on the face scaled to 112 pixels."""
    brightness: Unit
    """Mean grey level of the face."""
    contrast: Unit
    """Spread of the grey levels: (95th - 5th percentile)."""
    visible: Unit
    """Share of the face box inside the frame."""


class Face(Part):
    """Where the face is, how it is turned, how readable it is."""

    box: Box
    """Bounding box."""
    score: Unit
    """The detector's score."""
    landmarks: Landmarks
    """Five points."""
    pose: HeadPose
    """Head rotation."""
    quality: Quality
    """Readability."""


class Distribution(Part):
    """Calibrated probabilities of the eight FER+ expressions; they sum to one."""

    neutral: Unit
    """No marked expression."""
    happiness: Unit
    """Happiness."""
    surprise: Unit
    """Surprise."""
    sadness: Unit
    """Sadness."""
    anger: Unit
    """Anger."""
    disgust: Unit
    """Disgust."""
    fear: Unit
    """Fear."""
    contempt: Unit
    """Contempt."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = sum(value for _, value in self.items())
        if abs(total - 1) > 0.01:
            raise ValueError(f"the probabilities sum to {total:.4f}, not to 1")
        return self

    def items(self) -> Iterator[tuple[Canonical, float]]:
        """Yield (canonical id, probability) in FER+ order."""
        for name in CANONICAL:
            yield name, getattr(self, name)

    def ranked(self) -> list[tuple[Canonical, float]]:
        """Return (canonical id, probability), most probable first."""
        return sorted(self.items(), key=lambda item: -item[1])


class Estimate(Part):
    """A number with its origin."""

    value: Signed
    """The number; see the field that holds the estimate for its range."""
    origin: Origin
    """Where it comes from."""
    method: Token
    """How it was computed."""


class Component(Part):
    """One part of a compound expression."""

    term: Canonical
    """Canonical expression."""
    weight: Unit
    """Its share; the weights of all components sum to one."""


AbstainReason = Literal["unsure", "low_quality"]
"""Why no expression is named: no probability is high enough, or the face is too hard to read."""


class Expression(Part):
    """What the face shows."""

    primary: TermId | None
    """The expression shown: an ontology term, a compound one where two terms are supported; null if `abstained`."""
    distribution: Distribution
    """Calibrated probabilities of the eight canonical expressions."""
    prediction_set: tuple[Canonical, ...]
    """Smallest set that holds the annotators' majority label in the stated share of cases (`coverage`), likeliest first."""
    coverage: Unit
    """Share of faces (like those of the calibration set) whose label lies in `prediction_set`."""
    confidence: Unit
    """Calibrated probability of `primary`; for a compound the sum over its components; for an abstention, of the likeliest."""
    abstained: bool
    """True if no expression is named."""
    abstain_reason: AbstainReason | None
    """Why, if `abstained`."""
    intensity: Estimate
    """Strength of the expression, 0 (none) to 1 (full)."""
    valence: Estimate
    """Pleasantness, -1 to 1."""
    arousal: Estimate
    """Activation, -1 to 1."""
    components: tuple[Component, ...]
    """Parts of a compound expression; empty for a single one."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.abstained != (self.primary is None) or self.abstained != (self.abstain_reason is not None):
            raise ValueError("primary is null and abstain_reason is set exactly when abstained")
        if not self.prediction_set or len(set(self.prediction_set)) != len(self.prediction_set):
            raise ValueError("prediction_set is empty or repeats a term")
        if len(self.components) == 1 or (self.components and abs(sum(c.weight for c in self.components) - 1) > 0.01):
            raise ValueError("components are none, or at least two whose weights sum to 1")
        return self


class ActionUnitReading(Part):
    """One action unit seen in the face."""

    id: ActionUnitId
    """Ontology id, e.g. ``AU12``."""
    name: Text
    """FACS name."""
    intensity: Unit
    """0 (absent) to 1 (full)."""
    origin: Origin
    """Who saw it."""


class RankedLabel(Part):
    """One of the words the caller asked about."""

    label: Text
    """The caller's word."""
    term: str | None
    """Ontology id, where the word names a term; else null."""
    score: Unit
    """Share among the caller's words: they compete with each other only. Not a calibrated probability."""


class Description(Part):
    """The face in words; what was measured is kept apart from what is concluded."""

    observed: Text
    """Only what was measured or seen: position, pose, quality, movements."""
    inferred: Text
    """The reading of it, hedged by the confidence."""


class Claim(Part):
    """A statement with its evidence."""

    text: Text
    """The statement."""
    basis: Basis
    """Measured, said by the caller, or concluded."""
    evidence: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Ids of entries in the report's `evidence`."""
    status: Support
    """How it stands against the measurements."""


class SeenCue(Part):
    """One movement that a vision-language model says it sees, checked against the measurement."""

    action_unit: ActionUnitId
    """Ontology id, e.g. ``AU12``."""
    text: Text
    """The movement in words."""
    status: Support
    """Supported if the movement was measured, contradicted if it was measured as absent, else unverified."""


class VlmReading(Part):
    """What a vision-language model says about one face; its words, checked and cleaned, never a fact."""

    primary: TermId | None
    """The expression it names; null if none or several."""
    components: tuple[Component, ...]
    """The canonical expressions it names, with weights; empty for a single one."""
    intensity: Unit | None
    """Strength it names; null if not said."""
    certainty: Literal["sure", "likely", "unsure"] | None
    """How sure it says it is; not calibrated."""
    cues: tuple[SeenCue, ...]
    """Movements it says it sees."""
    words: Text | None
    """Its description, quoted."""
    body: Text | None
    """Posture and gesture in its words."""
    agrees: bool | None
    """Whether its expression lies in the measured prediction set; null if one of them is missing."""
    weight: Unit
    """Its share in the reported probabilities: 0 unless its reliability was measured (`ferce vlm calibrate`)."""
    form: Literal["json", "tags", "prose"]
    """How the answer was read."""
    constrained: bool
    """Whether a grammar was enforced while the answer was written."""
    repairs: tuple[Text, ...]
    """Why earlier attempts were refused."""


class Posture(Part):
    """How somebody holds the body; never invented."""

    basis: Literal["observed", "stated", "unknown"]
    """Seen by a VLM, said by the caller, or unknown."""
    text: Text | None
    """In words; null if unknown."""
    evidence: tuple[Token, ...]
    """Ids of entries in the report's `evidence`."""


UNKNOWN_POSTURE: Final = Posture(basis="unknown", text=None, evidence=())


class Person(Part):
    """One face and what it shows."""

    id: Annotated[str, StringConstraints(pattern=r"^person-[0-9]+$")]
    """Stable within the report: `person-1` is the largest face."""
    face: Face
    """Where and how."""
    expression: Expression | None
    """What the face shows; null if it could not be read (`degraded` says why)."""
    action_units: tuple[ActionUnitReading, ...]
    """Facial movements; empty if nothing measured them."""
    labels: tuple[RankedLabel, ...] = ()
    """The words the caller asked about, best first; empty if none were given."""
    vlm: VlmReading | None = None
    """What a vision-language model says about the face; null if none was asked."""
    posture: Posture = UNKNOWN_POSTURE
    """Body language."""
    description: Description
    """The face in words."""
    rationale: tuple[Claim, ...]
    """Why the expression was named."""


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
    """Face and situation (or words) do not go together; which readings that allows. None of them is asserted."""

    person: str
    """Person id."""
    between: Literal["face_and_situation", "face_and_words", "face_and_others"]
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
    """Another reading of a cause."""

    appraisal: AppraisalId
    """Ontology id of the appraisal."""
    text: Text
    """The reading in words."""


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
    """Other readings."""
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
    """Whether face and words together look like distress: then be careful, offer help and people to turn to; no therapy."""


class Policy(Part):
    """Which rules were applied to this report."""

    decision: Literal["allowed", "restricted", "refused"]
    """What the rules allow."""
    rules: tuple[Token, ...]
    """Names of the rules that were applied."""
    notice: Text
    """What to keep in mind, or to tell the people shown."""


class Engine(Part):
    """One engine that took part."""

    name: Token
    """Name of the engine or model."""
    version: Token
    """Its version."""
    sha256: Sha256 | None
    """Digest of its weights, where it has a file."""


class Provenance(Part):
    """How the report came about."""

    package: Token
    """Version of ferce-agent."""
    created_at: datetime
    """When, in UTC."""
    detector: Engine
    """Face detector."""
    specialist: Engine
    """Expression model."""
    vlm: Engine | None
    """Vision-language model, if one was asked."""
    ontology: Token
    """Version of the ontology."""
    prompts: tuple[Token, ...]
    """`name:version` of each prompt that was sent."""
    left_machine: tuple[Token, ...]
    """What was sent to a remote engine; empty if all stayed here."""
    timings_ms: dict[str, Millis]
    """Wall-clock time per stage; faces are read in parallel, so their stage holds the sum over faces."""


DegradedCode = Literal[
    "no_face",
    "more_faces_than_limit",
    "face_failed",
    "vlm_not_configured",
    "vlm_failed",
    "vlm_skipped",
    "action_units_not_measured",
    "context_failed",
    "language_not_understood",
    "words_not_read",
    "sentences_not_compared",
    "policy_restricted",
    "first_frame_only",
    "timeout",
]
"""Reason code of something that was asked for and could not be done."""


class Degradation(Part):
    """Something that was asked for and could not be done, or only partly."""

    stage: Token
    """Step of the workflow."""
    code: DegradedCode
    """Reason code."""
    message: Text
    """What happened and what to do about it."""
    person: str | None
    """Person id, where it concerns one."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many things it concerns, where that is known: for ``more_faces_than_limit`` the faces left out."""


EvidenceKind = Literal["probability", "quality", "pose", "geometry", "action_unit", "ontology", "context", "vlm"]
"""What an entry of evidence is."""


class Evidence(Part):
    """Something a claim can rest on."""

    id: Token
    """Unique within the report, e.g. ``person-1.probability.happiness``."""
    kind: EvidenceKind
    """What it is."""
    text: Text
    """The evidence in words; for `context` the caller's own sentence."""
    value: Finite | None
    """The measured number, where there is one."""
    person: str | None
    """Person id, where it concerns one."""


class EmotionReport(Part):
    """What the faces in a picture show, how sure that is, and on what evidence.

    A person *shows* an expression; what the person feels is not known from a picture.
    """

    schema_version: Literal["1.4"] = SCHEMA_VERSION
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
            path: File ending with ``.html``, ``.json``, ``.txt``, ``.csv``, or, for EmotionML, ``.emotionml`` or ``.xml``.
            picture: The picture the report was made from, as for `analyze_expression`; shown on the HTML page.

        Raises:
            SettingsError: The ending is not known, or the file cannot be written.
            InputError: The picture cannot be read, or is not the report's.
        """
        from ferce_agent.views.saving import save_report

        return save_report(self, path, picture)

    def _repr_html_(self) -> str:
        """Return the report as a fragment for notebooks: text and a small table, styled within, without script or picture."""
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


def slug(text: str) -> str:
    """Return `text` as a lower-case token for evidence ids and engine names."""
    return re.sub(r"[^a-z0-9_.:+-]+", "-", text.lower()).strip("-.") or "none"
