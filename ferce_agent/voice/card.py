"""What a weight file of the voice model says about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ferce_agent.errors import WeightsError


@dataclass(frozen=True, slots=True)
class VoiceCard:
    """The card in the metadata of the ONNX file.

    Attributes:
        version: Version of the weights.
        columns: Columns of the input `frames`, as of `ferce_agent.voice.features.voice_frames`.
        functionals: Columns of the input `functionals`, as of `ferce_agent.voice.functionals.rich_functionals`.
        emotions: The terms of the output `emotions`, in its order.
        temperature: By which the logarithms of the probabilities are divided, fitted on speakers left out.
        least: Probability from which on an expression is named, fitted likewise.
        measured: On what these two rest, in words.
        data: What it was trained on, in words.
        affect: Where arousal comes from, in words.
    """

    version: str
    columns: int
    functionals: int
    emotions: tuple[str, ...]
    temperature: float
    least: float
    measured: str
    data: str
    affect: str

    @classmethod
    def from_json(cls, text: str) -> VoiceCard:
        """Read the card from the weight file's metadata.

        Raises:
            WeightsError: It is no such card.
        """
        try:
            fields = json.loads(text)
            fields["emotions"] = tuple(map(str, fields["emotions"]))
            card = cls(**fields)
            fine = card.temperature > 0 and 0 <= card.least <= 1 and len(set(card.emotions)) == len(card.emotions) > 1
        except (ValueError, TypeError, KeyError) as error:
            raise WeightsError("The weight file has no card of a voice model.", hint="Train it again.") from error
        if not fine:
            raise WeightsError("The card of the voice model holds impossible values.", hint="Train it again.")
        return card
