"""Asking the vision-language model: when it is worth it, what it gets to see, with which prompt and examples."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError, EngineError, SettingsError, VlmError, VlmTimeoutError
from ferce_agent.faces.alignment import align_face, even_crop
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.ontology.store import ontology
from ferce_agent.prompts.loader import Prompt, load_prompt
from ferce_agent.reasoning.fusion import Reliability
from ferce_agent.report import Cause, Person
from ferce_agent.settings import Settings
from ferce_agent.vlm.bank import Bank, Example, label_in_style
from ferce_agent.vlm.extraction.choice import choice_grammar, read_choice
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.extraction.repair import extract_with_repairs
from ferce_agent.vlm.extraction.scene import WrittenScene, read_scene, scene_grammar
from ferce_agent.vlm.extraction.shape import AnswerShape, shape_for
from ferce_agent.vlm.protocol import Allowance, Answer, Request, VisionLanguageModel, ask_in_time, preset_of

FACE_SIDE = 448
"""Longest side in pixels of the face crop that a model gets."""
SCENE_SIDE = 512
"""Longest side in pixels of the whole picture that a model gets."""
SCENE_PROMPT = "scene"
DEFAULT_PROMPT = "perceive"
CAUSE_PROMPT = "cause"
CONTEXT_WORDS = 1000
"""Characters of the caller's context that a prompt may hold."""


@dataclass(slots=True)
class Pace:
    """How long the model usually takes: the median of its latest answers.

    An answer that did not come in time would have taken longer than was waited, and counts half as long again. Each time the
    model is left out for lack of time the estimate shrinks by a tenth, so that a slow first answer does not exclude it for ever.
    """

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    patience: float = 1.0

    @property
    def usual(self) -> float:
        """Seconds of a usual answer; 0 before the first."""
        return self.patience * statistics.median(self.seconds) if self.seconds else 0.0

    def note(self, seconds: float, *, in_time: bool) -> None:
        """Remember an answer."""
        self.seconds.append(seconds if in_time else seconds * 1.5)
        self.patience = 1.0

    def left_out(self) -> None:
        """Remember that the model was not asked for lack of time."""
        self.patience *= 0.9


class Asker:
    """One vision-language model and how it is used."""

    def __init__(self, vlm: VisionLanguageModel, settings: Settings, specialist: str = "") -> None:
        """Prepare.

        Args:
            vlm: The model.
            settings: Prompt, bank, reliability, limits.
            specialist: Digest of the expression model's weights; a bank made with others is refused.
        """
        self.vlm, self.settings, self._specialist = vlm, settings, specialist
        self._pace = Pace()

    @lazy_property
    def prompt(self) -> Prompt:
        """The prompt for a face: the one in the settings, or the one that suits the model.

        Raises:
            SettingsError: There is no such prompt, or it is not about one face.
        """
        prompt = load_prompt(self.settings.vlm_prompt or preset_of(self.vlm).prompt or DEFAULT_PROMPT)
        if "labels" not in prompt.inputs or set(prompt.inputs) - {"labels", "examples", "context"}:
            raise SettingsError(
                f"The prompt '{prompt.name}' does not ask about one face.",
                hint="Its inputs are labels and, if it likes, examples and context.",
            )
        return prompt

    @lazy_property
    def bank(self) -> Bank | None:
        """The bank of examples, if the settings name one.

        Raises:
            DataError: It cannot be read, or was made with other weights of the expression model.
        """
        if self.settings.bank is None:
            return None
        bank = Bank.load(self.settings.bank)
        if self._specialist and bank.specialist != self._specialist:
            raise DataError("The bank was built with other weights.", hint="Build it again: ferce bank build")
        return bank

    @lazy_property
    def reliability(self) -> Reliability | None:
        """How far the model's label may move the probabilities; None if that was never measured.

        Raises:
            DataError: The file cannot be read, or is about another model or prompt.
        """
        if self.settings.vlm_reliability is None:
            return None
        table = Reliability.load(self.settings.vlm_reliability)
        if (table.model, table.prompt) != (self.vlm.version, self.prompt.reference):
            raise DataError(
                f"{self.settings.vlm_reliability.name} is about {table.model} with {table.prompt}.",
                hint="Measure this model: ferce vlm calibrate",
            )
        return table

    def check(self) -> None:
        """Read prompt, bank and reliability, and let the model look whether its files and packages are there; loads nothing.

        Raises:
            SettingsError: The prompt cannot be used.
            DataError: The bank or the reliability file cannot be used.
            SetupError: The model lacks a file or a package.
        """
        _ = self.prompt, self.bank, self.reliability
        check = getattr(self.vlm, "check", None)
        if callable(check):
            check()

    def time_for(self, left: float | None, cancel: Cancellation | None = None) -> Allowance | None:
        """Return how long a question may take, or None if it is not worth starting.

        Args:
            left: Seconds left of the picture's budget; None for no budget. The budget counts everything, also waiting
                for the model's turn.
            cancel: Set by the caller when the whole run is called off.
        """
        if left is None or (left > self._pace.usual and left > 0):
            return self.time_for_repairs(left, cancel)
        self._pace.left_out()
        return None

    def time_for_repairs(self, left: float | None, cancel: Cancellation | None = None) -> Allowance:
        """Return how long all repairs of an answer may take: what is left, at most the time of one answer."""
        seconds, cancel = self.settings.vlm_seconds, cancel or Cancellation()
        if left is None:
            return Allowance(seconds, None, cancel)
        left = max(left, 0.0)
        return Allowance(min(left, seconds), time.monotonic() + left, cancel)

    def sees(self, prompt: Prompt, context: str | None) -> tuple[str, ...]:
        """Return what a question about a face holds, for the provenance."""
        shows_examples = self.bank is not None and "examples" in prompt.inputs
        parts = {
            "face-crop": True,
            "examples": shows_examples,
            "context": bool(context) and "context" in prompt.inputs,
        }
        return tuple(name for name, inside in parts.items() if inside)

    def prompt_for(self, context: str | None) -> Prompt:
        """Return the prompt for a face; one that needs a context falls back to the default without it."""
        return load_prompt(DEFAULT_PROMPT) if "context" in self.prompt.inputs and not context else self.prompt

    def face_request(
        self,
        pixels: NDArray[np.uint8],
        face: DetectedFace,
        embedding: Sequence[float],
        context: str | None,
        allowed: Allowance,
    ) -> tuple[Request, AnswerShape]:
        """Return the question about one face, and the shape its answer should have."""
        shape = shape_for()
        prompt = self.prompt_for(context)
        examples = self._examples(embedding, shape) if "examples" in prompt.inputs else []
        values = {
            "labels": ", ".join(shape.labels),
            "examples": examples_text(examples, shape.labels),
            "context": (context or "")[:CONTEXT_WORDS],
        }
        room = self.vlm.most_pictures - 1
        shown = [example.picture for example in examples if example.picture] if room >= len(examples) else []
        request = Request(
            prompt=prompt.render_from(values),
            pictures=(*shown, self.picture(pixels, face)),
            grammar=shape.grammar if prompt.answer == "json" else None,
            max_tokens=self.settings.vlm_tokens,
            seconds=allowed.seconds,
            deadline=allowed.deadline,
            cancel=allowed.cancel,
        )
        return request, shape

    def picture(self, pixels: NDArray[np.uint8], face: DetectedFace) -> bytes:
        """Return what the model gets to see of a face: a piece of the photo, or the aligned crop if it knows only those."""
        side = preset_of(self.vlm).aligned
        return crop_jpeg(align_face(pixels, face.landmarks), side) if side else face_jpeg(pixels, face)

    def _knows_scenes(self) -> None:
        if not preset_of(self.vlm).scenes:
            raise VlmError(f"{self.vlm.version} knows faces only.", hint="Use a larger model for scenes and causes.")

    def _examples(self, embedding: Sequence[float], shape: AnswerShape) -> list[Example]:
        if self.bank is None or not self.settings.shots:
            return []
        return self.bank.choose(np.asarray(embedding), self.settings.shots, tuple(shape.labels.values()))

    def ask(self, request: Request) -> Answer:
        """Ask once, and remember how long the model took; waiting for its turn is not the model's time.

        Raises:
            VlmError: The model failed, or took too long.
        """
        try:
            answer = ask_in_time(self.vlm, request)
        except VlmTimeoutError as error:
            if error.seconds > 0:
                self._pace.note(error.seconds, in_time=False)
            raise
        if answer.seconds is not None:
            self._pace.note(answer.seconds, in_time=True)
        return answer

    def extract(self, answer: Answer, request: Request, shape: AnswerShape) -> ExtractedPerception:
        """Turn an answer into a perception, asking again where it cannot be used.

        Raises:
            ExtractionError: No attempt gave a usable answer.
            VlmError: The model failed, or took too long.
        """
        return extract_with_repairs(self.ask, answer, request, shape, repairs=self.settings.vlm_repairs)

    def look_around(self, pixels: NDArray[np.uint8], allowed: Allowance) -> WrittenScene:
        """Ask about the whole picture.

        Raises:
            VlmError: The model failed, took too long, or said nothing that can be used.
        """
        self._knows_scenes()
        request = Request(
            prompt=load_prompt(SCENE_PROMPT).render(),
            pictures=(jpeg(pixels, SCENE_SIDE),),
            grammar=scene_grammar(),
            max_tokens=self.settings.vlm_tokens,
            seconds=allowed.seconds,
            deadline=allowed.deadline,
            cancel=allowed.cancel,
        )
        return read_scene(self.ask(request).text)

    def choose_cause(
        self, pixels: NDArray[np.uint8], person: Person, causes: Sequence[Cause], words: str, allowed: Allowance
    ) -> str | None:
        """Let the model choose among the causes found for a person; it cannot add one.

        Returns:
            The appraisal id of the chosen cause; None if it says that none of them could explain the expression.

        Raises:
            VlmError: The model failed, took too long, or chose nothing that was on offer.
        """
        self._knows_scenes()
        names = list(dict.fromkeys(cause.appraisal for cause in causes))
        shown = person.expression.primary if person.expression else None
        prompt = load_prompt(CAUSE_PROMPT).render(
            expression=shown or "no clear expression",
            candidates="\n".join(f"{name}: something {ontology().appraisals[name].reading}" for name in names),
            context=words[:CONTEXT_WORDS],
        )
        box = person.face.box
        face = DetectedFace(np.array([box.x, box.y, box.width, box.height]), np.zeros((5, 2)), person.face.score)
        limits = allowed.seconds, allowed.deadline, allowed.cancel
        request = Request(prompt, (self.picture(pixels, face),), choice_grammar(names), 40, *limits)
        return read_choice(self.ask(request).text, names)


def examples_text(examples: Sequence[Example], labels: Mapping[str, str]) -> str:
    """Return the examples as lines for a prompt, their labels in the words of the question; empty without examples."""
    if not examples:
        return ""
    template = load_prompt("example")
    lines = [
        template.render(number=str(number), face=example.face, label=label_in_style(example.term, labels) or "none")
        for number, example in enumerate(examples, 1)
    ]
    return "\n".join(("These faces were labelled by people:", *lines))


def face_jpeg(pixels: NDArray[np.uint8], detected: DetectedFace) -> bytes:
    """Return the face with half a face of surroundings on each side as a JPEG of at most 448 pixels."""
    x, y, width, height = detected.box
    low = np.clip(np.floor([x - width / 2, y - height / 2]), 0, None).astype(int)
    high = np.ceil([x + width * 1.5, y + height * 1.5]).astype(int)
    return jpeg(pixels[low[1] : high[1], low[0] : high[0]], FACE_SIDE)


def crop_jpeg(crop: NDArray[np.uint8], side: int) -> bytes:
    """Return an aligned grey crop, enlarged to `side` pixels and evened out, as a JPEG without metadata.

    Raises:
        EngineError: It could not be encoded.
    """
    done, data = cv2.imencode(".jpg", even_crop(crop, side), [cv2.IMWRITE_JPEG_QUALITY, 98])
    if not done:
        raise EngineError("The face could not be encoded.")
    return data.tobytes()


def jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    """Return a picture, downscaled to at most `side` pixels, as a JPEG without metadata.

    Raises:
        EngineError: It could not be encoded.
    """
    scale = min(side / max(pixels.shape[:2]), 1.0)
    size = [max(round(length * scale), 1) for length in (pixels.shape[1], pixels.shape[0])]
    done, data = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    if not done:
        raise EngineError("The picture could not be encoded.")
    return data.tobytes()
