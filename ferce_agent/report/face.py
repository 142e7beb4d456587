"""One face and what it shows: place, quality, expression, movements and words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from ferce_agent.ontology.ids import ActionUnitId, TermId
from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report.common import Degrees, Estimate, Finite, Origin, Part, Point, Support, Text, Token, Unit


class Box(Part):
    """A rectangle in pixels of the oriented picture, inside its frame."""

    x: Finite
    """Left edge."""
    y: Finite
    """Top edge."""
    width: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Width."""
    height: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Height."""


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
    "too_small",
    "blurred",
    "too_dark",
    "too_bright",
    "low_contrast",
    "extreme_pose",
    "cut_by_frame",
    "bad_landmarks",
    "stretched",
    "not_upright",
    "maybe_not_a_face",
    "drawn",
    "eyes_covered",
    "nose_covered",
    "mouth_covered",
    "likely_occluded",
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


class Component(Part):
    """One part of a compound expression."""

    term: Canonical
    """Canonical expression."""
    weight: Unit
    """Its share; the weights of all components sum to one."""


AbstainReason = Literal["unsure", "low_quality", "covered"]
"""Why no expression is named.

No probability is high enough, the face is too hard to read, or what is not covered of it does not carry one.
"""


Region = Literal["eyes", "nose", "mouth"]
"""Part of a face that can be covered; brows and cheeks belong to the eyes, the chin to the mouth."""
REGIONS: Final[tuple[Region, ...]] = ("eyes", "nose", "mouth")


class Expression(Part):
    """What the face shows."""

    primary: TermId | None
    """The expression shown: an ontology term, a compound one where two terms are supported; null if `abstained`."""
    distribution: Distribution
    """Calibrated probabilities of the eight canonical expressions."""
    prediction_set: tuple[Canonical, ...]
    """Expressions that one observer may name, likeliest first: fitted so that it holds the one that an observer does
    name in a share `coverage` of the cases, all expressions equally common."""
    coverage: Unit
    """Share of faces (like those of the calibration set, and worse ones) whose label is to lie in `prediction_set`."""
    confidence: Unit
    """Calibrated probability of `primary`; for a compound the sum over its components.

    For an abstention, of the likeliest.
    """
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
    rests_on: tuple[Region, ...] = REGIONS
    """Parts of the face that are not covered: what the expression rests on."""

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
    """What it shows, hedged by the confidence."""


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
