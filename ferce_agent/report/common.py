"""What the contracts of photo, clip and session share.

Kinds of numbers, evidence, claims, what could not be done, provenance.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

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


class Point(Part):
    """A position in pixels of the oriented picture."""

    x: Finite
    """From the left edge."""
    y: Finite
    """From the top edge."""


class Estimate(Part):
    """A number with its origin."""

    value: Signed
    """The number; see the field that holds the estimate for its range."""
    origin: Origin
    """Where it comes from."""
    method: Token
    """How it was computed."""


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
    gates: Engine | None = None
    """Network that says which way up a face is, whether it is one, and what of it is covered; since version 1.5."""
    adapter: Engine | None = None
    """What labelled pictures of a deployment change in the expression model's answer; since version 1.6."""
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
    "baseline_not_applied",
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


EvidenceKind = Literal[
    "probability", "quality", "pose", "geometry", "action_unit", "ontology", "context", "vlm", "voice"
]
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


def slug(text: str) -> str:
    """Return `text` as a lower-case token for evidence ids and engine names."""
    return re.sub(r"[^a-z0-9_.:+-]+", "-", text.lower()).strip("-.") or "none"
