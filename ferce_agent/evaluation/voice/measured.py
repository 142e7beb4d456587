"""From the answers of `ferce bench voice` about speakers left out: temperature, threshold and reliability table.

What is fitted to all answers goes into the weight file; how good it is, is told by fitting it to the other speakers'
answers, for each speaker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ferce_agent.evaluation.voice.folds import CLEAN, NOT_SPEECH, Answers
from ferce_agent.ontology.labels import CANONICAL
from ferce_agent.ontology.store import ontology
from ferce_agent.reasoning.modal_reliability import ModalReliability
from ferce_agent.specialist.calibration import expected_calibration_error, fit_temperature, softmax
from ferce_agent.specialist.conformal import abstention_threshold

ACCURACY: Final = 0.85
"""What the expressions named on speakers left out are to reach."""
LEAST: Final = 0.5
"""No threshold is lower: what is named is likelier than all else together."""
DISCOUNT: Final = 0.5
"""Factor on the voice's exponent where it is fused: use is not acted, German or in a studio. A convention."""
ROUND: Final = 4


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was fitted.

    Attributes:
        temperature: See `ferce_agent.voice.card.VoiceCard`.
        least: See there.
    """

    temperature: float
    least: float

    def probabilities(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return calibrated probabilities of N answers, shape (N, K)."""
        return softmax(np.log(np.maximum(raw, 1e-9)), self.temperature)


def fit_calibration(raw: NDArray[np.float64], gold: NDArray[np.int64]) -> Calibration:
    """Return temperature and threshold.

    Args:
        raw: Probabilities as the model gives them, shape (N, K).
        gold: Right class of each, shape (N,).
    """
    temperature = fit_temperature(np.log(np.maximum(raw, 1e-9)), np.eye(raw.shape[1])[gold])
    found = Calibration(round(temperature, ROUND), LEAST)
    least = abstention_threshold(found.probabilities(raw), gold, ACCURACY)[0]
    return Calibration(found.temperature, round(max(least, LEAST), ROUND))


def cross_fitted(clean: Answers, asked: Answers, speakers: NDArray[np.str_]) -> tuple[NDArray[np.float64], Answers]:
    """Return the thresholds (N,), and the answers calibrated, each fitted to the clean answers of other speakers.

    Args:
        clean: About the sound as recorded.
        asked: About the same utterances, under any condition.
        speakers: Of each utterance, shape (N,).
    """
    least, made = np.zeros(len(speakers)), np.zeros_like(asked.probabilities)
    for speaker in np.unique(speakers):
        rows, others = speakers == speaker, speakers != speaker
        fitted = fit_calibration(clean.probabilities[others], clean.gold[others])
        least[rows], made[rows] = fitted.least, fitted.probabilities(asked.probabilities[rows])
    return least, Answers(asked.method, asked.condition, made, asked.gold, asked.emotions, asked.unlike)


def arousal_of(probabilities: NDArray[np.float64], emotions: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the expected arousal, -1..1, by the ontology's values of the emotions, shape (N,).

    Args:
        probabilities: Shape (N, K).
        emotions: Length K.
    """
    values = np.array([ontology().term(word).arousal for word in emotions], np.float64)
    return np.asarray(probabilities @ values, np.float64)


def against_raters(clean: Answers, rated: NDArray[np.float64]) -> str:
    """Return in words how the expected arousal and valence of the answers go with what raters heard.

    Args:
        clean: Answers about the sound as recorded.
        rated: Arousal and valence by raters, shape (N, 2), nan where there are none.
    """
    told = []
    for column, name in enumerate(("arousal", "valence")):
        values = np.array([getattr(ontology().term(word), name) for word in clean.emotions], np.float64)
        seen = np.isfinite(rated[:, column])
        if seen.sum() > 2:  # two points always lie on a line
            r = np.corrcoef(clean.probabilities[seen] @ values, rated[seen, column])[0, 1]
            told.append(f"{clean.method}: {name} against raters r = {r:.3f} ({int(seen.sum())} utterances).")
    return "\n".join(told) or f"{clean.method}: the set has no ratings of arousal and valence."


def reliability(clean: Answers, speakers: NDArray[np.str_], version: str, data: str) -> ModalReliability:
    """Return the table by which the voice is fused.

    Args:
        clean: Answers about the sound as recorded, of speakers left out.
        speakers: Of each utterance, shape (N,).
        version: Of the weights that the table is about.
        data: What it was measured on, in words.
    """
    _, asked = cross_fitted(clean, clean, speakers)
    families = [ontology().canonical_of(word)[0] for word in clean.emotions]
    truth = np.array([CANONICAL.index(families[one]) for one in clean.gold], np.int64)
    values = np.array([ontology().term(word).arousal for word in clean.emotions])
    error = float(np.sqrt(np.mean((arousal_of(asked.probabilities, clean.emotions) - values[clean.gold]) ** 2)))
    table = ModalReliability.measure(
        "voice",
        engine=version,
        columns=clean.emotions,
        shares=asked.probabilities,
        truth=truth,
        discount=DISCOUNT,
        note=f"{data} Speakers left out. Acted speech overstates, and use is not acted, German or in a studio: the "
        f"exponent is halved and the error of arousal doubled, a convention. Arousal is compared with the ontology's "
        f"value of what was acted, not with ratings; valence was not shown to carry over.",
    )
    return table.with_errors(round(error / DISCOUNT, ROUND), None)


def calibration_table(found: Mapping[str, Answers], speakers: NDArray[np.str_]) -> str:
    """Return a Markdown table of how calibrated a method's answers are, and of what it names.

    Args:
        found: Answers by condition, those as recorded among them.
        speakers: Of each utterance, shape (N,).
    """
    lines = [
        "| sound | ECE as answered | ECE calibrated | named | of these right | named as sadness, and wrong |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for condition, raw in found.items():
        if condition != NOT_SPEECH:
            least, told = cross_fitted(found[CLEAN], raw, speakers)
            lines.append(f"| {condition} | {_figures(raw, told, least)} |")
    return "\n".join(lines)


def _figures(raw: Answers, told: Answers, least: NDArray[np.float64]) -> str:
    best = told.probabilities.argmax(1)
    named = told.probabilities.max(1) >= least
    if told.unlike is not None:
        named &= ~told.unlike
    right = best == told.gold
    wrong_sadness = named & ~right & (np.array(told.emotions)[best] == "sadness")
    errors = (expected_calibration_error(one.probabilities, one.gold) for one in (raw, told))
    share = f"{right[named].mean():.3f}" if named.any() else "–"
    return " | ".join([*(f"{one:.3f}" for one in errors), f"{named.mean():.3f}", share, f"{wrong_sadness.mean():.3f}"])
