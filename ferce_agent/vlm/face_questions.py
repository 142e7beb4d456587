"""The question about one face: which prompt, which examples, and which picture of the face a model gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ferce_agent.concurrency.lazy import lazy_property
from ferce_agent.errors import DataError, SettingsError
from ferce_agent.faces.alignment import align_face
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.prompts.loader import Prompt, load_prompt
from ferce_agent.settings import Settings
from ferce_agent.vlm.bank import Bank, Example, label_in_style
from ferce_agent.vlm.extraction.shape import AnswerShape, shape_for
from ferce_agent.vlm.pictures import crop_jpeg, face_jpeg
from ferce_agent.vlm.protocol import Allowance, Request, VisionLanguageModel, preset_of

DEFAULT_PROMPT = "perceive"
CONTEXT_WORDS = 1000
"""Characters of the caller's context that a prompt may hold."""


class FaceQuestions:
    """Makes the questions about faces for one model."""

    def __init__(self, vlm: VisionLanguageModel, settings: Settings, specialist: str = "") -> None:
        """Prepare; see `Asker`."""
        self._vlm, self._settings, self._specialist = vlm, settings, specialist

    @lazy_property
    def prompt(self) -> Prompt:
        """The prompt for a face: the one in the settings, or the one that suits the model.

        Raises:
            SettingsError: There is no such prompt, or it is not about one face.
        """
        prompt = load_prompt(self._settings.vlm_prompt or preset_of(self._vlm).prompt or DEFAULT_PROMPT)
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
        if self._settings.bank is None:
            return None
        bank = Bank.load(self._settings.bank)
        if self._specialist and bank.specialist != self._specialist:
            raise DataError("The bank was built with other weights.", hint="Build it again: ferce bank build")
        return bank

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

    def request(
        self,
        pixels: NDArray[np.uint8],
        face: DetectedFace,
        embedding: Sequence[float],
        context: str | None,
        allowed: Allowance,
    ) -> tuple[Request, AnswerShape]:
        """Return the question about one face, and the shape its answer should have.

        Args:
            pixels: The photo, shape (H, W, 3), uint8, BGR.
            face: The face in pixels of the photo.
            embedding: The specialist's features of the face, length 256; only used with a bank.
            context: What the caller tells, in words; cut to `CONTEXT_WORDS` characters.
            allowed: The time it may take.

        Raises:
            SettingsError: The prompt cannot be used.
            DataError: The bank cannot be used.
            EngineError: The picture could not be encoded.
        """
        shape = shape_for()
        prompt = self.prompt_for(context)
        examples = self._examples(embedding, shape) if "examples" in prompt.inputs else []
        values = {
            "labels": ", ".join(shape.labels),
            "examples": examples_text(examples, shape.labels),
            "context": (context or "")[:CONTEXT_WORDS],
        }
        room = self._vlm.most_pictures - 1
        shown = [example.picture for example in examples if example.picture] if room >= len(examples) else []
        request = Request(
            prompt=prompt.render_from(values),
            pictures=(*shown, self.picture(pixels, face)),
            grammar=shape.grammar if prompt.answer == "json" else None,
            max_tokens=self._settings.vlm_tokens,
            seconds=allowed.seconds,
            deadline=allowed.deadline,
            cancel=allowed.cancel,
        )
        return request, shape

    def picture(self, pixels: NDArray[np.uint8], face: DetectedFace) -> bytes:
        """Return what the model gets to see of a face, as a JPEG.

        It is a piece of the photo, or the aligned grey crop if the model was trained on those alone.

        Raises:
            EngineError: It could not be encoded.
        """
        side = preset_of(self._vlm).aligned
        return crop_jpeg(align_face(pixels, face.landmarks), side) if side else face_jpeg(pixels, face)

    def _examples(self, embedding: Sequence[float], shape: AnswerShape) -> list[Example]:
        if self.bank is None or not self._settings.shots:
            return []
        return self.bank.choose(np.asarray(embedding), self._settings.shots, tuple(shape.labels.values()))


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
