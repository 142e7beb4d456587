"""Small valid reports for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ferce_agent.ontology.labels import CANONICAL, Canonical
from ferce_agent.report import (
    ActionUnitReading,
    Alternative,
    Box,
    Cause,
    Claim,
    Component,
    Degradation,
    Description,
    Distribution,
    EmotionReport,
    Engine,
    Estimate,
    Evidence,
    Expression,
    Face,
    Guidance,
    HeadPose,
    Landmarks,
    Person,
    Point,
    Policy,
    Provenance,
    Quality,
    Relationship,
    Scene,
    Source,
)

UNKNOWN_SCENE = Scene(basis="unknown", text=None, evidence=())
CAREFUL = Guidance(
    tone="calm and open",
    acknowledge=False,
    suggestion="Ask how things are going before drawing on the picture.",
    avoid=("telling people what they feel",),
    evidence=(),
)


def make_distribution(**shares: float) -> Distribution:
    """Spread what `shares` leave open evenly over the other expressions."""
    rest = (1 - sum(shares.values())) / max(1, len(CANONICAL) - len(shares))
    return Distribution(**{name: shares.get(name, max(0.0, rest)) for name in CANONICAL})


def make_face(x: float = 170, y: float = 60, width: float = 110, height: float = 140, **quality: Any) -> Face:
    """A frontal face; `quality` changes single fields of its quality."""

    def at(right: float, down: float) -> Point:
        return Point(x=x + right * width, y=y + down * height)

    points = Landmarks(
        left_eye=at(0.3, 0.29),
        right_eye=at(0.71, 0.29),
        nose=at(0.5, 0.46),
        left_mouth=at(0.34, 0.62),
        right_mouth=at(0.67, 0.62),
    )
    measures: dict[str, Any] = {
        "score": 0.91,
        "reasons": (),
        "size_px": min(width, height),
        "sharpness": 0.21,
        "brightness": 0.55,
        "contrast": 0.62,
        "visible": 1.0,
    }
    return Face(
        box=Box(x=x, y=y, width=width, height=height),
        score=0.98,
        landmarks=points,
        pose=HeadPose(roll=-3.2, yaw=6.4, pitch=1.1, method="five_points"),
        quality=Quality(**(measures | quality)),
    )


def make_expression(primary: str | None = "happiness", confidence: float = 0.972, **changes: Any) -> Expression:
    """An expression; without other changes all of `confidence` lies on `primary`."""
    likeliest: Canonical = "sadness" if primary is None else primary  # type: ignore[assignment]
    fields: dict[str, Any] = {
        "primary": primary,
        "prediction_set": (likeliest,),
        "coverage": 0.9,
        "confidence": confidence,
        "abstained": primary is None,
        "abstain_reason": "unsure" if primary is None else None,
        "intensity": Estimate(value=0.82, origin="derived", method="one_minus_neutral"),
        "valence": Estimate(value=0.78, origin="derived", method="expected_term"),
        "arousal": Estimate(value=0.42, origin="derived", method="expected_term"),
        "components": (),
    }
    if "distribution" not in changes:
        fields["distribution"] = make_distribution(**{likeliest: confidence})
    return Expression(**(fields | changes))


def make_evidence(
    person: str = "person-1", term: Canonical = "happiness", value: float = 0.972
) -> tuple[Evidence, ...]:
    """What the rationale of `make_person` rests on."""
    return (
        Evidence(
            id=f"{person}.probability.{term}",
            kind="probability",
            text=f"The expression model gives {term} a calibrated probability of {value:.2f}.",
            value=value,
            person=person,
        ),
        Evidence(
            id=f"{person}.quality.score", kind="quality", text="Nothing hides the face.", value=0.91, person=person
        ),
    )


def make_person(number: int = 1, term: Canonical = "happiness", **changes: Any) -> Person:
    """A person who shows happiness; its rationale rests on `make_evidence` of the same person and term."""
    name = f"person-{number}"
    fields: dict[str, Any] = {
        "id": name,
        "face": make_face(),
        "expression": make_expression(),
        "action_units": (
            ActionUnitReading(id="AU6", name="cheek raiser", intensity=0.61, origin="measured"),
            ActionUnitReading(id="AU12", name="lip corner puller", intensity=0.84, origin="measured"),
        ),
        "description": Description(
            observed="The head faces the camera; the lip corners are raised and the cheeks are lifted.",
            inferred="This is very likely an expression of happiness.",
        ),
        "rationale": (
            Claim(
                text="The probability of one expression is far above the others.",
                basis="observed",
                evidence=(f"{name}.probability.{term}",),
                status="supported",
            ),
            Claim(
                text="The face can be read without obstacles.",
                basis="inferred",
                evidence=(f"{name}.quality.score",),
                status="unverified",
            ),
        ),
    }
    return Person(**(fields | changes))


def make_provenance(**changes: Any) -> Provenance:
    """Engines, versions and timings of a local run."""
    fields: dict[str, Any] = {
        "package": "0.1.0",
        "created_at": datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC),
        "detector": Engine(name="yunet", version="2023mar", sha256="a" * 64),
        "specialist": Engine(name="ferce-specialist", version="1", sha256="b" * 64),
        "vlm": None,
        "ontology": "1.0",
        "prompts": (),
        "left_machine": (),
        "timings_ms": {"load": 4.1, "detect": 17.5, "specialist": 8.9, "reason": 0.7},
    }
    return Provenance(**(fields | changes))


def make_report(**changes: Any) -> EmotionReport:
    """One person who shows happiness in a picture of 512 by 512 pixels; `changes` replace whole fields."""
    fields: dict[str, Any] = {
        "source": Source(width=512, height=512, sha256="c" * 64, media_type="image/jpeg"),
        "summary": "One person shows happiness (very likely).",
        "people": (make_person(),),
        "scene": UNKNOWN_SCENE,
        "relationships": (),
        "causes": (),
        "guidance": Guidance(
            tone="warm",
            acknowledge=True,
            suggestion="Mention the smile lightly and leave room for correction.",
            avoid=("overdoing it", "telling people what they feel"),
            evidence=("person-1.probability.happiness",),
        ),
        "policy": Policy(
            decision="allowed",
            rules=("readily_apparent_expression",),
            notice="Tell the people shown that their expressions are analysed.",
        ),
        "evidence": make_evidence(),
        "provenance": make_provenance(),
        "degraded": (),
    }
    return EmotionReport(**(fields | changes))


def make_compound_person(number: int = 1, **changes: Any) -> Person:
    """A person whose face supports happiness and surprise at once."""
    expression = make_expression(
        "happily_surprised",
        0.874,
        distribution=make_distribution(happiness=0.531, surprise=0.343, neutral=0.061),
        prediction_set=("happiness", "surprise"),
        components=(Component(term="happiness", weight=0.61), Component(term="surprise", weight=0.39)),
    )
    return make_person(number, **({"expression": expression} | changes))


def make_pair_report(context: str = "They have just opened a letter with good news.", **changes: Any) -> EmotionReport:
    """Two people, one compound expression; scene, relationship and cause rest on the caller's `context`."""
    first, second = make_compound_person(1), make_person(2, face=make_face(330, 90, 90, 115))
    said = Evidence(id="context.1", kind="context", text=context, value=None, person=None)
    near = Evidence(
        id="geometry.person-1.person-2",
        kind="geometry",
        text="The faces are 0.6 face widths apart.",
        value=0.6,
        person=None,
    )
    fields: dict[str, Any] = {
        "summary": "Two people: one appears happily surprised (likely), one shows happiness (very likely).",
        "people": (first, second),
        "scene": Scene(basis="stated", text=context, evidence=("context.1",)),
        "relationships": (
            Relationship(
                people=("person-1", "person-2"),
                kind="close_together",
                text="Person 1 and person 2 are close together.",
                basis="observed",
                evidence=("geometry.person-1.person-2",),
                confidence=0.93,
            ),
        ),
        "causes": (
            Cause(
                person="person-1",
                appraisal="not_expected",
                text="The news may have come unexpectedly.",
                basis="stated",
                evidence=("context.1", "person-1.probability.happiness"),
                agrees=True,
                confidence=0.7,
                alternatives=(Alternative(appraisal="pleasant", text="The news itself may be welcome."),),
            ),
        ),
        "evidence": (*make_evidence(value=0.531), *make_evidence("person-2"), said, near),
    }
    return make_report(**(fields | changes))


def make_abstained_report(**changes: Any) -> EmotionReport:
    """One person of whom no expression is named because the probabilities are too even."""
    expression = make_expression(
        None,
        0.38,
        distribution=make_distribution(sadness=0.38, neutral=0.33, fear=0.14),
        prediction_set=("sadness", "neutral", "fear"),
        intensity=Estimate(value=0.31, origin="derived", method="one_minus_neutral"),
        valence=Estimate(value=-0.28, origin="derived", method="expected_term"),
        arousal=Estimate(value=-0.05, origin="derived", method="expected_term"),
    )
    person = make_person(
        term="sadness",
        expression=expression,
        face=make_face(score=0.37, reasons=("blurred", "too_dark")),
        action_units=(),
        description=Description(observed="The face is blurred and dark.", inferred="No expression stands out."),
    )
    fields: dict[str, Any] = {
        "summary": "One person; no expression is named because the probabilities are too even.",
        "people": (person,),
        "guidance": CAREFUL,
        "evidence": make_evidence(term="sadness", value=0.38),
    }
    return make_report(**(fields | changes))


def make_unread_report(**changes: Any) -> EmotionReport:
    """One person whose face was found but could not be read."""
    person = make_person(
        expression=None,
        action_units=(),
        rationale=(),
        description=Description(observed="A face at the edge of the picture.", inferred="It could not be read."),
    )
    failed = Degradation(
        stage="specialist",
        code="face_failed",
        message="The face could not be read. Try another picture.",
        person="person-1",
    )
    fields: dict[str, Any] = {
        "summary": "One person, whose face could not be read.",
        "people": (person,),
        "guidance": CAREFUL,
        "evidence": (),
        "degraded": (failed,),
    }
    return make_report(**(fields | changes))


def make_empty_report(**changes: Any) -> EmotionReport:
    """A picture without a face."""
    nobody = Degradation(
        stage="detect", code="no_face", message="No face was found. Try a picture with a larger face.", person=None
    )
    fields: dict[str, Any] = {
        "summary": "No face was found.",
        "people": (),
        "guidance": CAREFUL,
        "evidence": (),
        "degraded": (nobody,),
    }
    return make_report(**(fields | changes))
