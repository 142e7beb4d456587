"""`python -m ferce_agent.evaluation.voice.speakers [--data DIR]`: how well the speaker in a film is found.

Made films of two faces (`talking`): one of them speaks, or a voice is off camera; the other mouths rest, smile, or move
to another voice. The films go through the real chain: following, the specialist, speech detection, `who_speaks`. Voices
are utterances of EMO-DB (`DIR/emodb.parquet`), without `--data` syllables made of vowels. The portraits are two, so
what is measured is whether timing tells speakers apart, not how well mouths of all kinds are read.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np

from ferce_agent.clips.analysis import ClipAnalysis
from ferce_agent.clips.finished import FinishedTrack
from ferce_agent.clips.speakers import mouth_of, who_speaks
from ferce_agent.evaluation.voice.activity import utterances
from ferce_agent.evaluation.voice.talking import SIDE, Samples, TalkingFilm, babble, spoken_opening, talking_face
from ferce_agent.inputs.sound import open_sound
from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings
from ferce_agent.voice.listening import listen

Mouth = Literal["rests", "smiles", "moves"]
"""What a mouth does that does not speak; ``moves``: to another voice."""
Case = Literal["speaks", "off_camera"]
FILMS: Final = 60
SEED: Final = 19
BEFORE_S: Final = (0.5, 1.2)
"""Silence before the voice."""
AFTER_S: Final = 0.6
MOUTHS: Final[tuple[Mouth, ...]] = get_args(Mouth)


@dataclass(frozen=True, slots=True)
class Staged:
    """A film whose speaker is known.

    Attributes:
        film: The film.
        speaker: Place of the face that speaks; None for a voice off camera.
        mouth: What the mouths do that do not speak.
    """

    film: TalkingFilm
    speaker: int | None
    mouth: Mouth


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one turn.

    Attributes:
        case: Whether a face that is seen speaks.
        mouth: What the other mouths do.
        said: ``right``, ``wrong`` or ``unknown``.
        confidence: Of what was said; None for unknown.
    """

    case: Case
    mouth: Mouth
    said: Literal["right", "wrong", "unknown"]
    confidence: float | None


def stage(number: int, voices: Sequence[Samples]) -> Staged:
    """Return film number so many; the same for the same arguments."""
    random = np.random.default_rng([SEED, number])
    mouth = MOUTHS[number // 2 % len(MOUTHS)]
    sound = _placed(voices[number % len(voices)], random)
    other = _placed(voices[(7 * number + 3) % len(voices)], random)
    away = np.resize(np.roll(other, int(random.integers(0, len(other)))), len(sound))
    openings = {
        "rests": np.zeros(len(sound) // 160),
        "smiles": _smile(len(sound) // 160, random),
        "moves": spoken_opening(away, random),
    }
    place = int(random.integers(2))
    told = [openings[mouth], openings["rests"]]
    if number % 2 == 0:
        told[place] = spoken_opening(sound, random)
    if number % 2 == 0:
        told[1 - place] = openings[mouth]
    faces = [talking_face(number + one, random) for one in range(2)]
    return Staged(TalkingFilm(faces, told, sound, number), place if number % 2 == 0 else None, mouth)


def _placed(voice: Samples, random: np.random.Generator) -> Samples:
    before = np.zeros(round(float(random.uniform(*BEFORE_S)) * SOUND_RATE), np.float32)
    return np.concatenate([before, voice, np.zeros(round(AFTER_S * SOUND_RATE), np.float32)])


def _smile(count: int, random: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a mouth that opens once, slowly, as in a smile or a gasp."""
    times = np.arange(count) / 100
    return 0.5 / (1 + np.exp(-(times - float(random.uniform(0.5, 2.0))) / 0.15))


def tracks_of(film: TalkingFilm, pipeline: Pipeline) -> list[FinishedTrack]:
    """Return the faces of a film as the clip reader follows them, from left to right."""
    analysis = ClipAnalysis(pipeline, infer=True, frame_rate=None)
    analysis.feed(list(film.frames()))
    analysis.finish()
    return sorted(analysis.tracks, key=lambda track: track.box[0])


def answers_of(staged: Staged, pipeline: Pipeline) -> Iterator[Answer]:
    """Yield what is said of each turn of a film."""
    mouths = [(track.box[0] + track.box[2] / 2, mouth_of(track)) for track in tracks_of(staged.film, pipeline)]
    named = [replace(mouth, track=f"track-{int(middle > SIDE) + 1}") for middle, mouth in mouths]
    heard = listen(open_sound((SOUND_RATE, staged.film.sound)), infer=False)
    truth = "off_camera" if staged.speaker is None else f"track-{staged.speaker + 1}"
    for speaker in who_speaks(heard.turns, named):
        said: Literal["right", "wrong", "unknown"] = "unknown"
        if speaker.track is not None:
            said = "right" if speaker.track == truth else "wrong"
        yield Answer("off_camera" if staged.speaker is None else "speaks", staged.mouth, said, speaker.confidence)


def table(answers: Iterable[Answer]) -> list[dict[str, object]]:
    """Return how many turns were named rightly, wrongly, or not at all, by case."""
    known = list(answers)
    rows = []
    for case in get_args(Case):
        for mouth in (*MOUTHS, "all"):
            some = [one for one in known if one.case == case and mouth in (one.mouth, "all")]
            counts = {said: sum(one.said == said for one in some) for said in ("right", "wrong", "unknown")}
            rows.append({"case": case, "other mouths": mouth, "turns": len(some), **counts})
    return rows


def calibration(answers: Iterable[Answer]) -> tuple[float, float]:
    """Return the mean confidence of what was named and the share of it that is right."""
    named = [one for one in answers if one.confidence is not None]
    if not named:
        return float("nan"), float("nan")
    right = [one.said == "right" for one in named]
    return float(np.mean([one.confidence for one in named])), float(np.mean(right))


def voices_of(data: Path | None, count: int) -> list[Samples]:
    """Return voices: utterances of EMO-DB, or syllables made of vowels."""
    if data is not None:
        return list(utterances(data, count))
    return [babble(np.random.default_rng([SEED, 1, number])) for number in range(count)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How well the speaker in a film is found.")
    parser.add_argument("--data", type=Path, help="folder of EMO-DB; without it voices are made")
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    pipeline = Pipeline(Settings())
    voices = voices_of(asked.data, asked.films)
    answers = [one for number in range(asked.films) for one in answers_of(stage(number, voices), pipeline)]
    rows = table(answers)
    sure, right = calibration(answers)
    if asked.json:
        print(json.dumps({"rows": rows, "confidence": sure, "right": right}, indent=1))  # noqa: T201
        return
    print(f"{'case':<12}{'other mouths':<14}{'turns':>6}{'right':>7}{'wrong':>7}{'unknown':>9}")  # noqa: T201
    for row in rows:
        print("{case:<12}{other mouths:<14}{turns:>6}{right:>7}{wrong:>7}{unknown:>9}".format(**row))  # noqa: T201
    print(f"Of what was named {right:.1%} is right, at a mean confidence of {sure:.1%}.")  # noqa: T201


if __name__ == "__main__":
    main()
