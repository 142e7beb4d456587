"""The engines of one process, and the per-face steps that the workflow's nodes call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property, once
from ferce_agent.context.events import EventMatcher
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.errors import FerceError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector
from ferce_agent.faces.pose import METHOD, estimate_pose
from ferce_agent.faces.quality import assess_quality
from ferce_agent.faces.test_time_augmentation import crops_around
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.policy.decide import Decision, check_sending, permit
from ferce_agent.policy.use import NOT_STATED, UseContext, UseLike, read_use
from ferce_agent.reasoning.expression import interpret
from ferce_agent.reasoning.fusion import Reliability, fuse
from ferce_agent.reasoning.movements import readings
from ferce_agent.reasoning.second_opinion import trust_in
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
from ferce_agent.specialist.open_vocabulary import Vocabulary, check_words, features_of
from ferce_agent.specialist.runner import Perception, Specialist, mean_perception
from ferce_agent.vlm.ask import Asker
from ferce_agent.vlm.backends import load_vlm
from ferce_agent.vlm.bank import Bank
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.protocol import VisionLanguageModel

CLEAR: Final = 0.8
"""From this probability of one expression on, a single look is enough."""
RELIEF: Final = 0.94
"""Share of the abstention threshold that the mean of several looks needs.

With it about as many faces are named as by a single
look, and about as many of these rightly (`python -m tests.faces.stability`)."""


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What the specialist reads in one face.

    Attributes:
        expression: The report's expression.
        movements: Measured action units; empty if the weights measure none.
        labels: The caller's labels, best first; empty if none were given.
        embedding: Features of the face, for finding examples like it.
    """

    expression: Expression
    movements: tuple[ActionUnitReading, ...]
    labels: tuple[RankedLabel, ...] = ()
    embedding: tuple[float, ...] = ()


@dataclass
class Engines:
    """Everything that looks at pixels. Share one object between calls: models load once, on first use.

    Attributes:
        settings: What can be chosen.
        vlm: Vision-language model, instead of one named in the settings.
        use: What whoever runs the engines says about their use; callers can state more, but cannot loosen it.
    """

    settings: Settings = field(default_factory=Settings)
    vlm: VisionLanguageModel | None = None
    use: UseContext = NOT_STATED
    detector: FaceDetector = field(init=False)
    specialist: Specialist = field(init=False)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the engines; no file is read yet."""
        self.detector = FaceDetector(self.settings.face_threshold)
        self.specialist = Specialist(self.settings.weights, self.settings.threads, self.settings.precision)
        self._encoder = WordEncoder(threads=self.settings.threads)  # one copy for labels and for sentences
        self.vocabulary = Vocabulary(encoder=self._encoder)

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

        A face that is not clear at the first look is looked at in several slightly different crops (see the module of
        that name); the mean counts, and an expression is named only where no single one of them would name another.

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
        """
        perception = self.look(pixels, detected)
        views: tuple[NDArray[np.float64], ...] = ()
        if perception.probabilities.max() < CLEAR:
            seen = self.specialist.perceive(
                crops_around(self.detector, pixels, detected), self.settings.flatten, twice=True
            )
            perception, views = mean_perception(seen), tuple(one.probabilities for one in seen)
        conformal, abstain = self.specialist.card.thresholds(self.settings.flatten)
        measured = readings(perception.units)
        expression = interpret(
            perception.probabilities,
            quality,
            conformal=conformal,
            coverage=self.specialist.card.coverage,
            abstain=abstain * RELIEF if views else abstain,
            measured=measured,
            views=views,
        )
        embedding = tuple(float(value) for value in perception.embedding) if self.settings.bank else ()
        return FaceReading(expression, measured, self._rank(perception, labels), embedding)

    def read_movements(self, pixels: NDArray[np.uint8], detected: DetectedFace) -> tuple[ActionUnitReading, ...]:
        """Let the specialist measure the movements of one face and nothing else.

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
        """
        crop = align_face(pixels, detected.landmarks)
        return readings(self.specialist.movements(crop[None])[0])

    def look(self, pixels: NDArray[np.uint8], detected: DetectedFace) -> Perception:
        """Return what the specialist's network says about one face.

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
        """
        crop = align_face(pixels, detected.landmarks)
        return self.specialist.perceive(crop[None], self.settings.flatten)[0]

    def prepare_labels(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the caller's labels, checked and ready to be ranked.

        Raises:
            SettingsError: They cannot be used.
            WeightsError: The map from faces to words belongs to other weights of the specialist, or it or the sentence
                encoder cannot be read.
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

    @lazy_property
    def asker(self) -> Asker | None:
        """How the vision-language model is asked; None if there is none.

        Raises:
            SettingsError: The settings name no usable model.
        """
        vlm = self.vlm or (load_vlm(self.settings.vlm, self.settings.threads) if self.settings.vlm else None)
        return Asker(vlm, self.settings, self.specialist.sha256 if self.settings.bank else "") if vlm else None

    @lazy_property
    def events(self) -> EventMatcher | None:
        """Compares the caller's sentences with examples; None where that is not wanted."""
        return EventMatcher(self._encoder) if self.settings.sentences else None

    def prepare_asking(self) -> None:
        """Read what the settings name.

        Weights, prompt, bank and reliability, and look whether the model's files are there.

        So a wrong setting is an error at once and not a gap in every report.

        Raises:
            SettingsError: The model or the prompt cannot be used.
            DataError: The bank or the reliability file cannot be used.
            WeightsError: The expression model's or the vision-language model's file is missing or no such file.
            MissingExtraError: The vision-language model needs a package that is not installed.
        """
        if self.settings.weights is not None:
            _ = self.specialist.card
        if self.asker is not None:
            self.asker.check()
            return
        if self.settings.bank is not None:
            Bank.load(self.settings.bank)
        if self.settings.vlm_reliability is not None:
            Reliability.load(self.settings.vlm_reliability)

    def permit(self, use: UseLike | None) -> Decision:
        """Return what the rules allow for a caller's use, together with `self.use`.

        Raises:
            SettingsError: The use cannot be read, or the settings name no usable model.
            PolicyError: The use is refused.
        """
        return permit(read_use(use), remote=self.sends_away, own=self.use)

    @property
    def sends_away(self) -> bool:
        """Whether the vision-language model runs elsewhere; one that does not say so counts as elsewhere.

        Raises:
            SettingsError: The settings name no usable model.
        """
        return self.asker is not None and getattr(self.asker.vlm, "remote", None) is not False

    def permit_sending(self, use: UseLike | None = None) -> None:
        """Check that faces may go to the vision-language model, where no report could say that they did not.

        Raises:
            SettingsError: The use cannot be read, or the settings name no usable model.
            PolicyError: The use is refused, or the model is a remote one and nobody said that the people shown agree.
        """
        check_sending(self.permit(use))

    def time_left(self, began: float) -> float | None:
        """Return the seconds left of a picture's budget since `began` (`time.monotonic`); None without a budget."""
        if self.settings.budget_ms is None:
            return None
        return self.settings.budget_ms / 1000 - (time.monotonic() - began)

    def fuse(
        self,
        expression: Expression,
        quality: Quality,
        measured: Sequence[ActionUnitReading],
        found: ExtractedPerception,
    ) -> tuple[Expression, float]:
        """Return the expression with the model's label fused in, and the exponent used.

        Unchanged and 0 without a reliability.
        """
        reliability = self.asker.reliability if self.asker else None
        if reliability is None or not found.parts:
            return expression, 0.0
        trust = trust_in(found.cues, measured)
        before = np.array([getattr(expression.distribution, name) for name in CANONICAL], np.float64)
        fused = interpret(
            fuse(before, found.parts, reliability, trust),
            quality,
            conformal=reliability.conformal,
            coverage=expression.coverage,
            abstain=reliability.abstain,
            measured=measured,
        )
        return fused, reliability.weight * trust

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
        if self.asker is None:
            return None
        vlm = self.asker.vlm
        return Engine(name=slug(vlm.name)[:120], version=slug(vlm.version)[:120], sha256=None)


@once
def default_engines() -> Engines:
    """Return the engines shared by all calls that bring none; settings come from the environment.

    Raises:
        SettingsError: An environment variable has an unusable value.
    """
    return Engines(Settings.from_environment())


@once
def package() -> str:
    """Return the version of ferce-agent."""
    return package_version("ferce-agent")
