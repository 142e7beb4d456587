from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from ferce_agent.evaluation.voice.speakers import Answer, answers_of, calibration, stage, table, voices_of
from ferce_agent.evaluation.voice.talking import babble, envelope, spoken_opening, talking_face
from ferce_agent.inputs.sound_parts import SOUND_RATE
from ferce_agent.pipeline import Pipeline
from ferce_agent.settings import Settings


def test_a_film_is_the_same_for_the_same_number() -> None:
    voices = voices_of(None, 3)
    one, again = stage(2, voices), stage(2, voices)
    assert one.speaker == again.speaker is not None
    np.testing.assert_array_equal(one.film.sound, again.film.sound)
    np.testing.assert_array_equal(one.film.openings[0], again.film.openings[0])
    for first, second in islice(zip(one.film.frames(), again.film.frames(), strict=True), 3):
        np.testing.assert_array_equal(first.pixels, second.pixels)


def test_every_other_voice_is_off_camera() -> None:
    voices = voices_of(None, 2)
    staged = [stage(number, voices) for number in range(12)]
    assert [one.speaker is None for one in staged] == [False, True] * 6
    assert {(one.speaker is None, one.mouth) for one in staged} == {
        (off, mouth) for off in (True, False) for mouth in ("rests", "smiles", "moves")
    }


@pytest.mark.parametrize("seed", range(3))
def test_a_speakers_mouth_goes_with_the_voice_about_as_in_films(seed: int) -> None:
    random = np.random.default_rng(seed)
    sound = babble(random, 3.0)
    opening, loud = spoken_opening(sound, random), envelope(sound)
    best = max(np.corrcoef(np.roll(opening, lag), loud)[0, 1] for lag in range(16))
    assert 0.35 < best < 0.9


def test_an_opened_mouth_changes_the_mouth_alone() -> None:
    face = talking_face(0, np.random.default_rng(0))
    changed = np.abs(face.at(1.0).astype(int) - face.at(0.0).astype(int)).max(2)
    eyes, mouth = (int(face.actor.landmarks[rows, 1].mean()) for rows in (slice(0, 2), slice(3, 5)))
    assert changed[: eyes + 5].max() <= 1
    assert changed[mouth - 10 : mouth + 30].max() > 80


def test_syllables_are_a_voice() -> None:
    sound = babble(np.random.default_rng(0), 2.0)
    assert sound.dtype == np.float32 and 2.0 <= len(sound) / SOUND_RATE < 2.5
    assert 0.1 < np.abs(sound).max() <= 0.51


def test_the_real_chain_answers_for_each_turn() -> None:
    voices = voices_of(None, 1)
    found = [one for number in range(2) for one in answers_of(stage(number, voices), Pipeline(Settings()))]
    assert [one.case for one in found] == ["speaks", "off_camera"]
    assert all(one.said != "wrong" for one in found)


def test_the_table_counts() -> None:
    answers = [
        Answer("speaks", "rests", "right", 0.8),
        Answer("speaks", "moves", "wrong", 0.6),
        Answer("off_camera", "rests", "unknown", None),
    ]
    rows = {(row["case"], row["other mouths"]): row for row in table(answers)}
    assert rows["speaks", "all"]["turns"] == 2
    assert (rows["speaks", "all"]["right"], rows["speaks", "all"]["wrong"]) == (1, 1)
    assert rows["off_camera", "rests"]["unknown"] == 1
    assert calibration(answers) == pytest.approx((0.7, 0.5))
    assert np.isnan(calibration([])).all()
