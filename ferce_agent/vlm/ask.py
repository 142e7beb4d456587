"""One vision-language model and how it is asked.

It is asked within the time that is left, and again where an answer cannot be used.
"""

from __future__ import annotations

from ferce_agent.concurrency.cancellation import Cancellation
from ferce_agent.errors import VlmTimeoutError
from ferce_agent.settings import Settings
from ferce_agent.vlm.extraction.perception import ExtractedPerception
from ferce_agent.vlm.extraction.repair import extract_with_repairs
from ferce_agent.vlm.extraction.shape import AnswerShape
from ferce_agent.vlm.face_questions import FaceQuestions
from ferce_agent.vlm.pace import Pace, allowance
from ferce_agent.vlm.protocol import Allowance, Answer, Request, VisionLanguageModel, ask_in_time
from ferce_agent.vlm.scene_questions import SceneQuestions


class Asker:
    """One vision-language model and how it is used.

    Attributes:
        vlm: The model.
        settings: Prompt, bank, limits.
        faces: Makes the questions about faces.
    """

    def __init__(self, vlm: VisionLanguageModel, settings: Settings, specialist: str = "") -> None:
        """Prepare.

        Args:
            vlm: The model.
            settings: Prompt, bank, limits.
            specialist: Digest of the expression model's weights; a bank made with others is refused.
        """
        self.vlm, self.settings = vlm, settings
        self.faces = FaceQuestions(vlm, settings, specialist)
        self._pace = Pace()

    @property
    def scenes(self) -> SceneQuestions:
        """How whole pictures are asked about.

        It is made at each access. Kept, the two objects would refer to each other, and a model of hundreds of megabytes
        would stay in memory until Python's garbage collector runs.
        """
        return SceneQuestions(self.vlm, self.faces, self.ask, self.settings.vlm_tokens)

    def check(self) -> None:
        """Read prompt and bank, and let the model look whether its files and packages are there.

        Loads nothing.

        Raises:
            SettingsError: The prompt cannot be used.
            DataError: The bank cannot be used.
            SetupError: The model lacks a file or a package.
        """
        _ = self.faces.prompt, self.faces.bank
        check = getattr(self.vlm, "check", None)
        if callable(check):
            check()

    def time_for(self, left: float | None, cancel: Cancellation | None = None) -> Allowance | None:
        """Return how long a question may take, or None if it is not worth starting; see `Pace.time_for`."""
        return self._pace.time_for(left, self.settings.vlm_seconds, cancel)

    def time_for_repairs(self, left: float | None, cancel: Cancellation | None = None) -> Allowance:
        """Return how long all repairs of an answer may take: what is left, at most the time of one answer."""
        return allowance(left, self.settings.vlm_seconds, cancel)

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
