"""Questions about the whole picture: what is to be seen, and which of several causes fits best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import VlmError
from ferce_agent.faces.detection import DetectedFace
from ferce_agent.ontology.store import ontology
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.report import Cause, Person
from ferce_agent.vlm.extraction.choice import choice_grammar, read_choice
from ferce_agent.vlm.extraction.scene import WrittenScene, read_scene, scene_grammar
from ferce_agent.vlm.face_questions import CONTEXT_WORDS, FaceQuestions
from ferce_agent.vlm.pictures import SCENE_SIDE, jpeg
from ferce_agent.vlm.protocol import Allowance, Answer, Request, VisionLanguageModel, preset_of

SCENE_PROMPT = "scene"
CAUSE_PROMPT = "cause"


class SceneQuestions:
    """Asks one model about whole pictures."""

    def __init__(
        self, vlm: VisionLanguageModel, faces: FaceQuestions, ask: Callable[[Request], Answer], tokens: int
    ) -> None:
        """Prepare.

        Args:
            vlm: The model.
            faces: Gives the picture of a face as this model wants it.
            ask: Puts a question to the model.
            tokens: At most so many tokens in an answer.
        """
        self._vlm, self._faces, self._ask, self._tokens = vlm, faces, ask, tokens

    def describe(self, pixels: NDArray[np.uint8], allowed: Allowance) -> WrittenScene:
        """Ask about the whole picture.

        Args:
            pixels: Shape (H, W, 3), uint8, BGR.
            allowed: The time it may take.

        Raises:
            VlmError: The model failed, took too long, or said nothing that can be used.
        """
        self._knows_scenes()
        request = Request(
            prompt=load_prompt(SCENE_PROMPT).render(),
            pictures=(jpeg(pixels, SCENE_SIDE),),
            grammar=scene_grammar(),
            max_tokens=self._tokens,
            seconds=allowed.seconds,
            deadline=allowed.deadline,
            cancel=allowed.cancel,
        )
        return read_scene(self._ask(request).text)

    def choose_cause(
        self, pixels: NDArray[np.uint8], person: Person, causes: Sequence[Cause], words: str, allowed: Allowance
    ) -> str | None:
        """Let the model choose among the causes found for a person; it cannot add one.

        Args:
            pixels: The photo, shape (H, W, 3), uint8, BGR.
            person: Whose face the model is shown.
            causes: What there is to choose from.
            words: What the caller tells; cut to `CONTEXT_WORDS` characters.
            allowed: The time it may take.

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
        request = Request(prompt, (self._faces.picture(pixels, face),), choice_grammar(names), 40, *limits)
        return read_choice(self._ask(request).text, names)

    def _knows_scenes(self) -> None:
        if not preset_of(self._vlm).scenes:
            raise VlmError(f"{self._vlm.version} knows faces only.", hint="Use a larger model for scenes and causes.")
