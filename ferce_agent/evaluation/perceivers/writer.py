"""Any vision-language model as a perceiver, asked in FERBench's form."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from ferce_agent.errors import EngineError
from ferce_agent.evaluation.items import LabelSpace
from ferce_agent.evaluation.perceivers.base import Prediction, Sample
from ferce_agent.graphs.engines import Engines
from ferce_agent.prompts.loader import load_prompt
from ferce_agent.vlm.pictures import crop_jpeg
from ferce_agent.vlm.protocol import Request, VisionLanguageModel, ask_in_time, preset_of

SIDE: Final = 224
"""FERBench resizes the aligned face to 224x224."""
PROMPT: Final = "ferbench"
SECONDS: Final = 600.0
TOKENS: Final = 1024
"""Longest answer, as in UniFER's published evaluation."""


class WrittenPerceiver:
    """A vision-language model that gets the face at 224x224 and the candidate labels, and answers in words."""

    writes = True

    def __init__(self, model: VisionLanguageModel, *, consent: bool = False) -> None:
        """Wrap the model.

        Args:
            model: Any vision-language model.
            consent: Whether the people shown agree that their faces go to a remote one.

        Raises:
            PolicyError: The model is a remote one, and nobody said so.
        """
        Engines(vlm=model).permit_sending({"consent": True} if consent else None)
        self._model = model

    def describe(self) -> dict[str, Any]:
        """Return the model's name and version and the prompt's."""
        prompt = load_prompt(PROMPT)
        return {
            "name": self._model.name,
            "version": self._model.version,
            "prompt": prompt.reference,
            "remote": self._model.remote,
            "trained_on": dict(getattr(self._model, "trained_on", {})),
        }

    def perceive(self, sample: Sample, labels: LabelSpace) -> Prediction:
        """Ask the model and return its words."""
        prompt = load_prompt(PROMPT).render(labels=", ".join(labels.words))
        longest = preset_of(self._model).max_tokens or TOKENS
        request = Request(prompt, (self.picture(sample),), max_tokens=longest, seconds=SECONDS)
        return Prediction(answer=ask_in_time(self._model, request).text)

    def picture(self, sample: Sample) -> bytes:
        """Return what the model gets to see: the face at 224x224, or the aligned crop if it knows only those.

        Raises:
            EngineError: It could not be encoded.
        """
        side = preset_of(self._model).aligned
        if side:
            return crop_jpeg(sample.aligned(), side)
        face = cv2.resize(sample.cut_out(), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        done, data = cv2.imencode(".jpg", np.ascontiguousarray(face), [cv2.IMWRITE_JPEG_QUALITY, 95])
        if not done:
            raise EngineError("The face could not be encoded.")
        return data.tobytes()
