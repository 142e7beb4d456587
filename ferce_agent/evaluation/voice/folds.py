"""Leave one speaker out: train on the others, ask about the one, as recorded and harmed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ferce_agent.errors import DataError
from ferce_agent.evaluation.voice.spoken import Spoken
from ferce_agent.voice.features import Samples, voice_frames

HIGH: Final = frozenset({"anger", "fear", "happiness", "excitement", "joy", "surprise"})
"""Emotions of high arousal; boredom, disgust, neutral and sadness are low (Schuller et al. 2010, Cross-Corpus Acoustic
Emotion Recognition, table 4, for EMO-DB)."""
CLEAN: Final = "as recorded"
NOT_SPEECH: Final = "unlike the training"
"""Condition under which no emotion is asked for, only whether the sound is called unlike the training."""
UNLIKE_MARK: Final = "/unlike"
"""Ends the names of `Told.unlike` in the files of answers."""
Harming = Callable[[Samples, Sequence[Samples], np.random.Generator], Samples]
"""Gives a harmed copy of an utterance; the second argument are the utterances of the speakers who are trained on."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a method says about N utterances.

    Attributes:
        probabilities: Of each emotion, shape (N, K).
        unlike: Whether each is called unlike the training, shape (N,); None if the method does not say.
    """

    probabilities: NDArray[np.float64]
    unlike: NDArray[np.bool_] | None = None


class Method(Protocol):
    """What is measured.

    Attributes:
        name: For the table.
    """

    name: str

    def fit(self, train: Spoken, fold: str) -> None:
        """Train anew on these utterances; `fold` names who is left out."""
        ...

    def predict(self, frames: tuple[Samples, ...], emotions: int) -> Told:
        """Say which of so many emotions each utterance shows."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """What a method said about all utterances, each when its speaker was left out.

    Attributes:
        method: Its name.
        condition: What was done to the sound.
        probabilities: Shape (N, K).
        gold: Shape (N,).
        emotions: Length K.
        unlike: Whether each was called unlike the training, shape (N,); None if the method does not say.
    """

    method: str
    condition: str
    probabilities: NDArray[np.float64]
    gold: NDArray[np.int64]
    emotions: tuple[str, ...]
    unlike: NDArray[np.bool_] | None = None

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Rows gold, columns answered, shape (K, K)."""
        counts = np.zeros((len(self.emotions),) * 2, np.int64)
        np.add.at(counts, (self.gold, self.probabilities.argmax(1)), 1)
        return counts

    @property
    def recalls(self) -> NDArray[np.float64]:
        """Share of each emotion that is answered rightly, shape (K,); nan where none occurs."""
        counts = self.confusion
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(counts) / counts.sum(1), np.float64)

    @property
    def uar(self) -> float:
        """Mean of the recalls (unweighted average recall)."""
        return float(np.nanmean(self.recalls))

    @property
    def arousal(self) -> float:
        """Mean recall of high and low arousal, where high is answered if its emotions have most of the probability."""
        high = np.array([word in HIGH for word in self.emotions])
        said, right = self.probabilities[:, high].sum(1) > 0.5, high[self.gold]
        return float(np.mean([(said[right == side] == side).mean() for side in (False, True) if (right == side).any()]))


def leave_one_out(
    spoken: Spoken,
    methods: Sequence[Method],
    harms: Mapping[str, Harming],
    out: Path,
    say: Callable[[str], None] = lambda _: None,
) -> list[Answers]:
    """Measure each method, for each speaker; what is done is kept in `out` and not done again.

    Args:
        spoken: The set.
        methods: What is measured.
        harms: Conditions beside the sound as it is.
        out: Folder for the answers of each fold.
        say: Called with a line after each fold.

    Raises:
        DataError: There is one speaker only, or an answer file is of another set.
    """
    speakers = np.unique(spoken.speakers)
    if len(speakers) < 2:
        raise DataError("Leaving one speaker out needs two or more.", hint="Give the whole set.")
    out.mkdir(parents=True, exist_ok=True)
    said = {
        (one.name, how): np.zeros((len(spoken), len(spoken.emotions))) for one in methods for how in (CLEAN, *harms)
    }
    unlike: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for speaker in speakers:
        rows, others = np.flatnonzero(spoken.speakers == speaker), np.flatnonzero(spoken.speakers != speaker)
        for method in methods:
            answers = _fold(spoken, (rows, others), method, harms, out)
            for how, told in answers.items():
                said[method.name, how][rows] = told.probabilities
                if told.unlike is not None:
                    unlike.setdefault((method.name, how), np.zeros(len(spoken), bool))[rows] = told.unlike
            right = float((answers[CLEAN].probabilities.argmax(1) == spoken.gold[rows]).mean())
            say(f"speaker {speaker}, {method.name}: {right:.3f} of {len(rows)} right")
    return [Answers(*key, values, spoken.gold, spoken.emotions, unlike.get(key)) for key, values in said.items()]


def kept_answers(spoken: Spoken, method: str, harms: Sequence[str], out: Path) -> dict[str, Answers]:
    """Return what an earlier run of `leave_one_out` kept of a method, by condition.

    Args:
        spoken: The set it was about.
        method: Its name.
        harms: The conditions beside the sound as it is.
        out: The folder of that run.

    Raises:
        DataError: A speaker's answers are missing, or are about another set.
    """
    said = {how: np.zeros((len(spoken), len(spoken.emotions))) for how in (CLEAN, *harms)}
    unlike = {how: np.zeros(len(spoken), bool) for how in said}
    for speaker in np.unique(spoken.speakers):
        rows = np.flatnonzero(spoken.speakers == speaker)
        path = _answer_file(out, method, str(speaker))
        for how, told in _kept(path, set(said), (len(rows), len(spoken.emotions))).items():
            said[how][rows] = told.probabilities
            if told.unlike is not None:
                unlike[how][rows] = told.unlike
    return {how: Answers(method, how, said[how], spoken.gold, spoken.emotions, unlike[how]) for how in said}


def _answer_file(out: Path, method: str, speaker: str) -> Path:
    return out / f"{method}-{_plain_name(speaker)}.npz"


def _plain_name(speaker: str) -> str:
    return re.sub(r"\W", "_", speaker)


def _fold(
    spoken: Spoken,
    split: tuple[NDArray[np.int64], NDArray[np.int64]],
    method: Method,
    harms: Mapping[str, Harming],
    out: Path,
) -> dict[str, Told]:
    rows, others = split
    speaker = str(spoken.speakers[rows[0]])
    path, wanted = _answer_file(out, method.name, speaker), {CLEAN, *harms}
    if path.exists():
        return _kept(path, wanted, (len(rows), len(spoken.emotions)))
    train, asked = spoken.take(others), spoken.take(rows)
    method.fit(train, _plain_name(speaker))
    answers = {CLEAN: method.predict(asked.frames, len(spoken.emotions))}
    for name, harm in harms.items():
        # One generator for each utterance: its harm is the same for all methods.
        harmed = [
            harm(one, train.samples, np.random.default_rng((row, 17)))
            for one, row in zip(asked.samples, rows, strict=True)
        ]
        answers[name] = method.predict(tuple(voice_frames(one) for one in harmed), len(spoken.emotions))
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **_arrays(answers))  # type: ignore[arg-type]
    os.replace(partial, path)
    return answers


def _arrays(answers: Mapping[str, Told]) -> dict[str, NDArray[np.generic]]:
    whole: dict[str, NDArray[np.generic]] = {name: told.probabilities for name, told in answers.items()}
    return whole | {name + UNLIKE_MARK: told.unlike for name, told in answers.items() if told.unlike is not None}


def _kept(path: Path, wanted: set[str], shape: tuple[int, int]) -> dict[str, Told]:
    try:
        with path.open("rb") as opened, np.load(opened) as file:  # of a damaged one NumPy closes no file of its own
            answers = {
                name: Told(
                    np.asarray(file[name], np.float64),
                    np.asarray(file[name + UNLIKE_MARK], bool) if name + UNLIKE_MARK in file else None,
                )
                for name in wanted
            }
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:  # no file of arrays, or one cut short
        raise DataError(f"{path.name} holds no answers of this measurement.", hint="Use another folder.") from error
    if any(one.probabilities.shape != shape for one in answers.values()):
        raise DataError(f"{path.name} holds answers about another set.", hint="Use another folder.")
    return answers
