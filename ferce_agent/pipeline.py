"""From pixels to readings of faces: detect, measure, align, read; batched over faces and frames, in plain Python.

A photo is a clip of one frame. The workflows, the scenarios and whatever reads clips call this; the benchmark and the
training also look at the specialist alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import once
from ferce_agent.context.sentence_vectors import WordEncoder
from ferce_agent.errors import FerceError, SettingsError, WeightsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace, FaceDetector, merge_faces
from ferce_agent.faces.measure import measure_face
from ferce_agent.faces.orientation import TILTED, Oriented, find_turned, orient
from ferce_agent.faces.pose import estimate_pose
from ferce_agent.faces.test_time_augmentation import crops_around
from ferce_agent.faces.yunet import YuNet
from ferce_agent.inputs.frames import Frame
from ferce_agent.reasoning.against_rest import told_against
from ferce_agent.reasoning.expression import covered_regions, interpret
from ferce_agent.reasoning.movements import readings, uncovered
from ferce_agent.report import ActionUnitReading, Engine, Expression, Face, QualityReason, RankedLabel, slug
from ferce_agent.report.baseline import AgainstRest, Baseline
from ferce_agent.settings import Settings
from ferce_agent.specialist.gates import Gates
from ferce_agent.specialist.gating import doubts_about, is_face
from ferce_agent.specialist.open_vocabulary import Vocabulary, check_words, features_of
from ferce_agent.specialist.runner import Specialist, SpecialistOutput, mean_output
from ferce_agent.temporal.baseline import Rest
from ferce_agent.temporal.typical_rest import check_weights

CLEAR: Final = 0.8
"""From this probability of one expression on, a single look is enough.

A look is one run of the specialist's network on one crop (and, where it is unsure, on the crop's mirror image)."""
RELIEF: Final = 0.94
"""Share of the abstention threshold that the mean of several looks needs.

With it about as many faces are named as by a single look, and about as many of these rightly
(`python -m tests.faces.stability`)."""
TURNED: Final = 0.7
"""Least probability with which an expression of a turned face is named: its landmarks are less exact."""
BATCH: Final = 64
"""Crops that the network reads at once: more gain nothing and cost memory."""

OF_MODELS: Final = ("weights", "threads", "adapter", "face_threshold")
"""Settings that the models of a pipeline are made with."""

OnStep = Callable[[str, float, int], None]
"""Told of each step: its name, its wall-clock milliseconds, and how many faces it found or read."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face that was found and not yet read.

    Attributes:
        frame: The picture it is in.
        track: Which of the faces of a clip it is, from 0. Until faces are followed from frame to frame it is the rank
            in its own frame, largest first.
        detected: Box, landmarks and score, in pixels of the frame; the landmarks are those of the face set upright.
        doubts: What the gate network says is in the way.
    """

    frame: Frame
    track: int
    detected: DetectedFace
    doubts: tuple[QualityReason, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What one face shows at one time.

    Attributes:
        time: Seconds since the clip began.
        track: Which face it is; see `FoundFace.track`.
        detected: Box, landmarks and score, in pixels of the frame.
        face: Where and how readable the face is; None if that could not be measured.
        expression: What it shows; None if the specialist failed, or was asked for movements alone.
        movements: Measured action units; empty if the weights measure none.
        labels: The caller's labels, best first; empty if none were given.
        embedding: Features of the face, shape (256,), for finding examples like it; empty unless the settings name a
            bank.
        blendshapes: Intensities 0..1 of movements with left and right apart, also of covered parts; see
            `SpecialistOutput.blendshapes`.
        rest: What is read without the person's baseline, and how far the face is from it; None without a baseline.
        failure: What went wrong, if anything did; then `face` or `expression` and `movements` are missing.
    """

    time: float
    track: int
    detected: DetectedFace
    face: Face | None
    expression: Expression | None = None
    movements: tuple[ActionUnitReading, ...] = ()
    labels: tuple[RankedLabel, ...] = ()
    embedding: tuple[float, ...] = ()
    blendshapes: Mapping[str, float] = field(default_factory=dict)
    rest: AgainstRest | None = None
    failure: Exception | None = None


class Pipeline:
    """The detector and the specialist of one process. Models load once, on first use; safe to share between threads.

    Attributes:
        settings: What can be chosen.
        detector: Finds faces.
        gates: Says which way up a face is, whether it is one, and what of it is covered.
        specialist: Reads crops of them.
        encoder: The sentence encoder, one copy for labels and for sentences.
        vocabulary: Ranks the caller's words.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Prepare; no file is read yet."""
        self.settings = settings or Settings()
        self.detector = FaceDetector(self.settings.face_threshold, network=YuNet(threads=self.settings.threads))
        self.gates = Gates(threads=self.settings.threads)
        self.specialist = Specialist(self.settings.weights, self.settings.threads, self.settings.adapter)
        self.encoder = WordEncoder(threads=self.settings.threads)
        self.vocabulary = Vocabulary(encoder=self.encoder)

    def with_settings(self, settings: Settings) -> Pipeline:
        """Return a pipeline with other settings; it shares the models, unless they depend on what is changed."""
        made = Pipeline(settings)
        if all(getattr(settings, name) == getattr(self.settings, name) for name in OF_MODELS):
            made.detector, made.gates, made.specialist = self.detector, self.gates, self.specialist
            made.encoder, made.vocabulary = self.encoder, self.vocabulary
        return made

    def read(
        self, frames: Sequence[Frame], *, labels: Sequence[str] = (), infer: bool = True, on_step: OnStep | None = None
    ) -> list[FaceReading]:
        """Read every face of every frame, at most `settings.max_faces` of each.

        Args:
            frames: Pictures with their times.
            labels: Words to rank for each face, as `prepare_labels` gives them.
            infer: Whether expressions are read; without it only movements are.
            on_step: Told of each step.

        Returns:
            Readings in the order of the frames, within a frame largest face first. A face that could not be read is
            there, with what went wrong.

        Raises:
            WeightsError: The detector's weights are missing.
            EngineError: The detector failed.
        """
        found, _ = self.find(frames, on_step=on_step)
        return self.read_faces(found, labels=labels, infer=infer, on_step=on_step)

    def find(self, frames: Sequence[Frame], *, on_step: OnStep | None = None) -> tuple[list[FoundFace], int]:
        """Find the faces of every frame, at most `settings.max_faces` of each, whichever way up they are.

        Returns:
            The faces in the order of the frames, within a frame largest first; and how many more there are.

        Raises:
            WeightsError: The weights of the detector or of the gate network are missing.
            EngineError: One of them failed.
        """
        found, more = self.find_each(frames, on_step=on_step)
        return [face for faces in found for face in faces], sum(more)

    def find_each(
        self, frames: Sequence[Frame], *, on_step: OnStep | None = None
    ) -> tuple[list[list[FoundFace]], list[int]]:
        """Find the faces as `find` does, and give those of each frame apart.

        Returns:
            By frame its faces, largest first, and how many more it has.

        Raises:
            WeightsError: The weights of the detector or of the gate network are missing.
            EngineError: One of them failed.
        """
        most = self.settings.max_faces
        with timed("detect", on_step) as note:
            detected = [self.detect(frame.pixels) or find_turned(self.detector, frame.pixels) for frame in frames]
            gated = self._gated(frames, detected)
            found = [
                [
                    FoundFace(frame, track, one.face, doubts_about(one.reading, self.gates.card, turned=one.doubtful))
                    for track, one in enumerate(faces[:most])
                ]
                for frame, faces in zip(frames, gated, strict=True)
            ]
            note(sum(map(len, found)))
        return found, [max(len(faces) - most, 0) for faces in gated]

    def _gated(self, frames: Sequence[Frame], detected: Sequence[list[DetectedFace]]) -> list[list[Oriented]]:
        """Set the faces of each frame upright and leave out what is no face; of each frame largest first."""
        all_ = [(frame.pixels, face) for frame, faces in zip(frames, detected, strict=True) for face in faces]
        oriented = iter(orient(self.detector, self.gates, all_))
        kept = []
        for faces in detected:
            seen = [one for one in islice(oriented, len(faces)) if is_face(one.reading, self.gates.card)]
            by_face = {id(one.face): one for one in seen}
            kept.append([by_face[id(face)] for face in merge_faces([one.face for one in seen])])
        return kept

    def detect(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Return all faces of a BGR picture (H, W, 3), largest first.

        Raises:
            WeightsError: The detector's weights are missing.
            EngineError: The detector failed.
        """
        return self.detector.detect(pixels, small_faces=self.settings.small_faces)

    def read_faces(
        self,
        found: Sequence[FoundFace],
        *,
        labels: Sequence[str] = (),
        infer: bool = True,
        on_step: OnStep | None = None,
        rest: Rest | None = None,
    ) -> list[FaceReading]:
        """Read faces that were found; see `read` for the arguments.

        Args:
            found: The faces.
            labels: Words to rank for each face.
            infer: Whether expressions are read.
            on_step: Told of each step.
            rest: Baseline of the person whose faces all of these are, from `rest_of`; None for none.

        Returns:
            One reading for each face, in the same order. A face that could not be read has a `failure`; nothing is
            raised for it. Where there are no faces, `on_step` is not called.
        """
        if not found:
            return []
        with timed("quality", on_step) as note:
            measured = [measure(one) for one in found]
            note(len(measured))
        ready = [place for place, reading in enumerate(measured) if reading.failure is None]
        with timed("specialist", on_step) as note:
            done = self._read_all(
                [found[place] for place in ready], [measured[place] for place in ready], labels, infer, rest
            )
            note(len(ready))
        for place, reading in zip(ready, done, strict=True):
            measured[place] = reading
        return measured

    def _read_all(
        self,
        found: list[FoundFace],
        measured: list[FaceReading],
        labels: Sequence[str],
        infer: bool,
        rest: Rest | None,
    ) -> list[FaceReading]:
        """Let the specialist read all faces at once; where that fails each one alone, so that one costs no other."""
        work = self._expressions if infer else self._movements
        try:
            return work(found, measured, labels, rest)
        except Exception as failure:  # what a face cannot have is told with it; nothing is lost
            if len(found) == 1:
                return [replace(measured[0], failure=failure)]
            return [
                one
                for face, known in zip(found, measured, strict=True)
                for one in self._read_all([face], [known], labels, infer, rest)
            ]

    def _movements(
        self, found: list[FoundFace], measured: list[FaceReading], _: Sequence[str], rest: Rest | None
    ) -> list[FaceReading]:
        crops = [align_face(one.frame.pixels, one.detected.landmarks) for one in found]
        units = [unit for part in parts(crops) for unit in self.specialist.movements(part)]
        read = [replace(known, movements=visible(known, unit)) for known, unit in zip(measured, units, strict=True)]
        return (
            read if rest is None else [replace(one, rest=told_against(one.face, one.movements, rest)) for one in read]
        )

    def _expressions(
        self, found: list[FoundFace], measured: list[FaceReading], labels: Sequence[str], rest: Rest | None
    ) -> list[FaceReading]:
        """Read the expressions of faces whose quality was measured.

        A face that is not clear at the first look, or not upright, is looked at in several slightly different crops
        (test-time augmentation); the mean counts, and an expression is named only where no single crop would name
        another.
        """
        return [
            self._interpreted(known, first, views, labels, rest)
            for known, (first, views) in zip(measured, self.looks(found), strict=True)
        ]

    def looks(self, found: Sequence[FoundFace]) -> list[tuple[SpecialistOutput, list[SpecialistOutput]]]:
        """Return what the specialist says of each face at the first look, and at several more where it is not clear.

        Where there are several, their mean counts (`mean_output`).

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
            DataError: The adapter of the settings cannot be used.
        """
        crops = [align_face(one.frame.pixels, one.detected.landmarks) for one in found]
        first = [seen for part in parts(crops) for seen in self.specialist.perceive(part, self.settings.flatten)]
        unclear = [
            place
            for place, (one, seen) in enumerate(zip(found, first, strict=True))
            if seen.probabilities.max() < CLEAR or is_turned(one.detected)
        ]
        again = self._look_again([found[place] for place in unclear])
        views = dict(zip(unclear, again, strict=True))
        return [(seen, views.get(place, [])) for place, seen in enumerate(first)]

    def _look_again(self, found: list[FoundFace]) -> list[list[SpecialistOutput]]:
        """Return what the specialist says about several crops of each face, all crops in batches."""
        several = [crops_around(self.detector, one.frame.pixels, one.detected) for one in found]
        batches = parts([crop for crops in several for crop in crops])
        seen = (one for part in batches for one in self.specialist.perceive(part, self.settings.flatten, twice=True))
        return [list(islice(seen, len(crops))) for crops in several]

    def _interpreted(
        self,
        known: FaceReading,
        first: SpecialistOutput,
        views: list[SpecialistOutput],
        labels: Sequence[str],
        rest: Rest | None,
    ) -> FaceReading:
        assert known.face is not None
        seen = mean_output(views) if views else first
        card = self.specialist.card
        conformal, abstain = card.thresholds(self.settings.flatten, seen.strangeness)
        movements = visible(known, seen.units)
        least = abstain * RELIEF if views else abstain
        shown = partial(
            interpret,
            quality=known.face.quality,
            conformal=conformal,
            coverage=card.coverage,
            abstain=max(least, TURNED) if is_turned(known.detected) else least,
            measured=movements,
        )
        looks = tuple(one.probabilities for one in views)
        expression, against = shown(seen.probabilities, views=looks), None
        if rest is not None:
            absolute, units = expression, {unit.id: unit.intensity for unit in movements}
            expression = shown(
                rest.correct(seen.probabilities, units), views=tuple(rest.correct(one, units) for one in looks)
            )
            against = told_against(known.face, movements, rest, absolute, expression)
        embedding = tuple(float(value) for value in seen.embedding) if self.settings.bank else ()
        return replace(
            known,
            expression=expression,
            movements=movements,
            labels=self._rank(seen, labels),
            embedding=embedding,
            blendshapes=seen.blendshapes,
            rest=against,
        )

    def rest_of(self, baseline: Baseline) -> Rest:
        """Return a person's baseline, ready for readings of this pipeline.

        Raises:
            WeightsError: It was made with other weights, or these are not the shipped ones; or they cannot be read.
        """
        check_weights(baseline, self.specialist.sha256)
        return Rest.of(baseline, self.taken_off)

    @property
    def taken_off(self) -> NDArray[np.float64]:
        """What is taken off the logarithms of the probabilities for a flatter prior, shape (8,).

        Raises:
            SettingsError: There is an adapter: baselines are about the answers of the shipped model, and how the two
                go together was never measured.
        """
        if self.settings.adapter is not None:
            raise SettingsError(
                "A baseline and an adapter cannot be used together.", hint="Leave out the adapter or the baseline."
            )
        return self.settings.flatten * self.specialist.log_prior

    def look(self, pixels: NDArray[np.uint8], detected: DetectedFace) -> SpecialistOutput:
        """Return what the specialist's network says about one face at a single look.

        Raises:
            EngineError: The specialist failed.
            WeightsError: Its weights are missing or unusable.
        """
        return self.specialist.perceive(align_face(pixels, detected.landmarks)[None], self.settings.flatten)[0]

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

    def _rank(self, seen: SpecialistOutput, labels: Sequence[str]) -> tuple[RankedLabel, ...]:
        if not labels:
            return ()
        features = features_of(seen.embedding[None], seen.logits[None])[0]
        ranked = self.vocabulary.rank(features, labels)
        return tuple(RankedLabel(label=one.word, term=one.term, score=round(one.score, 4)) for one in ranked)

    def measures_movements(self) -> bool:
        """Return whether the specialist's weights measure action units; False if they cannot be read."""
        try:
            return bool(self.specialist.card.units)
        except FerceError:
            return False

    def detector_card(self) -> Engine:
        """Name the detector for the provenance; without a digest if its weights cannot be read."""
        try:
            return Engine(name="yunet", version="2023mar", sha256=self.detector.network.sha256)
        except FerceError:
            return Engine(name="yunet", version="unreadable", sha256=None)

    def gates_card(self) -> Engine:
        """Name the gate network for the provenance; without a digest if its weights cannot be read."""
        try:
            return Engine(name="gates", version=slug(self.gates.card.version), sha256=self.gates.sha256)
        except FerceError:
            return Engine(name="gates", version="unreadable", sha256=None)

    def specialist_card(self) -> Engine:
        """Name the specialist for the provenance; without a digest if its weights cannot be read."""
        try:
            return Engine(name="specialist", version=slug(self.specialist.card.version), sha256=self.specialist.sha256)
        except FerceError:
            return Engine(name="specialist", version="unreadable", sha256=None)

    def adapter_card(self) -> Engine | None:
        """Name the adapter for the provenance; None if there is none, or it cannot be read."""
        try:
            known = self.specialist.adapter
        except FerceError:
            return None
        if known is None:
            return None
        version = f"{known.adapter.name}:{known.adapter.made}"
        return Engine(name="adapter", version=slug(version)[:120], sha256=known.sha256)


def is_turned(face: DetectedFace) -> bool:
    """Return whether a face is far from upright in its picture."""
    return abs(estimate_pose(face.landmarks).roll) > TILTED


def visible(known: FaceReading, units: dict[str, float]) -> tuple[ActionUnitReading, ...]:
    """Return the measured movements of the parts of a face that are not covered."""
    hidden = covered_regions(known.face.quality) if known.face is not None else ()
    return uncovered(readings(units), hidden)


def measure(found: FoundFace) -> FaceReading:
    """Return the beginning of a reading: place, pose and quality, or what went wrong."""
    here = found.frame.time, found.track, found.detected
    try:
        return FaceReading(*here, measure_face(found.frame.pixels, found.detected, found.doubts))
    except Exception as failure:  # one face does not cost the others
        return FaceReading(*here, None, failure=failure)


def parts(crops: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield crops (44, 44) as batches (N, 44, 44) of at most `BATCH`."""
    for begin in range(0, len(crops), BATCH):
        yield np.stack(crops[begin : begin + BATCH])


@contextmanager
def timed(step: str, on_step: OnStep | None) -> Iterator[Callable[[int], None]]:
    """Time a step and pass it to `on_step` when it ends without an error.

    Yields:
        A function that takes how many faces the step found or read.
    """
    faces = 0

    def note(count: int) -> None:
        nonlocal faces
        faces = count

    began = time.perf_counter()
    yield note
    if on_step is not None:
        on_step(step, (time.perf_counter() - began) * 1000, faces)


@once
def default_pipeline() -> Pipeline:
    """Return the pipeline shared by all calls of `read`; settings come from the environment.

    Raises:
        SettingsError: An environment variable has an unusable value.
    """
    return Pipeline(Settings.from_environment())


def read(frames: Sequence[Frame], *, labels: Sequence[str] = (), infer: bool = True) -> list[FaceReading]:
    """Read every face of every frame with the shared pipeline; see `Pipeline.read`."""
    shared = default_pipeline()
    return shared.read(frames, labels=shared.prepare_labels(labels), infer=infer)
