"""The engines of one process, and the per-face steps that the workflow's nodes call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version as package_version

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import EngineError, FerceError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.pose import METHOD, estimate_pose
from ferce_agent.faces.quality import assess_quality
from ferce_agent.ontology.store import ontology
from ferce_agent.perception.specialist import Perception, Specialist
from ferce_agent.perception.vlm import VisionLanguageModel, ask_in_time
from ferce_agent.perception.vocabulary import Vocabulary, check_words, features_of
from ferce_agent.prompts.loader import Prompt, load_prompt
from ferce_agent.reasoning.expression import interpret
from ferce_agent.reasoning.movements import readings
from ferce_agent.report import (
    ActionUnitReading,
    Box,
    Engine,
    Expression,
    Face,
    HeadPose,
    Landmarks,
    Point,
    Quality,
    RankedLabel,
    slug,
)
from ferce_agent.settings import Settings

VLM_PROMPT = "label"
VLM_CROP_SIDE = 448
"""Side in pixels of the face crop that a vision-language model gets."""


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What the specialist reads in one face.

    Attributes:
        expression: The report's expression.
        movements: Measured action units; empty if the weights measure none.
        labels: The caller's labels, best first; empty if none were given.
    """

    expression: Expression
    movements: tuple[ActionUnitReading, ...]
    labels: tuple[RankedLabel, ...] = ()


@dataclass(slots=True)
class Engines:
    """Everything that looks at pixels. Share one object between calls: models load once, on first use."""

    settings: Settings = field(default_factory=Settings)
    vlm: VisionLanguageModel | None = None
    detector: FaceDetector = field(init=False)
    specialist: Specialist = field(init=False)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the engines; no file is read yet."""
        self.detector = FaceDetector(self.settings.face_threshold)
        self.specialist = Specialist(self.settings.weights, self.settings.threads, self.settings.precision)
        self.vocabulary = Vocabulary()

    def detect(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Return all faces of a BGR picture (H, W, 3), largest first."""
        return self.detector.detect(pixels, small_faces=self.settings.small_faces)

    def measure_face(self, pixels: NDArray[np.uint8], detected: DetectedFace) -> Face:
        """Return the report's view of one face: box, landmarks, pose, quality."""
        pose = estimate_pose(detected.landmarks)
        x, y, width, height = (round(float(value), 1) for value in detected.box)
        points = [Point(x=round(float(px), 1), y=round(float(py), 1)) for px, py in detected.landmarks]
        return Face(
            box=Box(x=x, y=y, width=width, height=height),
            score=round(detected.score, 4),
            landmarks=Landmarks(
                left_eye=points[0], right_eye=points[1], nose=points[2], left_mouth=points[3], right_mouth=points[4]
            ),
            pose=HeadPose(roll=round(pose.roll, 1), yaw=round(pose.yaw, 1), pitch=round(pose.pitch, 1), method=METHOD),
            quality=assess_quality(pixels, detected, pose),
        )

    def read_expression(
        self, pixels: NDArray[np.uint8], detected: DetectedFace, quality: Quality, labels: Sequence[str] = ()
    ) -> FaceReading:
        """Let the specialist read one face: its expression, its movements and how the caller's labels fit.

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
        """
        crop = align_face(pixels, detected.landmarks)
        perception = self.specialist.perceive(crop[None], self.settings.flatten)[0]
        conformal, abstain = self.specialist.card.thresholds(self.settings.flatten)
        measured = readings(perception.units)
        expression = interpret(
            perception.probabilities,
            quality,
            conformal=conformal,
            coverage=self.specialist.card.coverage,
            abstain=abstain,
            measured=measured,
        )
        return FaceReading(expression, measured, self._rank(perception, labels))

    def prepare_labels(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the caller's labels, checked and ready to be ranked.

        Raises:
            SettingsError: They cannot be used.
            SetupError: A word is not in the ontology and the sentence encoder is not installed.
            WeightsError: The map from faces to words belongs to other weights of the specialist.
        """
        if not labels:
            return ()
        words = check_words(labels)
        if self.specialist.sha256 not in self.vocabulary.alignment.specialists:
            raise WeightsError(
                "Labels can only be ranked with the shipped expression model.",
                hint="Leave out weights, or train vocabulary.",
            )
        self.vocabulary.vectors(words)
        return words

    def _rank(self, perception: Perception, labels: Sequence[str]) -> tuple[RankedLabel, ...]:
        if not labels:
            return ()
        features = features_of(perception.embedding[None], perception.logits[None])[0]
        ranked = self.vocabulary.rank(features, labels)
        return tuple(RankedLabel(label=one.word, term=one.term, score=round(one.score, 4)) for one in ranked)

    def measures_movements(self) -> bool:
        """Return whether the specialist's weights measure action units; False if they cannot be read."""
        try:
            return bool(self.specialist.card.units)
        except FerceError:
            return False

    def ask_vlm(self, pixels: NDArray[np.uint8], detected: DetectedFace) -> str:
        """Let the vision-language model look at one face crop and return its words.

        Raises:
            VlmError: It gave no answer in time, or failed.
        """
        if self.vlm is None:
            raise EngineError("No vision-language model is configured.", hint="Pass vlm=… to the engines.")
        labels = ", ".join(ontology().label_sets["ferplus"])
        prompt = self.prompt.render(labels=labels)
        return ask_in_time(self.vlm, face_jpeg(pixels, detected), prompt, self.settings.vlm_seconds)

    @property
    def prompt(self) -> Prompt:
        """The prompt sent to the vision-language model."""
        return load_prompt(VLM_PROMPT)

    def detector_card(self) -> Engine:
        """Name the detector for the provenance."""
        return Engine(name="yunet", version="2023mar", sha256=None)

    def specialist_card(self) -> Engine:
        """Name the specialist for the provenance; without a digest if its weights cannot be read."""
        try:
            return Engine(name="specialist", version=slug(self.specialist.card.version), sha256=self.specialist.sha256)
        except FerceError:
            return Engine(name="specialist", version="unreadable", sha256=None)

    def vlm_card(self) -> Engine | None:
        """Name the vision-language model for the provenance."""
        return Engine(name=slug(self.vlm.name), version=slug(self.vlm.version), sha256=None) if self.vlm else None


def face_jpeg(pixels: NDArray[np.uint8], detected: DetectedFace) -> bytes:
    """Return the face with half a face of surroundings on each side as a JPEG of at most 448 pixels."""
    x, y, width, height = detected.box
    low = np.clip(np.floor([x - width / 2, y - height / 2]), 0, None).astype(int)
    high = np.ceil([x + width * 1.5, y + height * 1.5]).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(VLM_CROP_SIDE / max(part.shape[:2]), 1.0)
    done, data = cv2.imencode(".jpg", cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    if not done:
        raise EngineError("The face crop could not be encoded.")
    return data.tobytes()


@cache
def default_engines() -> Engines:
    """Return the engines shared by all calls that bring none; settings come from the environment.

    Raises:
        SettingsError: An environment variable has an unusable value.
    """
    return Engines(Settings.from_environment())


@cache
def package() -> str:
    """Return the version of ferce-agent."""
    return package_version("ferce-agent")
